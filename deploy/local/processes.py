"""Server processes that outlive the command that started them, and that nobody else's process is mistaken for.

Each start gives the process group an environment variable with a random mark, and keeps pid and mark in a file. A
process is ours only if it is in that group *and* carries that mark, so a recycled pid is never taken for a server, and
never killed.
"""

import json
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from deploy.local.environment import write_private
from deploy.local.errors import BootstrapError

MARK = "SAGA_LOCAL_MARK"
PAUSE = 0.1
STOP_LIMIT = 30.0
GLANCE, EXEC_LIMIT = 0.001, 1.0
LOG_TAIL = 15


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of a server between commands: its last ports, and its process while it has one."""

    ports: dict[str, int] = field(default_factory=dict[str, int])
    pid: int = 0
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of one checkout: its name in sentences, and its folder under `.local/`."""

    name: str
    folder: Path
    polite: signal.Signals = signal.SIGTERM
    """What asks it to end in good order."""

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.folder / "console.log"

    @property
    def log_before(self) -> Path:
        """What the one before it printed: why it ended, if nobody stopped it."""
        return self.folder / "console-before.log"

    def record(self) -> Record:
        """What is remembered; nothing if the file is missing or damaged."""
        try:
            return Record(**json.loads(self._file.read_text()))
        except (OSError, ValueError, TypeError):
            return Record()

    def is_running(self) -> bool:
        """Whether a process that we started is alive."""
        return bool(_members(self.record()))

    def was_left(self) -> bool:
        """Whether it was started and never stopped: if it does not run, it ended by itself."""
        return self.record().pid > 0

    def start(self, command: list[str], *, variables: dict[str, str], ports: dict[str, int]) -> None:
        """Start the server in a session of its own, its output in the log; it lives on when we end."""
        mark = secrets.token_hex(16)
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log_before)
        self._remember(Record(ports=ports))
        self._remember(Record(ports, _spawn(command, {**variables, MARK: mark}, self.log), mark))

    def stop(self) -> bool:
        """Ask the server to end, force it after 30 seconds. False if it did not run."""
        record = self.record()
        was_running = bool(_members(record))
        end = time.monotonic() + STOP_LIMIT
        while (members := _members(record)) and time.monotonic() < end:
            # The oldest first: a server takes its own helpers down in the order it needs.
            _kill(members[:1], self.polite)
            _wait(partial(_has_gone, record, members[0]), end - time.monotonic())
        _kill(_members(record), signal.SIGKILL)
        _wait(lambda: not _members(record), STOP_LIMIT)
        _wait(lambda: not _is_ending(record), STOP_LIMIT)
        _wait(lambda: _is_buried(record.pid), STOP_LIMIT)
        self._remember(Record(record.ports))
        return was_running

    def wait_until(self, is_ready: Callable[[], bool], limit: float) -> None:
        """Wait until the server is ready.

        Raises:
            BootstrapError: it ended, or was not ready after `limit` seconds; has the end of its log.
        """
        if not _wait(lambda: not self.is_running() or is_ready(), limit):
            raise BootstrapError(f"{self.name} was not ready after {limit:.0f} s{self._end_of_log()}")
        if not self.is_running():
            raise BootstrapError(f"{self.name} ended while starting{self._end_of_log()}")

    @property
    def _file(self) -> Path:
        return self.folder / "process.json"

    def _remember(self, record: Record) -> None:
        write_private(self._file, json.dumps(asdict(record)) + "\n")

    def _end_of_log(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "; the end of " + "\n  ".join([f"{self.log}:", *lines[-LOG_TAIL:]])


def _spawn(command: list[str], variables: dict[str, str], log: Path) -> int:
    # Not subprocess.Popen: it warns of a child that outlives it, which is what a server must do.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.posix_spawn(
        command[0],
        command,
        variables,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGINT],
    )


def _members(record: Record) -> list[int]:
    """The living processes of the recorded group, oldest first."""
    if not record.pid:
        return []
    found = [(begun, pid) for pid in _pids() if (begun := _begun(pid, record)) is not None]
    return [pid for _, pid in sorted(found)]


def _has_gone(record: Record, pid: int) -> bool:
    return pid not in _members(record)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _begun(pid: int, record: Record) -> int | None:
    """When the process began, in clock ticks since boot; None if it is not one of the record's.

    While it begins another program its variables are out of sight for a moment, so it is looked at again.
    """
    end = time.monotonic() + EXEC_LIMIT
    try:
        while True:
            stat = _stat(pid)
            if int(stat[2]) != record.pid or stat[0] in "ZX":
                return None
            variables = Path(f"/proc/{pid}/environ").read_bytes()
            if variables or time.monotonic() > end:
                return int(stat[19]) if f"{MARK}={record.mark}".encode() in variables.split(b"\0") else None
            time.sleep(GLANCE)
    except (OSError, IndexError, ValueError):
        return None


def _stat(pid: int) -> list[str]:
    # After the name, which is in brackets and may hold anything: state, parent, group, ... the 20th is the start.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _is_ending(record: Record) -> bool:
    """Whether a process of the group has ended but for some of its threads, which still hold its ports and locks."""
    return bool(record.pid) and any(_has_threads_left(pid, record.pid) for pid in _pids())


def _has_threads_left(pid: int, group: int) -> bool:
    try:
        stat = _stat(pid)
        return int(stat[2]) == group and stat[0] == "Z" and len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except (OSError, IndexError, ValueError):
        return False  # it has gone


def _kill(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _is_buried(pid: int) -> bool:
    """Collect an ended child of this process; whether it has gone."""
    if not pid:
        return True
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True  # started by another command


def _wait(is_true: Callable[[], bool], limit: float) -> bool:
    end = time.monotonic() + limit
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True
