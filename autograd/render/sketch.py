"""Which cards a picture has, how they are framed, and which uses of one by another are edges.

A large graph is drawn with its modules as cards, with what repeats drawn once, or with its first and
last operations only. Nodes come in the order of the program, so that a stretch of them can become one card
without making a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import attrgetter
from typing import Any, Final, Literal

import numpy as np

from autograd.core.node import Node
from autograd.notation.expressions import function_name, tail
from autograd.render.calls import Call
from autograd.render.survey import Level, Repeat, Survey, Unit

MOST_LEAVES: Final = 8  # new ones of one operation
_SAID: Final = 3  # sorts of operation that a folded card names

_INDEXING: Final = frozenset(("getitem", "scatter"))  # their arrays say where, not what

Detail = Literal["numbers", "norms", "names"]

# An operand that is drawn: the node of a Tensor, or a plain array. Each is known by its identity.
Operand = Any


@dataclass(frozen=True)
class Plan:
    """How much of a graph is drawn.

    Attributes:
        level: the level of modules that are one card each; see `Survey.units`.
        repeats: whether what repeats is drawn once.
        detail: what cards say: their numbers, norms in place of them, or only names and shapes.
        carries: whether edges say what they carry.
        ends: how many units are drawn at each end, what lies between as one card; None for all.
    """

    level: Level = None
    repeats: bool = False
    ends: int | None = None
    detail: Detail = "numbers"
    carries: bool = False


@dataclass(eq=False)
class Frame:
    """Cards that stand together: a call of a module, or what repeats `count` times."""

    call: Call | None
    count: int = 1
    paths: tuple[str, str] = ("", "")  # of the first and the last repetition
    home: Frame | None = None


@dataclass(eq=False)
class Item:
    """A card in the making. `operands` are the cards that an operation uses, by position.

    A folded card has neither node nor array, but a summary, and knows what it hides: how many operations
    of each name, and the names of their parameters. The card of a module has its call and its unit.
    """

    node: Node | None = None
    array: Any = None
    operands: dict[int, Item] = field(default_factory=dict)
    users: list[Item] = field(default_factory=list)
    differentiable: bool = False
    summary: tuple[str, ...] = ()
    hidden: Counter[str] = field(default_factory=Counter)
    hidden_names: list[str] = field(default_factory=list)
    kind: Any = "operation"
    name: str = ""
    path: str = ""
    given: str = ""
    unit: Unit | None = None
    frame: Frame | None = None

    @property
    def computed(self) -> bool:
        """Whether operations made it."""
        return bool(self.hidden) or (self.node is not None and self.node.op is not None)

    @property
    def symbol(self) -> str:
        """What its value is called in a formula: that of a module's card has a name only if somebody gave it one."""
        if self.kind == "fold":
            return "…"
        return self.name if self.call is None else self.given or "…"

    @property
    def call(self) -> Call | None:
        """The call that this card stands for."""
        return None if self.unit is None else self.unit.call


@dataclass(eq=False)
class Use:
    """An edge: `head` uses `tail`, as the operand at this position of the operation `node`, if it is one."""

    tail: Item
    head: Item
    node: Node | None = None
    position: int = 0


