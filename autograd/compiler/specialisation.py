"""A recording as code, bound to its memory: the calls that it serves, its statements, and what it gives back."""

from __future__ import annotations

from functools import partial
from operator import attrgetter, is_
from sys import getrefcount
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.compiler.guards import Guards, Reading
from autograd.compiler.names import Names, function_of
from autograd.compiler.plan import Plan, without_copies
from autograd.compiler.recording import Recording
from autograd.compiler.state import Place
from autograd.core.node import Node, write_order
from autograd.core.tensor import wrap
from autograd.program.program import Program, Var, shortened

STALE = object()
_GRAD = attrgetter("grad")
_OF_ITS_LEAF = next(map(getrefcount, [np.empty(0)])) + 1  # how often an array counts that a list and its leaf hold


class Specialisation:
    """One recording: what calls it serves, and the code that does.

    Attributes:
        flat: how many arguments a call has, if each of them is a leaf; else None.
        folded: settings that the code holds as they were.
        source, program: the code, and the lines that it computes.
        calls: how many NumPy calls were recorded.
        nbytes: of its own memory; saved: what allocating each result would take beyond that.
    """

    def __init__(self, recorded: Recording) -> None:
        effects = recorded.effects
        self.flat = len(recorded.tree.leaves) if recorded.flat else None
        self.calls = len(recorded.trace.lines)
        self.folded = tuple(sorted({place.name for place, value in effects.guards if _is_setting(value)}))
        self._names = Names(recorded.names)
        self._names.objects["STALE"] = STALE
        self._plan(recorded)
        self._cleared = effects.cleared
        self._rebound = [(place, isinstance(before, Tensor)) for place, before, _ in effects.rebound]
        self._same_as = [effects.held.index(held) for held in effects.held]  # the first place that holds the same array
        self._tree = effects.result
        self._results = [(k, is_tensor) for k, (_, is_tensor) in effects.results.items()]
        single = len(self._results) == len(self._tree.leaves) == 1 and self._tree.filled([self]) is self
        self._alone = single and not (self._added or self._cleared or self._rebound)
        self._work_on_arrays()

    def _plan(self, recorded: Recording) -> None:
        """The program, the statements that compute it, and the guards that go before them."""
        effects, changed = recorded.effects, [array for array in recorded.arrays if array[1] is not array[2]]
        held = [var for _, _, var in effects.rebound]
        ends = [*(var for _, var in effects.gradients), *held, *(last for _, _, last in changed)]
        ends += [var for var, _ in effects.results.values()]
        lines, same = shortened(recorded.trace.lines, ends, partial(without_copies, {}))
        self.program = Program(recorded.trace.inputs, lines, dict(enumerate(same.get(var, var) for var in ends)))

        readings = self._readings(recorded)
        named = {var: name for var, (name, _) in readings.items()}
        fixed = {first: array for array, first, _ in recorded.arrays if first not in named}
        homes = {first: named.get(first, array) for array, first, _ in changed}
        before = {id(tensor) for var, tensor in recorded.grad_inputs.items() if var in named}  # which is added to
        self._added = [tensor for tensor, _ in effects.gradients if id(tensor) in before]  # new arrays each time
        self._leaves = [tensor for tensor, _ in effects.gradients if id(tensor) not in before]
        self._room = [np.empty(tensor.shape, tensor.dtype) for tensor in self._leaves]
        gradients = {id(tensor): var for tensor, var in effects.gradients}
        written = [(last, homes[first]) for _, first, last in changed]
        written += [(gradients[id(tensor)], room) for tensor, room in zip(self._leaves, self._room, strict=True)]
        given = [
            *(gradients[id(tensor)] for tensor in self._added),
            *held,
            *(var for var, _ in effects.results.values()),
        ]
        grads = [self._names.parameter(array, "g") for array in self._room]
        shares = {same.get(var, var): [same.get(s, s) for s in ss] for var, ss in recorded.trace.shares.items()}
        written, given = [(same.get(var, var), home) for var, home in written], [same.get(var, var) for var in given]
        plan = Plan(lines, shares, fixed, named, given, written, self._names)
        self.nbytes, self.saved = plan.nbytes, max(plan.naive - plan.nbytes, 0)
        returned = "".join([f"{text}, " for text in plan.given])
        body = [*plan.statements, f"return ({returned})"]
        self.source = f"def step({', '.join([*named.values(), *grads])}):\n" + "".join(f"    {line}\n" for line in body)
        self._bind = function_of(self.source, self._names.objects, before=plan.views)

        inside = [home for home in homes.values() if type(home) is not str]
        self._stamped = [tensor for tensor, _ in recorded.tensors if any(tensor._value is home for home in inside)]
        into = [k for k, var in enumerate(readings) if var in homes]
        self._guards = Guards(recorded, [reading for _, reading in readings.values()], inside, into, self._together)

    def _work_on_arrays(self) -> None:
        """Have the code bound to its arrays at the next replay, and look up the nodes of the Tensors."""
        self._step: Any = None
        self._nodes = [tensor._node for tensor in self._leaves]
        self._written = [tensor._node for tensor in self._stamped]

    def _readings(self, recorded: Recording) -> dict[Var, tuple[str, Reading]]:
        """What a replay reads anew: arguments, gradients from before, numbers, and what places hold that change it."""
        read = {var for line in self.program.lines for var in line.variables()}
        read |= {var for var in self.program.outputs.values() if type(var) is Var}
        leaves, names = recorded.tree.leaves, recorded.names
        found = {var: (names[k], Reading.of(var, leaves[k], position=k)) for var, k in recorded.arguments.items()}

        def note(var: Var, place: Place, stem: str, example: Any) -> None:
            found[var] = self._names.fresh(stem), Reading.of(var, example, place=place)

        for var, tensor in recorded.grad_inputs.items():
            if var in read:
                note(var, Place(tensor, "grad", "grad", is_item=False), "grad", var.value)
        for var, place in recorded.numbers.items():
            if var in read:
                note(var, place, "was", var.value)
        self._together: list[tuple[Place, Place]] = []  # places that held one array
        for place, value, _ in recorded.effects.rebound:
            held = recorded.symbols.get(id(value))
            if held in found and found[held][1].place is not place:
                self._together.append((place, found[held][1].place))  # type: ignore[arg-type]
            elif held is not None:
                note(held, place, "was", value)
        return found

    def run(self, *leaves: Any) -> Any:
        """Replay; STALE where this recording does not hold."""
        brought = self._guards.brought(leaves)
        if brought is None and self._moved():
            brought = self._guards.brought(leaves)
        if brought is None or brought is False:
            return STALE
        room = self._room
        there = all(map(is_, map(_GRAD, self._nodes), room))
        if room and (not there or max(map(getrefcount, room)) > _OF_ITS_LEAF):
            there = self._make_room()
        if self._step is None:
            self._step = self._bind()
        values = self._step(*brought, *room)
        if values is STALE:
            return STALE
        if not there:
            for node, array in zip(self._nodes, room, strict=True):
                node.grad = array
        if self._written:
            written = write_order()
            for node in self._written:
                node.written = written
        if self._alone:
            return wrap(Node.leaf(values[0])) if self._results[0][1] else values[0]
        return self._finished(values)

    def _make_room(self) -> bool:
        """Other arrays for the gradients that somebody else holds; False, as these are not at their leaves."""
        for k, node in enumerate(self._nodes):
            held = next(map(getrefcount, self._room[k : k + 1])) - 1  # the list of one
            if held + (node.grad is not self._room[k]) > _OF_ITS_LEAF:
                self._room[k] = np.empty_like(self._room[k])
        return False

    def _finished(self, values: tuple[Any, ...]) -> Any:
        """Values where they belong: gradients that were added to, places, and the result."""
        for tensor, g in zip(self._added, values, strict=False):
            tensor._node.grad = g
        for tensor in self._cleared:
            tensor._node.grad = None
        values = values[len(self._added) :]
        self._write_places(values)
        leaves = [leaf.copy() if type(leaf) is np.ndarray else leaf for leaf in self._tree.leaves]
        for (k, is_tensor), value in zip(self._results, values[len(self._rebound) :], strict=True):
            leaves[k] = wrap(Node.leaf(value)) if is_tensor else value
        return self._tree.filled(leaves)

    def _write_places(self, values: tuple[Any, ...]) -> None:
        """Put each value at its place. What was one array in several places when recorded is one array again."""
        held: list[Any] = []
        for k, (place, is_tensor) in enumerate(self._rebound):
            new = wrap(Node.leaf(values[k])) if is_tensor else values[k]
            held.append(held[self._same_as[k]] if self._same_as[k] < k else new)
            place.write(held[k])

    def _moved(self) -> bool:
        """Work on the arrays that took the place of others, where they are alike."""
        moves = self._guards.moved()
        if moves is None:
            return False
        replaced = {id(old): new for old, new in moves}
        for name, thing in self._names.objects.items():
            self._names.objects[name] = replaced.get(id(thing), thing)
        self._work_on_arrays()
        return True


def _is_setting(value: Any) -> bool:
    return type(value) in (int, float, str, bool)
