"""Pages to act on: a form with a preview, a reason, a confirmation; then the operation, followed to its end."""

import re

import httpx
import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.console.pages.rendering import SHOWN_AT_MOST
from orchestrator.errors import EngineUnavailableError
from orchestrator.service.records import milliseconds
from tests.api_kit import Api, ApiBench
from tests.service_kit import NOW, WHY


@pytest.fixture
def bench() -> ApiBench:
    made = ApiBench(access_control=False, pages=ROUTERS)
    made.ledger.keep_open(made.stuck("t1"), changed_ms=milliseconds(NOW))
    made.ledger.keep(made.completed("t2"), changed_ms=milliseconds(NOW))
    return made


def hidden(text: str) -> dict[str, str]:
    """What a form carries along."""
    return dict(
        re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)"', text[text.index('method="post"') :])
    )


async def fill(api: Api, path: str, **more: str) -> httpx.Response:
    """Open a form, fill it and send it."""
    form = await api.http.get(path)
    assert form.status_code == 200, form.text
    return await api.http.post(path.partition("?")[0], data={**hidden(form.text), "reason": WHY, **more})


async def test_a_verdict_is_given_and_followed_until_it_is_verified(bench) -> None:
    async with bench.asking() as api:
        given = await fill(api, "/executions/trip:t1/do/resolve", step="book_flight", how="mark_done", evidence="seen")
        assert given.status_code == 303
        followed = await api.http.get(given.headers["location"])
        assert "verified" in followed.text
        assert 'http-equiv="refresh"' not in followed.text


async def test_the_page_of_an_operation_says_what_was_asked_for(bench) -> None:
    async with bench.asking() as api:
        given = await fill(api, "/executions/trip:t1/do/resolve", step="book_flight", how="mark_done", evidence="seen")
        text = (await api.http.get(given.headers["location"])).text
        for name, said in (("Step", "book_flight"), ("How", "It was undone by hand"), ("Evidence", "seen")):
            assert f"<dt>{name}</dt><dd>{said}</dd>" in text
        assert "<td>book_flight</td>" in (await api.http.get("/operations")).text
        execution = (await api.http.get("/executions/trip:t1")).text
        assert "Resolve the undo (book_flight)</a>" in execution
        assert 'aria-label="Resolve the undo (book_flight) by' in execution


async def test_the_page_of_an_open_operation_looks_again(bench) -> None:
    def goes() -> None:
        bench.live.away = True
        raise EngineUnavailableError("Temporal is away")

    bench.live.on_command = goes
    async with bench.asking() as api:
        given = await fill(api, "/executions/trip:t1/do/suspend")
        text = (await api.http.get(given.headers["location"])).text
        assert "It is stored, and will be given to the saga." in text
        assert 'http-equiv="refresh" content="2"' in text


async def test_a_form_that_is_sent_twice_is_one_operation(bench) -> None:
    async with bench.asking() as api:
        form = hidden((await api.http.get("/executions/trip:t1/do/suspend")).text)
        first, second = [
            await api.http.post("/executions/trip:t1/do/suspend", data={**form, "reason": WHY}) for _ in range(2)
        ]
        assert first.headers["location"] == second.headers["location"]


async def test_compensating_shows_the_plan_and_confirms_it_by_its_hash(bench) -> None:
    async with bench.asking() as api:
        form = await api.http.get("/executions/trip:t2/do/compensate")
        steps = re.findall(r'<tr><td>(\d)</td><th scope="row">([a-z_]+)</th>', form.text)
        assert steps == [("1", "take_money"), ("2", "book_car"), ("2", "book_flight"), ("3", "book_hotel")]
        assert "it is the point of no return" in form.text
        refused = await fill(api, "/executions/trip:t2/do/compensate")
        assert refused.status_code == 409
        assert "Not done." in refused.text
        given = await fill(api, "/executions/trip:t2/do/compensate", override="yes")
        assert given.status_code == 303, given.text


async def test_compensating_from_a_step_plans_from_there(bench) -> None:
    async with bench.asking() as api:
        form = await api.http.get("/executions/trip:t2/do/compensate?step=book_car")
        steps = re.findall(r'<tr><td>\d</td><th scope="row">([a-z_]+)</th>', form.text)
        assert "book_hotel" not in steps
        assert hidden(form.text)["step"] == "book_car"


