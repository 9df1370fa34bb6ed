"""Seals payloads with AES-256-GCM, for Temporal and for the ledger: who reads the database reads no payload.

A sealed value says by which key it was sealed, so keys can be changed one after the other: new values are sealed with
the first key, old ones are opened with the key they name.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from orchestrator.errors import SealError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC = b"\x00S1"
"""How a sealed value begins: neither JSON nor text ever begins with a zero byte."""
NONCE_BYTES = 12
KEY_BYTES = 32
MAX_ID_BYTES = 40


@dataclass(frozen=True, slots=True)
class Seal:
    """Closes and opens values.

    Attributes:
        keys: 32 bytes each, by id. `current`: the id of the one that closes; empty = values are left open.
    """

    current: str = ""
    keys: Mapping[str, AESGCM] = field(default_factory=dict[str, AESGCM], repr=False)

    @classmethod
    def of(cls, text: str) -> Self:
        """From a setting: `id:base64 of 32 bytes`, several with commas between; the first one closes.

        Raises:
            ValueError: it is not that; never shows a key.
        """
        pairs = [_pair(part.strip()) for part in text.split(",") if part.strip()]
        if len({key_id for key_id, _ in pairs}) < len(pairs):
            raise ValueError("two keys have one id")
        return cls(pairs[0][0] if pairs else "", {key_id: AESGCM(key) for key_id, key in pairs})

    @property
    def is_on(self) -> bool:
        """Whether values are closed."""
        return bool(self.current)

    def close(self, value: bytes) -> bytes:
        """The value, sealed if there is a key. An empty value stays empty: it says nothing."""
        if not self.current or not value:
            return value
        key_id = self.current.encode()
        head = MAGIC + bytes([len(key_id)]) + key_id
        nonce = os.urandom(NONCE_BYTES)
        return head + nonce + self.keys[self.current].encrypt(nonce, value, head)

    def open(self, value: bytes) -> bytes:
        """The value as it was; one that was never sealed is returned as it is.

        Raises:
            SealError: its key is not known here, or the value was changed.
        """
        if not value.startswith(MAGIC):
            return value
        start = len(MAGIC) + 1 + value[len(MAGIC)]
        key_id = value[len(MAGIC) + 1 : start].decode(errors="replace")
        key = self.keys.get(key_id)
        if key is None:
            raise SealError(f"the payload's key {key_id!r} is not known here: add it to SAGA_PAYLOAD_KEYS")
        nonce, sealed = value[start : start + NONCE_BYTES], value[start + NONCE_BYTES :]
        try:
            return key.decrypt(nonce, sealed, value[:start])
        except InvalidTag:
            raise SealError(f"a payload was changed, or its key {key_id!r} is another one of that name") from None


OPEN = Seal()
"""Closes nothing."""


def _pair(part: str) -> tuple[str, bytes]:
    key_id, colon, encoded = part.partition(":")
    if not colon or not 0 < len(key_id.encode()) <= MAX_ID_BYTES:
        raise ValueError("a key is written id:base64, as in k1:6kSnFA...=")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError(f"key {key_id!r} is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"key {key_id!r} has {len(key)} bytes, it must have {KEY_BYTES}")
    return key_id, key
