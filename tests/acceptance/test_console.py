"""The API on real servers: a saga started by request, two people at once, Temporal away, a message redriven twice."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from orchestrator.adapters.rabbitmq.parking import Why
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.service.operations import OperationRecord
from tests.api_kit import Api, is_problem
from tests.faults.proxy import proxy
from tests.service_kit import WHY
from tests.trip_kit import office, trip
from workers.console import open_app
from workers.recorder import open_recorder

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
FLIGHT = {"step": "book_flight"}
PARTS = ("ledger", "temporal", "broker", "workers")


def ledger_in(folder):
    return {"database_url": SecretStr(f"sqlite:///{folder}/ledger.db"), "ledger_url": None}


@asynccontextmanager
async def console(settings):
    """A console of this process, without a socket."""
    async with open_app([trip], settings) as (app, feed):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
            yield Api(client), app.state.console.service
        feed.close()


async def settled(api, answer):
    """The operation that an answer names, once it has come to its end."""
    async with asyncio.timeout(30):
        while True:
            found = (await api.http.get(answer.headers["location"])).json()
            if found["state"] not in ("accepted", "applied"):
                return found
            await asyncio.sleep(0.05)


async def shown(api, execution, *statuses):
    """What the API shows of an execution, once it has one of these statuses."""
    async with asyncio.timeout(30):
        while (found := await api.get(f"/executions/{execution}")).json().get("status") not in statuses:
            await asyncio.sleep(0.05)
    return found


async def test_a_saga_is_started_by_request_awaited_and_queried(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place, console(place.corner.settings) as (api, _):
        name = f"{place.run}-1"
        body = {"saga": "trip", "input": {"trip": name}, "reason": WHY, "wait_seconds": 30}
        waiting = asyncio.create_task(api.post("/executions", body))
        await place.until(f"trip:{name}", "Running", approved="doing")
        await place.approve(f"trip:{name}")
        made = await waiting
        assert (made.status_code, made.json()["has_ended"]) == (201, True), made.text
        assert made.json()["execution"]["status"] == "completed"
        assert (await api.http.get(made.headers["location"])).json()["id"] == f"trip:{name}"
        assert (await api.post("/executions", body)).content == made.content, "the same key is the same answer"
        other = {**body, "input": {"trip": f"{name}-other"}}
        assert is_problem(await api.post("/executions", other), 422, "idempotency-key-reused")


async def test_of_two_people_at_once_with_one_etag_one_is_told_what_changed(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place, console(place.corner.settings) as (api, _):
        execution = await place.stuck()
        seen = await shown(api, execution, "stuck")
        etag = seen.headers["etag"]
        both = (api.operate("suspend", name=execution, key=f"k{who}", etag=etag) for who in (1, 2))
        taken, refused = sorted(await asyncio.gather(*both), key=lambda answer: answer.status_code)
        assert taken.status_code == 202, taken.text
        assert is_problem(refused, 412, "revision-conflict")
        told = refused.json()
        (change,) = [change for change in told["changes"] if "suspend" in change.lower()]
        # The first one's command may be accepted and not taken yet.
        assert told["revision"] == seen.json()["revision"] + (not change.endswith("under way"))


# -- Temporal away ---------------------------------------------------------------------------------------------------


@dataclass
class Wanted:
    """An operation that is allowed while Temporal is there."""

    operation: str
    name: str
    more: dict[str, Any]


async def everything(place, api) -> list[Wanted]:
    """Every operation, with an execution that would take it."""
    stuck, waiting = await place.stuck(1), await place.waiting(2)
    parked = await place.parked(3)
    for name, status in ((stuck, "stuck"), (waiting, "running"), (parked, "parked")):
        await shown(api, name, status)
    plan = (await api.operate("compensate", name=waiting, dry_run=True)).json()["plan"]["hash"]
    edit = {**FLIGHT, "input": {"trip_ordered": {"trip": stuck.partition(":")[2]}}}
    on_stuck: dict[str, Any] = {"retry": FLIGHT, "edit_and_retry": edit, "resolve": {**FLIGHT, "how": "give_up"}}
    on_stuck |= {"suspend": {}, "resume": {}, "abandon": {}}
    return [
        *(Wanted(operation, stuck, more) for operation, more in on_stuck.items()),
        Wanted("compensate", waiting, {"plan": plan}),
        Wanted("cancel", waiting, {}),
        Wanted("release", waiting, {}),
        Wanted("skip", parked, {"step": "send_papers", "output": {"parcel": "p"}}),
    ]


async def test_with_temporal_away_every_operation_is_refused_for_now_and_nothing_is_half_done(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        settings = place.corner.settings
        host, _, port = settings.temporal_address.partition(":")
        async with proxy(host, int(port)) as line:
            through = settings.model_copy(update={"temporal_address": f"127.0.0.1:{line.listens_on}"})
            async with console(through) as (api, service):
                wanted = await everything(place, api)
                whole = (await api.get("/health")).json()
                assert {one["part"]: one["is_there"] for one in whole["items"]} == dict.fromkeys(PARTS, True), whole
                before = [await place.show(one.name) for one in wanted]
                line.refuses = True
                line.cut()
                start = {"saga": "trip", "input": {"trip": f"{place.run}-9"}, "reason": WHY}
                asked = [api.operate(one.operation, name=one.name, key=one.operation, **one.more) for one in wanted]
                plan = api.operate("compensate", name=wanted[0].name, dry_run=True, key="plan")
                answers = await asyncio.gather(*asked, api.post("/executions", start, key="start"), plan)
                for answer in answers:
                    assert is_problem(answer, 503, "unavailable")
                    assert (answer.headers["retry-after"], answer.json()["retryable"]) == ("5", True)
                assert [await place.show(one.name) for one in wanted] == before
                assert await service.world.register.unsettled() == ()
                assert await service.world.register.audit() == ()
                assert (await api.get(f"/executions/{wanted[0].name}")).json()["status"] == "stuck", "it is still read"
                assert (await api.http.get("/readyz")).json()["answers"] == {"ledger": True, "temporal": False}

                line.heal()
                again = [one for one in wanted if one.operation in ("abandon", "cancel", "skip")]
                for one in again:
                    answer = await api.operate(one.operation, name=one.name, key=one.operation, **one.more)
                    assert answer.status_code == 202, answer.text
                    assert (await settled(api, answer))["state"] == "verified"
                assert (await api.post("/executions", start, key="start")).json()["is_new"]


async def test_with_temporal_gone_behind_the_acceptance_the_operation_is_accepted_and_given_later_once(
    tmp_path, monkeypatch
) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        settings = place.corner.settings
        host, _, port = settings.temporal_address.partition(":")
        async with proxy(host, int(port)) as line:
            through = settings.model_copy(update={"temporal_address": f"127.0.0.1:{line.listens_on}"})
            execution = await place.stuck()

            class Cutting(SqlRegister):
                """Cuts the way to Temporal as soon as an operation is accepted."""

                async def accept(self, operation, entry) -> OperationRecord:
                    accepted = await super().accept(operation, entry)
                    line.refuses = True
                    line.cut()
                    return accepted

            monkeypatch.setattr("workers.operating.SqlRegister", Cutting)
            async with console(through) as (api, _):
                await shown(api, execution, "stuck")
                place.agency.write(cancel_flight="ok")
                answer = await api.operate("retry", name=execution, **FLIGHT)
                assert (answer.status_code, answer.json()["state"]) == (202, "accepted"), answer.text
                assert answer.json()["text"].startswith("it waits: ")
                line.heal()
                assert (await settled(api, answer))["text"] == "the saga passed the step"
            undone = [name for name in place.agency.done() if name == "cancel_flight"]
            assert len(undone) == 1


# -- parked messages -------------------------------------------------------------------------------------------------


async def test_a_message_that_is_redriven_twice_goes_out_once(tmp_path) -> None:
    async with office(tmp_path, worker=False, **ledger_in(tmp_path)) as place:
        corner = place.corner
        async with open_recorder(corner.settings), console(corner.settings) as (api, _):
            await park(corner)
            async with asyncio.timeout(30):
                while not (found := (await api.get("/parked/messages")).json()["items"]):
                    await asyncio.sleep(0.05)
            path = f"/parked/messages/{found[0]['id']}/operations"
            order = {"operation": "redrive", "reason": WHY}
            made = [await api.post(path, order, **{"If-Match": "*"}) for _ in range(2)]
            assert [answer.status_code for answer in made] == [202, 202]
            assert made[0].content == made[1].content, "the same key is the same redrive"
            at_once = (api.post(path, order, key=f"k{number}", **{"If-Match": "*"}) for number in range(2, 6))
            assert {answer.status_code for answer in await asyncio.gather(*at_once)} == {409}
            async with asyncio.timeout(30):
                while (await api.http.get(made[0].headers["location"])).json()["done"] != 1:
                    await asyncio.sleep(0.05)
            (sent,) = await corner.take(corner.names.ingress)
            assert sent.headers["ce-id"] == "m1"
            assert await corner.depth(corner.names.ingress) == 0


async def park(corner) -> None:
    """A message that a relay has parked."""
    from orchestrator.adapters.rabbitmq.publisher import Publisher
    from orchestrator.adapters.rabbitmq.settling import Settler
    from tests.rabbitmq_kit import CE

    async with Publisher.open(corner.settings) as publisher, corner.connection.channel() as channel:
        source = await channel.get_queue(corner.names.ingress, ensure=False)
        await corner.event(b'{"trip": 1}', {**CE, "ce-id": "m1", "ce-type": "trip.ordered"}, key="trip.ordered")
        while (message := await source.get(fail=False)) is None:
            await asyncio.sleep(0.01)
        assert await Settler(publisher, corner.names, corner.names.ingress).park(
            message, Why("wrong-schema", "trip 1 is no text")
        )
