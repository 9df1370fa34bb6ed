"""Tokens, and keys with their answers, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.service.once import Answer, Taken
    from orchestrator.service.tokens import Token


@dataclass
class MemoryTokens:
    """API tokens."""

    kept: dict[str, Token] = field(default_factory=dict)

    async def add(self, token: Token) -> None:
        self.kept[token.id] = token

    async def by_digest(self, digest: str) -> Token | None:
        return next((token for token in self.kept.values() if token.digest == digest), None)

    async def find(self, token_id: str) -> Token | None:
        return self.kept.get(token_id)

    async def all(self, *, after: str = "", limit: int = 200) -> tuple[Token, ...]:
        return tuple(self.kept[name] for name in sorted(self.kept) if name > after)[:limit]

    async def revoke(self, token_id: str, *, at_ms: int, by: str) -> bool:
        if token_id not in self.kept or self.kept[token_id].revoked_ms is not None:
            return False
        self.kept[token_id] = replace(self.kept[token_id], revoked_ms=at_ms, revoked_by=by)
        return True


@dataclass
class MemoryAnswers:
    """Idempotency keys and what they were answered."""

    kept: dict[tuple[str, str], Taken] = field(default_factory=dict)

    async def take(self, actor: str, key: str, taken: Taken, *, over_before_ms: int) -> Taken:
        held = self.kept.get((actor, key))
        same = held is not None and held.answer is None and held.request_hash == taken.request_hash
        if held is None or (same and held.at_ms < over_before_ms):
            self.kept[actor, key] = held = taken
        return held

    async def keep(self, actor: str, key: str, holder: str, answer: Answer) -> None:
        held = self.kept.get((actor, key))
        if held is not None and held.holder == holder:
            self.kept[actor, key] = replace(held, answer=answer)

    async def give_back(self, actor: str, key: str, holder: str) -> None:
        held = self.kept.get((actor, key))
        if held is not None and held.holder == holder:
            del self.kept[actor, key]

    async def forget(self, *, before_ms: int, limit: int) -> int:
        old = [name for name, held in self.kept.items() if held.at_ms < before_ms][:limit]
        for name in old:
            del self.kept[name]
        return len(old)
