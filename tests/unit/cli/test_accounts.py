"""`saga account`: another one-time password."""

import asyncio

import pytest

from orchestrator.cli.exits import DENIED, OK, USAGE
from orchestrator.service.access import Role
from orchestrator.service.passwords import fits
from tests.cli_kit import FakeDesk, caller_of, saga


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


def test_a_reset_prints_a_password_once_and_keeps_none(desk) -> None:
    first = saga(desk, "account", "reset")
    second = saga(desk, "account", "reset", "admin", "--json").document
    assert first.status == OK
    assert len(first.out.split()) == 1
    assert second["name"] == "admin"
    kept = desk.bench.accounts.kept["admin"]
    assert kept.state == "one_time"
    assert not asyncio.run(fits(first.out.strip(), kept.password))
    assert asyncio.run(fits(second["password"], kept.password))
    assert [row.entry.actor for row in desk.bench.register.rows] == ["ann", "ann"]


def test_it_needs_no_temporal(desk) -> None:
    desk.bench.live.away = True
    assert saga(desk, "account", "reset").status == OK


@pytest.mark.parametrize("name", ["", " admin", "a\nb", "x" * 101])
def test_nobody_is_called_so(desk, name) -> None:
    assert saga(desk, "account", "reset", name).status == USAGE
    assert desk.bench.accounts.kept == {}


def test_who_may_hand_out_no_rights_resets_nothing() -> None:
    desk = FakeDesk(caller=caller_of(Role.OPERATOR))
    assert saga(desk, "account", "reset").status == DENIED
    assert desk.bench.accounts.kept == {}
