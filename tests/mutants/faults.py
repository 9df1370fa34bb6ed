"""Small faults for a module: each is its syntax tree with one thing changed, and a name that says which."""

import __future__

import ast
import types
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from inspect import CO_OPTIMIZED

COMPARED = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}
CALLED = {"any": "all", "all": "any", "min": "max"}


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: place and change, the same as long as the line is.
        code: the whole module with it.
        function: the one function that it changes, if it is that.
        assignments: the module's assignments from the one on that it changes, if it is that: others may be made of it.
    """

    module: str
    name: str
    code: types.CodeType
    function: str = ""
    assignments: types.CodeType | None = None

    @property
    def needs_loading(self):
        """Whether it lies in a class body: only a module that is loaded with it has it."""
        return not (self.function or self.assignments)


def faults_of(module, text, part=""):
    """Every fault of one module whose name has `part` in it, in the order of its lines."""
    tree, seen = ast.parse(text), Counter[str]()
    right = compiled(module, tree)
    for place, (where, node) in enumerate(spots(tree)):
        for number, (before, after) in enumerate(changes(node)):
            label = f"{module} {where}: {before} -> {after}"
            seen[label] += 1
            name = label + (f" #{seen[label]}" if seen[label] > 1 else "")
            if part in name:
                faulty = with_change(text, place, number)
                code = compiled(module, faulty)
                yield Fault(module, name, code, changed_function(right, code) or "", assignments(tree, faulty))


def with_change(text, place, number):
    """The tree with one of the changes that one of its nodes may have."""
    tree = ast.parse(text)
    _, node = list(spots(tree))[place]
    _, change = list(changed(node))[number]
    change()
    return ast.fix_missing_locations(tree)


def no_fault(module, text):
    """The module as it is, loaded with nothing, or put in with nothing."""
    return Fault(module, "none", compiled(module, ast.parse(text)))


def assignments(right, faulty):
    """The faulty tree's assignments from the changed one on; None if it is no assignment that has changed."""
    pairs = zip(right.body, faulty.body, strict=True)
    first = next(number for number, pair in enumerate(pairs) if ast.dump(pair[0]) != ast.dump(pair[1]))
    kinds = ast.Assign | ast.AnnAssign
    if not isinstance(faulty.body[first], kinds):
        return None
    rest: list[ast.stmt] = [statement for statement in faulty.body[first:] if isinstance(statement, kinds)]
    return compiled("assignments", ast.Module(rest, []))


def compiled(module, tree):
    return compile(tree, f"{module}.py", "exec", flags=__future__.annotations.compiler_flag)


def changed_function(right, faulty):
    """The outermost function whose code alone differs; None if anything else does."""
    if outside(right) != outside(faulty):
        return None
    pairs = [(one, other) for one, other in zip(codes(right), codes(faulty), strict=True) if one != other]
    if len(pairs) != 1 or pairs[0][0].co_name.startswith("<"):
        return None
    one, other = pairs[0]
    is_class = not one.co_flags & CO_OPTIMIZED
    return changed_function(one, other) if is_class else one.co_qualname


def outside(code):
    """What a module or a class body does itself, without the functions in it."""
    return code.co_code, code.co_names, [repr(one) for one in code.co_consts if not isinstance(one, types.CodeType)]


def codes(code):
    return [one for one in code.co_consts if isinstance(one, types.CodeType)]


def spots(tree):
    """All nodes that a fault may lie in, each with the name of its function or class."""

    def walk(node, where):
        for child in ast.iter_child_nodes(node):
            inside = where
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inside = f"{where}.{child.name}" if where else child.name
            if is_never_felt(child) or child in annotations(node):
                continue
            yield inside or "module", child
            yield from walk(child, inside)

    return walk(tree, "")


def annotations(node):
    return [getattr(node, name, None) for name in ("annotation", "returns")]


def is_never_felt(node):
    """Imports, docstrings, what only type checkers read, how a dataclass lies in memory: no effect when run."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "dataclass"
    return isinstance(node, ast.Import | ast.ImportFrom | ast.arg | ast.Assert) or (
        isinstance(node, ast.AnnAssign) and ("TypeAlias" in ast.unparse(node.annotation) or node.value is None)
    )


def changes(node):
    """What each change is, as text before and after."""
    for number in range(len(list(changed(node)))):
        before, change = list(changed(deepcopy(node)))[number]
        yield before, change()


def changed(node):
    """Pairs of text before and a function that makes the change in place and gives the text after."""
    text = short(node)

    def by(act):
        def change():
            act()
            return short(node)

        return text, change

    match node:
        case ast.Compare() if type(node.ops[0]) in COMPARED:
            yield by(lambda: node.ops.__setitem__(0, COMPARED[type(node.ops[0])]()))
        case ast.BoolOp():
            yield by(lambda: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And()))
        case ast.BinOp() | ast.AugAssign() if type(node.op) in COMPUTED:
            yield by(lambda: setattr(node, "op", COMPUTED[type(node.op)]()))
        case ast.IfExp():
            yield by(lambda: swap(node, "body", "orelse"))
        case ast.Constant() if isinstance(node.value, bool):
            yield by(lambda: setattr(node, "value", not node.value))
        case ast.Constant() if isinstance(node.value, int):
            more = node.value + 1
            yield by(lambda: setattr(node, "value", more))
        case ast.Call(func=ast.Name(id=name)) if name in CALLED:
            yield by(lambda: setattr(node.func, "id", CALLED[name]))
        case ast.Dict() if len(node.keys) > 1:
            for place, key in enumerate(node.keys):
                yield f"{short(node)} with {short(key) if key else short(node.values[place])}", drop_entry(node, place)
        case ast.Set() if len(node.elts) > 1:
            for place, element in enumerate(node.elts):
                yield f"{short(node)} with {short(element)}", drop_element(node, place)
        case _:
            pass
    yield from statements(node)


def drop_entry(node, place):
    def change():
        del node.keys[place], node.values[place]
        return "without"

    return change


def drop_element(node, place):
    def change():
        del node.elts[place]
        return "without"

    return change


def swap(node, one, other):
    first, second = getattr(node, one), getattr(node, other)
    setattr(node, one, second)
    setattr(node, other, first)


def statements(node):
    """A statement that changes something is left out; a condition is turned round; a value is not given back."""
    for body in ("body", "orelse"):
        block = getattr(node, body, None)
        for place, statement in enumerate(block if isinstance(block, list) else []):
            if changes_something(statement):
                yield short(statement), leave_out(block, place)
    if isinstance(node, ast.If | ast.While):
        yield f"if {short(node.test)}", turn_round(node)


def changes_something(statement):
    """Whether leaving it out leaves no name undefined, and is felt."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
            return False  # for type checkers: no value is left that could come there
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.AugAssign():
            return True
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            return True
        case _:
            return False


def leave_out(block, place):
    def change():
        block[place] = ast.Pass()
        return "pass"

    return change


def turn_round(node):
    def change():
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return "if not"

    return change


def short(node):
    """The code of a node in one line."""
    line = " ".join(ast.unparse(node).split())
    return line if len(line) <= 90 else line[:87] + "..."
