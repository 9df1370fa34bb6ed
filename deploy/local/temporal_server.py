"""Temporal's development server on a file in `.local/temporal/`, tuned for sagas, on loopback only."""

import json
import os
from pathlib import Path

from rich.console import Console

from deploy.local.errors import BootstrapError
from deploy.local.ports import LOOPBACK, answer_of, choose_ports, responds
from deploy.local.processes import Server
from deploy.local.programs import output_of
from deploy.local.progress import doing, say
from deploy.local.temporal_binary import TemporalBinary, temporal_binary
from deploy.local.wellness import is_well

NAMESPACE = "default"
PORTS = ("frontend", "http", "ui")
RETENTION = "168h"
READY_LIMIT = 90.0
LAST_QUEUE = "default-worker-tq"
"""What Temporal's own workers ask for tasks, once all of its services have started."""

DYNAMIC_CONFIG = {
    # 20 polls a second and shard by default; this server has one shard, so each hand-over would wait 40 ms.
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    # 20 by default. A saga that has ended when the queue is looked at is written to the list of executions once, not
    # twice, and each writing turns some sixty indexes: a third of the server's time. Temporal's own list is so much
    # later; ours come from the ledger. In batches that keep up with it all the same.
    "history.visibilityProcessorMaxPollRPS": "2",
    "history.visibilityTaskBatchSize": "1000",
    # On in the development server, for those who make search attributes as they go; each call then reads them anew.
    "system.forceSearchAttributesCacheRefreshOnRead": "false",
    # Off by default, whatever the SDK asks for: an activity then starts with the answer of the workflow task.
    "system.enableActivityEagerExecution": "true",
    # 4 by default: partitions cost a forward hop at our rates.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
}
SEARCH_ATTRIBUTES = ("SagaStatus", "SagaName", "SagaCorrelationId")
# In WAL mode NORMAL survives every crash of the server; only a power cut can take the last transactions.
PRAGMAS = {"journal_mode": "wal", "synchronous": "normal"}


def temporal_of(project: Path) -> Server:
    """This checkout's Temporal, running or not."""
    return Server("Temporal", project / ".local" / "temporal")


def start_temporal(project: Path, console: Console) -> dict[str, int]:
    """Find it running, or start it. Its ports: `frontend`, `http` and `ui`.

    Raises:
        BootstrapError: it could not be found, built or started.
    """
    server = temporal_of(project)
    ports = server.record().ports
    if is_well(server, lambda: _answers(ports), console):
        say(console, f"Temporal runs at {LOOPBACK}:{ports['frontend']}")
        return ports
    binary = temporal_binary(console)
    say(console, str(binary))
    ports = choose_ports(PORTS, before=ports)
    _make_room(server.folder, binary, console)
    with doing(console, f"Starting Temporal at {LOOPBACK}:{ports['frontend']}"):
        server.start(_command(binary, server.folder, ports), variables=_variables(), ports=ports)
        server.wait_until(lambda: _is_whole(ports) and _keeps_history(binary, ports), READY_LIMIT)
    return ports


def _command(binary: TemporalBinary, folder: Path, ports: dict[str, int]) -> list[str]:
    command = [str(binary.path), "server", "start-dev", "--ip", LOOPBACK, "--namespace", NAMESPACE]
    command += ["--port", str(ports["frontend"]), "--http-port", str(ports["http"])]
    command += ["--ui-port", str(ports["ui"]), "--ui-disable-news-fetch"]
    command += ["--db-filename", str(folder / "temporal.db"), "--log-level", "warn"]
    command += [f"--sqlite-pragma={name}={value}" for name, value in PRAGMAS.items()]
    command += [f"--dynamic-config-value={name}={value}" for name, value in DYNAMIC_CONFIG.items()]
    return command + [f"--search-attribute={name}=Keyword" for name in SEARCH_ATTRIBUTES]


def _answers(ports: dict[str, int]) -> bool:
    """Whether the frontend serves requests, by its own word: an open port alone would not show that it hangs."""
    return responds(ports.get("http", 0), "/api/v1/system-info")


def _is_whole(ports: dict[str, int]) -> bool:
    """Whether the last of its services has started too, by what it asks the others for.

    They start one after the other, the frontend last but one, and where one cannot start the server ends: one that
    answered already would be gone a moment later.
    """
    queue = answer_of(ports.get("http", 0), f"/api/v1/namespaces/temporal-system/task-queues/{LAST_QUEUE}")
    return bool(json.loads(queue or "{}").get("pollers"))


def _variables() -> dict[str, str]:
    """The environment without TEMPORAL_...: a person's own client configuration is not for this server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}


def _keeps_history(binary: TemporalBinary, ports: dict[str, int]) -> bool:
    """Set how long ended executions are kept (24 h otherwise). Only a whole server can, so this proves it is up."""
    command = [str(binary.path), "operator", "namespace", "update", "--namespace", NAMESPACE, "--retention", RETENTION]
    command += ["--address", f"{LOOPBACK}:{ports['frontend']}", "--command-timeout", "5s"]
    return output_of(command) is not None


def _make_room(folder: Path, binary: TemporalBinary, console: Console) -> None:
    """Set a database of another server version aside: its tables are made only once, and may not fit."""
    version = ".".join(map(str, binary.server))
    mark, database = folder / "version", folder / "temporal.db"
    before = mark.read_text().strip() if mark.exists() else version
    folder.mkdir(parents=True, exist_ok=True)
    if database.exists() and before != version:
        say(console, f"Temporal was {before} and is {version}: its old database is kept as temporal-{before}.db")
        for ending in ("", "-wal", "-shm"):
            file = folder / f"temporal.db{ending}"
            if file.exists():
                file.replace(folder / f"temporal-{before}.db{ending}")
    try:
        mark.write_text(version + "\n")
    except OSError as error:
        raise BootstrapError(f"{folder} cannot be written: {error}") from error
