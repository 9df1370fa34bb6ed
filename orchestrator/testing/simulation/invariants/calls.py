"""Invariants of attempts: when one begins, under which key, how often, and what its outcome may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.effects import SetTimer
from orchestrator.engine.signals import Elapsed, Failed, Refused, Succeeded
from orchestrator.engine.states import Phase, State, StepState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.testing.simulation.record import Beat, Record


def no_start_after_abort(record: Record) -> Iterator[str]:
    """6. No start after abort.

    Once abort is recorded no do(k) begins; a do in flight is awaited or fenced.
    """
    state = record.last.after
    if not state.is_unwinding:
        return
    for perform in record.last.performs:
        if perform.direction == "do":
            yield f"{perform.step} began after the abort"
        account = record.account(perform.step)
        is_in_doubt = perform.direction == "undo" and account.outcome == "unknown"
        if is_in_doubt and record.last.at_ms < account.fenced_until_ms:
            yield f"the undo of {perform.step} began while a slow worker may still perform it"
    awaited = sorted(step for step, direction, _ in record.books.open if direction != "undo")
    if awaited and any(perform.direction == "undo" for perform in record.last.performs):
        yield f"an undo began while {awaited} were in flight"


def forward_order(record: Record) -> Iterator[str]:
    """8. Forward order.

    Do(j) begins only after out(i) = ok for all i before j. A step that a person skipped counts as ok.
    """
    for perform in record.last.performs:
        if perform.direction != "do":
            continue
        for earlier in record.before[perform.step]:
            if earlier in record.steps:
                has_passed = record.account(earlier).has_passed
            else:
                has_passed = record.last.after.steps.get(earlier, StepState()).phase is Phase.DONE
            if not has_passed:
                yield f"{perform.step} began before {earlier} was ok"


def one_outcome(record: Record) -> Iterator[str]:
    """9. One outcome.

    At most one terminal outcome per (step, direction); a late second one is journalled as ignored and changes nothing.

    Nor does anything else that is ignored, but for the marks by which a repeat is recognised.
    """
    beat = record.last
    if isinstance(beat.signal, Succeeded | Refused) and beat.was_taken:
        account = record.account(beat.signal.step)
        if beat.signal.direction != "undo" and account.verdicts[account.edition] > 1:
            yield f"a second verdict of {beat.signal.step} was taken"
    if not beat.was_taken:
        yield from ignored_in_vain(beat)


def ignored_in_vain(beat: Beat) -> Iterator[str]:
    """What an ignored signal changed or asked for."""
    if beat.effects:
        yield f"it was ignored and asked for {beat.effects}"
    if essence(beat.before) != essence(beat.after):
        yield "it was ignored and changed the state"


def essence(state: State) -> State:
    """A state without the marks that every signal leaves: counters, and what repeats are recognised by."""
    bare = state.copied()
    bare.revision, bare.seen, bare.commands = 0, {}, []
    bare.steps = {name: step for name, step in bare.steps.items() if step != StepState()}
    return bare


def stable_key(record: Record) -> Iterator[str]:
    """10. Stable key.

    Every attempt of one (execution, step, direction, round) carries the same idempotency key; different ones never
    share one.

    A round is what one key stands for: after a refusal, which is final for its key, a person's retry begins another.
    """
    for perform, key in zip(record.last.performs, record.last.keys, strict=True):
        if len(record.keys[key]) > 1:
            yield f"{key} is the key of {sorted(record.keys[key])}"
        use = (perform.step, perform.direction, record.account(perform.step).edition)
        shared = sorted(other for other, uses in record.keys.items() if use in uses)
        if len(shared) > 1:
            yield f"{use} went under {shared}"


def fencing(record: Record) -> Iterator[str]:
    """11. Fencing.

    Ok and rejected belong to the key, whatever attempt they name; a retryable failure of an older attempt or epoch
    never changes state.

    Three things follow. A failure counts for the newest attempt alone. A verdict counts for the key it was sent under.
    A verdict of a step that was begun and has none is never ignored, unless nothing can be done with it any more.
    """
    beat, signal = record.last, record.last.signal
    if isinstance(signal, Failed) and beat.was_taken:
        newest = _newest_before(record, signal)
        if signal.attempt != newest:
            yield f"a failure of attempt {signal.attempt} changed {signal.step}, whose newest is {newest}"
    if not isinstance(signal, Succeeded | Refused) or signal.direction != "do":
        return
    account = record.account(signal.step)
    belongs = account.edition == 0 or signal.attempt > account.edited_after
    if beat.was_taken and not belongs:
        yield f"a verdict for an older key of {signal.step} was taken"
    before = beat.before.steps.get(signal.step, StepState())
    is_open = before.phase in OPEN or (before.phase is Phase.DOUBTFUL and not account.undo_begun)
    if not beat.was_taken and belongs and is_open and not beat.before.ended:
        yield f"the verdict of {signal.step} was ignored while its outcome was open"


OPEN = frozenset({Phase.DOING, Phase.RESTING, Phase.PROBING})


def _newest_before(record: Record, signal: Failed) -> int:
    """Number of the newest attempt when the failure came: what it caused itself does not count."""
    direction = "do" if signal.direction == "probe" else signal.direction
    caused = [one for one in record.last.performs if one.step == signal.step and one.direction == direction]
    return record.account(signal.step).newest.get(direction, 0) - len(caused)


def bounded_attempts(record: Record) -> Iterator[str]:
    """16. Bounded attempts.

    Attempts <= policy; exhaustion forward = abort (or park after the pivot); exhaustion of an undo = stuck with an
    alert, never silently ended.
    """
    for timer in [effect for effect in record.last.effects if isinstance(effect, SetTimer)]:
        yield from _wrong_pause(record, timer)
    for perform in record.last.performs:
        plan, tries = record.steps[perform.step], record.account(perform.step).tries
        limit = {"do": plan.retry.attempts, "undo": plan.undo_retry.attempts, "probe": None}[perform.direction]
        if limit is not None and tries[perform.direction] > limit:
            yield f"try {tries[perform.direction]} of {perform.step} ({perform.direction}), the policy allows {limit}"
    yield from _alarms(record.last)
    if isinstance(record.last.signal, Failed | Elapsed) and record.last.was_taken:
        yield from _dead_ends(record.last)


def _wrong_pause(record: Record, timer: SetTimer) -> Iterator[str]:
    """The pause between two attempts is the policy's; a fresh set of attempts begins with the shortest."""
    kind, direction, _, name = timer.timer.split(":", 3) if ":" in timer.timer else (timer.timer, "", "", "")
    if kind != "retry":
        return
    plan, tries = record.steps[name], record.account(name).tries
    policy, made = (plan.undo_retry, tries["undo"]) if direction == "undo" else (plan.retry, tries["do"])
    pause_ms = policy.delay_ms(made + 1)
    if timer.after_ms != pause_ms:
        yield f"{name} ({direction}) pauses {timer.after_ms} ms after try {made}, the policy says {pause_ms} ms"


def _alarms(beat: Beat) -> Iterator[str]:
    """Whoever waits for a person is told to people once, when the waiting begins."""
    told = {(alert.what, alert.step) for alert in beat.alerts}
    for phase, what in ((Phase.STUCK, "stuck"), (Phase.PARKED, "parked")):
        for name, step in beat.after.steps.items():
            is_new = step.phase is phase and beat.before.steps.get(name, StepState()).phase is not phase
            if is_new and (what, name) not in told:
                yield f"{name} is {what} and nobody was told"


def _dead_ends(beat: Beat) -> Iterator[str]:
    """A step whose attempts are spent turns the saga back, or waits for a person."""
    for name, step in beat.after.steps.items():
        is_new = step.phase is Phase.DOUBTFUL and beat.before.steps[name].phase is not Phase.DOUBTFUL
        if is_new and not beat.after.is_unwinding:
            yield f"{name} is in doubt and the saga goes on"
