"""Bodies of older versions, brought up to date before they are checked. The original stays what it was."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import PydanticSerializationError, to_json

from orchestrator.contracts.decoding import decode
from orchestrator.errors import SchemaMismatchError, UnknownVersionError

if TYPE_CHECKING:
    from datetime import date

    from orchestrator.messages import Message
    from orchestrator.versions import Upcaster

log = logging.getLogger(__name__)


def upcast(model: type[Message], version: int, body: bytes) -> bytes:
    """The body as the newest version of its type has it: the very same bytes, if it is of that version.

    A version that is deprecated is told of in the log, once in this process.

    Args:
        model: the class of its type.
        version: which one it says it is of.
        body: JSON.

    Raises:
        UnknownVersionError: it is newer than this program, or too old to be taken.
        MalformedMessageError: it is no acceptable JSON.
        SchemaMismatchError: an upcaster does not find in it what its version has; never tells a value.
    """
    versions = model.message_versions
    try:
        way = versions.way(version)
    except LookupError:
        raise UnknownVersionError(
            message_type=model.message_type, version=version, oldest=versions.oldest, newest=versions.newest
        ) from None
    if (end := versions.ends(version)) is not None:
        warn_once(model.message_type, version, versions.newest, end)
    if not way:
        return body
    value = decode(body)
    for upcaster in way:
        value = _rewritten(model, upcaster, value)
    try:
        return to_json(value)
    except PydanticSerializationError as error:
        raise _unfit(model, way[-1], f"gives what JSON cannot carry ({error})") from None


def is_plain(model: type[Message], version: int) -> bool:
    """Whether a message of this version is taken as it is, and in silence; asked for each message."""
    versions = model.message_versions
    return version == versions.newest and versions.sunset is None


def _rewritten(model: type[Message], upcaster: Upcaster, value: Any) -> Any:
    if not isinstance(value, dict):
        raise _unfit(model, upcaster, "needs an object")
    try:
        return upcaster.rewrite(cast("dict[str, Any]", value))
    except Exception as error:
        # Whatever an author's function stumbles over, the body is not what it takes. Its own words may hold a value.
        raise _unfit(model, upcaster, f"fails with {type(error).__name__}") from error


def _unfit(model: type[Message], upcaster: Upcaster, why: str) -> SchemaMismatchError:
    text = f"body: version {upcaster.from_version} could not be brought up to date, {upcaster.name}() {why}"
    return SchemaMismatchError(message_type=model.message_type, problems=[text])


@cache
def warn_once(message_type: str, version: int, newest: int, end: date) -> None:
    """Say that a deprecated message was received; only once for each type and version."""
    remedy = f"send version {newest}" if version < newest else "its senders must change before that"
    log.warning("%s version %s is deprecated and taken until %s: %s", message_type, version, end.isoformat(), remedy)
