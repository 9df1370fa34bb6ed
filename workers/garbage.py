"""Garbage collection in a process that works for days."""

from __future__ import annotations

import gc

OBJECTS = 10_000
"""New objects after which the youngest are looked through; Python's own 700 are reached several times in each saga."""


def collect_seldom() -> None:
    """Never again look through what is loaded by now, and seldom through what came after.

    Call it once everything is open. Memory grows by no more than the garbage of so many objects.
    """
    gc.collect()
    gc.freeze()
    _, older, oldest = gc.get_threshold()
    gc.set_threshold(OBJECTS, older, oldest)
