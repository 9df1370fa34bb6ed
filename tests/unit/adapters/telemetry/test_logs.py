"""The log: one vocabulary, and nothing of what messages or foreign errors say."""

import json
import logging
import sys
from typing import Any

import pytest

from orchestrator.adapters.telemetry.logs import CARRIERS, JsonLines, TextLines, set_up
from orchestrator.errors import PublishUnknownError
from orchestrator.service.about import about
from tests.temporal_kit import settings

CANARY = "canary-4242-4242"


def record(message: str = "attempt_failed", *arguments, error: BaseException | None = None, **extra):
    info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("saga", logging.WARNING, __file__, 1, message, arguments, info)
    vars(made).update(extra)
    return made


def told(made) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(JsonLines().format(made))
    return found


def test_a_line_says_what_it_is_about() -> None:
    with about("shop:1", "thread", step="pay", direction="do", attempt=2):
        line = told(record(error_code=7, step="charge"))
    assert {name: line[name] for name in ("level", "logger", "event")} == {
        "level": "warning",
        "logger": "saga",
        "event": "attempt_failed",
    }
    assert line["time"].endswith("+00:00")
    assert {
        name: line[name] for name in ("saga", "execution_id", "correlation_id", "step", "direction", "attempt")
    } == {
        "saga": "shop",
        "execution_id": "shop:1",
        "correlation_id": "thread",
        "step": "charge",
        "direction": "do",
        "attempt": 2,
    }
    assert "error_code" not in line


def test_a_line_about_nothing_has_no_empty_words() -> None:
    assert set(told(record())) == {"time", "level", "logger", "event"}


def broken() -> None:
    try:
        int(CANARY)
    except ValueError as error:
        raise RuntimeError(CANARY) from error


def test_errors_are_told_by_their_kinds_and_places_and_only_ours_by_their_text() -> None:
    with pytest.raises(RuntimeError) as caught:
        broken()
    text = JsonLines().format(record(error=caught.value))
    assert CANARY not in text
    line = json.loads(text)
    assert line["exception"] == ["RuntimeError", "ValueError"]
    assert line["where"][-1].endswith(" broken")
    assert told(record(error=PublishUnknownError("the broker is slow")))["exception"] == [
        "PublishUnknownError: the broker is slow"
    ]


def test_an_error_among_the_arguments_says_no_more_than_one_that_is_traced() -> None:
    assert told(record("%s waits: %s", "it", ValueError(CANARY)))["event"] == "it waits: ValueError"
    ours = PublishUnknownError("the broker is slow")
    assert told(record("%s waits: %s", "it", ours))["event"] == "it waits: the broker is slow"
    refused = ConnectionRefusedError(111, "Connection refused")
    assert told(record("it waits: %s", refused))["event"] == "it waits: ConnectionRefusedError: Connection refused"
    assert told(record("%(one)s", {"one": 1}))["event"] == "1"
    assert told(record("100 %"))["event"] == "100 %"


def test_what_asyncio_says_of_a_task_ends_before_what_the_task_held() -> None:
    made = record(f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{CANARY}')>")
    made.name = "asyncio"
    assert told(made)["event"] == "Task exception was never retrieved"


def test_libraries_that_tell_of_what_they_carry_are_heard_from_warnings_on() -> None:
    before, level = logging.root.handlers[:], logging.root.level
    levels = {name: logging.getLogger(name).level for name in CARRIERS}
    try:
        set_up(settings(log_level="debug"))
        assert logging.getLogger("orchestrator.anything").isEnabledFor(logging.DEBUG)
        assert [name for name in CARRIERS if logging.getLogger(f"{name}.part").isEnabledFor(logging.INFO)] == []
        set_up(settings(log_level="error"))
        assert [name for name in CARRIERS if logging.getLogger(name).isEnabledFor(logging.WARNING)] == []
    finally:
        logging.root.handlers[:] = before
        logging.root.setLevel(level)
        for name, was in levels.items():
            logging.getLogger(name).setLevel(was)


def test_a_line_for_people_ends_with_what_it_is_about() -> None:
    with about("shop:1", step="pay"):
        assert (
            TextLines().format(record("hello %s", "you")).endswith("hello you [saga=shop execution_id=shop:1 step=pay]")
        )
    assert TextLines().format(record("hello")).endswith(" saga hello")


@pytest.mark.parametrize(
    ("form", "is_terminal", "is_json"),
    [("auto", True, False), ("auto", False, True), ("json", True, True), ("text", False, False)],
)
def test_it_is_json_unless_a_person_sees_it(form, is_terminal, is_json, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    before, level = logging.root.handlers[:], logging.root.level
    logging.root.handlers.clear()
    try:
        set_up(settings(log_format=form, log_level="info"))
        logging.getLogger("saga").info("hello")
        logging.getLogger("saga").debug("hidden")
    finally:
        logging.root.handlers[:] = before
        logging.root.setLevel(level)
    text = capsys.readouterr().err
    assert text.startswith("{") is is_json
    assert "hello" in text
    assert "hidden" not in text
