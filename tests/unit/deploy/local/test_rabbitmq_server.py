import io
import shutil
import stat

import pytest
from rich.console import Console

from deploy.local.rabbitmq_server import rabbitmq_of, start_rabbitmq

# As a server it writes down its environment and serves HTTP on the management port of its configuration.
SERVER = """
env > "$RABBITMQ_LOG_BASE/variables"
port=$(sed -n 's/^management.tcp.port = //p' "$RABBITMQ_CONFIG_FILE.conf")
mkdir -p "$HOME/site/api/health/checks/port-listener"
touch "$HOME/site/api/health/checks/port-listener/$RABBITMQ_NODE_PORT"
exec python3 -m http.server --bind 127.0.0.1 --directory "$HOME/site" "$port"
"""


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for name in ("rabbitmq-env", "rabbitmq-defaults"):
        (scripts / name).touch()
    (scripts / "rabbitmq-server").write_text(SERVER)
    (scripts / "rabbitmq-server").chmod(0o755)
    monkeypatch.setenv("PATH", str(scripts), prepend=":")
    yield tmp_path
    rabbitmq_of(tmp_path).stop()


def variables(machine):
    lines = (machine / ".local" / "rabbitmq" / "log" / "variables").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_the_node_listens_on_loopback_only_and_takes_16_mebibytes(machine, console) -> None:
    broker = start_rabbitmq(machine, console)
    lines = (machine / ".local" / "rabbitmq" / "rabbitmq.conf").read_text().splitlines()
    assert f"listeners.tcp.1 = 127.0.0.1:{broker.ports['amqp']}" in lines
    assert "management.tcp.ip = 127.0.0.1" in lines
    assert "max_message_size = 16777216" in lines
    found = variables(machine)
    assert found["ERL_EPMD_ADDRESS"] == found["RABBITMQ_NODE_IP_ADDRESS"] == "127.0.0.1"
    assert found["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] == "-kernel inet_dist_use_interface {127,0,0,1}"


def test_what_the_machine_has_set_for_its_own_node_does_not_count(machine, console, monkeypatch) -> None:
    monkeypatch.setenv("RABBITMQ_LOGS", "/var/log/theirs")
    monkeypatch.setenv("ERL_FLAGS", "-theirs")
    start_rabbitmq(machine, console)
    assert not {"RABBITMQ_LOGS", "ERL_FLAGS"} & set(variables(machine))
    assert variables(machine)["HOME"] == str(machine / ".local" / "rabbitmq" / "home")


def test_the_password_is_kept_and_only_its_owner_may_read_it(machine, console) -> None:
    first = start_rabbitmq(machine, console)
    rabbitmq_of(machine).stop()
    assert start_rabbitmq(machine, console).password == first.password
    for name in ("password", "rabbitmq.conf"):
        assert stat.S_IMODE((machine / ".local" / "rabbitmq" / name).stat().st_mode) == 0o600


def test_a_second_start_finds_it_running(machine, console) -> None:
    first = start_rabbitmq(machine, console)
    before = rabbitmq_of(machine).record()
    assert start_rabbitmq(machine, console) == first
    assert rabbitmq_of(machine).record() == before


def test_a_checkout_that_is_made_anew_where_one_was_has_a_node_of_its_own(machine, console) -> None:
    start_rabbitmq(machine, console)
    first = variables(machine)["RABBITMQ_NODENAME"]
    rabbitmq_of(machine).stop()
    shutil.rmtree(machine / ".local")
    start_rabbitmq(machine, console)
    second = variables(machine)["RABBITMQ_NODENAME"]
    assert first != second
    assert {name.partition("@")[2] for name in (first, second)} == {"localhost"}
