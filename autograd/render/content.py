"""What stands on each card and along each edge: numbers, gradients and how they came about, rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.notation.expressions import expression, function_name, scalar_text, tail, written_to
from autograd.notation.names import pretty
from autograd.notation.numbers import GRID, Shown, number, shape_text, show
from autograd.notation.rule import equation, partial, spread, summed
from autograd.notation.tree import Row, Script, Symbol, Tree, Words, rewrite, right_side
from autograd.notation.unicode import written
from autograd.render.diagram import Card, Edge, Fact, Verdict
from autograd.render.sketch import Detail, Item, Use
from autograd.render.trace import Trace

MOST_TERMS: Final = 4  # of a sum that is written out
_LONGEST_RULE: Final = 32
_G: Final = Symbol("g")
_FEW: Final = 2  # parameters of a module that are told one by one
_LETTERS: Final = {"weight": "W", "bias": "b"}
_SCALAR_SIGNS: Final = {"⊙": "·", "⊘": "/"}
_TIMES: Final = ("⊙", "·")
_COMMUTATIVE: Final = frozenset(("add", "multiply", "maximum", "minimum", "hypot", "logaddexp"))
_RECTIFIERS: Final = ("relu", "maximum")


@dataclass(frozen=True)
class Hand:
    """A gradient that was derived by hand, and what is said of it."""

    gradient: Any
    verdict: Verdict
    remark: str = ""


class Content:
    """What cards and edges say, from the graph and its gradients.

    Args:
        trace: the backward pass.
        symbol: the name of the output.
        values, grads, rules: what is asked for.
        detail: numbers, norms in place of them, or only names and shapes.
        carries: shapes and norms at the edges.
        hand: gradients that were derived by hand, by node.
    """

    def __init__(
        self,
        trace: Trace,
        symbol: str,
        *,
        values: bool = True,
        grads: bool = True,
        rules: bool = False,
        detail: Detail = "numbers",
        carries: bool = False,
        hand: Mapping[Node, Hand] | None = None,
    ) -> None:
        self._gradients = trace.gradients if grads else {}
        self._symbol, self._hand = symbol, hand or {}
        self._values, self._rules, self._detail, self._carries = values, rules, detail, carries
        self._sent: defaultdict[Node, list[tuple[Node, Any]]] = defaultdict(list)
        for pull in trace.pulls:
            self._sent[pull.operand].append((pull.node, pull.gradient))

    def card(self, item: Item, identity: str, home: str) -> Card:
        """The card of an item."""
        kind = item.kind
        if item.node is None and item.array is None:
            summary = Shown(lines=item.summary) if item.summary else None
            return Card(identity, kind, item.name, value=summary, home=home)
        array = np.asarray(item.array)
        shape = shape_text(array.shape, array.dtype)
        if item.call is not None or self._detail != "numbers":
            told = expressed(item) if item.call is None else ""
            facts = () if self._detail == "names" else tuple(self._told(item))
            carried = item.users and all(item.call is not None or user.call is not None for user in item.users)
            told_shape = "" if self._carries and carried else shape
            return Card(identity, kind, item.name, told, item.path, told_shape, facts=facts, home=home)
        gradient = self._gradient(item)
        total, note = self._arrived(item) if gradient is not None else ("", "")
        hand = self._hand.get(item.node) if item.node is not None and gradient is not None else None
        wrong = hand is not None and hand.verdict != "right"
        return Card(
            identity,
            kind,
            item.name,
            expressed(item),
            item.path,
            shape,
            show(array) if self._values else None,
            None if gradient is None else show(gradient),
            total=total,
            note=note,
            home=home,
            sign=_sign(item),
            verdict="" if hand is None else hand.verdict,
            remark="" if hand is None else hand.remark or (_worst(hand.gradient, gradient) if wrong else ""),
            hand=show(hand.gradient) if hand is not None and wrong else None,
        )

    def edge(self, use: Use, ids: Mapping[Item, str]) -> Edge:
        """The edge of a use."""
        source = use.tail
        tail, head, live = ids[source], ids[use.head], source.differentiable
        between = self._carries and source.array is not None and (source.call is not None or use.head.call is not None)
        carried = shape_text(np.shape(source.array)) if between else ""
        if not (live and self._gradients):
            return Edge(tail, head, live, carried=carried)
        rule = self._rule(use) if self._rules else ""
        hand = self._hand.get(source.node) if source.node is not None else None
        astray = hand is not None and hand.verdict == "first wrong"
        return Edge(tail, head, live, False, rule, self._came(use, between), carried, astray)

    # Gradients

    def _gradient(self, item: Item) -> Any:
        """dL/d(value) of an item, or None where it has none to show."""
        if not self._gradients or item.node is None or not item.node.requires_grad:
            return None
        g = self._gradients.get(item.node)  # none where every use has a derivative of zero
        return np.zeros(np.shape(item.array)) if g is None else g

    def _arrived(self, item: Item) -> tuple[str, str]:
        """How the gradient was added up from its uses, and what was summed back: in words, or ("", "")."""
        sent = self._sent.get(item.node, []) if item.node is not None else []
        notes = []
        total = ""
        if len(sent) > 1:
            terms = [float(np.sum(g)) for _, g in sorted(sent, key=lambda one: one[0].order)]
            if np.size(item.array) == 1 and len(terms) <= MOST_TERMS:
                total = added(terms)
            else:
                notes.append(f"sum over {len(sent):,} uses")
        for node in dict.fromkeys(node for node, _ in sent):
            for position, arg in enumerate(node.args or ()):
                if arg is item.node and summed(node, position):
                    notes.append(f"Σ {shape_text(spread(node, position))} → {shape_text(np.shape(item.array))}")
        return total, ", ".join(dict.fromkeys(notes))

    def _came(self, use: Use, between: bool) -> str:
        """What came back along an edge: the number where several are added up, a norm between modules."""
        source = use.tail
        if source.node is None:
            return ""
        if between:
            g = self._gradients.get(source.node)
            return "" if g is None else f"‖g‖ {_norm(g)}"
        sent = self._sent.get(source.node, [])
        if len(sent) < 2 or use.node is None or np.size(source.array) != 1:
            return ""
        mine = [g for node, g in sent if node is use.node]
        before = sum(1 for place in range(use.position) if (use.node.args or ())[place] is source.node)
        return number(np.sum(mine[before])) if before < len(mine) else ""

    def _rule(self, use: Use) -> str:
        """The local rule of a use, with g for the gradient that arrives: `g ⊙ 1[z₁ > 0]`."""
        node, head = use.node, use.head
        if node is None or node.args is None or head.unit is None or len(head.unit.nodes) > 1:
            return ""

        def name(position: int) -> str | None:
            source = head.operands.get(position)
            args = node.args or ()
            return (
                source.symbol if source is not None else scalar_text(args[position]) if position < len(args) else None
            )

        if any(source.symbol == "…" for source in head.operands.values()):
            return ""
        told = right_side(equation(node, use.position, name, head.name, self._symbol))
        scalar = np.ndim(node.value) == 0
        arriving = partial(self._symbol, head.name)

        def change(part: Tree) -> Tree | None:
            if part == arriving:
                return _G
            if isinstance(part, Script) and isinstance(part.sub, Words):  # Σ over axes that the shapes tell
                return part.base
            if scalar and isinstance(part, Symbol) and part.role == "operator" and part.text in _SCALAR_SIGNS:
                return Symbol(_SCALAR_SIGNS[part.text], "operator")
            return None

        changed = rewrite(told, change)
        text = written(_numbers_first(changed) if isinstance(changed, Row) else changed)
        return text if len(text) <= _LONGEST_RULE else "…"

    # Modules and overviews

    def _told(self, item: Item) -> Iterator[Fact]:
        """What an overview says of a value or a module."""
        if item.call is not None and item.unit is not None:
            yield from self._module(item)
            return
        array = np.asarray(item.array)
        if item.kind == "parameter":
            yield Fact("params", f"{array.size:,}", "muted")
        if self._values and item.differentiable:
            alone = array.size == 1
            yield Fact(
                item.name if alone else f"‖{item.name}‖", number(array.flat[0]) if alone else _norm(array), "value"
            )
        g = self._gradient(item)
        if g is not None:
            yield self._partial(item.name, g)

    def _module(self, item: Item) -> Iterator[Fact]:
        parameters = parameters_of(item)
        if parameters:
            yield Fact("params", f"{sum(node.value.size for node in parameters):,}", "muted")
        array = np.asarray(item.array)
        gradients = [(node, self._gradients.get(node)) for node in parameters]
        if 0 < len(parameters) <= _FEW:
            names = {node: short_name(node, position) for position, node in enumerate(parameters)}
            if self._values:
                yield Fact(f"‖{names[parameters[0]]}‖", _norm(parameters[0].value), "value")
            yield from (self._partial(names[node], g) for node, g in gradients if g is not None)
        elif parameters:
            if self._values:
                yield Fact("‖θ‖", _norm(*(node.value for node in parameters)), "value")
            if self._gradients:
                norm = _norm(*(g for _, g in gradients if g is not None))
                yield Fact(f"‖∂{self._symbol}/∂θ‖", norm, "gradient")
        if array.size == 1:
            if self._values:
                yield Fact(self._symbol if item.kind in ("loss", "output") else "value", number(array.flat[0]), "value")
            g = self._gradient(item)
            if g is not None and item.kind in ("loss", "output"):
                yield self._partial(self._symbol, g)
        elif not parameters and self._values:
            zeros = np.count_nonzero(array == 0) / max(array.size, 1)
            rectified = item.unit is not None and tail(item.unit.node.op.name) in _RECTIFIERS
            yield Fact("zeros", f"{zeros:.0%}", "value") if rectified else Fact("‖y‖", _norm(array), "value")

    def _partial(self, name: str, g: Any) -> Fact:
        about = f"∂{self._symbol}/∂{name}"
        if np.size(g) == 1:
            return Fact(about, number(np.sum(g)), "gradient")
        return Fact(f"‖{about}‖", _norm(g), "gradient")


def parameters_of(item: Item) -> list[Node]:
    """What a module's operations use that requires a gradient and was not computed, each once."""
    unit = item.unit
    args = [arg for node in (unit.nodes if unit is not None else ()) for arg in node.args or ()]
    return list(dict.fromkeys(a for a in args if type(a) is Node and a.op is None and a.requires_grad))


