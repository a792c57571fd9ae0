"""`compile`: a training step recorded once and replayed as straight-line NumPy in planned memory."""

from __future__ import annotations

import builtins
import inspect
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

import numpy as np

from autograd.derivation.memory import Plan
from autograd.derivation.program import Program, Var
from autograd.derivation.reach import Place
from autograd.derivation.recording import Recording, traced_of, tracing
from autograd.derivation.simplify import simplified
from autograd.graph import Node, recording
from autograd.tensor import Tensor, tensor_of
from autograd.tree import Tree

STALE = object()
_VARIANTS = 16


@dataclass(frozen=True)
class Stats:
    """What compiling saved.

    Attributes:
        recorded: how often the step was recorded.
        operations: NumPy calls in the newest program, and how many were recorded for it.
        folded: values of Python that the program holds as they were; it is recorded anew when they change.
        buffers: bytes of its own memory; saved: bytes that allocating each result would take beyond that.
    """

    recorded: int
    operations: int
    calls: int
    folded: tuple[str, ...]
    buffers: int
    saved: int

    def __str__(self) -> str:
        return (
            f"recorded {self.recorded} time{'s' * (self.recorded != 1)}; {self.operations} NumPy calls of {self.calls} "
            f"recorded; {self.buffers:,} bytes of buffers, {self.saved:,} bytes of allocations saved; holds "
            f"{', '.join(self.folded) or 'no settings'} as they were"
        )


