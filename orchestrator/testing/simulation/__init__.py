"""Runs of the engine and of the real workflow under every kind of bad luck, and the invariants that hold throughout."""
