"""The event store as a page: messages of an execution or a correlation id, with headers for those who may."""

import re
from dataclasses import replace

import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.stored import StoredMessage
from tests.api_kit import ApiBench
from tests.event_kit import stored
from tests.unit.console.pages.test_watching import HOSTILE, text_of


@pytest.fixture
def bench() -> ApiBench:
    made = ApiBench(access_control=False, pages=ROUTERS)
    hostile = stored(3, correlation_id="c2", headers={"x": HOSTILE}, body=HOSTILE.encode())
    made.messages.rows = numbered(stored(1), stored(2, execution_id="shop:2"), hostile)
    return made


def numbered(*messages: StoredMessage) -> list[StoredMessage]:
    return [replace(one, number=number) for number, one in enumerate(messages, 1)]


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r'<tr id="message-(\d+)"', text)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [3, 2, 1]),
        ("?correlation_id=c1", [2, 1]),
        ("?execution_id=shop:1&correlation_id=c1", [1]),
        ("?type=payments.charge&execution_id=", [3, 2, 1]),
        ("?type=none", []),
    ],
)
async def test_messages_are_found_the_newest_first(bench, query, expected) -> None:
    assert numbers(await text_of(bench, f"/messages{query}")) == expected


async def test_headers_and_bodies_are_text(bench) -> None:
    text = await text_of(bench, "/messages?correlation_id=c2")
    assert "<dt>x</dt><dd>&lt;img" in text
    assert "<img" not in text


async def test_without_the_right_to_payloads_there_are_neither_headers_nor_bodies(bench) -> None:
    bench.access_control = True
    text = await text_of(bench, "/messages?correlation_id=c1", caller=Caller(actor="vic", role=Role.VIEWER))
    assert (numbers(text), "payload:read" in text, "saga-step" in text) == ([2, 1], True, False)


async def test_a_long_thread_goes_on_behind_its_cursor(bench) -> None:
    bench.messages.rows = numbered(*map(stored, range(60)))
    first = await text_of(bench, "/messages?correlation_id=c1")
    (further,) = re.findall(r'rel="next" href="([^"]+)"', first)
    rest = await text_of(bench, f"/messages{further.replace('&amp;', '&')}")
    assert numbers(first) + numbers(rest) == [*range(60, 0, -1)]


async def test_an_empty_store_says_what_fills_it() -> None:
    assert "saga recorder" in await text_of(ApiBench(access_control=False, pages=ROUTERS), "/messages")


async def test_who_may_not_read_events_is_told_which_right_is_missing(bench) -> None:
    bench.access_control = True
    nobody = Caller(actor="eve", role=Role.VIEWER, sagas=frozenset())
    text = await text_of(bench, "/messages?execution_id=shop:1", 403, nobody)
    assert Permission.EVENTS in text
