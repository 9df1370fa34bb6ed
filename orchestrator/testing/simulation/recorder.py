"""How the model server writes a completed workflow task: its events, and what they set going."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.testing.simulation.activation import from_payload
from orchestrator.testing.simulation.history import Event, Kind
from orchestrator.testing.simulation.runs import Run, tell

if TYPE_CHECKING:
    from orchestrator.testing.simulation.activation import Command, Record
    from orchestrator.testing.simulation.runs import Task
    from orchestrator.testing.simulation.server import Server


class Recorder:
    """Writes for one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def write(self, run: Run, task: Task, commands: list[Command], record: Record) -> None:
        """Write the task's completion and all that it asks for."""
        if task.form != "normal":
            self._server.append(run, Event(Kind.TASK_SCHEDULED))
            self._server.append(run, Event(Kind.TASK_STARTED))
        completed = self._server.append(run, Event(Kind.TASK_COMPLETED)).id
        record.started_at, record.started_id = task.started_at, task.started_id
        run.records.append(record)
        self.answer(task, commands, run, completed)
        for command in commands:
            self._carry_out(run, command, completed)

    def answer(self, task: Task, commands: list[Command], run: Run, completed: int) -> None:
        """Tell the clients of updates their verdicts."""
        waiting = run.accepted
        waiting.update((update.id, update) for update in task.updates)
        for command in commands:
            if command.kind != "update_response":
                continue
            update = waiting[command.asked.protocol_instance_id]
            match command.asked.WhichOneof("response"):
                case "accepted":
                    self._server.append(run, Event(Kind.UPDATE_ACCEPTED, completed_by=completed))
                case "completed":
                    self._server.append(run, Event(Kind.UPDATE_COMPLETED))
                    tell(waiting.pop(update.id), "")
                case _:
                    tell(waiting.pop(update.id), command.asked.rejected.message or "refused")

    def _carry_out(self, run: Run, command: Command, completed: int) -> None:
        match command.kind:
            case "marker":
                self._server.append(run, Event(Kind.MARKER, completed_by=completed))
            case "schedule_activity":
                event = Event(Kind.ACTIVITY_SCHEDULED, completed_by=completed)
                event.more = {"activity_id": command.asked.activity_id, "what": command.asked.activity_type}
                self._server.append(run, event)
                self._server.activities.schedule(run, command.asked)
            case "request_cancel_activity":
                self._server.append(run, Event(Kind.ACTIVITY_CANCEL_REQUESTED, completed_by=completed))
                self._server.activities.cancel(run, command.seq)
            case "start_timer":
                self._server.append(run, Event(Kind.TIMER_STARTED, completed_by=completed))
                # Timers fire up to a second late (history.timerProcessorMaxTimeShift).
                length = command.asked.start_to_fire_timeout.ToTimedelta().total_seconds() + self._server.dice.between(
                    0, 1
                )
                run.timers[command.seq] = self._server.loop.after(length, self._fire, run, command.seq)
            case "cancel_timer":
                self._cancel_timer(run, command.seq, completed)
            case "upsert_workflow_search_attributes":
                self._server.append(run, Event(Kind.UPSERTED, completed_by=completed))
                for payload in command.asked.search_attributes.indexed_fields.values():
                    self._server.shown = from_payload(payload)
            case "update_response":
                pass  # answered already
            case _:
                self._close(run, command, completed)

    def _fire(self, run: Run, seq: int) -> None:
        if run.timers.pop(seq, None) is not None:
            self._server.add(run, Event(Kind.TIMER_FIRED, more={"seq": seq}))

    def _cancel_timer(self, run: Run, seq: int, completed: int) -> None:
        timer = run.timers.pop(seq, None)
        if timer is not None:
            timer.cancel()
        run.buffered = [e for e in run.buffered if not (e.kind is Kind.TIMER_FIRED and e.more["seq"] == seq)]
        self._server.append(run, Event(Kind.TIMER_CANCELED, completed_by=completed))

    def _close(self, run: Run, command: Command, completed: int) -> None:
        run.is_closed = True
        for timer in run.timers.values():
            timer.cancel()
        self._server.activities.drop(run)
        if command.kind == "complete_workflow_execution":
            self._server.append(run, Event(Kind.COMPLETED, completed_by=completed))
            self._server.result = from_payload(command.asked.result)
            for update in [*run.updates, *run.accepted.values()]:
                tell(update, "the execution has ended")
            return
        if command.kind == "fail_workflow_execution":
            self._server.world.fail(f"the workflow failed: {command.asked.failure.message}")
            return
        self._server.append(run, Event(Kind.CONTINUED, completed_by=completed))
        self._server.dice.count("continued as new")
        number = int(run.id.partition("-")[2]) + 1
        self._server.go_on(Run(f"run-{number}", updates=run.updates), from_payload(command.asked.arguments[0]))
