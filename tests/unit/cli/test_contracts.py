"""`saga contracts`: the document alone on standard output; a change that breaks is told and ends with 1."""

import asyncio
import json
import threading

import pytest
import yaml
from typer.testing import CliRunner

from orchestrator.contracts.json_schema import bundle
from orchestrator.service.contracts import contracts_of
from sagas import SAGAS
from tests.conftest import PROJECT
from tests.registry_kit import HandRegistry, serving
from workers.__main__ import app

TODAY = bundle(contracts_of(SAGAS))


def run(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["contracts", *words])
    assert result.exit_code == status, result.output
    return result.stdout


@pytest.fixture
def baseline(tmp_path):
    """A file of released contracts, in which an order had no customer and a charge could be free."""
    released = json.loads(json.dumps(TODAY))
    released["$defs"]["order.placed"]["required"].remove("customer")
    path = tmp_path / "contracts.json"
    path.write_text(json.dumps(released))
    return path


def test_the_released_contracts_of_this_project_are_kept() -> None:
    run("check", "--baseline", str(PROJECT / "contracts.json"))


def test_the_bundle_is_printed_as_json_or_yaml() -> None:
    assert json.loads(run("export")) == TODAY
    assert yaml.safe_load(run("export", "--yaml")) == TODAY


def test_the_asyncapi_document_is_called_as_the_service() -> None:
    document = json.loads(run("export", "--format", "asyncapi"))
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["title"] == "saga"


def test_avro_schemas_come_by_message_type_and_proto_files_by_path(tmp_path) -> None:
    avro, protobuf = (json.loads(run("export", "--format", codec)) for codec in ("avro", "protobuf"))
    assert avro["order.placed"]["name"] == "OrderPlaced"
    assert protobuf["order/placed.proto"].count("message ") == 2
    run("export", "--format", "avro", "--into", str(tmp_path))
    run("export", "--format", "protobuf", "--into", str(tmp_path))
    assert json.loads((tmp_path / "order.placed.avsc").read_text()) == avro["order.placed"]
    assert (tmp_path / "order" / "placed.proto").read_text() == protobuf["order/placed.proto"]


def test_what_is_one_document_goes_into_no_folder(tmp_path) -> None:
    result = CliRunner().invoke(app, ["contracts", "export", "--into", str(tmp_path)])
    assert result.exit_code != 0
    assert "jsonschema is one document" in str(result.exception or result.output)


def test_a_change_that_breaks_is_told_with_field_and_remedy(baseline) -> None:
    told = " ".join(run("check", "--baseline", str(baseline), status=1).split())
    assert "order.placed customer backward is required, and may be missing" in told
    assert "saga contracts check --update" in told


def test_only_the_way_that_is_asked_for_counts(baseline) -> None:
    assert "13 contracts, forward compatible" in run("check", "--baseline", str(baseline), "--mode", "forward")


def test_findings_as_a_document(baseline) -> None:
    document = json.loads(run("check", "--baseline", str(baseline), "--json", status=1))
    assert document["ok"] is False
    assert document["findings"] == [
        {
            "type": "order.placed",
            "place": "customer",
            "way": "backward",
            "verdict": "breaks",
            "text": "is required, and may be missing",
        }
    ]


def test_an_update_writes_todays_contracts(baseline) -> None:
    run("check", "--baseline", str(baseline), "--update")
    assert json.loads(baseline.read_text()) == TODAY


@pytest.mark.parametrize(
    ("text", "told"), [(None, "there is no baseline"), ("{", "cannot be read"), ("{}", "no bundle of contracts")]
)
def test_a_baseline_that_cannot_be_used_is_told_with_a_remedy(tmp_path, text, told) -> None:
    path = tmp_path / "contracts.json"
    if text is not None:
        path.write_text(text)
    result = CliRunner().invoke(app, ["contracts", "check", "--baseline", str(path)])
    assert told in str(result.exception)


@pytest.fixture
def registry():
    """A registry made by hand, in a thread of its own, since the command has an event loop of its own."""
    double, ready, done = HandRegistry(), threading.Event(), asyncio.Event()
    address: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(double) as there:
            address.append(there)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield address[0], double
    loop.call_soon_threadsafe(done.set)
    thread.join(10)
    loop.close()


def test_contracts_are_held_against_a_registry_and_stored_there(registry) -> None:
    address, double = registry
    assert "13 contracts, full compatible" in run("check", "--registry", address)
    assert double.subjects == {}
    document = json.loads(run("check", "--registry", address, "--register", "--json"))
    assert document["ok"]
    assert set(document["registered"]) == set(double.subjects) == set(TODAY["$defs"])
    assert "13 contracts registered" in run("check", "--registry", address, "--register")


def test_nothing_is_stored_if_something_breaks(registry) -> None:
    address, double = registry
    run("check", "--registry", address, "--register")
    number, kind, text = double.subjects["order.placed"][0]
    older = json.loads(text)
    older["required"].remove("customer")
    double.subjects["order.placed"] = [(number, kind, json.dumps(older))]
    told = run("check", "--registry", address, "--register", status=1)
    assert "order.placed" in told
    assert len(double.subjects["order.placed"]) == 1


def test_to_register_needs_a_registry() -> None:
    result = CliRunner().invoke(app, ["contracts", "check", "--register"])
    assert "say which by --registry URL" in str(result.exception or result.output)
