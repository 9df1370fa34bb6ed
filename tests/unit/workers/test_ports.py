"""Which ports a worker's actions get unless it is told."""

from orchestrator import Event, Saga, event, publish
from sagas import SAGAS
from workers.demo_ports import demo_ports
from workers.ports import are_ours, default_ports, no_ports


class Placed(Event):
    id: str


@event
def told(placed: Placed) -> Placed:
    return placed


MINE = Saga("mine", publish(told), starts_on=Placed, key="id", version=1)


def test_only_the_sagas_of_this_repository_get_the_demos_ports() -> None:
    assert default_ports(SAGAS) is demo_ports
    assert default_ports([MINE]) is no_ports
    assert are_ours([MINE, *SAGAS])


async def test_others_get_nothing() -> None:
    async with no_ports(None) as given:  # type: ignore[arg-type]
        assert given == {}
