"""Avro schemas that others wrote: refused, if by one of them a few bytes could become a value without bounds.

The library that decodes goes down by recursion in C, which ends the process when it is too deep, and believes a list
that says how many values follow, though each of them may take no byte.
"""

from __future__ import annotations

from typing import Any, cast

from orchestrator.errors import UncarriableError

PRIMITIVES = frozenset({"boolean", "int", "long", "float", "double", "bytes", "string", "enum"})


def check_bounded(schema: Any) -> None:
    """See that values of a schema are no larger than their bytes.

    Args:
        schema: as the library has parsed it, with full names.

    Raises:
        UncarriableError: a type holds itself, or a list holds values that take no byte.
    """
    name = str(cast("dict[str, Any]", schema).get("name", "")) if isinstance(schema, dict) else str(schema)
    _Bounds(name).weighs_nothing(schema, ())


class _Bounds:
    """Looks through one schema. `name`: what it is called when it is refused."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[str, bool] = {}

    def weighs_nothing(self, schema: Any, within: tuple[str, ...]) -> bool:
        """Whether a value of it takes no byte. `within`: the records that it stands in."""
        if isinstance(schema, str):
            return self._named(schema, within)
        if isinstance(schema, list):
            for choice in cast("list[Any]", schema):  # type: ignore[redundant-cast]
                self.weighs_nothing(choice, within)
            return False
        return self._compound(cast("dict[str, Any]", schema), within)

    def _named(self, name: str, within: tuple[str, ...]) -> bool:
        if name in within:
            raise UncarriableError(self._name, "", f"holds {name} inside {name}: a body could nest without end")
        return name == "null" if name in {*PRIMITIVES, "null"} else self._known.get(name, False)

    def _compound(self, schema: dict[str, Any], within: tuple[str, ...]) -> bool:
        kind = schema["type"]
        match kind:
            case "record" | "error":
                name = str(schema["name"])
                inner = (*within, name)
                # All of them are looked at, whatever the first one says.
                light = [self.weighs_nothing(field["type"], inner) for field in schema["fields"]]
                self._known[name] = all(light)
                return self._known[name]
            case "array":
                if self.weighs_nothing(schema["items"], within):
                    raise UncarriableError(self._name, "", "has a list of what takes no byte: it could be endless")
                return False
            case "map":
                self.weighs_nothing(schema["values"], within)
                return False
            case "fixed":
                self._known[str(schema["name"])] = schema["size"] == 0
                return bool(schema["size"] == 0)
            case _:
                return self.weighs_nothing(kind, within)
