"""One shop and one browser for all tests here; a fresh context, watched by guards, for each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect
from rich.console import Console

from deploy.local.chromium import chromium
from tests.browser.guards import Guard
from tests.browser.shop import open_shop
from tests.conftest import PROJECT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, BrowserContext, Page

    from tests.browser.shop import Shop

ARGUMENTS = ["--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb", "--font-render-hinting=none"]
PATIENCE_MS = 30_000
"""How long a page may take to show what a test waits for: machines that build are busy."""


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.servers)
            item.add_marker(pytest.mark.browser)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(environment, tmp_path_factory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("shop"), PROJECT) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    program = chromium(Console(stderr=True))
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=program, args=arguments)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def guard(shop) -> AsyncIterator[Guard]:
    watching = Guard(shop.address)
    yield watching
    assert watching.found() == []


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser, shop, guard) -> AsyncIterator[BrowserContext]:
    opened = await browser.new_context(
        base_url=shop.address,
        viewport={"width": 1280, "height": 800},
        locale="en-GB",
        timezone_id="UTC",
        reduced_motion="reduce",
    )
    opened.set_default_timeout(PATIENCE_MS)
    await guard.watch(opened)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    return await context.new_page()
