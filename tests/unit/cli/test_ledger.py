import asyncio

from typer.testing import CliRunner

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.migrating import check_version, newest
from orchestrator.cli.app import build_app
from tests.cli_kit import FakeDesk


def test_migrate_makes_the_tables_and_says_which_version(tmp_path, monkeypatch) -> None:
    url = f"sqlite:///{tmp_path / 'not there yet' / 'ledger.db'}"
    monkeypatch.setenv("SAGA_LEDGER_URL", url)
    for _ in range(2):
        told = CliRunner().invoke(build_app(FakeDesk), ["ledger", "migrate"])
        assert told.exit_code == 0
        assert newest() in told.output

    async def check() -> None:
        engine = open_engine(url)
        await check_version(engine)
        await engine.dispose()

    asyncio.run(check())
