"""Recognises what comes out of the parking queue: which message it is, which copy, for what cause it is here. Pure.

A message is known by its source, id and content. One that has no id, or no source, is a new message each time it is
parked: two of them that look alike may be two.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from orchestrator.messages import short_hash
from orchestrator.service.parked_records import Arrival
from orchestrator.service.snapshots import without_ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.service.parked_records import Attributes, Content, ParkedCopy

ID_DIGITS = 24
FINGERPRINT_DIGITS = 16
_UNPRINTABLE = re.compile(r"[\x00\ud800-\udfff]")
"""What no database takes as text."""


def arrival_of(copy: ParkedCopy) -> Arrival:
    """What is known of a copy by itself."""
    copy_hash = _copy_hash(copy)
    saga = _saga(copy)
    return Arrival(
        copy=copy,
        id=message_key(copy.attributes, copy.content, copy.home) or copy_hash[:ID_DIGITS],
        copy_hash=copy_hash,
        fingerprint=_fingerprint(copy, saga),
        saga=saga,
    )


def message_key(attributes: Attributes, content: Content, home: str) -> str:
    """Names a message, whichever copy of it; empty if it has no identity of its own."""
    if not (attributes.id and attributes.source):
        return ""
    body = hashlib.sha256(content.body).hexdigest()
    return short_hash(*map(plain, (attributes.source, attributes.id, attributes.type, home)), body)[:ID_DIGITS]


def plain(text: str, limit: int = 0) -> str:
    """Foreign text as every database takes it; cut to `limit` characters unless that is 0."""
    clean = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return clean[:limit] if limit else clean


def _copy_hash(copy: ParkedCopy) -> str:
    said = [dict(copy.content.headers), dict(copy.content.properties), copy.origin.queue, copy.reason, copy.at_ms]
    body = hashlib.sha256(copy.content.body).hexdigest()
    return short_hash(plain(json.dumps(said, sort_keys=True, default=str)), plain(copy.text), body)


def _saga(copy: ParkedCopy) -> str:
    named = filter(None, (*copy.candidates, copy.attributes.execution))
    sagas = {execution.partition(":")[0] for execution in named}
    return plain(sagas.pop(), 200) if len(sagas) == 1 else ""


def _fingerprint(copy: ParkedCopy, saga: str) -> str:
    text = without_ids(_without(copy.text, _names(copy)))
    return short_hash(*map(plain, (copy.reason, text, copy.attributes.type, copy.origin.queue)), saga)[
        :FINGERPRINT_DIGITS
    ]


def _names(copy: ParkedCopy) -> set[str]:
    """Ids that the text may say: of executions, with and without their saga, and of the message."""
    executions = {*copy.candidates, copy.attributes.execution}
    keys = {execution.partition(":")[2] for execution in executions}
    return {*executions, *keys, copy.attributes.id, copy.attributes.correlation_id} - {""}


def _without(text: str, names: Iterable[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "#", text)
    return text
