"""Cursors: where a page ended, for the list it is of alone, signed so that nobody makes one up."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import Any, cast

from orchestrator.errors import RequestProblemError

SIGNATURE_BYTES = 16


class Cursors:
    """Writes and reads cursors. `key`: what signs them; unless given, they end with this process."""

    def __init__(self, key: str = "") -> None:
        self._key = hashlib.sha256(b"saga cursors" + (key.encode() or secrets.token_bytes(32))).digest()

    def write(self, of: str, place: tuple[int | str, ...] | None) -> str | None:
        """A cursor. `of`: names the list with its filter. `place`: where its page ended; None = it was the last."""
        if place is None:
            return None
        # As it is, not escaped: an id of 255 foreign letters fits into an address.
        said = json.dumps([self._name(of), *place], ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._signature(said) + said).decode().rstrip("=")

    def read(self, of: str, text: str | None) -> list[Any] | None:
        """Where the page before ended; None = this is the first.

        Raises:
            RequestProblemError: it is none of ours, or of another list.
        """
        if text is None:
            return None
        try:
            whole = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise RequestProblemError("cursor-invalid", "the cursor is no text of ours") from None
        signature, said = whole[:SIGNATURE_BYTES], whole[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(said)):
            raise RequestProblemError("cursor-invalid", "the cursor was not made here, or was changed")
        name, *place = cast("list[Any]", json.loads(said))
        if name != self._name(of):
            raise RequestProblemError("cursor-mismatch", "the cursor is of a list with another filter")
        return place

    def _signature(self, said: bytes) -> bytes:
        return hmac.new(self._key, said, hashlib.sha256).digest()[:SIGNATURE_BYTES]

    @staticmethod
    def _name(of: str) -> str:
        return hashlib.sha256(of.encode()).hexdigest()[:16]