class Sketch:
    """The cards in the order of the program, and the uses of one by another."""

    def __init__(self, survey: Survey, plan: Plan, named: Callable[[Any], bool] = lambda array: False) -> None:
        """Choose the cards.

        Args:
            survey: the graph.
            plan: how much of it is drawn.
            named: whether the caller has a name for an array: what goes into a module under a name is drawn,
                what the module has of its own is not.
        """
        self.items: list[Item] = []
        self.uses: list[Use] = []
        self.frames: list[Frame] = []
        self.operations = len(survey.operations)
        self.whole = True
        self._found: dict[int, Item] = {}
        self._middle: Item | None = None
        self._named = named
        self._frames: dict[tuple[Frame | None, Call], Frame] = {}
        if plan.ends is not None and len(survey.operations) > 2 * plan.ends and not survey.small:
            first, last = survey.operations[: plan.ends], survey.operations[-plan.ends :]
            self._fold_between([Unit([node]) for node in first], survey, [Unit([node]) for node in last])
            return
        units = survey.units(plan.level)
        if plan.ends is not None and len(units) > 2 * plan.ends:
            self._fold_between(units[: plan.ends], survey, units[-plan.ends :])
        else:
            self._draw_all(units, survey.repeated(plan.level) if plan.repeats else [])

    def find(self, operand: Operand) -> Item | None:
        """The card of an operand, if there is one yet. A computed value without one lies in the fold."""
        return self._found.get(id(operand)) or (self._middle if _is_computed(operand) else None)

    # Cards

    def _draw_all(self, units: Sequence[Unit], repeated: Sequence[Repeat]) -> None:
        at = 0
        for repeat in repeated:
            self._draw(units[at : repeat.start])
            block = units[repeat.start : repeat.start + repeat.period]
            last = units[repeat.stop - repeat.period : repeat.stop]
            frame = self._repeat_frame(block, last, repeat)
            items = self._draw(block, frame)
            for position in range(repeat.start + repeat.period, repeat.stop):
                item = items[(position - repeat.start) % repeat.period]
                self._found.update((id(node), item) for node in units[position].nodes)
                self.whole = False
            at = repeat.stop
        self._draw(units[at:])

    def _fold_between(self, first: Sequence[Unit], survey: Survey, last: Sequence[Unit]) -> None:
        between = survey.operations[sum(len(u.nodes) for u in first) : -sum(len(u.nodes) for u in last)]
        self.whole = False
        self._draw(first)
        leaves = [node for node in survey.nodes if node.op is None]
        self._fold(between, [node for unit in last for node in unit.nodes], leaves)
        assert self._middle is not None
        self._middle.frame = self._fold_frame(survey, between)
        self._draw(last)

    def _add(self, item: Item, *operands: Operand) -> Item:
        """Append the card that stands for `operands`."""
        self.items.append(item)
        self._found.update((id(operand), item) for operand in operands)
        return item

    def _leaf(self, operand: Operand) -> Item:
        """The card of an operand that may be new."""
        found = self.find(operand)
        if found is None:
            if type(operand) is Node:
                found = Item(operand, operand.value, differentiable=operand.requires_grad)
            else:
                found = Item(array=operand)
            self._add(found, operand)
        return found

    def _draw(self, units: Sequence[Unit], repeat: Frame | None = None) -> list[Item]:
        return [self._draw_module(unit, repeat) if unit.call else self._draw_operation(unit, repeat) for unit in units]

    def _draw_operation(self, unit: Unit, repeat: Frame | None) -> Item:
        node = unit.node
        used = {position: arg for position, arg in operands(unit).items() if arg is not None}
        self._crowd([operand for operand in used.values() if not self.find(operand)])
        taken = {position: self._leaf(operand) for position, operand in used.items()}
        item = self._add(Item(node, node.value, taken, differentiable=True, unit=unit), *unit.nodes)
        item.frame = self._frame(unit.home, repeat)
        # Two uses of one value are two edges, but of a folded card nobody knows which of its values.
        uses = list(taken.items())
        for place, (position, use) in enumerate(uses):
            if use.array is not None or all(use is not other for _, other in uses[:place]):
                self._connect(use, item, node, position)
        return item

    def _draw_module(self, unit: Unit, repeat: Frame | None) -> Item:
        """A call of a module as one card: what goes into it are edges, what it has of its own is not drawn."""
        call = unit.call
        assert call is not None
        taken = [self._leaf(operand) for operand in self._entering(unit, call)]
        item = Item(unit.node, unit.node.value, dict(enumerate(taken)), differentiable=True, unit=unit)
        item.name, item.path, item.kind = call.caption, call.path, "layer"
        self._add(item, *unit.nodes)
        item.frame = self._frame(unit.home, repeat)
        for use in dict.fromkeys(taken):
            self._connect(use, item)
        return item

    def _entering(self, unit: Unit, call: Call) -> list[Operand]:
        """What goes into a module: what was computed or made before its call; of plain arrays, those with a name.

        Of arrays without one nobody knows whether the module holds them; its first must be its data if nothing
        else is, and a loss takes two.
        """
        inside, entering = set(unit.nodes), dict[int, Operand]()
        arrays: list[Operand] = []
        for node in unit.nodes:
            for arg in _cards(node).values():
                if type(arg) is not Node:
                    arrays.append(arg)
                elif arg.op is not None:
                    entering.update({id(arg): arg} if arg not in inside else {})
                elif not arg.requires_grad and arg.order < call.since:
                    entering[id(arg)] = arg
        guessed = 2 if np.size(unit.node.value) == 1 else 1
        for array in arrays:
            if self._named(array) or len(entering) < guessed:
                entering[id(array)] = array
        return list(entering.values())

    def _connect(self, source: Item, user: Item, node: Node | None = None, position: int = 0) -> None:
        self.uses.append(Use(source, user, node, position))
        source.users.append(user)

    # Frames

    def _frame(self, home: Call | None, repeat: Frame | None) -> Frame | None:
        """The frame of a call, made with those around it; inside `repeat` unless that stands inside the call."""
        if home is None:
            return repeat
        around = repeat.home.call.above if repeat is not None and repeat.home and repeat.home.call else []
        if repeat is not None and home in around:
            return repeat
        key = (repeat, home)
        if key not in self._frames:
            made = Frame(home)
            self._frames[key] = made
            made.home = self._frame(home.parent, repeat)
            self.frames.append(made)
        return self._frames[key]

    def _repeat_frame(self, block: Sequence[Unit], last: Sequence[Unit], repeat: Repeat) -> Frame:
        """The frame of what repeats, inside the calls that all of it stands in."""
        chains = [unit.home.above if unit.home is not None else [] for unit in (*block, *last)]
        common = [call for call in chains[0] if all(call in above for above in chains)]
        home = self._frame(common[0], None) if common else None
        frame = Frame(None, repeat.count, (_path(block, common), _path(last, common)), home)
        self.frames.append(frame)
        return frame

    # Folds

    def _crowd(self, leaves: list[Operand]) -> None:
        """Of too many new operands of one operation, draw all but the first few as one card."""
        distinct = list({id(operand): operand for operand in leaves}.values())
        if len(distinct) > MOST_LEAVES:
            kept = MOST_LEAVES // 2
            for operand in distinct[:kept]:
                self._leaf(operand)
            rest = distinct[kept:]
            live = any(type(operand) is Node and operand.requires_grad for operand in rest)
            self._add(Item(kind="fold", name=f"… {len(rest):,} more", differentiable=live), *rest)
            self.whole = False

    def _fold(self, operations: list[Node], after: list[Node], leaves: list[Node]) -> None:
        """Draw `operations` as one card, with an edge from each card that they use, even if new `after`.

        There may be a million of them, so little here is a loop over them in Python.
        """
        later_operands = chain.from_iterable(_cards(node).values() for node in after)
        later = list(islice((leaf for leaf in later_operands if not _is_computed(leaf)), MOST_LEAVES))
        shown = self._found.keys() | set(map(id, later))
        parameters = {id(leaf): leaf for leaf in leaves if leaf.requires_grad and id(leaf) not in shown}
        passed = chain.from_iterable(node.args for node in operations if node.args is not None)
        used = (shown | parameters.keys()).intersection(map(id, passed))
        for operand in later:
            if id(operand) in used:
                self._leaf(operand)
        tails = [item for key, item in self._found.items() if key in used]
        own = [leaf for key, leaf in parameters.items() if key in used]  # not those of modules that are drawn
        counts = Counter(map(attrgetter("op"), operations))
        hidden: Counter[str] = Counter()
        for op, count in counts.items():
            hidden[op.name] += count
        self._middle = self._add(
            Item(
                kind="fold",
                name=f"… {len(operations):,} operations",
                differentiable=True,
                hidden=hidden,
                hidden_names=[leaf.note("name") for leaf in own if leaf.note("name")],
                summary=_summary(counts, len(own)),
            )
        )
        for item in dict.fromkeys(tails):
            self._connect(item, self._middle)

    def _fold_frame(self, survey: Survey, between: Sequence[Node]) -> Frame | None:
        """The frame that all of what is folded stands in."""
        if not survey.small:
            return None
        chains = [home.above if (home := survey.homes.get(node)) is not None else [] for node in between]
        common = next((call for call in chains[0] if all(call in chain for chain in chains)), None)
        return self._frame(common, None)


