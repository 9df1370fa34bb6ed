"""The page about oneself."""

from orchestrator.console.pages import ROUTERS
from orchestrator.service.access import Caller, Permission, Role
from tests.api_kit import ApiBench


async def test_everybody_sees_who_they_are_and_what_they_may() -> None:
    eve = Caller(actor="eve", role=Role.VIEWER, granted=frozenset({Permission.PAYLOAD}), sagas=frozenset({"trip"}))
    async with ApiBench(pages=ROUTERS).asking(eve) as api:
        text = (await api.http.get("/me")).text
    assert "You act as <strong>viewer</strong>, for the sagas trip" in text
    assert "<code>payload:read</code>: yes" in text
    assert "<code>saga:retry</code>: no" in text
