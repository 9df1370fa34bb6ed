"""Bulks by forms: what is seen is what is done, confirmed by its number; then followed, held, and tried again."""

import re
from dataclasses import replace

import httpx
import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.live import linked_id
from orchestrator.service.records import milliseconds
from tests.api_kit import Api, ApiBench
from tests.service_kit import NOW, WHY, run_all

NEW = "/bulks/new?operation=suspend&view=all"


def run(bench: ApiBench, *names: str) -> None:
    for name in names:
        bench.ledger.keep_open(bench.run(name), changed_ms=milliseconds(NOW))


@pytest.fixture
def bench() -> ApiBench:
    made = ApiBench(access_control=False, pages=ROUTERS)
    run(made, "t1", "t2", "t3")
    return made


async def hidden(api: Api, path: str) -> dict[str, str]:
    """What a form carries along."""
    answer = await api.http.get(path)
    assert answer.status_code == 200, answer.text
    text = answer.text[answer.text.index('method="post"') :]
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', text))


async def fill(api: Api, path: str = NEW, **more: str) -> httpx.Response:
    given = await hidden(api, path)
    return await api.http.post(path, data={**given, "typed": given["count"], "rate": "20", "reason": WHY, **more})


async def begun(api: Api) -> str:
    answer = await fill(api)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_past_the_point_of_no_return_is_a_choice_that_is_told(bench) -> None:
    bench.ledger.keep(bench.completed("t9"))
    plain = "/bulks/new?operation=compensate&status=completed"
    async with bench.asking() as api:
        text = (await api.http.get(plain)).text
        assert "are skipped" in text
        (link,) = re.findall(r'href="([^"]*override=true)"', text)
        chosen = link.replace("&amp;", "&")
        assert "are undone too" in (await api.http.get(chosen)).text
        bulk = (await fill(api, chosen)).headers["location"]
        await run_all(bench.running)
        assert "Past the point of no return" in (await api.http.get(bulk)).text
        assert bench.live.runs[linked_id("trip:t9")].execution.word == "Compensated"
        assert "Past the point of no return" not in (await api.http.get(await begun(api))).text


async def test_a_bulk_is_begun_by_typing_how_many_and_followed_to_its_end(bench) -> None:
    async with bench.asking() as api:
        bulk = await begun(api)
        text = (await api.http.get(bulk)).text
        assert "3 executions" in text
        assert 'http-equiv="refresh" content="2"' in text
        await run_all(bench.running)
        text = (await api.http.get(bulk)).text
        assert 'http-equiv="refresh"' not in text
        assert "<strong>3</strong> done" in text
        assert len(re.findall(r'<th scope="row"><a href="/executions/', text)) == 3
        assert "Nobody has begun" not in (await api.http.get("/bulks")).text


async def test_the_list_offers_what_its_filter_selects(bench) -> None:
    async with bench.asking() as api:
        text = (await api.http.get("/executions?status=running&q=trip:t1")).text
        form = text[text.index('action="/bulks/new"') :].partition("</form>")[0]
        fields = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', form)
        assert fields == [("status", "running"), ("q", "trip:t1")]
        answer = await api.http.get("/bulks/new", params=[*fields, ("operation", "suspend")])
        assert "Suspend: 1 execution" in answer.text
        assert "trip:t1" in answer.text


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"typed": "2"}, "typed: type 3"),
        ({"rate": "fast"}, "rate: a number"),
        ({"rate": "0"}, "rate: "),
        ({"rate": "nan"}, "rate: "),
        ({"reason": "short"}, "reason: "),
    ],
)
async def test_what_does_not_fit_is_told_in_the_form(bench, said, told) -> None:
    async with bench.asking() as api:
        answer = await fill(api, **said)
        assert answer.status_code == 422
        assert told in answer.text
    assert bench.bulks.bulks == {}


async def test_a_selection_that_moved_is_shown_anew(bench) -> None:
    async with bench.asking() as api:
        given = {**await hidden(api, NEW), "typed": "3", "rate": "20", "reason": WHY}
        run(bench, "t4")
        answer = await api.http.post(NEW, data=given)
        assert answer.status_code == 409
        assert "the new one" in answer.text
        assert "Suspend: 4 executions" in answer.text


async def test_a_form_that_is_sent_twice_is_one_bulk(bench) -> None:
    async with bench.asking() as api:
        given = {**await hidden(api, NEW), "typed": "3", "rate": "20", "reason": WHY}
        first, second = [await api.http.post(NEW, data=given) for _ in range(2)]
        assert first.headers["location"] == second.headers["location"]
    assert len(bench.bulks.bulks) == 1


async def test_a_bulk_is_suspended_resumed_and_cancelled(bench) -> None:
    async with bench.asking() as api:
        bulk = await begun(api)
        for order, state in (("suspend", "suspended"), ("resume", "running"), ("cancel", "cancelled")):
            assert f'value="{order}"' in (await api.http.get(bulk)).text
            assert (await api.http.post(bulk, data={"order": order, "reason": WHY})).status_code == 303
            assert [one.state for one in bench.bulks.bulks.values()] == [state]
        late = await api.http.post(bulk, data={"order": "resume", "reason": WHY})
        assert (late.status_code, "Not done." in late.text) == (409, True)
        assert (await api.http.post(bulk, data={"order": "stop", "reason": WHY})).status_code == 422


