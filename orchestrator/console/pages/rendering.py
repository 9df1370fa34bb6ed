"""Templates: one environment, everything escaped, and the few filters that pages share."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup
from pydantic_core import from_json, to_json

from orchestrator.console.api.context import console_of
from orchestrator.console.browsing import FIELD, colours, form_token
from orchestrator.console.pages import words
from orchestrator.service.personal import Preferences
from orchestrator.service.records import moment
from orchestrator.service.requests import step_of

if TYPE_CHECKING:
    from fastapi import Request

_POSTED = re.compile(r"<form\b[^>]*\bmethod=\"post\"[^>]*>")
_SINCE = re.compile(r"(<time [^>]*><span>)[^<]*")
_AS_OF = re.compile(r"(As of \d\d:\d\d):\d\d")
OK, NOT_MODIFIED = 200, 304
SHOWN_AT_MOST = 65_536
"""Bytes of a payload on a page; a larger one is a download."""
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
SECOND_MS = 1_000


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page made of a template; a look that would see the same again is told so instead.

    Every template knows `root`, the path that a proxy puts before ours; `now`, the present moment, in the zone in which
    whoever asks reads times; `theme`, the colours that they chose; `here`, the path that was asked for, below `root`;
    `me`, who asks, none before they signed in; `is_guarded`, whether access is controlled; and `form_token`, a hidden
    field, which every form that is posted gets by itself.
    """
    preferences: Preferences = getattr(request.state, "preferences", Preferences())
    root = str(request.scope.get("root_path", ""))
    shared = {
        "root": root,
        "now": datetime.now(preferences.zone),
        "theme": colours(request),
        "here": request.url.path.removeprefix(root) or "/",
        "me": getattr(request.state, "caller", None),
        "is_guarded": console_of(request).identity.is_on,
        "form_token": Markup('<input type="hidden" name="{}" value="{}">').format(
            FIELD, form_token(request.state.browser)
        ),
    }
    text = _environment().get_template(template).render({**shared, **values})
    if "hx-request" not in request.headers or status != OK:
        return HTMLResponse(text, status)
    headers = {"ETag": tag_of(text)}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=NOT_MODIFIED, headers=headers)
    return HTMLResponse(text, status, headers)


def tag_of(text: str) -> str:
    """Names what a page shows: another one that differs only in how long ago something was has the same name.

    The moment as of which it is true counts by the minute, so that no page seems older than that.
    """
    told = _SINCE.sub(r"\g<1>", _AS_OF.sub(r"\g<1>", text))
    return f'W/"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


class OwnForms(Extension):
    """Puts the token into every form that is posted, so that nobody can forget it."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja2's
        """A template's source, with the token."""
        return _POSTED.sub(r"\g<0>{{ form_token }}", source)


_made: list[Environment] = []


def _environment() -> Environment:
    """Made with the first page: whoever imports this module for something else need not load templates."""
    if not _made:
        made = Environment(
            loader=PackageLoader("orchestrator.console"),
            autoescape=True,
            extensions=[OwnForms],
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Jinja2 does not say what its tables hold.
        filters, known = cast("dict[str, Any]", vars(made)["filters"]), cast("dict[str, Any]", vars(made)["globals"])
        filters |= {"time": time_element, "clock": clock, "took": length_between, "document": document}
        filters |= {"drawn": Markup, "moment": moment, "body": body, "lasting": lasting}
        known |= {"status_word": words.status_word, "deeds": words.DEEDS, "states": words.STATES}
        known |= {"for_steps": words.FOR_STEPS, "bulk_states": words.BULK_STATES, "bulk_orders": words.BULK_ORDERS}
        known |= {"word_in": words.word_in, "parts": words.PARTS, "hows": words.HOWS}
        known |= {"shown_at_most": SHOWN_AT_MOST, "step_of": step_of}
        known |= {"parked_states": words.PARKED_STATES, "parked_deeds": words.PARKED_DEEDS}
        _made.append(made)
    return _made[0]


def time_element(moment: datetime | None, now: datetime) -> Markup:
    """A point in time: how long ago, the clock in the zone of `now`, and UTC by its title; a dash if there is none."""
    if moment is None:
        return Markup("-")
    utc = moment.astimezone(UTC)
    told = f"{length_between(moment, now)} ago" if moment <= now else f"in {length_between(now, moment)}"
    return Markup('<time datetime="{}" title="{} UTC"><span>{}</span> <small>{}</small></time>').format(
        utc.isoformat(), utc.strftime("%Y-%m-%d %H:%M:%S"), told, clock(moment, now)
    )


def clock(moment: datetime, now: datetime) -> str:
    """What a clock shows in the zone of `now`, with the day if it is another one."""
    there = moment.astimezone(now.tzinfo)
    return there.strftime("%H:%M:%S" if there.date() == now.date() else "%Y-%m-%d %H:%M")


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
