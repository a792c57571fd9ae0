"""Random programs over all records. One runs on arrays as it runs on Tensors: by calling NumPy's functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from reference import (
    RECORDS,
    Array,
    Op,
    Record,
    call,
    differentiable,
    directions,
    is_float,
    mapped,
    of_numpy,
    parts,
    sample,
    slope,
    weighted,
)

from autograd import Tensor


class Slot(NamedTuple):
    """Stands for a value of the program inside the arguments of a call."""

    number: int


class Step(NamedTuple):
    """A call whose arguments hold slots."""

    record: Record
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Follower(NamedTuple):
    """The choice of a step that takes the last value."""

    record: int
    sample: int
    seed: int
    others: int  # where its other operands come from


class Choices(NamedTuple):
    """What a program is made from."""

    sample: int
    seed: int
    lengths: tuple[tuple[int, int], ...]  # axes of one length become shorter, down to nothing
    thin: tuple[int, int, bool]  # one operand gets an axis of length 1, or loses it
    layout: int
    live: int  # which operands require grad, and which of the others are plain arrays
    followers: tuple[Follower, ...]


FOR_USERS = [record for record in RECORDS if of_numpy(record.fn) or record.name.startswith("nn.")]
_small = st.integers(0, 63)
_seeds = st.integers(0, 10**6)
CHOICES = st.builds(
    Choices,
    sample=_small,
    seed=_seeds,
    lengths=st.just(()) | st.lists(st.tuples(st.integers(1, 6), st.integers(0, 2)), max_size=2).map(tuple),
    thin=st.just((-1, 0, False)) | st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()),
    layout=st.integers(0, 255),
    live=st.just(63) | st.integers(0, 4095),
    followers=st.lists(st.tuples(_seeds, _small, _seeds, _small).map(Follower._make), max_size=3).map(tuple),
)
LAYOUTS: list[tuple[str, Callable[[Any], Any]]] = [
    ("", np.array),
    (" in columns", np.asfortranarray),
    (" strided", lambda a: np.repeat(a[..., None], 2, -1)[..., 0]),
    (" backwards", lambda a: np.flip(np.flip(a).copy())),
]
_REFUSED = ("derivative rule covers", "derivative does not cover", "cannot hold its gradient", "complex", "in one row")


class Program:
    """Calls one after another, each smooth where it stands, as NumPy alone says."""

    def __init__(self, dtype: type[np.floating[Any]]) -> None:
        self.dtype = dtype
        self.steps: list[Step] = []
        self.values: list[Any] = []  # read-only, of leaves and of computed values
        self.leaves: list[int] = []  # which of the values are leaves
        self.live: list[bool] = []  # which of the leaves require grad
        self._recorded: list[Any] = []  # the values as they come out of Tensors: some are plain arrays
        self._notes: dict[int, str] = {}

    def __str__(self) -> str:
        def told(part: Any) -> str:
            if isinstance(part, Slot):
                return f"v{part.number}"
            return f"array of shape {part.shape}" if isinstance(part, np.ndarray) and part.size > 6 else repr(part)

        lines = [f"v{number} = {self._notes[number]}" for number in self.leaves]
        lines += [f"{step.record.name}{mapped(told, step.args)} {mapped(told, step.kwargs)}" for step in self.steps]
        return "\n".join(lines)

    def leaf(self, value: Any, layout: int, live: bool) -> Slot:
        """A new leaf, which nobody can write to."""
        array = self.laid_out(value, layout)
        told = f"{array.dtype} of shape {array.shape}{LAYOUTS[layout % len(LAYOUTS)][0]}"
        self._notes[len(self.values)] = told if live else f"{told}, constant"
        self.leaves.append(len(self.values))
        self.live.append(live)
        self.values.append(array)
        self._recorded.append(Tensor(array))
        return Slot(len(self.values) - 1)

    def laid_out(self, value: Any, layout: int) -> Array:
        """A read-only array that lies in memory in one of several ways."""
        array = np.asarray(LAYOUTS[layout % len(LAYOUTS)][1](np.asarray(value, self.dtype)))
        array.flags.writeable = False
        return array

    def constant(self, value: Any, layout: int = 0) -> Any:
        """An argument that is no leaf."""
        return self.laid_out(value, layout) if isinstance(value, np.ndarray) and is_float(value) else value

    def add(self, step: Step) -> bool:
        """Append a step if NumPy makes it, finite, small and smooth, and no rule refuses it by name."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                outputs = called(step, dict(enumerate(self.values)))
                good = _moderate(outputs) and _defined(step, self.values) and _smooth(step, self.values)
        except Exception:
            good = False
        if not good:
            return False
        try:
            recorded = called(step, dict(enumerate(self._recorded)))
        except Exception as error:  # of others the test will tell
            told = any(words in str(error) for words in _REFUSED)
            if isinstance(error, TypeError) and (told or step.record.fn is np.select):  # whose default no protocol sees
                return False
            recorded = outputs
        self.steps.append(step)
        for output in outputs:
            self.values.append(np.array(output))
            self.values[-1].flags.writeable = False
        self._recorded += recorded
        return True

    def run(self, leaves: Sequence[Any], watch: Callable[[Step, dict[int, Any], list[Any]], None] | None = None) -> Any:
        """All values computed from these leaves, arrays or Tensors."""
        values = dict(zip(self.leaves, leaves, strict=True))
        free = iter([number for number in range(len(self.values)) if number not in values])
        results: list[Any] = []
        for step in self.steps:
            outputs = called(step, values)
            if watch is not None:
                watch(step, values, outputs)
            values.update({next(free): output for output in outputs})
            results += outputs
        return results

    def tensors(self, leaves: Sequence[Any] | None = None) -> list[Tensor]:
        """The leaves as Tensors that share the memory of these arrays, by default its own."""
        made = [Tensor(value) for value in ([self.values[k] for k in self.leaves] if leaves is None else leaves)]
        for tensor, live in zip(made, self.live, strict=True):
            tensor.requires_grad = live
        return made

    def double(self) -> list[Array]:
        """The leaves in float64."""
        return [np.asarray(self.values[number], np.float64) for number in self.leaves]


