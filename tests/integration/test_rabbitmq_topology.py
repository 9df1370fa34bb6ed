import asyncio
import json

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from orchestrator.adapters.rabbitmq.layout import layout
from orchestrator.adapters.rabbitmq.management import open_management
from orchestrator.adapters.rabbitmq.topology import apply_topology, check_topology, show_topology
from orchestrator.cli.topology import topology_app
from orchestrator.errors import BrokerUnavailableError, TopologyError
from tests.rabbitmq_kit import PLAN, corner

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


def states(rows):
    return {row.state for row in rows}


async def test_apply_makes_everything_and_may_be_repeated():
    async with corner() as here:
        first = await show_topology(here.settings, [PLAN])
        assert states(first) == {"ok"}
        assert await apply_topology(here.settings, [PLAN]) == first
        await check_topology(here.settings, [PLAN])


async def test_apply_adds_what_a_new_participant_needs():
    async with corner() as here:
        added = {"payments": ["payments.charge"]}
        with pytest.raises(TopologyError, match=r"commands\.payments is missing.*Run `saga topology apply`"):
            await check_topology(here.settings, [PLAN], added)
        assert states(await apply_topology(here.settings, [PLAN], added)) == {"ok"}
        await check_topology(here.settings, [PLAN], added)


async def test_what_comes_in_and_no_saga_here_wants_is_shown_and_warned_of(caplog):
    async with corner() as here, here.connection.channel() as channel:
        ingress = await channel.get_queue(here.names.ingress, ensure=False)
        await ingress.bind(here.names.events, "seat.booked")
        foreign = [row for row in await show_topology(here.settings, [PLAN]) if row.state == "foreign"]
        assert [row.name for row in foreign] == [f"{here.names.events} -> {here.names.ingress} by 'seat.booked'"]
        await check_topology(here.settings, [PLAN])
        (warning,) = [record.getMessage() for record in caplog.records if "seat.booked" in record.getMessage()]
        assert "SAGA_NAME_PREFIX" in warning
        assert "SAGA_TASK_QUEUE" in warning


async def test_a_command_that_was_given_to_another_participant_goes_no_more_to_the_old_one():
    """Both would carry it out, and only one of them would be told to undo it."""
    async with corner() as here, here.connection.channel() as channel:
        old = await channel.declare_queue(here.names.command_queue("warehouse"), durable=True)
        await old.bind(here.names.commands, "inventory.reserve")
        await old.bind(here.names.commands, "warehouse.count")
        tap = await channel.declare_queue(f"{here.names.prefix}.tap")
        await tap.bind(here.names.commands, "inventory.reserve")
        wrong = f"{here.names.commands} -> {old.name} by 'inventory.reserve'"
        rows = await apply_topology(here.settings, [PLAN])
        assert [(row.name, row.state) for row in rows if row.state != "ok"] == [(wrong, "different")]
        with pytest.raises(TopologyError, match=r"both get them: `saga topology apply --prune`"):
            await check_topology(here.settings, [PLAN])
        assert states(await apply_topology(here.settings, [PLAN], prune=True)) == {"ok"}
        await check_topology(here.settings, [PLAN])
        async with open_management(here.settings) as management:
            assert management is not None
            left = {
                (found.queue, found.key) for found in await management.bindings() if found.source == here.names.commands
            }
        assert {(old.name, "warehouse.count"), (tap.name, "inventory.reserve")} <= left
        assert (old.name, "inventory.reserve") not in left


async def test_prune_removes_the_bindings_of_sagas_that_are_gone():
    async with corner() as here, here.connection.channel() as channel:
        ingress = await channel.get_queue(here.names.ingress, ensure=False)
        await ingress.bind(here.names.events, "seat.booked")
        applied = await run(here, "apply", "--json")
        assert (applied.exit_code, "foreign" in applied.stdout) == (0, True)
        pruned = await run(here, "apply", "--prune", "--json")
        assert {row["state"] for row in json.loads(pruned.stdout)} == {"ok"}


async def test_what_is_missing_is_named():
    async with corner() as here, here.connection.channel() as channel:
        await channel.queue_delete(here.names.parking)
        await channel.exchange_delete(here.names.retry_back)
        with pytest.raises(TopologyError) as error:
            await check_topology(here.settings, [PLAN])
        assert f"queue {here.names.parking} is missing" in str(error.value)
        assert f"exchange {here.names.retry_back} is missing" in str(error.value)
        assert f"binding {here.names.dead_letters} -> {here.names.parking}" in str(error.value)
        assert "saga topology apply" in str(error.value)
        assert states(await apply_topology(here.settings, [PLAN])) == {"ok"}


