import pytest

from orchestrator.adapters.sql.databases import open_engine
from workers.participants.books import Effect, amount_done, doubles, enter, read_run, run_of, tables


@pytest.fixture
async def engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/books.db")
    async with engine.begin() as connection:
        await connection.run_sync(tables.create_all)
    yield engine
    await engine.dispose()


def effect(order="r1-1", direction="do", *, key="k", amount=2, what="stock"):
    return Effect(order, what, key, direction, amount)


async def test_effects_are_read_per_run_and_in_order(engine) -> None:
    written = [effect(), effect(direction="undo"), effect("r2-1")]
    async with engine.begin() as connection:
        for one in written:
            await enter(connection, one)
    assert await read_run(engine, "r1") == written[:2]
    assert await read_run(engine, "r2") == written[2:]
    assert await read_run(engine, "r3") == []


async def test_an_undo_gives_back_what_its_key_did(engine) -> None:
    async with engine.begin() as connection:
        await enter(connection, effect(amount=7))
        await enter(connection, effect(amount=7, direction="undo"))
        await enter(connection, effect(amount=9, key="other"))
        assert await amount_done(connection, "k") == 7
        assert await amount_done(connection, "never") == 0


def test_doubles_are_counted_per_kind_key_and_direction() -> None:
    once = [effect(), effect(direction="undo"), effect(key="other"), effect(what="money")]
    assert doubles(once) == 0
    assert doubles([*once, effect(), effect(), effect(direction="undo")]) == 3


def test_a_run_is_what_stands_before_the_first_dash() -> None:
    assert run_of("r1-17-b") == "r1"
