"""All contracts as Avro schemas or .proto files: each one is taken by the official tools."""

from typing import Any

import fastavro
import pytest
from grpc_tools import protoc

from orchestrator import Event
from orchestrator.contracts.codecs.documents import avro_document, proto_files
from orchestrator.contracts.contract import Contract
from orchestrator.errors import UncarriableError
from orchestrator.service.contracts import contracts_of
from sagas import SAGAS

CONTRACTS = contracts_of(SAGAS)


class Loose(Event, type="loose"):
    it: Any


class Mistaken(Event, type="mistaken", codec="avro"):
    it: Any


def test_every_schema_is_one_for_fastavro() -> None:
    document = avro_document(CONTRACTS)
    assert set(document) == {one.type for one in CONTRACTS}
    for schema in document.values():
        fastavro.parse_schema(schema)


def test_every_file_compiles_together_with_the_others(tmp_path) -> None:
    files = proto_files(CONTRACTS)
    assert len(files) == len(CONTRACTS)
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sources = [str(tmp_path / name) for name in files]
    assert protoc.main(["protoc", f"--proto_path={tmp_path}", f"--descriptor_set_out={tmp_path}/all", *sources]) == 0


def test_what_only_json_can_carry_is_left_out_unless_it_is_declared_so() -> None:
    loose = Contract(type="loose", kind="event", model=Loose)
    assert avro_document([loose]) == {}
    assert proto_files([loose]) == {}
    with pytest.raises(UncarriableError):
        avro_document([Contract(type="mistaken", kind="event", model=Mistaken, codec="avro")])
