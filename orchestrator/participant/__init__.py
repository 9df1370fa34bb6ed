"""The kit for services that handle commands: a decorator, outcomes and ports. It knows no infrastructure."""

from orchestrator.errors import Rejected
from orchestrator.participant.kit import CommandContext, Participant
from orchestrator.participant.memory import MemoryStore

__all__ = ["CommandContext", "MemoryStore", "Participant", "Rejected"]
