"""Start both servers, or find them running; stop what was started."""

import os
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from deploy.local.cache import only_one
from deploy.local.environment import Environment, given_variables, write_environment
from deploy.local.ports import LOOPBACK
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
        ours = Environment.of({"SAGA_DATABASE_URL": f"sqlite:///{project / '.local' / 'saga.db'}"})
        # RabbitMQ first: whether it can be had is known at once, while Temporal may take minutes to build.
        if _is_ours("SAGA_RABBITMQ_URL", given, console):
            ours = _with_rabbitmq(ours, project, console)
        if _is_ours("SAGA_TEMPORAL_ADDRESS", given, console):
            ours = _with_temporal(ours, project, console)
        file = write_environment(project, ours)
    say(console, f"The servers are up; their addresses are in {os.path.relpath(file)}")
    return Environment.of({**ours.variables(), **given})


def down(project: Path, console: Console) -> None:
    """Stop the servers that `up` started for this project folder. Their data and ports stay for the next start."""
    project = project.resolve()
    with only_one(project / ".local" / "lock"):
        for server in (rabbitmq_of(project), temporal_of(project)):
            _stop(server, console)


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
