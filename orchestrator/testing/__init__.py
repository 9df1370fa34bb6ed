"""Try a saga by hand, without any server."""

from orchestrator.testing.rehearsal import Act, Publish, Rehearsal, Send, rehearse

__all__ = ["Act", "Publish", "Rehearsal", "Send", "rehearse"]
