"""What holds for every page, those included that are yet to be written."""

import re
from pathlib import Path

import pytest

from orchestrator.console.api.app import STATIC
from orchestrator.console.pages import ROUTERS
from orchestrator.console.pages.rendering import OwnForms
from orchestrator.console.pages.routing import PageRoute

TEMPLATES = sorted((STATIC.parent / "templates").glob("*.html"))


def test_every_route_of_pages_checks_forms() -> None:
    strangers = [route for router in ROUTERS for route in router.routes if not isinstance(route, PageRoute)]
    assert strangers == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_form_that_is_posted_gets_the_token(template: Path) -> None:
    text = OwnForms.preprocess(None, template.read_text(), None)  # type: ignore[arg-type]
    posted = re.findall(r"""method\s*=\s*["']?post|formmethod|hx-(?:post|put|patch|delete)""", text, re.IGNORECASE)
    assert len(posted) == text.count('method="post"'), 'write method="post"; htmx sends forms, never single elements'
    assert text.count("{{ form_token }}") == len(posted)
