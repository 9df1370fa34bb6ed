"""How a process's messages travel: their codecs, with what its settings name of Avro schemas and foreign envelopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from orchestrator.contracts.codecs.table import Codecs
from orchestrator.contracts.foreign import NO_FOREIGN, Foreign, Style
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
    sagas = tuple(sagas)
    commands = {name: to for saga in sagas for name, to in saga.commands.items()}
    models = {one: None for saga in sagas for one in _messages(saga)}
    return Codecs(models, known_schemas(settings), foreign_of(settings, commands))


def codecs_of_participant(participant: Participant, settings: Settings) -> Codecs:
    """Those of everything that a participant takes, answers and publishes. Errors: as `codecs_of_sagas`."""
    return Codecs(participant.messages, known_schemas(settings), foreign_of(settings, {}))


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


class _ForeignFile(BaseModel, extra="forbid"):
    """What the file of `SAGA_FOREIGN` holds."""

    participants: dict[str, Style] = Field(default_factory=dict[str, Style])
    types: dict[str, str] = Field(default_factory=dict[str, str])


def foreign_of(settings: Settings, commands: Mapping[str, str]) -> Foreign:
    """Who is sent another envelope, from the file that the settings name. `commands`: type -> participant.

    Raises:
        SettingsError: the file holds something else, or lacks the name of a command that such a participant is sent.
    """
    path = settings.foreign
    if path is None:
        return NO_FOREIGN
    try:
        found = _ForeignFile.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        allowed = '{"participants": {"payments": "masstransit"}, "types": {"payments.charge": "Shop.ChargePayment"}}'
        raise SettingsError(WrongSetting("SAGA_FOREIGN", str(path), f"a JSON file like {allowed}")) from None
    styles: dict[str, Style] = {
        name: found.participants[to] for name, to in commands.items() if to in found.participants
    }
    if unnamed := sorted(set(styles) - set(found.types)):
        missing = f"it must name the .NET class of {', '.join(unnamed)} among its types"
        raise SettingsError(WrongSetting("SAGA_FOREIGN", str(path), missing))
    return Foreign(found.types, styles, f"{settings.name_prefix}.replies.late")


def _messages(saga: Saga) -> Iterator[type[Message]]:
    yield from saga.events.values()
    for handler in saga.handlers.values():
        if not handler.function.is_action:
            made = (handler.function.result, handler.function.fact_type)
            yield from (model for model in made if is_class_of(model, Message))
