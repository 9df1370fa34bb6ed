"""Says how far a run of the faults is, and at its end what they cost. Quiet in any other run of the tests."""

import time

from tests.faults.kit import COSTS

MANY = 10
"""Faults in one run from which on it is told how far it is."""


class Progress:
    def __init__(self, total):
        self.total, self.done, self.begun = total, 0, time.monotonic()

    def pytest_runtest_logstart(self, nodeid, location):
        self.done += 1
        minutes, seconds = divmod(int(time.monotonic() - self.begun), 60)
        print(f"\n[{self.done}/{self.total}, {minutes}:{seconds:02}] {location[2]}", flush=True)  # noqa: T201 - the report

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("what the faults cost")
        for line in COSTS:
            terminalreporter.write_line(line)


def pytest_collection_finish(session):
    faults = [item for item in session.items if item.get_closest_marker("faults")]
    if len(faults) >= MANY:
        session.config.pluginmanager.register(Progress(len(session.items)), "faults-progress")
