"""Versions of message types: which are taken, what leads from one to the next, and what is wrong with a declaration."""

from datetime import date
from pathlib import Path

import pytest

from orchestrator import Command, Event, upcasts
from orchestrator.versions import PLAIN, Fault, Upcaster, Versions

END = date(2030, 1, 31)


def same(body):
    return body


def links(*versions: int) -> tuple[Upcaster, ...]:
    return tuple(Upcaster(version, same) for version in versions)


class Placed(Event, type="placed", version=3, sunset=END):
    id: str


@upcasts(Placed, from_version=2)
def second(body):
    return {**body, "second": True}


@upcasts(Placed, from_version=1, sunset=date(2029, 1, 1))
def first(body):
    return {**body, "first": True}


class Plain(Event, type="plain"):
    id: str


class Later(Placed, type="later"):
    pass


class Ask(Command["Plain"], type="ask", version=2, oldest=2):
    id: str


def test_a_class_says_what_it_is_and_a_subclass_says_it_anew() -> None:
    assert (Placed.message_versions.newest, Placed.message_versions.oldest) == (3, 1)
    assert (Ask.message_versions.newest, Ask.message_versions.oldest) == (2, 2)
    for model in (Plain, Later):
        assert (model.message_versions.newest, model.message_versions.upcasters) == (1, ())


def test_a_place_is_the_line_of_the_class() -> None:
    file, line = Ask.message_versions.declared
    assert file == __file__
    assert Path(file).read_text().splitlines()[line - 1].startswith("class Ask(")


def test_the_way_leads_over_every_version_whatever_the_order_in_which_they_were_written() -> None:
    assert [one.name for one in Placed.message_versions.way(1)] == ["first", "second"]
    assert [one.name for one in Placed.message_versions.way(2)] == ["second"]
    assert Placed.message_versions.way(3) == ()


@pytest.mark.parametrize(("versions", "version"), [(PLAIN, 2), (PLAIN, 0), (Ask.message_versions, 1)])
def test_there_is_no_way_from_a_version_that_is_not_taken(versions, version) -> None:
    with pytest.raises(LookupError):
        versions.way(version)


def test_a_version_ends_with_its_own_date_or_the_types() -> None:
    assert Placed.message_versions.deprecated == {1: date(2029, 1, 1), 2: END, 3: END}
    assert PLAIN.deprecated == {}


SOUND = {
    "one version": PLAIN,
    "each has its link": Versions(newest=3, upcasters=links(2, 1)),
    "the older ones are not taken any more": Versions(newest=3, oldest=2, upcasters=links(2)),
}
FAULTS = {
    "no link at all": (Versions(newest=2), "nothing leads from version 1 to 2"),
    "a link is missing": (Versions(newest=4, upcasters=links(1, 3)), "nothing leads from version 2 to 3"),
    "two for one": (Versions(newest=2, upcasters=links(1, 1)), "not the only one that leads from version 1"),
    "from the newest": (Versions(upcasters=links(1)), "leads from version 1, and versions 1 to 1 are taken"),
    "from one too old": (Versions(newest=2, oldest=2, upcasters=links(1)), "versions 2 to 2 are taken: remove it"),
    "no number": (Versions(newest="2"), "version='2': count from 1"),  # type: ignore[arg-type]
    "below one": (Versions(oldest=0), "oldest=0: count from 1"),
    "oldest above newest": (Versions(newest=1, oldest=2), "oldest=2 is above version=1"),
}


@pytest.mark.parametrize("versions", SOUND.values(), ids=SOUND.keys())
def test_nothing_is_wrong(versions) -> None:
    assert list(versions.faults()) == []


@pytest.mark.parametrize(("versions", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_wrong_is_told_with_its_remedy(versions, told) -> None:
    fault: Fault = next(iter(versions.faults()))
    assert told in fault.text
