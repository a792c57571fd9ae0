"""What the operations of a statement take, how they are written, and what they send back."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from autograd.core.node import Node
from autograd.notation.blackboard import call_of
from autograd.notation.literals import ATOM, Text
from autograd.notation.rule import equation, partial
from autograd.notation.tree import ADDS, EQUALS, Group, Row, Symbol, Tree, parts_of, right_side, row
from autograd.notation.words import scalar_text
from autograd.program.program import Line, Var
from autograd.render.softmax import (
    Formulas,
    error_of,
    sent_back,
    softmax,
    softmax_text,
    softmaxes_of,
    whole,
)
from autograd.rules.index import scatter
from autograd.rules.write import put

# An operand that is drawn: the node of a Tensor, or a plain array. Each is known by its identity.
Operand = Any


class Argument(NamedTuple):
    """What the operation `node` takes at this position."""

    node: Node
    position: int
    operand: Operand


def drawn_operands(operation: Node) -> dict[int, Operand]:
    """The arguments of an operation that are values: Tensors and arrays, not numbers and indices."""
    op, args = operation.op, operation.args
    if op is None or args is None:
        return {}
    indexed = "index" in op.operands  # its arrays without a derivative say where, not what
    count = len(args) if op.variadic else len(op.operands)
    return {
        position: arg
        for position, arg in enumerate(args)
        if type(arg) is Node
        or (
            position < count
            and isinstance(arg, np.ndarray)
            and arg.ndim > 0
            and not (indexed and op.vjp[position] is None)
        )
    }


def uses_of(nodes: Sequence[Node], operand: Operand) -> list[Argument]:
    """The uses of an operand in a statement; a softmax uses it once."""
    part_of = {part: result for result, one in softmaxes_of(nodes).items() for part in one.inside}
    uses = {part_of.get(one.node, one): one for one in arguments(nodes) if one.operand is operand}
    return [*uses.values()]


def arguments(nodes: Sequence[Node]) -> Iterator[Argument]:
    """What operations take from outside."""
    inside = set(nodes)
    for node in nodes:
        placed = placed_by(node)
        for position, operand in drawn_operands(node).items():
            chooses = placed in inside and position == 0
            if not chooses and (type(operand) is not Node or operand not in inside):
                yield Argument(node, position, operand)


def indexes(node: Node, position: int) -> bool:
    """Whether the argument at a position says where."""
    return position < len(node.op.operands) and node.op.operands[position] == "index"


def placed_by(node: Node) -> Node | None:
    """Of a write through a view, the step before it that places the new value.

    Such a write is recorded as that step, into an array of the owner's shape, and a choice between its result
    and the old values.
    """
    args = node.args
    if not args or node.op.fn is not np.where or len(args) != 3 or not isinstance(args[0], np.ndarray):
        return None
    placed, old = args[1], args[2]
    if type(placed) is not Node or placed.op is None or placed.op.fn is not scatter or not placed.args:
        return None
    return placed if np.shape(getattr(old, "value", old)) == placed.shape else None


def formulas(
    nodes: Sequence[Node],
    operand: Callable[[Operand], Text],
    index: Callable[[Any], str] = lambda array: "",
    numbers: Mapping[tuple[Node, int], Any] = MappingProxyType({}),
) -> dict[Node, Text]:
    """What the operations of a statement compute, with the names of its operands; the last is the whole.

    `index` gives the names of arrays that say where, `numbers` those of numbers that are another one in every round,
    and indices that have such in them.
    """
    inside: dict[Node, Text] = {}
    values: dict[Var, Text] = {}

    def var(argument: Operand) -> Var:
        text = inside[argument] if type(argument) is Node and argument in inside else operand(argument)
        values[drawn := Var(argument)] = text
        return drawn

    write, own = Formulas(values.__getitem__, index), {*nodes}
    for node in nodes:
        if (one := whole(node, own)) is not None and one.shared:
            inside[node] = write(Line(Var(None), softmax, (var(one.taken),), {"axis": one.axis}))
            continue
        line = line_of(node, placed_by(node) if len(nodes) > 1 else None, var, numbers, values)
        inside[node] = write(line)
    return inside


def line_of(
    node: Node,
    placed: Node | None,
    var: Callable[[Operand], Var],
    numbers: Mapping[tuple[Node, int], Any] = MappingProxyType({}),
    values: MutableMapping[Var, Text] | None = None,
) -> Line:
    """The call that gave a node; of a write through a view, that of the write."""
    if placed is None:
        taken = {position: var(arg) for position, arg in drawn_operands(node).items()}
        named = {position: name for (user, position), name in numbers.items() if user is node}
        indices = {node.op.operands[position]: named.pop(position) for position in [*named] if indexes(node, position)}
        for position, name in named.items():
            if values is not None:
                taken[position] = drawn = Var(None)
                values[drawn] = Text(name)
        line = call_of(node, taken)
        return Line(line.target, line.fn, line.args, {**line.kwargs, **indices}, line.origin) if indices else line
    (value, index, _), old = placed.args or (), (node.args or ())[2]
    both = [var(one) if type(one) is Node or np.ndim(one) else one for one in (old, value)]
    return Line(Var(node.value), put, (both[0] if type(both[0]) is Var else 0, both[1]), {"index": index})


def rule_through(
    nodes: Sequence[Node],
    node: Node,
    position: int,
    operand: Callable[[Operand], Text],
    output: str,
    loss: str,
    arriving: Tree | None = None,
    *,
    adds: bool = False,
    index: Callable[[Any], str] = lambda array: "",
) -> Row | None:
    """What a statement sends back to what its operation `node` takes at a position, by the rules of all on the way.

    A softmax on the way is one operation, and so is the cross-entropy of one.

    Args:
        nodes, operand, index: the statement, and the names of what it takes.
        node, position: the use.
        output, loss: the names of its value and of what is differentiated.
        arriving: the gradient of its value, where that is not told as such.
        adds: whether this is one of several contributions.
    """
    texts, softmaxes = formulas(nodes, operand, index), softmaxes_of(nodes)
    result = {part: whole for whole, one in softmaxes.items() for part in one.inside}
    users = {arg: (user, place) for user in nodes for place, arg in enumerate(user.args or ()) if type(arg) is Node}
    path = [(result.get(node, node), position)]
    while path[-1][0] is not nodes[-1]:
        user, place = users[path[-1][0]]
        path.append((result.get(user, user), place))
    if any(placed_by(step) in texts for step, _ in path):
        return None

    def told(argument: Any) -> Text:
        return texts[argument] if type(argument) is Node and argument in texts else operand(argument)

    tree = tree_of_output = arriving if arriving is not None else partial(loss, output)
    path.reverse()
    for at, (step, place) in enumerate(path):
        args = step.args or ()
        if (one := softmaxes.get(step)) is not None:
            value = output if step is nodes[-1] else softmax_text(told(one.taken), one.axis).text
            error = error_of(tree_of_output, value, [*reversed(path[:at])], one, operand, index)
            sent = error if error is not None else sent_back(tree, value)
            sign = ADDS if adds else EQUALS
            rule = row(partial(loss, told(one.taken).text), sign, sent)
            tree = right_side(rule)
            continue

        def name(at: int, args: Sequence[Any] = args) -> str | None:
            arg = args[at] if at < len(args) else None
            drawn = type(arg) is Node or (isinstance(arg, np.ndarray) and arg.ndim)
            return told(arg).inside(ATOM) if drawn else scalar_text(arg)

        value = output if step is nodes[-1] else texts[step].inside(ATOM)
        rule = equation(step, place, name, value, loss, adds=adds, arriving=_grouped(tree))
        tree = right_side(rule)
    return rule


def _grouped(tree: Tree) -> Tree:
    """In brackets, unless it is one thing or a product."""
    signs = {part.text for part in parts_of(tree) if isinstance(part, Symbol) and part.role == "operator"}
    return Group(tree) if signs else tree
