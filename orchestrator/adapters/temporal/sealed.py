"""Seals every payload on its way to Temporal, and opens it on its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.common.v1 import Payload
from temporalio.converter import DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from orchestrator.adapters.temporal.converting import PlainConverter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temporalio.converter import DataConverter

    from orchestrator.sealing import Seal

ENCODING = b"binary/encrypted"


class SealingCodec(PayloadCodec):
    """AES-256-GCM by `Seal`. Payloads that were written before there was a key are read as they are."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Close each, its metadata included."""
        return [
            Payload(metadata={"encoding": ENCODING}, data=self._seal.close(payload.SerializeToString()))
            for payload in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open those that are closed."""
        return [self._opened(payload) for payload in payloads]

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        return Payload.FromString(self._seal.open(payload.data))


def converter_of(seal: Seal) -> DataConverter:
    """What writes as the SDK's own converter, sealing if there is a key; texts of failures are payloads then too."""
    if not seal.is_on:
        return PlainConverter()
    return PlainConverter(
        payload_codec=SealingCodec(seal), failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )
