"""What a person who operates executions may be told instead of yes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.errors.root import OrchestratorError

if TYPE_CHECKING:
    from collections.abc import Sequence


class RefusedCommandError(OrchestratorError):
    """An operator's command is not allowed in this state.

    Args:
        command: the command, as `cancel`.
        reason: why not, and what can be done instead.
    """

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{command} refused: {reason}")
        self.command = command
        self.reason = reason


class ConflictError(OrchestratorError):
    """An execution is not at the revision that an operator saw.

    Args:
        reason: what is different, for people.
        revision: where it is now.
        changes: what happened meanwhile, oldest first.
    """

    def __init__(self, reason: str, *, revision: int, changes: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.revision = revision
        self.changes = tuple(changes)


class ExecutionNotFoundError(OrchestratorError):
    """No execution has this id."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"no execution {execution_id!r}: ids are written saga:key, as in fulfil-order:A17")
        self.execution_id = execution_id


class TraceNotFoundError(OrchestratorError):
    """Nothing that was recorded speaks of an id.

    Args:
        wanted: a correlation id, an execution's id or a trace id.
        place: where it was looked for; empty = in our own spans and the ledger.
    """

    def __init__(self, wanted: str, place: str = "") -> None:
        where = f"no span in {place} speaks" if place else "neither a span nor the ledger speaks"
        told = "name a correlation id, or an execution's id as fulfil-order:A17"
        super().__init__(f"{where} of {wanted!r}: {told}")
        self.wanted = wanted
        self.place = place


class DeniedError(OrchestratorError):
    """A caller lacks a right.

    Args:
        actor: who asked.
        permission: the right, as `saga:retry`.
        saga: for which saga, None if it is for no saga in particular.
    """

    def __init__(self, *, actor: str, permission: str, saga: str | None = None) -> None:
        where = f" for saga {saga!r}" if saga else ""
        super().__init__(f"{actor} lacks the permission {permission}{where}: ask an administrator to grant it")
        self.actor = actor
        self.permission = permission
        self.saga = saga


class InvalidRequestError(OrchestratorError):
    """A request is not what it must be.

    Args:
        problems: pairs of a JSON pointer into the request and what is wrong there.
    """

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer or 'the request'}: {text}" for pointer, text in problems))
        self.problems = tuple(problems)


class KeyReusedError(OrchestratorError):
    """An idempotency key came again with another request: it was not carried out."""

    def __init__(self, key: str, operation_id: str = "") -> None:
        what = f"for operation {operation_id} " if operation_id else ""
        super().__init__(
            f"the idempotency key {key!r} was used {what}with another request:"
            " send the same request again, or take a new key"
        )
        self.key = key
        self.operation_id = operation_id


class KeyInUseError(OrchestratorError):
    """A request with this idempotency key is under way: ask again in a moment for its answer."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the request with the idempotency key {key!r} is under way: ask again in a moment")
        self.key = key


class RequestProblemError(OrchestratorError):
    """A request by HTTP that cannot be taken for what only HTTP knows of, as a header; `code`: the kind of problem."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class UnknownCallerError(OrchestratorError):
    """Nobody knows who asks: there is no token, or it is not accepted; says why."""


class PasswordToChooseError(UnknownCallerError):
    """Somebody signed in with a one-time password, which is good for choosing one of their own alone."""

    def __init__(self) -> None:
        super().__init__("choose a password of your own first")


class TooManyTriesError(OrchestratorError):
    """Somebody tried to sign in too often; they may again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many tries to sign in: wait {seconds} s")
        self.seconds = seconds


class TooManyRequestsError(OrchestratorError):
    """A caller asked for more than they may in a minute; they may again after `seconds`."""

    def __init__(self, seconds: int, a_minute: int) -> None:
        super().__init__(f"more than {a_minute} requests a minute: wait {seconds} s")
        self.seconds = seconds


class IdentityUnavailableError(OrchestratorError):
    """Nobody can tell now who asks: what tokens are checked with cannot be read."""


class SagaNotFoundError(OrchestratorError):
    """This process knows no saga of this name, or not this version of it; `known`: the names that it knows."""

    def __init__(self, name: str, version: int | None, *, known: Sequence[str]) -> None:
        which = f" version {version}" if version is not None else ""
        super().__init__(f"no saga {name!r}{which} here: take one of {', '.join(known) or 'none'}")
        self.name = name
        self.version = version


class TooManyStreamsError(OrchestratorError):
    """A caller holds as many streams open as they may; `most` of them."""

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most} event streams at once: close one first")
        self.most = most


class TokenNotFoundError(OrchestratorError):
    """No API token has this id."""

    def __init__(self, token_id: str) -> None:
        super().__init__(f"no API token {token_id!r}")
        self.token_id = token_id


class PlanMovedError(ConflictError):
    """The execution has moved since the plan was shown.

    Args:
        plan: the plan as it is now.
        revision: where the execution is now.
    """

    def __init__(self, plan: Any, *, revision: int) -> None:
        super().__init__("the execution has moved since the plan was shown: look at the new plan", revision=revision)
        self.plan = plan


class ParkedNotFoundError(OrchestratorError):
    """No parked message, or no group of them, has this id; or none that this caller may see."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"no {what} {name!r}: `saga parked` shows what is there; what was decided is kept for a while")
        self.name = name


class MessageNotFoundError(OrchestratorError):
    """No message like this was recorded, or its body was not kept; or none that this caller may see."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no {what}: `saga messages` and `saga events` show what there is")
        self.what = what


class OperationNotFoundError(OrchestratorError):
    """No operation has this id."""

    def __init__(self, operation_id: str) -> None:
        super().__init__(f"no operation {operation_id!r}")
        self.operation_id = operation_id


class SelectionMovedError(ConflictError):
    """A filter selects something else than what was shown.

    Args:
        token: names the present selection.
        count: how many executions it has.
    """

    def __init__(self, token: str, *, count: int) -> None:
        super().__init__(f"the filter selects other executions now ({count}): look at the new selection", revision=0)
        self.token = token
        self.count = count
