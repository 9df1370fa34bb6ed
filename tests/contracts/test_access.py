"""What keeps tokens, accounts, sessions, keys and answers must do, in memory and on every database."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.adapters.sql.accounts import SqlAccounts
from orchestrator.adapters.sql.answers import SqlAnswers
from orchestrator.adapters.sql.databases import open_engine, open_reading_engine
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.personal import SqlPersonal
from orchestrator.adapters.sql.sessions import SqlSessions
from orchestrator.adapters.sql.tokens import SqlTokens
from orchestrator.sealing import OPEN, Seal
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.accounts import Account
from orchestrator.service.once import Answer, Taken
from orchestrator.service.personal import Preferences, View
from orchestrator.service.sessions import Session
from orchestrator.service.tokens import Token
from orchestrator.together import together
from tests.access_kit import MemoryAccounts, MemoryAnswers, MemoryPersonal, MemorySessions, MemoryTokens
from tests.sql_kit import fresh_database, sqlite_url

KINDS = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
SEAL = Seal.of("k1:" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
CALLER = Caller(
    actor="token:ci", role=Role.OPERATOR, granted=frozenset({Permission.PAYLOAD}), sagas=frozenset({"trip", "shop"})
)
TOKEN = Token(id="t1", name="ci", digest="d" * 64, caller=CALLER, made_by="ann", made_ms=5, expires_ms=9)
ACCOUNT = Account(name="admin", caller=CALLER, password="$argon2id$x", state="one_time", stamp="s1", changed_ms=3)
SESSION = Session(
    digest="d" * 64, source="local", account="admin", caller=CALLER, basis="s1", began_ms=1, seen_ms=2, ends_ms=9
)
TAKEN = Taken(request_hash="r" * 64, holder="first", at_ms=100)
ANSWER = Answer(status=202, body=b'{"id":"canary"}', headers={"location": "/x"})


class on_sql:  # noqa: N801 - used as a function
    def __init__(self, url, seal=OPEN) -> None:
        self.engine, self.reading, self.seal = open_engine(url), open_reading_engine(url), seal

    async def __aenter__(self):
        await migrate(self.engine)
        return SimpleNamespace(
            tokens=SqlTokens(self.engine),
            accounts=SqlAccounts(self.engine, self.reading),
            sessions=SqlSessions(self.engine, self.reading),
            answers=SqlAnswers(self.engine, self.seal),
            personal=SqlPersonal(self.engine, self.reading, self.seal),
        )

    async def __aexit__(self, *_):
        await self.reading.dispose()
        await self.engine.dispose()


@pytest.fixture(params=KINDS)
async def stores(request, tmp_path):
    if request.param == "memory":
        yield SimpleNamespace(
            tokens=MemoryTokens(),
            accounts=MemoryAccounts(),
            sessions=MemorySessions(),
            answers=MemoryAnswers(),
            personal=MemoryPersonal(),
        )
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
        one: dict[str, Any] = {"id": f"n{number}", "name": f"n{number}", "digest": str(number)}
        token = replace(TOKEN, **one, caller=replace(CALLER, sagas=sagas))
        await stores.tokens.add(token)
        assert (await stores.tokens.find(token.id)).caller.sagas == sagas


async def test_tokens_are_listed_by_id_in_pages(stores) -> None:
    for number in (3, 1, 2):
        await stores.tokens.add(replace(TOKEN, id=f"t{number}", name=f"ci {number}", digest=str(number)))
    assert [token.id for token in await stores.tokens.all(limit=2)] == ["t1", "t2"]
    assert [token.id for token in await stores.tokens.all(after="t2")] == ["t3"]


async def test_a_name_is_free_when_its_token_is_over_or_revoked(stores) -> None:
    add = stores.tokens.add
    more: dict[str, Any] = {"id": "t2", "digest": "2"}
    assert await add(TOKEN)
    assert not await add(replace(TOKEN, **more, made_ms=8))
    assert await stores.tokens.find("t2") is None
    assert await add(replace(TOKEN, **more, made_ms=9, expires_ms=None))
    assert not await add(replace(TOKEN, id="t3", digest="3", made_ms=9_000))
    assert await stores.tokens.revoke("t2", at_ms=10, by="bob")
    assert await add(replace(TOKEN, id="t3", digest="3", made_ms=9_000))


async def test_of_those_that_take_a_name_at_the_same_moment_one_has_it(stores) -> None:
    adding = (stores.tokens.add(replace(TOKEN, id=f"t{number}", digest=str(number))) for number in range(5))
    assert sorted(await together(adding)) == [False] * 4 + [True]


async def test_a_token_is_revoked_once(stores) -> None:
    await stores.tokens.add(TOKEN)
    assert await stores.tokens.revoke("t1", at_ms=7, by="bob")
    assert not await stores.tokens.revoke("t1", at_ms=8, by="eve")
    assert not await stores.tokens.revoke("t2", at_ms=8, by="eve")
    found = await stores.tokens.find("t1")
    assert (found.revoked_ms, found.revoked_by) == (7, "bob")


# -- accounts and sessions -------------------------------------------------------------------------------------------


async def test_of_several_first_accounts_one_is_made(stores) -> None:
    made = [replace(ACCOUNT, stamp=f"s{number}") for number in range(4)]
    assert sorted(await asyncio.gather(*map(stores.accounts.add_first, made))) == [False, False, False, True]
    assert not await stores.accounts.add_first(replace(ACCOUNT, name="other"))
    assert await stores.accounts.find("admin") in made
    assert await stores.accounts.find("other") is None


async def test_an_account_is_replaced_only_as_it_was_seen(stores) -> None:
    assert await stores.accounts.replace(ACCOUNT, seen="")
    assert await stores.accounts.find("admin") == ACCOUNT
    changed = replace(ACCOUNT, stamp="s2", state="used", caller=replace(CALLER, sagas=None))
    results = await asyncio.gather(*(stores.accounts.replace(changed, seen="s1") for _ in range(3)))
    assert sorted(results) == [False, False, True], "a one-time password is used once"
    assert not await stores.accounts.replace(ACCOUNT, seen="")
    assert await stores.accounts.find("admin") == changed


async def test_a_session_is_found_used_and_ended(stores) -> None:
    await stores.sessions.add(SESSION)
    assert await stores.sessions.by_digest(SESSION.digest) == SESSION
    await stores.sessions.touch(SESSION.digest, seen_ms=5)
    assert (await stores.sessions.by_digest(SESSION.digest)).seen_ms == 5
    await stores.sessions.end(SESSION.digest)
    assert await stores.sessions.by_digest(SESSION.digest) is None
    await stores.sessions.touch(SESSION.digest, seen_ms=6)
    assert await stores.sessions.by_digest(SESSION.digest) is None


async def test_all_sessions_of_an_account_end_together_and_old_ones_are_forgotten(stores) -> None:
    others = [
        replace(SESSION, digest="1", source="https://id.example"),
        replace(SESSION, digest="2", account="bob", ends_ms=10),
        replace(SESSION, digest="3", must_choose=True),
    ]
    for one in (SESSION, *others):
        await stores.sessions.add(one)
    assert {one.digest for one in await stores.sessions.of("local", "admin")} == {SESSION.digest, "3"}
    await stores.sessions.end_all("local", "admin")
    assert [await stores.sessions.by_digest(one.digest) for one in (SESSION, *others)] == [None, *others[:2], None]
    await stores.sessions.forget(ends_before_ms=9)
    assert [await stores.sessions.by_digest(one.digest) for one in others[:2]] == [None, others[1]]


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


async def test_what_somebody_prefers_is_theirs_and_the_last_choice_counts(stores) -> None:
    assert await stores.personal.preferences("ann") is None
    await stores.personal.prefer("ann", Preferences(time_zone="Europe/Berlin", theme="dark"))
    await stores.personal.prefer("ann", Preferences(theme="light"))
    assert await stores.personal.preferences("ann") == Preferences(theme="light")
    assert await stores.personal.preferences("eve") is None


async def test_views_are_of_one_person_by_name_and_not_too_many(stores) -> None:
    late, early = View("b, mine", "view=all&q=x"), View("a", "")
    for view in (late, early):
        assert await stores.personal.keep_view("ann", view, most=2)
    assert await stores.personal.views("ann") == (early, late)
    assert await stores.personal.views("eve") == ()
    assert not await stores.personal.keep_view("ann", View("c", ""), most=2)
    assert await stores.personal.keep_view("ann", View("a", "saga=trip"), most=2), "one of the same name is replaced"
    await stores.personal.forget_view("eve", "a")
    await stores.personal.forget_view("ann", "b, mine")
    assert await stores.personal.views("ann") == (View("a", "saga=trip"),)
