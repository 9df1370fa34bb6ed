"""What a reference says is read from the document, in whatever markup."""

import pytest

from orchestrator.console.api.outline import Markup, document_types_of, requests_of, type_of

MARKUP = Markup(lambda text: text.replace("<", "&lt;"), lambda name: f"->{name}")
DOCUMENT = {
    "paths": {
        "/things/{id}": {
            "post": {
                "operationId": "make",
                "tags": ["things"],
                "description": "Make <one>.",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "dry", "in": "query", "schema": {"type": "boolean", "description": "do\n  nothing"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {
                    "404": {"description": "none", "content": {"application/problem+json": {}}},
                    "201": {
                        "description": "made",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    },
                },
            },
            "get": {"operationId": "show", "summary": "Show", "responses": {}},
        }
    },
    "components": {
        "schemas": {
            "Thing": {"properties": {"a": {"type": "integer", "description": "how many"}, "b": {}}, "required": ["a"]},
            "Colour": {"enum": ["red", "green"]},
        }
    },
}


def test_a_request_has_its_parameters_its_body_and_its_answers_in_order() -> None:
    show, make = requests_of(DOCUMENT, MARKUP)
    assert (show.method, show.group, show.about, show.parameters, show.answers) == ("GET", "", "Show", [], [])
    assert (make.name, make.method, make.path, make.group, make.about) == (
        *("make", "POST", "/things/{id}", "things"),
        "Make &lt;one>.",
    )
    assert make.parameters == [
        ("id", "path", "needed", "string", ""),
        ("dry", "query", "", "boolean", "do nothing"),
        ("body", "body", "needed", "->Thing", ""),
    ]
    assert make.answers == [("201", "made", "->Thing"), ("404", "none", "application/problem+json")]


def test_a_document_has_its_fields_and_one_without_says_what_it_may_be() -> None:
    colour, thing = document_types_of(DOCUMENT, MARKUP)
    assert (colour.name, colour.about, colour.fields) == ("Colour", "red | green", [])
    assert thing.fields == [("a", "needed", "integer", "how many"), ("b", "", "anything", "")]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (None, ""),
        ({"const": "x"}, "'x'"),
        ({"type": "string", "format": "date-time"}, "string (date-time)"),
        ({"anyOf": [{"type": "array", "items": {"$ref": "#/a/B"}}, {"type": "null"}]}, "list of ->B | null"),
        ({"oneOf": [{"type": "integer"}, {"enum": ["<", 2]}]}, "integer | &lt; | 2"),
    ],
)
def test_a_type_is_told_in_a_few_words(schema, words) -> None:
    assert type_of(schema, MARKUP) == words
