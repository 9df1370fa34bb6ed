"""Handles one command: inbox row, business write, stored reply and outbox in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from orchestrator.contracts.protocol import error_body, read_command, refusal_of, reply_to
from orchestrator.errors import Rejected, SchemaMismatchError
from orchestrator.participant.inbox import Deed, Row, Verdict, decide
from orchestrator.participant.kit import CommandContext

if TYPE_CHECKING:
    from orchestrator.contracts.protocol import CommandHeaders
    from orchestrator.messages import Envelope, Message
    from orchestrator.participant.kit import Participant
    from orchestrator.participant.ports import Store, Transaction


async def handle(participant: Participant, store: Store, envelope: Envelope) -> Envelope:
    """Carry out a command, or answer as before; returns the reply, which is stored when this returns.

    Raises:
        MessageError: the command cannot be taken: parking.
        Exception: whatever the handler raises beside `Rejected`; nothing was kept, deliver it again.
    """
    command = read_command(envelope)
    model = participant.handler_of(envelope.type)[0]
    try:
        message = model.model_validate_json(envelope.body)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise SchemaMismatchError(message_type=envelope.type, problems=problems) from None
    try:
        return await _Handling(participant, envelope, command, message).carry_out(store)
    except Rejected as rejected:
        if not rejected.retryable and command.direction == "do":
            return await _store_refusal(participant, store, envelope, rejected)
        # A refused undo is never stored, else a person's retry would be useless; nor is a refusal for now.
        return _refusal(participant, envelope, rejected)


class _Handling:
    """One command inside its transaction."""

    def __init__(self, participant: Participant, envelope: Envelope, command: CommandHeaders, message: Message) -> None:
        self.participant, self.envelope, self.command, self.message = participant, envelope, command, message

    async def carry_out(self, store: Store) -> Envelope:
        async with store.transaction() as transaction:
            row = await transaction.claim(self.command.forward_key)
            verdict = decide(row, self.command, self.envelope.body_hash, datetime.now(UTC))
            return await self._do(verdict, row, transaction)

    async def _do(self, verdict: Verdict, row: Row | None, transaction: Transaction) -> Envelope:
        match verdict.deed:
            case Deed.RUN:
                return await self._run(row, transaction)
            case Deed.ANSWER if row is not None and row.state == "refused":
                return _refusal(self.participant, self.envelope, Rejected(row.reason, code=row.code))
            case Deed.ANSWER if row is not None:
                return self._reply(row.reply_type, row.reply)
            case Deed.REFUSE:
                refusal = Rejected(verdict.reason, code=verdict.code)
                return _refusal(self.participant, self.envelope, refusal)
            case Deed.NOTHING:
                await transaction.save(Row(forward_key=self.command.forward_key, state="undone"))
            case _:
                pass  # undone before: the same answer again
        return self._reply(f"{self.envelope.type}.nothing-to-undo", b"null")

    async def _run(self, row: Row | None, transaction: Transaction) -> Envelope:
        context = CommandContext(
            headers=self.command,
            correlation_id=self.envelope.correlation_id,
            transaction=transaction,
            source=self.participant.name,
            envelope=self.envelope,
        )
        made = await self.participant.handler_of(self.envelope.type)[1](self.message, context)
        body = made.model_dump_json().encode() if made is not None else b"null"
        reply_type = getattr(made, "message_type", f"{self.envelope.type}.done")
        if self.command.direction == "do":
            done = Row(
                forward_key=self.command.forward_key,
                state="done",
                body_hash=self.envelope.body_hash,
                reply_type=reply_type,
                reply=body,
            )
            await transaction.save(done)
        elif self.command.direction == "undo" and row is not None:
            await transaction.save(replace(row, state="undone"))
        return self._reply(reply_type, body)

    def _reply(self, reply_type: str, body: bytes) -> Envelope:
        return reply_to(self.envelope, source=self.participant.name, reply_type=reply_type, body=body)


def _refusal(participant: Participant, envelope: Envelope, rejected: Rejected) -> Envelope:
    return refusal_of(envelope, source=participant.name, rejected=rejected, body=error_body(rejected))


async def _store_refusal(participant: Participant, store: Store, envelope: Envelope, rejected: Rejected) -> Envelope:
    """Store the refusal, unless another copy of the command, or its undo, came in between: then that one holds."""
    command = read_command(envelope)
    async with store.transaction() as transaction:
        row = await transaction.claim(command.forward_key)
        if row is None:
            refused = Row(
                forward_key=command.forward_key,
                state="refused",
                body_hash=envelope.body_hash,
                code=rejected.code,
                reason=rejected.reason,
            )
            await transaction.save(refused)
            return _refusal(participant, envelope, rejected)
    return await handle(participant, store, envelope)
