from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import InvalidRequestError
from orchestrator.service.parked_editing import Edit
from orchestrator.service.parked_records import Contents
from tests.parked_kit import RULES, again, arrival, in_memory

GOOD = b'{"order_id": "A1"}'


async def edited(edit: Edit, contents: Contents | None = None, **changes: Any):
    bench = in_memory()
    await bench.store.record(arrival(1, **changes), 0)
    message = await bench.reader.find(arrival(1, **changes).id)
    assert message is not None
    return RULES.edited(message, contents or Contents(arrival(1).copy.content), edit)


async def problems(edit: Edit, **changes: Any) -> list[str]:
    with pytest.raises(InvalidRequestError) as raised:
        await edited(edit, **changes)
    return [f"{pointer} {text}" for pointer, text in raised.value.problems]


async def test_the_body_is_held_to_the_contract_of_its_type() -> None:
    (told,) = await problems(Edit(body=b'{"order_id": 7}'))
    assert told == "/body 'order.placed' does not fit its contract: order_id: Input should be a valid string"
    (told,) = await problems(Edit(body=b"hello"))
    assert "not acceptable JSON" in told


async def test_a_body_of_an_unknown_type_is_taken_as_it_is() -> None:
    made = await edited(Edit(body=b"anything", headers={"ce-type": "somebody.elses"}))
    assert made.content.body == b"anything"


async def test_ids_stay_as_they_are_so_that_a_second_copy_is_recognised() -> None:
    made = await edited(Edit(body=GOOD))
    assert made.content.headers == arrival(1).copy.content.headers
    assert made.sent_as == again(1, body=GOOD).id


async def test_headers_are_set_and_removed() -> None:
    made = await edited(Edit(body=GOOD, headers={"ce-subject": "x", "ce-correlationid": None}))
    assert made.content.headers == {
        "ce-id": "m1",
        "ce-source": "/shop",
        "ce-type": "order.placed",
        "ce-subject": "x",
    }


async def test_an_edit_goes_on_from_the_one_before() -> None:
    before = Contents(arrival(1).copy.content, replace(arrival(1).copy.content, body=GOOD))
    assert (await edited(Edit(headers={"ce-subject": "x"}), before)).content.body == GOOD


async def test_an_event_whose_type_was_misspelt_is_routed_by_the_right_one() -> None:
    made = await edited(Edit(body=GOOD, headers={"ce-type": "order.changed"}))
    assert made.routing_key == "order.changed"
    other = replace(arrival(1).copy.origin, routing_key="by-hand")
    assert (await edited(Edit(body=GOOD, headers={"ce-type": "order.changed"}), origin=other)).routing_key == "by-hand"


async def test_what_identifies_a_message_cannot_be_left_out() -> None:
    told = await problems(Edit(body=GOOD, headers={"ce-id": None, "ce-source": ""}))
    assert told == ["/headers/ce-id every message needs one", "/headers/ce-source every message needs one"]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (Edit(), " nothing is edited: give a body or headers"),
        (Edit(body=b"x" * 1_025), "/body it has 1025 bytes, 1024 are allowed"),
        (Edit(body=GOOD, headers={"saga-relay-retries": "9"}), "headers saga-relay-*, saga-parked-* are not edited"),
        (Edit(body=GOOD, headers={"Saga-Parked-Queue": "x"}), "headers saga-relay-*, saga-parked-* are not edited"),
        (Edit(body=GOOD, headers={"": "x"}), "are not edited"),
        (Edit(body=GOOD, headers={"x": "y" * 2_049}), "/headers/x at most 2048 bytes"),
        (Edit(body=GOOD, headers={f"x{number}": "y" for number in range(33)}), "/headers at most 32 at once"),
    ],
)
async def test_an_edit_that_cannot_be_is_told(edit, told) -> None:
    assert any(told in one for one in await problems(edit))


async def test_what_is_typed_in_place_of_avro_is_json_and_headers_alone_leave_it_as_it_is() -> None:
    content = replace(arrival(1).copy.content, body=b"\xc3\x01", properties={"content_type": "application/avro"})
    made = await edited(Edit(body=GOOD), Contents(content))
    assert (made.content.body, made.content.properties["content_type"]) == (GOOD, "application/json")
    made = await edited(Edit(headers={"ce-subject": "x"}), Contents(content))
    assert (made.content.body, made.content.properties["content_type"]) == (b"\xc3\x01", "application/avro")


@pytest.mark.parametrize("version", ["2", "x"])
async def test_a_version_that_is_not_taken_is_a_problem_of_the_body(version) -> None:
    (told,) = await problems(Edit(body=GOOD, headers={"ce-dataversion": version}))
    assert told.startswith("/body 'order.placed' is of version ")
