"""What an action may ask of its worker."""

from typing import Protocol

import pytest

from orchestrator import ActionContext
from orchestrator.errors import PortMissingError


class Printer(Protocol):
    def print(self) -> str: ...


class Ink:
    pass


class OurPrinter:
    def print(self) -> str:
        return "printed"


def test_a_port_is_found_by_its_type() -> None:
    ctx = ActionContext(idempotency_key="k", ports={Printer: OurPrinter()})
    assert ctx.get(Printer).print() == "printed"


def test_a_missing_port_is_named_with_what_there_is_and_where_to_register_it() -> None:
    ctx = ActionContext(idempotency_key="k", ports={Ink: Ink()})
    with pytest.raises(
        PortMissingError, match=r"no Printer is registered \(there are: Ink\).*add Printer to its `ports`"
    ):
        ctx.get(Printer)


def test_a_context_made_by_hand_needs_its_key_only() -> None:
    ctx = ActionContext(idempotency_key="k")
    ctx.heartbeat()
    ctx.log.info("nothing to see")
    assert (ctx.attempt, ctx.undoes, ctx.correlation_id, ctx.execution_id) == (1, "", "", "")
