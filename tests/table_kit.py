"""Every operation in every status for every role: the one table, as the service, the API and the command line meet it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.rules import ALLOWED, OPERATIONS, PERMISSIONS
from tests.service_kit import ADMIN, NOW
from tests.trip_kit import command

if TYPE_CHECKING:
    from orchestrator.service.records import Status
    from orchestrator.service.requests import Operation
    from tests.service_kit import ServiceBench

EVERYTHING = list(itertools.product(OPERATIONS, ALLOWED, Role))
FLIGHT = {"step": "book_flight"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "compensate": {"plan": "0" * 32, "override": True},
    "retry": FLIGHT,
    "edit_and_retry": {**FLIGHT, "input": {"trip_ordered": {"trip": "t1", "guests": 2}}},
    "skip": {"step": "send_papers", "output": {"parcel": "p"}},
    "resolve": {**FLIGHT, "how": "mark_done", "evidence": "slip 7"},
    "suspend": {},
    "resume": {},
    "cancel": {},
    "abandon": {},
    "release": {},
}


def in_status(bench, status, name="t1"):
    """An execution of this status, as far as one can be driven to."""
    match status:
        case "running":
            hand = bench.run(name)
            hand.arrives("trip.confirmed")
        case "suspended":
            hand = bench.run(name)
            hand.arrives("trip.confirmed")
            hand.tell(command("SuspendRequested"))
        case "parked":
            bench.parked(name)
        case "compensating":
            bench.run(name, undo_book_flight="hold").tell(command("CancelRequested"))
        case "stuck":
            bench.stuck(name)
        case "completed":
            bench.completed(name)
        case "compensated":
            bench.run(name).tell(command("CancelRequested"))
        case "partially_compensated":
            hand = bench.stuck(name)
            hand.tell(command("AbandonRequested"))
        case "aborted":
            bench.run(name, book_hotel="reject")
        case "terminated":
            bench.run(name)
            bench.live.seen[f"trip:{name}"] = {"gone": "terminated", "is_open": False, "ended": NOW, "first_ended": NOW}


ENGINE_SAYS_NO = {
    ("suspended", "abandon"),
    ("parked", "cancel"),
    ("parked", "release"),
    ("compensating", "release"),
    ("stuck", "release"),
    ("aborted", "compensate"),
    ("partially_compensated", "compensate"),
}
"""What the table allows in principle and the engine, which knows the whole state, refuses for these examples."""


def caller_of(role: Role) -> Caller:
    """Who has this role, and the override."""
    return Caller(actor="ann", role=role, granted=frozenset({Permission.OVERRIDE}))


def may(operation: Operation, role: Role) -> bool:
    """Whether a role has the right."""
    return caller_of(role).may(PERMISSIONS[operation], "trip")


def is_done(operation: Operation, status: Status, role: Role) -> bool:
    """Whether it is carried out."""
    return may(operation, role) and operation in ALLOWED[status] and (status, operation) not in ENGINE_SAYS_NO


async def said(bench: ServiceBench, operation: Operation, status: Status) -> dict[str, Any]:
    """What is said with an operation, so that it fits an execution of this status."""
    more = dict(EXAMPLES[operation])
    if status == "parked" and operation in ("retry", "edit_and_retry"):
        more["step"] = "send_papers"
    if status == "parked" and operation == "edit_and_retry":
        more["input"] = {"ticket_issued": {"ticket": "by hand"}}
    if operation == "compensate":
        more["plan"] = (await bench.operating.plan(ADMIN, "trip:t1")).hash
    return more
