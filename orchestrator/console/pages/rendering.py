"""Templates: one environment, everything escaped, and the few filters that pages share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic_core import from_json, to_json

from orchestrator.console.pages import words
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from fastapi import Request

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
SECOND_MS = 1_000


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page made of a template; `root` is the path that a proxy puts before ours, `now` the present moment."""
    root = request.scope.get("root_path", "")
    text = (
        _environment().get_template(template).render(root=root, now=datetime.now(UTC), here=request.url.path, **values)
    )
    return HTMLResponse(text, status)


_made: list[Environment] = []


def _environment() -> Environment:
    """Made with the first page: whoever imports this module for something else need not load templates."""
    if not _made:
        made = Environment(
            loader=PackageLoader("orchestrator.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Jinja2 does not say what its tables hold.
        filters, known = cast("dict[str, Any]", vars(made)["filters"]), cast("dict[str, Any]", vars(made)["globals"])
        filters |= {"time": time_element, "took": length_between, "document": document}
        filters |= {"drawn": Markup, "moment": moment, "body": body, "lasting": lasting}
        known |= {"status_word": words.status_word, "deeds": words.DEEDS, "states": words.STATES}
        known |= {"for_steps": words.FOR_STEPS, "bulk_states": words.BULK_STATES, "bulk_orders": words.BULK_ORDERS}
        known |= {"parked_states": words.PARKED_STATES, "parked_deeds": words.PARKED_DEEDS}
        _made.append(made)
    return _made[0]


def time_element(moment: datetime | None, now: datetime) -> Markup:
    """A point in time: how long ago, with UTC beside it; a dash if there is none."""
    if moment is None:
        return Markup("-")
    utc = moment.astimezone(UTC)
    ago = length_between(moment, now)
    told = f"{ago} ago" if moment <= now else f"in {length_between(now, moment)}"
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        utc.isoformat(), utc.strftime("%Y-%m-%d %H:%M:%S"), told
    )


def length_between(start: datetime, end: datetime) -> str:
    """A length of time in its two largest units, as `2 h 5 min`."""
    seconds = int(abs((end - start).total_seconds()))
    parts: list[str] = []
    for size, word in UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {word}")
    return " ".join(parts[:2]) or "0 s"


def lasting(milliseconds: int) -> str:
    """A length of time in three digits of its largest unit, as `1.25 s`."""
    if milliseconds < SECOND_MS:
        return f"{milliseconds} ms"
    size, word = next((size, word) for size, word in UNITS if milliseconds >= size * SECOND_MS)
    return f"{milliseconds / size / SECOND_MS:.3g} {word}"


def document(value: Any) -> str:
    """A JSON value for people."""
    return to_json(value, indent=2).decode()


def body(raw: bytes) -> str:
    """A message's body for people: JSON laid out, anything else as text."""
    try:
        return document(from_json(raw))
    except ValueError:
        return raw.decode(errors="replace")
