"""A recording as code, bound to its memory: the checks that it still holds, its statements, and what it gives back."""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.compiler.binding import Binding
from autograd.compiler.plan import Plan
from autograd.compiler.recording import Recording
from autograd.compiler.state import Place
from autograd.compiler.storage import lasting
from autograd.core.node import Node, recording, write_order
from autograd.core.tensor import wrap
from autograd.program.program import Program, Var
from autograd.program.simplify import simplified

STALE, HELD = object(), object()


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
        self.flat = len(recorded.tree.leaves) if recorded.flat else None
        self.calls = len(recorded.trace.lines)
        self.folded = tuple(sorted({place.name for place, value in recorded.effects.guards if _is_setting(value)}))
        self._step: Any = None
        self._binding = Binding(recorded.names)
        self._recorded = recorded
        self.program = self._simplified()
        self.source = self._statements()
        self._readers: list[Any] = [
            (tensor, None, array) for tensor, array in self._tensors if isinstance(array, np.ndarray)
        ]
        self._readers += [(None, place, value) for place, value in recorded.effects.guards if type(value) is np.ndarray]
        self.nbytes, self.saved = self._plan.nbytes, max(self._plan.naive - self._plan.nbytes, 0)
        self.program.same = {}
        del self._plan, self._recorded  # gradients are nobody's but the code's and the leaves' own
        self._binding.close()

    def run(self, *leaves: Any) -> Any:
        """Replay; STALE where this recording does not hold."""
        if self._step is None:
            self._compile()
        result = self._step(*leaves)
        if result is HELD:
            self._renew()
            result = self._step(*leaves)
        if result is STALE and self._rebind():
            result = self._step(*leaves)
        return STALE if result is HELD else result

    # The program

    def _simplified(self) -> Program:
        recorded = self._recorded
        outputs: dict[Any, Any] = {("grad", k): var for k, (_, var) in enumerate(recorded.effects.gradients)}
        outputs |= {("array", first): last for _, first, last in recorded.arrays if last is not first}
        outputs |= {("place", k): var for k, (_, _, var) in enumerate(recorded.effects.rebound)}
        outputs |= {("result", k): var for k, (var, _) in recorded.effects.results.items()}
        return simplified(Program(recorded.trace.inputs, recorded.trace.lines, outputs), {}, exact=True)

    # Code

    def _statements(self) -> str:
        recorded, program, binding = self._recorded, self.program, self._binding
        outputs = program.outputs
        read = {var for line in program.lines for var in line.variables()}
        read |= {var for var in outputs.values() if type(var) is Var}
        grads = {var: binding.fresh("grad") for var in recorded.grad_inputs if var in read}
        afresh = self._read_afresh(read)
        named = {var: recorded.names[k] for var, k in recorded.arguments.items()}
        fixed = {first: array for array, first, _ in recorded.arrays if first not in afresh and first not in named}
        named |= grads | {var: text for var, (text, _, _) in afresh.items()}
        before = {id(tensor): var for var, tensor in recorded.grad_inputs.items() if var in read}
        kept = [
            (outputs["grad", k], before.get(id(tensor))) for k, (tensor, _) in enumerate(recorded.effects.gradients)
        ]
        written = [
            (
                outputs["array", first],
                recorded.names[recorded.arguments[first]] if first in recorded.arguments else array,
            )
            for array, first, last in recorded.arrays
            if last is not first
        ]
        given = {key: var for key, var in outputs.items() if key[0] in ("place", "result")}
        shares = {var: [program.now(source) for source in sources] for var, sources in recorded.trace.shares.items()}
        self._plan = plan = Plan(program, shares, fixed, named, kept, written, [*given.values()], binding)
        texts = dict(zip(given, plan.results, strict=True))
        nodes = {id(tensor): binding.fresh("n") for tensor, _ in recorded.tensors}
        self._tensors = [(tensor, tensor._node.value) for tensor, _ in recorded.tensors]
        self._held = [
            (binding.name(array, "g"), nodes[id(tensor)], binding.name(tensor, "T"))
            for array, (tensor, _) in zip(plan.kept, recorded.effects.gradients, strict=True)
        ]
        changed = [home for _, home in written]
        body = [*self._checks(nodes, grads, afresh, changed), *plan.statements]
        body += [f"{node}.grad = {g}" for g, node, _ in self._held]
        body += [f"{nodes[id(tensor)]}.grad = None" for tensor in recorded.effects.cleared]
        stamped = [nodes[id(tensor)] for tensor, array in self._tensors if any(array is home for home in changed)]
        if stamped:
            stamps = "".join(f"{node}.written = " for node in stamped)
            body.append(f"{stamps}{binding.name(write_order, 'write_order')}()")
        body += self._places_written(texts)
        body.append(f"return {self._returned(texts)}")
        return "\n".join([f"def step({', '.join(recorded.names)}):", *(f"    {line}" for line in body)]) + "\n"

    def _read_afresh(self, read: set[Var]) -> dict[Var, tuple[str, Place, Any]]:
        """The values that a replay takes from places, since every call puts another one there, or they are numbers."""
        recorded, afresh = self._recorded, {}
        self._same: list[tuple[Place, Place]] = []  # places that held one array
        for var, place in recorded.numbers.items():
            if var in read:
                afresh[var] = self._binding.fresh("was"), place, var.value
        for place, value, _ in recorded.effects.rebound:
            held = recorded.symbols.get(id(value))
            if held is not None and held in afresh and afresh[held][1] is not place:
                self._same.append((place, afresh[held][1]))
            elif held is not None:
                afresh[held] = self._binding.fresh("was"), place, value
        return afresh

    def _places_written(self, texts: dict[Any, str]) -> Iterator[str]:
        first: dict[int, str] = {}  # places by what they hold now: one array may be in several
        for k, (place, before, _) in enumerate(self._recorded.effects.rebound):
            value = texts["place", k]
            value = f"{self._binding.name(_tensor, 'tensor')}({value})" if isinstance(before, Tensor) else value
            spelled, held = self._spelled(place), self._recorded.effects.held[k]
            yield f"{spelled} = {first.setdefault(held, value)}"
            first[held] = spelled

    def _spelled(self, place: Place) -> str:
        """Source that reads a place, or writes to it."""
        owner, key = self._binding.name(place.container, "o"), place.key
        if not place.is_item:
            return f"{owner}.{key}"
        return f"{owner}[{key!r}]" if type(key) in (str, int) else f"{owner}[{self._binding.name(key, 'k')}]"

    def _returned(self, texts: dict[Any, str]) -> str:
        binding, tree, results = self._binding, self._recorded.effects.result, self._recorded.effects.results
        leaves = []
        for k, leaf in enumerate(tree.leaves):
            if k in results:
                value = texts["result", k]
                leaves.append(f"{binding.name(_tensor, 'tensor')}({value})" if results[k][1] else value)
            else:
                leaves.append(binding.value(leaf, {}) + ".copy()" * (type(leaf) is np.ndarray))
        if len(leaves) == 1 and tree.filled([tree]) is tree:
            return leaves[0]
        return f"{binding.name(tree.filled, 'filled')}([{', '.join(leaves)}])"

    # Checks

    def _checks(
        self,
        nodes: dict[int, str],
        grads: dict[Var, str],
        afresh: dict[Var, tuple[str, Place, Any]],
        changed: list[Any],
    ) -> Iterator[str]:
        """Statements that give up where this recording does not hold."""
        recorded, name = self._recorded, self._binding.name
        self._given_back = [home for home in changed if type(home) is str]
        homes = [home for home in changed if type(home) is not str and home.ndim]
        self._owned = [self._binding.name(home, "array") for home in homes]
        self._owners = homes and self._binding.name(_owners(homes), "owners")
        tests = [f"{name(recording, 'recording')}.get() is {recorded.recording_at_start}"]
        for k, leaf in enumerate(recorded.tree.leaves):
            brought = next((var for var, j in recorded.arguments.items() if j == k), None)
            if isinstance(leaf, Tensor) and brought is not None:
                yield from self._constant_tensor(recorded.names[k], leaf)
            tests += self._like_argument(recorded.names[k], leaf, brought)
        arrays = [recorded.names[k] for var, k in recorded.arguments.items() if var.shape]
        arrays += [
            name(array, "array")
            for array, first, _ in recorded.arrays
            if array.ndim and first not in recorded.arguments
        ]
        tests += [test for other in arrays for test in self._shares_nothing(other)]
        yield from _unless(tests)
        yield from (f"{nodes[id(tensor)]} = {name(tensor, 'T')}._node" for tensor, _ in self._tensors)
        unchanged = list(self._unchanged(nodes, grads))
        if unchanged or afresh:
            yield "try:"
            yield from (f"    {line}" for line in _unless(unchanged))
            yield from (f"    {text} = {self._spelled(place)}" for text, place, _ in afresh.values())
            yield "except (LookupError, AttributeError, ValueError):"
            yield "    return STALE"
        yield from self._gradients_held_elsewhere()
        for var, grad in grads.items():
            yield f"{grad} = {nodes[id(recorded.grad_inputs[var])]}.grad"
            yield from _unless(self._is_like(grad, var, np.ndarray))
        for var, (text, _, value) in afresh.items():
            if isinstance(value, Tensor):
                yield from self._constant_tensor(text, value)
                value = value._node.value
            kind = type(value) if isinstance(value, np.generic) else np.ndarray
            yield from _unless(self._is_like(text, var, kind) + self._is_apart(text, var) + self._shares_nothing(text))

    def _gradients_held_elsewhere(self) -> Iterator[str]:
        """Statements that give up where somebody holds the array of a gradient, which a replay would write over."""
        count = self._held and self._binding.name(sys.getrefcount, "getrefcount")
        tests = [f"{count}({g}) > counts[{k}] + ({node}.grad is {g})" for k, (g, node, _) in enumerate(self._held)]
        if tests:
            yield "if (\n        " + "\n        or ".join(tests) + "\n    ):"
            yield "    return HELD"

    def _constant_tensor(self, text: str, tensor: Tensor) -> Iterator[str]:
        """Statements that take the array of a Tensor without gradient."""
        yield f"if type({text}) is not {self._binding.name(type(tensor), 'Tensor')} or {text}.requires_grad:"
        yield "    return STALE"
        yield f"{text} = {text}._node.value"

    def _like_argument(self, text: str, leaf: Any, brought: Var | None) -> list[str]:
        if brought is not None:
            kind = type(leaf) if isinstance(leaf, np.generic) else np.ndarray
            if isinstance(leaf, Tensor) and isinstance(leaf._node.value, np.generic):
                kind = type(leaf._node.value)
            return self._is_like(text, brought, kind) + self._is_apart(text, brought)
        if type(leaf) is float and (leaf == 0 or not math.isfinite(leaf)):
            return [f"repr({text}) == {repr(leaf)!r}"]
        if type(leaf) in (int, float, str, bool):
            return [f"type({text}) is {type(leaf).__name__}", f"{text} == {leaf!r}"]
        return [f"{text} is {self._binding.value(leaf, {})}"]

    def _unchanged(self, nodes: dict[int, str], grads: dict[Var, str]) -> Iterator[str]:
        """Tests that the state is what it was: Tensors, what lists and dictionaries hold, how many things."""
        recorded, name = self._recorded, self._binding.name
        for tensor, array in self._tensors:
            node = nodes[id(tensor)]
            if isinstance(array, np.ndarray):
                yield f"{node}.value is {self._binding.identity(array, 'array')}"
            yield f"{node}.requires_grad is {tensor.requires_grad}"
            hooks = tensor._node.hooks
            yield f"{node}.hooks == {name(list(hooks), 'hooks')}" if hooks else f"not {node}.hooks"
        read = {id(recorded.grad_inputs[var]) for var in grads}
        for tensor, present in recorded.effects.presence:
            if id(tensor) not in read:
                yield f"{nodes[id(tensor)]}.grad is {'not ' * present}None"
        for container, keys, _ in recorded.state.structure:
            owner = name(container, "o")
            if isinstance(keys, int):
                yield f"len({owner}) == {keys}"
            else:
                yield (
                    f"[*{owner}] == {name(keys, 'keys')}" if type(keys) is list else f"{owner} == {name(keys, 'keys')}"
                )
        yield from (f"{self._spelled(one)} is {self._spelled(other)}" for one, other in self._same)
        for place, value in recorded.effects.guards:
            if not isinstance(value, np.number):  # read afresh
                yield self._holds(self._spelled(place), value)

    def _holds(self, now: str, value: Any) -> str:
        """A test that a place holds what it held."""
        if value is None or value is True or value is False:
            return f"{now} is {value}"
        held = self._binding.identity(value, "array" if isinstance(value, np.ndarray) else "c")
        if type(value) is float and (value == 0 or not math.isfinite(value)):
            return f"({now} is {held} or repr({now}) == {repr(value)!r})"
        if type(value) is float:
            return f"({now} is {held} or type({now}) is float and {now} == {held})"
        return f"{now} is {held}"

    def _is_apart(self, text: str, var: Var) -> list[str]:
        """Tests that an array is no part of one that the step writes into."""
        if not self._owners or not var.shape:
            return []
        return [f"id({text}) not in {self._owners}", f"id({text}.base) not in {self._owners}"]

    def _shares_nothing(self, text: str) -> list[str]:
        """Tests that an array shares no memory with arguments that the step writes into."""
        shared = self._given_back and self._binding.name(np.may_share_memory, "may_share_memory")
        return [f"not {shared}({one}, {text})" for one in self._given_back if one != text]

    def _is_like(self, text: str, var: Var, kind: type) -> list[str]:
        tests = [f"type({text}) is {self._binding.name(kind, kind.__name__)}"]
        if kind is np.ndarray:
            tests += [f"{text}.shape == {var.shape}", f"{text}.dtype == {self._binding.name(var.dtype, 'dtype')}"]
        return tests

    # Binding

    def _compile(self) -> None:
        inner = "\n".join(f"    {line}" for line in self.source.splitlines())
        counts = ", ".join(f"getrefcount({g}) - ({tensor}._node.grad is {g})" for g, _, tensor in self._held)
        text = (
            f"def bind({', '.join(['STALE', 'HELD', *self._binding.objects])}):\n    counts = []\n{inner}\n"
            f"    def count():\n        return [{counts}]\n    return step, counts, count\n"
        )
        space: dict[str, Any] = {}
        exec(builtins.compile(text, "<compiled step>", "exec"), space)
        self._code = space["bind"]
        self._bind()

    def _bind(self) -> None:
        """Make the function, and count who holds the gradients' arrays beside their leaves."""
        self._step, self._counts, self._count = self._code(STALE, HELD, *self._binding.objects.values())
        self._counts[:] = self._count()

    def _renew(self) -> None:
        """Other arrays for the gradients that somebody holds."""
        for (name, _, _), now, before in zip(self._held, self._count(), list(self._counts), strict=True):
            if now > before:
                self._move(self._binding.objects[name])
        self._bind()

    def _rebind(self) -> bool:
        """Work on the arrays that took the place of others, where they are alike; whether there are such."""
        moves: dict[int, tuple[Any, Any]] = {}
        for tensor, place, old in self._readers:
            new = tensor._node.value if place is None else place.read()
            if moves.setdefault(id(old), (old, new))[1] is not new or (new is not old and not _alike(new, old)):
                return False
        moved = [(old, new) for old, new in moves.values() if new is not old]
        arrays = [new for _, new in moves.values() if isinstance(new, np.ndarray) and new.size]
        for _, new in moved:
            if sum(np.may_share_memory(new, other) for other in arrays) > 1:
                return False
        for old, new in moved:
            self._move(old, new)
        self._readers = [(tensor, place, moves[id(old)][1]) for tensor, place, old in self._readers]
        if self._owners:
            self._binding.objects[self._owners] = _owners([self._binding.objects[name] for name in self._owned])
        if moved:
            self._bind()
        return bool(moved)

    def _move(self, old: Any, new: Any = None) -> None:
        """Bind `new`, or memory of its own, in the place of `old`, and views of it likewise."""
        objects, new = self._binding.objects, lasting(old) if new is None else new
        for key, thing in objects.items():
            if type(thing) is np.ndarray and (thing is old or np.may_share_memory(thing, old)):
                objects[key] = _same_view(thing, old, new)


def _alike(new: Any, old: Any) -> bool:
    return (
        type(new) is type(old) is np.ndarray and (new.shape, new.dtype) == (old.shape, old.dtype)
        and new.flags.c_contiguous and old.flags.c_contiguous and new.flags.writeable >= old.flags.writeable
    )  # fmt: skip


def _same_view(view: Any, old: Any, new: Any) -> Any:
    """What `view` is of `old`, of `new`."""
    if view is old:
        return new
    start = view.__array_interface__["data"][0] - old.__array_interface__["data"][0]
    return np.ndarray(view.shape, view.dtype, new, start, view.strides)


def _owners(arrays: list[Any]) -> frozenset[int]:
    return frozenset(id(array if array.base is None else array.base) for array in arrays)


def _unless(tests: list[str]) -> Iterator[str]:
    if not tests:
        return
    yield "if not ("
    yield "    " + "\n        and ".join(tests)
    yield "):"
    yield "    return STALE"


def _tensor(value: Any) -> Any:
    return wrap(Node(value))


def _is_setting(value: Any) -> bool:
    return type(value) in (int, float, str, bool)
