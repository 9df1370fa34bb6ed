"""Who may do what: permissions, the roles that bundle them, and callers with the sagas that they may touch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from orchestrator.errors import DeniedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Permission(StrEnum):
    """One right. It is given for all sagas of a caller, or comes with a role."""

    READ = "saga:read"
    PAYLOAD = "payload:read"
    START = "saga:start"
    RETRY = "saga:retry"
    EDIT = "saga:edit"
    SKIP = "saga:skip"
    RESOLVE = "saga:resolve"
    COMPENSATE = "saga:compensate"
    OVERRIDE = "saga:override"
    SUSPEND = "saga:suspend"
    CANCEL = "saga:cancel"
    ABANDON = "saga:abandon"
    RELEASE = "saga:release"
    PARKED_READ = "parked:read"
    PARKED_REDRIVE = "parked:redrive"
    PARKED_EDIT = "parked:edit"
    PARKED_DISCARD = "parked:discard"
    EVENTS = "events:read"
    REPLAY = "events:replay"
    SEND = "events:send"
    BULK = "bulk:run"
    SWITCH = "switch:set"
    AUDIT = "audit:read"
    TOKENS = "token:manage"


class Role(StrEnum):
    """A bundle of permissions."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


_VIEWING = frozenset({Permission.READ, Permission.PARKED_READ, Permission.EVENTS})
_OPERATING = _VIEWING | {
    Permission.START,
    Permission.RETRY,
    Permission.EDIT,
    Permission.SKIP,
    Permission.RESOLVE,
    Permission.COMPENSATE,
    Permission.SUSPEND,
    Permission.CANCEL,
    Permission.RELEASE,
    Permission.PARKED_REDRIVE,
    Permission.BULK,
}
ROLES: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {Role.VIEWER: _VIEWING, Role.OPERATOR: _OPERATING, Role.ADMIN: frozenset(Permission)}
)
"""What each role may. Payloads, the override and giving up undos are no part of the operator: they are granted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who asks.

    Attributes:
        actor: the name that is journalled and audited.
        granted: rights beside those of the role, as `payload:read`.
        sagas: the sagas whose executions they may touch; None = all.
        origin: from where, for the audit: an address, `cli`, a trace id.
    """

    actor: str
    role: Role
    granted: frozenset[Permission] = frozenset()
    sagas: frozenset[str] | None = None
    origin: str = ""

    def may(self, permission: Permission, saga: str | None = None) -> bool:
        """Whether they have this right for a saga; None = for something that belongs to no saga."""
        has_right = permission in ROLES[self.role] or permission in self.granted
        return has_right and (saga is None or self.sagas is None or saga in self.sagas)

    def reads(self, sagas: Iterable[str]) -> list[str]:
        """Those of these sagas that they may read, each once, by name."""
        return sorted({saga for saga in sagas if self.may(Permission.READ, saga)})

    def require(self, permission: Permission, saga: str | None = None) -> None:
        """Insist on a right.

        Raises:
            DeniedError: they do not have it; says which.
        """
        if not self.may(permission, saga):
            raise DeniedError(actor=self.actor, permission=permission.value, saga=saga)
