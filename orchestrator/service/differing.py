"""Where a saga of today would go another way than an execution went. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic_core import to_json

from orchestrator.engine.signals import OperatorSignal
from orchestrator.service.checking import differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.service.recalling import Recalled
    from orchestrator.testing.rerun import Rerun
    from orchestrator.testing.walking import Begun

Verdict: TypeAlias = Literal["same", "differs", "unknown"]
"""`unknown`: nothing differs as far as is known, and not all is known."""
MOST_FIELDS = 5
LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One attempt, as it was and as it would be.

    Attributes:
        then, today: None = it was not, or would not be, begun. `places`: their numbers in the order of begins.
        differs: in what, in words; empty = in nothing that is known.
    """

    then: Begun | None
    today: Begun | None
    places: tuple[int, int]
    differs: tuple[str, ...]

    @property
    def name(self) -> str:
        """The attempt, for people."""
        begun = self.then or self.today
        return "" if begun is None else named(begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far both ways are the same.

    Attributes:
        lines: every attempt of either way, in the order of the record.
        first: the first divergence; empty = there is none.
        status_then, status_today: the words of lists.
        others: what differs beside the attempts. `unknown`: what is not known, so was not compared.
    """

    lines: tuple[Line, ...]
    first: str
    status_then: str
    status_today: str
    others: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """In one word."""
        if self.first:
            return "differs"
        return "unknown" if self.unknown else "same"


def compare(recalled: Recalled, made: Rerun) -> Comparison:
    """Hold both ways against each other."""
    then, today = recalled.walk.begun, made.walk.begun
    lines = tuple(_lines(then, today))
    words = recalled.walk.execution.word, made.walk.execution.word
    others = tuple(_others(recalled, made))
    return Comparison(
        lines=lines,
        first=_first(lines, then, today) or next(iter(others), ""),
        status_then=words[0],
        status_today=words[1],
        others=others,
        unknown=(*recalled.unknown, *_unknown(recalled, made)),
    )


def named(begun: Begun) -> str:
    """An attempt, for people."""
    return f"{begun.step} {begun.direction} {begun.attempt}"


def _lines(then: Sequence[Begun], today: Sequence[Begun]) -> Iterator[Line]:
    """The attempts of the record, each followed by what only today begins behind it."""
    new = {name: number for number, name in enumerate(_names(today))}
    old = _names(then)
    moved = _moved(old, list(new))
    left = dict(new)

    def only_today(until: int) -> Iterator[Line]:
        for name, number in [(name, number) for name, number in left.items() if name not in old and number < until]:
            del left[name]
            yield Line(then=None, today=today[number], places=(0, number + 1), differs=("not begun then",))

    for place, name in enumerate(old):
        number = new.get(name)
        if number is None:
            yield Line(then=then[place], today=None, places=(place + 1, 0), differs=("not begun today",))
            continue
        yield from only_today(number)
        differs = (("order",) if name in moved else ()) + tuple(_differ(then[place], today[number]))
        yield Line(then=then[place], today=today[number], places=(place + 1, number + 1), differs=differs)
    yield from only_today(len(today))


def _names(begun: Sequence[Begun]) -> list[tuple[str, str, int, int]]:
    """Each attempt's name; one that a person had made again under its number comes with a count."""
    seen: Counter[tuple[str, str, int]] = Counter()
    names: list[tuple[str, str, int, int]] = []
    for one in begun:
        seen[one.call] += 1
        names.append((*one.call, seen[one.call]))
    return names


def _moved(old: Sequence[object], new: Sequence[object]) -> set[object]:
    """Those of both whose place among both differs."""
    in_old, in_new = [one for one in old if one in new], [one for one in new if one in old]
    return {one for one, other in zip(in_old, in_new, strict=True) if one != other}


def _differ(then: Begun, today: Begun) -> Iterator[str]:
    if today.input.lacks:
        yield today.input.lacks
    elif then.input.type != today.input.type:
        yield f"input: {then.input.type or 'facts'} then, {today.input.type or 'facts'} today"
    elif not then.input.lacks and (found := _fields(then, today)):
        yield f"input: {found}"
    if today.problem:
        yield today.problem
    elif (then.end, then.code) != (today.end, today.code) and not today.input.lacks:
        yield f"outcome: {_end(then)} then, {_end(today)} today"


def _fields(then: Begun, today: Begun) -> str:
    found = list(differences("", then.input.value, today.input.value))
    more = f" and {len(found) - MOST_FIELDS} more" if len(found) > MOST_FIELDS else ""
    shown = [f"{one.pointer or '/'} {_short(one.before)} -> {_short(one.after)}" for one in found[:MOST_FIELDS]]
    return ", ".join(shown) + more


def _short(value: object) -> str:
    text = to_json(value).decode()
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _end(begun: Begun) -> str:
    return " ".join(filter(None, (begun.end or "open", begun.code)))


def _first(lines: Iterable[Line], then: Sequence[Begun], today: Sequence[Begun]) -> str:
    """The first place at which they differ, in words."""
    by_attempt = {id(one.then): one for one in lines if one.then is not None}
    for place, (old, new) in enumerate(zip_longest(then, today), start=1):
        if old is None or new is None or old.call != new.call:
            was, would = (f"{named(one)} {when}" if one else f"nothing {when}" for one, when in _when(old, new))
            return f"at {place}: {was}, {would}"
        if differs := by_attempt[id(old)].differs:
            return f"at {place}: {named(old)}: {'; '.join(differs)}"
    return ""


def _when(old: Begun | None, new: Begun | None) -> tuple[tuple[Begun | None, str], ...]:
    return (old, "then"), (new, "today")


def _others(recalled: Recalled, made: Rerun) -> Iterator[str]:
    then, today = recalled.walk, made.walk
    if then.execution.word != today.execution.word:
        yield f"status: {then.execution.word} then, {today.execution.word} today"
    for (event, code), number in (Counter(then.parked) - Counter(today.parked)).items():
        yield f"{number} {event} parked then ({code}), not today"
    for (event, code), number in (Counter(today.parked) - Counter(then.parked)).items():
        yield f"{number} {event} parked today ({code}), not then"
    for one in made.unused:
        if isinstance(one.signal, OperatorSignal) and not one.lacks:
            why = today.execution.objection(one.signal)
            yield f"{type(one.signal).__name__} by {one.signal.actor} would be refused: {why}"


def _unknown(recalled: Recalled, made: Rerun) -> Iterator[str]:
    """What was not compared, and what was not told."""
    for one in recalled.walk.begun:
        if one.input.lacks:
            yield f"input of {named(one)}: {one.input.lacks}"
    for told in made.unused:
        if told.lacks:
            yield f"{type(told.signal).__name__} {getattr(told.signal, 'step', '')}: {told.lacks}".replace(" :", ":")
    known = {one.call for one in recalled.walk.begun if one.end}
    for one in made.walk.open:
        if one.call not in known and one.call not in {other.call for other in recalled.walk.open}:
            yield f"answer of {named(one)}: none was recorded, so it stays open"
