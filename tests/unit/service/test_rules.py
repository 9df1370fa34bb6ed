"""The one table, whole: every operation in every status for every role."""

import itertools
from typing import Any

import pytest

from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.rules import ALLOWED, OPERATIONS, PERMISSIONS, actions, why_not

STATUSES = (
    "running",
    "suspended",
    "parked",
    "compensating",
    "stuck",
    "completed",
    "compensated",
    "partially_compensated",
    "aborted",
    "terminated",
)
TABLE = {
    "compensate":     "yes yes yes yes yes yes no  yes yes yes",
    "retry":          "no  no  yes no  yes no  no  no  no  no",
    "edit_and_retry": "no  no  yes no  yes no  no  no  no  no",
    "skip":           "no  no  yes no  no  no  no  no  no  no",
    "resolve":        "no  no  no  no  yes no  no  no  no  no",
    "suspend":        "yes no  yes yes yes no  no  no  no  no",
    "resume":         "no  yes yes no  yes no  no  no  no  no",
    "cancel":         "yes yes yes no  no  no  no  no  no  no",
    "abandon":        "no  yes no  yes yes no  no  no  no  no",
    "release":        "yes yes yes yes yes no  no  no  no  no",
}  # fmt: skip
WHO = {"viewer": set(), "operator": set(TABLE) - {"abandon"}, "admin": set(TABLE)}
EVERYTHING = list(itertools.product(OPERATIONS, STATUSES, Role))


@pytest.mark.parametrize(("operation", "status", "role"), EVERYTHING)
def test_every_operation_in_every_status_for_every_role(operation, status, role) -> None:
    expected = TABLE[operation].split()[STATUSES.index(status)] == "yes" and operation in WHO[role]
    found = {action.operation: action for action in actions(Caller(actor="ann", role=role), "trip", status)}
    assert found[operation].allowed is expected
    assert bool(found[operation].why_not) is not expected, "a button that is off says why"


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(OPERATIONS) == set(PERMISSIONS)
    assert set(ALLOWED) == set(STATUSES)


def test_a_refusal_names_the_statuses_in_which_it_is_allowed() -> None:
    assert why_not("skip", "stuck") == "skip is for executions that are parked; this one is stuck"


def test_a_right_may_be_granted_beside_the_role() -> None:
    caller = Caller(actor="ann", role=Role.VIEWER, granted=frozenset({Permission.RETRY}))
    allowed = {action.operation for action in actions(caller, "trip", "stuck") if action.allowed}
    assert allowed == {"retry"}


def test_a_caller_of_one_saga_may_do_nothing_to_another() -> None:
    caller = Caller(actor="ann", role=Role.ADMIN, sagas=frozenset({"trip"}))
    assert any(action.allowed for action in actions(caller, "trip", "stuck"))
    assert not any(action.allowed for action in actions(caller, "order", "stuck"))


def test_payloads_and_the_override_are_no_part_of_the_operator() -> None:
    operator = Caller(actor="ann", role=Role.OPERATOR)
    assert not operator.may(Permission.PAYLOAD)
    assert not operator.may(Permission.OVERRIDE)


def test_nothing_may_be_done_to_what_is_in_a_status_of_another_version() -> None:
    status: Any = "dreaming"
    assert not any(one.allowed for one in actions(Caller(actor="ann", role=Role.ADMIN), "trip", status))
    assert "this one is dreaming" in why_not("retry", status)
