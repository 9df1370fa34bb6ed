import io
import shlex

import pytest
from rich.console import Console

from deploy.local.temporal_server import start_temporal, temporal_of

# Says its version and takes the retention; as a server it writes down how it was started, and serves HTTP.
TEMPORAL = """#!/bin/sh
case "$1" in
  --version) echo "temporal version 1.0.0 (Server %s, UI 2.0.0)" ;;
  operator) exit 0 ;;
  server)
    printf '%%s\\n' "$@" > arguments; env > variables
    while [ "$1" != --db-filename ]; do [ "$1" = --http-port ] && port=$2; shift; done
    folder=${2%%/*}; [ -e "$2" ] || echo new > "$2"
    queues=site/api/v1/namespaces/temporal-system/task-queues; mkdir -p $queues; echo ok > site/api/v1/system-info
    (sleep 0.5; echo '{"pollers": [{}]}' > $queues/default-worker-tq) &
    exec python3 -m http.server --bind 127.0.0.1 --directory site "$port" ;;
esac
"""


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder that is current and first on PATH, with a `temporal` in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    install(tmp_path, "1.31.2")
    yield tmp_path
    temporal_of(tmp_path).stop()


def install(folder, version):
    (folder / "temporal").write_text(TEMPORAL % version)
    (folder / "temporal").chmod(0o755)


def test_it_is_started_on_loopback_with_a_file_and_tuned(machine, console) -> None:
    ports = start_temporal(machine, console)
    arguments = shlex.join((machine / "arguments").read_text().splitlines())
    assert f"--ip 127.0.0.1 --namespace default --port {ports['frontend']} --http-port {ports['http']}" in arguments
    assert f"--db-filename {machine}/.local/temporal/temporal.db" in arguments
    assert "--sqlite-pragma=journal_mode=wal --sqlite-pragma=synchronous=normal" in arguments
    assert "--dynamic-config-value=history.transferProcessorMaxPollRPS=2000" in arguments
    assert "--search-attribute=SagaStatus=Keyword" in arguments


def test_it_is_up_only_when_its_last_service_has_started(machine, console) -> None:
    start_temporal(machine, console)
    assert list(machine.rglob("default-worker-tq"))


def test_a_second_start_finds_it_running(machine, console) -> None:
    ports = start_temporal(machine, console)
    before = temporal_of(machine).record()
    assert start_temporal(machine, console) == ports
    assert temporal_of(machine).record() == before
    assert f"Temporal runs at 127.0.0.1:{ports['frontend']}" in console.file.getvalue()


def test_a_persons_own_client_configuration_does_not_reach_it(machine, console, monkeypatch) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
    start_temporal(machine, console)
    assert "TEMPORAL_" not in (machine / "variables").read_text()


def test_the_database_of_another_version_is_kept_aside(machine, console) -> None:
    start_temporal(machine, console)
    temporal_of(machine).stop()
    folder = machine / ".local" / "temporal"
    (folder / "temporal.db").write_text("old")
    install(machine, "1.32.0")
    start_temporal(machine, console)
    assert (folder / "temporal-1.31.2.db").read_text() == "old"
    assert (folder / "temporal.db").read_text() == "new\n"
    assert "its old database is kept as temporal-1.31.2.db" in console.file.getvalue()


def test_the_database_of_the_same_version_goes_on(machine, console) -> None:
    start_temporal(machine, console)
    temporal_of(machine).stop()
    start_temporal(machine, console)
    assert sorted(path.name for path in (machine / ".local" / "temporal").glob("*.db")) == ["temporal.db"]
