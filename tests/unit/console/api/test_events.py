"""Signals as they travel."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from orchestrator.console.api import events
from orchestrator.console.api.events import written
from orchestrator.console.browsing import SESSION
from orchestrator.service.access import Role
from orchestrator.service.accounts import FIRST
from orchestrator.service.feed import Signal
from tests.api_kit import ROLES, ApiBench, is_problem


def test_a_signal_says_what_changed_and_never_what_it_holds() -> None:
    bench = ApiBench()
    bench.ledger.keep_open(bench.stuck())
    row = bench.ledger.details["trip:t1"].row
    lines = dict(line.split(": ", 1) for line in written(Signal(17, "changed", row)).decode().strip().splitlines())
    assert (lines["event"], lines["id"]) == ("execution.changed", "17")
    said = json.loads(lines["data"])
    assert set(said) == {"execution_id", "saga", "status", "revision", "current_step", "at"}
    assert (said["execution_id"], said["status"]) == ("trip:t1", "stuck")
    assert b"event: reset" in written(Signal(18, "reset"))
    assert written(Signal(19, "changed", topic="parked")) == b"event: parked.changed\ndata: {}\nid: 19\n\n"


async def test_what_waits_goes_out_together_and_never_too_much_of_it() -> None:
    waiting = asyncio.Queue[Signal]()
    signals = [Signal(number, "changed", topic="parked") for number in range(1, events.MOST_TOGETHER + 3)]
    for signal in signals:
        waiting.put_nowait(signal)
    pieces = [await events._next(waiting) for _ in range(2)]
    assert b"".join(pieces) == b"".join(map(written, signals)), "none is lost, and they keep their order"
    assert [piece.count(b"event: ") for piece in pieces] == [events.MOST_TOGETHER, 2]


async def streamed(bench, on_ready, *, by: tuple[bytes, bytes] | None = None) -> list[Any]:
    """What a stream sends until its caller leaves, or it ends; the caller leaves if `on_ready` says so.

    `by`: the header that says who watches; a token's, unless told otherwise.
    """
    by = by or (b"authorization", f"Bearer {await bench.let_in(ROLES[Role.VIEWER])}".encode())
    app = bench.app()
    sent: list[Any] = []
    enough = asyncio.Event()

    async def send(message) -> None:
        sent.append(message)
        if b"event: ready" in message.get("body", b"") and on_ready():
            enough.set()

    async def receive():
        await enough.wait()
        return {"type": "http.disconnect"}

    headers = [(b"host", b"localhost"), by]
    path = "/api/v1/events"
    # By hand: the client of the other tests gives whole answers only.
    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "root_path": "",
    }
    async with asyncio.timeout(10):
        await app(scope, receive, send)
    assert app.state.console.feed._watchers == [], "who has left is not told any more"
    return sent


async def test_a_stream_ends_with_the_token_it_was_opened_by(monkeypatch) -> None:
    monkeypatch.setattr(events, "PING_SECONDS", 0.01)
    bench = ApiBench()
    sent = await streamed(bench, bench.tokens.kept.clear)
    assert not sent[-1]["more_body"], "it was ended by us"


async def test_a_stream_ends_with_the_session_it_was_opened_by(monkeypatch) -> None:
    monkeypatch.setattr(events, "PING_SECONDS", 0.01)
    bench, cookie = await signed_in()
    sent = await streamed(bench, bench.sessions.kept.clear, by=cookie)
    assert not sent[-1]["more_body"], "it was ended by us"


async def test_a_stream_ends_with_a_session_that_nobody_uses_and_does_not_count_as_using_it(monkeypatch) -> None:
    monkeypatch.setattr(events, "PING_SECONDS", 0.01)
    bench, cookie = await signed_in()
    (before,) = bench.sessions.kept.values()

    def nobody_comes() -> None:
        bench.clock.moment += timedelta(hours=1)

    sent = await streamed(bench, nobody_comes, by=cookie)
    assert not sent[-1]["more_body"], "it was ended by us"
    assert list(bench.sessions.kept.values()) == [before]


async def signed_in() -> tuple[ApiBench, tuple[bytes, bytes]]:
    """A bench, and the header of a browser in which somebody has signed in."""
    bench = ApiBench()
    password = await bench.entering.accounts.make_first()
    entered = await bench.entering.by_password(FIRST, password, address="", origin="")
    opened = await bench.entering.choose(entered.session, "a password of my own")
    return bench, (b"cookie", f"{SESSION}={opened.text}".encode())


async def test_a_stream_begins_with_ready_and_is_kept_by_no_cache() -> None:
    sent = await streamed(ApiBench(), lambda: True)
    given = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert given["content-type"].startswith("text/event-stream")
    assert given["cache-control"] == "no-store, no-transform"
    assert given["x-accel-buffering"] == "no"
    assert sent[1]["body"].startswith(b"retry: 3000")


async def test_an_id_that_is_none_of_ours_is_refused() -> None:
    async with ApiBench().asking(ROLES[Role.VIEWER]) as api:
        assert is_problem(await api.get("/events", headers={"Last-Event-ID": "seventeen"}), 400, "malformed")
        assert is_problem(await api.get("/events?execution_id=a%00"), 422, "invalid")
        assert is_problem(await api.get("/events?topic=weather"), 422, "invalid")