def short_name(node: Node, position: int) -> str:
    """What a parameter is called within its module."""
    last = str(node.note("name") or "").rpartition(".")[2]
    return _LETTERS.get(last) or (pretty(last) if last else f"θ{'₁₂'[position % 2]}")


def expressed(item: Item) -> str:
    """What the operation of an item does with the names of its operands."""
    node = item.node
    if node is None or node.op is None:
        return ""
    if node.args is None:
        return f"{function_name(node.op)}(…)"  # freed, and nothing else is known
    if item.unit is not None and len(item.unit.nodes) == 2:  # a write through a view
        value, index = (item.unit.nodes[0].args or (None, None))[:2]
        source, old = item.operands.get(1), item.operands.get(2)
        told = source.symbol if source is not None else scalar_text(value) or "array"
        return written_to(old.symbol if old is not None else "0", index, told)
    operands: list[str] = []
    options: list[tuple[str, Any]] = []
    rules, keys = node.op.vjp, node.op.operands
    for position, arg in enumerate(node.args):
        source = item.operands.get(position)
        text = scalar_text(arg) if source is None else source.symbol
        derived = node.op.variadic or (position < len(rules) and rules[position] is not None)
        if source is not None or (text is not None and derived):
            operands.append(text or "")
        elif isinstance(arg, str) and not operands:  # as the subscripts of einsum
            operands.append(repr(arg))
        else:
            options.append((keys[position] if position < len(keys) else "", arg))
    options.extend(node.kwargs.items())
    return expression(node.op, operands, options)


