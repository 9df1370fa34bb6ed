"""`saga draw`: Mermaid by default, an SVG that stands alone if asked for."""

from typer.testing import CliRunner

from orchestrator.console.diagram.svg import svg_of
from orchestrator.saga.drawing import draw
from sagas.order_fulfilment import fulfil_order
from workers.__main__ import app


def test_a_saga_as_text_and_as_a_picture() -> None:
    text, picture = (CliRunner().invoke(app, ["draw", "fulfil-order", *more]) for more in ((), ("--svg",)))
    assert text.stdout == draw(fulfil_order.plan)
    assert picture.stdout == svg_of(fulfil_order.plan, with_styles=True)
