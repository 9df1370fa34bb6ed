"""The codecs of a process's message types, with the Avro schemas that its settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from orchestrator.contracts.codecs.table import Codecs
from orchestrator.errors import SettingsError, WrongSetting
from orchestrator.messages import Message
from orchestrator.saga.functions import is_class_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orchestrator.participant import Participant
    from orchestrator.saga.definition import Saga
    from orchestrator.settings import Settings

Known: TypeAlias = "dict[str, dict[str, Any] | list[dict[str, Any]]]"
_KNOWN: TypeAdapter[dict[str, dict[str, Any] | list[dict[str, Any]]]] = TypeAdapter(
    dict[str, dict[str, Any] | list[dict[str, Any]]]
)


def codecs_of_sagas(sagas: Iterable[Saga], settings: Settings) -> Codecs:
    """Those of everything that sagas take, send and are answered by. Errors: see `Codecs`, and `SettingsError`."""
    return Codecs({one: None for saga in sagas for one in _messages(saga)}, known_schemas(settings))


def codecs_of_participant(participant: Participant, settings: Settings) -> Codecs:
    """Those of everything that a participant takes, answers and publishes. Errors: as `codecs_of_sagas`."""
    return Codecs(participant.messages, known_schemas(settings))


def known_schemas(settings: Settings) -> Mapping[str, Sequence[Any]]:
    """Avro schemas by message type, from the file that the settings name; none if they name none.

    Raises:
        SettingsError: the file holds something else.
    """
    path = settings.avro_schemas
    if path is None:
        return {}
    try:
        found = _KNOWN.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        allowed = "a JSON object of message types, each with a schema or a list of them"
        raise SettingsError(WrongSetting("SAGA_AVRO_SCHEMAS", str(path), allowed)) from None
    return {name: given if isinstance(given, list) else [given] for name, given in found.items()}


def _messages(saga: Saga) -> Iterator[type[Message]]:
    yield from saga.events.values()
    for handler in saga.handlers.values():
        if not handler.function.is_action:
            made = (handler.function.result, handler.function.fact_type)
            yield from (model for model in made if is_class_of(model, Message))
