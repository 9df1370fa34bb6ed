from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from pydantic import SecretStr

from deploy.local.environment import Environment
from deploy.local.rabbitmq_server import MAX_MESSAGE_BYTES
from deploy.local.temporal_server import DYNAMIC_CONFIG, NAMESPACE, PRAGMAS, SEARCH_ATTRIBUTES
from orchestrator.settings import Settings

FILE = Path(__file__).parents[3] / "deploy" / "compose.yaml"
DOCUMENT = yaml.safe_load(FILE.read_text())
SERVICES = DOCUMENT["services"]
VARIABLES = DOCUMENT["x-saga-environment"]


def published():
    return {line for service in SERVICES.values() for line in service["ports"]}


def test_every_port_is_published_on_loopback_only_and_under_its_own_number() -> None:
    for line in published():
        host, outside, inside = line.split(":")
        assert (host, outside) == ("127.0.0.1", inside)


def test_the_variables_are_those_of_the_local_environment() -> None:
    assert set(VARIABLES) == set(Environment.of(VARIABLES).variables())
    assert set(VARIABLES) | {"SAGA_DATABASE_URL"} == set(
        Environment.of({**VARIABLES, "SAGA_DATABASE_URL": "x"}).variables()
    )


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_variable_with_a_port_names_one_that_is_published(name) -> None:
    if name == "SAGA_TEMPORAL_NAMESPACE":
        assert VARIABLES[name] == NAMESPACE
        return
    address = VARIABLES[name] if "//" in VARIABLES[name] else f"//{VARIABLES[name]}"
    parts = urlsplit(address)
    assert f"{parts.hostname}:{parts.port}:{parts.port}" in published()


def test_the_servers_are_where_the_settings_look_by_default() -> None:
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert VARIABLES["SAGA_TEMPORAL_ADDRESS"] == defaults["temporal_address"]
    assert VARIABLES["SAGA_TEMPORAL_NAMESPACE"] == defaults["temporal_namespace"]
    assert isinstance(defaults["rabbitmq_url"], SecretStr)
    assert VARIABLES["SAGA_RABBITMQ_URL"] == defaults["rabbitmq_url"].get_secret_value()


@pytest.mark.parametrize("name", ["SAGA_TEMPORAL_ADDRESS", "SAGA_RABBITMQ_URL", "SAGA_RABBITMQ_MANAGEMENT_URL"])
def test_the_text_tells_what_to_set_and_to_what(name) -> None:
    assert f"export {name}={VARIABLES[name]}\n" in FILE.read_text()


def test_temporal_is_set_up_as_the_local_server_is() -> None:
    command = SERVICES["temporal"]["command"]
    assert [word for word in command if word.startswith("--dynamic-config-value")] == [
        f"--dynamic-config-value={name}={value}" for name, value in DYNAMIC_CONFIG.items()
    ]
    assert {f"--search-attribute={name}=Keyword" for name in SEARCH_ATTRIBUTES} <= set(command)
    assert {f"--sqlite-pragma={name}={value}" for name, value in PRAGMAS.items()} <= set(command)


def test_rabbitmq_takes_messages_of_the_same_size_as_the_local_node() -> None:
    [source] = SERVICES["rabbitmq"]["configs"]
    content = DOCUMENT["configs"][source["source"]]["content"]
    assert f"max_message_size = {MAX_MESSAGE_BYTES}" in content.splitlines()


def test_what_is_kept_is_declared() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert used == set(DOCUMENT["volumes"])
