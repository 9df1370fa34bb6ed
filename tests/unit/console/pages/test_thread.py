"""The event store as a page: messages of an execution or a correlation id, with headers for those who may."""

import re
from dataclasses import replace

import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.console.pages.rendering import SHOWN_AT_MOST
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


@pytest.mark.parametrize("path", ["/messages?correlation_id=c2", "/messages/3"])
async def test_headers_and_bodies_are_text(bench, path) -> None:
    text = await text_of(bench, path)
    assert "<dt>x</dt><dd>&lt;img" in text
    assert "<img" not in text


async def test_a_body_is_on_a_page_of_its_own(bench) -> None:
    text = await text_of(bench, "/messages?correlation_id=c2")
    assert "onerror" not in text.replace("<dd>&lt;img src=x onerror", "", 1), "a list holds no bodies"
    assert 'href="/messages/3"' in text
    assert "&lt;img" in (await text_of(bench, "/messages/3")).partition("<h2>Body</h2>")[2]


@pytest.mark.parametrize("size", [SHOWN_AT_MOST, SHOWN_AT_MOST + 1])
async def test_a_large_body_is_a_file(bench, size) -> None:
    bench.messages.rows = numbered(stored(1, body=b"x" * size, size=size))
    text = await text_of(bench, "/messages/1")
    assert ("xxx" in text, "more than a page shows" in text) == (size == SHOWN_AT_MOST, size > SHOWN_AT_MOST)
    (file,) = re.findall(r'<a download href="([^"]+)"', text)
    async with bench.asking(None) as api:
        assert (await api.http.get(file)).content == b"x" * size


async def test_a_body_that_was_not_kept_is_said_to_be_so(bench) -> None:
    bench.messages.rows = numbered(stored(1, body=None, size=2_000_000))
    assert "Its 2,000,000 bytes are more than is kept" in await text_of(bench, "/messages/1")


async def test_one_message_hides_what_it_says_from_who_may_not_see_it(bench) -> None:
    bench.access_control = True
    text = await text_of(bench, "/messages/1", caller=Caller(actor="vic", role=Role.VIEWER))
    assert "saga-step" not in text
    assert text.count("payload:read") == 2


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
