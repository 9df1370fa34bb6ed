"""Free ports of this machine, below the range from which the system takes ports for outgoing connections."""

import random
import socket
from collections.abc import Iterable

LOOPBACK = "127.0.0.1"
RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port. A connection that is only closing does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether something listens on the port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def choose_ports(names: Iterable[str], *, before: dict[str, int]) -> dict[str, int]:
    """A free port per name: the one it had before, or another if that is taken by now."""
    chosen: dict[str, int] = {}
    for name in names:
        port = before.get(name, 0)
        while port in chosen.values() or port not in RANGE or not is_free(port):
            port = random.choice(RANGE)  # noqa: S311 - not a secret
        chosen[name] = port
    return chosen
