"""Every page in every state: empty, of a stale ledger, of one that is away, for who may not, and for nobody.

A page that is added fails here until it has a row. None has a state of loading: the server sends each of them whole, and
what is shown stays until the next one is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.console.api.app import STATIC
from orchestrator.console.api.problems import KINDS
from orchestrator.console.pages import ROUTERS
from orchestrator.errors import StoreUnavailableError
from orchestrator.service.access import Caller, Role
from orchestrator.service.records import Freshness
from tests.api_kit import ApiBench
from tests.parked_kit import T0, arrival
from tests.service_kit import ADMIN, NOW

FILES = {"export.export", "export.export_audit", "sagas.schemas", "sagas.described"}
DOORS = {"doors.show_door", "doors.show_choice", "provider.leave_for_provider", "provider.come_back"}
LEADS_ON = {"me.come_back", "finding.find"}
"""What is no page of the console: files, the way in, and what only leads to pages."""
PARTS = {"base", "macros", "problem", "password", "sign_in"}
TEMPLATES = [path for path in sorted((STATIC.parent / "templates").glob("*.html")) if path.stem not in PARTS]
STRANGER = Caller(actor="max", role=Role.VIEWER, sagas=frozenset({"voyage"}))
"""May look at a saga that nobody knows, and at nothing else."""


@dataclass(frozen=True)
class Page:
    """What a page is to say.

    Attributes:
        path: where it is looked at.
        nothing: what it says when nothing is there; a next step stands beside it.
        lacks: the right that a stranger is told of; empty if what they see is as if nothing was there.
        is_of_ledger: whether it shows executions, of which the ledger's mark speaks.
        is_found: False = where nothing is there, there is no such page.
    """

    path: str
    nothing: str
    lacks: str = ""
    is_of_ledger: bool = False
    is_found: bool = False


PAGES = {
    "watching.overview": Page("/", "Nothing waits for a person", is_of_ledger=True, is_found=True),
    "watching.executions": Page("/executions", "No execution is like this", is_of_ledger=True, is_found=True),
    "watching.execution": Page("/executions/trip:t1", "no execution &#39;trip:t1&#39;", "saga:read", is_of_ledger=True),
    "watching.operations": Page("/operations", "Nobody did anything yet", is_found=True),
    "watching.audit": Page("/audit?target=nobody", "No row is like this", "audit:read", is_found=True),
    "sagas.sagas": Page("/sagas", "This process knows no saga that you may see", is_of_ledger=True, is_found=True),
    "sagas.saga": Page("/sagas/{saga}", "no saga &#39;other&#39; here", "saga:read", is_of_ledger=True),
    "deeds.prepare": Page("/executions/trip:t1/do/cancel", "no execution", "saga:read", is_of_ledger=True),
    "deeds.follow": Page("/operations/{operation}", "no operation"),
    "bulks.bulks": Page("/bulks", "Nobody has begun one yet", "bulk:run", is_found=True),
    "bulks.prepare": Page(
        "/bulks/new?operation=cancel", "There is none to which", "bulk:run", is_of_ledger=True, is_found=True
    ),
    "bulks.bulk": Page("/bulks/{bulk}", "no operation", "bulk:run"),
    "parked.groups": Page("/parked", "Nothing waits here", is_found=True),
    "parked.group": Page("/parked/groups/{group}", "no group of parked messages"),
    "parked.message": Page("/parked/messages/{message}", "no parked message"),
    "parked.operation": Page("/parked/operations/{parked}", "no action on parked messages"),
    "parked_deeds.prepare": Page("/parked/messages/{message}/do/discard", "no parked message"),
    "me.show_me": Page("/me", "None yet: filter the", is_found=True),
    "thread.letter": Page("/executions/trip:t1/messages/in/m9", "no message &#39;m9&#39; (in)", "saga:read"),
    "thread.message": Page("/messages/99", "no message 99 in the event store"),
    "thread.messages": Page("/messages", "It has no message like this", is_found=True),
}


def names() -> Iterator[str]:
    """Each page, by its module and its function."""
    for router in ROUTERS:
        for route in router.routes:
            one: Any = route
            name = f"{one.endpoint.__module__.rpartition('.')[2]}.{one.endpoint.__name__}"
            if "GET" in one.methods and name not in FILES | DOORS | LEADS_ON:
                yield name


every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
NOTHING = {"saga": "other", "operation": "o9", "bulk": "b9", "group": "g9", "message": "m9", "parked": "a9"}


async def shown(bench: ApiBench, page: Page, caller: Caller | None = ADMIN, **ids: str) -> tuple[int, str]:
    path = page.path.format_map({**NOTHING, **ids})
    async with bench.asking(caller) as api:
        answer = await api.http.get(path)
        return answer.status_code, answer.text or answer.headers.get("location", "")


def says_what_to_do(text: str, beside: str) -> bool:
    """Whether a link or a command stands in the paragraph that says this, or behind an alert that does."""
    main = text.partition("<main")[2].partition("</main>")[0]
    paragraphs = re.findall(r'<p class="empty">.*?</p>|<p role="alert">.*', main, re.DOTALL)
    return any(beside in one and re.search("<a href=|<code>", one) for one in paragraphs)


def test_every_page_has_its_row() -> None:
    assert set(names()) == set(PAGES)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_page_tells_whether_it_lives(template: Path) -> None:
    assert "data-live" in template.read_text()


@every_page
async def test_where_nothing_is_there_the_page_says_so_and_what_to_do(page) -> None:
    caller = STRANGER if page.path == "/sagas" else ADMIN  # an administrator sees what the process knows
    status, text = await shown(ApiBench(pages=ROUTERS), page, caller)
    assert status == (200 if page.is_found else 404)
    assert says_what_to_do(text, page.nothing)


@every_page
async def test_a_stranger_is_told_what_they_lack_or_sees_nothing(page) -> None:
    bench = ApiBench(pages=ROUTERS)
    bench.ledger.keep_open(bench.run())
    await bench.parking.record(arrival(), T0)
    status, text = await shown(bench, page, STRANGER, saga="trip")
    if page.lacks:
        assert status == 403
        assert f"What is missing is the right <code>{page.lacks}</code>" in text
        assert says_what_to_do(text, "max lacks the permission")
    else:
        assert says_what_to_do(text, page.nothing)
        assert "trip:t1" not in text.partition("<main")[2]


@every_page
async def test_what_shows_executions_says_when_the_ledger_misses_some(page) -> None:
    bench = ApiBench(pages=ROUTERS)
    bench.ledger.keep_open(bench.run())
    _, fresh = await shown(bench, page, saga="trip")
    assert ("As of " in fresh) is page.is_of_ledger
    bench.ledger.fresh = Freshness(NOW - timedelta(minutes=5), None)
    status, text = await shown(bench, page, saga="trip")
    banner = re.search(r'<p class="banner" role="status"><strong>Stale\.</strong>.*</p>', text)
    assert (banner is not None) is page.is_of_ledger
    if banner:
        assert status == 200
        assert "<code>saga reconciler</code>" in banner[0], "what brings back what is missing"


@every_page
async def test_with_the_ledger_away_a_page_says_so_and_what_to_do(page, monkeypatch) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailableError("the ledger is away")

    bench = ApiBench(pages=ROUTERS)
    monkeypatch.setattr(bench.personal, "preferences", away)  # what is asked for first, in the same database
    status, text = await shown(bench, page)
    assert status == 503
    assert says_what_to_do(text, "the ledger is away")
    assert KINDS["unavailable"].remedy in text


@every_page
async def test_nobody_is_led_to_the_door_and_from_there_back(page) -> None:
    status, where = await shown(ApiBench(pages=ROUTERS), page, None)
    assert (status, where.partition("?back=")[0]) == (303, "/sign-in")
