"""What processes cost, from /proc: CPU time and memory of a process, or of all processes of a session."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SESSION, USER_TIME, SYSTEM_TIME, RESIDENT = 3, 11, 12, 21
"""Places in /proc/<pid>/stat behind the command's name, counted from 0."""


@dataclass(frozen=True, slots=True)
class Session:
    """All processes of one session: a server with its helpers. `leader` is the pid that the session is named by."""

    leader: int

    def cpu_ms(self) -> float:
        """CPU time so far, milliseconds."""
        return sum(_cpu_ms(stat) for stat in self._stats())

    def rss_bytes(self) -> int:
        """Resident memory."""
        return sum(int(stat[RESIDENT]) * PAGE for stat in self._stats())

    def _stats(self) -> list[list[str]]:
        found = (_stat(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [stat for stat in found if stat and int(stat[SESSION]) == self.leader]


@dataclass(frozen=True, slots=True)
class Process:
    """One process, its threads included."""

    pid: int

    def cpu_ms(self) -> float:
        """CPU time so far, milliseconds."""
        return _cpu_ms(_stat(self.pid))

    def rss_bytes(self) -> int:
        """Resident memory."""
        stat = _stat(self.pid)
        return int(stat[RESIDENT]) * PAGE if stat else 0

    def peak_rss_bytes(self) -> int:
        """The most that was ever resident."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


Watched = Session | Process


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat behind the command's name; none if it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def _cpu_ms(stat: list[str]) -> float:
    return (int(stat[USER_TIME]) + int(stat[SYSTEM_TIME])) * 1000 / TICKS if stat else 0.0
