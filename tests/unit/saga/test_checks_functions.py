"""What a function's signature must say, wherever the function stands."""

import functools
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator import ActionContext, Command, Event, Saga, SagaDefinitionError, action, command, event, publish, step

if TYPE_CHECKING:
    from decimal import Decimal


from orchestrator.saga.plan import StepPlan, leaves


class Placed(Event, type="placed"):
    id: str


class Reserved(Event, type="reserved"):
    ok: bool = True


class Reserve(Command["Reserved"], type="reserve"):
    id: str


class Unanswered(Command, type="unanswered"):  # type: ignore[type-arg]
    id: str


def found(function, *, lane=step) -> list[str]:
    part = publish(function) if lane is publish else step(function, no_undo="a test")
    with pytest.raises(SagaDefinitionError) as raised:
        Saga("broken", part, starts_on=Placed, key="id", version=1)
    return [str(problem) for problem in raised.value.problems]


def only(function, code: str, text: str, *, lane=step) -> None:
    told = found(function, lane=lane)
    assert [one[:4] for one in told] == [code], told
    assert text in told[0]


def test_an_undeclared_function_is_told_what_to_put_above_it() -> None:
    def plain(placed: Placed) -> Reserve:
        return Reserve(id=placed.id)

    only(plain, "S028", "plain is not declared: put @action, @command(to=...) or @event above it")
    only(5, "S028", "5 is not declared")
    only(None, "S028", "None is not declared")


def test_an_annotation_that_is_there_for_checkers_only_is_named() -> None:
    @action
    async def weigh(placed: "Placed | Decimal") -> None: ...

    only(weigh, "S023", "'Decimal' is not defined): import it outside `if TYPE_CHECKING`")


def test_an_annotation_that_is_nonsense_is_named() -> None:
    @action
    async def nonsense(placed: "Placed |") -> None: ...  # type: ignore[valid-type]  # noqa: F722  # pyright: ignore[reportInvalidTypeForm]

    only(nonsense, "S023", "nonsense() has an annotation that cannot be read")


def test_a_command_without_a_declared_reply_is_named() -> None:
    @command(to="stock")
    def ask(placed: Placed) -> Unanswered:
        return Unanswered(id=placed.id)

    only(
        ask,
        "S023",
        'ask() builds a command whose reply is not known: Unanswered does not say what answers it: derive it from Command["ItsReply"]',
    )


def test_parameters_can_be_filled_by_name() -> None:
    @action
    async def listed(*placed: Placed) -> None: ...

    @action
    async def keyed(**placed: Placed) -> None: ...

    @action
    async def placed_only(placed: Placed, /) -> None: ...

    @action
    async def defaulted(placed: Placed | None = None) -> None: ...

    for function, text in (
        (listed, "takes placed as a list of arguments"),
        (keyed, "takes placed as a dictionary of arguments"),
        (placed_only, "takes placed as positional only"),
        (defaulted, "has a default for placed, which is never used"),
    ):
        only(function, "S025", text)


def test_a_lambda_or_an_object_is_no_plain_function() -> None:
    only(event(lambda placed: placed), "S025", "is no plain named function", lane=publish)
    only(event(functools.partial(Placed, id="1")), "S025", "partial is no plain named function", lane=publish)


def test_a_wrapped_function_keeps_its_own_signature() -> None:
    def logged(call: Any) -> Any:
        @functools.wraps(call)
        async def wrapper(*args, **kwargs):
            return await call(*args, **kwargs)

        return wrapper

    @action
    @logged
    async def work(placed: Placed) -> Reserved:
        return Reserved()

    saga = Saga("sound", step(work, no_undo="a test"), starts_on=Placed, key="id", version=1)
    assert [one.do.gives for one in leaves(saga.plan.root) if isinstance(one, StepPlan)] == ["reserved"]


def test_every_parameter_and_result_is_annotated() -> None:
    @action
    async def silent(placed):
        return None

    told = found(silent)
    assert [one[:4] for one in told] == ["S004", "S004"]
    assert "does not say what placed is" in told[0]
    assert "does not say what it returns" in told[1]


def test_any_is_no_type_of_a_fact() -> None:
    @action
    async def loose(placed: Any) -> None: ...

    only(loose, "S004", "loose() takes placed as Any, but it is Placed")


def test_the_context_is_for_actions_and_is_called_by_its_type() -> None:
    @command(to="stock")
    def builder(placed: Placed, ctx: ActionContext) -> Reserve:
        return Reserve(id=placed.id)

    @action
    async def mistyped(placed: Placed, ctx: Placed) -> None: ...

    only(builder, "S017", "which only actions get")
    only(mistyped, "S004", "takes ctx as Placed: it is an ActionContext")


def test_builders_are_pure_and_build_what_they_are_declared_for() -> None:
    @command(to="stock")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    async def slow(placed: Placed) -> Reserve:
        return Reserve(id=placed.id)

    @event  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    def gives_a_command(placed: Placed) -> Reserve:
        return Reserve(id=placed.id)

    only(slow, "S005", "write `def` without async")
    only(gives_a_command, "S006", "must return an Event, it returns Reserve", lane=publish)


def test_an_action_gives_one_model_or_nothing() -> None:
    @action
    async def either(placed: Placed) -> Reserved | None: ...

    only(either, "S021", "either() returns Reserved | None: a fact is one pydantic model")


def test_two_functions_of_one_name_need_two_versions() -> None:
    def declared(version: int):
        @action(version=version)
        async def work(placed: Placed) -> None: ...

        return work

    with pytest.raises(SagaDefinitionError, match=r"S027 work\(\) is declared here and in saga/test_checks_functions"):
        Saga(
            "s",
            step(declared(1), no_undo="-"),
            step(declared(1), no_undo="-", as_="b"),
            starts_on=Placed,
            key="id",
            version=1,
        )
    both = (step(declared(1), no_undo="-"), step(declared(2), no_undo="-", as_="b"))
    assert list(Saga("s", *both, starts_on=Placed, key="id", version=1).handlers) == ["s.work@1", "s.work@2"]
