import gc

import pytest

from workers.garbage import OBJECTS, collect_seldom


@pytest.fixture(autouse=True)
def _as_before():
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_is_loaded_is_not_looked_through_again() -> None:
    collect_seldom()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == OBJECTS


def test_circles_are_still_collected() -> None:
    collect_seldom()
    one: list[object] = []
    one.append(one)
    del one
    assert gc.collect() > 0
