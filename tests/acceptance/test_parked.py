"""Parked messages on the real servers: recorded, grouped, edited, redriven until the saga completes; nothing twice."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from orchestrator.adapters.rabbitmq.parking import Why
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.settling import Settler
from orchestrator.errors import OrchestratorError
from orchestrator.service.access import Caller, Role
from orchestrator.service.parked_actions import Target
from orchestrator.service.parked_deciding import Wish
from orchestrator.service.parked_editing import Edit
from orchestrator.service.parked_records import GroupFilter, ParkedFilter
from sagas import SAGAS
from tests.rabbitmq_kit import CE, corner
from tests.shop_kit import ALL, shop
from workers.parked import open_parked
from workers.recorder import open_recorder

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
ANN = Caller(actor="ann", role=Role.ADMIN, origin="test")
BEN = Caller(actor="ben", role=Role.ADMIN, origin="test")
PLACED = "order.placed"
WHY = "mended by hand"


class Counter:
    """What people do with parked messages, and what they see."""

    def __init__(self, desk: Any) -> None:
        self.reading, self.deciding = desk.reading, desk.deciding
        self.keys = 0

    def wish(self, target: Target) -> Wish:
        self.keys += 1
        return Wish(target=target, reason=WHY, key=f"k{self.keys}")

    async def waiting(self, number: int, **wanted: Any) -> tuple[Any, ...]:
        """The messages that wait, as soon as there are so many."""
        async with asyncio.timeout(30):
            while True:
                page = await self.reading.messages(ANN, ParkedFilter(states=("parked",), **wanted), limit=200)
                if len(page.messages) >= number:
                    return tuple(page.messages)
                await asyncio.sleep(0.05)

    async def redrive(self, target: Target, caller: Caller = ANN) -> Any:
        return await self.deciding.redrive(caller, self.wish(target))

    async def state(self, message: str) -> str:
        found = await self.reading.find(ANN, message)
        return str(found.state)


@asynccontextmanager
async def counter(settings):
    async with open_recorder(settings), open_parked(settings, SAGAS, sends=True) as desk:
        yield Counter(desk)


async def test_bad_messages_are_grouped_edited_and_redriven_until_their_sagas_complete(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place, counter(place.corner.settings) as desk:
        one, two = place.order(1), place.order(2)
        bad = {**CE, "ce-type": PLACED, "ce-source": "test"}
        await place.corner.event(one.model_dump_json().replace("700", '"much"').encode(), {**bad, "ce-id": "m1"})
        await place.corner.event(two.model_dump_json().replace("700", '"little"').encode(), {**bad, "ce-id": "m2"})
        await place.corner.event(b"not json", {**bad, "ce-id": "m3"})
        lost = place.order(4)
        misspelt = {**bad, "ce-id": "m4", "ce-type": "order.plcaed"}
        await place.corner.event(lost.model_dump_json().encode(), misspelt, key="order.plcaed")
        await desk.waiting(4)

        groups = (await desk.reading.groups(ANN, GroupFilter())).groups
        assert sorted((one.reason, one.waiting) for one in groups) == [
            ("malformed", 1),
            ("unknown-type", 1),
            ("wrong-schema", 2),
        ]
        assert (await desk.reading.overview(ANN)).waiting == 4
        assert await place.corner.depth(place.corner.names.parking) == 0

        (wrong,) = await desk.waiting(1, message_id="m1")
        edit = Edit(body=one.model_dump_json().encode())
        (change,) = await desk.deciding.preview(ANN, wrong.id, edit)
        assert (change.pointer, change.before, change.after) == ("/body/total_cents", "much", 700)
        await desk.deciding.edit(ANN, desk.wish(Target(wrong.id)), edit)
        (odd,) = await desk.waiting(1, message_id="m4")
        await desk.deciding.edit(ANN, desk.wish(Target(odd.id)), Edit(headers={"ce-type": PLACED}))

        for message, order in ((wrong, one), (odd, lost)):
            assert (await desk.redrive(Target(message.id))).done == 1
            assert (await place.result(f"fulfil-order:{order.order_id}"))["word"] == "Completed"
            assert await desk.state(message.id) == "redriven"
        assert (await place.effects()).count(("money", "do")) == 2


async def test_a_message_redriven_twice_and_by_two_people_at_once_goes_out_once(tmp_path) -> None:
    async with corner(database_url=SecretStr(f"sqlite:///{tmp_path}/ledger.db")) as place:
        async with counter(place.settings) as desk:
            await park(place, 1)
            (message,) = await desk.waiting(1)
            at_once = (desk.redrive(Target(message.id), who) for who in (ANN, BEN) for _ in range(4))
            done = await asyncio.gather(*at_once, return_exceptions=True)
            assert [isinstance(one, OrchestratorError) for one in done].count(False) == 1
            with pytest.raises(OrchestratorError, match="redriven by"):
                await desk.redrive(Target(message.id))
            (sent,) = await place.take(place.names.ingress)
            assert (sent.body, sent.headers["ce-id"]) == (b'{"order_id": 1}', "m1")
            assert await place.depth(place.names.ingress) == 0


async def test_the_same_error_after_a_redrive_re_opens_its_group(tmp_path) -> None:
    async with shop(tmp_path) as place, counter(place.corner.settings) as desk:
        await place.corner.event(b'{"order_id": 7}', {**CE, "ce-type": PLACED})
        (message,) = await desk.waiting(1)
        assert (await desk.redrive(Target(message.id))).done == 1
        (again,) = await desk.waiting(1)
        assert (again.id, again.seen, again.redrives) == (message.id, 2, 1)
        group = await desk.reading.group(ANN, message.fingerprint)
        assert (group.waiting, group.reopened, group.total) == (1, 1, 2)


async def park(place, *numbers):
    """Messages that a relay has parked."""
    async with Publisher.open(place.settings) as publisher, place.connection.channel() as channel:
        settler = Settler(publisher, place.names, place.names.ingress)
        source = await channel.get_queue(place.names.ingress, ensure=False)
        for number in numbers:
            await place.event(b'{"order_id": %d}' % number, {**CE, "ce-id": f"m{number}"})
            while (message := await source.get(fail=False)) is None:
                await asyncio.sleep(0.01)
            assert await settler.park(message, Why("wrong-schema", f"order_id {number} is no text"))


async def test_a_group_action_covers_what_existed_when_it_was_given(tmp_path) -> None:
    async with corner(database_url=SecretStr(f"sqlite:///{tmp_path}/ledger.db")) as place:
        async with counter(place.settings) as desk:
            await park(place, 1, 2, 3)
            await desk.waiting(3)
            (seen,) = (await desk.reading.groups(ANN, GroupFilter())).groups
            await park(place, 4)
            await desk.waiting(4)
            made = await desk.redrive(Target(fingerprint=seen.fingerprint, up_to=seen.last_number))
            assert (made.total, made.done) == (3, 3)
            (late,) = await desk.waiting(1)
            assert late.message_id == "m4"
            sent = await place.take(place.names.ingress, 3)
            assert [one.headers["ce-id"] for one in sent] == ["m1", "m2", "m3"]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await place.take(place.names.ingress)


async def test_a_message_that_its_consumer_died_of_again_and_again_says_so_and_goes_back_to_it(tmp_path) -> None:
    async with corner(database_url=SecretStr(f"sqlite:///{tmp_path}/ledger.db")) as place:
        await place.event(b'{"order_id": "A1"}', {**CE, "ce-id": "bomb"})
        async with place.connection.channel() as channel:
            source = await channel.get_queue(place.names.ingress, ensure=False)
            message = await source.get()
            await message.reject(requeue=False)
        async with counter(place.settings) as desk:
            (parked,) = await desk.waiting(1)
            assert (parked.reason, parked.origin.queue) == ("rejected", place.names.ingress)
            assert (await desk.redrive(Target(parked.id))).done == 1
            (sent,) = await place.take(place.names.ingress)
            assert sent.headers["ce-id"] == "bomb"


async def test_a_recorder_killed_between_store_and_acknowledgement_stores_nothing_twice(tmp_path) -> None:
    async with corner(database_url=SecretStr(f"sqlite:///{tmp_path}/ledger.db")) as place:
        await park(place, 1)
        killed = await recorder_process(place, tmp_path / "mark")
        assert killed == -signal.SIGKILL
        assert (tmp_path / "mark").exists()
        async with counter(place.settings) as desk:
            await desk.waiting(1)
            await park(place, 2)
            await desk.waiting(2)  # the first one is taken again before it
            (first,) = await desk.waiting(1, message_id="m1")
            assert (first.seen, first.revision) == (1, 1)
            assert (await desk.reading.overview(ANN)).inflow == 2
        assert await place.depth(place.names.parking) == 0


async def recorder_process(place, mark) -> int:
    """A recorder that kills itself before it acknowledges."""
    settings = place.settings
    names = {"SAGA_NAME_PREFIX": settings.name_prefix, "SAGA_DATABASE_URL": settings.ledger}
    command = (sys.executable, "-m", "tests.recorder_process", str(mark))
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **names})
    async with asyncio.timeout(60):
        return await process.wait()


async def test_a_message_with_no_way_back_waits_again_and_says_why(tmp_path) -> None:
    async with corner(database_url=SecretStr(f"sqlite:///{tmp_path}/ledger.db")) as place:
        async with counter(place.settings) as desk:
            await place.put(b"{}", CE, exchange=place.names.dead_letters, key="by hand")
            (strange,) = await desk.waiting(1)
            with pytest.raises(OrchestratorError, match="nobody says where it came from"):
                await desk.redrive(Target(strange.id))
            await desk.deciding.discard(ANN, desk.wish(Target(strange.id)))
            await park(place, 1)
            async with place.connection.channel() as channel:
                await channel.queue_delete(place.names.ingress)
            (message,) = await desk.waiting(1)
            made = await desk.redrive(Target(message.id))
            assert (made.done, made.failed) == (0, 1)
            found = await desk.reading.find(ANN, message.id)
            assert (found.state, "no queue is bound" in found.problem) == ("parked", True)


async def test_while_the_ledger_is_away_messages_wait_and_nothing_is_lost(tmp_path, monkeypatch) -> None:
    from orchestrator.adapters.sql.parked_store import SqlParkedStore
    from orchestrator.errors import StoreUnavailableError

    plain, asked = SqlParkedStore.record, 0

    async def away(self, arrival, now_ms):
        nonlocal asked
        asked += 1
        if asked <= 3:
            raise StoreUnavailableError("away")
        return await plain(self, arrival, now_ms)

    monkeypatch.setattr(SqlParkedStore, "record", away)
    async with corner(database_url=SecretStr(f"sqlite:///{tmp_path}/ledger.db")) as place:
        async with counter(place.settings) as desk:
            await park(place, 1, 2)
            assert {one.message_id for one in await desk.waiting(2)} == {"m1", "m2"}
            assert asked >= 5


async def test_after_the_broker_cut_the_connection_the_recorder_goes_on(tmp_path) -> None:
    async with corner(database_url=SecretStr(f"sqlite:///{tmp_path}/ledger.db")) as place:
        async with counter(place.settings) as desk:
            await park(place, 1)
            await desk.waiting(1)
            assert await place.close_connections("recorder") >= 1
            await park(place, 2)
            (_, first) = await desk.waiting(2)
            assert (await desk.redrive(Target(first.id))).done == 1
