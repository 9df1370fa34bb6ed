"""Every error this package raises on purpose, as one tree.

OrchestratorError
├── SagaDefinitionError          a saga is declared wrongly (all problems at once)
├── MessageError                 a message cannot be taken; it goes to parking with this text
│   ├── MessageTooLargeError
│   ├── EngineRefusedError       Temporal refuses it, for good
│   ├── MalformedMessageError    not JSON, nested too deep, no id
│   ├── WrongContentTypeError    neither JSON nor what its type travels as
│   ├── SchemaMismatchError      JSON, but not what the type says
│   ├── UnknownMessageTypeError
│   ├── UnknownVersionError      of a version of its type that is not taken here
│   ├── UnknownCommandError      a participant handles no such command
│   ├── StartTooOldError         nobody remembers whether it was carried out
│   └── MissingKeyError          the field that names the execution is absent or empty
├── IllegalSignalError           the engine was told something that cannot happen in this state
├── ReplayMismatchError          a stored state does not fit its plan
├── RefusedCommandError          an operator's command is not allowed now
├── ConflictError                the execution is not at the revision that an operator saw
│   ├── PlanMovedError           the plan that is confirmed is not the present one any more
│   └── SelectionMovedError      a bulk's filter selects something else than what was shown
├── DeniedError                  a caller lacks a right
├── InvalidRequestError          a request is not what it must be (all problems at once)
├── KeyReusedError               an idempotency key came again with another request
├── KeyInUseError                an idempotency key's request is under way
├── RequestProblemError          a request by HTTP lacks what only HTTP knows of
├── UnknownCallerError           nobody knows who asks
│   └── PasswordToChooseError    they signed in with a one-time password
├── TooManyTriesError            somebody tried to sign in too often
├── IdentityUnavailableError     nobody can tell now who asks
├── SagaNotFoundError            this process knows no such saga
├── TooManyStreamsError          a caller holds as many streams open as they may
├── TooManyRequestsError         a caller asked for more than they may in a minute
├── TokenNotFoundError
├── MessageNotFoundError         no message like this was recorded
├── OperationNotFoundError
├── ParkedNotFoundError          no parked message or group of this id
├── ExecutionNotFoundError
├── TraceNotFoundError           nothing that was recorded speaks of an id
├── EngineUnavailableError       Temporal cannot be reached now
├── EngineFaultError             Temporal answers something that says neither yes nor no
├── StoreUnavailableError        a database cannot be used now
├── LedgerOutdatedError          the ledger's tables are not those of this program
├── SealError                    a sealed payload cannot be opened
├── UncarriableError             a message has something that its codec cannot carry
├── MissingExtraError            something needs a library that is installed only if asked for
├── SettingsError                settings have values that are not allowed (all at once)
├── HandlerMissingError          no code is registered under the name a plan asks for
├── CatalogueError               two messages share one type
├── RegistryError                a schema registry is away, or refuses
├── BrokerUnavailableError       RabbitMQ cannot be reached
├── TopologyError                the broker lacks something `saga topology apply` makes
├── PortMissingError             an action asks for something that its worker was not given
├── RehearsalError               a rehearsal was told something that cannot happen now
├── InvariantBrokenError         a recorded run of the engine broke a promise of semantics.md
└── PublishError                 a message was not accepted by the broker
    ├── UnroutableError          the broker has no queue for it
    ├── NackedError              the broker refused it
    └── PublishUnknownError      no confirm came: it may or may not be stored

`Rejected` is not an error of this package: authors raise it to say "no effect was made, undo the rest".
"""

from __future__ import annotations

from orchestrator.errors.defining import (
    CatalogueError,
    InvariantBrokenError,
    MissingExtraError,
    PortMissingError,
    RehearsalError,
    SagaDefinitionError,
    SettingsError,
    UncarriableError,
    WrongSetting,
)
from orchestrator.errors.messages import (
    EngineRefusedError,
    MalformedMessageError,
    MessageError,
    MessageTooLargeError,
    MissingKeyError,
    NackedError,
    PublishError,
    PublishUnknownError,
    SchemaMismatchError,
    StartTooOldError,
    UnknownCommandError,
    UnknownMessageTypeError,
    UnknownVersionError,
    UnroutableError,
    WrongContentTypeError,
)
from orchestrator.errors.operating import (
    ConflictError,
    DeniedError,
    ExecutionNotFoundError,
    IdentityUnavailableError,
    InvalidRequestError,
    KeyInUseError,
    KeyReusedError,
    MessageNotFoundError,
    OperationNotFoundError,
    ParkedNotFoundError,
    PasswordToChooseError,
    PlanMovedError,
    RefusedCommandError,
    RequestProblemError,
    SagaNotFoundError,
    SelectionMovedError,
    TokenNotFoundError,
    TooManyRequestsError,
    TooManyStreamsError,
    TooManyTriesError,
    TraceNotFoundError,
    UnknownCallerError,
)
from orchestrator.errors.root import (
    OrchestratorError,
    Rejected,
)
from orchestrator.errors.running import (
    BrokerUnavailableError,
    EngineFaultError,
    EngineUnavailableError,
    HandlerMissingError,
    IllegalSignalError,
    LedgerOutdatedError,
    RegistryError,
    ReplayMismatchError,
    SealError,
    StoreUnavailableError,
    TopologyError,
)

__all__ = [
    "SelectionMovedError",
    "PlanMovedError",
    "MessageNotFoundError",
    "OperationNotFoundError",
    "ParkedNotFoundError",
    "KeyReusedError",
    "KeyInUseError",
    "RequestProblemError",
    "UnknownCallerError",
    "PasswordToChooseError",
    "TooManyTriesError",
    "IdentityUnavailableError",
    "SagaNotFoundError",
    "TooManyRequestsError",
    "TooManyStreamsError",
    "TokenNotFoundError",
    "InvalidRequestError",
    "DeniedError",
    "BrokerUnavailableError",
    "CatalogueError",
    "ConflictError",
    "EngineFaultError",
    "EngineRefusedError",
    "EngineUnavailableError",
    "ExecutionNotFoundError",
    "HandlerMissingError",
    "IllegalSignalError",
    "LedgerOutdatedError",
    "MalformedMessageError",
    "MessageError",
    "MessageTooLargeError",
    "MissingKeyError",
    "NackedError",
    "OrchestratorError",
    "PortMissingError",
    "PublishError",
    "PublishUnknownError",
    "RefusedCommandError",
    "RehearsalError",
    "InvariantBrokenError",
    "Rejected",
    "ReplayMismatchError",
    "SagaDefinitionError",
    "SchemaMismatchError",
    "SealError",
    "SettingsError",
    "StartTooOldError",
    "StoreUnavailableError",
    "TopologyError",
    "TraceNotFoundError",
    "UnknownCommandError",
    "UnknownMessageTypeError",
    "UnknownVersionError",
    "UnroutableError",
    "WrongContentTypeError",
    "WrongSetting",
    "MissingExtraError",
    "RegistryError",
    "UncarriableError",
]
