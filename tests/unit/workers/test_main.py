"""What a person sees who types something wrong: one line that helps, and a status that says so. Never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]


def saga(*arguments, given=""):
    return subprocess.run(
        [sys.executable, "-m", "workers", *arguments], cwd=PROJECT, input=given, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("arguments", "given", "status", "told"),
    [
        (("publish", "order.placed", "-"), '{"order_id": 5', 1, "not acceptable JSON"),
        (("publish", "order.placed", "-"), '{"order_id": "x"}', 1, "customer: Field required"),
        (("publish", "no.such", "-"), "{}", 1, "no saga of sagas:SAGAS starts on or waits for 'no.such'"),
        (
            ("publish", "order.placde", "-"),
            "{}",
            1,
            "did you mean 'order.placed'? name the sagas that take it by --sagas",
        ),
        (("publish", "order.placed", "-"), "x" * 1_048_577, 1, "1048576 are allowed"),
        (("publish", "payment.settled", "-"), '{"order_id": " ", "payment_id": "p"}', 1, "has no usable 'order_id'"),
        (("cancel", "fulfil-order:A17", "--reason", " "), "", 2, "say why"),
        (("publish", "order.placed", "gone.json"), "", 2, "gone.json"),
        (("cancel", "fulfil-order:A17"), "", 2, "--reason"),
        (("demo", "--orders", "0"), "", 2, "--orders"),
        (("draw", "nope"), "", 1, "take one of fulfil-order"),
        (("check", "--sagas", "nope:X"), "", 1, "'nope'"),
        (("fly",), "", 2, "fly"),
    ],
)
def test_wrong_input_is_told_in_words(arguments, given, status, told) -> None:
    ended = saga(*arguments, given=given)
    assert ended.returncode == status, ended.stderr
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_command_that_works_ends_well_and_prints_its_document_alone() -> None:
    ended = saga("draw", "fulfil-order")
    assert ended.returncode == 0
    assert ended.stdout.startswith("flowchart")
    assert ended.stderr == ""
