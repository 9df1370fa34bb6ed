"""Try a saga or a participant by hand, without any server."""

from orchestrator.testing.commands import Answered, rehearse_command
from orchestrator.testing.rehearsal import Act, Publish, Rehearsal, Send, rehearse

__all__ = ["Act", "Answered", "Publish", "Rehearsal", "Send", "rehearse", "rehearse_command"]
