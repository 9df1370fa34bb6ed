"""What browsers are given to run: pinned, small, and nothing that a strict policy would have to allow."""

import gzip
import hashlib
import re
from pathlib import Path

import orchestrator.console

CONSOLE = Path(orchestrator.console.__file__).parent
STATIC = CONSOLE / "static"
SHA256 = {
    "htmx-4.0.1.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "htmx-LICENSE.txt": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
}
ALL_BYTES, OUR_BYTES = 60_000, 15_000
"""Most that all scripts, and our own, may have when they travel, gzip."""


def zipped(files):
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def templates():
    return {file.name: file.read_text() for file in (CONSOLE / "templates").glob("*.html")}


def test_what_others_wrote_is_what_was_pinned_with_its_licence() -> None:
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (STATIC / "vendor").iterdir()}
    assert found == SHA256
    assert "Zero-Clause BSD" in (STATIC / "vendor" / "htmx-LICENSE.txt").read_text()


def test_scripts_keep_to_their_budget() -> None:
    assert 0 < zipped(STATIC.glob("*.js")) < OUR_BYTES
    assert zipped(STATIC.rglob("*.js")) < ALL_BYTES


def test_pages_load_each_script_from_here_and_have_none_of_their_own() -> None:
    for name, text in templates().items():
        scripts = re.findall(r"<script\b[^>]*>[^<]*</script>", text)
        loaded = [
            re.fullmatch(r'<script src="\{\{ root \}\}/static/([\w./-]+)" defer></script>', one) for one in scripts
        ]
        assert all(loaded), f"{name} has a script of its own"
        assert text.count("<script") == len(scripts)
        assert all((STATIC / one[1]).is_file() for one in loaded if one)
        assert not re.search(r"""\son\w+=|\shx-on|\shx-vals=.js:|\sstyle=|<style""", text), name


def test_our_scripts_make_no_code_and_no_markup_of_text() -> None:
    for file in STATIC.glob("*.js"):
        found = re.findall(
            r"\beval\b|new Function|innerHTML|outerHTML\b|insertAdjacentHTML|document\.write", file.read_text()
        )
        assert found == [], file.name
