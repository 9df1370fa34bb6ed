"""The demo as its user runs it: real servers, processes of their own, books that balance."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local import demo_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600), pytest.mark.usefixtures("environment", "demo_turn")]
PROJECT = Path(__file__).resolve().parents[2]
CLEAN = {
    "aborted": 0,
    "stuck": 0,
    "parked": 0,
    "lost": 0,
    "double_effects": 0,
    "leftover_effects": 0,
    "held_effects": 0,
}


def saga(*arguments, **more):
    return subprocess.Popen([sys.executable, "-m", "workers", *arguments], cwd=PROJECT, text=True, **more)


def run_demo(tmp_path, *arguments):
    file = tmp_path / "accounting.json"
    process = saga("demo", "--json", str(file), *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return process, file


def test_a_hundred_orders_end_and_the_books_balance_by_the_seeds_exact_shares(environment, tmp_path) -> None:
    process, file = run_demo(tmp_path, "--orders", "100", "--seed", "7")
    output, _ = process.communicate()
    assert process.returncode == 0, output
    found = json.loads(file.read_bytes())
    seconds = found.pop("seconds")
    assert found == {"published": 100, "executions": 100, "completed": 88, "compensated": 12, **CLEAN}
    assert seconds > 0


def test_standard_output_is_the_document_alone_and_a_second_demo_is_refused_in_words(environment) -> None:
    process = saga("demo", "--orders", "5", "--json", "-", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_child(process, "worker")
    second = saga("demo", "--orders", "5", "--json", "-", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    refused, told = second.communicate()
    assert (second.returncode, refused) == (1, "")
    assert "saga: another demo is at work on this broker under the names saga-demo.*" in told
    output, noise = process.communicate()
    assert process.returncode == 0, noise
    assert json.loads(output)["published"] == 5
    assert noise == ""


def test_a_worker_that_is_killed_in_the_middle_comes_back_and_nothing_is_lost_or_doubled(environment, tmp_path) -> None:
    process, file = run_demo(tmp_path, "--orders", "100")
    worker = wait_for_child(process, "worker")
    wait_until_books_open(process)
    os.kill(worker, signal.SIGKILL)
    output, _ = process.communicate()
    assert "it is started again" in output
    found = json.loads(file.read_bytes())
    assert {name: found[name] for name in CLEAN} == CLEAN, output
    assert found["completed"] + found["compensated"] == 100, output


def test_it_stays_until_told_and_ends_with_all_it_started(environment, tmp_path) -> None:
    process, file = run_demo(tmp_path, "--orders", "3", "--stay")
    told = ""
    assert process.stdout is not None
    while "press Ctrl-C" not in told:
        line = process.stdout.readline()
        assert line, told
        told += line
    assert file.exists() is False, "it is written at the end"
    assert demo_of(PROJECT).is_running()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 0, told + output
    assert json.loads(file.read_bytes())["completed"] == 3
    assert not demo_of(PROJECT).is_running()


def wait_for_child(process, name):
    """The id of the demo's child that runs `python -m workers NAME`."""
    while process.poll() is None:
        children = subprocess.run(
            ["pgrep", "-P", str(process.pid), "-f", f"workers {name}"], capture_output=True, text=True
        )
        if children.stdout.split():
            return int(children.stdout.split()[0])
        time.sleep(0.1)
    pytest.fail(f"the demo ended before its {name} was seen: {process.stdout.read()}")


def worker_folder(process):
    runs = sorted((PROJECT / ".local" / "demo").iterdir(), key=lambda folder: folder.stat().st_mtime)
    return runs[-1]


def wait_until_books_open(process):
    """Sagas are under way once the participants' first effects are in the books."""
    import sqlite3

    while process.poll() is None:
        file = worker_folder(process) / "payments.db"
        if file.exists():
            try:
                with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as books:
                    if books.execute("select count(*) from effects").fetchone()[0] >= 5:
                        return
            except sqlite3.OperationalError:
                pass  # not made yet
        time.sleep(0.05)
    pytest.fail("the demo ended before any effect was in the books")
