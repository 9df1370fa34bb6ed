"""The SDK's own data converter without what sagas never need of it: the same bytes for fewer steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payload
from temporalio.converter import AdvancedJSONEncoder, DataConverter, DefaultPayloadConverter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temporalio.converter import PayloadConverter, SerializationContext

JSON_TYPES = frozenset({dict, list, str, int, float, bool})
"""Of such values the SDK makes JSON too, after it has asked whether they are nothing, bytes, or Protobuf."""

_encoder = AdvancedJSONEncoder(separators=(",", ":"), sort_keys=True)


class JsonFirstConverter(DefaultPayloadConverter):
    """Writes JSON values at once; all else, and all reading, is the SDK's."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """One payload for each value."""
        if not all(type(value) in JSON_TYPES for value in values):
            return super().to_payloads(values)
        return [Payload(metadata={"encoding": b"json/plain"}, data=_encoder.encode(value).encode()) for value in values]


@dataclass(frozen=True)
class PlainConverter(DataConverter):
    """Converts alike wherever a value stands, so nobody need tell it where."""

    payload_converter_class: type[PayloadConverter] = JsonFirstConverter

    def with_context(self, context: SerializationContext) -> PlainConverter:  # noqa: ARG002 - the SDK's signature
        """Itself: the SDK asks a dozen times for each workflow task, and makes a copy for each that differs."""
        return self
