"""Handles one command: inbox row, business write, stored reply and outbox in one transaction."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from orchestrator.contracts.decoding import decode
from orchestrator.contracts.protocol import error_body, read_command, refusal_of, reply_to
from orchestrator.contracts.upcasting import is_plain, upcast
from orchestrator.errors import MalformedMessageError, Rejected, SchemaMismatchError
from orchestrator.messages import short_hash
from orchestrator.participant.inbox import Deed, Row, Verdict, decide, versioned, with_version
from orchestrator.participant.kit import CommandContext, log
from orchestrator.versions import PLAIN
from orchestrator.wallclock import now

if TYPE_CHECKING:
    from orchestrator.contracts.protocol import CommandHeaders
    from orchestrator.messages import AnyCommand, Envelope, Message
    from orchestrator.participant.kit import CommandHandler, Participant
    from orchestrator.participant.ports import Store, Transaction
    from orchestrator.versions import Versions


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command: its reply and, with their outbox numbers, the events it published just now."""

    reply: Envelope
    events: tuple[tuple[int, Envelope], ...] = ()


async def handle(participant: Participant, store: Store, envelope: Envelope) -> Answer:
    """Carry out a command, or answer as before. What it did is stored when this returns.

    Raises:
        MessageError: the command cannot be taken: parking.
        StoreUnavailableError: nobody knows whether it was stored; handle it again later.
        Exception: whatever the handler raises beside `Rejected`; nothing was kept, handle it again.
    """
    return await read(participant, envelope).carry_out(store)


def read(participant: Participant, envelope: Envelope) -> Task:
    """A command, checked against what the participant declares.

    Raises:
        MessageError: it cannot be taken; says why.
    """
    handler = participant.handler_of(envelope.type)
    headers = _read_headers(envelope)
    body = envelope.body
    if not is_plain(handler.command, envelope.version):
        body = upcast(handler.command, envelope.version, body)
    decode(body)  # has limits that the model knows nothing of: nesting, odd numbers
    try:
        message = handler.command.model_validate_json(body)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise SchemaMismatchError(message_type=envelope.type, problems=problems) from None
    return Task(participant, handler, envelope, headers, message)


def _read_headers(envelope: Envelope) -> CommandHeaders:
    headers = read_command(envelope)
    if headers.direction == "do" and headers.undoes:
        raise MalformedMessageError("a forward command has saga-undoes: it would be filed under another one's key")
    if headers.direction != "do" and not headers.undoes:
        raise MalformedMessageError(f"this {headers.direction} lacks saga-undoes, the key of the forward command")
    if headers.deadline is not None and headers.deadline.tzinfo is None:
        raise MalformedMessageError(f"saga-deadline {headers.deadline.isoformat()} has no time zone")
    return headers


def body_hash(message: Message) -> str:
    """Hash of a command's meaning: by it a known key with another body is told apart.

    Fields that have their defaults are left out, so that a new optional field, on either side, makes no conflict. The
    version is written behind it: of two versions nobody can tell whether they mean the same, so they make none either.
    """
    meaning = message.model_dump(mode="json", exclude_defaults=True)
    hashed = short_hash(message.message_type, json.dumps(meaning, sort_keys=True, separators=(",", ":")))
    return with_version(hashed, message.message_versions.newest)


