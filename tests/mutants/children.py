"""Try faults in child processes, as many at once as there are processors. A child ends with what it found.

Most faults lie in one function or one table: the engine and its tests are loaded once, and each child puts in the faulty
one. Others, in class bodies, need an engine that is loaded with the fault in it, and that is most of what they cost.
"""

import functools
import gc
import importlib
import importlib.abc
import importlib.util
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import sys
import types
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import hypothesis.strategies  # noqa: F401 - what knows nothing of the engine is loaded once here, not in each child
import pydantic  # noqa: F401
import pytest

PROJECT = Path(__file__).resolve().parents[2]
ENGINE = PROJECT / "orchestrator" / "engine"
SECONDS = 30
"""Of a processor's time, for one fault: what takes longer goes on for ever, and so is found."""
FOUND, SURVIVED = 10, 11
"""How a child ends; any other way, but by the end of its time, is a fault of this program."""
SEEDS = 60
PLAIN = ["-p", "no:cacheprovider", "-p", "no:terminal", "-c", os.devnull, "--rootdir", str(PROJECT)]
UNIT = ["tests/unit/engine", "-s", *PLAIN, "--import-mode=importlib", "--noconftest", "--assert=plain"]
"""Without plugins: their start takes longer than all tests of the engine."""


def survivors(faults, is_found):
    """Names of those of `faults` that `is_found`, called in a child, says no to."""
    context, waiting = multiprocessing.get_context("fork"), list(faults)
    running, left = list[Any](), list[str]()
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            fault = waiting.pop(0)
            process = context.Process(target=_child, args=(fault, is_found))
            process.start()
            running.append((fault, process))
        multiprocessing.connection.wait([process.sentinel for _, process in running])
        for one in [one for one in running if not one[1].is_alive()]:
            running.remove(one)
            if _has_survived(*one):
                left.append(one[0].name)
                sys.stdout.write(f"survives: {one[0].name}\n")
                sys.stdout.flush()
    return left


def _child(fault, is_found):
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        ending = FOUND if is_found(fault) else SURVIVED
    os._exit(ending)


def _has_survived(fault, process):
    if process.exitcode not in (FOUND, SURVIVED, -signal.SIGXCPU):
        raise RuntimeError(f"{fault.name}: the child ended with {process.exitcode}")
    return process.exitcode == SURVIVED


def breaks_an_invariant():
    """Whether a seeded schedule shows it."""
    try:
        from tests.properties.plans import Rolled, build
        from tests.properties.test_engine import run

        for seed in range(SEEDS):
            chance = Rolled(seed)
            run(build(chance), chance)
    except Exception:  # noqa: BLE001 - a faulty engine may fail in any way, and any way is found
        return True
    return False


# -- in an engine that is loaded with the fault ----------------------------------------------------------------------


class Faulty(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module of the engine with a fault in it."""

    def __init__(self, fault):
        self.fault = fault

    def find_spec(self, fullname, path, target=None):
        if fullname != f"orchestrator.engine.{self.fault.module}":
            return None
        return importlib.util.spec_from_file_location(fullname, ENGINE / f"{self.fault.module}.py", loader=self)

    def exec_module(self, module):
        exec(self.fault.code, module.__dict__)


def survivors_afresh(faults):
    """Names of survivors; call it in a process that has not imported the engine."""
    return survivors(faults, _is_found_afresh)


def _is_found_afresh(fault):
    sys.meta_path.insert(0, Faulty(fault))
    return breaks_an_invariant() or pytest.main(UNIT) != 0


# -- in the engine that is loaded ------------------------------------------------------------------------------------


class InPlace:
    """A pytest plugin: once the tests are collected it tries the faults, and keeps the survivors in `left`."""

    def __init__(self, faults):
        self.faults = faults
        self.left = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        importlib.import_module("tests.properties.test_engine")
        gc.collect()
        gc.freeze()
        self.left = survivors(self.faults, functools.partial(self._is_found, session))
        return True

    @staticmethod
    def _is_found(session, fault):
        put_in(fault)
        if breaks_an_invariant():
            return True
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return True
        return False


def survivors_in_place(faults):
    """Names of survivors among faults that each lie in one function or one table, from a process of their own."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_collect_and_try, args=(faults, theirs))
    process.start()
    theirs.close()
    left = ours.recv()
    process.join()
    return left


def _collect_and_try(faults, results):
    plugin = InPlace(faults)
    ended = pytest.main(UNIT, plugins=[plugin])
    if plugin.left is None:
        raise RuntimeError(f"the tests could not be collected: {ended}")
    results.send(plugin.left)


def put_in(fault):
    """Give the function the code that has the fault, or all who use a table the faulty one.

    What was remembered of calls of the right function is forgotten.
    """
    if fault.function:
        found = importlib.import_module(f"orchestrator.engine.{fault.module}")
        for name in fault.function.split("."):
            found = vars(found)[name]
        function(found).__code__ = code_at(fault.code, fault.function)
    elif fault.assignments:
        put_in_tables(fault)
    for name in [name for name in sys.modules if name.startswith("orchestrator.engine")]:
        getattr(sys.modules[name], "_cache", {}).clear()
        for value in vars(sys.modules[name]).values():
            getattr(value, "cache_clear", int)()


def put_in_tables(fault):
    right = vars(importlib.import_module(f"orchestrator.engine.{fault.module}"))
    faulty = dict(right)
    exec(fault.assignments, faulty)
    others = {name: (value, faulty[name]) for name, value in right.items() if faulty[name] is not value}
    users = [module for name, module in sys.modules.items() if name.startswith(("orchestrator.", "tests."))]
    for space in map(vars, users):
        for name, (old, new) in others.items():
            if space.get(name) is old:
                space[name] = new


def function(found):
    """The function inside a property, a class method, a cache."""
    while not isinstance(found, types.FunctionType):
        held = [getattr(found, name, None) for name in ("fget", "__func__", "func", "__wrapped__")]
        found = next(one for one in held if one is not None)
    return found


def code_at(code, path):
    """The code of the function of this name within that of a module or class."""
    inner = [one for one in code.co_consts if isinstance(one, types.CodeType)]
    for one in inner:
        if one.co_qualname == path:
            return one
        if path.startswith(f"{one.co_qualname}."):
            return code_at(one, path)
    raise LookupError(path)
