"""API tokens: who may make them, with which rights, and when they let nobody in."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.errors import DeniedError, InvalidRequestError, TokenNotFoundError, UnknownCallerError
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.tokens import Issuing
from tests.access_kit import MemoryTokens
from tests.service_kit import ADMIN, OPERATOR, WHY, ManualClock, MemoryRegister

WANTED = Caller(actor="", role=Role.OPERATOR, granted=frozenset({Permission.PAYLOAD}), sagas=frozenset({"trip"}))


class Desk:
    def __init__(self) -> None:
        self.tokens, self.register, self.clock = MemoryTokens(), MemoryRegister(), ManualClock()
        self.issuing = Issuing(self.tokens, self.register, self.clock)

    @property
    def audited(self):
        return [(row.entry.what, row.entry.result, row.entry.actor) for row in self.register.rows]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_the_bearer_of_a_token_acts_as_what_it_was_made_for(desk) -> None:
    issued = await desk.issuing.create(ADMIN, "ci", WANTED, WHY)
    assert await desk.issuing.bearer(issued.text) == replace(WANTED, actor="token:ci")
    assert desk.audited == [("create token", "accepted", "ann")]


async def test_a_token_is_kept_nowhere(desk) -> None:
    issued = await desk.issuing.create(ADMIN, "ci", WANTED, WHY)
    assert issued.text.startswith("saga_")
    assert issued.text not in repr(desk.tokens.kept)
    assert issued.text not in repr(desk.register.rows)
    assert (await desk.issuing.create(ADMIN, "ci 2", WANTED, WHY)).text != issued.text


async def test_a_text_that_is_no_token_lets_nobody_in(desk) -> None:
    with pytest.raises(UnknownCallerError, match="no such API token"):
        await desk.issuing.bearer("saga_guessed")


async def test_a_revoked_token_lets_nobody_in(desk) -> None:
    issued = await desk.issuing.create(ADMIN, "ci", WANTED, WHY)
    revoked = await desk.issuing.revoke(ADMIN, issued.token.id, WHY)
    assert (revoked.revoked_by, revoked.revoked_ms is not None) == ("ann", True)
    with pytest.raises(UnknownCallerError, match="was revoked"):
        await desk.issuing.bearer(issued.text)
    await desk.issuing.revoke(ADMIN, issued.token.id, WHY)
    assert [what for what, _, _ in desk.audited] == ["create token", "revoke token"]


async def test_a_token_lasts_as_long_as_it_was_made_to(desk) -> None:
    issued = await desk.issuing.create(ADMIN, "ci", WANTED, WHY, lasts=timedelta(days=1))
    await desk.clock.sleep(timedelta(days=1) - timedelta(milliseconds=1))
    assert await desk.issuing.bearer(issued.text)
    await desk.clock.sleep(timedelta(milliseconds=1))
    with pytest.raises(UnknownCallerError, match="has expired"):
        await desk.issuing.bearer(issued.text)


async def test_those_without_the_right_neither_make_nor_see_nor_revoke(desk) -> None:
    issued = await desk.issuing.create(ADMIN, "ci", WANTED, WHY)
    with pytest.raises(DeniedError):
        await desk.issuing.create(OPERATOR, "mine", WANTED, WHY)
    with pytest.raises(DeniedError):
        await desk.issuing.all(OPERATOR)
    with pytest.raises(DeniedError):
        await desk.issuing.revoke(OPERATOR, issued.token.id, WHY)
    assert desk.audited[1:] == [("create token", "refused", "bob"), ("revoke token", "refused", "bob")]
    assert [token.name for token in await desk.issuing.all(ADMIN)] == ["ci"]


@pytest.mark.parametrize(
    "wanted",
    [
        replace(WANTED, sagas=None),
        replace(WANTED, sagas=frozenset({"trip", "order"})),
        replace(WANTED, role=Role.ADMIN),
        replace(WANTED, granted=frozenset({Permission.OVERRIDE})),
    ],
)
async def test_nobody_hands_out_more_than_they_have(desk, wanted) -> None:
    giver = Caller(
        actor="olga",
        role=Role.OPERATOR,
        granted=frozenset({Permission.TOKENS, Permission.PAYLOAD}),
        sagas=frozenset({"trip"}),
    )
    assert await desk.issuing.create(giver, "ci", WANTED, WHY)
    with pytest.raises(DeniedError):
        await desk.issuing.create(giver, "ci", wanted, WHY)
    theirs = await desk.issuing.create(ADMIN, "theirs", wanted, WHY)
    with pytest.raises(DeniedError):
        await desk.issuing.revoke(giver, theirs.token.id, WHY)
    assert await desk.issuing.bearer(theirs.text), "nor do they take it from others"


@pytest.mark.parametrize(
    ("name", "why", "lasts", "wrong"),
    [
        ("", WHY, 1, ["/name"]),
        (" \t", WHY, 1, ["/name"]),
        ("a\nb", WHY, 1, ["/name"]),
        ("n" * 101, WHY, 1, ["/name"]),
        ("ci", "short", 1, ["/reason"]),
        ("ci", WHY, 0, ["/days"]),
        ("", "", 0, ["/reason", "/name", "/days"]),
    ],
)
async def test_a_token_needs_a_name_a_reason_and_a_usable_length(desk, name, why, lasts, wrong) -> None:
    with pytest.raises(InvalidRequestError) as error:
        await desk.issuing.create(ADMIN, name, WANTED, why, lasts=timedelta(days=lasts))
    assert [place for place, _ in error.value.problems] == wrong
    assert desk.tokens.kept == {}


async def test_no_two_good_tokens_have_one_name_so_that_the_audit_tells_them_apart(desk) -> None:
    first = await desk.issuing.create(ADMIN, "ci", WANTED, WHY)
    with pytest.raises(InvalidRequestError, match="a token that is good has the name 'ci'"):
        await desk.issuing.create(ADMIN, " ci ", WANTED, WHY)
    assert desk.audited[-1] == ("create token", "refused", "ann")
    await desk.issuing.revoke(ADMIN, first.token.id, WHY)
    second = await desk.issuing.create(ADMIN, " ci ", WANTED, WHY, lasts=timedelta(days=1))
    assert second.token.name == "ci"
    await desk.clock.sleep(timedelta(days=1))
    assert (await desk.issuing.create(ADMIN, "ci", WANTED, WHY)).token.is_good(desk.issuing._now_ms())


async def test_what_is_not_there_cannot_be_revoked(desk) -> None:
    with pytest.raises(TokenNotFoundError):
        await desk.issuing.revoke(ADMIN, "nothing", WHY)
    with pytest.raises(DeniedError):
        await desk.issuing.revoke(OPERATOR, "nothing", WHY)


async def test_who_administers_some_sagas_sees_the_tokens_they_made_or_could_revoke_and_no_others(desk) -> None:
    scoped = Caller(actor="sam", role=Role.ADMIN, sagas=frozenset({"trip"}))
    anything, others = replace(WANTED, sagas=None), replace(WANTED, sagas=frozenset({"order"}))
    for name, wanted in (("all", anything), ("trips", WANTED), ("orders", others), ("more orders", others)):
        await desk.issuing.create(ADMIN, name, wanted, WHY)
    assert [one.name for one in await desk.issuing.all(scoped)] == ["trips"]
    assert {one.name for one in await desk.issuing.all(ADMIN)} == {"all", "trips", "orders", "more orders"}
    # Those between are passed over, and do not end the list; the page is no longer than was asked for.
    await desk.issuing.create(scoped, "mine", WANTED, WHY)
    first = await desk.issuing.all(scoped, limit=1)
    second = await desk.issuing.all(scoped, after=first[0].id, limit=1)
    assert {one.name for one in (*first, *second)} == {"trips", "mine"}
    assert await desk.issuing.all(scoped, after=second[0].id, limit=1) == ()