async def test_without_the_management_api_exchanges_and_queues_are_still_looked_for():
    async with corner() as here, here.connection.channel() as channel:
        alone = here.settings.model_copy(update={"rabbitmq_management_url": None})
        await check_topology(alone, [PLAN])
        assert states(await show_topology(alone, [PLAN])) == {"ok", "unknown"}
        await channel.queue_delete(here.names.ingress)
        await channel.exchange_delete(here.names.events)
        with pytest.raises(TopologyError, match="missing") as error:
            await check_topology(alone, [PLAN])
        assert f"queue {here.names.ingress} is missing" in str(error.value)
        assert f"exchange {here.names.events} is missing" in str(error.value)


async def test_a_management_api_that_refuses_us_leaves_the_passive_look():
    async with corner() as here:
        url = here.settings.rabbitmq_management_url
        assert url is not None
        wrong = SecretStr(f"http://nobody:wrong@{url.get_secret_value().rpartition('@')[2].removeprefix('http://')}")
        refused = here.settings.model_copy(update={"rabbitmq_management_url": wrong})
        await check_topology(refused, [PLAN])
        with pytest.raises(TopologyError, match="SAGA_RABBITMQ_MANAGEMENT_URL"):
            await apply_topology(refused, [PLAN])


async def test_without_the_management_api_apply_says_how_to_set_policies_by_hand():
    async with corner() as here:
        alone = here.settings.model_copy(update={"rabbitmq_management_url": None})
        with pytest.raises(TopologyError) as error:
            await apply_topology(alone, [PLAN])
        for policy in layout(here.names, [PLAN]).policies:
            assert f" {policy.name} " in str(error.value)
        assert "rabbitmqctl set_policy" in str(error.value)
        assert "SAGA_RABBITMQ_MANAGEMENT_URL" in str(error.value)


async def test_a_management_api_that_is_not_there_is_told():
    async with corner() as here:
        away = here.settings.model_copy(update={"rabbitmq_management_url": SecretStr("http://u:secret@127.0.0.1:1")})
        with pytest.raises(BrokerUnavailableError, match="SAGA_RABBITMQ_MANAGEMENT_URL") as error:
            await apply_topology(away, [PLAN])
    assert "secret" not in str(error.value)


async def test_a_queue_with_other_arguments_is_told_and_left_alone():
    async with corner() as here, here.connection.channel() as channel:
        await channel.queue_delete(here.names.ingress)
        await channel.declare_queue(here.names.ingress, durable=True)
        with pytest.raises(TopologyError, match=r"ingress exists with other arguments.*SAGA_NAME_PREFIX"):
            await apply_topology(here.settings, [PLAN])
        with pytest.raises(TopologyError, match=r"ingress is different"):
            await check_topology(here.settings, [PLAN])


async def test_a_tuned_policy_is_shown_but_is_no_fault_and_apply_sets_it_back():
    async with corner() as here:
        wanted = next(found for found in layout(here.names, [PLAN]).policies if found.name.endswith("-work"))
        async with open_management(here.settings) as management:
            assert management is not None
            tuned = type(wanted)(wanted.name, wanted.pattern, wanted.applies_to, {**wanted.definition, "max-length": 5})
            await management.set_policy(tuned)
        assert "different" in states(await show_topology(here.settings, [PLAN]))
        await check_topology(here.settings, [PLAN])
        assert states(await apply_topology(here.settings, [PLAN])) == {"ok"}


async def test_the_command_shows_and_applies():
    async with corner() as here, here.connection.channel() as channel:
        await channel.queue_delete(here.names.parking)
        shown = await run(here, "show", "--json")
        assert shown.exit_code == 1
        rows = json.loads(shown.stdout)
        assert {"kind": "queue", "name": here.names.parking, "state": "missing", "detail": ""} in rows
        assert (await run(here, "apply", "--json")).exit_code == 0
        shown = await run(here, "show")
        assert shown.exit_code == 0
        assert "missing" not in shown.stdout


async def run(here, *arguments):
    """The command has an event loop of its own, so it runs in a thread."""
    app = topology_app(lambda: here.settings, lambda _: [PLAN])
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
