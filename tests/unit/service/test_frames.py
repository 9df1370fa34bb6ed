"""The way to an error in the code: short, in Python's order, and without a word of what was said or known."""

import pytest

from orchestrator.errors import HandlerMissingError
from orchestrator.saga.handlers import Handlers
from orchestrator.service.frames import MAX_FRAME, MOST_ERRORS, MOST_FRAMES, frames_of

SECRET = "canary-secret"


def look_up(key: str) -> str:
    return {"paper": SECRET}[key]


def wrap(key: str) -> str:
    try:
        return look_up(key)
    except KeyError as error:
        raise ValueError(f"no {key} for {SECRET}") from error


def deep(rest: int) -> None:
    if not rest:
        raise ValueError(SECRET)
    deep(rest - 1)


def caught(call, *given) -> Exception:
    with pytest.raises(Exception) as found:
        call(*given)
    return found.value


def named(frames) -> list[str]:
    return [one.removeprefix(f"{__name__}.").partition(",")[0] for one in frames]


def test_the_calls_that_led_to_it_then_those_of_what_it_was_raised_from() -> None:
    found = frames_of(caught(wrap, "ribbon"))
    assert named(found) == ["caught", "wrap", "raised from KeyError", "wrap", "look_up"]
    assert found[-1] == f"{__name__}.look_up, line {look_up.__code__.co_firstlineno + 1}"


def test_nothing_of_what_was_said_or_known_is_in_it() -> None:
    assert SECRET not in " ".join(frames_of(caught(wrap, "ribbon")))


def test_of_a_long_way_the_end_is_told() -> None:
    assert named(frames_of(caught(deep, 100))) == ["deep"] * MOST_FRAMES


def test_a_long_row_of_causes_is_cut_and_so_is_a_long_name() -> None:
    cause = error = caught(deep, 0)
    for _ in range(10):
        cause.__cause__ = caught(deep, 0)
        cause = cause.__cause__
    assert sum(one.startswith("raised from") for one in frames_of(error)) == MOST_ERRORS - 1
    named_long = type("A" * 500, (Exception,), {})
    error.__cause__ = named_long()
    assert max(map(len, frames_of(error))) <= MAX_FRAME


def test_what_was_set_aside_by_the_author_is_not_told() -> None:
    error = caught(wrap, "ribbon")
    error.__cause__, error.__suppress_context__ = None, True
    assert named(frames_of(error)) == ["caught", "wrap"]


def test_our_own_way_to_the_authors_code_is_left_out_but_not_an_error_of_our_own() -> None:
    error = caught(lambda: Handlers({})["nobody"])
    assert isinstance(error, HandlerMissingError)
    whole = frames_of(error)
    assert whole[-1].startswith("orchestrator.saga.handlers."), "it is raised by us, called by them"
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    error.__traceback__ = last
    assert frames_of(error) == whole[-1:], "ours alone are better than none"
