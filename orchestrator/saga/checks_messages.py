"""Rules about messages: their keys, their names on the broker, and that JSON can carry them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NewType, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError

from orchestrator.errors import UncarriableError
from orchestrator.messages import CodecName, Message
from orchestrator.saga.places import place, place_of_class, place_of_function
from orchestrator.saga.rules import Problem
from orchestrator.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.messages import Event
    from orchestrator.saga.rules import Findings

KEY_TYPES = (str, int)
MESSAGE_TYPE = re.compile(r"[\w.:/-]{1,200}", re.ASCII)
"""Message types are routing keys: `*` and `#` would mean something else there, and AMQP allows 255 bytes."""


class MessageChecks:
    """Checks the messages of one saga; `key` is the field of `starts_on` that names its executions."""

    def __init__(self, findings: Findings, starts_on: type[Event], key: str) -> None:
        self._findings = findings
        self._key_type = key_type(starts_on, key)
        self._by_type: dict[str, type[Message]] = {}

    def key(self, event: type[Event], key: str, where: str, place: str) -> None:
        """Whether an event's field can name the execution. `where`: who says so, as `starts_on`."""
        found = key_type(event, key)
        label = f"{event.__name__}.{key}"
        if found is None:
            fields = ", ".join(event.model_fields) or "none"
            text = f"{event.__name__} in {where} has no field {key!r} (it has: {fields}): name the right one by key="
            self._findings.report("S014", text, place)
        elif found not in KEY_TYPES:
            self._findings.report("S016", f"{label} is {named(found)}: a key is str or int", place)
        elif self._key_type in KEY_TYPES and found is not self._key_type:
            text = f"{label} is {named(found)}, the saga's key is {named(self._key_type)}: make them the same"
            self._findings.report("S016", text, place)

    def message(self, model: type[BaseModel]) -> None:
        """Whether a fact or message can travel and be stored."""
        place = place_of_class(model)
        if problem := json_problem(model):
            text = f"{model.__name__} cannot be written as JSON: {problem}; use types that pydantic can"
            self._findings.report("S021", text, place)
        if issubclass(model, Message):
            self._message_type(model, place)

    def _message_type(self, model: type[Message], place: str) -> None:
        if not MESSAGE_TYPE.fullmatch(model.message_type):
            text = f"{model.__name__} has type {model.message_type!r}: use letters, digits and . _ : / - (at most 200)"
            self._findings.report("S017", text, place)
        for problem in (*message_faults(model), *message_warnings(model)):
            self._findings.report(problem.code, problem.text, problem.place)
        other = self._by_type.setdefault(model.message_type, model)
        if other is not model:
            text = f"{model.__name__} and {other.__name__} ({place_of_class(other)}) have type {model.message_type!r}"
            self._findings.report("S027", f"{text}: a type is one class", place)


def message_faults(model: type[Message]) -> Iterator[Problem]:
    """What is wrong with the versions of a message type, and with how it travels."""
    declared = model.message_versions.declared
    for fault in model.message_versions.faults():
        where = place(*declared) if fault.upcaster is None else place_of_function(fault.upcaster.rewrite)
        yield Problem("S034", f"{model.__name__}: {fault.text}", where)
    if model.message_codec not in get_args(CodecName):
        text = f"{model.__name__} has codec={model.message_codec!r}: take one of {', '.join(get_args(CodecName))}"
        yield Problem("S035", text, place(*declared))
    elif model.message_codec != "json":
        try:
            shape_of(model)
        except UncarriableError as error:
            yield Problem("S035", f"{model.message_codec} cannot carry {error.model}: {error}", place(*declared))


def message_warnings(model: type[Message]) -> Iterator[Problem]:
    """Which versions of a message type are deprecated."""
    for version, end in model.message_versions.deprecated.items():
        text = f"{model.__name__}, {model.message_type!r} version {version}, is deprecated and taken until {end}"
        yield Problem("W003", text, place(*model.message_versions.declared))


def key_type(event: type[Event], key: str) -> Any:
    """The type of an event's field, None if it has no such field; a NewType counts as what it is made of."""
    field = event.model_fields.get(key)
    found: Any = field.annotation if field else None
    return found.__supertype__ if isinstance(found, NewType) else found


@lru_cache(maxsize=1024)
def json_problem(model: type[BaseModel]) -> str:
    """Why JSON cannot carry a model; empty if it can."""
    try:
        TypeAdapter(model).json_schema(mode="serialization")
    except (PydanticUserError, NameError) as error:
        return str(error).splitlines()[0].rstrip(".")
    return ""


def named(annotation: Any) -> str:
    """An annotation as its author wrote it, or nearly."""
    if isinstance(annotation, type):
        return "None" if annotation is type(None) else annotation.__name__
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(annotation))
