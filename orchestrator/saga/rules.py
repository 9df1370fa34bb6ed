"""The rules that a definition keeps, each with a stable code. docs/definition-rules.md explains them by example."""

from __future__ import annotations

from types import MappingProxyType
from typing import Self

RULES = MappingProxyType(
    {
        "S001": "a function asks for a fact that nothing makes",
        "S002": "a function asks for a fact that is made later",
        "S003": "two steps make a fact of one name",
        "S004": "an annotation is missing, or is not the type of the fact",
        "S005": "an action that is no coroutine, or a builder that is one",
        "S006": "a builder that does not return the message it is declared for",
        "S007": "two steps have one name",
        "S008": "a second pivot on one path",
        "S009": "a pivot inside parallel",
        "S010": "a step before the pivot has neither undo= nor no_undo=",
        "S011": "a step at or behind the pivot has an undo",
        "S012": "an undo that is retried without limit",
        "S013": "a saga, sequence or parallel without parts",
        "S014": "an event lacks the field that names the execution",
        "S015": "a wait without a limit",
        "S016": "a key is neither text nor whole number, or of another type than the saga's",
        "S017": "a reserved or unusable name",
        "S018": "a wait behind the pivot that would abort",
        "S019": "a limit that is not positive, or shorter than one attempt",
        "S020": "an undo that needs a fact which a crash can lose",
        "S021": "a fact or message that is no pydantic model, or cannot be written as JSON",
        "S022": "a version reused with another plan",
        "S023": "an annotation or a reply that cannot be found at run time",
        "S024": "a function counts on a fact that is made only on some way through the flow",
        "S025": "a function whose parameters cannot be filled by name",
        "S026": "a name or version of the saga that cannot be used",
        "S027": "two functions, or two message classes, under one name",
        "S028": "something that is no step, or a do, undo or probe of the wrong kind",
        "S029": "a wait that would start an execution without its trigger",
        "S030": "an argument of the wrong kind",
        "S031": "a retry policy that cannot be meant",
        "S032": "a brief action with a long limit",
        "S033": "a command that goes to two participants",
        "S034": "a message type whose older versions cannot be brought up to date",
        "S035": "a message that its codec cannot carry",
        "W001": "an undo that needs the result of its own step, whose outcome may be unknown",
        "W002": "a step behind the pivot that is retried without limit",
        "W003": "a message type, or a version of one, that is deprecated",
    }
)
"""Code -> what is wrong. `S` refuses the definition; `W` warns: `saga check` shows it, and the saga can be used."""


class Problem(str):
    """One broken rule, as text for people: `S004 text     file.py:41`.

    Attributes:
        code: a key of `RULES`. `text`: what is wrong, which one, and the remedy. `place`: file and line, or empty.
    """

    __slots__ = ("code", "place", "text")

    code: str
    text: str
    place: str

    def __new__(cls, code: str, text: str, place: str = "") -> Self:
        """Refuses a code that is not in `RULES`: each code is documented."""
        assert code in RULES, code  # noqa: S101 - a fault of this package, not of an author
        made = super().__new__(cls, f"{code} {text}     {place}".rstrip())
        made.code, made.text, made.place = code, text, place
        return made


class Findings:
    """What is wrong with one saga, in the order found, each problem once."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def report(self, code: str, text: str, place: str = "") -> None:
        """A rule is broken."""
        self._found.setdefault(Problem(code, text, place))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What refuses the definition."""
        return tuple(problem for problem in self._found if problem.code.startswith("S"))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is worth a look."""
        return tuple(problem for problem in self._found if problem.code.startswith("W"))
