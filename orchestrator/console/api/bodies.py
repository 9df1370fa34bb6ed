"""What messages say, as files: a body leaves here as it came, and no browser takes it for a page."""

from __future__ import annotations

import re
from typing import Any

from fastapi import Response

from orchestrator.console.api.problems import documented
from orchestrator.errors import MessageNotFoundError

OCTETS = "application/octet-stream"
BODY: dict[int | str, dict[str, Any]] = {
    **documented(),
    200: {
        "description": "The bytes, as they were sent",
        "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
    },
}
_STRANGE = re.compile(r"[^A-Za-z0-9._-]")
LONGEST_NAME = 100


class Body(Response):
    """Bytes to be kept, not shown."""

    media_type = OCTETS


def body_file(name: str, body: bytes | None) -> Body:
    """A body as a file that is named after its message.

    Raises:
        MessageNotFoundError: it was not kept.
    """
    if body is None:
        raise MessageNotFoundError(f"body of message {name!r}: it was not kept")
    plain = _STRANGE.sub("_", name)[:LONGEST_NAME]
    return Body(body, headers={"Content-Disposition": f'attachment; filename="{plain}.body"'})
