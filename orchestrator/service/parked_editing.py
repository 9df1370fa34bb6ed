"""Editing a parked message: what people type is held to what a consumer would make of it. Pure.

The original is kept, ids stay as they are unless they are edited too: whoever has taken the original already then tells
the edited one apart, instead of doing it all again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.contracts.codecs.table import JSON, is_json
from orchestrator.errors import InvalidRequestError, MessageError, UnknownMessageTypeError
from orchestrator.service.parked_actions import Edited
from orchestrator.service.parked_arrivals import message_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.contracts.catalogue import Catalogue
    from orchestrator.service.parked_ports import ReadAttributes, ReadData
    from orchestrator.service.parked_records import Content, Contents, ParkedMessage

RESERVED = ("saga-relay-", "saga-parked-")
"""Headers that the retry ladder and parking keep for themselves."""
CONTENT_TYPE = "content_type"
"""The property that says how the body travels."""
MAX_HEADERS = 32
MAX_HEADER_BYTES = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is to be different from the message as it would be sent now.

    Attributes:
        body: the whole new body; None = as it is.
        headers: headers to set, or to remove (None).
    """

    body: bytes | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])


@dataclass(frozen=True, slots=True)
class EditRules:
    """What an edited message is held to.

    Attributes:
        catalogue: the types that are known here; a message of another type is taken as it is.
        read, read_data: how a consumer would read it.
    """

    catalogue: Catalogue
    read: ReadAttributes
    read_data: ReadData
    max_body_bytes: int

    def edited(self, message: ParkedMessage, contents: Contents, edit: Edit) -> Edited:
        """The message with the edit.

        Raises:
            InvalidRequestError: it would be refused again; all problems with their places.
        """
        content = _applied(contents.outgoing, edit)
        problems = [*_header_problems(edit), *self._body_problems(content)]
        if problems:
            raise InvalidRequestError(problems)
        before, after = self.read(contents.outgoing), self.read(content)
        key = message.origin.routing_key
        return Edited(
            content=content,
            sent_as=message_key(after, content, message.home),
            # Events are routed by their type: one whose type was misspelt goes where the right one goes.
            routing_key=after.type if key == before.type and after.type else key,
        )

    def _body_problems(self, content: Content) -> Iterator[tuple[str, str]]:
        if len(content.body) > self.max_body_bytes:
            yield "/body", f"it has {len(content.body)} bytes, {self.max_body_bytes} are allowed"
            return
        try:
            said = self.read(content)
            for name in ("id", "source", "type"):
                if not getattr(said, name):
                    yield f"/headers/ce-{name}", "every message needs one"
            if is_json(content.properties.get(CONTENT_TYPE, "")):  # else only who takes it has the codec
                self.catalogue.validate(said.type, self.read_data(content), said.version)
        except UnknownMessageTypeError:
            return  # nobody here knows what it must look like
        except MessageError as error:
            yield "/body", str(error)


def _applied(content: Content, edit: Edit) -> Content:
    headers = {name: value for name, value in content.headers.items() if name not in edit.headers}
    headers |= {name: value for name, value in edit.headers.items() if value is not None}
    if edit.body is None:
        return replace(content, headers=headers)
    properties = dict(content.properties)
    if not is_json(properties.get(CONTENT_TYPE, "")):
        properties[CONTENT_TYPE] = JSON  # people type JSON, and it is taken for every type
    return replace(content, headers=headers, properties=properties, body=edit.body)


def _header_problems(edit: Edit) -> Iterator[tuple[str, str]]:
    if edit.body is None and not edit.headers:
        yield "", "nothing is edited: give a body or headers"
    if len(edit.headers) > MAX_HEADERS:
        yield "/headers", f"at most {MAX_HEADERS} at once"
    for name, value in edit.headers.items():
        if not name or name.lower().startswith(RESERVED):
            yield f"/headers/{name}", f"headers {', '.join(f'{one}*' for one in RESERVED)} are not edited"
        if value is not None and len(value.encode()) > MAX_HEADER_BYTES:
            yield f"/headers/{name}", f"at most {MAX_HEADER_BYTES} bytes"
