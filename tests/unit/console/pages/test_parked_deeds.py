"""Operations on parked messages by forms: once however often they are sent, as far as was seen, refusals told."""

import re

import httpx
import pytest

from orchestrator.console.pages import ROUTERS
from tests.api_kit import Api, ApiBench
from tests.parked_kit import T0, arrival
from tests.service_kit import WHY


@pytest.fixture
def bench() -> ApiBench:
    return ApiBench(access_control=False, pages=ROUTERS)


async def park(bench: ApiBench, *numbers: int) -> list[str]:
    found = [arrival(number) for number in numbers]
    for one in found:
        await bench.parking.record(one, T0 + 5_000)
    return [one.id for one in found]


async def form(api: Api, path: str) -> dict[str, str]:
    """What a form carries along."""
    answer = await api.http.get(path)
    assert answer.status_code == 200, answer.text
    text = answer.text[answer.text.index('method="post"') :]
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', text))


async def fill(api: Api, path: str, **more: str) -> httpx.Response:
    return await api.http.post(path, data={**await form(api, path), "reason": WHY, **more})


async def test_a_message_is_discarded_and_restored(bench) -> None:
    (name,) = await park(bench, 1)
    async with bench.asking() as api:
        done = await fill(api, f"/parked/messages/{name}/do/discard")
        assert done.status_code == 303
        text = (await api.http.get(done.headers["location"])).text
        assert "1 of 1 message" in text
        assert 'http-equiv="refresh"' not in text
        assert bench.parking.rows[name].line.state == "discarded"
        await fill(api, f"/parked/messages/{name}/do/restore")
        assert bench.parking.rows[name].line.state == "parked"


async def test_a_revision_that_no_message_has_is_another_one(bench) -> None:
    (name,) = await park(bench, 1)
    async with bench.asking() as api:
        answer = await fill(api, f"/parked/messages/{name}/do/discard", seen="9" * 5_000)
    assert (answer.status_code, bench.parking.rows[name].line.state) == (412, "parked")


async def test_a_redrive_is_followed_until_it_is_sent(bench) -> None:
    (name,) = await park(bench, 1)
    async with bench.asking() as api:
        done = await fill(api, f"/parked/messages/{name}/do/redrive")
        text = (await api.http.get(done.headers["location"])).text
        assert "1 still to be sent" in text
        assert 'http-equiv="refresh" content="2"' in text


async def test_a_form_that_is_sent_twice_is_one_operation(bench) -> None:
    (name,) = await park(bench, 1)
    path = f"/parked/messages/{name}/do/discard"
    async with bench.asking() as api:
        given = {**await form(api, path), "reason": WHY}
        first, second = [await api.http.post(path, data=given) for _ in range(2)]
        assert first.headers["location"] == second.headers["location"]
    assert len(bench.parking.actions) == 1


async def test_a_group_is_done_as_far_as_it_was_seen(bench) -> None:
    names = await park(bench, 1, 2)
    group = bench.parking.rows[names[0]].line.fingerprint
    path = f"/parked/groups/{group}/do/discard"
    async with bench.asking() as api:
        given = {**await form(api, path), "reason": WHY, "typed": "2"}
        (late,) = await park(bench, 3)
        done = await api.http.post(path, data=given)
        assert "2 of 2 messages" in (await api.http.get(done.headers["location"])).text
    assert [bench.parking.rows[name].line.state for name in (*names, late)] == ["discarded", "discarded", "parked"]


async def test_a_group_is_confirmed_by_typing_how_many_messages_it_is(bench) -> None:
    names = await park(bench, 1, 2)
    path = f"/parked/groups/{arrival(1).fingerprint}/do/discard"
    async with bench.asking() as api:
        assert "Type 2 to confirm" in (await api.http.get(path)).text
        for typed in ("", "1"):
            answer = await fill(api, path, typed=typed)
            assert (answer.status_code, "typed: type 2" in answer.text, WHY in answer.text) == (422, True, True)
        assert (await fill(api, path, typed="", count="")).status_code == 422, "nothing is no number"
        assert {bench.parking.rows[name].line.state for name in names} == {"parked"}
        assert (await fill(api, path, typed=" 2 ")).status_code == 303


async def test_a_group_of_which_nothing_can_be_moved_has_no_form(bench) -> None:
    (name,) = await park(bench, 1)
    path = f"/parked/groups/{arrival(1).fingerprint}/do"
    async with bench.asking() as api:
        await fill(api, f"/parked/messages/{name}/do/redrive")
        text = (await api.http.get(f"{path}/restore")).text
        assert "nothing of it is discarded." in text
        assert 'method="post"' not in text


async def test_an_edit_shows_what_changes_before_it_is_kept(bench) -> None:
    (name,) = await park(bench, 1)
    path = f"/parked/messages/{name}/do/edit"
    body = '{"order_id": "A1"}'
    async with bench.asking() as api:
        assert "&#34;order_id&#34;: 1" in (await api.http.get(path)).text
        shown = await fill(api, path, body=body, headers="ce-dataschema=v1", preview="yes")
        assert "/body/order_id" in shown.text
        assert bench.parking.actions == {}
        done = await fill(api, path, body=body, headers="ce-dataschema=v1\r\n")
        assert done.status_code == 303
    edited = bench.parking.rows[name].contents.edited
    assert edited is not None
    assert (edited.body, edited.headers["ce-dataschema"]) == (body.encode(), "v1")


async def test_an_edit_of_headers_leaves_the_body_as_it_is(bench) -> None:
    (name,) = await park(bench, 1)
    path = f"/parked/messages/{name}/do/edit"
    async with bench.asking() as api:
        refused = await fill(api, path, body='{"order_id": 1}', headers="ce-dataschema=v1")
        assert refused.status_code == 422, "the body as it came is still refused"
        done = await fill(api, path, body='{"order_id": 1}', headers="ce-type=unknown.to.us")
        assert done.status_code == 303


@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        ({"reason": "short"}, 422, "<li>reason: "),
        ({"body": '{"order_id": 2}'}, 422, "order_id"),
        ({"headers": "nameless"}, 422, "NAME=VALUE"),
        ({"seen": "0", "body": '{"order_id": "A1"}'}, 303, ""),
        ({"seen": "77", "body": '{"order_id": "A1"}'}, 412, "Not done."),
    ],
)
async def test_a_refusal_is_told_in_the_form_as_it_was_filled(bench, said, status, told) -> None:
    (name,) = await park(bench, 1)
    async with bench.asking() as api:
        answer = await fill(api, f"/parked/messages/{name}/do/edit", **{"reason": WHY, **said})
        assert answer.status_code == status, answer.text
        assert told in answer.text
        if status != 303 and "body" in said:
            assert said["body"].replace('"', "&#34;") in answer.text


async def test_what_cannot_be_done_to_it_is_told_and_refused(bench) -> None:
    (name,) = await park(bench, 1)
    path = f"/parked/messages/{name}/do/restore"
    async with bench.asking() as api:
        text = (await api.http.get(path)).text
        assert "not for a message that is parked." in text
        assert 'method="post"' not in text
        answer = await api.http.post(path, data={"key": "k", "seen": "1", "reason": WHY})
    assert answer.status_code == 409
    assert "it is for messages that are discarded" in answer.text


async def test_a_body_that_was_emptied_stays_empty_when_the_form_comes_back(bench) -> None:
    (name,) = await park(bench, 1)
    async with bench.asking() as api:
        answer = await fill(api, f"/parked/messages/{name}/do/edit", body="", headers="", reason="no")
    assert answer.status_code == 422
    assert '<textarea name="body" rows="12" spellcheck="false"></textarea>' in answer.text
