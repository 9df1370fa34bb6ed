"""Invariants of the way back: what is undone, what is not, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.testing.simulation.record import Record


def undos_begun(record: Record) -> list[str]:
    """Steps whose undo the newest beat began."""
    return [perform.step for perform in record.last.performs if perform.direction == "undo"]


def no_orphan_undo(record: Record) -> Iterator[str]:
    """1. No orphan undo.

    Undo(i) begins only if do(i) was begun, or counts as begun (lost runs).
    """
    for name in undos_begun(record):
        if not record.account(name).is_begun:
            yield f"{name} is undone and was never begun"


def refused_needs_none(record: Record) -> Iterator[str]:
    """2. Refused needs none.

    Out(i) = rejected implies undo(i) never begins.
    """
    for name in undos_begun(record):
        if record.account(name).outcome == "rejected":
            yield f"{name} is undone and was refused"


def in_doubt_is_undone(record: Record) -> Iterator[str]:
    """3. In doubt is undone.

    Do(i) begun and outcome unknown when the saga aborts implies undo(i) is begun.
    """
    state = record.last.after
    if not state.ended or not state.is_unwinding:
        return
    for name in record.steps:
        account = record.account(name)
        if account.outcome == "unknown" and not account.undo_begun and not record.is_settled(name):
            yield f"it ended with {name} in doubt, and its undo was never begun"


def completeness(record: Record) -> Iterator[str]:
    """4. Completeness.

    Ended as Compensated implies undo(i) recorded ok exactly once for each compensatable i with out(i) in {ok,
    unknown}.

    Besides, Aborted says that nothing had to be undone, and what went back ends only when all is settled.
    """
    state, word = record.last.after, record.last.word
    for name, plan in record.steps.items():
        account = record.account(name)
        was_owed = plan.undo is not None and account.has_effect
        if account.undone > 1:
            yield f"{name} was undone {account.undone} times"
        if state.ended and word == "Compensated" and was_owed and account.undone != 1:
            yield f"Compensated, and {name} ({account.outcome}) was undone {account.undone} times"
        if state.ended and word == "Aborted" and was_owed:
            yield f"Aborted, and {name} is {account.outcome}"
        if state.ended and state.is_unwinding and not record.is_settled(name):
            yield f"it ended as {word} with {name} ({account.outcome}) not undone"


def reverse_order(record: Record) -> Iterator[str]:
    """5. Reverse order.

    I before j in D and both undone implies undo(j) recorded before undo(i) begins.

    Stronger: undo(i) begins only when the undo of every step known to depend on it has settled; with `unwind="serial"`,
    of every step that began later, unless it comes before it in D: a late reply of a lost attempt may run ahead.
    """
    for name in undos_begun(record):
        for later in record.steps:
            depends = name in record.before[later]
            follows = record.plan.unwind == "serial" and record.account(later).place > record.account(name).place
            if (depends or (follows and later not in record.before[name])) and not record.is_settled(later):
                yield f"the undo of {name} began before {later} was settled"


def point_of_no_return(record: Record) -> Iterator[str]:
    """7. Point of no return.

    After the pivot is ok no undo of a step before it begins by itself: only a person with the right begins one.
    """
    pivots = [name for name, plan in record.steps.items() if plan.phase == "pivot"]
    if not undos_begun(record) or not any(record.account(name).has_passed for name in pivots):
        return
    if not record.books.was_overridden:
        yield f"{undos_begun(record)} are undone behind the point of no return"