def called(step: Step, values: dict[int, Any]) -> list[Any]:
    """The outputs of a step on these values."""
    args, kwargs = mapped(lambda v: values[v.number] if isinstance(v, Slot) else v, (step.args, step.kwargs))
    return call(step.record, args, kwargs)


def slots(step: Step) -> list[int]:
    """The values that a step takes, each once."""
    return sorted({part.number for part in parts((step.args, step.kwargs)) if isinstance(part, Slot)})


def _moderate(outputs: list[Any]) -> bool:
    return (
        bool(outputs)
        and sum(np.size(output) for output in outputs) <= 300
        and all(np.ndim(v) < 6 and np.all((np.abs(v) < 1e3) & ((np.abs(v) > 1e-100) | (v == 0))) for v in outputs)
    )


def _smooth(step: Step, values: list[Any]) -> bool:
    """Whether the differences of the call are those of a smooth function, along a random direction."""
    rng, taken = np.random.default_rng(0), slots(step)
    x = [np.asarray(values[number], np.float64) for number in taken]
    weights = [rng.normal(size=np.shape(output)) for output in called(step, dict(zip(taken, x, strict=True)))]

    def phi(x: list[Any]) -> float:
        return weighted(called(step, dict(zip(taken, x, strict=True))), weights)

    return slope(phi, x, directions(x, rng)).smooth


def _defined(step: Step, values: list[Any]) -> bool:
    """Whether a call has one answer: samples rise, singular values and eigenvalues differ."""
    if step.record.fn is np.interp and "period" not in step.kwargs:
        x = step.args[1]
        return bool(np.all(np.diff(values[x.number] if isinstance(x, Slot) else x) > 0))
    if "linalg" not in step.record.name:
        return True
    operands = [values[number] for number in slots(step)]
    return all(_spread(spectrum) for a in operands if a.size for spectrum in _spectra(a))


def _spectra(a: Any) -> Iterator[Any]:
    for axes in combinations(range(a.ndim), 2):
        matrix = np.moveaxis(a, axes, (-2, -1))
        m, n = matrix.shape[-2:]
        yield np.linalg.svdvals(matrix)
        if n > m:  # a decomposition may start with the first columns
            yield np.linalg.svdvals(matrix[..., :m])
        if n == m:
            yield from (np.linalg.eigvalsh(matrix, triangle) for triangle in "LU")


