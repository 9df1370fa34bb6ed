"""Spans in files: rotated, bounded, private, and never in anybody's way."""

import os
import stat

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from orchestrator.adapters.telemetry.files import SpanFiles, files_in
from orchestrator.adapters.telemetry.readable import readable
from tests.unit.adapters.telemetry.test_otlp_json import ATTEMPT, RESOURCE

SPAN = readable(ATTEMPT, RESOURCE)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "traces"


def opened(folder, **limits):
    return SpanFiles(folder, "worker", **{"max_bytes": 10_000, "keep": 3, **limits})


def lines(folder):
    return sum(len(file.read_bytes().splitlines()) for file in files_in(folder))


def test_what_was_exported_is_in_the_file_at_once_and_only_its_owner_may_read_it(folder) -> None:
    files = opened(folder)
    assert files.export([SPAN]) is SpanExportResult.SUCCESS
    (file,) = files_in(folder)
    assert lines(folder) == 1
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    files.shutdown()


def test_a_full_file_is_followed_by_a_fresh_one_and_the_oldest_go(folder) -> None:
    files = opened(folder, max_bytes=1, keep=3)
    for number in range(5):
        files.export([SPAN])
        for age, file in enumerate(reversed(files_in(folder))):
            os.utime(file, (1_000 + number - age, 1_000 + number - age))
    assert lines(folder) == len(files_in(folder)) == 3


def test_a_file_that_another_process_has_removed_is_followed_by_a_fresh_one(folder) -> None:
    files = opened(folder)
    files.export([SPAN])
    files_in(folder)[0].unlink()
    files.export([SPAN])
    assert lines(folder) == 1


def test_what_cannot_be_written_is_said_once_and_raises_nothing(folder, caplog) -> None:
    folder.write_text("a file is where the folder should be")
    files = opened(folder)
    assert files.export([SPAN, SPAN]) is SpanExportResult.FAILURE
    assert files.export([SPAN]) is SpanExportResult.FAILURE
    assert [record.getMessage() for record in caplog.records].count(caplog.records[0].getMessage()) == 1
    folder.unlink()
    assert files.export([SPAN]) is SpanExportResult.SUCCESS
    assert lines(folder) == 1


def test_after_the_end_another_file_is_begun(folder) -> None:
    files = opened(folder)
    files.export([SPAN])
    files.shutdown()
    files.export([SPAN])
    assert len(files_in(folder)) == 2
