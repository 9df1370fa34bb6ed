"""The kit for services that handle commands: a decorator, outcomes and ports. It knows no infrastructure."""

from orchestrator.errors import Rejected
from orchestrator.participant.kit import CommandContext, Participant

__all__ = ["CommandContext", "Participant", "Rejected"]
