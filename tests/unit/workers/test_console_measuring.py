"""How long the console takes is told by route, never by path."""

from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from tests.metrics_kit import Meter
from workers.console_measuring import MeasuredApp

app = FastAPI()


@app.get("/things/{name}")
async def thing(name: str) -> str:
    return name


@app.get("/broken")
async def broken() -> None:
    raise RuntimeError


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/things/secret-17", ("/things/{name}", "200")),
        ("/nowhere/secret-17", ("", "404")),
        ("/broken", ("/broken", "500")),
    ],
)
async def test_a_request_is_told_by_its_route_and_status(path, labels) -> None:
    meter = Meter()
    transport = httpx.ASGITransport(MeasuredApp(app, meter), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get(path)
    assert [name[1:] for name in meter.recorded] == [labels]


async def test_what_is_no_request_passes() -> None:
    passed: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    meter, nothing = Meter(), cast("Any", None)
    await MeasuredApp(inner, meter)({"type": "lifespan"}, nothing, nothing)
    assert (passed, meter.recorded) == (["lifespan"], {})
