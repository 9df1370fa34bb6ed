"""A reader against a writer, where a model of pydantic would not get."""

from orchestrator.contracts.reading import Doubt, doubts

TEXT = {"type": "string"}


def test_several_types_in_one_word_are_alternatives() -> None:
    assert doubts({"type": ["string", "null"]}, TEXT) == ()
    (doubt,) = doubts(TEXT, {"type": ["string", "null"]})
    assert doubt.text == "null is not taken: null is sent, only string is taken"


def test_true_takes_everything_and_false_nothing() -> None:
    wide = {"type": "object", "properties": {"a": True}, "required": []}
    narrow = {"type": "object", "properties": {"a": False}, "required": []}
    assert doubts(wide, {"type": "object", "properties": {"a": TEXT}, "required": []}) == ()
    assert [doubt.verdict for doubt in doubts(narrow, {"type": "object", "properties": {"a": TEXT}})] == ["breaks"]


def test_values_have_types_even_if_none_is_written() -> None:
    assert doubts({"type": "integer"}, {"enum": [1, 2]}) == ()
    (doubt,) = doubts({"type": "integer"}, {"enum": [1, "x", None, True, 1.5, [], {}]})
    assert doubt.text.startswith("array or boolean or integer or null or number or object or string is sent")


def test_many_values_are_counted() -> None:
    (doubt,) = doubts({"enum": ["x"]}, {"enum": list("abcdefgh")})
    assert doubt.text == "'a', 'b', 'c', 'd', 'e' and 3 more may be sent, and is not taken"


def test_a_named_field_for_a_mapping_is_held_to_its_values() -> None:
    mapping = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert doubts(mapping, {"type": "object", "properties": {"a": TEXT}}) == (
        Doubt("a", "breaks", "string is sent, only integer is taken"),
    )
    assert doubts(mapping, {"type": "object", "additionalProperties": False}) == ()


def test_a_mapping_for_a_model_is_held_to_its_fields_even_if_none_is_required() -> None:
    model = {"type": "object", "properties": {"a": TEXT}}
    assert doubts(model, {"type": "object", "additionalProperties": TEXT}) == ()
    for sent, text in (
        ({"type": "integer"}, "integer is sent, only string"),
        (True, "anything may be sent, only string"),
    ):
        (doubt,) = doubts(model, {"type": "object", "additionalProperties": sent})
        assert (doubt.place, doubt.text) == ("a", f"{text} is taken")
    (doubt,) = doubts(
        {"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": TEXT}
    )
    assert doubt == Doubt("{}", "breaks", "any field may be sent, and no other is allowed")


def test_references_count_from_their_own_document() -> None:
    reader = {"$ref": "#/$defs/A", "$defs": {"A": {"type": "integer"}}}
    writer = {"$ref": "#/$defs/A", "$defs": {"A": TEXT}}
    assert [doubt.text for doubt in doubts(reader, writer)] == ["string is sent, only integer is taken"]


def test_an_alternative_that_only_a_person_can_judge() -> None:
    reader = {"anyOf": [{"type": "string", "pattern": "a"}, {"type": "integer"}]}
    (doubt,) = doubts(reader, {"anyOf": [{"type": "string", "pattern": "b"}]})
    assert doubt.verdict == "unknown"
