"""What a row needs to be opened, and what is measured once it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.orders import Ledger, Order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from temporalio.client import Client

    from benchmarks.processes import Watched
    from orchestrator.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is opened.

    Attributes:
        settings: the servers; name prefix and task queue are this row's own.
        run: names this opening; first part of the orders' ids.
    """

    settings: Settings
    run: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A row at work.

    Attributes:
        perform: carries out an order's saga, returns the word with which it ended.
        client: to look at histories. `workflow_id`: of an order's saga.
        read_ledger: the effects that were made.
        watched: processes that belong to the row, beside this one and the servers.
    """

    perform: Callable[[Order], Awaitable[str]]
    client: Client
    workflow_id: Callable[[Order], str]
    read_ledger: Callable[[], Awaitable[Ledger]]
    watched: Mapping[str, Watched] = field(default_factory=dict[str, "Watched"])


OpenRow: TypeAlias = "Callable[[Place], AbstractAsyncContextManager[Opened]]"
