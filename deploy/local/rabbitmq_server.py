"""A RabbitMQ node of this checkout's own in `.local/rabbitmq/`, on loopback only, beside any other broker."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from deploy.local.environment import write_private
from deploy.local.ports import LOOPBACK, choose_ports, responds
from deploy.local.processes import Server
from deploy.local.progress import doing, say
from deploy.local.rabbitmq_install import rabbitmq_scripts
from deploy.local.wellness import is_well

USER = "saga"
VHOST = "saga"
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
READY_LIMIT = 120.0
PLUGINS = ("rabbitmq_management",)
PORTS = ("amqp", "management", "distribution")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the node is, and the password of its only user."""

    ports: dict[str, int]
    password: str

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"amqp://{USER}:{self.password}@{LOOPBACK}:{self.ports['amqp']}/{VHOST}"

    @property
    def management_url(self) -> str:
        """The address of the management API."""
        return f"http://{USER}:{self.password}@{LOOPBACK}:{self.ports['management']}"

    def answers(self) -> bool:
        """Whether clients can connect, by the node's own word."""
        path = f"/api/health/checks/port-listener/{self.ports.get('amqp')}"
        return responds(self.ports.get("management", 0), path, login=f"{USER}:{self.password}")


def rabbitmq_of(project: Path) -> Server:
    """This checkout's node, running or not."""
    return Server("RabbitMQ", project / ".local" / "rabbitmq")


def start_rabbitmq(project: Path, console: Console) -> Broker:
    """Find the node running, or start it.

    Raises:
        BootstrapError: RabbitMQ could not be found, installed or started.
    """
    server = rabbitmq_of(project)
    broker = Broker(server.record().ports, _password(server.folder))
    if is_well(server, broker.answers, console):
        say(console, f"RabbitMQ runs at {LOOPBACK}:{broker.ports['amqp']}")
        return broker
    scripts = rabbitmq_scripts(console)
    say(console, f"RabbitMQ found in {scripts}")
    broker = Broker(choose_ports(PORTS, before=broker.ports), broker.password)
    _configure(server.folder, broker)
    with doing(console, f"Starting RabbitMQ at {LOOPBACK}:{broker.ports['amqp']}"):
        command = ["/bin/sh", str(scripts / "rabbitmq-server")]
        server.start(command, variables=_variables(server.folder, broker), ports=broker.ports)
        server.wait_until(broker.answers, READY_LIMIT)
    return broker


def node_name(password: str) -> str:
    """The node's name: names are shared by all nodes of a machine, so each database has its own, as it has a password.

    Not by the folder: where a checkout was deleted and made anew, the node of the old one may still run.
    """
    return f"saga-{hashlib.sha256(password.encode()).hexdigest()[:8]}@localhost"


def _password(folder: Path) -> str:
    """The user's password, kept beside the database that knows it."""
    file = folder / "password"
    if not file.exists():
        write_private(file, secrets.token_hex(24))
    return file.read_text()


def _configure(folder: Path, broker: Broker) -> None:
    for name in ("data", "log", "home"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lines = {
        "listeners.tcp.1": f"{LOOPBACK}:{broker.ports['amqp']}",
        "management.tcp.ip": LOOPBACK,
        "management.tcp.port": broker.ports["management"],
        "max_message_size": MAX_MESSAGE_BYTES,
        "default_vhost": VHOST,
        "default_user": USER,
        "default_pass": broker.password,
        "default_user_tags.administrator": "true",
        f"loopback_users.{USER}": "true",
    }
    write_private(folder / "rabbitmq.conf", "".join(f"{name} = {value}\n" for name, value in lines.items()))
    (folder / "enabled_plugins").write_text(f"[{','.join(PLUGINS)}].\n")
    (folder / "rabbitmq-env.conf").write_text("")


def _variables(folder: Path, broker: Broker) -> dict[str, str]:
    """The node's environment: ours alone decides, not what a person or the packaged service has set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_", "ERLANG_"))}
    loopback = LOOPBACK.replace(".", ",")
    return {
        **kept,
        # The Erlang cookie is made here; another node of the same person has another one.
        "HOME": str(folder / "home"),
        "RABBITMQ_NODENAME": node_name(broker.password),
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(broker.ports["amqp"]),
        "RABBITMQ_DIST_PORT": str(broker.ports["distribution"]),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        # Without these two the node's name service and its cluster port listen on every interface.
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {{{loopback}}}",
        "ERL_CRASH_DUMP": str(folder / "log" / "erl_crash.dump"),
    }
