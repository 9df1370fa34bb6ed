"""Whom a JWT speaks of, if it is signed by a key of the issuer that we trust. Implements `service.identity.Bearers`.

Claims: `sub` = the actor; `saga_role` = viewer, operator or admin; `saga_permissions` = rights beside the role's;
`saga_sagas` = the sagas whose executions they may touch, all if it is not there. `exp` is required.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.errors import IdentityUnavailableError, UnknownCallerError
from orchestrator.service.access import Caller, Permission, Role

if TYPE_CHECKING:
    from pathlib import Path

LEEWAY = timedelta(seconds=30)
"""By how much clocks of two machines may differ."""


class Claims(BaseModel):
    """What a token says of its bearer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: str = Field(min_length=1, max_length=200)
    saga_role: Role
    saga_permissions: frozenset[Permission] = frozenset()
    saga_sagas: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom we believe: the issuer, for whom it must have spoken, and how it may have signed."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]


class JwtBearers:
    """Reads JWTs.

    Args:
        trust: whom we believe.
        keys: file of the issuer's public keys, a JWKS; read anew when it changes, so that keys can be rotated.
    """

    def __init__(self, trust: Trust, keys: Path) -> None:
        self._trust = trust
        self._file = keys
        self._read_at = -1
        self._keys: dict[str, jwt.PyJWK] = {}

    async def bearer(self, text: str) -> Caller:
        """Who shows this token.

        Raises:
            UnknownCallerError: it is not accepted; says why, never what it holds.
            IdentityUnavailableError: the issuer's keys cannot be read now.
        """
        await anyio.to_thread.run_sync(self._refresh)
        return self._caller(text)

    def _caller(self, text: str) -> Caller:
        try:
            claims = Claims.model_validate(self._decoded(text))
        except jwt.PyJWTError as error:
            raise UnknownCallerError(f"the JWT is not accepted: {error}") from None
        except ValidationError as error:
            wrong = ", ".join(sorted({str(one["loc"][0]) for one in error.errors(include_input=False)}))
            raise UnknownCallerError(f"the JWT says nothing usable in: {wrong}") from None
        return Caller(actor=claims.sub, role=claims.saga_role, granted=claims.saga_permissions, sagas=claims.saga_sagas)

    def _decoded(self, text: str) -> Any:
        header = jwt.get_unverified_header(text)
        if header.get("alg") not in self._trust.algorithms:
            raise jwt.InvalidAlgorithmError(f"it must be signed by {', '.join(self._trust.algorithms)}")
        key = self._keys.get(str(header.get("kid", "")))
        if key is None:
            raise jwt.InvalidKeyError("the issuer has no such key")
        return jwt.decode(
            text,
            key,
            algorithms=list(self._trust.algorithms),
            audience=self._trust.audience,
            issuer=self._trust.issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    def _refresh(self) -> None:
        try:
            changed_at = self._file.stat().st_mtime_ns
            if changed_at != self._read_at:
                self._keys, self._read_at = _keys(self._file.read_bytes()), changed_at
        except (OSError, ValueError, jwt.PyJWTError) as error:
            raise IdentityUnavailableError(f"the issuer's keys in {self._file} cannot be read: {error}") from error


def _keys(document: bytes) -> dict[str, jwt.PyJWK]:
    """The keys by id; those for other uses, or of kinds that we do not know, are left out."""
    found = jwt.PyJWKSet.from_dict(json.loads(document)).keys
    return {key.key_id: key for key in found if key.key_id and key.public_key_use in (None, "sig")}
