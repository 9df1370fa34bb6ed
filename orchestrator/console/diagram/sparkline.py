"""Numbers over time as a small SVG picture: one bar per stretch of time; words beside it tell the same."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BAR, GAP, HEIGHT = 3, 1, 32
"""Width of a bar and between two, and the height of the highest; pixels."""


def sparkline(numbers: Sequence[int], label: str) -> str:
    """The picture; `label` says in words what it shows. A number that is not 0 is always seen."""
    width, highest = len(numbers) * (BAR + GAP), max(numbers, default=0)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="sparkline" width="{width}" height="{HEIGHT + 1}"'
    lines = [f'{head} viewBox="0 0 {width} {HEIGHT + 1}" role="img" aria-label="{escape(label)}">']
    lines.append(f'<line x1="0" y1="{HEIGHT}.5" x2="{width}" y2="{HEIGHT}.5"/>')
    for place, number in enumerate(numbers):
        if number:
            height = max(2, round(HEIGHT * number / highest))
            x, y = place * (BAR + GAP), HEIGHT - height
            lines.append(f'<rect x="{x}" y="{y}" width="{BAR}" height="{height}"/>')
    return "".join([*lines, "</svg>"])