async def test_large_inputs_of_a_plan_are_a_file(bench) -> None:
    path = "/executions/trip:t2/do/compensate?step=book_car"
    async with bench.asking() as api:
        assert "<pre" in (await api.http.get(path)).text
        execution = bench.live.runs["trip:t2"].execution
        execution.state.facts["trip_ordered"] = {"trip": "x" * SHOWN_AT_MOST}
        bench.ledger.keep(bench.live.runs["trip:t2"], changed_ms=milliseconds(NOW))
        text = (await api.http.get(path)).text
        assert "xxx" not in text
        (file, *_) = re.findall(r'<a download href="([^"]+)"', text)
        assert "x" * SHOWN_AT_MOST in (await api.http.get(file)).text


async def test_the_forms_own_choice_of_the_whole_shows_the_whole_plan(bench) -> None:
    async with bench.asking() as api:
        chosen = (await api.http.get("/executions/trip:t2/do/compensate?step=book_car")).text
        assert '<option value="">the whole of it</option>' in chosen
        whole = await api.http.get("/executions/trip:t2/do/compensate?step=")
    assert whole.status_code == 200
    assert "book_hotel" in re.findall(r'<tr><td>\d</td><th scope="row">([a-z_]+)</th>', whole.text)


async def test_what_is_wrong_is_told_once_and_a_plan_that_stayed_is_not_called_new(bench) -> None:
    async with bench.asking() as api:
        answer = await fill(api, "/executions/trip:t2/do/compensate", reason="no", override="yes")
    assert answer.status_code == 422
    assert answer.text.count("say why, in 8 to") == 1
    assert "the new one" not in answer.text


@pytest.mark.parametrize("seen", ["9" * 10, "9" * 5_000])
async def test_a_revision_that_no_execution_has_is_another_one(bench, seen) -> None:
    async with bench.asking() as api:
        answer = await fill(api, "/executions/trip:t1/do/suspend", revision=seen)
    assert (answer.status_code, "Not done." in answer.text) == (412, True)


async def test_what_no_database_keeps_is_no_part_of_a_reason(bench) -> None:
    async with bench.asking() as api:
        given = await fill(api, "/executions/trip:t1/do/suspend", reason=f"{WHY}\x00")
    assert given.status_code == 303
    assert [one.entry.reason for one in bench.register.rows] == [f"{WHY}\N{REPLACEMENT CHARACTER}"]


async def test_a_stale_plan_is_refused_and_the_new_one_shown(bench) -> None:
    async with bench.asking() as api:
        form = hidden((await api.http.get("/executions/trip:t2/do/compensate")).text)
        sent = {**form, "plan": "0" * 32, "override": "yes", "reason": WHY}
        answer = await api.http.post("/executions/trip:t2/do/compensate", data=sent)
        assert answer.status_code == 409
        assert "read it again before you confirm" in answer.text
        assert hidden(answer.text)["plan"] == form["plan"]


async def test_who_saw_an_older_state_is_told_what_changed(bench) -> None:
    async with bench.asking() as api:
        form = hidden((await api.http.get("/executions/trip:t1/do/suspend")).text)
        await fill(api, "/executions/trip:t1/do/resolve", step="book_flight", how="retry")
        answer = await api.http.post("/executions/trip:t1/do/suspend", data={**form, "reason": WHY})
        assert answer.status_code == 412
        assert "Not done." in answer.text


async def test_a_form_without_a_reason_comes_back_as_it_was_filled(bench) -> None:
    async with bench.asking() as api:
        answer = await fill(
            api, "/executions/trip:t1/do/resolve", step="book_flight", how="mark_done", evidence="a note", reason="no"
        )
        assert answer.status_code == 422
        assert 'value="a note"' in answer.text
        assert 'value="mark_done" required checked' in answer.text
        assert "say why" in answer.text


async def test_other_input_is_previewed_before_it_is_given(bench) -> None:
    async with bench.asking() as api:
        path = "/executions/trip:t1/do/edit_and_retry"
        assert (await fill(api, path, step="book_flight", input="{")).status_code == 422
        seen = await fill(api, path, step="book_flight", input='{"nothing": {}}', preview="yes", reason="")
        assert "Not done." in seen.text


async def test_what_may_not_be_done_says_why_and_has_no_form(bench) -> None:
    async with bench.asking() as api:
        text = (await api.http.get("/executions/trip:t1/do/skip")).text
        assert "skip is for executions that are parked" in text
        assert 'method="post"' not in text


async def test_another_site_cannot_send_the_form(bench) -> None:
    async with bench.asking(**{"Sec-Fetch-Site": "cross-site"}) as api:
        answer = await api.http.post("/executions/trip:t1/do/suspend", data={"reason": WHY, "key": "k"})
        assert answer.status_code == 403