class Compiled:
    """A function that is recorded at its first call and replayed at later ones; see `compile`."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        if not callable(fn):
            raise TypeError(f"compile takes a function, not {type(fn).__name__}")
        update_wrapper(self, fn)
        self._fn = fn
        self._variants: list[_Variant] = []
        self._lock = threading.RLock()
        self._recorded = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tracing.get():  # inside another recording
            return self._fn(*args, **kwargs)
        with self._lock:
            if not kwargs:
                for variant in self._variants:
                    if variant.flat == len(args):
                        result = variant.run(*args)
                        if result is not STALE:
                            return result
            return self._slowly(args, kwargs)

    def _slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tree = Tree((args, kwargs))
        for variant in self._variants:
            if variant.flat is None and len(variant.leaves) == len(tree.leaves) and variant.nesting == _nesting(tree):
                result = variant.run(*tree.leaves)
                if result is not STALE:
                    return result
        recorded = Recording(self._fn, tree, flat=not kwargs and len(tree.leaves) == len(args))
        result = recorded.run(args, kwargs)
        self._recorded += 1
        self._variants.insert(0, _Variant(recorded))
        del self._variants[_VARIANTS:]
        return result

    @property
    def source(self) -> str:
        """The code of the newest recording."""
        return self._newest().source

    @property
    def program(self) -> Program:
        """The straight-line program of the newest recording."""
        return self._newest().program

    @property
    def stats(self) -> Stats:
        """What was folded, reused and saved in the newest recording."""
        newest = self._newest()
        return Stats(
            self._recorded, len(newest.program.lines), newest.calls, newest.folded, newest.plan.nbytes,
            max(newest.plan.naive - newest.plan.nbytes, 0),
        )  # fmt: skip

    def _newest(self) -> _Variant:
        if not self._variants:
            raise RuntimeError(f"{self.__name__} has not been called yet, so nothing is recorded")  # type: ignore[attr-defined]
        return self._variants[0]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        bound = inspect.unwrap(self._fn).__get__(instance, owner)
        cache = vars(instance).setdefault("_compiled_steps", {}) if hasattr(instance, "__dict__") else {}
        return cache.setdefault(self._fn, Compiled(bound))


def compile(fn: Callable[..., Any]) -> Compiled:
    """Record a whole step at its first call, and replay it as straight-line NumPy afterwards.

    Works on functions written in the eager style, with `backward()`, optimisers and `no_grad()` inside. A
    replay makes the same NumPy calls in the same order, into memory planned beforehand, without Tensors and graphs. It
    is the same for arrays of the same shapes and dtypes; others are recorded for themselves. Parameters, `.grad`,
    optimisers' memory and random generators are changed as by the step itself, so compiled and eager steps can be mixed.

    Arrays that the step can reach (arguments, variables around it, attributes) are read afresh at each call. Settings
    that it looked at, and decisions that it took by a value, are checked: where one has changed, the step is
    recorded anew. Returned Tensors have no graph. Gradients stay in the same arrays unless somebody else holds them.

    Raises:
        TypeError: at the first call, where a value leaves the step (`item()`, `float()`, printing) or is used in a way
            that a replay could not do again; the message names the line.

    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> @compile
    ... def step(x):
    ...     loss = np.sum((w * x - 1) ** 2)
    ...     w.zero_grad()
    ...     loss.backward()
    ...     return loss
    >>> [step(np.array([1.0, k])).item() for k in (0.0, 1.0, 2.0)]
    [1.0, 1.0, 9.0]
    >>> w.grad
    array([ 0., 12.])
    """
    return Compiled(fn)


class _Variant:
    """A recording as code, bound to its memory."""

    def __init__(self, recorded: Recording) -> None:
        self.flat = len(recorded.tree.leaves) if recorded.flat else None
        self.nesting, self.leaves = _nesting(recorded.tree), recorded.tree.leaves
        trace, self._recorded = recorded.trace, recorded
        self.calls = len(trace.lines)
        outputs: dict[Any, Any] = {}
        for node, var in recorded.gradients:
            outputs["grad", node] = var
        for array, traced in recorded.homes.values():
            if traced.var is not self._first(traced):
                outputs["home", id(array)] = traced.var
        for array, var in recorded.moved:
            outputs["home", id(array)] = var
        for k, leaf in enumerate(recorded.result.leaves):
            value = traced_of(leaf)
            if value is not None:
                outputs["result", k] = value.var
        self.program = simplified(Program(trace.inputs, trace.lines, outputs), {}, exact=True)
        read = {var for line in self.program.lines for var in line.variables()} | {
            var for var in self.program.outputs.values() if type(var) is Var
        }
        self._accumulates = [node for var, node in recorded.grad_inputs.items() if var in read]
        self._grad_names = {var: f"grad{k}" for k, var in enumerate(recorded.grad_inputs) if var in read}
        self._keeps = [node for _, node, _ in recorded.before]
        self.folded = tuple(sorted({place.told for place, value in recorded.guards if _is_setting(value)}))
        self._plan()
        self._bind()

    def _first(self, traced: Any) -> Any:
        return next(var for var in self._recorded.trace.inputs if var.value is traced.value)

    def _plan(self) -> None:
        recorded, outputs = self._recorded, self.program.outputs
        fixed = {self._first(traced): array for array, traced in recorded.homes.values()}
        named = {var: recorded.names[k] for var, k in recorded.arguments.items()} | self._grad_names
        arrays = {id(array): array for array, _ in recorded.homes.values()}
        written = [(var, arrays[key[1]]) for key, var in outputs.items() if key[0] == "home"]
        self._gradient_nodes = [key[1] for key in outputs if key[0] == "grad"]
        kept = [var for key, var in outputs.items() if key[0] == "grad"]
        returned = {key[1]: var for key, var in outputs.items() if key[0] == "result"}
        wanted = {leaf: var for leaf, var in returned.items() if type(var) is Var}
        self.plan = plan = Plan(self.program, fixed, named, kept, written, list(wanted.values()))
        texts = dict(zip(wanted, plan.results, strict=True))
        for leaf, var in returned.items():
            if leaf not in texts:
                texts[leaf] = plan._value(np.asarray(var)[()])
        self.source = self._write(texts)

    def _write(self, texts: dict[int, str]) -> str:
        plan, recorded = self.plan, self._recorded
        names = [recorded.names[k] for k in range(len(recorded.tree.leaves))]
        body = [*self._checks(names)]
        body += [f"{name} = {plan._bind(self._node_of(var), 'n')}.grad" for var, name in self._grad_names.items()]
        body += plan.statements
        for node, text in zip(self._gradient_nodes, plan.kept, strict=True):
            body.append(f"{plan._bind(node, 'n')}.grad = {text}")
        body += [f"{plan._bind(node, 'n')}.grad = None" for node in recorded.cleared]
        body.append(f"return {self._returned(texts)}")
        lines = [f"def step({', '.join(names)}):", *(f"    {line}" for line in body)]
        return "\n".join(lines) + "\n"

    def _node_of(self, var: Var) -> Node:
        return self._recorded.grad_inputs[var]

    def _checks(self, names: list[str]) -> Iterator[str]:
        """Statements that give up where this recording does not hold."""
        plan, recorded = self.plan, self._recorded
        arrays = {k: var for var, k in recorded.arguments.items()}
        tests = []
        for k, leaf in enumerate(recorded.tree.leaves):
            name = names[k]
            if k in arrays:
                var = arrays[k]
                if isinstance(leaf, Tensor):
                    yield f"if type({name}) is not {plan._bind(Tensor, 'Tensor')} or {name}.requires_grad:"
                    yield "    return STALE"
                    yield f"{name} = {name}._node.value"
                dtype = plan._bind(var.dtype, "dtype")
                tests.append(f"type({name}) is {plan._bind(np.ndarray, 'ndarray')}")
                tests.append(f"{name}.shape == {var.shape} and {name}.dtype is {dtype}")
            else:
                held = plan._bind(leaf, "c")
                equal = isinstance(leaf, (int, float, str, bool))
                tests.append(f"type({name}) is type({held}) and {name} == {held}" if equal else f"{name} is {held}")
        tests.append(f"{plan._bind(recording, 'recording')}.get() is {recorded.recording_at_start}")
        for node in self._keeps:
            bound = plan._bind(node, "n")
            tests.append(f"{bound}.value is {plan._bind(node.value, 'a')}")
            tests.append(f"{bound}.requires_grad is {node.requires_grad}")
        pattern = {node: grad is None for _, node, grad in recorded.before}
        for node in self._keeps if self._grads_matter() else ():
            tests.append(f"{plan._bind(node, 'n')}.grad is {'' if pattern[node] else 'not '}None")
        for tensor in recorded.leaf_tensors:
            tests.append(f"{plan._bind(tensor, 'T')}._node is {plan._bind(tensor._node, 'n')}")
        yield "if not ("
        yield "    " + "\n        and ".join(tests)
        yield "):"
        yield "    return STALE"
        if recorded.guards:
            yield f"if not {plan._bind(_unchanged(recorded.guards), 'unchanged')}():"
            yield "    return STALE"

    def _grads_matter(self) -> bool:
        """Whether another program would be right if gradients were there, or not there, at the start."""
        return bool(self._accumulates) or any(grad is None for _, _, grad in self._recorded.before)

    def _returned(self, texts: dict[int, str]) -> str:
        plan, tree = self.plan, self._recorded.result
        leaves = []
        for k, leaf in enumerate(tree.leaves):
            if k in texts:
                made = f"{plan._bind(_tensor, 'tensor')}({texts[k]})" if isinstance(leaf, Tensor) else texts[k]
                leaves.append(made)
            else:
                leaves.append(plan._bind(leaf, "c"))
        if len(leaves) == 1 and not isinstance(tree.filled([0]), (list, tuple, dict)):
            return leaves[0]
        return f"{plan._bind(tree.filled, 'filled')}([{', '.join(leaves)}])"

    def _bind(self) -> None:
        names = ", ".join(["STALE", *self.plan.bound])
        inner = "\n".join(f"    {line}" for line in self.source.splitlines())
        text = f"def bind({names}):\n{inner}\n    return step\n"
        space: dict[str, Any] = {}
        exec(builtins.compile(text, "<compiled step>", "exec"), space)
        self.run = space["bind"](STALE, *self.plan.bound.values())


def _tensor(value: Any) -> Tensor:
    return tensor_of(Node(value))


def _unchanged(guards: list[tuple[Place, Any]]) -> Callable[[], bool]:
    """A function that tells whether all places hold what they held; generated, since it runs at each call."""
    bound: dict[str, Any] = {}
    tests = []
    for k, (place, value) in enumerate(guards):
        bound[f"o{k}"], bound[f"v{k}"] = place.owner, value
        if place.kind == "cell":
            now = f"o{k}.cell_contents"
        elif place.kind == "length":
            now = f"len(o{k})"
        elif place.kind == "slot":
            now = f"o{k}.{place.key}"
        elif place.kind == "entry":
            now = f"o{k}[{place.key!r}]"
        else:
            bound[f"k{k}"] = place.key
            now = f"o{k}[k{k}]"
        by_value = isinstance(value, (int, float, str, bool)) or place.kind == "length"
        tests.append(f"({now} is v{k} or {now} == v{k})" if by_value else f"{now} is v{k}")
    body = "\n            and ".join(tests) or "True"
    text = (
        f"def bind({', '.join(bound)}):\n    def unchanged():\n        try:\n            return ({body})\n"
        "        except (KeyError, IndexError, AttributeError, ValueError):\n            return False\n    return unchanged\n"
    )
    space: dict[str, Any] = {}
    exec(builtins.compile(text, "<unchanged>", "exec"), space)
    found: Callable[[], bool] = space["bind"](**bound)
    return found


def _nesting(tree: Tree) -> str:
    return repr(tree.filled([0] * len(tree.leaves)))


def _is_setting(value: Any) -> bool:
    return isinstance(value, (int, float, str, bool)) and not isinstance(value, type)