@dataclass(frozen=True, slots=True)
class Task:
    """One command to be handled."""

    participant: Participant
    handler: CommandHandler
    envelope: Envelope
    headers: CommandHeaders
    message: AnyCommand

    async def carry_out(self, store: Store) -> Answer:
        """Carry it out, or answer as before; see `handle`."""
        try:
            async with store.transaction() as transaction:
                row = await transaction.claim(self.headers.forward_key)
                verdict = decide(row, self.headers, body_hash(self.message), now())
                return await self._do(verdict, row, transaction)
        except Rejected as rejected:
            if rejected.retryable or self.headers.direction == "undo":
                # A refused undo is never stored, else a person's retry would be useless; nor is a refusal for now.
                return self.refuse(rejected)
            return await self._keep_refusal(store, rejected)

    def refuse(self, rejected: Rejected) -> Answer:
        """The refusal as an answer; `failed`, if it is retryable. Stores nothing."""
        body = error_body(rejected)
        return Answer(refusal_of(self.envelope, source=self.participant.name, rejected=rejected, body=body))

    async def _do(self, verdict: Verdict, row: Row | None, transaction: Transaction) -> Answer:
        match verdict.deed:
            case Deed.RUN:
                return await self._run(row, transaction)
            case Deed.ANSWER if row is not None and row.state == "refused":
                return self.refuse(Rejected(row.reason, code=row.code))
            case Deed.ANSWER if row is not None:
                return self._reply(row.reply_type, row.reply)
            case Deed.REFUSE:
                return self.refuse(Rejected(verdict.reason, code=verdict.code, retryable=verdict.retryable))
            case Deed.NOTHING:
                await transaction.save(Row(forward_key=self.headers.forward_key, state="undone"))
            case _:
                pass  # undone before: the same answer again
        return self._reply(f"{self.envelope.type}.nothing-to-undo", b"null")

    async def _run(self, row: Row | None, transaction: Transaction) -> Answer:
        context = self._context(transaction)
        async with asyncio.timeout(self.participant.limit.total_seconds()):
            made = await self.handler.handle(self.message, context)
        self._check(made)
        body = made.model_dump_json().encode() if made is not None else b"null"
        reply_type = getattr(made, "message_type", f"{self.envelope.type}.done")
        # Kept with the stored reply: it is sent again as it is, also by a program that has a newer version of its type.
        versions: Versions = getattr(made, "message_versions", PLAIN)
        reply_type = with_version(reply_type, versions.newest)
        await transaction.save(self._row(row, reply_type, body))
        return replace(self._reply(reply_type, body), events=tuple(context.events))

    def _row(self, row: Row | None, reply_type: str, body: bytes) -> Row:
        if self.headers.direction == "undo" and row is not None:
            return replace(row, state="undone")
        # What a probe finds done counts as done by a command whose body nobody has seen.
        known = body_hash(self.message) if self.headers.direction == "do" else ""
        key = self.headers.forward_key
        return Row(forward_key=key, state="done", body_hash=known, reply_type=reply_type, reply=body)

    async def _keep_refusal(self, store: Store, rejected: Rejected) -> Answer:
        """Store the refusal, unless another copy of the command, or its undo, came in between: then that one holds."""
        async with store.transaction() as transaction:
            row = await transaction.claim(self.headers.forward_key)
            if row is None:
                await transaction.save(self._refused(rejected))
                return self.refuse(rejected)
        return await self.carry_out(store)

    def _refused(self, rejected: Rejected) -> Row:
        key, code, reason = self.headers.forward_key, rejected.code, rejected.reason
        if self.headers.direction == "probe":
            return Row(forward_key=key, state="undone", code=code, reason=reason)
        return Row(forward_key=key, state="refused", body_hash=body_hash(self.message), code=code, reason=reason)

    def _check(self, made: BaseModel | None) -> None:
        """A wrong reply is the author's fault; sent, it would only fail later, in the saga."""
        if self.headers.direction == "undo" or isinstance(made, self.handler.reply):
            return  # an undo may also answer nothing: nobody reads it
        wanted = self.handler.reply
        raise TypeError(f"{self.envelope.type} is answered by {wanted.__name__}, not {type(made).__name__}")

    def _reply(self, kind: str, body: bytes) -> Answer:
        name, version = versioned(kind)
        return Answer(
            reply_to(self.envelope, source=self.participant.name, reply_type=name, body=body, version=version)
        )

    def _context(self, transaction: Transaction) -> CommandContext:
        ids = {
            "execution": self.headers.execution,
            "step": self.headers.step,
            "key": self.headers.key,
            "correlation": self.envelope.correlation_id,
        }
        return CommandContext(
            headers=self.headers,
            correlation_id=self.envelope.correlation_id,
            transaction=transaction,
            source=self.participant.name,
            envelope=self.envelope,
            publishes=self.participant.publishes,
            log=logging.LoggerAdapter(log, ids),
        )
