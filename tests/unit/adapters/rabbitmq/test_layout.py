import re

import pytest

from orchestrator.adapters.rabbitmq.layout import Binding, layout
from orchestrator.adapters.rabbitmq.names import RETRY_STEPS, Names
from orchestrator.errors import TopologyError
from orchestrator.saga.plan import CallPlan, SequencePlan, StepPlan
from tests.rabbitmq_kit import PLAN

NAMES = Names("saga")
WANTED = layout(NAMES, [PLAN], {"payments": ["payments.charge"]})


def test_ingress_gets_what_sagas_start_on_and_wait_for():
    keys = {binding.key for binding in WANTED.bindings if binding.queue == NAMES.ingress}
    keys -= {f"*.{NAMES.ingress}"}  # out of the ladder
    assert keys == {"order.placed", "payment.settled", "prodded", "recalled"}


def test_each_participant_has_a_queue_for_its_commands_undos_included():
    found = {(one.queue, one.key) for one in WANTED.bindings if one.source == NAMES.commands}
    found = {way for way in found if way[0] != NAMES.store}
    assert found == {
        ("saga.commands.inventory", "inventory.reserve"),
        ("saga.commands.inventory", "inventory.release"),
        ("saga.commands.payments", "payments.charge"),
    }


def test_every_work_queue_gets_its_messages_back_from_the_ladder():
    found = {binding.key for binding in WANTED.bindings if binding.source == NAMES.retry_back}
    assert found == {"*.saga.ingress", "*.saga.replies", "*.saga.commands.inventory", "*.saga.commands.payments"}


def test_the_ladder_has_one_queue_per_step_with_its_delay():
    delays = {queue.name: queue.arguments.get("x-message-ttl") for queue in WANTED.queues}
    assert [delays[NAMES.retry_queue(step)] for step in RETRY_STEPS] == [1000, 5000, 30000, 120000, 600000, 3600000]


def test_replies_to_nobody_go_to_the_shared_queue_whatever_the_policies():
    replies = next(exchange for exchange in WANTED.exchanges if exchange.name == NAMES.replies)
    assert replies.arguments == {"alternate-exchange": NAMES.replies_late}
    assert Binding(NAMES.replies_late, NAMES.replies, "") in WANTED.bindings


def test_exactly_one_policy_fits_each_queue():
    for queue in WANTED.queues:
        fitting = [
            policy
            for policy in WANTED.policies
            if policy.applies_to == "queues" and re.search(policy.pattern, queue.name)
        ]
        assert len(fitting) == 1, queue.name


def test_policies_leave_other_prefixes_and_a_workers_own_queue_alone():
    for name in ("saga2.ingress", "other.saga.ingress", "sagaXingress", NAMES.reply_queue("w1")):
        assert not [policy for policy in WANTED.policies if re.search(policy.pattern, name)], name


def test_at_least_once_dead_lettering_has_everything_it_needs():
    careful = [policy.definition for policy in WANTED.policies if "dead-letter-strategy" in policy.definition]
    assert careful
    for definition in careful:
        assert definition["overflow"] == "reject-publish"
        assert "dead-letter-exchange" in definition


def test_looking_into_parking_never_deletes():
    parking = next(policy for policy in WANTED.policies if policy.name == "saga-parking")
    assert parking.definition["delivery-limit"] == -1
    assert parking.definition["overflow"] == "reject-publish"


def test_every_queue_and_exchange_of_a_binding_is_declared():
    queues = {queue.name for queue in WANTED.queues}
    exchanges = {exchange.name for exchange in WANTED.exchanges}
    for binding in WANTED.bindings:
        assert binding.queue in (exchanges if binding.to == "exchange" else queues)
        assert binding.source in exchanges


@pytest.mark.parametrize("word", ["", "#", "order.*", "x" * 201])
def test_what_cannot_be_a_routing_key_is_refused(word):
    with pytest.raises(TopologyError, match="routing key"):
        layout(NAMES, [], {"inventory": [word]})


def test_a_command_of_two_participants_is_refused():
    with pytest.raises(TopologyError, match=r"'inventory\.reserve' goes to 'inventory' and to 'warehouse'"):
        layout(NAMES, [PLAN], {"warehouse": ["inventory.reserve"]})


def test_the_store_gets_a_copy_of_what_sagas_take_and_send_of_replies_and_of_what_nobody_wants():
    found = {(one.source, one.key) for one in WANTED.bindings if one.queue == NAMES.store}
    told = {(NAMES.events, key) for key in ("order.placed", "payment.settled", "prodded", "recalled")}
    asked = {(NAMES.commands, key) for key in ("inventory.reserve", "inventory.release", "payments.charge")}
    others = {(NAMES.events, "saga.execution.#"), (NAMES.unrouted, ""), (NAMES.replies_sent, "")}
    assert found == told | asked | others
    assert Binding(NAMES.replies_sent, NAMES.replies, "", "exchange") in WANTED.bindings


def test_the_store_gets_what_sagas_publish_though_no_saga_wants_it():
    told = CallPlan(lane="publish", handler="tell", message_type="order.fulfilled")
    plan = PLAN.model_copy(update={"root": SequencePlan(children=(StepPlan(id="tell", do=told),))})
    assert Binding(NAMES.events, NAMES.store, "order.fulfilled") in layout(NAMES, [plan]).bindings
    assert Binding(NAMES.events, NAMES.ingress, "order.fulfilled") not in layout(NAMES, [plan]).bindings


def test_nothing_that_the_store_does_keeps_anybody_from_publishing_or_makes_the_unwanted_look_wanted():
    """A queue that refuses would refuse publishers; a copy of everything would end the way to `unrouted`."""
    policy = next(policy for policy in WANTED.policies if policy.name == "saga-store")
    assert policy.definition.get("overflow", "drop-head") == "drop-head"
    assert {"max-length", "max-length-bytes"} <= set(policy.definition)
    keys = {one.key for one in WANTED.bindings if one.source in (NAMES.events, NAMES.commands, NAMES.replies)}
    assert "#" not in keys


def test_without_an_event_store_there_is_no_copy_of_anything():
    without = layout(NAMES, [PLAN], keeps_messages=False)
    assert NAMES.store not in {queue.name for queue in without.queues}
    assert NAMES.store not in {binding.queue for binding in without.bindings}
    assert Binding(NAMES.replies_sent, NAMES.replies, "", "exchange") in without.bindings
