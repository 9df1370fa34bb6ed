"""What Temporal's refusals mean, and what is not even sent."""

import json
from datetime import datetime

import pytest
from temporalio.converter import JSONPlainPayloadConverter
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal.answers import AWAY, MAX_PAYLOAD_BYTES, NEVER, SWELLING, check_fits, meaning
from orchestrator.errors import EngineFaultError, EngineRefusedError, EngineUnavailableError, MessageTooLargeError


def test_every_status_means_something_and_only_one_thing() -> None:
    kinds = {status: type(meaning(RPCError("so", status, b""))) for status in RPCStatusCode}
    assert {status for status, kind in kinds.items() if kind is EngineUnavailableError} == AWAY
    assert {status for status, kind in kinds.items() if kind is EngineRefusedError} == NEVER
    assert {status for status, kind in kinds.items() if kind is EngineFaultError} == set(RPCStatusCode) - AWAY - NEVER


@pytest.mark.parametrize("letter", ["x", "\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{GRINNING FACE}"])
def test_the_size_is_that_which_the_sdk_would_send(letter) -> None:
    room = MAX_PAYLOAD_BYTES - len(json.dumps({"text": ""}, separators=(",", ":")))
    fits = letter * (room // (len(json.dumps(letter)) - 2))
    payload = JSONPlainPayloadConverter().to_payload({"text": fits})
    assert payload is not None
    assert MAX_PAYLOAD_BYTES - 12 < len(payload.data) <= MAX_PAYLOAD_BYTES
    check_fits({"text": fits}, fits.encode())
    with pytest.raises(MessageTooLargeError):
        check_fits({"text": fits + letter}, (fits + letter).encode())


def test_a_small_body_is_not_measured() -> None:
    """So that nothing is paid for what nearly every message is."""
    check_fits(datetime, b"x" * (MAX_PAYLOAD_BYTES // SWELLING - 1))
    with pytest.raises(TypeError):
        check_fits(datetime, b"x" * (MAX_PAYLOAD_BYTES // SWELLING + 1))
