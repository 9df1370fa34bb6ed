"""Messages of our rows: the trigger, what each step gives, and the commands of the rows that ask a participant."""

from __future__ import annotations

from typing import Any

from orchestrator import Command, Event


class OrderPlaced(Event, type="bench.placed"):
    """The trigger."""

    order_id: str
    customer: str
    total_cents: int
    refused: bool


class Reserved(Event, type="bench.reserved"):
    """What the first step gives."""

    reference: str


class Charged(Event, type="bench.charged"):
    """What the second step gives."""

    reference: str


class Labelled(Event, type="bench.labelled"):
    """What the third step gives."""

    reference: str


class Booked(Event, type="bench.booked"):
    """What the fourth step gives."""

    reference: str


class Sent(Event, type="bench.sent"):
    """What the fifth step gives."""

    reference: str


class Undone(Event, type="bench.undone"):
    """The answer to an undo."""

    reference: str


class Reserve(Command["Reserved"], type="bench.reserve"):
    """Take the pieces off the shelf."""

    order_id: str


class UndoReserve(Command["Undone"], type="bench.undo-reserve"):
    """Put them back."""

    order_id: str


class Charge(Command["Charged"], type="bench.charge"):
    """Take the money."""

    order_id: str


class UndoCharge(Command["Undone"], type="bench.undo-charge"):
    """Give it back."""

    order_id: str


class Label(Command["Labelled"], type="bench.label"):
    """Print the label."""

    order_id: str


class UndoLabel(Command["Undone"], type="bench.undo-label"):
    """Void it."""

    order_id: str


class Carrier(Command["Booked"], type="bench.carrier"):
    """Book a carrier, who may refuse."""

    order_id: str
    refused: bool


class Receipt(Command["Sent"], type="bench.receipt"):
    """Send the receipt."""

    order_id: str


COMMANDS: tuple[type[Any], ...] = (Reserve, UndoReserve, Charge, UndoCharge, Label, UndoLabel, Carrier, Receipt)
