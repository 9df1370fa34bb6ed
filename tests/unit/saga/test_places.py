"""Places are short, and the same on every machine."""

from orchestrator.saga.places import UNKNOWN, caller_place, place, place_of_class, place_of_function


def asked() -> str:
    return caller_place()


def test_a_place_is_the_last_folder_the_file_and_the_line() -> None:
    assert place("/somewhere/shop/saga.py", 41) == "shop/saga.py:41"


def test_the_caller_is_where_the_asking_function_was_called() -> None:
    told = asked()
    assert (
        told
        == f"saga/test_places.py:{test_the_caller_is_where_the_asking_function_was_called.__code__.co_firstlineno + 1}"
    )


def test_functions_and_classes_have_places() -> None:
    assert place_of_function(asked).startswith("saga/test_places.py:")
    assert place_of_function(len) == UNKNOWN

    class Here:
        pass

    assert place_of_class(Here) == "saga/test_places.py"
    assert place_of_class(type("Made", (), {"__module__": "nowhere"})) == "nowhere"