def _spread(spectrum: Any) -> bool:
    ordered = np.sort(spectrum, axis=-1)
    least = 1e-3 * np.max(np.abs(spectrum))
    return bool(np.all(np.abs(ordered) > least) and np.all(np.diff(ordered, axis=-1) > least))


@cache
def program(record: Record, choices: Choices, dtype: type[np.floating[Any]]) -> Program | None:
    """A program that starts with a call of this record; None where NumPy does not make that call."""
    made = Program(dtype)
    args, kwargs = sample(record, choices.sample, choices.seed)
    flags = differentiable(record, args, kwargs)
    operands = [part for part, is_variable in zip(parts((args, kwargs)), flags, strict=True) if is_variable]
    live = [bool(choices.live >> k & 1) for k in range(len(operands))]
    live[0] |= not any(live)
    dispatched = isinstance(record, Op) and any(
        is_live and not isinstance(v, float) for v, is_live in zip(operands, live, strict=True)
    )
    varied = record in FOR_USERS  # rules call the others with shapes that fit
    (which, axis, drop), lengths = choices.thin, dict(choices.lengths)
    variable, place = iter(flags), -1

    def operand(value: Any) -> Any:
        nonlocal place
        if varied and isinstance(value, np.ndarray):
            value = value[tuple(slice(min(n, lengths.get(n, n))) for n in value.shape)]
        if not next(variable):
            return made.constant(value)
        place += 1
        if varied and place == which and np.ndim(value) > axis and value.shape[axis]:
            value = np.take(value, 0 if drop else [0], axis)
        layout = choices.layout >> 2 * (place % 4)
        if not live[place] and (type(value) is float or (dispatched and choices.live >> place + 6 & 1)):
            return made.constant(value, layout)
        return made.leaf(value, layout, live[place])

    args, kwargs = mapped(operand, (tuple(args), kwargs))
    if not made.add(Step(record, args, kwargs)):
        return None
    for follower in choices.followers:
        if made.steps[-1].record.fn is np.polydiv:
            break  # what it leaves may be 0, or shorter nearby
        _follow(made, follower)
    return made


def _follow(made: Program, choice: Follower) -> None:
    """Append a step on the last value, if it can stand there."""
    record = FOR_USERS[choice.record % len(FOR_USERS)]
    args, kwargs = sample(record, choice.sample, choice.seed)
    if record.fn is np.polyint:  # NumPy asks its first argument alone who answers for it: others may be Tensors unseen
        args, kwargs = args[:1], {}
    variable = iter(differentiable(record, args, kwargs))
    rng, last, leaves = np.random.default_rng(choice.seed), len(made.values) - 1, len(made.leaves)
    source, more = choice.others % 4, choice.others // 4
    taken = False

    def operand(value: Any) -> Any:
        nonlocal taken
        if not next(variable):
            return made.constant(value)
        if not taken or source == 0:
            taken = True
            return Slot(last)
        if source == 1:
            return Slot(more % (last + 1))
        if source == 2:
            value = rng.uniform(0.5, 2.0, size=np.shape(made.values[last])[more % 3 :])
        return made.leaf(value, more, True)

    args, kwargs = mapped(operand, (tuple(args), kwargs))
    if not made.add(Step(record, args, kwargs)):
        del made.values[last + 1 :], made._recorded[last + 1 :], made.leaves[leaves:], made.live[leaves:]


def pulled(made: Program, leaves: list[Tensor], weights: list[Any], create_graph: bool = False) -> list[Any]:
    """The gradients of the live leaves; zeros where the program's outputs do not depend on one."""
    loss = weighted(made.run(leaves), weights)
    if isinstance(loss, Tensor) and loss.requires_grad:
        loss.backward(create_graph=create_graph)
    live = [leaf for leaf, is_live in zip(leaves, made.live, strict=True) if is_live]
    return [np.zeros(leaf.shape, leaf.dtype) if leaf.grad is None else leaf.grad for leaf in live]
