"""`saga draw NAME`: a saga as a picture."""

from __future__ import annotations

import sys

from orchestrator.cli.context import DEFAULT, SagasOption, load_sagas, saga_named
from orchestrator.saga.drawing import draw as draw_plan


def draw(name: str, sagas: SagasOption = DEFAULT) -> None:
    """Draw a saga as a Mermaid flowchart: the way forward solid, the way back dashed, the pivot thick."""
    sys.stdout.write(draw_plan(saga_named(load_sagas(sagas), name).plan))
