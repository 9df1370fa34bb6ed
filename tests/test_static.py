"""What browsers are sent beside pages: scripts within their budget, nothing that a strict policy refuses."""

import gzip
import re

import pytest

from orchestrator.console.api.app import STATIC

SCRIPTS = sorted(STATIC.rglob("*.js"))
OWN = [one for one in SCRIPTS if "vendor" not in one.parts]
ALL_AT_MOST, OWN_AT_MOST = 60_000, 15_000


def sent(*files) -> int:
    """Bytes on the way, as a proxy packs them."""
    return sum(len(gzip.compress(one.read_bytes(), mtime=0)) for one in files)


def test_scripts_keep_their_budget() -> None:
    assert OWN
    assert sent(*SCRIPTS) <= ALL_AT_MOST
    assert sent(*OWN) < OWN_AT_MOST


@pytest.mark.parametrize("script", OWN, ids=lambda one: one.name)
def test_no_script_of_ours_makes_markup_or_code_out_of_text(script) -> None:
    text = script.read_text()
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


@pytest.mark.parametrize("sheet", sorted(STATIC.glob("*.css")), ids=lambda one: one.name)
def test_style_sheets_ask_for_nothing_from_elsewhere(sheet) -> None:
    assert not re.findall(r"@import|url\(|https?:", sheet.read_text())
