"""Two real servers on this machine, for a laptop, tests and CI: Temporal and RabbitMQ, loopback only."""

from deploy.local.bootstrap import down, up
from deploy.local.environment import Environment, find_environment, read_environment
from deploy.local.errors import BootstrapError

__all__ = ["BootstrapError", "Environment", "down", "find_environment", "read_environment", "up"]
