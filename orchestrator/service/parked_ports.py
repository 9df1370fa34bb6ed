"""What the use cases of parked messages need: who keeps them, who reads them, who sends them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.service.auditing import AuditEntry
    from orchestrator.service.parked_actions import Claimed, Edited, ParkedAction, Sent
    from orchestrator.service.parked_records import (
        Arrival,
        Attributes,
        Content,
        Contents,
        GroupFilter,
        GroupPage,
        Origin,
        ParkedFilter,
        ParkedGroup,
        ParkedMessage,
        ParkedOverview,
        ParkedPage,
        Place,
    )
    from orchestrator.service.records import Count

    ReadAttributes = Callable[[Content], Attributes]
    """What a message says of itself; pure."""
    ReadData = Callable[[Content], bytes]
    """The JSON that the contract of its type is about; pure."""


class ParkedReader(Protocol):
    """Parked messages as people ask for them. Every method raises `StoreUnavailableError`."""

    async def groups(self, wanted: GroupFilter, *, after: Place | None = None, limit: int = 50) -> GroupPage:
        """Groups, the one that was added to last comes first."""
        ...

    async def group(self, fingerprint: str) -> ParkedGroup | None:
        """One group."""
        ...

    async def page(self, wanted: ParkedFilter, *, after: Place | None = None, limit: int = 50) -> ParkedPage:
        """Messages, the last parked first."""
        ...

    async def count(self, wanted: ParkedFilter, *, cap: int = 10_000) -> Count:
        """How many there are; counting stops at `cap`."""
        ...

    async def find(self, message: str) -> ParkedMessage | None:
        """One message, without its content."""
        ...

    async def contents(self, message: str) -> Contents | None:
        """What is in it; needs the right to see payloads."""
        ...

    async def action(self, action: str) -> ParkedAction | None:
        """How far an action is."""
        ...

    async def by_key(self, actor: str, key: str) -> ParkedAction | None:
        """The action that was accepted under a key of an actor."""
        ...

    async def overview(self, now_ms: int, sagas: frozenset[str] | None = None) -> ParkedOverview:
        """All in one look; `sagas` as in filters."""
        ...


class ParkedStore(Protocol):
    """Keeps parked messages. Each method is one transaction and raises `StoreUnavailableError`."""

    async def record(self, arrival: Arrival, now_ms: int) -> bool:
        """Store a copy. A message that is known is parked again, in the group of its present cause.

        False: this very copy was stored before, and nothing changes.
        """
        ...

    async def accept(
        self,
        action: ParkedAction,
        entry: AuditEntry,
        *,
        edited: Edited | None = None,
        revision: int | None = None,
        sends: bool = False,
    ) -> ParkedAction | None:
        """Do it, with its audit entry: move what the target covers from one state to the other (`FROM_TO`).

        If this actor's key is known, nothing is done and that action is returned. None: there is nothing to move, or
        the one message is not in the state, or not at the revision, that the action needs. A redrive of one message is
        claimed by whoever gives it, if they send it themselves (`sends`).
        """
        ...

    async def claim(self, *, action: str, now_ms: int, before_ms: int, limit: int) -> Sequence[Claimed]:
        """Take messages that are to be sent and that nobody has claimed since `before_ms`; of one action, or of any."""
        ...

    async def settle(self, results: Sequence[Sent], now_ms: int) -> None:
        """Write down what became of claimed messages; the last one of an action is audited as its end.

        A message that has been parked again meanwhile went out, so it is left as it is.
        """
        ...

    async def forget(self, *, decided_before_ms: int, limit: int = 500) -> int:
        """Remove messages that were redriven or discarded before a time, and groups that are empty then; how many."""
        ...

    async def mark_recorded(self, now_ms: int) -> None:
        """A recorder is at work."""
        ...


class Redriver(Protocol):
    """Sends parked messages back to where they came from."""

    async def send(self, message: str, content: Content, origin: Origin) -> None:
        """Publish with confirm; the same ids as in `content`. `message`: the id of its row.

        Raises:
            UnroutableError, NackedError, MessageError: it was not sent.
            PublishUnknownError: nobody knows; send it again.
        """
        ...