async def test_nothing_is_tried_again_where_nothing_failed(bench) -> None:
    bench.ledger.keep(bench.completed("t3"), changed_ms=milliseconds(NOW))
    async with bench.asking() as api:
        bulk = await begun(api)
        await run_all(bench.running)
        text = (await api.http.get(bulk)).text
        assert "<strong>0</strong> failed" in text
        assert 'value="retry_failed"' not in text
        (items,) = bench.bulks.kept.values()
        items[1] = replace(items[1], state="failed")
        assert 'value="retry_failed"' in (await api.http.get(bulk)).text


async def test_an_order_that_may_not_be_given_says_why(bench) -> None:
    async with bench.asking() as api:
        bulk = await begun(api)
        text = (await api.http.get(bulk)).text
        assert "not for a bulk that is running" in text
        (items,) = bench.bulks.kept.values()
        items.update({number: replace(item, state="skipped") for number, item in items.items()})
        await run_all(bench.running)
        assert "none of it failed" in (await api.http.get(bulk)).text


@pytest.mark.parametrize(
    ("caller", "why"),
    [
        (
            Caller(actor="sam", role=Role.VIEWER, granted=frozenset({Permission.BULK})),
            "it needs the permission saga:suspend",
        ),
        (Caller(actor="tim", role=Role.ADMIN, sagas=frozenset({"trip"})), "it was begun for more sagas"),
    ],
)
async def test_orders_are_no_buttons_for_who_may_not_give_them(caller, why) -> None:
    bench = ApiBench(pages=ROUTERS)
    run(bench, "t1")
    async with bench.asking(Caller(actor="ann", role=Role.ADMIN)) as api:
        bulk = await begun(api)
        assert '<button name="order" value="suspend">' in (await api.http.get(bulk)).text
    async with bench.asking(caller) as api:
        text = (await api.http.get(bulk)).text
        assert ("<button name=" in text, text.count(f"<small>{why}</small>")) == (False, 4)
        assert (await api.http.post(bulk, data={"order": "suspend", "reason": WHY})).status_code == 403


async def test_older_bulks_are_one_click_away(bench) -> None:
    async with bench.asking() as api:
        first = await begun(api)
        (one,) = bench.bulks.bulks.values()
        for number in range(50):
            name = f"b{number:02}"
            bench.bulks.bulks[name] = replace(one, id=name, created_ms=one.created_ms + 1 + number)
            bench.bulks.kept[name] = {}
        newest = (await api.http.get("/bulks")).text
        (older,) = re.findall(r'rel="next" href="([^"]+)"', newest)
        rest = (await api.http.get(f"/bulks{older}")).text
        assert (first in newest, first in rest) == (False, True)
        assert 'rel="next"' not in rest


async def test_a_refused_order_stays_told_while_the_bulk_goes_on(bench) -> None:
    async with bench.asking() as api:
        bulk = await begun(api)
        assert "data-live" in (await api.http.get(bulk)).text
        refused = await api.http.post(bulk, data={"order": "resume", "reason": WHY})
    assert refused.status_code == 409
    assert "data-live" not in refused.text


async def test_items_are_shown_by_result(bench) -> None:
    async with bench.asking() as api:
        bulk = await begun(api)
        assert "None that is failed" in (await api.http.get(f"{bulk}?state=failed")).text
        assert "trip:t2" in (await api.http.get(f"{bulk}?state=waiting")).text


async def test_nothing_to_do_says_so(bench) -> None:
    async with bench.asking() as api:
        answer = await api.http.get("/bulks/new?operation=suspend&q=nothing")
        assert "There is none" in answer.text
        assert '<form method="post"' not in answer.text


async def test_who_may_not_is_told_what_is_missing() -> None:
    bench = ApiBench(pages=ROUTERS)
    async with bench.asking(Caller(actor="eve", role=Role.VIEWER)) as api:
        for path in ("/bulks", NEW):
            answer = await api.http.get(path)
            assert answer.status_code == 403
            assert "bulk" in answer.text


async def test_the_list_offers_what_one_may_do_to_many_and_says_what_is_missing() -> None:
    bench = ApiBench(pages=ROUTERS)
    run(bench, "t1")
    some = Caller(actor="sam", role=Role.VIEWER, granted=frozenset({Permission.BULK, Permission.RETRY}))
    for caller, is_free in ((some, {"retry"}), (Caller(actor="eve", role=Role.VIEWER), set())):
        async with bench.asking(caller) as api:
            text = (await api.http.get("/executions")).text
        bar = text.partition('action="/bulks/new"')[2].partition("</form>")[0]
        options = dict(re.findall(r'<option value="(\w+)"( disabled)?>', bar))
        assert {word for word, is_off in options.items() if not is_off} == is_free
        assert options["cancel"] == " disabled"
        assert ("<button disabled>" in bar) is not bool(is_free)
        assert "it needs the permission" in bar
