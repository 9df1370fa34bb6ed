"""A saga file as authors write it: clean under mypy strict and pyright strict, and the decorators keep the types."""

from datetime import timedelta
from typing import Protocol, assert_type

from orchestrator import (
    ActionContext,
    Command,
    Event,
    Rejected,
    Retry,
    Saga,
    action,
    command,
    event,
    parallel,
    pivot,
    publish,
    sequence,
    sleep,
    step,
    wait_for,
)


class TripBooked(Event, type="trip.booked"):
    trip_id: str
    nights: int = 1


class ReserveRoom(Command["RoomReserved"], type="hotel.reserve"):
    trip_id: str


class RoomReserved(Event, type="hotel.reserved"):
    room: str


class RoomRefused(Event, type="hotel.refused"):
    why: str


class ReleaseRoom(Command["RoomReserved", "RoomRefused"], type="hotel.release"):
    trip_id: str
    room: str = ""


class TicketIssued(Event, type="ticket.issued"):
    ticket: str


class TripPaid(Event, type="trip.paid"):
    trip_id: str


class TripClosed(Event, type="trip.closed"):
    trip_id: str


class TicketDesk(Protocol):
    async def issue(self, trip_id: str, key: str) -> str: ...


class Clock:
    def now(self) -> int:
        return 0


@command(to="hotel")
def reserve_room(trip_booked: TripBooked) -> ReserveRoom:
    return ReserveRoom(trip_id=trip_booked.trip_id)


@command(to="hotel", version=2)
def release_room(trip_booked: TripBooked, room_reserved: RoomReserved | None) -> ReleaseRoom:
    return ReleaseRoom(trip_id=trip_booked.trip_id, room=room_reserved.room if room_reserved else "")


@action
async def issue_ticket(trip_booked: TripBooked, ctx: ActionContext) -> TicketIssued:
    if ctx.attempt > 3:
        raise Rejected("no seats", code="sold-out")
    assert_type(ctx.get(Clock), Clock)
    return TicketIssued(ticket=await ctx.get(TicketDesk).issue(trip_booked.trip_id, ctx.idempotency_key))


@action(brief=True, version=2)
async def void_ticket(trip_booked: TripBooked, ctx: ActionContext) -> None:
    ctx.log.info("void %s for %s", ctx.undoes, trip_booked.trip_id)
    ctx.heartbeat()


@event
def trip_closed(trip_booked: TripBooked) -> TripClosed:
    return TripClosed(trip_id=trip_booked.trip_id)


@event(version=2)
def trip_reopened(trip_booked: TripBooked) -> TripBooked:
    return trip_booked


book_trip = Saga(
    "book-trip",
    step(reserve_room, undo=release_room, within=timedelta(seconds=10), retry=Retry(attempts=5)),
    publish(trip_closed, undo=publish(trip_reopened)),
    parallel(
        step(issue_ticket, undo=void_ticket, undo_retry=Retry(attempts=9), probe=issue_ticket),
        sequence(sleep(timedelta(seconds=1)), wait_for(TripPaid, within=timedelta(hours=1), on_timeout="continue")),
        on_sibling_failure="cancel",
    ),
    pivot(reserve_room, as_="final_room"),
    starts_on=TripBooked,
    key="trip_id",
    version=1,
    unwind="serial",
    on_completed="ignore",
    compensation_window=timedelta(days=1),
)


async def calls_keep_their_types(booked: TripBooked, ctx: ActionContext) -> None:
    assert_type(reserve_room(booked), ReserveRoom)
    assert_type(release_room(booked, None), ReleaseRoom)
    assert_type(await issue_ticket(booked, ctx), TicketIssued)
    assert_type(trip_closed(trip_booked=booked), TripClosed)
    assert_type(trip_reopened(booked), TripBooked)
