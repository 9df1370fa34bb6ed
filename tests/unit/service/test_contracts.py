"""The contracts of sagas: every message they take, send or are answered by, with who is who."""

from datetime import timedelta

import pytest

from orchestrator import Command, Event, Saga, command, event, publish, step, wait_for
from orchestrator.errors import CatalogueError
from orchestrator.service.contracts import contracts_of


class Asked(Event, type="room.asked"):
    key: str


class Booked(Event, type="room.booked"):
    room: str


class Full(Event, type="room.full"):
    until: str


class Book(Command["Booked", "Full"], type="room.book"):
    key: str


class Paid(Event, type="room.paid"):
    key: str


class Welcomed(Event, type="guest.welcomed"):
    room: str


class Impostor(Event, type="room.paid"):
    other: int


@command(to="hotel")
def book(asked: Asked) -> Book:
    return Book(key=asked.key)


@command(to="hotel")
def book_again(paid: Paid) -> Book:
    return Book(key=paid.key)


@command(to="hotel")
def book_for(impostor: Impostor) -> Book:
    return Book(key=str(impostor.other))


@event
def welcome(booked: Booked) -> Welcomed:
    return Welcomed(room=booked.room)


STAY = Saga(
    "stay",
    step(book, no_undo="tests"),
    wait_for(Paid, within=timedelta(minutes=1)),
    publish(welcome),
    starts_on=Asked,
    key="key",
    version=1,
)
LATER = Saga("later", step(book_again, no_undo="tests"), starts_on=Paid, key="key", version=1)


def test_every_message_of_the_sagas_is_there_with_who_sends_and_takes_it() -> None:
    found = {one.type: one for one in contracts_of([STAY, LATER])}
    assert {name: (one.kind, one.taken_by, one.sent_by) for name, one in found.items()} == {
        "guest.welcomed": ("event", (), ("stay",)),
        "room.asked": ("event", ("stay",), ()),
        "room.book": ("command", (), ("later", "stay")),
        "room.booked": ("reply", ("later", "stay"), ()),
        "room.full": ("reply", ("later", "stay"), ()),
        "room.paid": ("event", ("later", "stay"), ()),
    }
    assert (found["room.book"].participant, found["room.book"].reply) == ("hotel", "room.booked")
    assert found["room.booked"].participant == "hotel"


def test_two_messages_of_one_type_are_refused() -> None:
    other = Saga("other", step(book_for, no_undo="tests"), starts_on=Impostor, key="other", version=1)
    with pytest.raises(CatalogueError, match="are both of type 'room.paid'"):
        contracts_of([STAY, other])
