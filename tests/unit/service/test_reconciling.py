"""The reconciler's passes: one execution that cannot be read or written does not stop them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from orchestrator.errors import EngineUnavailableError
from orchestrator.service import reconciling
from orchestrator.service.journal import JournalEntry
from orchestrator.service.reconciling import Reconciler
from orchestrator.service.records import Freshness, OpenRow
from orchestrator.service.runs import RunSeen
from tests.ledger_kit import COMPLETED, T0, snapshot

NOW = datetime(2030, 1, 1, tzinfo=UTC)
JOURNAL = (JournalEntry(revision=1, at_ms=T0, kind="Started"),)


@dataclass
class Engine:
    """An engine's record by hand: runs that go on, and runs that ended."""

    open: dict[str, RunSeen] = field(default_factory=dict)
    closed: dict[str, RunSeen] = field(default_factory=dict)
    broken: str = ""
    replayed: list[str] = field(default_factory=list)
    error: Exception = field(default_factory=lambda: ValueError("cannot be read"))

    async def open_runs(self):
        for seen in self.open.values():
            yield seen

    async def closed_runs(self, since):
        for seen in self.closed.values():
            yield seen

    async def run(self, workflow_id):
        return {**self.closed, **self.open}.get(workflow_id)

    async def is_current(self, row):
        return False

    async def journal(self, seen):
        self.replayed.append(seen.workflow_id)
        return JOURNAL

    async def look(self, seen, plan):
        if seen.workflow_id == self.broken:
            raise self.error
        key = seen.workflow_id.partition(":")[2]
        return snapshot(key, COMPLETED, confirmed=seen.status != "running")


@dataclass
class Store:
    """Writer, reader and keeper in one, in memory."""

    rows: list[OpenRow] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    marks: dict[str, int] = field(default_factory=dict)
    refuses: str = ""

    async def write(self, snapshots, messages=()):
        if any(one.execution_id == self.refuses for one in snapshots):
            raise ValueError("no")
        self.written += [one.execution_id for one in snapshots if one.journal != JOURNAL]
        self.told += [one.execution_id for one in snapshots if one.journal == JOURNAL]
        return len(snapshots)

    async def open_rows(self, *, after="", limit=500):
        return [row for row in self.rows if row.execution_id > after][:limit]

    async def confirmed_among(self, runs):
        return set()

    async def known_among(self, runs):
        return self.shown.intersection(runs)

    async def plan(self, content_hash):
        return None

    async def mark(self, name):
        return self.marks.get(name, 0)

    async def set_mark(self, name, value):
        self.marks[name] = value

    async def freshness(self):
        return Freshness(None, None)

    async def reconciled(self, began):
        self.marks["reconciled"] = 1


def seen(number: int, **more) -> RunSeen:
    given = {"workflow_id": f"shop:{number}", "run_id": f"run-{number}", "run_ms": T0, "status": "completed"}
    return RunSeen(**{**given, "closed_ms": T0, **more})


def row(number: int) -> OpenRow:
    return OpenRow(
        execution_id=f"shop:{number}",
        workflow_id=f"shop:{number}",
        run_id=f"run-{number}",
        run_ms=T0,
        history=1,
        revision=1,
        changed_ms=T0,
        has_ended=False,
    )


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def store():
    return Store()


async def go_through(engine, store):
    made = Reconciler(engine, writer=store, reader=store, keeper=store)
    return await made.go_through(lambda: NOW, deep=True)


async def test_an_execution_that_cannot_be_read_does_not_keep_the_others_from_being_confirmed(engine, store) -> None:
    engine.closed = {f"shop:{number}": seen(number) for number in range(40)}
    engine.broken = "shop:7"
    counts = await go_through(engine, store)
    assert (counts.confirmed, counts.unknown, len(store.written)) == (39, 1, 39)
    assert store.marks["reconciled"]


async def test_an_execution_whose_row_is_refused_does_not_keep_out_the_others(engine, store) -> None:
    engine.open = {f"shop:{number}": seen(number, status="running", closed_ms=None) for number in range(5)}
    store.rows = [row(number) for number in range(4)]
    store.refuses = "shop:2"
    counts = await go_through(engine, store)
    assert sorted(store.written) == ["shop:0", "shop:1", "shop:3", "shop:4"]
    assert (counts.compared, counts.repaired, counts.unknown) == (4, 5, 1)


async def test_a_server_that_is_away_ends_the_pass_and_the_next_one_looks_at_the_same_time_again(engine, store) -> None:
    engine.closed = {"shop:1": seen(1)}
    engine.broken, engine.error = "shop:1", EngineUnavailableError("away")
    with pytest.raises(EngineUnavailableError):
        await go_through(engine, store)
    assert store.marks == {}


async def test_a_row_that_showed_the_last_change_is_written_anew_and_not_counted_as_repaired(engine, store) -> None:
    # What told of a stuck step was a workflow task behind the row's own: its history grew, the execution did not change.
    last = snapshot("1", COMPLETED).position
    engine.open = {"shop:1": seen(1, status="running", closed_ms=None)}
    for revision, repaired in ((last.revision, 0), (last.revision - 1, 1)):
        store.rows, store.written = [replace(row(1), run_id=last.run_id, revision=revision)], []
        counts = await go_through(engine, store)
        assert (store.written, counts.repaired) == (["shop:1"], repaired)


async def test_a_run_that_goes_on_in_another_is_repaired(engine, store) -> None:
    store.rows = [row(1)]
    engine.open = {"shop:1": replace(seen(1, status="running", closed_ms=None), run_id="run-new")}
    assert (await go_through(engine, store)).repaired == 1


async def test_the_journal_of_an_end_that_no_worker_told_of_is_read_anew_behind_all_rows(
    engine, store, monkeypatch
) -> None:
    monkeypatch.setattr(reconciling, "MOST_JOURNALS", 2)
    engine.closed = {f"shop:{number}": seen(number) for number in (1, 2, 3, 4)}
    store.shown = {"run-4"}
    made = Reconciler(engine, writer=store, reader=store, keeper=store)
    await made.go_through(lambda: NOW, deep=False)
    assert store.written == ["shop:1", "shop:2", "shop:3", "shop:4"]
    assert store.told == ["shop:1", "shop:2"], "so many in one pass"
    engine.closed = {}
    await made.go_through(lambda: NOW, deep=False)
    assert store.told == ["shop:1", "shop:2", "shop:3"]
    assert engine.replayed == store.told, "what a worker told of is not read anew"
