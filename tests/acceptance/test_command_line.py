"""The command line on real servers: finding, showing, deciding and undoing; and what it still says when they are away."""

import asyncio
import contextlib
import io
import json

import pytest
from pydantic import SecretStr

from orchestrator.cli.app import build_app
from orchestrator.cli.exits import CONFLICT, ERROR, NOT_FOUND, OK, status_of
from orchestrator.service.live import linked_id
from tests.acceptance.test_service import ledger_in
from tests.acceptance.test_undo_of_ended import completed, undone
from tests.cli_kit import Ended
from tests.trip_kit import office
from workers.desk import ServerDesk
from workers.upkeep import upkeep

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
WHY = ("--reason", "decided by hand")


async def saga(settings, *arguments) -> Ended:
    """A command, beside the worker in this process: it opens a loop of its own, as on the command line."""
    out, err = io.StringIO(), io.StringIO()

    def run() -> int:
        return status_of(lambda: build_app(lambda: ServerDesk(lambda: settings))(list(arguments)))

    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = await asyncio.to_thread(run)
    return Ended(status, out.getvalue(), err.getvalue())


async def listed(settings, status, execution):
    """Wait until the ledger shows it."""
    async with asyncio.timeout(30):
        while True:
            items = (await saga(settings, "list", "--status", status, "--json")).document["items"]
            if execution in [item["id"] for item in items]:
                return items
            await asyncio.sleep(0.1)