def added(terms: list[float]) -> str:
    """A sum that is written out, up to its equals sign.

    >>> added([4.0, -1.0])
    '4.00 − 1.00 ='
    """
    text = number(terms[0])
    for term in terms[1:]:
        told = number(term)
        text += f" − {told[1:]}" if told.startswith("−") else f" + {told}"
    return f"{text} ="


def _numbers_first(row: Row) -> Row:
    """Factors that are numbers in front, as one writes them: g ⊙ 2 ⊙ e as 2g ⊙ e, and a 1 not at all."""
    parts = list(row.parts)
    for place in range(len(parts) - 1, 0, -1):
        sign, factor, after = parts[place - 1], parts[place], parts[place + 1] if place + 1 < len(parts) else None
        alone = after is None or (isinstance(after, Symbol) and after.role == "operator")
        if not (isinstance(sign, Symbol) and sign.text in _TIMES and isinstance(factor, Symbol) and alone):
            continue
        if factor.role == "number":
            del parts[place - 1 : place + 1]
            if factor.text != "1":
                parts.insert(1 if parts and parts[0] == Symbol("−", "operator") else 0, factor)
    return Row(tuple(parts))


def _worst(hand: Any, true: Any) -> str:
    """Where two arrays that are too large to be written out differ most."""
    if max(np.shape(hand), default=1) <= GRID:
        return ""
    with np.errstate(all="ignore"):
        place = np.unravel_index(int(np.argmax(np.abs(np.asarray(hand, dtype=np.float64) - true))), np.shape(hand))
    at = ", ".join(str(int(index)) for index in place)
    return f"at [{at}] hand {number(hand[place])}, true {number(np.asarray(true)[place])}"


def _norm(*arrays: Any) -> str:
    with np.errstate(all="ignore"):
        total = np.sqrt(sum(float(np.sum(np.square(np.asarray(a, dtype=np.float64)))) for a in arrays))
    return f"{total:#.2g}".rstrip(".") if 0.005 <= total < 100 else number(total)


def _sign(item: Item) -> str:
    """What a circuit's gate says: the operation, with the numbers that it takes; nothing where it needs names.

    Wires enter a gate in any order, so that one which minds their order has to tell it.
    """
    node = item.node
    if node is None or node.op is None or node.args is None:
        return ""
    name = tail(node.op.name)
    if len(item.operands) > 1 and name not in _COMMUTATIVE:
        return ""
    told = [None if position in item.operands else scalar_text(arg) for position, arg in enumerate(node.args)]
    sign = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "negative": "−", "square": "x²"}.get(name)
    sign = sign or {"sqrt": "√", "reciprocal": "1/x", "absolute": "|x|", "sigmoid": "σ", "exp": "exp"}.get(name)
    if len(told) == 2 and name in ("add", "subtract", "multiply", "divide", "power") and any(told):
        left, right = told
        if name == "power":
            return expression(node.op, [left or "x", right or "x"], [])
        if right is not None:
            return f"{sign} {right.strip('()')}"
        return f"{sign} {left}" if name in ("add", "multiply") else f"{left}{'/' if name == 'divide' else ' − '}x"
    numbers = [text for text in told if text is not None]
    return sign or (
        f"{function_name(node.op)} {' '.join(numbers)}" if numbers and len(told) == 2 else function_name(node.op)
    )
