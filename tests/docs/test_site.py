"""The site is built strictly: every link and anchor within leads somewhere, and no page asks another host for anything."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.docs.pages import DOCS, PROJECT, pages

pytestmark = pytest.mark.docs
LOADS = {"src", "srcset", "data", "poster", "action", "formaction", "background"}
"""Attributes by which a browser fetches something by itself, or sends something there."""
FETCHING_LINKS = {
    "stylesheet",
    "icon",
    "preload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "manifest",
    "modulepreload",
}


class Asked(HTMLParser):
    """What a page has a browser fetch, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.fetched |= {value for name, value in given.items() if name in LOADS}
        if tag == "link" and FETCHING_LINKS & set(given.get("rel", "").split()):
            self.fetched.add(given.get("href", ""))
        if tag == "a":
            self.links.add(given.get("href", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, as `make site` builds it."""
    folder: Path = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def asked_by(page: Path) -> Asked:
    asked = Asked()
    asked.feed(page.read_text())
    return asked


def is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address.strip()).netloc)


def test_every_page_is_built(site) -> None:
    for page in pages():
        assert (site / page.relative_to(DOCS).with_suffix(".html")).is_file(), page


def test_no_page_asks_another_host_for_anything(site) -> None:
    built = list(site.rglob("*.html"))
    assert len(built) > len(pages()) - 1
    fetched = {(page.name, address) for page in built for address in asked_by(page).fetched}
    assert any(name == "index.html" for name, _ in fetched)
    assert {one for one in fetched if is_elsewhere(one[1])} == set()


def test_no_style_asks_another_host_for_anything(site) -> None:
    styles = [file.read_text() for file in site.rglob("*.css")]
    assert styles
    addresses = [found for text in styles for found in re.findall(r"url\(([^)]+)\)|@import\s+([^;]+)", text)]
    assert [one for one in addresses if is_elsewhere("".join(one).strip("\"'"))] == []


def test_no_page_has_what_the_theme_would_fetch_a_library_for(site) -> None:
    """Material's script fetches Mermaid from another host where a page has such a picture.

    It would fetch one thing more: how to observe sizes, for browsers from before 2020.
    """
    script = next(site.glob("assets/javascripts/bundle.*.min.js")).read_text()
    fetched = set(re.findall(r"https://(?:unpkg\.com|cdn\.[\w.]+)/([a-z-]+)", script))
    assert fetched <= {"mermaid", "resize-observer-polyfill"}
    for page in site.rglob("*.html"):
        assert 'class="mermaid"' not in page.read_text(), page


def test_links_to_other_hosts_are_by_https_and_whole(site) -> None:
    for page in site.rglob("*.html"):
        for link in asked_by(page).links:
            if is_elsewhere(link):
                parts = urlsplit(link)
                assert (parts.scheme, parts.hostname) == ("https", parts.netloc), (page.name, link)


def test_every_page_has_its_place_in_the_menu() -> None:
    menu = yaml.safe_load((PROJECT / "mkdocs.yml").read_text())["nav"]
    placed = re.findall(r"[\w/-]+\.md", str(menu))
    assert sorted(placed) == [page.relative_to(DOCS).as_posix() for page in pages()]
