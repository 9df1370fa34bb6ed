"""A project whose folders are called like our packages: what its author names on the command line is his."""

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from orchestrator.cli import making_way

SAGA = """
from orchestrator import Event, Saga, event, publish
{more}
class Placed(Event):
    id: str

@event
def told(placed: Placed) -> Placed:
    return placed

SAGAS = (Saga("{name}", publish(told), starts_on=Placed, key="id", version=1),)
"""


def saga(folder, *arguments):
    """As the console script runs: the current folder is not on the path."""
    code = "from workers.__main__ import main; main()"
    return subprocess.run([sys.executable, "-P", "-c", code, *arguments], cwd=folder, capture_output=True, text=True)


def write(folder, module, name="mine", more=""):
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SAGA.format(name=name, more=more))


@pytest.mark.parametrize("plain", [True, False], ids=["without __init__", "with __init__"])
@pytest.mark.parametrize("module", ["sagas", "sagas.flows", "workers.flows", "deploy.flows", "workers.relay"])
def test_a_package_of_the_current_folder_comes_before_ours(tmp_path, module, plain) -> None:
    write(tmp_path, module)
    if "." in module and not plain:
        (tmp_path / module.partition(".")[0] / "__init__.py").touch()
    ended = saga(tmp_path, "check", "--sagas", f"{module}:SAGAS")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "mine version 1" in ended.stdout


def test_modules_of_such_a_package_find_each_other(tmp_path) -> None:
    write(tmp_path, "workers.parts")
    write(tmp_path, "workers.flows", more="from workers.parts import told as other")
    assert saga(tmp_path, "check", "--sagas", "workers.flows:SAGAS").returncode == 0


def test_without_one_ours_is_taken(tmp_path) -> None:
    ended = saga(tmp_path, "check")
    assert "fulfil-order version" in ended.stdout


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("workers.flows", "there is no module 'workers.flows'"),
        ("workers.needy", "'workers.needy' imports 'workers.saga_worker', which is not installed"),
        ("workers.broken", "'workers.broken' cannot be imported: ZeroDivisionError"),
    ],
)
def test_a_collision_that_cannot_be_solved_is_named(tmp_path, module, told) -> None:
    write(tmp_path, "workers.needy", more="import workers.saga_worker")
    write(tmp_path, "workers.broken", more="1 / 0")
    ended = saga(tmp_path, "check", "--sagas", f"{module}:SAGAS")
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "'workers' is also the name of a package of saga-orchestrator" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_folder_without_that_package_is_told_too(tmp_path) -> None:
    ended = saga(tmp_path, "check", "--sagas", "workers.flows:SAGAS")
    assert "this folder has none" in ended.stderr


def test_ours_in_a_virtual_environment_inside_the_folder_is_still_ours(tmp_path, monkeypatch) -> None:
    write(tmp_path, "shopworks.flows")
    ours = ModuleType("shopworks")
    ours.__path__ = [str(tmp_path / ".venv" / "lib" / "shopworks")]
    monkeypatch.setitem(sys.modules, "shopworks", ours)
    monkeypatch.setattr(making_way, "OURS", ("shopworks",))
    monkeypatch.chdir(tmp_path)
    with making_way.way_made("shopworks.flows"):
        assert importlib.import_module("shopworks.flows").SAGAS[0].name == "mine"
    with making_way.way_made("shopworks.flows"):
        assert "shopworks.flows" in sys.modules, "made once, the way stays"
