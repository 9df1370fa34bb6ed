"""A participant on the real broker: what comes into its queue, and what is answered."""

import asyncio
import os
import sys
from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.adapters.rabbitmq import parking
from orchestrator.adapters.rabbitmq.participants import Drill, ParticipantServer
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.wire import from_amqp
from orchestrator.contracts.protocol import read_reply
from orchestrator.errors import TopologyError
from orchestrator.participant import MemoryStore
from orchestrator.saga.plan import CallPlan, Plan, SequencePlan, StepPlan, TriggerPlan
from tests.faults.kit import Cost
from tests.participant_kit import ask_for, maker, memory_bench, sql_bench, write_thing
from tests.rabbitmq_kit import CE, corner
from tests.sql_kit import fresh_database, sqlite_url

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
PROJECT = Path(__file__).resolve().parents[2]


def call(message_type):
    return CallPlan(lane="command", handler=message_type, message_type=message_type, participant="maker")


PLAN = Plan(
    saga="make",
    version=1,
    trigger=TriggerPlan(event="wanted", gives="wanted", key="id"),
    root=SequencePlan(
        children=(
            StepPlan(id="make", do=call("thing.make"), undo=call("thing.unmake"), probe=call("thing.find")),
            StepPlan(id="melt", do=call("thing.melt"), no_undo="nobody handles it"),
        )
    ),
)


class Caller:
    """Asks a participant, as a worker would, and reads what is answered to it."""

    def __init__(self, here, publisher, name="me"):
        self.here, self.publisher, self.name = here, publisher, name
        self.queue = here.names.reply_queue(name)

    async def listen(self):
        async with self.here.connection.channel() as channel:
            queue = await channel.declare_queue(self.queue, durable=True)
            await queue.bind(self.here.names.replies, self.name)

    async def ask(self, command):
        await self.publisher.publish(
            command,
            exchange=self.here.names.commands,
            routing_key=command.type,
            reply_to=self.name,
            pairs=command.id,
        )

    async def replies(self, count=1):
        messages = await self.here.take(self.queue, count)
        assert all(message.correlation_id == message.headers["ce-causationid"] for message in messages)
        return [read_reply(from_amqp(message, max_body_bytes=10_000)) for message in messages]

    async def answer(self, command):
        await self.ask(command)
        return (await self.replies())[0]


@asynccontextmanager
async def place(bench=None, **more):
    """A corner with a maker at work, and somebody who asks it."""
    bench = bench or memory_bench()
    async with corner((PLAN,)) as here, Publisher.open(here.settings) as publisher:
        caller = Caller(here, publisher)
        await caller.listen()
        async with ParticipantServer.open(bench.participant, bench.store, here.settings, **more):
            yield caller


async def test_a_command_is_answered_to_its_sender_and_a_repeat_alike(tmp_path) -> None:
    async with sql_bench(sqlite_url(tmp_path)) as bench, place(bench) as caller:
        first, second = await caller.answer(ask_for()), await caller.answer(ask_for())
        assert replace(first, traceparent="") == replace(second, traceparent=""), "each has a span of its own"
        assert (first.outcome, first.body, first.command_id) == ("completed", b'{"what":"a"}', ask_for().id)
        assert await bench.made() == ["a"]


async def test_a_repeat_is_answered_to_whoever_sent_it() -> None:
    async with place() as caller:
        other = Caller(caller.here, caller.publisher, "other")
        await other.listen()
        await caller.answer(ask_for())
        assert (await other.answer(ask_for())).outcome == "completed"


async def test_an_undo_before_its_command_succeeds_and_the_late_command_is_refused() -> None:
    bench = memory_bench()
    async with place(bench) as caller:
        assert (await caller.answer(ask_for("a", "undo"))).outcome == "completed"
        late = await caller.answer(ask_for())
        assert (late.outcome, late.code) == ("rejected", "undone")
        assert await bench.made() == []


async def test_refusals_come_with_code_and_reason() -> None:
    async with place() as caller:
        for _ in range(2):
            refused = await caller.answer(ask_for("refused"))
            assert (refused.outcome, refused.code, refused.reason) == ("rejected", "no", "not that")
        conflict = await caller.answer(ask_for("other"))
        assert (conflict.outcome, conflict.code) == ("rejected", "conflict")
        past = datetime.now(UTC) - timedelta(seconds=1)
        expired = await caller.answer(ask_for(key="s:1:y", deadline=past))
        assert (expired.outcome, expired.code) == ("failed", "expired")


