"""Pages of parked messages: what is on them, for whom, and that whatever came in is text on them."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.console.pages.rendering import SHOWN_AT_MOST
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.parked_records import Content
from orchestrator.service.records import milliseconds
from tests.api_kit import ApiBench
from tests.parked_kit import T0, arrival

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def bench() -> ApiBench:
    return ApiBench(access_control=False, pages=ROUTERS)


async def park(bench: ApiBench, *numbers: int, **changes) -> list[str]:
    found = [arrival(number, **changes) for number in numbers]
    for one in found:
        await bench.parking.record(one, T0 + 5_000)
    await bench.parking.mark_recorded(T0 + 5_000)
    return [one.id for one in found]


async def text_of(bench: ApiBench, path: str, status: int = 200, caller: Caller | None = None) -> str:
    async with bench.asking(caller) as api:
        answer = await api.http.get(path)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        return answer.text


def links(text: str, kind: str) -> list[str]:
    return re.findall(rf'<th scope="row"><a href="/parked/{kind}/([^"]+)"', text)


async def test_groups_lead_to_messages_and_those_to_what_is_in_them(bench) -> None:
    first, second = await park(bench, 1, 2)
    text = await text_of(bench, "/parked")
    assert "<strong>2</strong> wait in 1 group" in text
    (group,) = links(text, "groups")
    text = await text_of(bench, f"/parked/groups/{group}")
    assert links(text, "messages") == [second, first]
    text = await text_of(bench, f"/parked/messages/{first}")
    assert "&#34;order_id&#34;: 1" in text
    assert "order_id 1 is no text" in text
    assert f'href="/parked/messages/{first}/do/edit"' in text
    assert "not for a message that is parked" in text, "a button that does nothing says why"


async def test_what_is_decided_is_one_click_away(bench) -> None:
    (name,) = await park(bench, 1)
    row = bench.parking.rows[name]
    row.line = replace(row.line, state="discarded")
    bench.parking.kept = {key: replace(group, waiting=0) for key, group in bench.parking.kept.items()}
    assert "Nothing waits here" in await text_of(bench, "/parked")
    (group,) = links(await text_of(bench, "/parked?view=all"), "groups")
    assert links(await text_of(bench, f"/parked/groups/{group}"), "messages") == []
    assert links(await text_of(bench, f"/parked/groups/{group}?view=all"), "messages") == [name]


async def test_an_empty_page_says_whether_anybody_records(bench) -> None:
    assert "saga recorder" in await text_of(bench, "/parked")
    await park(bench, 1)
    assert "Nothing is recorded yet" not in await text_of(bench, "/parked")


@pytest.mark.parametrize(("seconds", "is_told"), [(50, False), (70, True)])
async def test_nothing_waits_is_not_said_for_a_recorder_that_is_away(bench, seconds, is_told) -> None:
    now = milliseconds(datetime.now(UTC))
    await bench.parking.mark_recorded(now - seconds * 1_000)
    for path in ("/", "/parked"):
        text = await text_of(bench, path)
        assert ("No recorder is at work</strong> since" in text) is is_told
        assert ("waits in the parking queue" in text) is is_told


async def test_the_filter_is_in_the_address_and_pages_go_on(bench) -> None:
    await park(bench, *range(1, 53))
    await park(bench, 60, reason="unknown-type")
    assert len(links(await text_of(bench, "/parked?reason=unknown-type"), "groups")) == 1
    (group,) = links(await text_of(bench, "/parked?reason=wrong-schema"), "groups")
    text = await text_of(bench, f"/parked/groups/{group}")
    assert len(links(text, "messages")) == 50
    (further,) = re.findall(r'rel="next" href="([^"]+)"', text)
    rest = await text_of(bench, f"/parked/groups/{group}{further.replace('&amp;', '&')}")
    assert len(links(rest, "messages")) == 2


async def test_whatever_came_in_is_text(bench) -> None:
    (name,) = await park(bench, 1, body=HOSTILE.encode(), text=HOSTILE, said={"type": HOSTILE})
    (group,) = links(await text_of(bench, "/parked"), "groups")
    for path in ("/parked", f"/parked/groups/{group}", f"/parked/messages/{name}"):
        text = await text_of(bench, path)
        assert HOSTILE not in text
        assert "&lt;img" in text


async def test_a_large_body_is_a_file_as_it_came_and_as_it_was_edited(bench) -> None:
    body = b"x" * (SHOWN_AT_MOST + 1)
    (name,) = await park(bench, 1, body=body)
    row = bench.parking.rows[name]
    row.contents = replace(row.contents, edited=Content(body=b"short"))
    text = await text_of(bench, f"/parked/messages/{name}")
    assert ("short" in text, "xxx" in text) == (True, False)
    outgoing, original = re.findall(r'<a download href="([^"]+)"', text)
    async with bench.asking(None) as api:
        assert (await api.http.get(outgoing)).content == b"short"
        assert (await api.http.get(original)).content == body


async def test_payloads_are_for_those_who_may_see_them() -> None:
    bench = ApiBench(pages=ROUTERS)
    (name,) = await park(bench, 1)
    hidden = await text_of(bench, f"/parked/messages/{name}", caller=Caller(actor="eve", role=Role.OPERATOR))
    assert "payload:read" in hidden
    assert "order_id&#34;: 1" not in hidden
    seeing = Caller(actor="ann", role=Role.OPERATOR, granted=frozenset({Permission.PAYLOAD}))
    assert "order_id&#34;: 1" in await text_of(bench, f"/parked/messages/{name}", caller=seeing)


async def test_whoever_may_only_look_is_told_so_by_each_button_and_has_no_form() -> None:
    bench = ApiBench(pages=ROUTERS)
    (name,) = await park(bench, 1)
    group = arrival(1).fingerprint
    viewer = Caller(actor="vic", role=Role.VIEWER)
    for path, deeds in ((f"/parked/messages/{name}", 4), (f"/parked/groups/{group}", 3)):
        text = await text_of(bench, path, caller=viewer)
        assert text.count('<span class="button" aria-disabled="true">') == deeds
        assert "<small>it needs the permission parked:redrive</small>" in text
        assert "/do/" not in text
        form = await text_of(bench, f"{path}/do/redrive", caller=viewer)
        assert "it needs the permission parked:redrive." in form
        assert 'class="deed"' not in form


async def test_what_is_not_there_is_a_page_that_says_so(bench) -> None:
    for path in ("/parked/groups/x", "/parked/messages/x", "/parked/operations/x"):
        assert "x" in await text_of(bench, path, status=404)
