"""A real OpenID provider for tests, canaille, in an environment of its own.

Not in ours: it brings a package `tests`, which would hide this one.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.conftest import PROJECT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HERE = PROJECT / "tests" / "provider"
LOCK = HERE / "requirements.lock"
PATIENCE_S = 100
"""How long it may take to begin: machines that build are busy."""


def interpreter() -> Path:
    """The Python of its environment, which is made at the first call and again when the lock changes."""
    named = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    folder = PROJECT / ".local" / f"provider-{named}"
    if not folder.exists():
        made = folder.with_name(f"{folder.name}.{os.getpid()}")
        venv.create(made, symlinks=True)
        uv = [sys.executable, "-m", "uv", "pip", "sync", "--quiet", "--require-hashes"]
        subprocess.run([*uv, "--python", str(made / "bin" / "python"), str(LOCK)], check=True)
        try:
            made.rename(folder)
        except OSError:  # another process was quicker
            shutil.rmtree(made)
    return folder / "bin" / "python"


@asynccontextmanager
async def open_provider(redirect: str, log: Path) -> AsyncIterator[str]:
    """The provider's address while the block runs; it sends people back to `redirect`."""
    program = (str(await asyncio.to_thread(interpreter)), "-W", "ignore", str(HERE / "serve.py"), redirect)
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *program, cwd=log.parent, stdout=asyncio.subprocess.PIPE, stderr=file
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            address = (await process.stdout.readline()).decode().strip()
        assert address, f"it ended: see {log}"
        yield address
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
