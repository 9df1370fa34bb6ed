"""A page run from its top to its end, as a reader would, in a folder of its own."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from dotenv import dotenv_values

from orchestrator.settings import Settings
from orchestrator.settings.model import variable
from tests.docs.pages import DOCS, Block
from tests.docs.typing_kit import check_typed

KNOWN = {variable(name) for name in Settings.model_fields}
PATIENCE_S = 180.0
"""For a block, however busy the machine is."""
DIFFERS = (
    (r"\x1b\[[0-9;]*m", ""),
    (r"\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b", "HEX"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?: UTC|Z)?", "TIME"),
    (r"\b\d\d:\d\d:\d\d(?:\.\d+)?", "CLOCK"),
    (r"\b\d+(?:\.\d+)? (?:ms|s|µs)\b|\b\d+(?:\.\d+)?(?:ms|s)\b", "LENGTH"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"[ \t]+", " "),
    (r" ?[-─━]{3,}", " ---"),
)
"""What differs from run to run: it is not compared."""


def same(text: str) -> list[str]:
    """The lines of an output, without what differs from run to run."""
    for pattern, instead in DIFFERS:
        text = re.sub(pattern, instead, text)
    return [line.strip() for line in text.splitlines() if line.strip()]


class Run:
    """One page under way."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment}
        self.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.module = ModuleType(f"page_{folder.name.replace('-', '_')}")
        sys.modules[self.module.__name__] = self.module  # pydantic looks names up there
        self.where = folder
        self.printed: str | None = None
        self.running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def prove(self, block: Block) -> None:
        """Prove one block; those before it have been.

        Raises:
            AssertionError: it is not as it says.
        """
        before, self.printed = self.printed, None
        match block:
            case Block(mark="typed") | Block(language="console"):
                check_typed(block)
            case Block(mark="shown"):
                pass
            case Block(mark="starts"):
                self._start(block)
            case Block(language="text"):
                self._compare(block, before)
            case Block(mark="soon"):
                self.printed = self._soon(block)
            case Block(language="sh", title=""):
                self.printed = self._shell(block)
            case Block(language="python", title=""):
                exec(compile("\n" * block.line + block.text, block.page, "exec"), vars(self.module))
            case _:
                self._read(block)
                if block.title:
                    target = self.where / block.title
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(block.text)

    def _read(self, block: Block) -> None:
        match block.language:
            case "python":
                compile(block.text, block.title or str(block), "exec")
            case "json":
                json.loads(block.text)
            case "toml":
                tomllib.loads(block.text)
            case "yaml":
                assert list(yaml.safe_load_all(block.text)), block
            case "env":
                self._settings(block)
            case _:
                assert block.title, f"{block}: nobody can tell what this is"

    def _settings(self, block: Block) -> None:
        file = self.folder / "env"
        file.write_text(block.text)
        named = dotenv_values(file)
        assert named, f"{block}: nothing is set"
        assert set(named) <= KNOWN, f"{block}: no settings: {set(named) - KNOWN}"
        given: dict[str, Any] = {
            field: value for field in Settings.model_fields if (value := named.get(variable(field))) is not None
        }
        Settings(**given)

    def _compare(self, block: Block, before: str | None) -> None:
        assert before is not None, f"{block}: the output of nothing; mark it, or let the command stand before it"
        assert same(block.text) == same(before), f"{block} is not what was printed:\n{before}"

    def compare_pictures(self) -> None:
        """Hold pictures that the page's commands made to those that the page shows under the same name."""
        for picture in self.folder.rglob("*.svg"):
            shown = DOCS / "images" / picture.name
            assert picture.read_text() == shown.read_text(), f"{shown} is not what the page's commands draw"

    def _shell(self, block: Block) -> str:
        script = f"set -aeuo pipefail\n{block.text}\n{{ export -p; declare -p PWD; }} > {self.folder}/.exported\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.where,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=PATIENCE_S,
        )
        assert (done.returncode != 0) == (block.mark == "fails"), f"{block}: {done.returncode}\n{done.stdout}"
        if block.mark != "fails":
            self._keep()
        return done.stdout

    def _soon(self, block: Block) -> str:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._shell(block)
            except AssertionError:
                if time.monotonic() > until:
                    raise

    def _keep(self) -> None:
        told = subprocess.run(
            ["bash", "-c", f"source {self.folder}/.exported; env -0"],
            env=self.environment,
            capture_output=True,
            text=True,
        )
        self.environment = dict(part.split("=", 1) for part in told.stdout.split("\0") if "=" in part)
        self.where = Path(self.environment["PWD"])

    def _start(self, block: Block) -> None:
        for line in (line.partition("#")[0].strip() for line in block.text.splitlines()):
            if line in self.running:
                self._stop(line)
            if line:
                self._begin(line)
        for line in self.running:
            self._wait_until_ready(block, line)

    def _begin(self, line: str) -> None:
        told = self.folder / f".told-{len(self.running)}"
        with told.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {line}"], cwd=self.where, env=self.environment, stdout=file, stderr=file
            )
        self.running[line] = process, told

    def _wait_until_ready(self, block: Block, line: str) -> None:
        process, told = self.running[line]
        until = time.monotonic() + PATIENCE_S
        while "ready" not in (said := told.read_text()):
            assert process.poll() is None, f"{block}: {line} ended\n{said}"
            assert time.monotonic() < until, f"{block}: {line} is not ready\n{said}"
            time.sleep(0.05)

    def _stop(self, line: str) -> None:
        process, told = self.running.pop(line)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        assert process.returncode in (0, 130), f"{line} ended with {process.returncode}\n{told.read_text()}"

    def end(self) -> None:
        """Stop what the page started."""
        sys.modules.pop(self.module.__name__)
        for line in list(self.running):
            self._stop(line)


def settings_of(name: str, folder: Path, **more: Any) -> dict[str, str]:
    """Names of a page's own on the servers, and places of its own for what is kept."""
    return {
        "SAGA_NAME_PREFIX": name,
        "SAGA_TASK_QUEUE": name,
        "SAGA_DATABASE_URL": f"sqlite:///{folder}/.kept/saga.db",
        "SAGA_TRACE_FOLDER": f"{folder}/.kept/traces",
        "COLUMNS": "100",
        **more,
    }
