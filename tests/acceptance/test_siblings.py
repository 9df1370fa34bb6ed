"""What becomes of a branch whose sibling has failed, on real servers: awaited, or asked to stop."""

import asyncio
from datetime import timedelta

import pytest

from orchestrator import Event, Rejected, Saga, action, parallel, step
from tests.worker_kit import working

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
LONG = timedelta(minutes=10)


class BothWanted(Event, type="both.wanted"):
    key: str


@action
async def refuse(both_wanted: BothWanted) -> None:
    await asyncio.sleep(0.3)
    raise Rejected("never", code="never")


@action
async def dawdle(both_wanted: BothWanted) -> None:
    await asyncio.sleep(LONG.total_seconds())


@action(brief=True)
async def wake(both_wanted: BothWanted) -> None:
    assert both_wanted.key


hasty = Saga(
    "hasty",
    parallel(
        step(refuse, no_undo="it does nothing"), step(dawdle, undo=wake, within=LONG), on_sibling_failure="cancel"
    ),
    starts_on=BothWanted,
    key="key",
    version=1,
)


async def test_a_sibling_that_is_asked_to_stop_is_undone_as_soon_as_it_has_stopped(tmp_path) -> None:
    async with working(tmp_path, [hasty]) as here, asyncio.timeout(60):
        found = await (await here.begin(hasty, BothWanted(key=here.key))).result()
        assert (found["word"], found["abort"]["step"]) == ("Compensated", "refuse")
        assert found["steps"] == {
            "refuse": {"phase": "refused", "outcome": "rejected"},
            "dawdle": {"phase": "undone", "outcome": "unknown"},
        }
