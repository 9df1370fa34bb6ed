"""Every plan of at most three leaves, as far as the engine can tell them apart.

Trees: every sequence and parallel of leaves, nested. Kinds of leaf before the pivot:

- C, a command with an undo: the engine itself sets the limit of its attempts;
- B, a brief action with an undo: its worker does (durable actions and publishes are the same to the engine: the lane
  is looked at where a limit is set, and by `lookahead`, which begins nothing);
- N, a brief action with nothing to undo;
- W, a wait that turns back when no event comes.

At the pivot P, a durable action; after it R, a retriable command, and V, a wait that goes on without its event. One
stands at most once, in the line of the root, as `saga check` demands.

Left out, because another plan is the same with other names: the order in which the branches of a parallel are written,
a sequence in a sequence and a parallel in a parallel, a node with one child; `unwind="serial"` and
`on_sibling_failure="cancel"` where nothing stands side by side. Sleeps are waits whose time always runs out.
"""

from itertools import combinations_with_replacement, product

from tests.engine_kit import ONCE, TWICE, parallel, pivot, plan_of, retriable, sequence, step, wait

BEFORE = "CBNW"
BEHIND = "RV"


def leaf(kind, number):
    match kind:
        case "C":
            return step(f"c{number}", "command", retry=ONCE, undo_retry=ONCE)
        case "B":
            return step(f"b{number}", retry=TWICE, undo_retry=TWICE)
        case "N":
            return step(f"n{number}", undo=False, retry=ONCE)
        case "W":
            return wait(f"w{number}", event=f"news{number}")
        case "V":
            return wait(f"w{number}", event=f"news{number}", on_timeout="continue", retriable=True)
        case "P":
            return pivot(f"p{number}", retry=ONCE)
        case _:
            return retriable(f"r{number}", "command", retry=ONCE)


def shapes():
    """Every plan as nested tuples, such as ("S", "C", ("P", "B", "W")); strings are leaves."""
    yield from ((one,) for one in (*BEFORE, "P"))
    yield from product(BEFORE, BEFORE)
    yield from product(BEFORE, BEFORE, BEFORE)
    yield from (pair_in_parallel(pair) for pair in combinations_with_replacement(BEFORE, 2))
    yield from ((one, *pair_in_parallel(pair)) for one in BEFORE for pair in combinations_with_replacement(BEFORE, 2))
    yield from ((*pair_in_parallel(pair), one) for one in BEFORE for pair in combinations_with_replacement(BEFORE, 2))
    yield from ((("par", *three),) for three in combinations_with_replacement(BEFORE, 3))
    yield from ((("par", one, ("seq", *pair)),) for one in BEFORE for pair in product(BEFORE, BEFORE))
    yield from around_the_pivot()


def around_the_pivot():
    yield from ((one, "P") for one in BEFORE)
    yield from (("P", one) for one in BEHIND)
    yield from ((*pair, "P") for pair in product(BEFORE, BEFORE))
    yield from ((one, "P", behind) for one, behind in product(BEFORE, BEHIND))
    yield from (("P", *pair) for pair in product(BEHIND, BEHIND))
    yield from ((*pair_in_parallel(pair), "P") for pair in combinations_with_replacement(BEFORE, 2))
    yield from (("P", *pair_in_parallel(pair)) for pair in combinations_with_replacement(BEHIND, 2))


def pair_in_parallel(pair):
    return (("par", *pair),)


def small_plans():
    """Each plan with its name; those with branches twice: undone side by side, and serially with cancelled siblings."""
    for shape in shapes():
        name = spelled(("seq", *shape))
        yield name, plan_of(*build(shape, "drain"))
        if "par" in name:
            yield f"{name} serial", plan_of(*build(shape, "cancel"), unwind="serial")


def spelled(shape):
    return shape if isinstance(shape, str) else f"{shape[0]}({' '.join(map(spelled, shape[1:]))})"


def build(shape, on_failure):
    count = iter(range(1, 10))

    def node(part):
        if isinstance(part, str):
            return leaf(part, next(count))
        children = [node(child) for child in part[1:]]
        return sequence(*children) if part[0] == "seq" else parallel(*children, on_sibling_failure=on_failure)

    return [node(part) for part in shape]
