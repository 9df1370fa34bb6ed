"""Real servers for a laptop, tests and CI: Temporal, RabbitMQ and, if asked, PostgreSQL, on loopback only."""

from deploy.local.bootstrap import demo_of, down, up, up_postgres
from deploy.local.environment import Environment, find_environment, read_environment
from deploy.local.errors import BootstrapError

__all__ = [
    "BootstrapError",
    "Environment",
    "demo_of",
    "down",
    "find_environment",
    "read_environment",
    "up",
    "up_postgres",
]
