"""Tokens, accounts, sessions, what people set for themselves, and keys with their answers, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.service.accounts import Account
    from orchestrator.service.once import Answer, Taken
    from orchestrator.service.personal import Preferences, View
    from orchestrator.service.sessions import Session
    from orchestrator.service.tokens import Token


@dataclass
class MemoryTokens:
    """API tokens."""

    kept: dict[str, Token] = field(default_factory=dict)

    async def add(self, token: Token) -> bool:
        if any(one.name == token.name and one.is_good(token.made_ms) for one in self.kept.values()):
            return False
        self.kept[token.id] = token
        return True

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
class MemoryAccounts:
    """Local accounts."""

    kept: dict[str, Account] = field(default_factory=dict)

    async def add_first(self, account: Account) -> bool:
        return not self.kept and await self.replace(account, seen="")

    async def find(self, name: str) -> Account | None:
        return self.kept.get(name)

    async def replace(self, account: Account, *, seen: str) -> bool:
        there = self.kept.get(account.name)
        if (there.stamp if there else "") != seen:
            return False
        self.kept[account.name] = account
        return True


@dataclass
class MemorySessions:
    """Sessions of browsers."""

    kept: dict[str, Session] = field(default_factory=dict)

    async def add(self, session: Session) -> None:
        self.kept[session.digest] = session

    async def by_digest(self, digest: str) -> Session | None:
        return self.kept.get(digest)

    async def touch(self, digest: str, *, seen_ms: int) -> None:
        if digest in self.kept:
            self.kept[digest] = replace(self.kept[digest], seen_ms=seen_ms)

    async def end(self, digest: str) -> None:
        self.kept.pop(digest, None)

    async def of(self, source: str, account: str) -> tuple[Session, ...]:
        return tuple(one for one in self.kept.values() if (one.source, one.account) == (source, account))

    async def end_all(self, source: str, account: str) -> None:
        for one in await self.of(source, account):
            await self.end(one.digest)

    async def forget(self, *, ends_before_ms: int) -> None:
        for one in [one for one in self.kept.values() if one.ends_ms <= ends_before_ms]:
            await self.end(one.digest)


@dataclass
class MemoryPersonal:
    """What people set for themselves."""

    preferred: dict[str, Preferences] = field(default_factory=dict)
    kept: dict[tuple[str, str], View] = field(default_factory=dict)

    async def preferences(self, actor: str) -> Preferences | None:
        return self.preferred.get(actor)

    async def prefer(self, actor: str, wanted: Preferences) -> None:
        self.preferred[actor] = wanted

    async def views(self, actor: str) -> tuple[View, ...]:
        return tuple(view for (owner, _), view in sorted(self.kept.items()) if owner == actor)

    async def keep_view(self, actor: str, view: View, *, most: int) -> bool:
        if sum(owner == actor and name != view.name for owner, name in self.kept) >= most:
            return False
        self.kept[actor, view.name] = view
        return True

    async def forget_view(self, actor: str, name: str) -> None:
        self.kept.pop((actor, name), None)


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
