"""The bootstrap on real servers, in a folder of its own, beside those that the other tests use."""

import os
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from rich.console import Console

from deploy.local import Environment, down, find_environment, read_environment, up, up_postgres
from deploy.local.environment import given_variables
from deploy.local.ports import responds
from deploy.local.postgres_server import data_folder, postgres_of
from deploy.local.processes import Server
from deploy.local.rabbitmq_server import rabbitmq_of
from deploy.local.temporal_server import temporal_of
from tests.sql_kit import execute

LOOPBACK = "0100007F"  # 127.0.0.1, as the kernel writes it
pytestmark = [pytest.mark.servers, pytest.mark.timeout(300), pytest.mark.usefixtures("environment")]


@pytest.fixture(scope="module")
def console() -> Console:
    return Console(width=200)  # what was started, and why, is shown beside a failure


@pytest.fixture(scope="module")
def project(tmp_path_factory, console):
    """A folder with a space in its name, and servers running for it."""
    folder = tmp_path_factory.mktemp("a project")
    with pytest.MonkeyPatch.context() as patch:
        for name in given_variables():
            patch.delenv(name)
        up(folder, console)
        up_postgres(folder, console)
        yield folder
        down(folder, console)
    if not data_folder(folder).is_relative_to(folder):
        shutil.rmtree(data_folder(folder))


def servers(project) -> list[Server]:
    return [temporal_of(project), rabbitmq_of(project), postgres_of(project)]


def works(environment: Environment) -> bool:
    host, _, port = environment.temporal_address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=5).close()
    management = urlsplit(environment.rabbitmq_management_url)
    return responds(management.port or 0, "/api/overview", login=f"{management.username}:{management.password}")


def test_the_addresses_are_written_down_and_work(project) -> None:
    file = find_environment(project)
    assert file is not None
    assert file == project / ".local" / "environment"
    assert works(read_environment(file))


def test_a_second_start_finds_the_same_servers_and_starts_none(project, console) -> None:
    before = [server.record() for server in servers(project)]
    found = up(project, console)
    assert [server.record() for server in servers(project)] == before
    assert found == read_environment(project / ".local" / "environment")


@pytest.mark.parametrize("number", [0, 1], ids=["Temporal", "RabbitMQ"])
def test_a_killed_server_is_started_again_and_the_other_left_alone(project, console, number) -> None:
    killed, other = servers(project)[number], servers(project)[1 - number]
    before, untouched = killed.record(), other.record()
    os.killpg(before.pid, signal.SIGKILL)
    found = up(project, console)
    assert works(found)
    assert killed.record().pid != before.pid
    assert killed.record().ports == before.ports
    assert other.record() == untouched


async def test_a_killed_postgresql_is_started_again_with_its_data(project, console) -> None:
    address = up_postgres(project, console)
    await execute(address, "CREATE TABLE kept (number integer)")
    os.kill(postgres_of(project).record().pid, signal.SIGKILL)
    assert up_postgres(project, console) == address
    await execute(address, "INSERT INTO kept VALUES (1)")


async def test_only_the_password_opens_postgresql(project, console) -> None:
    address = urlsplit(up_postgres(project, console))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await execute(f"postgresql://saga:wrong@127.0.0.1:{address.port}/saga", "SELECT 1")


def test_everything_listens_on_loopback_only(project) -> None:
    ours = [address for server in servers(project) for address in listening(server.record().pid)]
    ports = {port for server in servers(project) for port in server.record().ports.values()}
    assert ports <= {port for _, port in ours}
    assert {host for host, _ in ours} == {LOOPBACK}


def listening(group: int) -> list[tuple[str, int]]:
    """Where the processes of a group listen, address as the kernel writes it."""
    sockets = {inode for pid in members(group) for inode in inodes(pid)}
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    found = [row[1].split(":") for row in rows if row[3] == "0A" and row[9] in sockets]
    return [(host, int(port, 16)) for host, port in found]


def members(group: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [pid for pid in pids if group_of(pid) == group]


def group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def inodes(pid: int) -> list[str]:
    links = [link_of(descriptor) for descriptor in Path(f"/proc/{pid}/fd").iterdir()]
    return [link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")]


def link_of(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:
        return ""  # closed since it was listed


def test_nobody_else_may_read_the_passwords(project) -> None:
    private = [project / ".local" / "environment", *(project / ".local" / "rabbitmq").glob("*.conf")]
    assert [file.name for file in private if "password" in file.name or holds_password(project, file)] != []
    for file in private:
        assert not holds_password(project, file) or not file.stat().st_mode & 0o077


def holds_password(project, file) -> bool:
    return (project / ".local" / "rabbitmq" / "password").read_text() in file.read_text()


def test_a_stop_ends_these_servers_and_no_others(project, console, environment) -> None:
    down(project, console)
    assert not any(server.is_running() for server in servers(project))
    assert works(environment)
