"""The lock: which plan each released version of a saga has. A version is never used again for another plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.saga.rules import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.saga.definition import Saga

Lock: TypeAlias = Mapping[str, Mapping[str, str]]
"""Saga -> version -> hash of the plan's content, as the lock file holds it."""


def is_locked(saga: Saga, lock: Lock) -> bool:
    """Whether this version is in the lock, with this plan or another."""
    return str(saga.version) in lock.get(saga.name, {})


def reused(saga: Saga, lock: Lock) -> Problem | None:
    """The problem that this version was released with another plan; None if it was not."""
    known = lock.get(saga.name, {}).get(str(saga.version))
    if known is None or known == saga.plan.content_hash:
        return None
    text = (
        f"version {saga.version} of {saga.name} is locked with plan {known}, this is plan {saga.plan.content_hash}:"
        f" write version={saga.version + 1}; or, if version {saga.version} never ran, use saga check --update-lock"
    )
    return Problem("S022", text, saga.place)


def updated(lock: Lock, sagas: Iterable[Saga]) -> dict[str, dict[str, str]]:
    """The lock with these sagas in it; versions that are no longer declared stay, since they may still run."""
    found = {name: dict(versions) for name, versions in lock.items()}
    for saga in sagas:
        found.setdefault(saga.name, {})[str(saga.version)] = saga.plan.content_hash
    return {name: dict(sorted(found[name].items(), key=_by_number)) for name in sorted(found)}


def _by_number(item: tuple[str, str]) -> tuple[int, str]:
    version = item[0]
    return (int(version) if version.isdigit() else 0, version)
