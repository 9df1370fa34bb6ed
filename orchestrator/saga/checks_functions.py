"""Rules about one function of the author, wherever it stands in a flow."""

from __future__ import annotations

import inspect
import re
from inspect import Parameter
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel

from orchestrator.messages import Command, Event
from orchestrator.saga.checks_messages import named
from orchestrator.saga.contexts import ActionContext
from orchestrator.saga.functions import CONTEXT, Function, is_class_of, other_participant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.saga.checks_messages import MessageChecks
    from orchestrator.saga.functions import AnyFunction
    from orchestrator.saga.rules import Findings

PARTICIPANT = re.compile(r"[A-Za-z0-9_][\w.-]{0,99}", re.ASCII)
"""A participant's name is the end of its queue's."""
UNNAMEABLE = {
    Parameter.POSITIONAL_ONLY: "positional only",
    Parameter.VAR_POSITIONAL: "a list of arguments",
    Parameter.VAR_KEYWORD: "a dictionary of arguments",
}


class FunctionChecks:
    """Checks the functions of one saga, each once."""

    def __init__(self, findings: Findings, messages: MessageChecks) -> None:
        self._findings = findings
        self._messages = messages
        self._readable: dict[AnyFunction, bool] = {}
        self._by_name: dict[tuple[str, int], AnyFunction] = {}
        self._senders: dict[str, AnyFunction] = {}

    def check(self, function: object, place: str) -> bool:
        """Whether a function can be read at all; what is wrong with it is reported. `place`: where it is used."""
        if not isinstance(function, Function):
            name = getattr(function, "__name__", None) or repr(function)
            text = f"{name} is not declared: put @action, @command(to=...) or @event above it"
            self._findings.report("S028", text, place)
            return False
        declared = cast("AnyFunction", function)
        if declared not in self._readable:
            self._readable[declared] = self._check(declared)
        return self._readable[declared]

    def _check(self, function: AnyFunction) -> bool:
        if not (self._is_plain(function) and self._takes_names(function) and self._resolves(function)):
            return False
        other = self._by_name.setdefault((function.name, function.version), function)
        if other.call is not function.call:
            text = f"{function.name}() is declared here and in {other.place}: rename one, or give it version=2"
            self._report("S027", text, function)
        self._options(function)
        self._parameters(function)
        self._coroutine(function)
        self._result(function)
        return True

    def _report(self, code: str, text: str, function: AnyFunction) -> None:
        self._findings.report(code, text, function.place)

    def _is_plain(self, function: AnyFunction) -> bool:
        if inspect.isfunction(function.call) and function.name.isidentifier():
            return True
        self._report("S025", f"{function.name} is no plain named function: write it with def", function)
        return False

    def _takes_names(self, function: AnyFunction) -> bool:
        problems = list(_unnameable(function))
        for problem in problems:
            self._report("S025", f"{function.name}() {problem}", function)
        return not problems

    def _resolves(self, function: AnyFunction) -> bool:
        name = function.name
        try:
            _ = function.hints
        except NameError as error:
            text = f"{name}() has an annotation that is not there at run time ({error}): import it outside"
            self._report("S023", f"{text} `if TYPE_CHECKING`", function)
            return False
        except Exception as error:  # noqa: BLE001 - reading an annotation runs what its author wrote
            text = f"{name}() has an annotation that cannot be read: {type(error).__name__}: {error}"
            self._report("S023", text, function)
            return False
        try:
            _ = function.fact_type
        except LookupError as error:
            self._report("S023", f"{name}() builds a command whose reply is not known: {error.args[0]}", function)
            return False
        return True

    def _options(self, function: AnyFunction) -> None:
        version, to = function.version, function.to
        if type(version) is not int or version < 1:
            text = f"{function.name}() has version={version!r}: count from 1, in whole numbers"
            self._report("S030", text, function)
        if function.fault:
            self._report("S030", f"{function.name}(): {function.fault}", function)
        elif function.lane == "command" and to is None:
            text = f"{function.name}() does not say who handles its command: write @command(to='...') above it"
            self._report("S017", text, function)
        elif function.lane == "command" and not (isinstance(to, str) and PARTICIPANT.fullmatch(to)):
            text = f"{function.name}() goes to {to!r}, which names no participant: use letters, digits and . _ -"
            self._report("S017", f"{text} (at most 100)", function)

    def _parameters(self, function: AnyFunction) -> None:
        for name in function.signature.parameters:
            if name not in function.hints:
                self._report("S004", f"{function.name}() does not say what {name} is: annotate it", function)
        if function.takes_context:
            self._context(function)

    def _context(self, function: AnyFunction) -> None:
        if not function.is_action:
            text = f"{function.name}() asks for {CONTEXT!r}, which only actions get: a builder is a pure function"
            self._report("S017", f"{text} of facts", function)
        elif function.hints.get(CONTEXT) not in (ActionContext, None):
            text = f"{function.name}() takes {CONTEXT} as {named(function.hints[CONTEXT])}: it is an ActionContext"
            self._report("S004", text, function)

    def _coroutine(self, function: AnyFunction) -> None:
        is_coroutine = inspect.iscoroutinefunction(function.call)
        if function.is_action and not is_coroutine:
            self._report("S005", f"{function.name}() is an action: write `async def`", function)
        if not function.is_action and is_coroutine:
            text = f"{function.name}() builds a message, so it does no I/O: write `def` without async"
            self._report("S005", text, function)

    def _result(self, function: AnyFunction) -> None:
        result = function.result
        if "return" not in function.hints:
            self._report("S004", f"{function.name}() does not say what it returns: annotate it with ->", function)
        elif function.lane == "command" and not is_class_of(result, Command):
            self._report("S006", f"{function.name}() must return a Command, it returns {named(result)}", function)
        elif function.lane == "publish" and not is_class_of(result, Event):
            self._report("S006", f"{function.name}() must return an Event, it returns {named(result)}", function)
        elif function.is_action and result is not type(None) and not is_class_of(result, BaseModel):
            text = f"{function.name}() returns {named(result)}: a fact is one pydantic model, so that it can be stored"
            self._report("S021", text, function)
        else:
            for model in (result, function.fact_type):
                if is_class_of(model, BaseModel):
                    self._messages.message(model)
            if function.lane == "command":
                self._participant(function)

    def _participant(self, function: AnyFunction) -> None:
        sender = self._senders.setdefault(function.result.message_type, function)
        if problem := other_participant(function, sender):
            self._report("S033", problem, function)


def _unnameable(function: AnyFunction) -> Iterator[str]:
    """What keeps facts from being given by name."""
    for name, parameter in function.signature.parameters.items():
        if parameter.kind in UNNAMEABLE:
            yield f"takes {name} as {UNNAMEABLE[parameter.kind]}: facts are given by name"
        elif parameter.default is not Parameter.empty:
            yield f"has a default for {name}, which is never used: write `{name}: ... | None` if it may be missing"
