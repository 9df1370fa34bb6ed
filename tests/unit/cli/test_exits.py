"""What a script can tell apart, and what people are told."""

import pytest

from orchestrator.cli.exits import CONFLICT, DENIED, ERROR, NOT_FOUND, OK, TIMEOUT, USAGE, exit_status, status_of, told
from orchestrator.errors import (
    ConflictError,
    DeniedError,
    EngineUnavailableError,
    ExecutionNotFoundError,
    InvalidRequestError,
    KeyReusedError,
    OperationNotFoundError,
    RefusedCommandError,
    StoreUnavailableError,
    TokenNotFoundError,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailableError("away"), ERROR),
        (EngineUnavailableError("away"), ERROR),
        (InvalidRequestError([("/reason", "say why")]), USAGE),
        (ExecutionNotFoundError("x"), NOT_FOUND),
        (OperationNotFoundError("x"), NOT_FOUND),
        (TokenNotFoundError("x"), NOT_FOUND),
        (ConflictError("it moved", revision=1), CONFLICT),
        (RefusedCommandError("cancel", "not now"), CONFLICT),
        (KeyReusedError("k"), CONFLICT),
        (DeniedError(actor="ann", permission="saga:retry"), DENIED),
        (TimeoutError(), TIMEOUT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_of_error_has_its_status(error, status) -> None:
    assert exit_status(error) == status


def test_a_command_that_ends_well_or_by_itself_has_that_status(capsys) -> None:
    def leaving(code):
        raise SystemExit(code)

    assert [status_of(lambda: None), status_of(lambda: leaving(7)), status_of(lambda: leaving("x"))] == [OK, 7, ERROR]
    assert capsys.readouterr() == ("", "")


def test_an_error_of_ours_is_one_line_and_any_other_is_a_fault_of_the_program(capsys) -> None:
    def raising(error):
        raise error

    assert status_of(lambda: raising(ExecutionNotFoundError("x"))) == NOT_FOUND
    assert capsys.readouterr().err.startswith("saga: no execution 'x'")
    assert status_of(lambda: raising(OSError("full")), OSError) == ERROR
    with pytest.raises(OSError, match="full"):
        status_of(lambda: raising(OSError("full")))


def test_a_conflict_says_what_happened_meanwhile() -> None:
    text = told(ConflictError("it moved", revision=3, changes=["2 retry by bob", "3 succeeded"]))
    assert text.splitlines() == ["it moved", "  meanwhile: 2 retry by bob", "  meanwhile: 3 succeeded"]


def test_a_wrong_option_is_told_by_its_name() -> None:
    problems = [("/reason", "say why"), ("/output/parcel", "no text"), ("/input/trip", "no text"), ("", "too much")]
    told_so = "--reason: say why; --output/parcel: no text; /input/trip: no text; the request: too much"
    assert told(InvalidRequestError(problems)) == told_so
