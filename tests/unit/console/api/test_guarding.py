"""What stands before every route."""

import pytest

from orchestrator.service.access import Role
from tests.api_kit import ROLES, ApiBench, is_problem
from tests.service_kit import MemoryRegister

JSON = {"Content-Type": "application/json", "Idempotency-Key": "k"}
START = "/executions"


class BrokenRegister(MemoryRegister):
    async def by_key(self, actor, key):
        raise ZeroDivisionError("secret")


async def test_every_answer_has_the_headers_that_keep_browsers_from_harm() -> None:
    async with ApiBench().asking() as api:
        for path in ("/docs", "/healthz", "/api/v1/me", "/nothing"):
            headers = (await api.http.get(path)).headers
            assert "'unsafe" not in headers["content-security-policy"]
            assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"


async def test_the_trace_id_is_that_of_the_caller_if_they_have_one() -> None:
    async with ApiBench().asking() as api:
        given = await api.get("/me", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
        assert given.json()["trace_id"] == "a" * 32
        assert len({(await api.get("/me", headers={"traceparent": "no"})).json()["trace_id"] for _ in range(2)}) == 2


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(announced) -> None:
    read = 0

    async def chunks():
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 1_000

    async with ApiBench(max_body=5_000).asking(ROLES[Role.ADMIN]) as api:
        content = b"x" * 100_000 if announced else chunks()
        found = await api.http.post(f"/api/v1{START}", content=content, headers=JSON)
        assert is_problem(found, 413, "too-large")
    assert read <= 7


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b'{"saga": "\\ud800"}', b'{"input": 1e999}', b'{"input": 99999999999999999999}', b"[" * 900]
)
async def test_json_that_no_store_can_keep_is_refused(body) -> None:
    async with ApiBench().asking(ROLES[Role.ADMIN]) as api:
        assert is_problem(await api.http.post(f"/api/v1{START}", content=body, headers=JSON), 400, "malformed")


@pytest.mark.parametrize("kind", ["text/plain", "application/jsonp", "multipart/form-data", ""])
async def test_a_body_of_another_kind_is_refused(kind) -> None:
    async with ApiBench().asking(ROLES[Role.ADMIN]) as api:
        headers = {**JSON, "Content-Type": kind}
        found = await api.http.post(f"/api/v1{START}", content=b"{}", headers=headers)
        assert is_problem(found, 415, "unsupported-media-type")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.us+json"])
async def test_json_by_any_of_its_names_is_read(kind) -> None:
    async with ApiBench().asking(ROLES[Role.ADMIN]) as api:
        headers = {**JSON, "Content-Type": kind}
        assert is_problem(await api.http.post(f"/api/v1{START}", content=b"{}", headers=headers), 422, "invalid")


async def test_what_nobody_expected_is_told_by_its_trace_id_alone(caplog) -> None:
    bench = ApiBench(register=BrokenRegister())
    bench.stuck()
    async with bench.asking(ROLES[Role.ADMIN]) as api:
        found = await api.operate("retry", step="book_flight")
        assert is_problem(found, 500, "internal")
        assert "secret" not in found.text
        assert found.json()["trace_id"] in caplog.text


async def test_a_wrong_path_and_a_wrong_method_are_problems_too() -> None:
    async with ApiBench().asking(ROLES[Role.ADMIN]) as api:
        assert is_problem(await api.get("/nothing"), 404, "not-found")
        wrong = await api.http.delete("/api/v1/executions")
        assert is_problem(wrong, 405, "method-not-allowed")
        allowed = "GET, HEAD, OPTIONS, POST"
        assert wrong.headers["allow"] == allowed, "all that may be done at this path, though by several routes"
        assert is_problem(await api.http.request("OPTIONS", "/api/v1/nothing"), 404, "not-found")
        told = await api.http.options("/api/v1/executions")
        assert (told.status_code, told.headers["allow"], told.content) == (204, allowed, b"")
        assert "access-control-allow-origin" not in told.headers


@pytest.mark.parametrize(
    "path", ["/api/v1/executions", "/api/v1/executions/trip:t1", "/docs", "/static/reference.css", "/api/v1/sagas/trip"]
)
async def test_head_is_answered_as_get_is_without_the_body(path) -> None:
    bench = ApiBench()
    bench.ledger.keep_open(bench.run())
    async with bench.asking(ROLES[Role.ADMIN]) as api:
        whole, head = await api.http.get(path), await api.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        told = [{name: value for name, value in one.headers.items() if name != "x-trace-id"} for one in (whole, head)]
        assert told[0] == told[1]


async def test_head_of_what_is_not_there_has_the_status_alone(caplog) -> None:
    async with ApiBench().asking(ROLES[Role.ADMIN]) as api:
        for path, status in (
            ("/api/v1/nothing", 404),
            ("/api/v1/executions/trip:t9", 404),
            ("/api/v1/bulks/b1/orders", 405),
        ):
            found = await api.http.head(path)
            assert (found.status_code, found.content) == (status, b""), path
    assert "failed" not in caplog.text


async def test_head_of_a_stream_ends(caplog) -> None:
    async with ApiBench().asking(ROLES[Role.ADMIN]) as api:
        found = await api.http.head("/api/v1/events")
        assert (found.status_code, found.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert "failed" not in caplog.text


# -- while access control is off ------------------------------------------------------------------------------------


async def test_without_access_control_everybody_here_is_local_and_may_do_everything() -> None:
    bench = ApiBench(access_control=False)
    bench.stuck()
    async with bench.asking() as api:
        assert (await api.get("/me")).json()["actor"] == "local"
        assert (await api.operate("retry", step="book_flight")).json()["actor"] == "local"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
async def test_without_access_control_another_name_of_this_machine_is_refused(host) -> None:
    async with ApiBench(access_control=False).asking() as api:
        assert is_problem(await api.get("/executions", headers={"Host": host}), 403, "cross-site")


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"}]
)
async def test_without_access_control_a_page_of_another_site_changes_nothing(headers) -> None:
    bench = ApiBench(access_control=False)
    bench.stuck()
    async with bench.asking(None, **headers) as api:
        assert is_problem(await api.operate("retry", step="book_flight"), 403, "cross-site")
    async with bench.asking(None, **{"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}) as api:
        assert (await api.operate("retry", step="book_flight")).status_code == 202


async def test_with_access_control_a_token_is_enough() -> None:
    async with ApiBench().asking(ROLES[Role.VIEWER], Host="console.example") as api:
        assert (await api.get("/executions")).status_code == 200
