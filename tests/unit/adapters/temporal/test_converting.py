from dataclasses import dataclass

import pytest
from temporalio.converter import DataConverter, WorkflowSerializationContext

from orchestrator.adapters.temporal.converting import PlainConverter


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    "value",
    [
        {"b": [1, 2.5, None, True], "a": {"z": "ä", "lone": "\ud800"}},
        [],
        "text",
        7,
        1.5,
        False,
        {"point": Point(1)},
        None,
        b"bytes",
        Point(2),
    ],
    ids=repr,
)
async def test_the_bytes_are_those_of_the_sdk(value) -> None:
    assert await PlainConverter().encode([value, 1]) == await DataConverter.default.encode([value, 1])
    assert await PlainConverter().decode(
        await DataConverter.default.encode([value])
    ) == await DataConverter.default.decode(await DataConverter.default.encode([value]))


async def test_what_is_not_json_is_refused_as_the_sdk_does() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        await PlainConverter().encode([{"what": object()}])


def test_it_is_the_same_wherever_a_value_stands() -> None:
    converter = PlainConverter()
    assert converter.with_context(WorkflowSerializationContext(namespace="n", workflow_id="w")) is converter
