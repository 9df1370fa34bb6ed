"""Ports of this machine: what answers on them, and free ones.

Free ports are taken below the range from which the system takes ports for outgoing connections.
"""

import base64
import http
import http.client
import random
import socket
import urllib.request
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


def responds(port: int, path: str, *, login: str = "") -> bool:
    """Whether a server on the port answers an HTTP request with OK within 5 seconds. `login` is user:password."""
    return answer_of(port, path, login=login) is not None


def answer_of(port: int, path: str, *, login: str = "") -> bytes | None:
    """What a server on the port answers to an HTTP request; None if not with OK within 5 seconds."""
    headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
    request = urllib.request.Request(f"http://{LOOPBACK}:{port}{path}", headers=headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=5) as reply:
            content: bytes = reply.read()
            return content if reply.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None


def choose_ports(names: Iterable[str], *, before: dict[str, int]) -> dict[str, int]:
    """A free port per name: the one it had before, or another if that is taken by now."""
    chosen: dict[str, int] = {}
    for name in names:
        port = before.get(name, 0)
        while port in chosen.values() or port not in RANGE or not is_free(port):
            port = random.choice(RANGE)  # noqa: S311 - not a secret
        chosen[name] = port
    return chosen
