"""What people and servers trust us with is in no line of any process's log, however much is logged.

Secrets are in payloads, headers and credentials; an author's errors say them too; and each server is away for somebody.
"""

import asyncio
import json
import os
import secrets
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import httpx
import pytest
from pydantic import SecretStr

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.service.records import Filter
from tests.leaky_kit import LEAKY
from tests.ledger_kit import reading, status
from tests.rabbitmq_kit import corner
from tests.worker_process_kit import free_port
from workers.demo_processes import environment_of
from workers.demo_turn import consumers_of

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
PROJECT = Path(__file__).resolve().parents[2]
SAGAS = ("--sagas", "tests.leaky_kit:LEAKY")
COMMANDS = {
    "worker": ("worker", *SAGAS),
    "participant": ("participant", "tests.leaky_kit:leaky"),
    "recorder": ("recorder",),
    "reconciler": ("reconciler",),
    "console": ("console", *SAGAS),
}
READY = {"worker": "worker is ready", "recorder": "recorder is ready", "console": "console is ready"}
ENDS = {"nowhere": "Completed", "participant": "Compensated", "action": "Compensated"}
"""Where an order's secret is let out, and how its saga ends then; where it is the undo, it is stuck."""
CANARY = "canary-" + secrets.token_hex(6)


class Canaries:
    """One secret for each place from which it could get out."""

    def __getattr__(self, place: str) -> str:
        return f"{CANARY}-{place}"


TOLD = Canaries()
AWAY = {
    "broker away": (("recorder",), {"SAGA_RABBITMQ_URL": f"amqp://saga:{TOLD.broker}@127.0.0.1:1/"}),
    "ledger away": (("reconciler",), {"SAGA_LEDGER_URL": f"postgresql://saga:{TOLD.ledger}@127.0.0.1:1/saga"}),
    "engine away": (("worker", *SAGAS), {"SAGA_TEMPORAL_API_KEY": TOLD.engine}),
}


@asynccontextmanager
async def process(folder, name, command, settings, **more):
    """A process that logs into a file; it ends with the block."""
    variables = {**os.environ, **environment_of(settings), **more}
    with (folder / f"{name}.log").open("wb") as log:
        made = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workers", *command, cwd=PROJECT, env=variables, stdout=log, stderr=log
        )
    try:
        yield made
    finally:
        if made.returncode is None:
            made.terminate()
        await made.wait()


async def said(folder, name, words) -> None:
    """Wait until a process has said these words."""
    while words not in (folder / f"{name}.log").read_text():
        await asyncio.sleep(0.05)


async def send(place, exchange, key, body, message_id, **headers) -> None:
    """A message of somebody's, with a header that nobody asked for."""
    async with connected(place.settings, purpose="test") as connection:
        channel = await connection.channel()
        told = {"ce-specversion": "1.0", "ce-id": message_id, "ce-source": "/leak", "ce-type": key, **headers}
        told |= {"x-secret": TOLD.header, "baggage": f"card={TOLD.baggage}"}
        message = aio_pika.Message(body.encode(), headers=told, content_type="application/json", message_id=message_id)
        await (await channel.get_exchange(exchange)).publish(message, routing_key=key)


async def ask_for_all(place) -> None:
    """Orders that let their secret out in each way, and messages that cannot be taken."""
    for where in (*ENDS, "undo"):
        body = json.dumps({"key": f"{place.settings.task_queue}-{where}", "secret": TOLD.payload, "where": where})
        await send(place, place.names.events, "leak.asked", body, f"m-{where}")
    await send(place, place.names.events, "leak.asked", f'{{"secret": "{TOLD.broken}', "broken")
    await send(place, place.names.events, "leak.asked", json.dumps({"key": 7, TOLD.field: TOLD.value}), "wrong")
    await send(place, place.names.commands, "leak.tell", json.dumps({"secret": TOLD.command}), "stray")
    await send(place, place.names.replies, "all", json.dumps({"secret": TOLD.reply}), "lost")


async def call_console(port) -> None:
    """Everything that a person types."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        bearer = {"Authorization": f"Bearer {TOLD.token}"}
        await http.get(f"/api/v1/executions?text={TOLD.query}", headers=bearer)
        await http.get(f"/executions?text={TOLD.search}", headers={"Cookie": f"session={TOLD.cookie}"})
        await http.post("/sign-in", data={"name": "administrator", "password": TOLD.password})


async def ended(place) -> None:
    client = await connect(place.settings)
    run = place.settings.task_queue
    async with reading(place.settings) as ledger:
        for where, word in ENDS.items():
            await status(ledger, f"leak:{run}-{where}", word.lower())
            result = await client.get_workflow_handle(f"leak:{run}-{where}").result()
            assert result["word"] == word
        await status(ledger, f"leak:{run}-undo", "stuck")
        assert (await ledger.counts([Filter()]))[0].number == len(ENDS) + 1


def ids_are_told(lines, run) -> None:
    """A line that speaks of an execution has its ids, and one of an attempt says which one."""
    for line in lines:
        if f"leak:{run}" in json.dumps(line):
            assert line["execution_id"].startswith(f"leak:{run}-")
            assert line["saga"] == "leak"
        if line["event"] == "attempt_failed" or "could not carry out" in line["event"]:
            assert {"execution_id", "correlation_id", "step", "direction", "attempt"} <= set(line)


@pytest.mark.timeout(180)
async def test_no_secret_is_in_a_line_of_any_log(tmp_path) -> None:
    own = {
        "task_queue": f"test-{CANARY[-6:]}",
        "ledger_url": SecretStr(f"sqlite:///{tmp_path}/ledger.db"),
        "database_url": SecretStr(f"sqlite:///{tmp_path}/leaky.db"),
        "log_level": "debug",
        "console_port": free_port(),
        "access_control": True,
    }
    async with corner([saga.plan for saga in LEAKY], **own) as place, AsyncExitStack() as stack:
        for name, command in COMMANDS.items():
            await stack.enter_async_context(process(tmp_path, name, command, place.settings))
        for name, (command, variables) in AWAY.items():
            await stack.enter_async_context(process(tmp_path, name, command, place.settings, **variables))
        for name, words in READY.items():
            await said(tmp_path, name, words)
        async with connected(place.settings, purpose="test") as connection:
            while not await consumers_of(connection, place.names.command_queue("leaky")):
                await asyncio.sleep(0.05)
        await ask_for_all(place)
        await call_console(own["console_port"])
        await ended(place)
        await said(tmp_path, "worker", "attempt_failed")
        await said(tmp_path, "worker", "Task exception was never retrieved")
        await said(tmp_path, "worker", "parked a message")
        await said(tmp_path, "participant", "LeakFault")
        await said(tmp_path, "participant", "parked a message")
        for name in AWAY:
            await said(tmp_path, name, "\n")
        password = urlsplit(place.settings.rabbitmq_url.get_secret_value()).password or ""
    for name in (*COMMANDS, *AWAY):
        text = (tmp_path / f"{name}.log").read_text()
        assert text
        assert [line for line in text.splitlines() if CANARY in line or password in line] == [], name
        ids_are_told([json.loads(line) for line in text.splitlines() if line.startswith("{")], run=own["task_queue"])
