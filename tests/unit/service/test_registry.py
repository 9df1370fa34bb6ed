"""Contracts against a registry, and into it: with the double made by hand."""

import json
from contextlib import asynccontextmanager

from orchestrator import Event
from orchestrator.adapters.registry.client import open_registry
from orchestrator.contracts.contract import Contract
from orchestrator.service.registry import held_against, stored
from orchestrator.settings import load_settings
from tests.registry_kit import HandRegistry, serving


class Flown(Event, type="flown", codec="avro"):
    id: str


class Plain(Event, type="plain"):
    id: str


class LaterFlown(Event, type="flown", codec="avro"):
    id: str
    miles: int


class LaterPlain(Event, type="plain"):
    id: str
    more: int = 0


def contracts(*models: type[Event]) -> list[Contract]:
    return [Contract(type=one.message_type, kind="event", model=one, codec=one.message_codec) for one in models]


@asynccontextmanager
async def opened(double: HandRegistry):
    async with serving(double) as address, open_registry(address, load_settings()) as registry:
        yield registry


async def test_what_is_new_breaks_nothing_and_what_was_stored_neither() -> None:
    double, ours = HandRegistry(), contracts(Flown, Plain)
    async with opened(double) as registry:
        assert await held_against(registry, ours, "full") == ()
        assert await stored(registry, ours) == {"flown": 1, "plain": 2}
        assert await held_against(registry, ours, "full") == ()
    assert json.loads(double.subjects["flown"][0][2])["name"] == "Flown"


async def test_of_avro_the_registry_says_what_breaks_and_we_what_it_did_not_look_at() -> None:
    async with opened(HandRegistry()) as registry:
        await stored(registry, contracts(Flown, Plain))
        later = contracts(LaterFlown, LaterPlain)
        found = await held_against(registry, later, "full")
        assert [(one.type, one.way, one.verdict) for one in found] == [
            ("flown", "forward", "unknown"),
            ("flown", "either", "breaks"),
        ]
        assert "miles" in found[1].text
        assert [one.way for one in await held_against(registry, later, "backward")] == ["either"]
