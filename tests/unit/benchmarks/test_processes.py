"""CPU time and memory, read from /proc."""

import os
import subprocess
import sys

from benchmarks.processes import Process, Session


def burn(milliseconds):
    begin = os.times()
    while (sum(os.times()[:2]) - sum(begin[:2])) * 1000 < milliseconds:
        pass


def test_cpu_time_of_a_process_grows_by_what_it_spends() -> None:
    ourselves = Process(os.getpid())
    before = ourselves.cpu_ms()
    burn(60)
    assert ourselves.cpu_ms() - before >= 50


HOLDS = """
import os
input()
held = bytearray(os.urandom(1 << 20) * 50)
print("held", flush=True)
input()
"""


def test_memory_of_a_process_is_what_is_resident() -> None:
    """Of one that is made for it: in ours the new pages may be such as what ran before has left."""
    other = subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdin is not None
        assert other.stdout is not None
        before = Process(other.pid).rss_bytes()
        other.stdin.write(b"\n")
        other.stdin.flush()
        other.stdout.readline()
        held = 50 << 20
        assert Process(other.pid).rss_bytes() - before > held / 2
        assert Process(other.pid).peak_rss_bytes() >= held
    finally:
        other.communicate(b"\n")


def test_a_session_is_the_sum_of_its_processes() -> None:
    code = "import subprocess, sys; print('up', flush=True); subprocess.run([sys.executable, '-c', 'input()'])"
    leader = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert leader.stdout is not None
        leader.stdout.readline()
        assert Session(leader.pid).rss_bytes() >= Process(leader.pid).rss_bytes() > 0
        assert Session(leader.pid).cpu_ms() >= 0
    finally:
        leader.communicate(b"\n")


def test_a_process_that_has_ended_costs_nothing() -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    assert (Process(int(ended.stdout)).cpu_ms(), Process(int(ended.stdout)).rss_bytes()) == (0.0, 0)
