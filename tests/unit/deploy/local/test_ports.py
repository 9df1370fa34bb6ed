import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.local.ports import RANGE, choose_ports, is_free, responds


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken) -> None:
    assert not is_free(taken)


def test_each_name_gets_a_port_of_its_own_from_the_range() -> None:
    ports = choose_ports(("a", "b", "c"), before={})
    assert len(set(ports.values())) == 3
    assert all(port in RANGE for port in ports.values())


def test_a_port_is_kept_while_it_is_free() -> None:
    before = choose_ports(("a", "b"), before={})
    assert choose_ports(("a", "b"), before=before) == before


def test_a_port_taken_by_another_is_replaced() -> None:
    before = choose_ports(("a", "b"), before={})
    with socket.create_server(("127.0.0.1", before["a"])):
        after = choose_ports(("a", "b"), before=before)
    assert after["a"] != before["a"]
    assert after["b"] == before["b"]


class Door(BaseHTTPRequestHandler):
    def do_GET(self):
        opened = self.headers.get("Authorization") == "Basic c2FnYTpzZWNyZXQ="
        self.send_response(200 if opened else 401)
        self.end_headers()

    def log_message(self, format, *arguments):
        pass


@pytest.fixture
def door():
    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_server_that_says_ok_responds(door) -> None:
    assert responds(door, "/", login="saga:secret")


def test_a_server_that_refuses_does_not_respond(door) -> None:
    assert not responds(door, "/", login="saga:wrong")


def test_a_port_without_a_server_does_not_respond() -> None:
    assert not responds(choose_ports(("a",), before={})["a"], "/")
