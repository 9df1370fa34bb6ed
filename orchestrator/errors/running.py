"""What may go wrong while executions run: their states, their code, their servers."""

from __future__ import annotations

from orchestrator.errors.root import OrchestratorError


class IllegalSignalError(OrchestratorError):
    """The engine was told something that cannot happen in this state: a fault of the caller.

    Args:
        step: the step the signal names.
        phase: where that step stands.
        signal: what was told.
    """

    def __init__(self, *, step: str, phase: str, signal: str) -> None:
        super().__init__(f"{step} is {phase}; it cannot take {signal}")
        self.step = step
        self.phase = phase
        self.signal = signal


class ReplayMismatchError(OrchestratorError):
    """A stored state does not fit the plan that it is to go on with. All are content hashes of plans."""

    def __init__(self, *, execution: str, began_with: str, plan: str) -> None:
        super().__init__(f"execution {execution!r} began with plan {began_with} and cannot go on with plan {plan}")
        self.execution = execution
        self.began_with = began_with
        self.plan = plan


class HandlerMissingError(OrchestratorError):
    """No code is registered under the name a plan asks for."""

    def __init__(self, handler: str) -> None:
        super().__init__(
            f"no code is registered as {handler!r}: deploy a worker that has it, then resume the parked step"
        )
        self.handler = handler


class EngineUnavailableError(OrchestratorError):
    """Temporal cannot be reached now; nothing was lost, try again later."""


class EngineFaultError(OrchestratorError):
    """Temporal answers neither that it is away nor that this can never be: worth a few more tries."""


class StoreUnavailableError(OrchestratorError):
    """A database cannot be used now; nothing is known to be lost, try again later."""


class LedgerOutdatedError(OrchestratorError):
    """The ledger's tables are missing, or of another version than this program."""


class SealError(OrchestratorError):
    """A sealed payload cannot be opened: its key is not known, or it was changed. Names the key's id."""


class RegistryError(OrchestratorError):
    """A schema registry cannot be reached, or does not answer as one.

    Args:
        address: where it is. `why`: what happened, or what it said.
    """

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"the schema registry at {address}: {why}")
        self.address = address


class BrokerUnavailableError(OrchestratorError):
    """RabbitMQ cannot be reached.

    Args:
        address: where it was looked for, without user and password.
        why: what was answered.
        setting: the environment variable that has the address.
    """

    def __init__(self, address: str, why: str, *, setting: str = "SAGA_RABBITMQ_URL") -> None:
        super().__init__(f"no RabbitMQ at {address}: {why}. Check {setting}, or run `saga up`")
        self.address = address


class TopologyError(OrchestratorError):
    """The broker lacks something, or has it with other arguments."""
