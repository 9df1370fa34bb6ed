import base64

import pytest
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError

from orchestrator.adapters.temporal.sealed import converter_of
from orchestrator.errors import SealError
from orchestrator.sealing import OPEN, Seal

SEAL = Seal.of("k1:" + base64.b64encode(b"1" * 32).decode())
OTHER = Seal.of("k2:" + base64.b64encode(b"2" * 32).decode())
VALUE = {"card": "4242-canary"}


async def test_a_payload_is_sealed_and_opened_again() -> None:
    (payload,) = await converter_of(SEAL).encode([VALUE])
    assert b"canary" not in payload.SerializeToString()
    assert await converter_of(SEAL).decode([payload]) == [VALUE]


async def test_what_was_written_before_there_was_a_key_is_read() -> None:
    assert await converter_of(SEAL).decode(await converter_of(OPEN).encode([VALUE])) == [VALUE]


async def test_after_a_rotation_the_new_key_seals_and_what_the_old_one_sealed_is_read() -> None:
    before = await converter_of(OTHER).encode([VALUE])
    both = converter_of(Seal("k1", {**SEAL.keys, **OTHER.keys}))
    assert await both.decode(before) == [VALUE]
    assert await converter_of(SEAL).decode(await both.encode([VALUE])) == [VALUE]


async def test_without_the_key_it_is_not_read() -> None:
    payloads = await converter_of(OTHER).encode([VALUE])
    with pytest.raises(SealError, match="k2"):
        await converter_of(SEAL).decode(payloads)


async def test_the_text_of_a_failure_is_sealed() -> None:
    from temporalio.api.failure.v1 import Failure

    converter, failure = converter_of(SEAL), Failure()
    await converter.encode_failure(ApplicationError("canary"), failure)
    assert b"canary" not in failure.SerializeToString()
    assert "canary" in str(await converter.decode_failure(failure))


async def test_without_a_key_payloads_are_those_of_the_usual_converter() -> None:
    assert await converter_of(OPEN).encode([VALUE]) == await DataConverter.default.encode([VALUE])
