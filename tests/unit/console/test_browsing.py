"""Cookies and form tokens."""

from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.console.browsing import SESSION, VISIT, begin_visit, form_token, is_own_form, own_form, read

KEY = "k" * 43


def request(scheme: str = "http", **cookies: str) -> Any:
    url = SimpleNamespace(scheme=scheme)
    return SimpleNamespace(cookies=cookies, url=url, state=SimpleNamespace())


@pytest.mark.parametrize("text", ["", "short", "x" * 101, "ä" * 40, "a b" * 20, '"' * 40])
def test_a_cookie_that_we_cannot_have_given_is_none(text) -> None:
    assert read(request(**{SESSION: text}), SESSION) == ""


def test_by_tls_only_a_cookie_of_this_very_host_counts() -> None:
    assert read(request("https", **{SESSION: KEY}), SESSION) == ""
    assert read(request("https", **{f"__Host-{SESSION}": KEY}), SESSION) == KEY


def test_a_token_is_of_one_browser_and_does_not_tell_its_cookie() -> None:
    assert form_token(KEY) == form_token(KEY) != form_token("l" * 43)
    assert KEY not in form_token(KEY)


def test_a_form_is_own_only_with_the_token_of_the_browsers_cookie() -> None:
    for cookies in ({VISIT: KEY}, {SESSION: KEY}, {SESSION: KEY, VISIT: "v" * 43}):
        asked = request(**cookies)
        assert not is_own_form(asked)
        assert not own_form(asked, "")
        assert not own_form(asked, form_token("v" * 43))
        assert not is_own_form(asked)
        assert own_form(asked, form_token(KEY))
        assert is_own_form(asked)


def test_a_browser_without_cookies_has_no_form_of_its_own() -> None:
    asked = request()
    begin_visit(asked)
    assert not own_form(asked, form_token(asked.state.browser))
    assert not own_form(asked, form_token(""))