async def test_a_stuck_trip_is_found_shown_and_put_right(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution, settings = await place.stuck(), place.corner.settings
        await listed(settings, "stuck", execution)
        shown = (await saga(settings, "show", execution, "--json")).document
        assert (shown["source"], shown["steps"]["book_flight"]["phase"]) == ("temporal", "stuck")
        assert shown["steps"]["book_flight"]["undo_error"]
        again = await saga(settings, "retry", execution, "--wait", *WHY, "--json")
        assert (again.status, again.document["state"]) == (OK, "verified"), "waiting settles it without any timer"
        assert again.document["text"].startswith("it failed again")
        done = await saga(
            settings, "resolve", execution, "--how", "mark_done", "--evidence", "slip 7", *WHY, "--wait", "--json"
        )
        assert done.document["text"] == "it counts as undone by hand"
        await place.until(execution, "Compensated")
        assert (await saga(settings, "audit", "verify", "--json")).document == {"ok": True, "faults": []}
        whats = [item["what"] for item in (await saga(settings, "audit", "--json")).document["items"]]
        assert whats == ["resolve", "resolve", "retry", "retry"]


async def test_a_parked_trip_goes_on_with_what_a_person_gives_it(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution, settings = await place.parked(), place.corner.settings
        output = ("--output", '{"parcel": "by hand"}', "--sagas", "tests.trip_kit:trip")
        preview = await saga(settings, "skip", execution, "send_papers", *output, "--dry-run", "--json")
        assert preview.document["allowed"] is True
        skipped = await saga(settings, "skip", execution, *output, *WHY, "--wait", "--json")
        assert skipped.document["text"] == "the saga went on past the step"
        lines = (await saga(settings, "watch", execution)).out.splitlines()
        assert lines[-1].split()[1] == "Completed"


async def test_a_running_trip_is_suspended_resumed_and_cancelled(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution, settings = await place.waiting(), place.corner.settings
        for verb, word in (("suspend", "Suspended"), ("resume", "Running"), ("cancel", "Compensated")):
            ended = await saga(settings, verb, execution, *WHY, "--wait", "--json")
            assert (ended.status, ended.document["state"]) == (OK, "verified"), ended
            await place.until(execution, word)
        refused = await saga(settings, "cancel", execution, *WHY)
        assert (refused.status, refused.out) == (CONFLICT, "")
        assert (await saga(settings, "cancel", "trip:nobody", *WHY)).status == NOT_FOUND


async def test_a_completed_trip_is_undone_by_the_plan_that_was_seen(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution, settings = await completed(place), place.corner.settings
        plan = (await saga(settings, "compensate", execution, "--dry-run", "--json")).document
        assert plan["needs_override"] is True
        assert plan["steps"][0]["step"] == "take_money"
        stale = await saga(settings, "compensate", execution, "--override", "--plan", "0" * 32, *WHY)
        assert stale.status == CONFLICT
        assert plan["hash"] in stale.err
        confirm = ("compensate", execution, "--override", "--plan", plan["hash"], *WHY, "--wait", "--json")
        ended = (await saga(settings, *confirm)).document
        assert (ended["text"], ended["workflow_id"]) == ("it ended: Compensated", linked_id(execution))
        assert len(undone(place)) == 4
        assert (await saga(settings, *confirm)).document["id"] == ended["id"]


async def test_stuck_trips_are_counted_and_tried_again_as_one_bulk(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        trips, settings = [await place.stuck(number) for number in (1, 2)], place.corner.settings
        for execution in trips:
            await listed(settings, "stuck", execution)
        those = ("--all", "--status", "stuck", "--saga", "trip", "--failed-step", "book_flight")
        seen = (await saga(settings, "retry", *those, "--dry-run", "--json")).document
        assert (seen["count"], seen["first_ids"]) == (2, sorted(trips))
        place.agency.write(cancel_flight="ok")
        async with upkeep(settings, place.client):
            confirm = ("--confirm", seen["token"], "--rate", "50", "--wait", *WHY, "--json")
            done = await saga(settings, "retry", *those, *confirm)
        assert (done.status, done.document["state"], done.document["done"]) == (OK, "completed", 2)
        for execution in trips:
            await listed(settings, "compensated", execution)
        items = (await saga(settings, "bulks", "show", done.document["id"], "--json")).document["items"]
        assert [(item["execution_id"], item["state"]) for item in items] == [(name, "done") for name in sorted(trips)]
        moved = await saga(settings, "retry", *those, "--confirm", seen["token"], *WHY)
        assert moved.status == CONFLICT, "what was counted is not there any more"


async def test_many_are_undone_past_the_point_of_no_return_each_by_its_own_plan(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        ended, waiting, settings = await completed(place), await place.waiting(2), place.corner.settings
        for status, execution in (("completed", ended), ("running", waiting)):
            await listed(settings, status, execution)
        those = ("compensate", "--all", "--status", "completed", "--status", "running", "--saga", "trip")
        async with upkeep(settings, place.client):
            plain = await saga(settings, *those, "--yes", *WHY, "--wait", "--json")
            assert (plain.document["done"], plain.document["skipped"]) == (1, 1), "never past it unless that is said"
            await listed(settings, "compensated", waiting)
            seen = (await saga(settings, *those, "--override", "--dry-run", "--json")).document
            assert seen["first_ids"] == [ended]
            mighty = ("--override", "--confirm", seen["token"], *WHY, "--wait", "--json")
            assert (await saga(settings, *those, *mighty)).document["done"] == 1
        await listed(settings, "compensated", ended)
        shown = (await saga(settings, "show", ended, "--json")).document
        assert shown["steps"]["take_money"]["phase"] == "undone"
        keys = [entry["key"] for entry in undone(place)]
        assert len(keys) == len(set(keys)) >= 4


async def test_without_a_ledger_an_execution_is_shown_as_temporal_has_it(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution = await place.stuck()
        for ledger in (f"sqlite:///{tmp_path}/fresh.db", f"sqlite:///{tmp_path}/nowhere/ledger.db"):
            settings = place.corner.settings.model_copy(update={"ledger_url": SecretStr(ledger)})
            shown = (await saga(settings, "show", execution, "--json")).document
            assert (shown["source"], shown["steps"]["book_flight"]["phase"]) == ("temporal", "stuck")
            assert shown["without_ledger"]
            assert not [action for action in shown["actions"] if action["allowed"]]
            watched = (await saga(settings, "watch", execution, "--json")).document
            assert (watched["status"], watched["source"], bool(watched["without_ledger"])) == (
                "stuck",
                "temporal",
                True,
            )
            assert (await saga(settings, "show", "trip:nobody")).status == ERROR, "nobody can say that it is not there"


async def test_with_both_servers_away_what_was_written_down_is_still_read(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution = await place.stuck()
        await listed(place.corner.settings, "stuck", execution)
    nowhere = {"temporal_address": "127.0.0.1:1", "rabbitmq_url": SecretStr("amqp://a:b@127.0.0.1:1/")}
    settings = place.corner.settings.model_copy(update=nowhere)
    assert (await listed(settings, "stuck", execution))[0]["failed_step"] == "book_flight"
    for reading in (("list",), ("show", execution), ("messages", execution), ("compensate", execution, "--dry-run")):
        ended = await saga(settings, *reading)
        assert (ended.status, ended.err) == (OK, "")
        assert "as of 20" in ended.out, reading
        assert json.loads((await saga(settings, *reading, "--json")).out)["as_of"], reading
    assert (await saga(settings, "audit", "--json")).document["items"] == []
    shown = (await saga(settings, "show", execution, "--json")).document
    assert (shown["source"], shown["steps"]["book_flight"]["phase"]) == ("ledger", "stuck")
    watched = (await saga(settings, "watch", execution, "--json")).document
    assert (watched["status"], watched["source"], bool(watched["as_of"])) == ("stuck", "ledger", True)
    token = (await saga(settings, "token", "create", "ci", *WHY, "--json")).document["id"]
    assert [one["id"] for one in (await saga(settings, "token", "list", "--json")).document["items"]] == [token]
    assert (await saga(settings, "token", "revoke", token, *WHY)).status == OK
    assert (await saga(settings, "account", "reset", "--json")).document["name"] == "admin"
    refused = await saga(settings, "retry", execution, "book_flight", *WHY)
    assert (refused.status, refused.out) == (ERROR, "")
    assert "no Temporal server answers at 127.0.0.1:1" in refused.err
    assert "run `saga up`" in refused.err
