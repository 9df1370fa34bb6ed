"""Versions of message types: how a body of an older version becomes one of the newest. Pure.

Only a change that readers of old or new would stumble over needs a new version: a field renamed, split, or meant
otherwise. A field that is added with a default needs none.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

Body: TypeAlias = "dict[str, Any]"
"""A message's body as JSON values, names as they travel."""
Rewrite: TypeAlias = "Callable[[Body], Body]"
MOST_VERSIONS = 9_999
"""Highest version that is read off a message."""


@dataclass(frozen=True, slots=True)
class Upcaster:
    """Makes a body of version `from_version` one of the next. Pure: the same body, the same result.

    Attributes:
        sunset: until when the version is taken; None = it is not deprecated.
    """

    from_version: int
    rewrite: Rewrite
    sunset: date | None = None

    @property
    def name(self) -> str:
        """Name of the author's function."""
        return getattr(self.rewrite, "__name__", type(self.rewrite).__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a declaration. `upcaster`: whose fault it is; None = the message class's."""

    text: str
    upcaster: Upcaster | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of one message type.

    Attributes:
        newest: the one that its class describes, and that is sent. `oldest`: the oldest that is still taken.
        sunset: until when the whole type is taken; None = it is not deprecated.
        upcasters: what leads from each older version to the next, in any order.
        declared: file and line of the class; empty if all is left as it is by default.
    """

    newest: int = 1
    oldest: int = 1
    sunset: date | None = None
    upcasters: tuple[Upcaster, ...] = ()
    declared: tuple[str, int] = ("", 0)

    def faults(self) -> Iterator[Fault]:
        """What is wrong with them, each with its remedy."""
        for name in ("newest", "oldest"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= MOST_VERSIONS:
                word = "version" if name == "newest" else name
                yield Fault(f"{word}={value!r}: count from 1, in whole numbers, to {MOST_VERSIONS} at most")
                return
        if self.oldest > self.newest:
            yield Fault(f"oldest={self.oldest} is above version={self.newest}: name the oldest that is still taken")
            return
        yield from self._links()

    def _links(self) -> Iterator[Fault]:
        known = Counter(one.from_version for one in self.upcasters)
        for version in range(self.oldest, self.newest):
            if not known[version]:
                remedy = f"declare one by @upcasts(..., from_version={version}), or say oldest={version + 1}"
                yield Fault(f"nothing leads from version {version} to {version + 1}: {remedy}")
        for one in self.upcasters:
            if one.from_version not in range(self.oldest, self.newest):
                taken = f"versions {self.oldest} to {self.newest} are taken"
                yield Fault(f"{one.name}() leads from version {one.from_version}, and {taken}: remove it", one)
            elif known[one.from_version] > 1:
                yield Fault(f"{one.name}() is not the only one that leads from version {one.from_version}", one)

    def way(self, version: int) -> tuple[Upcaster, ...]:
        """The upcasters from `version` to the newest, in the order in which they are used; none from the newest.

        Raises:
            LookupError: the version is not taken, or nothing leads from it.
        """
        if not self.oldest <= version <= self.newest:
            raise LookupError(version)
        by_version = {one.from_version: one for one in self.upcasters}
        return tuple(by_version[older] for older in range(version, self.newest))

    def ends(self, version: int) -> date | None:
        """Until when messages of this version are taken, if it is deprecated."""
        ends = [one.sunset for one in self.upcasters if one.from_version == version and one.sunset]
        return min([*ends, *filter(None, [self.sunset])], default=None)

    @property
    def deprecated(self) -> dict[int, date]:
        """The versions that are deprecated, with the date until which each is taken."""
        ends = {version: self.ends(version) for version in range(self.oldest, self.newest + 1)}
        return {version: end for version, end in ends.items() if end is not None}


PLAIN = Versions()
"""One version, as most types have."""


def declared_at() -> tuple[str, int]:
    """File and line of the class statement that is being carried out, behind this package and pydantic."""
    frame = sys._getframe(1)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - a stack trace would cost 100 times more
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in (
        "pydantic",
        __name__.partition(".")[0],
    ):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
