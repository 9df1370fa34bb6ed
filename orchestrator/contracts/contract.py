"""One message type as others rely on it: what it is called, who sends and takes it, what its body looks like."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from orchestrator.messages import CodecName, Message

from orchestrator.versions import PLAIN, Versions

Kind: TypeAlias = Literal["event", "command", "reply"]
Model: TypeAlias = "type[Message]"
Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, draft 2020-12, as plain values."""
CODEC = "x-codec"
"""Keyword of ours: how bodies travel; JSON unless it is written."""
VERSION, OLDEST, SUNSET, SUNSETS = "x-version", "x-oldest-version", "x-sunset", "x-sunsets"
"""Keywords of ours: the version that the schema describes, the oldest that is taken, until when the type is, and until
when each deprecated version is."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One message type.

    Attributes:
        type: its name on the broker, as `order.placed`.
        model: what its body must fit.
        taken_by, sent_by: the sagas that take it in, and those that send it, by name.
        participant: of a command, who handles it; of a reply, who sends it.
        reply: of a command, the type of the reply.
        versions: which versions of it are taken, and until when.
        codec: how it travels.
    """

    type: str
    kind: Kind
    model: Model
    taken_by: tuple[str, ...] = ()
    sent_by: tuple[str, ...] = ()
    participant: str = ""
    reply: str = ""
    versions: Versions = PLAIN
    codec: CodecName = "json"

    @cached_property
    def schema(self) -> Schema:
        """What a body must fit to be taken: names as they travel, fields that nobody knows allowed."""
        return self.model.model_json_schema(by_alias=True, mode="validation")

    @property
    def told(self) -> Schema:
        """What is told of it beside its schema: its codec, its versions, if there are several, and when they end."""
        versions = self.versions
        ends = {str(version): end.isoformat() for version, end in versions.deprecated.items()}
        told: Schema = {} if self.codec == "json" else {CODEC: self.codec}
        if versions.newest > 1:
            told[VERSION] = versions.newest
        if versions.oldest > 1:
            told[OLDEST] = versions.oldest
        if versions.sunset is not None:
            told |= {"deprecated": True, SUNSET: versions.sunset.isoformat()}
        return told | ({SUNSETS: ends} if ends else {})
