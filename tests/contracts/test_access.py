"""What keeps tokens, keys and answers must do, in memory and on every database."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from orchestrator.adapters.sql.answers import SqlAnswers
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.tokens import SqlTokens
from orchestrator.sealing import OPEN, Seal
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.once import Answer, Taken
from orchestrator.service.tokens import Token
from tests.access_kit import MemoryAnswers, MemoryTokens
from tests.sql_kit import fresh_database, sqlite_url

KINDS = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
SEAL = Seal.of("k1:" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
CALLER = Caller(
    actor="token:ci", role=Role.OPERATOR, granted=frozenset({Permission.PAYLOAD}), sagas=frozenset({"trip", "shop"})
)
TOKEN = Token(id="t1", name="ci", digest="d" * 64, caller=CALLER, made_by="ann", made_ms=5, expires_ms=9)
TAKEN = Taken(request_hash="r" * 64, holder="first", at_ms=100)
ANSWER = Answer(status=202, body=b'{"id":"canary"}', headers={"location": "/x"})


class on_sql:  # noqa: N801 - used as a function
    def __init__(self, url, seal=OPEN) -> None:
        self.engine, self.seal = open_engine(url), seal

    async def __aenter__(self):
        await migrate(self.engine)
        return SimpleNamespace(tokens=SqlTokens(self.engine), answers=SqlAnswers(self.engine, self.seal))

    async def __aexit__(self, *_):
        await self.engine.dispose()


@pytest.fixture(params=KINDS)
async def stores(request, tmp_path):
    if request.param == "memory":
        yield SimpleNamespace(tokens=MemoryTokens(), answers=MemoryAnswers())
    elif request.param == "sqlite":
        async with on_sql(sqlite_url(tmp_path)) as made:
            yield made
    else:
        async with fresh_database(request.getfixturevalue("postgres")) as url, on_sql(url) as made:
            yield made


# -- tokens ---------------------------------------------------------------------------------------------------------


async def test_a_token_is_found_by_what_its_bearer_shows(stores) -> None:
    await stores.tokens.add(TOKEN)
    assert await stores.tokens.by_digest(TOKEN.digest) == TOKEN == await stores.tokens.find("t1")
    assert await stores.tokens.by_digest("e" * 64) is None
    assert await stores.tokens.find("t2") is None


async def test_a_caller_of_no_saga_and_one_of_all_stay_apart(stores) -> None:
    scopes: tuple[frozenset[str] | None, ...] = (None, frozenset())
    for number, sagas in enumerate(scopes):
        token = replace(TOKEN, id=f"n{number}", digest=str(number), caller=replace(CALLER, sagas=sagas))
        await stores.tokens.add(token)
        assert (await stores.tokens.find(token.id)).caller.sagas == sagas


async def test_tokens_are_listed_by_id_in_pages(stores) -> None:
    for number in (3, 1, 2):
        await stores.tokens.add(replace(TOKEN, id=f"t{number}", digest=str(number)))
    assert [token.id for token in await stores.tokens.all(limit=2)] == ["t1", "t2"]
    assert [token.id for token in await stores.tokens.all(after="t2")] == ["t3"]


async def test_a_token_is_revoked_once(stores) -> None:
    await stores.tokens.add(TOKEN)
    assert await stores.tokens.revoke("t1", at_ms=7, by="bob")
    assert not await stores.tokens.revoke("t1", at_ms=8, by="eve")
    assert not await stores.tokens.revoke("t2", at_ms=8, by="eve")
    found = await stores.tokens.find("t1")
    assert (found.revoked_ms, found.revoked_by) == (7, "bob")


# -- keys and answers -----------------------------------------------------------------------------------------------


async def test_a_key_is_taken_by_the_first_and_answered_to_all(stores) -> None:
    answers = stores.answers
    assert await answers.take("ann", "k", TAKEN, over_before_ms=0) == TAKEN
    second = replace(TAKEN, holder="second")
    assert (await answers.take("ann", "k", second, over_before_ms=0)).holder == "first"
    await answers.keep("ann", "k", "second", ANSWER)
    assert (await answers.take("ann", "k", second, over_before_ms=0)).answer is None, "only its holder answers"
    await answers.keep("ann", "k", "first", ANSWER)
    assert await answers.take("ann", "k", second, over_before_ms=0) == replace(TAKEN, answer=ANSWER)


async def test_a_key_belongs_to_an_actor(stores) -> None:
    await stores.answers.take("ann", "k", TAKEN, over_before_ms=0)
    other = replace(TAKEN, holder="second")
    assert await stores.answers.take("bob", "k", other, over_before_ms=0) == other


async def test_a_key_that_is_given_back_is_free(stores) -> None:
    await stores.answers.take("ann", "k", TAKEN, over_before_ms=0)
    await stores.answers.give_back("ann", "k", "somebody else")
    other = replace(TAKEN, holder="second")
    assert (await stores.answers.take("ann", "k", other, over_before_ms=0)).holder == "first"
    await stores.answers.give_back("ann", "k", "first")
    assert await stores.answers.take("ann", "k", other, over_before_ms=0) == other


async def test_an_old_key_without_an_answer_gives_way_to_the_same_request_alone(stores) -> None:
    await stores.answers.take("ann", "k", TAKEN, over_before_ms=0)
    foreign = Taken(request_hash="q" * 64, holder="third", at_ms=200)
    assert await stores.answers.take("ann", "k", foreign, over_before_ms=150) == TAKEN
    again = replace(TAKEN, holder="second", at_ms=200)
    assert await stores.answers.take("ann", "k", again, over_before_ms=100) == TAKEN
    assert await stores.answers.take("ann", "k", again, over_before_ms=101) == again
    await stores.answers.keep("ann", "k", "second", ANSWER)
    assert (await stores.answers.take("ann", "k", TAKEN, over_before_ms=999)).answer == ANSWER


async def test_old_keys_are_forgotten_a_few_at_once(stores) -> None:
    for number in range(3):
        await stores.answers.take("ann", f"k{number}", replace(TAKEN, at_ms=number), over_before_ms=0)
    assert await stores.answers.forget(before_ms=2, limit=1) == 1
    assert await stores.answers.forget(before_ms=2, limit=9) == 1
    assert await stores.answers.forget(before_ms=2, limit=9) == 0
    assert (await stores.answers.take("ann", "k2", TAKEN, over_before_ms=0)).at_ms == 2


async def test_of_many_at_once_one_takes_the_key(stores) -> None:
    tries = [replace(TAKEN, holder=str(number)) for number in range(8)]
    held = await asyncio.gather(*(stores.answers.take("ann", "k", one, over_before_ms=0) for one in tries))
    assert len({one.holder for one in held}) == 1


async def test_with_a_key_no_answer_can_be_found_in_the_database(tmp_path) -> None:
    async with on_sql(sqlite_url(tmp_path), SEAL) as stores:
        await stores.answers.take("ann", "k", TAKEN, over_before_ms=0)
        await stores.answers.keep("ann", "k", "first", ANSWER)
        assert (await stores.answers.take("ann", "k", TAKEN, over_before_ms=0)).answer == ANSWER
    assert not any(b"canary" in path.read_bytes() for path in tmp_path.iterdir())
