"""Whom a JWT speaks of, and which ones let nobody in."""

import json
import time

import jwt.algorithms
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator.adapters.jwt.verifying import JwtBearers, Trust
from orchestrator.errors import IdentityUnavailableError, UnknownCallerError
from orchestrator.service.access import Caller, Permission, Role

OURS, THEIRS = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
TRUST = Trust("https://issuer.test", "saga", ("ES256",))
GOOD = {"iss": TRUST.issuer, "aud": TRUST.audience, "sub": "ann", "saga_role": "operator"}


def jwks(**keys) -> str:
    algorithm = jwt.algorithms.ECAlgorithm
    return json.dumps(
        {"keys": [{**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": name} for name, key in keys.items()]}
    )


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(jwks(k1=OURS))
    return path


@pytest.fixture
def bearers(keys) -> JwtBearers:
    return JwtBearers(TRUST, keys)


def signed(key=OURS, *, kid: str = "k1", without: str = "", **more) -> str:
    claims = {"exp": time.time() + 60, **GOOD, **more}
    claims.pop(without, None)
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": kid})


async def test_the_claims_say_who_it_is_and_what_they_may(bearers) -> None:
    assert await bearers.bearer(signed()) == Caller(actor="ann", role=Role.OPERATOR)
    more = signed(saga_permissions=["payload:read"], saga_sagas=["trip"], aud=["other", "saga"])
    granted, sagas = frozenset({Permission.PAYLOAD}), frozenset({"trip"})
    assert await bearers.bearer(more) == Caller(actor="ann", role=Role.OPERATOR, granted=granted, sagas=sagas)
    assert (await bearers.bearer(signed(saga_sagas=[]))).sagas == frozenset()


WRONG = {
    "signed by somebody else": signed(THEIRS),
    "by a key that nobody knows": signed(kid="k2"),
    "expired": signed(exp=time.time() - 60),
    "not yet good": signed(nbf=time.time() + 3600),
    "for ever": signed(without="exp"),
    "of another issuer": signed(iss="https://evil.test"),
    "of no issuer": signed(without="iss"),
    "for somebody else": signed(aud="other"),
    "for nobody": signed(without="aud"),
    "of nobody": signed(without="sub"),
    "with an empty name": signed(sub=""),
    "without a role": signed(without="saga_role"),
    "with a role that there is not": signed(saga_role="king"),
    "with a right that there is not": signed(saga_permissions=["fly"]),
    "with sagas that are no list": signed(saga_sagas="trip"),
    "unsigned": jwt.encode({**GOOD, "exp": time.time() + 60}, "", algorithm="none", headers={"kid": "k1"}),
    "by a shared secret": jwt.encode(
        {**GOOD, "exp": time.time() + 60}, "s" * 32, algorithm="HS256", headers={"kid": "k1"}
    ),
    "no token at all": "a.b.c",
    "changed": signed()[:-6] + "AAAAAA",
}


@pytest.mark.parametrize("name", WRONG)
async def test_it_lets_nobody_in(bearers, name) -> None:
    with pytest.raises(UnknownCallerError):
        await bearers.bearer(WRONG[name])


async def test_keys_are_rotated_without_a_restart(bearers, keys) -> None:
    assert await bearers.bearer(signed())
    keys.write_text(jwks(k2=THEIRS))
    assert await bearers.bearer(signed(THEIRS, kid="k2"))
    with pytest.raises(UnknownCallerError):
        await bearers.bearer(signed())


@pytest.mark.parametrize("broken", ["", "{}", "[", None])
async def test_without_keys_nobody_can_tell(bearers, keys, broken) -> None:
    if broken is None:
        keys.unlink()
    else:
        keys.write_text(broken)
    with pytest.raises(IdentityUnavailableError):
        await bearers.bearer(signed())
