"""`saga token`: made, listed, revoked."""

import pytest

from orchestrator.cli.exits import DENIED, NOT_FOUND, OK, USAGE
from orchestrator.service.access import Role
from tests.cli_kit import FakeDesk, caller_of, saga

WHY = ("--reason", "for the nightly run")
MADE = ("token", "create", "ci", "--role", "operator", "--grant", "payload:read", "--saga", "trip", *WHY)


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


def test_a_token_is_printed_once_and_listed_without_it(desk) -> None:
    made = saga(desk, *MADE, "--days", "30", "--json").document
    assert made["token"].startswith("saga_")
    (listed,) = saga(desk, "token", "list", "--json").document["items"]
    assert listed == {name: value for name, value in made.items() if name != "token"}
    assert (listed["role"], listed["granted"], listed["sagas"]) == ("operator", ["payload:read"], ["trip"])
    assert listed["expires"] == "2026-01-31T00:00:00Z"
    assert made["token"] not in saga(desk, "token", "list").out


def test_standard_output_is_the_token_alone(desk) -> None:
    ended = saga(desk, *MADE)
    assert ended.out.startswith("saga_")
    assert len(ended.out.split()) == 1


def test_a_revoked_one_is_listed_as_such(desk) -> None:
    token = saga(desk, *MADE, "--json").document["id"]
    assert saga(desk, "token", "revoke", token, *WHY, "--json").document["revoked_by"] == "ann"
    assert "revoked by ann" in saga(desk, "token", "list").out
    assert saga(desk, "token", "revoke", "nothing", *WHY).status == NOT_FOUND


def test_what_cannot_be_is_told(desk) -> None:
    assert saga(desk, "token", "create", "ci", "--grant", "everything", *WHY).status == USAGE
    assert saga(desk, "token", "create", "ci", "--days", "0", *WHY).status == USAGE
    assert saga(desk, "token", "create", "ci", "--reason", "why").status == USAGE
    assert saga(desk, "token", "list").out == "no tokens\n"


def test_it_needs_no_temporal(desk) -> None:
    desk.bench.live.away = True
    token = saga(desk, *MADE, "--json").document["id"]
    assert [one["id"] for one in saga(desk, "token", "list", "--json").document["items"]] == [token]
    assert saga(desk, "token", "revoke", token, *WHY).status == OK


def test_who_may_make_none_is_denied(desk) -> None:
    desk.caller = caller_of(Role.OPERATOR)
    assert saga(desk, *MADE).status == DENIED
    assert saga(desk, "token", "list").status == DENIED
    desk.caller = caller_of(Role.ADMIN)
    assert saga(desk, *MADE).status == OK
