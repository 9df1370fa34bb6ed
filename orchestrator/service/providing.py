"""Whom an OpenID provider vouches for, and what they may here: by the groups that it names. Pure but for the port."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from orchestrator.errors import UnknownCallerError
from orchestrator.service.access import Caller, Permission, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ACTOR = 200


@dataclass(frozen=True, slots=True)
class Request:
    """What only the browser that began to sign in can have: it ties the provider's answer to that browser.

    Attributes:
        state: comes back in the address. `nonce`: comes back inside of the ID token.
        verifier: proves to the provider that whoever brings the code had asked for it (PKCE).
    """

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody for whom the provider vouches: their name there, for ever the same, and what they are here."""

    account: str
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How claims become rights.

    Attributes:
        actor: the claim that is journalled and audited. `groups`: that which names groups, one or several.
        roles: the groups whose members have a role.
    """

    actor: str
    groups: str
    roles: Mapping[Role, frozenset[str]]

    @property
    def fingerprint(self) -> str:
        """Another one when the rules are others: sessions rest on it."""
        roles = {role.value: sorted(groups) for role, groups in sorted(self.roles.items())}
        return hashlib.sha256(to_json([self.actor, self.groups, roles])).hexdigest()

    def person(self, claims: Mapping[str, Any]) -> Person:
        """Whom these claims, which were found to be the provider's, speak of.

        Raises:
            UnknownCallerError: somebody who has no role here, or no usable name; says what is missing.
        """
        actor = claims.get(self.actor)
        if not isinstance(actor, str) or not 0 < len(actor) <= MAX_ACTOR or not actor.isprintable():
            raise UnknownCallerError(f"the provider names nobody in the claim {self.actor!r}")
        if self.actor == "email" and claims.get("email_verified") is not True:
            raise UnknownCallerError("the provider has not verified your e-mail address")
        try:
            more = _Further.model_validate(claims)
        except ValidationError as error:
            wrong = ", ".join(sorted({str(one["loc"][0]) for one in error.errors(include_input=False)}))
            raise UnknownCallerError(f"the provider says nothing usable in: {wrong}") from None
        caller = Caller(
            actor=actor, role=self._role(actor, claims), granted=more.saga_permissions, sagas=more.saga_sagas
        )
        return Person(account=str(claims["sub"]), caller=caller)

    def _role(self, actor: str, claims: Mapping[str, Any]) -> Role:
        said = claims.get(self.groups)
        listed = cast("list[object]", said) if isinstance(said, list) else [said]
        named = frozenset(one for one in listed if isinstance(one, str))
        for role in (Role.ADMIN, Role.OPERATOR, Role.VIEWER):
            if named & self.roles.get(role, frozenset()):
                return role
        raise UnknownCallerError(
            f"you are {actor}, but the provider names no group of yours that has a role here (claim {self.groups!r}):"
            " ask an administrator to put you into one"
        )


class _Further(BaseModel):
    """Claims beside the groups, as JWTs may have them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    saga_permissions: frozenset[Permission] = frozenset()
    saga_sagas: frozenset[str] | None = None


class Provider(Protocol):
    """An OpenID provider. Every method raises `IdentityUnavailableError`."""

    issuer: str

    async def basis(self, account: str) -> str:
        """What the rights of its people rest on; see `sessions.Source`."""
        ...

    async def address(self, request: Request) -> str:
        """Where a browser goes to sign in."""
        ...

    async def person(self, code: str, request: Request) -> Person:
        """Who came back with this code.

        Raises:
            UnknownCallerError: the code or the ID token is not accepted, or they have no role here; says why.
        """
        ...
