"""A PostgreSQL of this checkout's own, on loopback only. Nothing needs it unless asked: tests, and whoever tries it.

PostgreSQL refuses to run as root, so root's runs as the user postgres. Its data lies in `.local/postgres/`, or, where
that user cannot get there, in `/var/tmp/saga-<hash of the checkout>/`.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from deploy.local.environment import write_private
from deploy.local.errors import BootstrapError
from deploy.local.ports import LOOPBACK, choose_ports
from deploy.local.postgres_install import major_of, postgres_programs
from deploy.local.processes import Server
from deploy.local.programs import output_of, run
from deploy.local.progress import doing, say
from deploy.local.wellness import is_well

USER = "saga"
DATABASE = "saga"
SYSTEM_USER = "postgres"
ELSEWHERE = Path("/var/tmp")  # noqa: S108 - the folder in it is made by us alone, for its owner alone
READY_LIMIT = 60.0
SEARCHABLE_BY_OTHERS = 0o001


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cluster is: its programs, the folder that holds its data, its port and the password of its only user."""

    programs: Path
    folder: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"postgresql://{USER}:{self.password}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def data(self) -> Path:
        """Another major version has other files."""
        return self.folder / f"data-{major_of(self.programs)}"

    def answers(self) -> bool:
        """Whether clients can connect; makes the database `saga` if it is not there."""
        if self._query("SELECT 1", DATABASE) is not None:
            return True
        return self._query(f"CREATE DATABASE {DATABASE}", "postgres") is not None

    def _query(self, statement: str, database: str) -> str | None:
        address = f"host={LOOPBACK} port={self.port} user={USER} dbname={database} connect_timeout=5"
        # The password goes by the environment: arguments can be seen by everybody on the machine.
        command = [str(self.programs / "psql"), "-X", "-w", "-d", address, "-c", statement]
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return output_of(command, variables={**variables, "PGPASSWORD": self.password})


def postgres_of(project: Path) -> Server:
    """This checkout's cluster, running or not. SIGINT ends it without waiting for its clients."""
    return Server("PostgreSQL", project / ".local" / "postgres", signal.SIGINT)


def start_postgres(project: Path, console: Console) -> Cluster:
    """Find the cluster running, or make it if need be and start it.

    Raises:
        BootstrapError: PostgreSQL could not be found, installed or started.
    """
    server = postgres_of(project)
    programs = postgres_programs(console)
    server.folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(programs, data_folder(project), server.record().ports.get("sql", 0), _password(server.folder))
    if is_well(server, cluster.answers, console):
        say(console, f"PostgreSQL runs at {LOOPBACK}:{cluster.port}")
        return cluster
    say(console, f"PostgreSQL found in {programs}")
    ports = choose_ports(("sql",), before=server.record().ports)
    cluster = Cluster(programs, cluster.folder, ports["sql"], cluster.password)
    _make_folder(cluster.folder)
    if not (cluster.data / "PG_VERSION").exists():
        _initialise(cluster, console)
    with doing(console, f"Starting PostgreSQL at {LOOPBACK}:{cluster.port}"):
        server.start(_command(cluster), variables=_variables(), ports=ports)
        server.wait_until(cluster.answers, READY_LIMIT)
    return cluster


def data_folder(project: Path) -> Path:
    """Where the data lies: below the checkout if the server's user can get there."""
    folder = project / ".local" / "postgres"
    if os.geteuid() != 0 or all(parent.stat().st_mode & SEARCHABLE_BY_OTHERS for parent in (folder, *folder.parents)):
        return folder / "cluster"
    return ELSEWHERE / f"saga-{hashlib.sha256(str(project).encode()).hexdigest()[:16]}"


def _make_folder(folder: Path) -> None:
    """Make the folder for its owner alone. In a folder that everybody can write somebody may have been before us."""
    owner = _system_user().pw_uid if os.geteuid() == 0 else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, owner, -1)
    except FileExistsError:
        found = folder.lstat()
        if found.st_uid != owner or not folder.is_dir() or folder.is_symlink():
            raise BootstrapError(f"{folder} is somebody else's: remove it and try again") from None


def _initialise(cluster: Cluster, console: Console) -> None:
    """Make an empty cluster whose only way in is its user's password."""
    shutil.rmtree(cluster.data, ignore_errors=True)  # what a broken attempt left
    secret = cluster.folder / "password"
    write_private(secret, cluster.password)
    os.chown(secret, cluster.folder.stat().st_uid, -1)
    command = [str(cluster.programs / "initdb"), "-D", str(cluster.data), "-U", USER, "-A", "scram-sha-256"]
    command += [f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-instructions"]
    try:
        with doing(console, "Making a PostgreSQL cluster") as tell:
            run([*_as_its_user(), *command], on_line=tell, variables=_variables(), folder=cluster.folder)
    finally:
        secret.unlink(missing_ok=True)


def _command(cluster: Cluster) -> list[str]:
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(cluster.port),
        "unix_socket_directories": "",
        "max_connections": "200",
    }
    command = [str(cluster.programs / "postgres"), "-D", str(cluster.data)]
    return [*_as_its_user(), *command, *(f"--{name}={value}" for name, value in settings.items())]


def _as_its_user() -> list[str]:
    """What goes before a command so that root's runs as another user: in its own process, which keeps our mark."""
    if os.geteuid() != 0:
        return []
    program = shutil.which("setpriv")
    if program is None:
        raise BootstrapError("setpriv (package util-linux) is needed to run PostgreSQL as another user than root")
    user = _system_user()
    return [program, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise BootstrapError(f"PostgreSQL does not run as root, and there is no user {SYSTEM_USER} for it") from None


def _variables() -> dict[str, str]:
    """The environment without PG...: a person's own client configuration is not for this server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _password(folder: Path) -> str:
    """The user's password, kept beside the server's record: the data knows only its hash."""
    file = folder / "password"
    if not file.exists():
        write_private(file, secrets.token_hex(24))
    return file.read_text()
