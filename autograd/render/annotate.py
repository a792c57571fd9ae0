"""What stands on each card and along each edge: numbers, gradients and how they came about, rules."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeGuard

import numpy as np

from autograd.core.node import Node
from autograd.notation.blackboard import LONGEST
from autograd.notation.literals import ATOM, POWER, PRODUCT, SIGN, SUM, Text
from autograd.notation.names import short_paths
from autograd.notation.numbers import GRID, Shown, number, shape_text, show
from autograd.notation.rule import spread, summed
from autograd.notation.tree import MINUS, Group, Row, Script, Symbol, Tree, parts_of, rewrite, right_side, role_of
from autograd.notation.unicode import written
from autograd.notation.words import function_name, index_text, scalar_text
from autograd.render.diagram import Card, Edge, Fact
from autograd.render.gradients import Contribution, Gradients
from autograd.render.operands import formulas, rule_through, uses_of
from autograd.render.options import Options
from autograd.render.vertices import Plan, Use, Vertex
from autograd.text import printable

MOST_TERMS: Final = 4  # of a sum that is written out
_LONGEST_RULE: Final = 48
_LONGEST_FORMULA: Final = LONGEST + 16  # what could not be broken any further
_MADE: Final = {
    " − ": SUM,
    " + ": SUM,
    " * ": PRODUCT,
    " @ ": PRODUCT,
    " / ": PRODUCT,
    " −": SIGN,
    "²": POWER,
    "³": POWER,
}  # how what was made of a name binds
_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_LOW: Final = 4  # numbers in two lines, which norms would not shorten
_FEW: Final = 2  # parameters of a module that are listed one by one
_SCALAR_SIGNS: Final = {"⊙": "·", "⊘": "/"}
_TIMES: Final = ("⊙", "·")
_PRODUCTS: Final = {"⊙", "⊘", "·", "/"}
_GATES: Final = {"*": "×", "/": "÷", "²": "x²"}  # how a circuit writes these labels
_SYMMETRIC: Final = ("+", "*", "max", "min")  # labels whose operands may be exchanged


class Annotator:
    """Makes cards and edges of vertices and uses, with text from the graph and its gradients."""

    def __init__(
        self,
        gradients: Gradients,
        symbol: str,
        options: Options,
        plan: Plan,
        find: Callable[[Node], Vertex | None] = lambda node: None,
        owner: Callable[[Node], Node] = lambda node: node,
        g: str = "g",
        calls: Mapping[Any, int] | None = None,
    ) -> None:
        """Take the gradients of the output, its name, what is asked, and how much is drawn.

        `find` gives the vertex of a node, `owner` the result of its statement; `g` is the gradient that arrives,
        `calls` tells how often a module was called.
        """
        self._gradients = gradients.of if options.grads else {}
        self._symbol, self._options, self._plan = symbol, options, plan
        self._arrived, self._find, self._owner = gradients.arrived, find, owner
        self._g, self._calls = Symbol(g), calls or {}

    def card(self, vertex: Vertex, identity: str, cluster: str) -> Card:
        """The card of a vertex."""
        kind = vertex.kind
        if vertex.node is None and vertex.array is None:
            summary = Shown(lines=vertex.summary) if vertex.summary else None
            return Card(identity, kind, vertex.name, value=summary, cluster=cluster)
        source = np.asarray(vertex.array) if vertex.node is None else vertex.node
        shape = shape_text(source.shape, source.dtype) + " · stop-gradient" * vertex.stopped
        brief = self._plan.detail == "names" or (self._plan.detail == "norms" and not self._is_low(source.shape))
        brief = brief and vertex.node not in self._options.hand  # what is judged says its numbers
        if vertex.call is not None or brief:
            if self._plan.edge_labels and vertex.users and all(vertex.call or user.call for user in vertex.users):
                shape = ""  # the edges say it
            facts = () if self._plan.detail == "names" else tuple(self._facts(vertex))
            formula, name = formula_of(vertex) if vertex.call is None else "", vertex.name
            if vertex.call is not None and vertex.given:  # the result has a name
                name, formula = ", ".join([*vertex.outputs, vertex.given]), vertex.name
            return Card(identity, kind, name, formula, vertex.path, shape, facts=facts, cluster=cluster)
        value, gradient = vertex.value if self._options.values else None, self._gradient(vertex)
        total, note = self._total(vertex) if gradient is not None else ("", "")
        hand = self._options.hand.get(vertex.node) if vertex.node is not None and gradient is not None else None
        wrong = hand is not None and hand.verdict != "right"
        worst = _largest_error(hand.gradient, gradient) if hand is not None and wrong else ""
        if hand is not None and hand.remark and worst:  # statistics alone hide a transposed gradient
            note = worst
        return Card(
            identity,
            kind,
            vertex.name,
            formula_of(vertex),
            vertex.path,
            shape,
            None if value is None else show(value),
            None if gradient is None else show(gradient),
            total=total,
            note=note,
            cluster=cluster,
            sign=_gate_sign(vertex),
            verdict="" if hand is None else hand.verdict,
            remark="" if hand is None else hand.remark or worst,
            hand=show(hand.gradient) if hand is not None and wrong else None,
        )

    def edge(self, use: Use, ids: Mapping[Vertex, str]) -> Edge:
        """The edge of a use."""
        source, differentiable = use.tail, use.tail.differentiable and use.head.differentiable
        tail, head = ids[source], ids[use.head]
        modules = self._plan.edge_labels and source.array is not None and bool(source.call or use.head.call)
        forward = shape_text(np.shape(source.array)) if modules else ""
        if not (differentiable and self._gradients):
            return Edge(tail, head, differentiable, forward=forward, again=use.again)
        hand = self._options.hand.get(source.node) if source.node is not None else None
        return Edge(
            tail,
            head,
            differentiable,
            again=use.again,
            rule=self._rule(use) if self._options.rules else "",
            gradient=self._norm_of(source) if modules else "" if self._plan.narrow else self._term(use),
            forward=forward,
            wrong=hand is not None and hand.verdict == "first wrong",
        )

    def _is_low(self, shape: tuple[int, ...]) -> bool:
        """Whether the numbers of an array take no more space than norms."""
        few = len(shape) <= 2 and math.prod(shape) <= _LOW and (shape[0] if len(shape) > 1 else 1) <= _LOW / 2
        return few and not self._options.style.modules

    # Gradients

    def _gradient(self, vertex: Vertex) -> Any:
        """dL/d(value) of a vertex, or None where it has none to show."""
        if not self._gradients or vertex.node is None or not (vertex.node.requires_grad and vertex.differentiable):
            return None
        g = self._gradients.get(vertex.node)  # none where every use has a derivative of zero
        return np.zeros(np.shape(vertex.array)) if g is None else g

    def _total(self, vertex: Vertex) -> tuple[str, str]:
        """The gradient as the sum over its uses, and what was summed back: in words, or ("", "")."""
        shares = self._shares(vertex)
        notes = []
        total = ""
        if len(shares) > 1:
            terms = [float(np.sum(share)) for share in shares]
            if np.size(vertex.array) == 1 and len(terms) <= MOST_TERMS:
                total = sum_text(terms)
            else:
                notes.append(f"sum over {len(shares):,} uses")
        for node in dict.fromkeys(one.node for one in self._arrivals(vertex)):
            for position, arg in enumerate(node.args or ()):
                if arg is vertex.node and summed(node, position):
                    notes.append(f"Σ {shape_text(spread(node, position))} → {shape_text(np.shape(vertex.array))}")
        return total, ", ".join(dict.fromkeys(notes))

    def _arrivals(self, vertex: Vertex) -> list[Contribution]:
        return self._arrived.get(vertex.node, []) if vertex.node is not None else []

    def _shares(self, vertex: Vertex) -> list[Any]:
        """What the uses of a value contribute to its gradient, in the order of the program: each statement once."""
        shares: dict[Any, Any] = {}
        for place, one in enumerate(sorted(self._arrivals(vertex), key=lambda one: one.node.order)):
            head, owner = self._find(one.node), self._owner(one.node)
            key = head if head is not None and head.call else owner if owner is not one.node else (owner, place)
            if owner is one.node and owner in shares:  # further operations of its statement
                key = owner
            with np.errstate(all="ignore"):
                shares[key] = shares[key] + one.gradient if key in shares else one.gradient
        return list(shares.values())

    def _norm_of(self, source: Vertex) -> str:
        """The norm of the gradient that comes back from a module."""
        g = self._gradients.get(source.node) if source.node is not None else None
        return "" if g is None else f"‖g‖ {_norm(g)}"

    def _term(self, use: Use) -> str:
        """The number that came back along an edge, where those of several are added up."""
        source, node = use.tail, use.node
        if use.again or np.size(source.array) != 1 or len(source.users) < 2 or len(self._shares(source)) < 2:
            return ""
        terms = [one for one in self._arrivals(source) if self._find(one.node) is use.head]
        if use.head.unit is not None and len(use.head.unit.nodes) == 1 and not use.head.rounds and node is not None:
            before = sum(1 for place in range(use.position) if (node.args or ())[place] is source.node)
            terms = terms[before : before + 1]
        return number(np.sum([np.sum(one.gradient) for one in terms])) if terms else ""

    def _rule(self, use: Use) -> str:
        """The local rule of a use, with g for the gradient that arrives: `g ⊙ 1[z₁ > 0]`."""
        node, head = use.node, use.head
        if use.again or node is None or node.args is None or head.unit is None or head.call or head.rounds:
            return ""
        if "…" in (operand.symbol for operand in head.operands.values()):
            return ""
        nodes, operand = head.unit.nodes, (node.args or ())[use.position]
        # An edge of a statement stands for all uses in it.
        uses = [use] if len(nodes) == 1 else uses_of(nodes, operand)
        texts = [self._rule_of(head, nodes, one.node or node, one.position) for one in uses]
        text = " + ".join(texts).replace("+ −", "− ")
        return text if len(text) <= _LONGEST_RULE and "" not in texts else ""

    def _rule_of(self, head: Vertex, nodes: Sequence[Node], node: Node, position: int) -> str:
        """What one use in the statement of a vertex sends back."""
        operand, index = symbols_of(head), head.index_name
        rule = rule_through(nodes, node, position, operand, head.name, self._symbol, self._g, index=index)
        if rule is None:
            return ""
        scalar = node.ndim == 0

        def change(part: Tree) -> Tree | None:
            if isinstance(part, Script) and role_of(part.sub or part) == "words":  # Σ over axes that the shapes show
                return part.base
            if scalar and isinstance(part, Symbol) and part.role == "operator" and part.text in _SCALAR_SIGNS:
                return Symbol(_SCALAR_SIGNS[part.text], "operator")
            return None

        changed = rewrite(right_side(rule), change)
        text = written(_numbers_first(_opened(changed)) if isinstance(changed, Row) else changed)
        if node.op.fn is operator.getitem and node.args is not None:  # adds to those elements only
            return f"[{index_text(node.args[1], head.index_name)}] += {text}"
        return text

    # Modules and overviews

    def _facts(self, vertex: Vertex) -> Iterator[Fact]:
        """What an overview says of a value or a module."""
        if vertex.call is not None and vertex.unit is not None:
            own = vertex.unit.parameters
            if own:
                calls = self._calls.get(vertex.call.owner, 1)
                yield Fact("params", f"{sum(node.size for node in own):,}", "muted")
                if calls > 1:
                    yield Fact("shared", f"× {calls}", "muted")
                yield from self._parameter_facts(own, vertex.unit.nodes if calls > 1 else ())
            yield from self._result_facts(vertex, bool(own))
            return
        if vertex.kind == "parameter" and self._options.style.modules:
            yield Fact("params", f"{np.size(vertex.array):,}", "muted")
        if self._options.values and vertex.differentiable and vertex.value is not None:
            array = np.asarray(vertex.value)
            text = number(array.flat[0]) if array.size == 1 else _norm(array)
            yield Fact(vertex.name if array.size == 1 else f"‖{vertex.name}‖", text, "value")
        g = self._gradient(vertex)
        if g is not None:
            yield self._gradient_fact(vertex.name, g)

    def _parameter_facts(self, own: list[Node], shared: Sequence[Node]) -> Iterator[Fact]:
        """Norms of a module's parameters and of their gradients: of each, or of all together where there are many.

        Where a module is `shared`, what the operations of this call contribute to the gradient.
        """
        gradients = {node: g for node in own if (g := self._gradients.get(node)) is not None}
        if shared and self._arrived:
            inside = set(shared)
            parts = {node: [c.gradient for c in self._arrived.get(node, ()) if c.node in inside] for node in gradients}
            gradients = {node: sum(part) for node, part in parts.items() if part}
        if len(own) <= _FEW:
            names = {node: _short_name(node, position) for position, node in enumerate(own)}
            if self._options.values:
                yield Fact(f"‖{names[own[0]]}‖", _norm(own[0].value), "value")
            yield from (self._gradient_fact(names[node], g) for node, g in gradients.items())
            return
        if self._options.values:
            yield Fact("‖θ‖", _norm(*(node.value for node in own)), "value")
        if self._gradients:
            yield Fact(f"‖∂{self._symbol}/∂θ‖", _norm(*gradients.values()), "gradient")

    def _result_facts(self, vertex: Vertex, parametric: bool) -> Iterator[Fact]:
        """The result of a module: a number, or the norm of an array that no parameters are behind."""
        last, value = vertex.kind in ("loss", "output"), vertex.value if self._options.values else None
        array = np.asarray(value)
        if np.size(vertex.array) == 1:
            if value is not None:
                yield Fact(self._symbol if last else "value", number(array.flat[0]), "value")
            g = self._gradient(vertex)
            if g is not None and last:
                yield self._gradient_fact(self._symbol, g)
        elif not parametric and value is not None:
            zeros = np.count_nonzero(array == 0) / max(array.size, 1)
            activated = vertex.op is not None and vertex.op.role == "activation"
            yield Fact("zeros", f"{zeros:.0%}", "value") if activated and zeros else Fact("‖y‖", _norm(array), "value")

    def _gradient_fact(self, name: str, g: Any) -> Fact:
        label = f"∂{self._symbol}/∂{name}"
        if np.size(g) == 1:
            return Fact(label, number(np.sum(g)), "gradient")
        return Fact(f"‖{label}‖", _norm(g), "gradient")


def _short_name(node: Node, position: int) -> str:
    """What a parameter is called within its module."""
    path = str(node.get("name") or "")
    return short_paths([path])[path] if path else f"θ{'₁₂'[position % 2]}"


def symbols_of(vertex: Vertex) -> Callable[[Any], Text]:
    """What the operands of a vertex are called in its formula."""

    def symbol(operand: Any) -> Text:
        text = vertex.symbol_of(operand) or scalar_text(operand) or "…"
        bare = _BRACKETS.sub("", f" {text}")
        return Text(text, next((binds for sign, binds in _MADE.items() if sign in bare), ATOM))

    return symbol


def formula_of(vertex: Vertex) -> str:
    """What the statement of a vertex does with the names of its operands."""
    node = vertex.node
    if node is None or node.op is None or vertex.unit is None:
        return ""
    if node.args is None:
        return f"{function_name(node.op)}(…)"  # freed, and nothing else is known
    return printable(
        formulas(vertex.unit.nodes, symbols_of(vertex), vertex.index_name, vertex.numbers)[node].text, _LONGEST_FORMULA
    )


def sum_text(terms: list[float]) -> str:
    """A sum that is written out, up to its equals sign.

    >>> sum_text([4.0, -1.0])
    '4.00 − 1.00 ='
    """
    first, *others = map(number, terms)
    return first + "".join(f" − {term[1:]}" if term.startswith("−") else f" + {term}" for term in others) + " ="


def _opened(row: Row) -> Row:
    """A product without the brackets that it begins with, and with one sign in front."""
    parts, negative = row.parts, False
    while parts and {part.text for part in parts[1:] if _is_operator(part)} <= _PRODUCTS:
        first, rest = parts[0], parts[1:]
        if first == MINUS:
            parts, negative = rest, not negative
        elif isinstance(first, Row):
            parts = (*first.parts, *rest)
        elif isinstance(first, Group) and (not rest or _is_operator(rest[0])):
            inside = parts_of(first.inside)
            if not {part.text for part in inside[1:] if _is_operator(part)} <= _PRODUCTS:
                break  # a sum
            parts = (*inside, *rest)
        else:
            break
    return Row((MINUS, *parts) if negative else parts)


def _is_operator(part: Tree) -> TypeGuard[Symbol]:
    return isinstance(part, Symbol) and part.role == "operator"


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
                parts.insert(1 if parts and parts[0] == MINUS else 0, factor)
    return Row(tuple(parts))


def _largest_error(hand: Any, true: Any) -> str:
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


def _gate_sign(vertex: Vertex) -> str:
    """What a circuit's gate says: the operation, with the numbers that it takes; nothing where it needs names.

    Wires enter a gate in any order, so that one which minds their order has to say it.
    """
    node, op = vertex.node, vertex.op
    if node is None or op is None or node.args is None or vertex.unit is None or len(vertex.unit.nodes) > 1:
        return ""
    label = op.label
    if sum(id(arg) in vertex.operands for arg in node.args) > 1 and label not in _SYMMETRIC:
        return ""
    sign = _GATES.get(label, label)
    constants = [None if id(arg) in vertex.operands else scalar_text(arg) for arg in node.args]
    numbers = [text for text in constants if text is not None]
    if len(constants) != 2 or not numbers:
        return sign
    if label == "^":
        return formulas([node], lambda operand: Text("x"))[node].text
    if label in ("+", "−", "*", "/"):
        left, right = constants
        if right is not None:
            return f"{sign} {right.strip('()')}"
        return f"{sign} {left}" if label in _SYMMETRIC else f"{left}{'/' if label == '/' else ' − '}x"
    return f"{sign} {numbers[0]}"
