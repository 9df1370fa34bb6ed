"""The demo's console: a newcomer finds it, and gets in."""

import socket

from pydantic import SecretStr

from orchestrator.adapters.sql.accounts import SqlAccounts
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.service.accounts import FIRST
from orchestrator.settings import Settings
from workers.demo_console import Door, make_door, with_console


def made(**values) -> Settings:
    return Settings(**values)


async def test_the_first_demo_tells_a_password_and_a_later_one_how_to_get_another(tmp_path) -> None:
    settings = made(ledger_url=SecretStr(f"sqlite:///{tmp_path / 'ledger.db'}"), console_port=8123)
    first, second = await make_door(settings), await make_door(settings)
    assert first.password
    assert f"http://127.0.0.1:8123/\nSign in as {FIRST} with the one-time password {first.password}" in first.told
    assert second.password == ""
    assert "saga account reset" in second.told
    assert first.password not in repr(first)
    engine = open_engine(settings.ledger)
    account = await SqlAccounts(engine, engine).find(FIRST)
    await engine.dispose()
    assert account is not None
    assert account.state == "one_time", "it is still good for signing in once"


def test_people_sign_in_there_and_only_this_machine_reaches_it() -> None:
    settings = with_console(made(access_control=False, console_path="/x"))
    assert (settings.access_control, settings.console_host, settings.console_path) == (True, "127.0.0.1", None)


async def test_a_port_that_is_taken_is_left_to_whoever_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken = listening.getsockname()[1]
        assert with_console(made(console_port=taken)).console_port not in (0, taken)
        assert not await Door(with_console(made(console_port=0)).console_port, "").is_open()
