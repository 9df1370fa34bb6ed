"""What operating commands work with: the use cases of the service layer, opened by `workers`, and who asks."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.service.access import Caller, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from orchestrator.service.accounts import LocalAccounts
    from orchestrator.service.bulk import Bulking
    from orchestrator.service.bulk_reading import BulkReading
    from orchestrator.service.events import Events
    from orchestrator.service.live import Live
    from orchestrator.service.noting import Noting
    from orchestrator.service.parked_cases import ParkedCases
    from orchestrator.service.projecting import Projecting
    from orchestrator.service.reading import Reading
    from orchestrator.service.rehearsing import Rehearsing
    from orchestrator.service.resending import Resending
    from orchestrator.service.switches import Switching
    from orchestrator.service.tokens import Issuing
    from orchestrator.service.traced import TracedSpan
    from orchestrator.service.trail import Trail
    from orchestrator.service.use_cases import Service

ORIGIN = "cli"


@dataclass(frozen=True, slots=True)
class Records:
    """The use cases that only read."""

    reading: Reading
    trail: Trail
    bulks: BulkReading


@dataclass(frozen=True, slots=True)
class Doors:
    """The use cases of whom to let in: `issuing` of tokens for the API, local `accounts` of the console."""

    issuing: Issuing
    accounts: LocalAccounts


@dataclass(frozen=True, slots=True)
class Recorded:
    """Spans that were recorded. `link`: where a trace is to be seen, by its id; empty = nowhere."""

    spans: Iterable[TracedSpan]
    link: Callable[[str], str]


class Desk(Protocol):
    """Opens the use cases when a command runs."""

    def traces(self, place: Path | None) -> Recorded:
        """The spans of a file or folder; None = where processes with these settings write them.

        Raises:
            OrchestratorError: reading them: there is no such file, or it holds something else.
        """
        ...

    @property
    def caller(self) -> Caller:
        """Who runs commands."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Records]:
        """From the ledger alone.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: it cannot be read.
        """
        ...

    def events(self, *, stream: bool = False) -> AbstractAsyncContextManager[Events]:
        """The event store; or the broker's stream, which needs no database.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: it cannot be read.
            BrokerUnavailableError: RabbitMQ does not answer.
        """
        ...

    def live(self) -> AbstractAsyncContextManager[Live]:
        """Temporal alone, for looking while the ledger cannot be used.

        Raises:
            EngineUnavailableError: it does not answer.
        """
        ...

    def projecting(self, *, stream: bool = False) -> AbstractAsyncContextManager[Projecting]:
        """What makes read models of the event store, or of the broker's stream.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: the database cannot be used.
        """
        ...

    def switching(self) -> AbstractAsyncContextManager[Switching]:
        """Kill switches, which need no Temporal.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: the ledger cannot be used.
        """
        ...

    def bulking(self) -> AbstractAsyncContextManager[Bulking]:
        """Bulks, begun and ordered, which needs no Temporal: workers do their items.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: the ledger cannot be used.
        """
        ...

    def doors(self) -> AbstractAsyncContextManager[Doors]:
        """Tokens and accounts, which need no Temporal.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: the ledger cannot be used.
        """
        ...

    def noting(self) -> AbstractAsyncContextManager[Noting]:
        """What makes the ledger's messages of the event store.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: the database cannot be used.
        """
        ...

    def rehearsing(self, sagas: str) -> AbstractAsyncContextManager[Rehearsing]:
        """What runs executions again by today's definitions, from the database alone.

        Args:
            sagas: where those are, as module:ATTRIBUTE.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: it cannot be read.
        """
        ...

    def resending(self, *, sends: bool) -> AbstractAsyncContextManager[Resending]:
        """What publishes events of the store again. `sends`: unless so, no broker is needed, and nothing can be sent.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: the database cannot be used.
            BrokerUnavailableError: it is to send, and RabbitMQ does not answer.
        """
        ...

    def service(self, sagas: str = "") -> AbstractAsyncContextManager[Service]:
        """All of them.

        Args:
            sagas: where the authors' code is, as module:ATTRIBUTE, to check what a person types; empty = not needed.

        Raises:
            EngineUnavailableError: Temporal does not answer.
            LedgerOutdatedError, StoreUnavailableError: the ledger cannot be used.
        """
        ...

    def parked(self, sagas: str = "", *, sends: bool = False) -> AbstractAsyncContextManager[ParkedCases]:
        """Those of parked messages, from the ledger.

        Args:
            sagas: whose contracts an edited message is held to, as module:ATTRIBUTE; empty = nobody's.
            sends: whether what is redriven is sent from here; unless so, a recorder sends it.

        Raises:
            LedgerOutdatedError, StoreUnavailableError: the ledger cannot be used.
            BrokerUnavailableError: it is to send, and RabbitMQ does not answer.
        """
        ...


def local_caller() -> Caller:
    """The user of the operating system, with every right.

    Who runs a command has the addresses and passwords of Temporal and of the ledger, and could do all of it without us:
    a role here would protect nothing. Roles are for those who come through the API.
    """
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # no such user, as in some containers
        name = f"uid-{os.getuid()}"
    return Caller(actor=name, role=Role.ADMIN, origin=ORIGIN)
