"""Bodies of older versions: what becomes of them, what is not taken, what is said of it."""

import logging
from datetime import date

import pytest

from orchestrator import Event, upcasts
from orchestrator.contracts.catalogue import Catalogue
from orchestrator.contracts.upcasting import is_plain, upcast, warn_once
from orchestrator.errors import MalformedMessageError, SchemaMismatchError, UnknownVersionError


class Placed(Event, type="placed", version=3):
    id: str
    cents: int
    lines: tuple[str, ...] = ()


@upcasts(Placed, from_version=1, sunset=date(2030, 1, 31))
def cents(body):
    return {"id": body["id"], "cents": body["total"] * 100}


@upcasts(Placed, from_version=2)
def lines(body):
    if body.get("lines") == "?":
        return {**body, "lines": object()}
    return {**body, "lines": body.get("lines", "").split()}


OLD = b'{"id": "A17", "total": 3}'
CATALOGUE = Catalogue([Placed])


@pytest.fixture(autouse=True)
def _nobody_was_warned():
    warn_once.cache_clear()


def test_an_old_body_goes_through_every_upcaster_before_it_is_checked() -> None:
    assert CATALOGUE.validate("placed", OLD, 1) == {"id": "A17", "cents": 300, "lines": []}
    assert CATALOGUE.validate("placed", b'{"id": "A17", "cents": 3, "lines": "a b"}', 2)["lines"] == ["a", "b"]
    assert CATALOGUE.newest("placed") == 3


def test_the_newest_is_taken_as_it_is() -> None:
    body = b'{"id": "A17",  "cents": 3}'
    assert upcast(Placed, 3, body) is body
    assert CATALOGUE.validate("placed", body) == CATALOGUE.validate("placed", body, 3)
    assert is_plain(Placed, 3)
    assert not is_plain(Placed, 2)


@pytest.mark.parametrize(("version", "remedy"), [(4, "deploy what takes it"), (0, "have its sender send version 3")])
def test_an_unknown_version_is_refused_with_what_is_taken(version, remedy) -> None:
    with pytest.raises(
        UnknownVersionError, match=f"of version {version}, only versions 1 to 3 are taken.*{remedy}"
    ) as e:
        CATALOGUE.validate("placed", OLD, version)
    assert e.value.reason == "unknown-version"


@pytest.mark.parametrize(
    ("body", "version", "told"),
    [
        (b'{"id": "A17", "secret": 1}', 1, r"version 1 could not be brought up to date, cents\(\) fails with KeyError"),
        (b'{"id": "A17", "total": null}', 1, r"cents\(\) fails with TypeError"),
        (b"[]", 1, r"cents\(\) needs an object"),
        (b'{"id": "A17", "cents": 3, "lines": "?"}', 2, r"lines\(\) gives what JSON cannot carry"),
        (b'{"id": "A17", "total": "x"}', 1, "cents: Input should be a valid integer"),
    ],
)
def test_a_body_that_is_not_what_its_version_has_is_refused_without_its_values(body, version, told) -> None:
    with pytest.raises(SchemaMismatchError, match=told) as raised:
        CATALOGUE.validate("placed", body, version)
    assert "A17" not in str(raised.value)


def test_no_json_is_no_json_in_any_version() -> None:
    with pytest.raises(MalformedMessageError):
        CATALOGUE.validate("placed", b"hello", 1)


def test_a_deprecated_version_is_told_of_once(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            CATALOGUE.validate("placed", OLD, 1)
            CATALOGUE.validate("placed", b'{"id": "A17", "cents": 3}', 2)
    assert [record.getMessage() for record in caplog.records] == [
        "placed version 1 is deprecated and taken until 2030-01-31: send version 3"
    ]


class Ending(Event, type="ending", sunset=date(2030, 1, 31)):
    id: str


def test_a_deprecated_type_is_told_of_as_well(caplog) -> None:
    Catalogue([Ending]).validate("ending", b'{"id": "A17"}', 1)
    assert "ending version 1 is deprecated and taken until 2030-01-31: its senders" in caplog.text
