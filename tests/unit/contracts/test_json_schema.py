"""The bundle: each message type is a schema of its own, which the official validator resolves."""

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from orchestrator.contracts.json_schema import bundle, schemas_of
from orchestrator.errors import OrchestratorError
from orchestrator.service.contracts import contracts_of
from sagas import SAGAS

DOCUMENT = bundle(contracts_of(SAGAS))


def validator(message_type: str) -> Draft202012Validator:
    resource = DRAFT202012.create_resource(DOCUMENT)
    registry = Registry().with_resource("urn:saga:contracts", resource).crawl()
    return Draft202012Validator({"$ref": f"urn:saga:{message_type}"}, registry=registry)


def test_it_is_a_schema_in_which_each_type_validates_its_bodies() -> None:
    Draft202012Validator.check_schema(DOCUMENT)
    line = {"sku": "tea", "quantity": 1}
    body = {"order_id": "A17", "customer": "c", "lines": [line], "total_cents": 5}
    assert validator("order.placed").is_valid(body)
    assert not validator("order.placed").is_valid({**body, "lines": [{**line, "quantity": 0}]})


def test_it_says_who_handles_a_command_and_what_answers_it() -> None:
    reserve = DOCUMENT["$defs"]["inventory.reserve"]
    assert (reserve["x-kind"], reserve["x-participant"], reserve["x-reply"]) == (
        "command",
        "inventory",
        "inventory.reserved",
    )
    assert "x-participant" not in DOCUMENT["$defs"]["order.placed"]


def test_what_was_written_is_read_again() -> None:
    assert schemas_of(DOCUMENT) == DOCUMENT["$defs"]


@pytest.mark.parametrize("other", [[], {}, {"$defs": []}, None])
def test_another_document_is_refused_with_a_remedy(other) -> None:
    with pytest.raises(OrchestratorError, match=r"no bundle of contracts: write one by saga contracts export"):
        schemas_of(other)
