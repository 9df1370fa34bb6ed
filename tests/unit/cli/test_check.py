"""`saga check`: definitions, warnings, and the lock."""

import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from orchestrator.cli.check import LOCK_FILE, check, lock_path, read_lock
from orchestrator.cli.draw import draw
from orchestrator.errors import OrchestratorError

PROJECT = Path(__file__).resolve().parents[3]
SHOP = """
from orchestrator import Event, Retry, Saga, action, event, pivot, publish, step

class Placed(Event, type="placed"):
    id: str

@event
def told(placed: Placed) -> Placed:
    return placed

@action
async def work(placed: Placed) -> None: ...

def ship(*parts, version=1, name="ship"):
    return Saga(name, *parts, starts_on=Placed, key="id", version=version)

SHIP = ship(publish(told))
LONGER = ship(publish(told), publish(told, as_="again"))
NEXT = ship(publish(told), publish(told, as_="again"), version=2)
WARNED = ship(pivot(work), publish(told, retry=Retry(attempts=None)), name="warned")
TWINS = (SHIP, ship(publish(told, as_="other")))

def later():
    @event
    def told(placed: Placed) -> Placed:
        return placed.model_copy()
    return told

CHANGED = (SHIP, ship(publish(later()), version=2))
"""
WRONG = (
    SHOP
    + """
BAD = ship(step(work), step(work, as_="again"), name="bad")
WORSE = ship(step(work, within=30, no_undo="reads only"), name="worse")
"""
)
STUMBLING = WRONG + "print(BAD.plan.saga)\n"


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch):
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "pyproject.toml").touch()
    (folder / "shop.py").write_text(SHOP)
    (folder / "wrong.py").write_text(WRONG)
    (folder / "stumbling.py").write_text(STUMBLING)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("shop", "wrong", "stumbling"):
        sys.modules.pop(name, None)


def run(*arguments: str):
    app = typer.Typer()
    app.command()(check)
    app.command()(draw)
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def document(*arguments: str):
    ended = run("check", "--json", *arguments)
    found = json.loads(ended.stdout)
    assert found["ok"] is (ended.exit_code == 0)
    return found


def test_sound_sagas_are_listed_with_their_plans() -> None:
    ended = run("check", "--sagas", "shop:SHIP")
    assert ended.exit_code == 0
    assert ended.stdout.startswith("ship version 1 plan ")
    assert ended.stdout.endswith("no problems\n")


def test_a_warning_is_shown_and_does_not_fail() -> None:
    ended = run("check", "--sagas", "shop:WARNED")
    assert ended.exit_code == 0
    assert "W002 told is retried without limit" in ended.stdout
    (saga,) = document("--sagas", "shop:WARNED")["sagas"]
    assert [warning["code"] for warning in saga["warnings"]] == ["W002"]


def test_all_problems_of_all_wrong_definitions_are_shown_and_fail() -> None:
    ended = run("check", "--sagas", "wrong:SHIP")
    assert ended.exit_code == 1
    assert "bad: S010 work has neither" in ended.stdout
    assert "bad: S010 again has neither" in ended.stdout
    assert "worse: S030 step(work): within=30" in ended.stdout
    assert ended.stdout.endswith("3 problems\n")


def test_one_problem_is_one() -> None:
    assert run("check", "--sagas", "shop:TWINS").stdout.endswith("1 problem\n")


def test_a_document_has_code_text_and_place_of_each_problem() -> None:
    found = document("--sagas", "wrong:SHIP")
    assert [saga["saga"] for saga in found["sagas"]] == ["ship"]
    assert [problem["saga"] for problem in found["problems"]] == ["bad", "bad", "worse"]
    assert found["problems"][0]["code"] == "S010"
    assert found["problems"][0]["place"].startswith("inner/wrong.py:")


def test_what_a_module_stumbles_over_behind_a_broken_saga_hides_no_problem() -> None:
    assert [problem["saga"] for problem in document("--sagas", "stumbling:SHIP")["problems"]] == ["bad", "bad", "worse"]


def test_a_module_that_is_not_there_is_told_in_the_document_too() -> None:
    (problem,) = document("--sagas", "nope:SAGAS")["problems"]
    assert "there is no module 'nope'" in problem["text"]
    with pytest.raises(OrchestratorError, match="there is no module 'nope'"):
        run("check", "--sagas", "nope:SAGAS")


def test_a_reused_version_fails_until_the_version_is_raised() -> None:
    assert document("--sagas", "shop:SHIP", "--update-lock")["sagas"][0]["locked"]
    assert document("--sagas", "shop:SHIP")["ok"]
    (problem,) = document("--sagas", "shop:LONGER")["problems"]
    assert problem["code"] == "S022"
    assert "write version=2" in problem["text"]
    assert document("--sagas", "shop:NEXT")["ok"]


def test_a_version_that_is_not_locked_yet_is_told_how() -> None:
    run("check", "--sagas", "shop:SHIP", "--update-lock")
    assert "version 2 is not in sagas.lock yet: saga check --update-lock" in run("check", "--sagas", "shop:NEXT").stdout


def test_the_lock_can_be_overwritten_on_purpose() -> None:
    run("check", "--sagas", "shop:SHIP", "--update-lock")
    assert document("--sagas", "shop:LONGER", "--update-lock")["ok"]
    assert not document("--sagas", "shop:SHIP")["ok"]


def test_a_wrong_definition_leaves_the_lock_alone() -> None:
    run("check", "--sagas", "wrong:SHIP", "--update-lock")
    assert not lock_path().exists()


def test_the_lock_lies_beside_the_nearest_project_file(tmp_path, monkeypatch) -> None:
    assert lock_path() == tmp_path / LOCK_FILE
    run("check", "--sagas", "shop:SHIP", "--update-lock")
    assert list(read_lock(tmp_path / LOCK_FILE)) == ["ship"]
    assert (tmp_path / LOCK_FILE).read_text().count("\n") == 5


@pytest.mark.parametrize("text", ["", "[]", '{"ship": 1}', "not json"])
def test_a_lock_that_is_none_is_refused_with_its_remedy(text) -> None:
    lock_path().write_text(text)
    with pytest.raises(OrchestratorError, match="is no lock of sagas .*restore it from version control"):
        run("check", "--sagas", "shop:SHIP")


def test_two_sagas_of_one_name_and_version_are_refused() -> None:
    (problem,) = document("--sagas", "shop:TWINS")["problems"]
    assert problem["code"] == "S026"
    assert "two sagas are called ship version 1" in problem["text"]


def test_what_no_worker_of_all_these_sagas_could_do_is_a_problem() -> None:
    (problem,) = document("--sagas", "shop:CHANGED")["problems"]
    assert (problem["saga"], problem["code"]) == ("ship", "S027")


def test_draw_prints_the_picture_alone() -> None:
    ended = run("draw", "ship", "--sagas", "shop:SHIP")
    assert ended.stdout.startswith("flowchart TD\n  start([")


def test_this_repository_keeps_its_own_lock(monkeypatch) -> None:
    monkeypatch.chdir(PROJECT)
    found = document()
    assert found["problems"] == []
    assert [saga["locked"] for saga in found["sagas"]] == [True] * len(found["sagas"])
