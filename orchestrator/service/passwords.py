"""Passwords: kept as Argon2id in the PHC format, so that cost and salt are told by what is kept."""

from __future__ import annotations

import secrets

import anyio.to_thread
from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MEMORY_KIB, ITERATIONS, LANES, LENGTH, SALT = 19_456, 2, 1, 32, 16
"""What OWASP names as the least for Argon2id: some 0.1 s of one core and 19 MiB for each try."""
AT_ONCE = 2
"""Tries that are reckoned at once in a process: a flood of them waits instead of taking all memory."""
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$i5cLKcmMauLsOSXHaK2qrA$se5zMcZc0gESGUV12TfFf2pX6GL4P8fBvYm4KMGwwzo"
"""Reckoned with where there is no account, so that time does not tell who has one. Nobody's password is behind it."""
_limiter: RunVar[CapacityLimiter] = RunVar("passwords")


async def hashed(password: str) -> str:
    """What is kept of a password."""
    return await anyio.to_thread.run_sync(_hash, password, limiter=_limit())


async def fits(password: str, kept: str) -> bool:
    """Whether this is the password of which `kept` was kept."""
    return await anyio.to_thread.run_sync(_fits, password, kept, limiter=_limit())


def one_time() -> str:
    """A password by chance, 120 bits in groups that can be typed."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(5))


def _hash(password: str) -> str:
    made = Argon2id(
        salt=secrets.token_bytes(SALT), length=LENGTH, iterations=ITERATIONS, lanes=LANES, memory_cost=MEMORY_KIB
    )
    return made.derive_phc_encoded(password.encode())


def _fits(password: str, kept: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), kept)
    except InvalidKey:
        return False
    return True


def _limit() -> CapacityLimiter:
    """One for each event loop."""
    try:
        return _limiter.get()
    except LookupError:
        made = CapacityLimiter(AT_ONCE)
        _limiter.set(made)
        return made
