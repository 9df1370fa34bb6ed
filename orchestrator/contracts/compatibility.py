"""Whether two versions of a set of contracts can talk to each other: by the rules of tolerant readers.

*Backward*: today's reader takes what yesterday's writer sends (it lies in queues, and in the event store). *Forward*:
yesterday's reader takes what today's writer sends (participants are deployed later). *Full*: both. A reader passes over
fields that it does not know, so a new optional field is fine both ways, though it is not for JSON Schema itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.contracts.contract import CODEC, OLDEST, VERSION
from orchestrator.contracts.reading import Verdict, doubts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.contracts.contract import Schema

Mode: TypeAlias = Literal["backward", "forward", "full"]
Way: TypeAlias = Literal["backward", "forward"]
WAYS: dict[Mode, tuple[Way, ...]] = {
    "backward": ("backward",),
    "forward": ("forward",),
    "full": ("backward", "forward"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that two versions of a contract do not agree about.

    Attributes:
        type: the message type. `place`: the field, as `lines[].quantity`; empty = the whole body.
        way: which direction it breaks; `either`, if whoever says so does not say.
        verdict: `breaks`, or `unknown`: a person must look.
    """

    type: str
    place: str
    way: Way | Literal["either"]
    verdict: Verdict
    text: str


def compare(old: Mapping[str, Schema], new: Mapping[str, Schema], mode: Mode = "full") -> tuple[Finding, ...]:
    """What changed in a way that `mode` does not allow, by message type; a new message type is always allowed."""
    return tuple(finding for name in sorted(old) for finding in _compared(name, old[name], new.get(name), mode))


def _compared(name: str, old: Schema, new: Schema | None, mode: Mode) -> Iterator[Finding]:
    for way in WAYS[mode]:
        if new is None:
            yield Finding(name, "", way, "breaks", "the message type is gone: who sends or awaits it is left alone")
            continue
        reader, writer = (new, old) if way == "backward" else (old, new)
        if (codec := writer.get(CODEC, "json")) not in ("json", reader.get(CODEC, "json")):
            yield Finding(name, "", way, "breaks", f"is sent as {codec}, and taken as {reader.get(CODEC, 'json')} only")
        if reader.get(VERSION, 1) != writer.get(VERSION, 1):
            yield from _across(name, way, reader, writer)
            continue
        for doubt in doubts(reader, writer):
            yield Finding(name, doubt.place, way, doubt.verdict, doubt.text)


def _across(name: str, way: Way, reader: Schema, writer: Schema) -> Iterator[Finding]:
    """Two versions of a type: upcasters lead up, whatever the schemas say; nothing leads down."""
    taken, oldest, sent = reader.get(VERSION, 1), reader.get(OLDEST, 1), writer.get(VERSION, 1)
    if sent > taken:
        text = f"version {sent} is sent, which readers of version {taken} park: let all readers be deployed first"
        yield Finding(name, "", way, "breaks", text)
    elif sent < oldest:
        yield Finding(name, "", way, "breaks", f"version {sent} is sent, and {oldest} is the oldest that is taken")