def _path(units: Sequence[Unit], around: Sequence[Call]) -> str:
    """Where a block stands: the path of its first module that is not around the other blocks too."""
    for unit in units:
        call = unit.call or unit.home
        inside = [above for above in (call.above if call is not None else ()) if above not in around]
        if inside and inside[-1].path:
            return inside[-1].path
    return ""


def _is_computed(operand: Operand) -> bool:
    return type(operand) is Node and operand.op is not None


def operands(unit: Unit) -> dict[int, Operand]:
    """What the operation of a unit uses, by position: of a write through a view, the value and the old array."""
    if len(unit.nodes) == 1:
        return _cards(unit.node)
    back, chosen = unit.nodes
    old, value = (chosen.args or ())[2], (back.args or ())[0]
    return {2: old if type(old) is Node or np.ndim(old) else None, 1: value if type(value) is Node else None}


def _cards(operation: Node) -> dict[int, Operand]:
    """The arguments of an operation that are drawn as cards: Tensors and arrays, not numbers and indices."""
    op, args = operation.op, operation.args
    if op is None or args is None:
        return {}
    drawn = len(args) if op.variadic else 0 if tail(op.name) in _INDEXING else len(op.operands)
    derived = op.vjp
    return {
        position: arg
        for position, arg in enumerate(args)
        if type(arg) is Node
        or (
            position < drawn
            and isinstance(arg, np.ndarray)
            and arg.ndim > 0
            and (op.variadic or tail(op.name) != "put" or derived[position] is not None)
        )
    }


def _summary(hidden: Counter[Any], parameters: int) -> tuple[str, ...]:
    """What a folded card says: its most frequent operations, and its parameters."""
    counts: Counter[str] = Counter()
    for op, count in hidden.items():
        counts[function_name(op)] += count
    said = counts.most_common(_SAID)  # ties stay in the order of the program
    lines = [f"{count:,} × {name}" for name, count in said]
    rest = counts.total() - sum(count for _, count in said)
    if rest:
        lines.append(f"{rest:,} others" if rest > 1 else "1 other")
    if parameters:
        lines.append(f"{parameters:,} parameters" if parameters > 1 else "1 parameter")
    return tuple(lines)