async def test_a_fault_that_stays_is_answered_and_the_next_command_is_carried_out() -> None:
    async with place() as caller:
        assert (await caller.answer(ask_for("broken"))).code == "fault"
        assert (await caller.answer(ask_for("a"))).outcome == "completed"


@pytest.mark.parametrize(
    ("body", "headers", "reason", "text"),
    [
        (b"{}", {}, "malformed", "lacks ce-specversion, ce-id, ce-source, ce-type"),
        (b"not json", None, "malformed", "not acceptable JSON"),
        (b"[" * 10_000, None, "malformed", "not acceptable JSON"),
        (b"{}", CE | {"ce-type": "thing.make"}, "malformed", "saga-id"),
        (b"x" * (2 << 20), None, "too-large", "send a reference"),
    ],
    ids=["no envelope", "not json", "deep", "no saga headers", "2 MiB"],
)
async def test_what_cannot_be_taken_is_parked_with_its_reason_and_the_queue_goes_on(
    body, headers, reason, text
) -> None:
    async with place() as caller:
        if headers is None:
            headers = CE | {"ce-type": "thing.make"} | ask_for().headers
        await caller.here.put(body, headers, exchange=caller.here.names.commands, key="thing.make")
        parked = (await caller.here.parked())[0]
        assert parked.headers[parking.REASON] == reason
        assert text in parked.headers[parking.TEXT]
        assert parked.body == body
        assert (await caller.answer(ask_for(key="s:1:y"))).outcome == "completed"


@pytest.mark.parametrize(
    ("changes", "reason", "text"),
    [
        ({"body": b'{"what": 1}'}, "wrong-schema", "what: Input should be a valid string"),
        ({"type": "thing.melt"}, "unknown-type", "'maker' handles no 'thing.melt'"),
    ],
)
async def test_a_command_of_a_saga_that_cannot_be_taken_is_parked_and_answered(changes, reason, text) -> None:
    async with place() as caller:
        reply = await caller.answer(replace(ask_for(), **changes))
        assert (reply.outcome, reply.code, reply.retryable) == ("failed", reason, True)
        parked = (await caller.here.parked())[0]
        assert parked.headers[parking.REASON] == reason
        assert text in parked.headers[parking.TEXT]
        assert text in reply.reason
        assert (await caller.answer(ask_for())).outcome == "completed"


async def test_a_reply_to_a_worker_that_is_gone_waits_for_the_others() -> None:
    async with place() as caller:
        gone = Caller(caller.here, caller.publisher, "gone")
        await gone.ask(ask_for())
        late = (await caller.here.take(caller.here.names.replies))[0]
        assert read_reply(from_amqp(late, max_body_bytes=10_000)).outcome == "completed"


async def test_events_are_published_after_their_command_and_leave_the_outbox(tmp_path) -> None:
    async with sql_bench(sqlite_url(tmp_path)) as bench:
        async with place(bench) as caller:
            await caller.answer(ask_for())
            told = from_amqp((await caller.here.take(caller.here.names.unrouted_queue))[0], max_body_bytes=10_000)
        assert (told.type, told.body, told.source) == ("thing.made", b'{"what":"a"}', "maker")
        assert (told.correlation_id, told.causation_id) == ("thread", ask_for().id)
        assert await bench.store.unsent(10) == []


async def test_an_event_is_published_with_the_trace_of_its_command() -> None:
    async with place() as caller:
        await caller.ask(ask_for())
        reply = (await caller.here.take(caller.queue))[0]
        told = (await caller.here.take(caller.here.names.unrouted_queue))[0]
        assert told.headers["ce-traceparent"] == reply.headers["ce-traceparent"]


async def test_a_drill_tells_events_first_or_withholds_the_reply() -> None:
    silent = {ask_for(key="s:1:y").id}
    drill = Drill(tells_first=lambda _: True, withholds=lambda command: command.id in silent)
    async with place(drill=drill) as caller:
        await caller.ask(ask_for(key="s:1:y"))
        await caller.here.take(caller.here.names.unrouted_queue)
        silent.clear()
        assert (await caller.answer(ask_for(key="s:1:y"))).outcome == "completed"
        assert await caller.here.depth(caller.queue) == 0


async def test_a_participant_without_its_queue_says_what_to_do() -> None:
    async with corner(()) as here:
        with pytest.raises(TopologyError, match="saga topology apply"):
            async with ParticipantServer.open(maker(write_thing), MemoryStore(), here.settings):
                pass


