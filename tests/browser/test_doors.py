"""Signing in, in a real browser: the one-time password of the first start, oneself, tokens; behind a proxy's path too."""

import re

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from playwright.async_api import expect

from orchestrator.service.accounts import FIRST
from tests.browser.accessible import faults
from tests.browser.guards import Guard
from tests.browser.shop import WHY, end, free_port, start_console

pytestmark = pytest.mark.asyncio(loop_scope="session")
OWN = "a password of my own"
PATH = "/ops/sagas"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def guarded(shop, tmp_path_factory):
    """A console where people sign in, behind a proxy that puts a path before it; its address, and the password."""
    log = tmp_path_factory.mktemp("doors") / "console.log"
    inside, outside = free_port(), free_port()
    settings = shop.settings.model_copy(update={"access_control": True, "console_path": PATH})
    process = await start_console(settings, f"http://127.0.0.1:{inside}", log)
    runner = web.AppRunner(proxy_to(f"http://127.0.0.1:{inside}"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", outside).start()
    (password,) = re.findall(r"one-time password (\S+)", log.read_text())
    yield f"http://127.0.0.1:{outside}{PATH}", password
    await end(process)
    await runner.cleanup()


def proxy_to(inside):
    """A proxy as `SAGA_CONSOLE_PATH` asks for: it strips the path, and says who asks."""

    async def hand_on(request):
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        async with (
            ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                inside + request.raw_path.removeprefix(PATH),
                headers=headers,
                data=await request.read(),
                allow_redirects=False,
            ) as answer,
        ):
            told = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in ("content-length", "transfer-encoding"):
                    told.headers.add(name, value)
            await told.prepare(request)
            async for part in answer.content.iter_any():
                await told.write(part)
            return told

    app = web.Application()
    app.router.add_route("*", PATH + "{rest:.*}", hand_on)
    return app


async def test_from_the_one_time_password_to_a_token_below_the_proxys_path(guarded, browser) -> None:
    address, password = guarded
    guard = Guard(address)
    guard.allow("401")
    context = await browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    await guard.watch(context)
    page = await context.new_page()
    await page.goto(f"{address}/executions?view=all")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert await faults(page) == []
    await sign_in(page, "a wrong one")
    await expect(page.get_by_role("alert")).to_contain_text("Not signed in")
    await sign_in(page, password)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Choose a password")
    assert await faults(page) == []
    await page.get_by_label("New password").fill(OWN)
    await page.get_by_label("The same again").fill(OWN)
    await page.get_by_role("button", name="Choose it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Executions")
    assert page.url == f"{address}/executions?view=all"
    pages = page.get_by_role("navigation", name="Pages")
    await expect(pages.locator("[aria-current=page]")).to_have_text("Executions")
    await expect(page.locator("#liveness")).to_have_text("Live")

    (cookie,) = [one for one in await context.cookies() if one["name"].endswith("saga-session")]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert "saga-session" not in await page.evaluate("document.cookie")

    await page.get_by_role("link", name=FIRST).click()
    await page.get_by_role("radio", name="dark").check()
    await page.get_by_label("Time zone").select_option("Asia/Tokyo")
    await page.get_by_role("button", name="Keep this").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.emulate_media(color_scheme="light")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == background, (
        "whatever the system has"
    )

    await page.get_by_text("Make one").click()
    await page.locator("#make").get_by_label("Name").fill("ci")
    await page.locator("#make").get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name="Make the token").click()
    token = await page.locator("[aria-label='the token']").inner_text()
    assert await faults(page) == []
    await page.goto(f"{address}/me")
    assert token not in await page.content()
    async with ClientSession(headers={"Authorization": f"Bearer {token}"}) as program:
        async with program.get(f"{address}/api/v1/me") as answer:
            assert (await answer.json())["actor"] == "token:ci"
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert guard.found() == []
    await context.close()


async def sign_in(page, password):
    await page.get_by_label("Name").fill(FIRST)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
