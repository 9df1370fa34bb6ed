"""Pages to look at: what is on them, for whom, and that whatever the ledger holds is text on them."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from orchestrator.console.api.context import Links
from orchestrator.console.pages import ROUTERS, watching
from orchestrator.console.pages.rendering import SHOWN_AT_MOST
from orchestrator.engine.signals import Failed
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.recording import MAX_BODY
from orchestrator.service.records import MessageRecord, milliseconds
from orchestrator.service.spans import Traces
from tests.api_kit import ApiBench
from tests.event_kit import stored
from tests.service_kit import NOW

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def bench() -> ApiBench:
    """Three trips: one is stuck, one completed, one runs."""
    made = ApiBench(access_control=False, pages=ROUTERS)
    made.ledger.keep_open(made.stuck("t1"), changed_ms=milliseconds(NOW) + 3)
    made.ledger.keep(made.completed("t2"), changed_ms=milliseconds(NOW) + 2, correlation_id="thread")
    made.ledger.keep_open(made.run("t/3"), changed_ms=milliseconds(NOW) + 1, correlation_id="thread")
    return made


async def text_of(bench: ApiBench, path: str, status: int = 200, caller: Caller | None = None) -> str:
    async with bench.asking(caller) as api:
        answer = await api.http.get(path)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(
            r"<script(?! src=\"/static/[\w./-]+\" defer></script>)|<style| style=| on[a-z]+=[\"']", answer.text
        )
        return answer.text


async def text_of_failed(bench: ApiBench, step: str, held: str = "", **more: Any) -> str:
    """The page of a further trip, t4, one of whose steps has failed; `held` says at which it waits, if at another."""
    hand = bench.run("t4", **{held or step: "hold"})
    hand.tell(Failed(step=step, **more))
    bench.ledger.keep_open(hand)
    return await text_of(bench, "/executions/trip:t4")


def listed(text: str) -> list[str]:
    """The executions of a list, by their addresses."""
    return re.findall(r'<th scope="row"><a href="/executions/([^"]+)"', text)


async def test_the_overview_shows_first_what_needs_somebody(bench) -> None:
    text = await text_of(bench, "/")
    assert listed(text) == ["trip%3At1"]
    assert "Retry the undo, mark it done by hand, or give it up." in text
    assert text.index("Needs attention") < text.index("Everything")


async def test_the_overview_tells_of_all_that_sagas_need(bench) -> None:
    text = await text_of(bench, "/")
    assert 'role="alert"' not in text
    for told in ("Ledger: there", "Temporal: there", "Broker: there", "Workers: there", "broker answers"):
        assert told in text


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("temporal", "Temporal: away.</strong> What is shown comes from the ledger"),
        ("broker", "Broker: away.</strong> No event arrives"),
        ("workers", "Workers: away.</strong> No saga goes on: start `saga worker`"),
    ],
)
async def test_the_overview_says_first_what_is_away_and_what_that_means(bench, part, told) -> None:
    bench.gone.add(part)
    text = await text_of(bench, "/")
    assert told in text
    assert text.index('role="alert"') < text.index("Needs attention")
    assert listed(text) == ["trip%3At1"], "what is known is shown all the same"


async def test_what_a_newer_program_wrote_is_shown_as_it_is_called(bench) -> None:
    detail = bench.ledger.details["trip:t1"]
    steps = tuple(replace(one, phase="levitating", outcome="odd") for one in detail.steps)
    status: Any = "dreaming"
    bench.ledger.details["trip:t1"] = replace(detail, row=replace(detail.row, status=status), steps=steps)
    text = await text_of(bench, "/executions/trip:t1")
    assert '<span class="status is-unknown">dreaming</span>' in text
    assert re.search(
        r'<g class="[^"]*is-unknown" [^>]*data-step="book_flight" aria-label="book_flight,[^"]*levitating"', text
    )
    assert '<span class="status is-unknown">dreaming</span>' in await text_of(bench, "/executions?view=all")


async def test_a_failing_step_leads_to_as_many_executions_as_it_says(bench) -> None:
    bench.ledger.keep_open(bench.stuck("t5"), changed_ms=milliseconds(NOW - timedelta(hours=2)))
    bench.ledger.keep_open(bench.stuck("t6"), changed_ms=milliseconds(NOW - timedelta(days=2)))
    for window, number in (("1h", 1), ("24h", 2), ("7d", 3)):
        text = await text_of(bench, f"/?window={window}")
        ((link, told),) = re.findall(r'<td><a href="([^"]+failed_step=[^"]+)">(\d+)</a></td>', text)
        found = listed(await text_of(bench, link.replace("&amp;", "&")))
        assert (int(told), len(found)) == (number, number)


async def test_an_overview_of_nothing_says_so() -> None:
    assert "Nothing waits for a person." in await text_of(ApiBench(access_control=False, pages=ROUTERS), "/")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["t1", "t%2F3"]),
        ("?view=attention", ["t1"]),
        ("?view=all", ["t1", "t2", "t%2F3"]),
        ("?status=completed", ["t2"]),
        ("?view=all&correlation_id=thread", ["t2", "t%2F3"]),
        ("?view=all&q=t1&version=&saga=&changed_after=", ["t1"]),
        ("?view=all&changed_after=2026-01-01T00:01", []),
        ("?view=all&q=%20trip:t1%0A", ["t1"]),
        ("?view=all&failed_step=book_flight%20", ["t1"]),
        ("?view=all&failed_step=book_flight", ["t1"]),
    ],
)
async def test_the_lists_address_is_its_state(bench, query, expected) -> None:
    text = await text_of(bench, f"/executions{query}")
    assert [name.partition("t")[2].replace("rip:", "").replace("rip%3A", "") for name in listed(text)] == expected


async def test_a_long_list_goes_on(bench) -> None:
    for number in range(60):
        bench.ledger.keep_open(bench.run(f"x{number}"), changed_ms=milliseconds(NOW) + 10 + number)
    first = await text_of(bench, "/executions?view=all&saga=trip")
    (further,) = re.findall(r'rel="next" href="([^"]+)"', first)
    rest = await text_of(bench, f"/executions{further.replace('&amp;', '&')}")
    assert len(listed(first)) + len(listed(rest)) == 63
    assert not set(listed(first)) & set(listed(rest))


async def test_an_empty_list_says_what_to_do(bench) -> None:
    assert "No execution is like this." in await text_of(bench, "/executions?q=nothing")


async def test_an_execution_shows_its_picture_its_steps_and_what_may_be_done(bench) -> None:
    text = await text_of(bench, "/executions/trip:t1")
    assert 'aria-label="cancel_flight, undoes book_flight, stuck"' in text
    assert '<a class="button" href="/executions/trip:t1/do/resolve">' in text.replace("trip%3A", "trip:")
    assert "skip is for executions that are parked; this one is stuck" in text
    assert "undo: undo book_flight says no" in text


async def test_ids_with_a_slash_are_found(bench) -> None:
    assert "t/3" in await text_of(bench, f"/executions/{quote('trip:t/3', safe='')}")


async def test_what_others_wrote_is_text(bench) -> None:
    letter = MessageRecord(
        execution_id="trip:t1",
        message_id="m1",
        direction="in",
        kind="event",
        type=HOSTILE,
        at_ms=milliseconds(NOW),
        size=9,
        body=HOSTILE.encode(),
    )
    bench.ledger.letters["trip:t1"] = (letter,)
    for path in ("/executions/trip:t1", "/executions/trip:t1/messages/in/m1"):
        text = await text_of(bench, path)
        assert "<img" not in text
        assert "&lt;img" in text


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/executions/trip:none", 404, "trip:none"),
        ("/sagas/none", 404, "none"),
        ("/operations/none", 404, "none"),
        ("/executions?version=x", 422, "version"),
        ("/executions?cursor=forged", 400, "cursor"),
    ],
)
async def test_errors_are_pages_that_say_what_to_do(bench, path, status, told) -> None:
    text = await text_of(bench, path, status)
    assert told in text
    assert "Trace id" in text


async def test_without_a_right_there_is_a_page_that_says_which(bench) -> None:
    bench.access_control = True
    viewer = Caller(actor="vic", role=Role.VIEWER)
    assert "audit:read" in await text_of(bench, "/audit", 403, viewer)
    assert "hidden" in await text_of(bench, "/executions/trip:t1", caller=viewer)
    async with bench.asking(Authorization="Bearer saga_none") as api:
        unknown = await api.http.get("/")
    assert (unknown.status_code, "no such API token" in unknown.text) == (401, True)


async def test_empty_pages_say_so(bench) -> None:
    assert "Nobody did anything yet." in await text_of(bench, "/operations")
    assert "No row is like this." in await text_of(bench, "/audit")


async def test_a_filter_that_fits_nothing_does_not_say_that_there_is_nothing(bench) -> None:
    await bench.operate("suspend", name="t1")
    text = await text_of(bench, "/operations?actor=nobody")
    assert 'No operation is like this. <a href="/operations">All operations</a>' in text
    for page in ("/operations", "/audit"):
        assert "No " not in await text_of(bench, f"{page}?target=%20trip:t1%20&actor=ann%09"), "as it was pasted"
    assert "Nobody did anything" not in text


async def test_behind_the_last_page_it_is_said_that_there_are_no_older_ones(bench, monkeypatch) -> None:
    monkeypatch.setattr(watching, "ROWS", 1)
    await bench.operate("suspend", name="t1")
    for path in ("/operations", "/audit"):
        (older,) = re.findall(r'rel="next" href="([^"]+)"', await text_of(bench, path))
        text = await text_of(bench, path + older.replace("&amp;", "&"))
        assert re.search(r'There are no older ones. <a href="\?target=&amp;actor=">The newest</a>', text)


async def test_what_is_wrong_with_an_address_is_told_with_a_way_on(bench) -> None:
    text = await text_of(bench, "/executions?version=x&changed_after=0", 422)
    assert "<li>version: Input should be a valid integer" in text
    assert "<li>changed_after: write a time as in" in text
    assert "See `errors`" not in text, "that is for programs"
    assert '<a href="?">The same page, without what its address asks for</a>' in text
    assert "The same page" in await text_of(bench, "/executions?cursor=forged", 400)
    assert "The same page" not in await text_of(bench, "/executions/trip:none?cursor=x", 404)


async def test_an_execution_shows_the_newest_and_leads_to_the_rest(bench, monkeypatch) -> None:
    await bench.operate("suspend", name="t1")
    assert "These are the newest." not in await text_of(bench, "/executions/trip:t2")
    monkeypatch.setattr(watching, "FEW", 1)
    assert '<a href="/operations?target=trip%3At1">All of them</a>' in await text_of(bench, "/executions/trip:t1")
    monkeypatch.setattr(watching, "FEW", 2)
    text = await text_of(bench, "/executions/trip:t2")
    assert '<a href="/executions?view=all&amp;correlation_id=thread">All of them</a>' in text


async def test_a_step_leads_to_its_undo_only_while_that_may_be_asked_for(bench) -> None:
    assert "Compensate from here" in await text_of(bench, "/executions/trip:t2")
    bench.access_control = True
    text = await text_of(bench, "/executions/trip:t2", caller=Caller(actor="vic", role=Role.VIEWER))
    assert "Compensate from here" not in text
    assert '<a href="#not-now" class="faint">Not now: see why</a>' in text
    assert '<details id="not-now">' in text


async def test_attempts_that_are_told_twice_have_names_of_their_own(bench) -> None:
    text = await text_of_failed(bench, "book_hotel", held="book_car", reason="too late")
    names = re.findall(r' id="([^"]+)"', text)
    assert text.count("(ignored: ") == 2, "the attempt, and what it was told"
    assert sorted(names) == sorted(set(names))


async def test_the_overview_tells_how_it_has_been(bench) -> None:
    text = await text_of(bench, "/?window=1h")
    assert 'aria-label="completed, 1"' in text
    named = r'<a href="([^"]+)">1</a></td><td>trip</td><th scope="row">book_flight</th><td class="said">([^<]+)</td>'
    ((address, said),) = re.findall(named, text)
    assert said == "undo book_flight says no", "an operator reads no fingerprints"
    assert listed(await text_of(bench, address.replace("&amp;", "&"))) == ["trip%3At1"]
    assert "from start to end" in text
    assert "saga recorder" in text, "nothing parked is recorded yet"


async def test_who_may_not_see_parked_messages_sees_the_rest() -> None:
    made = ApiBench(pages=ROUTERS)
    viewer = Caller(actor="eve", role=Role.VIEWER)
    text = await text_of(made, "/", caller=viewer)
    assert ("Parked messages</h2>" in text) == viewer.may(Permission.PARKED_READ)
    assert "Nothing ended in this time." in text


async def test_a_step_of_the_picture_leads_to_its_row_and_from_there_to_its_undo(bench) -> None:
    text = await text_of(bench, "/executions/trip:t2")
    assert 'href="#step-book_flight"' in text
    row = text[text.index('id="step-book_flight"') :].partition("</tr>")[0]
    assert "/executions/trip%3At2/do/compensate?step=book_flight" in row


async def test_what_people_did_is_on_the_timeline(bench) -> None:
    await bench.operate("suspend", name="t1")
    text = await text_of(bench, "/executions/trip:t1")
    assert re.search(r'aria-label="Suspend by ann: \w+, decided by hand"', text)


async def test_what_it_knows_is_for_those_who_may_see_payloads(bench) -> None:
    text = await text_of(bench, "/executions/trip:t2")
    assert "<summary>trip_ordered</summary>" in text
    made = ApiBench(pages=ROUTERS)
    made.ledger.keep(made.completed("t2"), changed_ms=milliseconds(NOW))
    hidden = await text_of(made, "/executions/trip:t2", caller=Caller(actor="eve", role=Role.OPERATOR))
    assert "<summary>trip_ordered</summary>" not in hidden
    assert "payload:read" in hidden


async def test_a_step_that_will_be_tried_again_says_when(bench) -> None:
    text = await text_of_failed(bench, "book_hotel", reason="no line")
    row = text.partition('id="step-book_hotel"')[2].partition("</tr>")[0]
    assert 'resting, next try <time datetime="2026-01-01T00:00:00.020000+00:00"' in row
    assert '<tr id="next-book_hotel">' in text
    assert "/executions/trip%3At4/do/retry?step=book_hotel" in text


async def test_a_failed_attempt_shows_where_in_the_code_folded_and_as_text(bench) -> None:
    text = await text_of_failed(bench, "book_hotel", reason="no line", frames=("trips.book, line 7", HOSTILE))
    folded = text.partition('<details id="frames-1">')[2].partition("</details>")[0]
    assert "<li>trips.book, line 7</li><li>&lt;img" in folded
    async with bench.asking() as api:
        told = (await api.http.get("/api/v1/executions/trip:t4/attempts")).json()
    assert [one["frames"] for one in told if one["frames"]] == [["trips.book, line 7", HOSTILE]]
    assert text.count('id="frames-') == 1, "only what failed has some"


async def test_messages_show_the_ids_that_tie_them_together(bench) -> None:
    letter = MessageRecord(
        execution_id="trip:t1",
        direction="out",
        kind="command",
        type="book",
        at_ms=milliseconds(NOW),
        message_id="m7",
        correlation_id="order-9",
        causation_id="m1",
    )
    bench.ledger.letters["trip:t1"] = (letter,)
    text = await text_of(bench, "/executions/trip:t1")
    for header, value in (("ce-id", "m7"), ("ce-correlationid", "order-9"), ("ce-causationid", "m1")):
        assert f"<dt>{header}</dt><dd>{value}</dd>" in text


def letter_of(message_id: str, **more: Any) -> MessageRecord:
    given: dict[str, Any] = {"direction": "out", "kind": "command", "type": "book", "at_ms": milliseconds(NOW), **more}
    return MessageRecord(execution_id="trip:t1", message_id=message_id, **given)


async def test_messages_have_all_their_headers_where_the_event_store_has_them(bench) -> None:
    taken = stored(2, execution_id="", kind="event", way="in", headers={"traceparent": "00-ab"})
    bench.messages.rows = [stored(1, execution_id="trip:t1", headers={"saga-step": HOSTILE}), taken]
    bench.messages.linked = {"trip:t1": {taken.identity}}
    event = letter_of(taken.identity, direction="in", kind="event")
    bench.ledger.letters["trip:t1"] = (letter_of("m1"), event, letter_of("m9"))
    text = await text_of(bench, "/executions/trip:t1")
    assert "<dt>saga-step</dt><dd>&lt;img" in text
    assert "<dt>traceparent</dt><dd>00-ab</dd>" in text
    assert text.count("The event store does not have it.") == 1
    assert text.count("<summary>1 headers</summary>") == 2


async def test_what_a_message_says_is_on_a_page_of_its_own(bench) -> None:
    name = "m/1 2"
    bench.messages.rows = [stored(1, execution_id="trip:t1", message_id=name, headers={"saga-step": "book"})]
    bench.ledger.letters["trip:t1"] = (letter_of(name, body=b"xxx", size=3),)
    text = await text_of(bench, "/executions/trip:t1")
    assert "xxx" not in text
    (path,) = re.findall(r'href="(/executions/trip%3At1/messages/out/[^"]+)"', text)
    text = await text_of(bench, path)
    assert '<pre tabindex="0">xxx</pre>' in text
    assert "<dt>saga-step</dt><dd>book</dd>" in text
    (file,) = re.findall(r'<a download href="([^"]+)"', text)
    async with bench.asking(None) as api:
        assert (await api.http.get(file)).content == b"xxx"


async def test_a_body_that_the_ledger_does_not_keep_is_a_file_of_the_event_store(bench) -> None:
    body = b"x" * (MAX_BODY + 1)
    bench.messages.rows = [replace(stored(1, execution_id="trip:t1", body=body, size=len(body)), number=7)]
    bench.ledger.letters["trip:t1"] = (letter_of("m1", size=len(body)), letter_of("m2", size=len(body)))
    text = await text_of(bench, "/executions/trip:t1/messages/out/m1")
    assert '65,537 bytes are more than is kept of a message here: <a href="/messages/7">the event store</a>' in text
    (file,) = re.findall(r'<a download href="([^"]+)"', await text_of(bench, "/messages/7"))
    async with bench.asking(None) as api:
        assert (await api.http.get(file)).content == body
    assert "Who sent it may have them" in await text_of(bench, "/executions/trip:t1/messages/out/m2")


async def test_large_data_of_an_execution_is_a_file(bench) -> None:
    detail = bench.ledger.details["trip:t1"]
    facts = {"small": "s" * 10, "large": "l" * SHOWN_AT_MOST}
    bench.ledger.details["trip:t1"] = replace(detail, state={**detail.state, "facts": facts})
    text = await text_of(bench, "/executions/trip:t1")
    assert "s" * 10 in text
    assert "lll" not in text
    (file,) = re.findall(r'<a download href="([^"]+/facts)"', text)
    async with bench.asking(None) as api:
        assert (await api.http.get(file)).json()["facts"] == facts


async def test_where_the_event_store_has_none_of_them_it_says_so_and_what_fills_it(bench) -> None:
    bench.ledger.letters["trip:t1"] = (letter_of("m1"),)
    assert "so only their ids are known: <code>saga recorder</code>" in await text_of(bench, "/executions/trip:t1")
    bench.access_control = True
    viewer = Caller(actor="vic", role=Role.VIEWER)
    assert "Headers are hidden: they need" in await text_of(bench, "/executions/trip:t1", caller=viewer)


async def test_what_it_waits_for_stands_above_the_timeline_with_its_end(bench) -> None:
    text = await text_of(bench, "/executions/trip:t%2F3")
    assert "<strong>approved</strong> waits for the event trip.approved, since <time" in text
    assert 'aria-label="approved waits for the event trip.approved, ' in text
    assert "until 2026-01-01 01:00:00 UTC" in text
    over = await text_of(bench, "/executions/trip:t2")
    assert "<strong>approved</strong>" not in over


async def test_ids_can_be_copied_by_buttons_that_scripts_show(bench) -> None:
    text = await text_of(bench, "/executions/trip:t1")
    assert '<button type="button" class="copy" data-copy="trip:t1" aria-label="Copy the execution id"' in text
    assert 'aria-label="Copy the correlation id"' in text


async def test_an_execution_leads_to_its_trace_and_to_temporal(bench) -> None:
    place = Traces("here").of("trip:t1")
    links = Links(temporal="http://ui", trace="http://traces/{trace_id}", traces=Traces("here"))
    bench.links = links
    text = await text_of(bench, "/executions/trip:t1")
    assert f'data-copy="{place.trace_id}"' in text
    assert f'</button> <a href="http://traces/{place.trace_id}" rel="noreferrer">' in text
    assert 'href="http://ui/namespaces/default/workflows/trip%3At1/r/history"' in text
    bench.links = Links(traces=Traces("here"))
    assert "</button>, or <code>saga trace c</code>" in await text_of(bench, "/executions/trip:t1")
    bench.links = Links(traces=Traces("here", ratio=0.0))
    assert "<dt>Trace</dt>" not in await text_of(bench, "/executions/trip:t1")


async def test_a_fault_of_ours_is_a_page_with_a_trace_id_that_the_log_has_too(bench, caplog) -> None:
    detail = bench.ledger.details["trip:t1"]
    bench.ledger.details["trip:t1"] = replace(detail, state={**detail.state, "plan": "0" * 16})
    text = await text_of(bench, "/executions/trip:t1", 500)
    (trace_id,) = re.findall(r"Trace id ([0-9a-f]{32})", text)
    assert "Something is wrong here" in text
    assert f"request {trace_id} failed" in caplog.text
    assert "ReplayMismatchError" in caplog.text
    assert "ReplayMismatchError" not in text


async def test_a_fault_that_nobody_foresaw_is_a_page_too(bench, caplog, monkeypatch) -> None:
    monkeypatch.setattr(watching, "standing_of", None)
    text = await text_of(bench, "/executions/trip:t1", 500)
    (trace_id,) = re.findall(r"Trace id ([0-9a-f]{32})", text)
    assert f"request {trace_id} failed" in caplog.text
    assert "NoneType" in caplog.text
    assert "NoneType" not in text
