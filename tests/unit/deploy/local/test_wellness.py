import io
import os
import signal
import time

import pytest
from rich.console import Console

from deploy.local.processes import Server
from deploy.local.wellness import is_well


@pytest.fixture
def server(tmp_path):
    server = Server("Sleeper", tmp_path / "sleeper")
    server.start(["/bin/sleep", "300"], variables=dict(os.environ), ports={})
    yield server
    server.stop()


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def test_a_server_that_answers_is_well_and_goes_on(server, console) -> None:
    assert is_well(server, lambda: True, console)
    assert server.is_running()


def test_a_server_that_is_only_slow_is_waited_for(server, console) -> None:
    answers = iter([False, False, True])
    assert is_well(server, lambda: next(answers), console)
    assert "Sleeper runs but does not answer" in printed(console)


def test_a_server_that_hangs_is_stopped(server, console, monkeypatch) -> None:
    monkeypatch.setattr("deploy.local.wellness.PATIENCE", 0.2)
    assert not is_well(server, lambda: False, console)
    assert not server.is_running()


def test_a_server_that_has_ended_by_itself_is_told_of(server, console) -> None:
    os.killpg(server.record().pid, signal.SIGKILL)
    while server.is_running():
        time.sleep(0.01)
    assert not is_well(server, lambda: pytest.fail("asked"), console)
    assert "Sleeper has ended by itself" in printed(console)


def test_a_server_that_was_stopped_is_not_said_to_have_ended(server, console) -> None:
    server.stop()
    assert not is_well(server, lambda: pytest.fail("asked"), console)
    assert printed(console) == ""


def test_a_server_that_does_not_run_is_not_asked(tmp_path, console) -> None:
    assert not is_well(Server("Sleeper", tmp_path), lambda: pytest.fail("asked"), console)


def printed(console):
    return console.file.getvalue()
