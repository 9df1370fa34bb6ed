"""Lengths of time as people read them in pictures."""

UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms"))


def length(milliseconds: int) -> str:
    """A length in the largest unit in which it is a whole number, as `15 min`."""
    unit, word = next((one for one in UNITS if milliseconds % one[0] == 0), UNITS[-1])
    return f"{milliseconds // unit} {word}"