async def test_a_drop_of_both_connections_loses_no_command_and_doubles_none(tmp_path) -> None:
    count = 30
    async with sql_bench(sqlite_url(tmp_path)) as bench, place(bench) as caller:
        asking = [asyncio.create_task(caller.ask(ask_for(key=f"k{number}"))) for number in range(count)]
        await caller.here.close_connections("participant maker")
        await asyncio.gather(*asking)
        answered: set[str] = set()
        while len(answered) < count:
            answered |= {reply.command_id for reply in await caller.replies()}
        assert await bench.made() == ["a"] * count


@pytest.fixture(params=["sqlite", "postgresql"])
async def shared_url(request, tmp_path):
    """A database that two processes of one participant share."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    async with fresh_database(request.getfixturevalue("postgres")) as address:
        yield address


async def test_two_of_one_participant_with_command_and_undo_at_once_leave_no_effect(shared_url) -> None:
    keys = [f"k{number}" for number in range(40)]
    commands = [(key, ask_for("a", direction, key=key)) for key in keys for direction in ("do", "undo", "do")]
    key_of, served = {command.id: key for key, command in commands}, defaultdict[str, set[str]](set)

    def seen_by(name):
        def note(command):
            served[key_of[command.id]].add(name)
            return False

        return Drill(withholds=note)

    async with AsyncExitStack() as stack:
        benches = [await stack.enter_async_context(sql_bench(shared_url)) for _ in range(2)]
        caller = await stack.enter_async_context(place(benches[0], drill=seen_by("one")))
        await stack.enter_async_context(
            ParticipantServer.open(
                benches[1].participant, benches[1].store, caller.here.settings, drill=seen_by("other")
            )
        )
        with Cost(f"two consumers of one participant, {len(commands)} commands and undos of {len(keys)} keys at once"):
            await asyncio.gather(*(caller.ask(command) for _, command in commands))
            replies = await caller.replies(len(commands))
        made = await benches[0].made()
    assert {"one", "other"} in served.values(), "no key was in the hands of both"
    assert made.count("a") == made.count("una") <= len(keys)
    assert {reply.outcome for reply in replies if reply.direction == "undo"} == {"completed"}
    refused = {reply.code for reply in replies if reply.outcome != "completed"}
    assert refused <= {"undone"}


@asynccontextmanager
async def process(settings, url, *mark):
    """A maker as a process of its own, killed at the end."""
    environment = {
        **os.environ,
        "SAGA_NAME_PREFIX": settings.name_prefix,
        "SAGA_RABBITMQ_URL": settings.rabbitmq_url.get_secret_value(),
    }
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.participant_process", url, *map(str, mark), cwd=PROJECT, env=environment
    )
    try:
        yield made
    finally:
        if made.returncode is None:
            made.kill()
        await made.wait()


async def test_a_kill_between_transaction_and_publish_loses_neither_reply_nor_event_and_doubles_nothing(
    tmp_path,
) -> None:
    mark, url = tmp_path / "killed", sqlite_url(tmp_path)
    async with sql_bench(url) as bench, corner((PLAN,)) as here, Publisher.open(here.settings) as publisher:
        caller = Caller(here, publisher)
        await caller.listen()
        async with process(here.settings, url, mark) as victim:
            await caller.ask(ask_for())
            assert await victim.wait() < 0
        assert mark.exists()
        assert await bench.made() == ["a"]
        assert len(await bench.store.unsent(10)) == 1
        assert await here.depth(caller.queue) == 0
        async with process(here.settings, url):
            assert (await caller.replies())[0].body == b'{"what":"a"}'
            told = from_amqp((await here.take(here.names.unrouted_queue))[0], max_body_bytes=10_000)
            assert told.body == b'{"what":"a"}'
        assert await bench.made() == ["a"]


async def test_what_is_in_hand_at_a_stop_is_finished_and_answered() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def write(_ctx, _line):
        begun.set()
        await go_on.wait()

    async with corner((PLAN,)) as here, Publisher.open(here.settings) as publisher:
        caller = Caller(here, publisher)
        await caller.listen()
        async with ParticipantServer.open(maker(write), MemoryStore(), here.settings):
            await caller.ask(ask_for())
            await begun.wait()
            asyncio.get_running_loop().call_later(0.2, go_on.set)  # when the stop has begun
        assert (await caller.replies())[0].outcome == "completed"
        assert await here.depth(here.names.command_queue("maker")) == 0
