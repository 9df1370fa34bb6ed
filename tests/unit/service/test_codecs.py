"""Which codecs a process has, and the schemas that its settings name."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator import Command, Event, Saga, command, event, publish, step, wait_for
from orchestrator.contracts.codecs.avro import avro_schema
from orchestrator.contracts.codecs.table import Codecs
from orchestrator.errors import OrchestratorError, SettingsError
from orchestrator.messages import Envelope
from orchestrator.participant import CommandContext, MemoryStore, Participant
from orchestrator.participant.handling import handle
from orchestrator.service.codecs import codecs_of_participant, codecs_of_sagas, known_schemas
from orchestrator.settings import Settings, load_settings
from tests.participant_kit import ask_for
from tests.temporal_kit import Asked


class Lent(Event, type="lent", codec="protobuf"):
    until: int


class Lend(Command["Lent"], type="shelf.lend", codec="avro"):
    key: str


class Returned(Event, type="returned", codec="avro"):
    key: str


class Told(Event, type="told", codec="protobuf"):
    key: str


@command(to="shelf")
def lend(asked: Asked) -> Lend:
    return Lend(key=asked.key)


@event
def told(asked: Asked) -> Told:
    return Told(key=asked.key)


saga = Saga(
    "borrow",
    step(lend, no_undo="a loan"),
    wait_for(Returned, within=timedelta(days=1)),
    publish(told),
    starts_on=Asked,
    key="key",
    version=1,
)
BODIES = {"lent": b'{"until":1}', "shelf.lend": b'{"key":"a"}', "returned": b'{"key":"a"}', "told": b'{"key":"a"}'}


def sent_as(codecs: Codecs, message_type: str) -> str:
    return codecs.written(Envelope(id="1", source="s", type=message_type, body=BODIES[message_type]))[1]


def test_a_saga_worker_has_those_of_all_its_messages() -> None:
    codecs = codecs_of_sagas([saga], load_settings())
    assert {name: sent_as(codecs, name).rpartition("/")[2] for name in BODIES} == {
        "lent": "protobuf",
        "shelf.lend": "avro",
        "returned": "avro",
        "told": "protobuf",
    }


shelf = Participant("shelf", publishes=(Told,))


@shelf.handles(Lend)
async def lending(command: Lend, ctx: CommandContext) -> Lent:
    await ctx.publish(Told(key=command.key) if command.key == "a" else Returned(key=command.key))
    return Lent(until=1)


def test_a_participant_has_those_that_it_takes_answers_and_publishes() -> None:
    codecs = codecs_of_participant(shelf, load_settings())
    assert [sent_as(codecs, name) for name in ("shelf.lend", "lent", "told", "returned")] == [
        "application/avro",
        "application/protobuf",
        "application/protobuf",
        "application/json",
    ]


async def test_an_event_that_a_participant_does_not_name_and_could_not_encode_is_its_fault() -> None:
    sound = replace(ask_for(body=b'{"key": "a"}'), type="shelf.lend")
    assert len((await handle(shelf, MemoryStore(), sound)).events) == 1
    other = replace(ask_for(body=b'{"key": "b"}'), type="shelf.lend")
    with pytest.raises(OrchestratorError, match=r"shelf publishes Returned: write Participant\(..., publishes="):
        await handle(shelf, MemoryStore(), other)


def settings(path) -> Settings:
    return load_settings().model_copy(update={"avro_schemas": path})


def test_known_schemas_are_one_or_several_for_each_type(tmp_path) -> None:
    path = tmp_path / "schemas.json"
    one = avro_schema(Lend)
    path.write_text(json.dumps({"shelf.lend": one, "returned": [one, one]}))
    assert known_schemas(settings(path)) == {"shelf.lend": [one], "returned": [one, one]}
    assert known_schemas(load_settings()) == {}


@pytest.mark.parametrize("content", ["[]", "no json", '{"a": 1}'])
def test_another_file_is_refused(tmp_path, content) -> None:
    path = tmp_path / "schemas.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match="SAGA_AVRO_SCHEMAS is .*: a JSON object of message types"):
        known_schemas(settings(path))


def foreign(tmp_path, document) -> Settings:
    path = tmp_path / "foreign.json"
    path.write_text(json.dumps(document))
    return load_settings().model_copy(update={"foreign": path})


def test_the_commands_of_a_participant_that_is_named_are_sent_in_its_envelope(tmp_path) -> None:
    document = {"participants": {"shelf": "nservicebus", "other": "masstransit"}, "types": {"shelf.lend": "Shelf.Lend"}}
    settings = foreign(tmp_path, document)
    assert codecs_of_sagas([saga], settings).foreign.styles == {"shelf.lend": "nservicebus"}
    assert codecs_of_participant(shelf, settings).foreign.styles == {}
    assert codecs_of_sagas([saga], load_settings()).foreign.styles == {}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"participants": {"shelf": "nservicebus"}}, "it must name the .NET class of shelf.lend"),
        ({"participants": {"shelf": "wcf"}}, "a JSON file like"),
        ({"participant": {}}, "a JSON file like"),
        ([], "a JSON file like"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path, document, told) -> None:
    with pytest.raises(SettingsError, match=f"SAGA_FOREIGN is .*{told}"):
        codecs_of_sagas([saga], foreign(tmp_path, document))
