"""The kind and the name of each card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from autograd.core.node import Node
from autograd.notation.names import Scope, pretty, printable
from autograd.notation.naming import Names
from autograd.render.sketch import Item, Sketch
from autograd.render.survey import Survey

_LOSSES: Final = frozenset(("l", "loss", "cost", "error", "objective", "j", "mse", "nll", "bce"))
_ENDS: Final = 32  # operations at each end of a graph that is too large to be looked at


def names_of(survey: Survey, scope: Scope, overrides: Mapping[Node | str, str]) -> Names:
    """The names of a graph; of one that is too large to be looked at, those of its leaves and its ends."""
    nodes = survey.nodes
    if not survey.small:
        nodes = [node for node in nodes if node.op is None]
        nodes += survey.operations[:_ENDS] + survey.operations[-_ENDS:]
    return Names(nodes, scope, overrides)


def label(drawn: Sketch, scope: Scope, overrides: Mapping[Node | str, str], names: Names) -> str:
    """Give every card its kind and its name; the name of the output's value, which a module's card has not."""
    output = drawn.items[-1]
    for item in drawn.items:
        if item.node is None and item.array is None:
            continue
        name = names[item.array if item.node is None else item.node]
        item.given = name.drawn if name.origin == "given" else ""
        if item.call is None:
            item.name, item.path = name.drawn, name.path
        elif item.call.children and not item.path:
            item.path = scope.of_owner(item.call.owner) or ""
        if not item.computed:
            kind = names.kind(item.array if item.node is None else item.node)
            item.kind = "constant" if kind == "index" else kind
        elif item is output:
            item.kind = "loss" if _is_loss(item) else "output"
        elif item.call is not None and not parametric_call(item):
            item.kind = "operation"
    _rename(drawn, overrides)
    if output.call is None:
        return output.name
    return output.given or ("L" if output.kind == "loss" else "out")


def _is_loss(output: Item) -> bool:
    """Whether an output is one number, and called a loss if anything."""
    name = (output.given or "loss").casefold().rstrip("_0123456789₀₁₂₃₄₅₆₇₈₉")
    return output.node is not None and output.node.value.size == 1 and (name in _LOSSES or name.endswith("loss"))


def parametric_call(item: Item) -> bool:
    """Whether the module of a card has parameters."""
    args = [arg for node in (item.unit.nodes if item.unit is not None else ()) for arg in node.args or ()]
    return any(type(arg) is Node and arg.op is None and arg.requires_grad for arg in args)


def _rename(drawn: Sketch, overrides: Mapping[Node | str, str]) -> None:
    """Change the names that somebody gave by the name that would be drawn."""
    known = {alias: item for item in drawn.items for alias in (item.name, item.path, item.given)}
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
