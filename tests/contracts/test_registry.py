"""What we count on of a Confluent-compatible registry. Run against the double made by hand; with SAGA_TEST_REGISTRY=URL
against a real one, which nobody has done yet."""

import os
import secrets
from contextlib import asynccontextmanager

import pytest

from orchestrator.adapters.registry.client import open_registry
from orchestrator.contracts.registered import Registered
from orchestrator.errors import RegistryError
from orchestrator.settings import load_settings
from tests.registry_kit import serving

NUMBER = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}'
WITH_DEFAULT = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":0}]}'
WITHOUT = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}'
SCHEMAS = [
    Registered("AVRO", NUMBER),
    Registered("JSON", '{"type":"object"}'),
    Registered("PROTOBUF", 'syntax = "proto3";\nmessage R {\n  int32 a = 1;\n}\n'),
]


@asynccontextmanager
async def opened():
    if address := os.environ.get("SAGA_TEST_REGISTRY"):
        async with open_registry(address, load_settings()) as registry:
            yield registry
    else:
        async with serving() as address, open_registry(address, load_settings()) as registry:
            yield registry


@pytest.fixture
def subject():
    return f"test/{secrets.token_hex(4)}.x"


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda one: one.kind)
async def test_what_was_registered_is_the_latest_and_again_has_the_same_id(schema, subject) -> None:
    async with opened() as registry:
        assert await registry.latest(subject) is None
        number = await registry.register(subject, schema)
        assert await registry.latest(subject) == schema
        assert await registry.register(subject, schema) == number
        assert await registry.complaints(subject, schema) == ()


async def test_a_subject_that_is_not_there_has_the_level_of_all_and_no_complaints(subject) -> None:
    async with opened() as registry:
        assert await registry.level(subject) in ("BACKWARD", "FORWARD", "FULL", "NONE")
        assert await registry.complaints(subject, SCHEMAS[0]) == ()


async def test_what_it_would_not_take_it_complains_of_and_refuses(subject) -> None:
    async with opened() as registry:
        await registry.register(subject, Registered("AVRO", NUMBER))
        assert await registry.level(subject) == "BACKWARD"
        assert await registry.complaints(subject, Registered("AVRO", WITH_DEFAULT)) == ()
        (told, *_) = await registry.complaints(subject, Registered("AVRO", WITHOUT))
        assert "b" in told
        with pytest.raises(RegistryError, match="is answered 409"):
            await registry.register(subject, Registered("AVRO", WITHOUT))


async def test_what_is_no_schema_is_refused(subject) -> None:
    async with opened() as registry:
        with pytest.raises(RegistryError, match="is answered 422"):
            await registry.register(subject, Registered("JSON", "hello"))
