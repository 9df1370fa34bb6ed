"""Who asks."""

from dataclasses import replace

import pytest

from orchestrator.errors import UnknownCallerError
from orchestrator.service.access import Caller, Role
from orchestrator.service.identity import LOCAL, Identity
from orchestrator.service.tokens import Issuing
from tests.access_kit import MemoryTokens
from tests.service_kit import ADMIN, VIEWER, WHY, ManualClock, MemoryRegister

ANN = Caller(actor="ann", role=Role.VIEWER)


class Signed:
    async def bearer(self, text: str) -> Caller:
        if text != "signed":
            raise UnknownCallerError("not signed by us")
        return ANN


@pytest.fixture
def issuing() -> Issuing:
    return Issuing(MemoryTokens(), MemoryRegister(), ManualClock())


async def test_api_tokens_and_signed_tokens_say_who_it_is(issuing) -> None:
    identity = Identity(issuing, Signed(), is_on=True)
    text = (await issuing.create(ADMIN, "ci", VIEWER, WHY)).text
    assert (await identity.caller(f"Bearer {text}", origin="here")).actor == "token:ci"
    assert await identity.caller("bearer  signed", origin="here") == replace(ANN, origin="here")


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer  ", "signed", "Basic signed", "Bearer other", "Bearer saga_x"])
async def test_whoever_shows_nothing_good_is_nobody(issuing, shown) -> None:
    with pytest.raises(UnknownCallerError):
        await Identity(issuing, Signed(), is_on=True).caller(shown)


async def test_without_an_issuer_signed_tokens_are_refused(issuing) -> None:
    with pytest.raises(UnknownCallerError, match="SAGA_JWT_ISSUER"):
        await Identity(issuing, None, is_on=True).caller("Bearer signed")


async def test_without_access_control_everybody_is_local(issuing) -> None:
    identity = Identity(issuing, None, is_on=False)
    assert await identity.caller("Bearer whatever", origin="here") == replace(LOCAL, origin="here")
