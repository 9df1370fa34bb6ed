"""The search attribute of stuck sagas is there before a worker begins, or an administrator is told how to make it."""

from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal.attributes import ensure_search_attribute
from orchestrator.errors import EngineUnavailableError


def refused(status):
    return RPCError("not for you", status, b"")


class FakeTemporal:
    """A namespace; `looks` and `makes` are what the server says to the two calls, None = it does them."""

    namespace = "shop"

    def __init__(self, *, looks=None, makes=None):
        self.asked = []
        self.made = []
        self._answers = {"looks": looks, "makes": makes}
        self.operator_service = SimpleNamespace(add_search_attributes=self._make)

    async def count_workflows(self, query):
        self.asked.append(query)
        self._answer("looks")

    async def _make(self, request):
        self.made.append(dict(request.search_attributes))
        self._answer("makes")

    def _answer(self, call):
        if self._answers[call] is not None:
            raise refused(self._answers[call])


async def test_a_namespace_that_knows_it_is_not_asked_for_an_administrators_right() -> None:
    temporal: Any = FakeTemporal(makes=RPCStatusCode.PERMISSION_DENIED)
    await ensure_search_attribute(temporal)
    assert temporal.asked == ["SagaStatus = 'Stuck'"]
    assert temporal.made == []


@pytest.mark.parametrize("answer", [None, RPCStatusCode.ALREADY_EXISTS], ids=["made", "another worker was quicker"])
async def test_a_namespace_that_does_not_know_it_is_told(answer) -> None:
    temporal: Any = FakeTemporal(looks=RPCStatusCode.INVALID_ARGUMENT, makes=answer)
    await ensure_search_attribute(temporal)
    assert temporal.made == [{"SagaStatus": 2}]  # a keyword


@pytest.mark.parametrize(
    "answers",
    [
        {"looks": RPCStatusCode.INVALID_ARGUMENT, "makes": RPCStatusCode.PERMISSION_DENIED},
        {"looks": RPCStatusCode.INVALID_ARGUMENT, "makes": RPCStatusCode.UNIMPLEMENTED},
        {"looks": RPCStatusCode.PERMISSION_DENIED},
    ],
)
async def test_where_we_may_not_an_administrator_is_told_how(answers) -> None:
    temporal: Any = FakeTemporal(**answers)
    with pytest.raises(EngineUnavailableError) as raised:
        await ensure_search_attribute(temporal)
    told = str(raised.value)
    assert "search-attribute create --namespace shop --name SagaStatus --type Keyword" in told
    assert "tcld namespace search-attributes add --namespace shop --sa SagaStatus=Keyword" in told
