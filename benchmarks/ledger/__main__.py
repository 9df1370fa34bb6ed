"""`make bench-ledger`: what the ledger costs and how soon it answers, on both databases; last line = all figures.

Exits with 1 if a figure was reached in no round, or something was not accounted for.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING

import uvloop
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from benchmarks.ledger import operating, writing
from benchmarks.ledger.figures import Figure, last_line, worst_list
from benchmarks.ledger.filling import fill, postgres
from benchmarks.ledger.reading import open_shelf, percentile
from benchmarks.servers import FOLDER, fresh_servers, note
from deploy.local import up_postgres
from orchestrator.adapters.sql.databases import make_folder
from orchestrator.adapters.sql.migrating import migrate_at
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from benchmarks.ledger.reading import Shelf

STORES = ("sqlite", "postgresql")
ROUNDS = 3


@asynccontextmanager
async def database(store: str, name: str) -> AsyncGenerator[str]:
    """The address of an empty ledger; it is removed at the end."""
    if store == "sqlite":
        folder = FOLDER / "ledger" / name
        shutil.rmtree(folder, ignore_errors=True)
        url = f"sqlite:///{folder}/ledger.db"
        make_folder(url)
        await migrate_at(url)
        yield url
        shutil.rmtree(folder)
        return
    address = up_postgres(FOLDER, note)
    server = await postgres(address)
    try:
        await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await server.execute(f'CREATE DATABASE "{name}"')
        url = make_url(address).set(database=name).render_as_string(hide_password=False)
        await migrate_at(url)
        yield url
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await server.close()


async def read_and_write(store: str, executions: int) -> list[Figure]:
    """Lists, details and writing, on a ledger with so many executions."""
    async with database(store, "filled") as url:
        began = time.monotonic()
        await fill(url, executions)
        note.print(f"{store}: {executions} executions filled in ({time.monotonic() - began:.0f} s)")
        shelf = await open_shelf(url)
        lists, others = list[dict[str, float]](), list[dict[str, float]]()
        for number in range(ROUNDS + 1):  # the first one warms up
            one, other = await _round(shelf, url, number)
            if number:
                lists.append(one)
                others.append(other)
                note.print(f"{store} round {number}: {other}", markup=False, highlight=False)
        await shelf.close()
    worst, rounds = worst_list(lists)
    note.print(f"{store}: slowest list: {worst}, p95 in each round: {', '.join(f'{each:.3g}' for each in rounds)} ms")
    names = others[0]
    return [
        Figure(store, "list_p95_ms", rounds),
        *(Figure(store, name, [each[name] for each in others]) for name in names),
    ]


async def _round(shelf: Shelf, url: str, number: int) -> tuple[dict[str, float], dict[str, float]]:
    dice = Random(number)  # noqa: S311 - which rows are asked for
    lists = {name: percentile(values) for name, values in (await shelf.lists(dice)).items()}
    others = {
        "floor_p95_ms": percentile(await shelf.floor(dice)),
        "detail_p95_ms": percentile(await shelf.details(dice)),
        **await writing.measure(url, number),
    }
    return lists, others


async def operate(settings: Settings, stores: Sequence[str], count: int) -> list[Figure]:
    """The reconciler's passes and one bulk, for each store."""
    async with database(stores[0], "open") as first, database(stores[-1], "rebuilt") as last:
        found = await operating.measure(settings, dict(zip(stores, (first, last), strict=False)), count)
    return [Figure(store, name, rounds) for store, its in found.items() for name, rounds in its.items()]


def arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--stores", default=",".join(STORES), help="which databases")
    parser.add_argument("--executions", type=int, default=100_000, help="in the ledger that is read")
    parser.add_argument("--open", type=int, default=10_000, help="on a real Temporal; 0 = leave this part out")
    return parser.parse_args()


def main() -> int:
    """Measure, store, judge."""
    given = arguments()
    stores, figures = given.stores.split(","), list[Figure]()
    with fresh_servers() as servers:
        for store in stores:
            figures += uvloop.run(read_and_write(store, given.executions))
        if given.open:
            settings = settings_of(servers.variables)
            figures += uvloop.run(operate(settings, stores, given.open))
    line = last_line(figures)
    sys.stdout.write(f"{line}\n")
    return 1 if any(figure.is_missed for figure in figures) else 0


def settings_of(variables: Mapping[str, str]) -> Settings:
    """Where the servers are, and names that no other run has."""
    run = f"bench-{int(time.time())}"
    names = {"task_queue": run, "name_prefix": run, "rabbitmq_url": SecretStr(variables["SAGA_RABBITMQ_URL"])}
    management = SecretStr(variables["SAGA_RABBITMQ_MANAGEMENT_URL"])
    servers = {"temporal_address": variables["SAGA_TEMPORAL_ADDRESS"], "rabbitmq_management_url": management}
    return Settings.model_validate({**names, **servers})


if __name__ == "__main__":
    sys.exit(main())
