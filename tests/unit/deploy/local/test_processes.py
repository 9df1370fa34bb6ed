import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.errors import BootstrapError
from deploy.local.processes import MARK, Record, Server

SLEEP = ["/bin/sh", "-c", "echo here; sleep 300; true"]


@pytest.fixture
def server(tmp_path):
    server = Server("Sleeper", tmp_path / "sleeper")
    yield server
    server.stop()


def start(server, command=SLEEP, ports=None):
    server.start(command, variables=dict(os.environ), ports=ports or {})


def test_nothing_runs_before_the_start(server) -> None:
    assert not server.is_running()
    assert not server.stop()
    assert server.record() == Record()


def test_a_started_server_runs_and_its_ports_are_remembered(server) -> None:
    start(server, ports={"a": 1})
    assert server.is_running()
    assert server.record().ports == {"a": 1}


def test_a_server_that_begins_one_program_after_another_runs_all_the_time(server) -> None:
    start(server, [*["/usr/bin/env"] * 100, "/bin/sleep", "300"])
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        assert server.is_running()


def test_a_stopped_server_leaves_its_ports_and_nothing_else(server) -> None:
    start(server, ports={"a": 1})
    assert server.stop()
    assert not server.is_running()
    assert server.record() == Record(ports={"a": 1})


def test_a_server_outlives_the_command_that_started_it(server) -> None:
    code = (
        "import os, sys; from pathlib import Path; from deploy.local.processes import Server\n"
        "Server('Sleeper', Path(sys.argv[1])).start(sys.argv[2:], variables=dict(os.environ), ports={})"
    )
    subprocess.run([sys.executable, "-c", code, str(server.folder), *SLEEP], check=True, timeout=30)
    assert server.is_running()


def test_a_killed_server_does_not_run(server) -> None:
    start(server)
    os.killpg(server.record().pid, signal.SIGKILL)
    server_ends(server)
    assert not server.stop()


LINGERS = """
import ctypes, os, threading, time
def linger():
    time.sleep(1)
    os._exit(0)
threading.Thread(target=linger).start()
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)
"""
"""Its first thread ends (the system call `exit`), and another of its threads a second later."""


def threads_of(pid: int) -> int:
    task = Path(f"/proc/{pid}/task")
    return len(list(task.iterdir())) if task.exists() else 0


def test_threads_of_a_servers_helper_that_end_late_are_waited_for(server, tmp_path) -> None:
    script, told = tmp_path / "helper.py", tmp_path / "pid"
    script.write_text(f"import os; open({str(told)!r}, 'w').write(str(os.getpid()))\n{LINGERS}")
    start(server, ["/bin/sh", "-c", f"{sys.executable} {script} & wait"])
    while not told.exists() or not told.read_text():
        time.sleep(0.01)
    pid = int(told.read_text())
    while " Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]:
        time.sleep(0.01)
    assert threads_of(pid) > 1
    server.stop()
    assert threads_of(pid) <= 1


def test_a_server_whose_threads_end_late_is_waited_for_and_buried(server) -> None:
    start(server, [sys.executable, "-c", LINGERS])
    while server.is_running():
        time.sleep(0.01)
    pid = server.record().pid
    assert Path(f"/proc/{pid}").exists()
    server.stop()
    assert not Path(f"/proc/{pid}").exists()


def test_what_the_one_before_printed_is_kept(server) -> None:
    start(server)
    server_prints(server, "here")
    server.stop()
    start(server, ["/bin/sh", "-c", "echo there; sleep 300; true"])
    server_prints(server, "there")
    assert server.log_before.read_text() == "here\n"


def test_what_a_killed_leader_leaves_behind_still_runs_and_is_stopped(server) -> None:
    start(server)
    leader = server.record().pid
    server_prints(server, "here")
    os.kill(leader, signal.SIGKILL)
    assert server.is_running()
    assert server.stop()
    assert not server.is_running()


def test_a_server_that_ignores_the_request_to_end_is_forced(server, monkeypatch) -> None:
    monkeypatch.setattr("deploy.local.processes.STOP_LIMIT", 1.0)
    start(server, ["/bin/sh", "-c", "trap '' TERM; echo here; while :; do sleep 0.1; done"])
    server_prints(server, "here")
    assert server.stop()
    assert not server.is_running()


def test_a_recycled_process_id_is_neither_taken_for_the_server_nor_killed(server) -> None:
    with subprocess.Popen(["/bin/sleep", "300"], start_new_session=True, env={MARK: "somebody else's"}) as stranger:
        server.folder.mkdir()
        (server.folder / "process.json").write_text(json.dumps({"ports": {}, "pid": stranger.pid, "mark": "ours"}))
        assert not server.is_running()
        server.stop()
        assert stranger.poll() is None
        stranger.kill()


def test_a_damaged_record_is_no_record(server) -> None:
    server.folder.mkdir()
    (server.folder / "process.json").write_text('{"pid": 1, "colour": "red"}')
    assert server.record() == Record()


def test_waiting_ends_when_the_server_is_ready(server) -> None:
    start(server)
    server.wait_until(lambda: server.log.read_text() == "here\n", 10)


def test_a_server_that_ends_while_starting_is_told_with_the_end_of_its_log(server) -> None:
    start(server, ["/bin/sh", "-c", "echo no such thing >&2; exit 1"])
    with pytest.raises(BootstrapError, match=r"Sleeper ended while starting(?s:.*)no such thing"):
        server.wait_until(lambda: False, 10)


def test_a_server_that_is_never_ready_is_told_after_the_limit(server) -> None:
    start(server)
    with pytest.raises(BootstrapError, match=r"Sleeper was not ready after 0 s"):
        server.wait_until(lambda: False, 0.2)


def server_prints(server, text):
    while text not in server.log.read_text():
        time.sleep(0.01)


def server_ends(server):
    while server.is_running():
        time.sleep(0.01)
