"""The role and the name of each card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from autograd.core.node import Node
from autograd.notation.expressions import tail
from autograd.notation.names import (
    Generator,
    Scope,
    in_order_of_use,
    is_path,
    is_stretched,
    latest,
    made_up,
    pretty,
    printable,
    short_paths,
)
from autograd.render.sketch import Item, Sketch
from autograd.render.survey import Survey

_ASCII: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_LETTERS: Final = {"linear": "z", "matmul": "a", "dot": "a", "softmax": "p"}
_ACTIVATIONS: Final = frozenset(("tanh", "maximum", "relu", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "softplus"))
_LOSSES: Final = frozenset(("l", "loss", "cost", "error", "objective", "j", "mse", "nll", "bce"))
_TARGETS: Final = frozenset(("y", "t", "target", "targets", "label", "labels", "y_true"))


@dataclass(frozen=True)
class Called:
    """What the nodes of a graph are called, however much of it is drawn.

    Attributes:
        paths: the short names of what is called by its path in a module, as drawn.
        made_up: identifiers of what nobody named, the same as in derivations.
    """

    paths: Mapping[Node, str]
    made_up: Mapping[Node, str]


def called(survey: Survey, scope: Scope, overrides: Mapping[Node | str, str]) -> Called:
    """Name the nodes of a graph; of one that is too large to be looked at, only those with a path."""
    leaves = in_order_of_use(survey.operations) if survey.small else [node for node in survey.nodes if node.op is None]
    nodes = dict.fromkeys((*leaves, *survey.operations) if survey.small else leaves)
    given = {node: name for node in nodes if (name := _name_of(node, scope, overrides)) is not None}
    paths = _paths(given)
    if not survey.small:
        return Called(paths, {})
    names = {node: pretty(paths.get(node, name)).translate(_ASCII) for node, name in given.items()}
    return Called(paths, made_up(survey.operations, names))


def label(drawn: Sketch, scope: Scope, overrides: Mapping[Node | str, str], known: Called) -> str:
    """Give every card its kind and its name; the name of the output's value, which a module's card has not."""
    given = {item: name for item in drawn.items if (name := _given(item, scope, overrides)) is not None}
    _kinds(drawn, given)
    for item, name in given.items():
        item.given = pretty(name)
    for item in drawn.items:
        if item.call is not None and item.call.children and not item.path:
            item.path = scope.of_owner(item.call.owner) or ""
    values = {item: name for item, name in given.items() if item.call is None}
    _name(drawn, values, overrides, known)
    _rename(drawn, values, overrides)
    output = drawn.items[-1]
    if output.call is None:
        return output.name
    return output.given or ("L" if output.kind == "loss" else "out")


def _given(item: Item, scope: Scope, overrides: Mapping[Node | str, str]) -> str | None:
    """The name that somebody gave: this call, the Tensor's owner, or the caller's variable."""
    if item.node is None:
        return None if item.array is None else scope.of_array(item.array)
    return _name_of(item.node, scope, overrides)


def _name_of(node: Node, scope: Scope, overrides: Mapping[Node | str, str]) -> str | None:
    return overrides.get(latest(node)) or str(node.note("name") or "").strip() or scope.of(node)


def _kinds(drawn: Sketch, given: Mapping[Item, str]) -> None:
    positions = {item: position for position, item in enumerate(drawn.items)}
    parametric = [
        positions[item]
        for item in drawn.items
        if any(o.differentiable and not o.computed for o in item.operands.values())
        or item.hidden_names
        or (item.call is not None and parametric_call(item))
    ]
    last = max(parametric, default=-1)
    for item in drawn.items:
        if item.call is not None and not parametric_call(item):
            item.kind = "operation"
        if item.kind == "fold" or item.computed:
            continue
        user = item.users[0]
        if item.differentiable:
            item.kind = "parameter"
        elif not any(o.computed for o in user.operands.values()) and not user.hidden:
            item.kind = "data"
        else:
            lost = _is_loss(user) and positions[user] > last and not is_stretched(item.array, user.array)
            item.kind = "target" if lost or given.get(item, "").casefold() in _TARGETS else "constant"
    output = drawn.items[-1]
    scalar = output.node is not None and output.node.value.size == 1
    named = given.get(output, "loss").casefold().rstrip("_0123456789")
    output.kind = "loss" if scalar and (named in _LOSSES or named.endswith("loss")) else "output"


def parametric_call(item: Item) -> bool:
    """Whether the module of a card has parameters."""
    args = [arg for node in (item.unit.nodes if item.unit is not None else ()) for arg in node.args or ()]
    return any(type(arg) is Node and arg.op is None and arg.requires_grad for arg in args)


def _is_loss(item: Item) -> bool:
    """Whether an operation is where predictions meet what they should be."""
    op = item.node.op if item.node is not None else None
    name = item.call.caption.casefold() if item.call is not None else op.name if op is not None else ""
    return any(part in name for part in ("subtract", "loss", "entropy", "mse"))


def _meets_target(item: Item) -> bool:
    return any(operand.kind == "target" for operand in item.operands.values())


def _name(drawn: Sketch, given: Mapping[Item, str], overrides: Mapping[Node | str, str], known: Called) -> None:
    """Make given names fit to be drawn and distinct, then fill in the rest."""
    paths = {item: known.paths[item.node] for item in given if item.node is not None and item.node in known.paths}
    shown = Counter(paths.get(item) or pretty(name) for item, name in given.items())
    taken: set[str] = set()
    for item, name in given.items():
        if item.node is not None and latest(item.node) in overrides:
            item.name = printable(name)
        elif item in paths and shown[paths[item]] == 1:
            item.name, item.path = paths[item], printable(name)
        else:
            item.name = printable(name) if item in paths else pretty(name)
        while item.name in taken:  # two values of one name: W and W′
            item.name += "′"
        taken.add(item.name)
    for item in drawn.items:
        name = pretty(known.made_up.get(item.node, "")) if item.node is not None else ""
        if not item.name and item.users and name and name not in taken:
            item.name = name
            taken.add(name)
    nameless = [item for item in drawn.items if not item.name]
    letters = {item: _letter(item) for item in nameless}
    many = Counter(letters.values())
    for item in drawn.items:
        many.update(_hidden(item))
    generator = Generator(taken, many)
    for item in drawn.items:
        if item in letters:
            item.name = generator.name(letters[item])
        generator.skip(_hidden(item))


def _paths(given: Mapping[Node, str]) -> dict[Node, str]:
    """The short names of what is called by its path in a module, numbered throughout the graph."""
    seen: Counter[str] = Counter()
    keys: dict[Node, str] = {}
    for node, name in given.items():
        if is_path(name):  # two models may have the same paths
            keys[node] = f"{'+' * seen[name]}{name}"
            seen[name] += 1
    short = short_paths(list(keys.values()))
    return {node: short[key] for node, key in keys.items()}


def _rename(drawn: Sketch, given: Mapping[Item, str], overrides: Mapping[Node | str, str]) -> None:
    known = {alias: item for item in drawn.items for alias in (item.name, item.path, given.get(item))}
    renamed = []
    for old, new in overrides.items():
        if not isinstance(old, str):
            continue
        item = known.get(old) or known.get(pretty(old))
        if item is None and not drawn.whole:
            continue
        if item is None:
            names = ", ".join(item.name for item in drawn.items[:20])
            raise ValueError(f"names: nothing in this picture is called {old!r}; there are {names}")
        renamed.append((item, new))
    for item, new in renamed:
        item.name = printable(new)


def _letter(item: Item) -> str:
    """The letter for a value without a name, by its role."""
    if not item.computed:
        array = item.array
        if item.kind == "parameter":
            return "W" if array.ndim > 1 else "w"
        return {"data": "x", "target": "y"}.get(item.kind, "c")
    if not item.users:
        return "L" if item.kind == "loss" else "out"
    if any(_is_loss(user) and _meets_target(user) for user in item.users):
        return "ŷ"
    if _is_loss(item) and _meets_target(item):
        return "e"
    name = tail(item.node.op.name) if item.node is not None and item.node.op is not None else ""
    return _letter_of(name, any(o.kind == "parameter" for o in item.operands.values()))


def _letter_of(name: str, parametric: bool) -> str:
    """The letter of an operation's values; adding a parameter ends a linear step."""
    if name == "add" and parametric:
        return "z"
    return "h" if name in _ACTIVATIONS else _LETTERS.get(name, "v")


def _hidden(item: Item) -> Counter[str]:
    """How many names of each letter a folded card hides."""
    letters: Counter[str] = Counter()
    for name, count in item.hidden.items():
        letters[_letter_of(tail(name), bool(item.hidden_names))] += count
    return letters
