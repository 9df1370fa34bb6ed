"""The API keeps what its description says, whatever it is asked: schemathesis finds nothing."""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings, strategies
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from orchestrator.console.api.description import description
from orchestrator.service.access import Role
from orchestrator.service.rules import ALLOWED
from tests.console_kit import Served, served
from tests.service_kit import WHY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.service.records import Status

CHECKS: Any = list(HealthCheck)
ANSWERED: dict[str, Counter[int]] = defaultdict(Counter)
UNSAID = "the request does not fit its description"
ALSO = ("malformed", "cursor-invalid", "cursor-mismatch", "idempotency-key-reused")
"""Why a request that fits its description may still be refused: no description can say it."""


def described() -> dict[str, Any]:
    """The description without its security, which has tests of its own: here everybody is let in."""
    document = description()
    paths = {
        path: {
            method: {name: value for name, value in operation.items() if name != "security"}
            for method, operation in item.items()
        }
        for path, item in document["paths"].items()
    }
    return {**document, "paths": paths}


SCHEMA = schemathesis.openapi.from_dict(described()).exclude(path="/api/v1/events")  # a stream has no end


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Iterator[Served]:
    """One trip of every status, twice."""
    wanted: dict[str, Status] = {f"{status}-{number}": status for status in ALLOWED for number in (1, 2)}
    with served(tmp_path_factory.mktemp("api"), wanted) as console:
        yield console


def make_real(case: Any, here: Served, number: int) -> None:
    """Let a request that fits its description speak of something that is there."""
    known = {name: here.ids[f"{case.operation.path}/{name}"] for name in case.path_parameters or {}}
    case.path_parameters = {name: ids[number % len(ids)] for name, ids in known.items()}
    if case.operation.path.endswith("/diagram.svg"):
        case.query = {}  # not of a version that there is not
    if isinstance(case.body, dict):
        trip = {"saga": "trip", "input": {"trip": f"new-{number}"}, "wait_seconds": 0}
        personal = {"query": "status=stuck", "time_zone": "Europe/Berlin"}
        words = {**trip, **personal, "step": "book_flight", "reason": WHY, "token": here.selection, "filter": {}}
        case.body = {**case.body, **{name: word for name, word in words.items() if name in case.body}}
        if case.operation.path.endswith("/switches"):
            case.body = {**case.body, "new": True}
        if case.operation.path.endswith("/operations"):
            case.body = {**case.body, "dry_run": number % 2 == 0}
        if case.operation.path.endswith("/switches"):
            case.body = {**case.body, "kind": "starts", "name": "trip"}
        if "message_id" in known:
            case.body["dry_run"] = True
            case.path_parameters = {"message_id": known["message_id"][2 if case.body["operation"] == "restore" else 0]}
        case.headers = {"If-Match": "*", **(case.headers or {}), "Idempotency-Key": secrets.token_hex(8)}


def check_refusal(case: Any, answer: Any) -> None:
    """A request that fits its description is refused for what no description can say, and for nothing else."""
    if not case.meta.generation.mode.is_positive or answer.status_code not in (400, 422):
        return
    problem = answer.json()
    if problem["code"] == "idempotency-key-missing":
        assert case.operation.path.endswith("/operations"), "it is not needed for a dry run"
    else:
        assert problem["code"] in ALSO or (problem["code"], problem["detail"] != UNSAID) == ("invalid", True)


@SCHEMA.parametrize()
@SCHEMA.given(number=strategies.integers(min_value=-10, max_value=20))
@settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=CHECKS)
def test_whatever_is_asked_the_answer_is_one_of_those_described(case, here, number) -> None:
    if (
        number >= 0
        and case.meta.generation.mode.is_positive
        and not any(case.meta.is_negative_at(place) for place in ParameterLocation)
    ):
        make_real(case, here, number)
    answer = case.call(base_url=here.url, headers={"Authorization": f"Bearer {here.tokens[Role.ADMIN]}"})
    assert answer.status_code != 401, "the token is good all the time"
    case.validate_response(answer, excluded_checks=[positive_data_acceptance])
    check_refusal(case, answer)
    ANSWERED[f"{case.method} {case.operation.path}"][answer.status_code] += 1


def test_every_request_was_answered_with_success_too() -> None:
    if len(ANSWERED) < sum(1 for _ in SCHEMA.get_all_operations()):
        pytest.skip("only some were asked")
    assert {name for name, found in ANSWERED.items() if min(found) >= 300} == set()
