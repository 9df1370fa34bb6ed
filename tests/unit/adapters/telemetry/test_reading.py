"""Spans are read back from files: ours, and others'."""

import json

import pytest

from orchestrator.adapters.telemetry.files import SpanFiles
from orchestrator.adapters.telemetry.readable import readable
from orchestrator.adapters.telemetry.reading import read
from orchestrator.errors import OrchestratorError
from tests.unit.adapters.telemetry.test_otlp_json import ATTEMPT, RESOURCE, SEND, SENDER


def written(folder):
    files = SpanFiles(folder, "worker", max_bytes=10_000, keep=3)
    files.export([readable(ATTEMPT, RESOURCE), readable(SEND, RESOURCE)])
    files.shutdown()


def test_what_was_written_is_read_back(tmp_path) -> None:
    written(tmp_path)
    attempt, send = read(tmp_path)
    assert (attempt.trace_id, attempt.span_id, attempt.parent_id) == (
        ATTEMPT.trace_id,
        ATTEMPT.span_id,
        ATTEMPT.parent_id,
    )
    assert (attempt.step, attempt.direction, attempt.attempt, attempt.outcome) == ("pay", "undo", 2, "rejected")
    assert (attempt.revision, attempt.error, attempt.service) == (7, "declined", "saga worker")
    assert (attempt.execution_id, attempt.correlation_id) == ("shop:1", "thread")
    assert (attempt.began_ns, attempt.ended_ns) == (ATTEMPT.began_ns, ATTEMPT.ended_ns)
    assert attempt.is_attempt
    assert not send.is_attempt
    assert send.links == (SENDER[3:35],)


def test_a_line_that_is_being_written_is_left_for_later(tmp_path) -> None:
    written(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + b'{"resourceSpans": [')
    assert len(list(read(file))) == 2


def test_a_last_line_that_only_lacks_its_end_is_read(tmp_path) -> None:
    written(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    assert len(list(read(file))) == 2


def test_what_a_collector_adds_and_writes_otherwise_is_understood(tmp_path) -> None:
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "theirs", "startTimeUnixNano": 1, "endTimeUnixNano": "2"}
    span |= {"droppedAttributesCount": 0, "attributes": [{"key": "x", "value": {"kvlistValue": {"values": []}}}]}
    file = tmp_path / "collector.json"
    file.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}) + "\n")
    assert [(one.name, one.ended_ns, one.execution_id) for one in read(file)] == [("theirs", 2, "")]


@pytest.mark.parametrize("content", ["no JSON\n", '{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}\n'])
def test_a_file_of_something_else_is_told_by_line(tmp_path, content) -> None:
    file = tmp_path / "x"
    file.write_text(content)
    with pytest.raises(OrchestratorError, match=r"x:1 is no line of OTLP JSON"):
        list(read(file))


def test_a_file_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(OrchestratorError, match="none.jsonl cannot be read"):
        list(read(tmp_path / "none.jsonl"))
