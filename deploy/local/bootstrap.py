"""Start the servers, or find them running; stop what was started."""

import os
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from deploy.local.cache import only_one
from deploy.local.environment import FILE, Environment, given_variables, read_environment, write_environment
from deploy.local.ports import LOOPBACK
from deploy.local.postgres_server import postgres_of, start_postgres
from deploy.local.processes import Server
from deploy.local.progress import doing, say
from deploy.local.rabbitmq_server import rabbitmq_of, start_rabbitmq
from deploy.local.temporal_server import NAMESPACE, start_temporal, temporal_of


def up(project: Path, console: Console) -> Environment:
    """Start Temporal and RabbitMQ for a project folder, or find them running; write `.local/environment`.

    A server whose address is in the process's environment (SAGA_TEMPORAL_ADDRESS, SAGA_RABBITMQ_URL) is somebody
    else's: it is neither started nor written down, only part of what is returned.

    Raises:
        BootstrapError: a server could not be found, installed or started.
    """
    project = project.resolve()
    given = given_variables()
    with only_one(project / ".local" / "lock"):
        # A server that is given now and was ours before is not written down again.
        kept = ("SAGA_DATABASE_URL", "SAGA_TRACES", "SAGA_POSTGRES_URL", "SAGA_POSTGRES_FOLDER")
        ours = Environment.of({name: value for name, value in _written(project).variables().items() if name in kept})
        # RabbitMQ first: whether it can be had is known at once, while Temporal may take minutes to build.
        if _is_ours("SAGA_RABBITMQ_URL", given, console):
            ours = _with_rabbitmq(ours, project, console)
        if _is_ours("SAGA_TEMPORAL_ADDRESS", given, console):
            ours = _with_temporal(ours, project, console)
        file = write_environment(project, ours)
    say(console, f"The servers are up; their addresses are in {os.path.relpath(file)}")
    return Environment.of({**ours.variables(), **given})


def up_postgres(project: Path, console: Console) -> str:
    """Start a PostgreSQL for a project folder, or find it running; write its address down too. Returns the address.

    It is for tests and trials: the default database stays SQLite. If SAGA_POSTGRES_URL is set, that one is used.

    Raises:
        BootstrapError: it could not be found, installed or started.
    """
    project = project.resolve()
    given = given_variables()
    if not _is_ours("SAGA_POSTGRES_URL", given, console):
        return given["SAGA_POSTGRES_URL"]
    with only_one(project / ".local" / "lock"):
        cluster = start_postgres(project, console)
        outside = "" if cluster.folder.is_relative_to(project) else str(cluster.folder)
        write_environment(project, replace(_written(project), postgres_url=cluster.url, postgres_folder=outside))
    return cluster.url


def down(project: Path, console: Console) -> None:
    """Stop the servers that `up` started for this project folder. Their data and ports stay for the next start.

    What a demo left running on them is stopped first.
    """
    project = project.resolve()
    with only_one(project / ".local" / "lock"):
        if (demo := demo_of(project)).is_running():
            _stop(demo, console)
        for server in (rabbitmq_of(project), temporal_of(project), postgres_of(project)):
            _stop(server, console)


def demo_of(project: Path) -> Server:
    """What a demo leaves running for orders that wait for a person: worker, participants, console, started by it."""
    return Server("the demo's worker, participants and console", project.resolve() / ".local" / "demo-crew")


def _written(project: Path) -> Environment:
    """What is written down, with the default database."""
    file = project / FILE
    before = read_environment(file) if file.exists() else Environment.of({})
    return replace(before, database_url=f"sqlite:///{project / '.local' / 'saga.db'}", traces=before.traces or "file")


def _is_ours(name: str, given: dict[str, str], console: Console) -> bool:
    if name in given:
        say(console, f"{name} is set: that server is used and none is started")
    return name not in given


def _with_temporal(environment: Environment, project: Path, console: Console) -> Environment:
    ports = start_temporal(project, console)
    return replace(
        environment,
        temporal_address=f"{LOOPBACK}:{ports['frontend']}",
        temporal_namespace=NAMESPACE,
        temporal_ui_url=f"http://{LOOPBACK}:{ports['ui']}",
    )


def _with_rabbitmq(environment: Environment, project: Path, console: Console) -> Environment:
    broker = start_rabbitmq(project, console)
    return replace(environment, rabbitmq_url=broker.url, rabbitmq_management_url=broker.management_url)


def _stop(server: Server, console: Console) -> None:
    if not server.is_running():
        say(console, f"{server.name} does not run")
        return
    with doing(console, f"Stopping {server.name}"):
        server.stop()
