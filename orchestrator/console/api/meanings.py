"""What parameters mean that are called alike in many requests; a meaning that stands beside one wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MEANINGS: Mapping[tuple[str, str], str] = {
    ("path", "execution_id"): "as `fulfil-order:A17`",
    ("path", "operation_id"): "`id` of the operation, as its acceptance and lists say it",
    ("path", "bulk_id"): "`id` of the bulk",
    ("path", "token_id"): "`id` of the token, as lists show it; it is no secret",
    ("path", "direction"): "whether it came in or went out",
    ("path", "message_id"): "of the message, as lists show it",
    ("path", "fingerprint"): "of the group, as lists show it",
    ("path", "name"): "of the saga",
    ("path", "view"): "its name, 1 to 60 characters",
    ("path", "version"): "of the saga's definition, 1 or more",
    ("header", "if-none-match"): "the ETag of what is known already: then the answer is 304, without a body",
    ("query", "saga"): "its name",
    ("query", "version"): "of the saga's definition",
    ("query", "correlation_id"): "of this correlation id alone",
    ("query", "business_key"): "exactly this one",
    ("query", "current_step"): "the step that began last and has not settled",
    ("query", "failed_step"): "the step that needs a person, or turned them back",
    ("query", "changed_after"): "later than this",
    ("query", "changed_before"): "earlier than this",
    ("query", "execution_id"): "of this execution alone",
    ("query", "limit"): "how many at most",
    ("query", "from_step"): "undo from this step on; without it, all",
    ("query", "actor"): "by this one alone",
    ("query", "state"): "in this state alone",
    ("query", "type"): "the message type, as `order.placed`",
    ("query", "queue"): "the queue that they were parked from",
    ("query", "waiting_only"): "only groups of which some wait for a person",
    ("query", "message_id"): "the id that its sender gave it",
    ("query", "source"): "the CloudEvents source, as `/shop`",
}
"""By where it stands, and its name in small letters."""
