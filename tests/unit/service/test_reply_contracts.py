"""Replies against what their commands declare."""

from dataclasses import replace

import pytest

from orchestrator import Command, Event, Saga, command, step, upcasts
from orchestrator.contracts.protocol import MAX_REASON, Reply
from orchestrator.errors import MalformedMessageError, SchemaMismatchError, UnknownVersionError
from orchestrator.service.reply_contracts import ReplyContracts, failure
from tests.temporal_kit import Asked, saga


class Lent(Event, type="lent"):
    until: int


class Lend(Command["Lent"], type="shelf.lend"):
    key: str


@command(to="shelf")
def lend(asked: Asked) -> Lend:
    return Lend(key=asked.key)


newer = Saga("fetch", step(lend, as_="take", no_undo="a loan"), starts_on=Asked, key="key", version=2)
REPLY = Reply(
    execution="fetch:1",
    workflow="fetch:1",
    step="take",
    direction="do",
    attempt=1,
    command_id="c",
    outcome="completed",
    body=b'{"what": "tea", "more": 1}',
)
CONTRACTS = ReplyContracts.of([saga])


def test_a_reply_that_fits_is_written_as_its_type_writes_it() -> None:
    assert CONTRACTS.read(REPLY) == replace(REPLY, body=b'{"what":"tea"}')


@pytest.mark.parametrize(
    ("body", "error", "told"),
    [
        (b'{"nope": 1}', SchemaMismatchError, "'the reply to take' does not fit its contract: what: Field required"),
        (b"null", SchemaMismatchError, "the reply to take"),
        (b"hello", MalformedMessageError, "not acceptable JSON"),
        (b'{"what": NaN}', MalformedMessageError, "not acceptable JSON"),
    ],
)
def test_one_that_does_not_fit_is_refused_with_field_and_problem(body, error, told) -> None:
    with pytest.raises(error, match=told):
        CONTRACTS.read(replace(REPLY, body=body))


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "undo"},
        {"outcome": "rejected"},
        {"outcome": "failed"},
        {"execution": "other:1"},
        {"step": "other"},
        {"step": "wrap"},
    ],
)
def test_what_has_no_fact_or_is_not_known_here_passes_as_it_is(changes) -> None:
    reply = replace(REPLY, body=b'{"nope": 1}', **changes)
    assert CONTRACTS.read(reply) == reply
    assert ReplyContracts().read(reply) == reply


def test_even_that_must_be_json() -> None:
    with pytest.raises(MalformedMessageError):
        CONTRACTS.read(replace(REPLY, direction="undo", body=b"hello"))


def test_a_step_is_told_that_it_failed_for_good() -> None:
    told = failure(REPLY, MalformedMessageError("x" * 1_000))
    assert (told.outcome, told.retryable, told.code, told.body) == ("failed", False, "malformed", b"null")
    assert told.reason.startswith("the reply cannot be used: xxx")
    assert len(told.reason) == MAX_REASON
    assert (told.execution, told.step, told.attempt) == (REPLY.execution, REPLY.step, REPLY.attempt)


@pytest.mark.parametrize("sagas", [(saga, newer), (newer, saga)], ids=["old first", "new first"])
def test_it_need_fit_one_version_and_is_told_about_the_newest(sagas) -> None:
    contracts = ReplyContracts.of(sagas)
    assert contracts.read(REPLY).body == b'{"what":"tea"}'
    assert contracts.read(replace(REPLY, body=b'{"until": 7}')).body == b'{"until":7}'
    with pytest.raises(SchemaMismatchError, match="until: Field required"):
        contracts.read(replace(REPLY, body=b"{}"))


class Granted(Event, type="granted", version=2):
    days: int


@upcasts(Granted, from_version=1)
def in_days(body):
    return {"days": body["weeks"] * 7}


class Grant(Command["Granted"], type="shelf.grant"):
    key: str


@command(to="shelf")
def grant(asked: Asked) -> Grant:
    return Grant(key=asked.key)


LATER = ReplyContracts.of(
    [Saga("fetch", step(grant, as_="take", no_undo="a loan"), starts_on=Asked, key="key", version=1)]
)


@pytest.mark.parametrize(("version", "body"), [(1, b'{"weeks": 2}'), (2, b'{"days": 14}')])
def test_a_reply_of_an_older_version_is_brought_up_to_date_and_says_so(version, body) -> None:
    read = LATER.read(replace(REPLY, body=body, version=version))
    assert (read.body, read.version) == (b'{"days":14}', 2)
    assert LATER.read(read) == read


def test_a_reply_of_an_unknown_version_is_refused() -> None:
    with pytest.raises(UnknownVersionError, match="'granted' is of version 3"):
        LATER.read(replace(REPLY, version=3))
