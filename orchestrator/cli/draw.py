"""`saga draw NAME`: a saga as a picture."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from orchestrator.cli.context import DEFAULT, SagasOption, load_sagas, saga_named
from orchestrator.console.diagram.svg import svg_of
from orchestrator.saga.drawing import draw as draw_plan

SvgOption = Annotated[bool, typer.Option("--svg", help="an SVG picture, to be kept in a file")]


def draw(name: str, sagas: SagasOption = DEFAULT, *, svg: SvgOption = False) -> None:
    """Draw a saga as a Mermaid flowchart: the way forward solid, the way back dashed, the pivot thick."""
    plan = saga_named(load_sagas(sagas), name).plan
    sys.stdout.write(svg_of(plan, with_styles=True) if svg else draw_plan(plan))
