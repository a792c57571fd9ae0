"""What some people write, and most do not: idioms of public code under `autograd.differentiable`."""

from __future__ import annotations

import builtins
import decimal
import functools
import math
import statistics
import warnings
from collections.abc import Callable
from decimal import Decimal
from statistics import mean
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

from autograd import Tensor, differentiable, grad
from autograd.testing import gradcheck


def rounds_to_a_whole_number(x: Any) -> Any:
    n = round(x[0] * 10)
    steps = int(x[1] * 10)
    return x ** (n & 3) + np.zeros(steps).sum() + np.roll(x, x[2] * 2)


def sets_a_shape(x: Any) -> Any:
    column = np.array(x)
    square = np.outer(x, x)
    row = square[0]
    column.shape = (3, 1)
    square.shape = 9
    row[1] = 5.0 * x[1]
    square[3] += x[2]
    return column.dot(square[None, 1:4])[1] * row


def makes_numbers_of_other_kinds(x: Any) -> Any:
    first = Decimal(x[0]) * decimal.Decimal(x[1]) if x[0].is_integer() or isinstance(x[2], float) else None
    both = np.array([[x[0], None], [x[1], "b"]], dtype=object)
    assert type(type(x)) is type
    return float(first) * both[0, 0] + np.array([x[2], x[1]], dtype=object).sum() * x


def describes_samples(x: Any) -> Any:
    spread = [f(x) for f in (statistics.stdev, statistics.variance, statistics.pstdev, statistics.pvariance)]
    middle = mean(v * v for v in x) * statistics.fmean(x) * statistics.median(x) / statistics.median([1, 2, 3])
    return sum(spread) * middle * statistics.geometric_mean(x) + statistics.harmonic_mean(x) * x


class Weight:
    def __init__(self, parts: Any) -> None:
        self.parts = parts

    def __float__(self) -> float:
        return math.fsum(self.parts) * 2.0


def says_what_number_it_is(x: Any) -> Any:
    assert float(Weight([1.0])) == 2.0
    return float(Weight([x[0], x[1] ** 2])) * x


NORMAL = statistics.NormalDist()
probability = NORMAL.cdf


def asks_for_probabilities(x: Any) -> Any:
    assert isinstance(NORMAL, statistics.NormalDist)
    about = statistics.NormalDist(x[0], sigma=1.0 + x[1] ** 2)
    return about.cdf(x[2]) + about.pdf(x[2]) * probability(x[1]) + NORMAL.inv_cdf(probability(x[0])) * x


AMONG: dict[str, Any] = {}


def squares(x: Any, by: Any = None, *, scale: float = 1.0, among: Any = AMONG) -> Any:
    return scale * x**2 * (1.0 if by is None else by[0])


AMONG["squares"] = squares
squares.table = {"squares": squares}  # type: ignore[attr-defined]
OUTER = np.vectorize(lambda a, b: (np.outer(a, b), a.dot(a)), signature="(n),(m)->(n,m),()")


def goes_over_arrays(x: Any) -> Any:
    rows = np.array([x, 2 * x])
    outer, lengths = OUTER(rows, x[1:])
    lists = np.vectorize(squares, excluded=["by"])(x, by=[x[0], 1.0], scale=x[1])
    first = np.vectorize(squares.table["squares"], excluded={1})(x[0], [x[1]])  # type: ignore[attr-defined]
    return outer.sum(axis=(0, 2)) * lengths[1] * lists + first + np.vectorize(squares, otypes=[float])(x)


class Degrees(float):
    def __new__(cls, value: Any = 0.0, **named: Any) -> Any:
        return super().__new__(cls, *named.values() or (value,))

    def half(self) -> Any:
        return self / 2


class lazy(property):  # noqa: N801
    def __init__(self, method: Any) -> None:
        self.method = method
        super().__init__(self.once)

    def once(self, owner: Any) -> Any:
        return owner.__dict__.setdefault(self.method.__name__, np.array([self.method(owner), 1.0]))


class Angle:
    def __init__(self, size: Any) -> None:
        self.size = size

    @lazy
    def turns(self) -> Any:
        return self.size / 360.0


FULL = Degrees(360)


def derives_from_builtins(x: Any) -> Any:
    angle, fixed = Degrees(value=x[0]), Degrees(size=30)
    assert isinstance(fixed, Degrees)
    assert isinstance(fixed, float)
    assert not isinstance(1.0, Degrees)
    assert issubclass(Degrees, float)
    assert len({Degrees, float}) == 2
    return (FULL - angle) * fixed.half() * x + Angle(x[1]).turns.sum() * Degrees(2)


def writes_into_the_diagonal(x: Any) -> Any:
    out = np.outer(x, x)
    diagonal = np.lib.stride_tricks.as_strided(out, (3,), (4 * out.itemsize,))
    diagonal[:] = np.divide(1.0, x, out=None, where=x > 0)
    out *= 2.0
    diagonal[1] *= x[2]
    plain = np.empty((2, 2))
    plain[:] = 3.0
    np.lib.stride_tricks.as_strided(plain, (2,), (3 * plain.itemsize,))[:] = 1.0
    pairs = np.lib.stride_tricks.sliding_window_view(out[0], 2, writeable=True)
    pairs[1] *= x[2]
    return out.sum(axis=0) * diagonal[1] * plain.sum()


def multiplies_whole_numbers_by_lists(x: Any) -> Any:
    whole = np.array([[1, 0], [1, 1], [0, 2]])
    return whole @ [x[0], x[1]] + np.multiply(whole[0], [x[2], 1.0]).sum() * np.arange(3)


def rearranges(x: Any) -> Any:
    rng = np.random.default_rng(np.random.default_rng(3))
    legacy = np.random.RandomState(1)
    mixed = np.array(x)
    rng.shuffle(mixed)
    chosen = rng.choice(x, size=3, p=[0.2, 0.5, 0.3]) * legacy.choice([x[0], 1.0, x[2]], 3, replace=False)
    table = np.random.default_rng(2).permutation(np.outer(x, [1.0, x[0]]))
    return mixed * chosen * legacy.permutation(x) + rng.choice(x) * table[:, 1]


def writes_into_whole_numbers_later(x: Any) -> Any:
    table, out = np.outer(x, x), np.zeros((3, 3))
    counts, places, mask = np.array([1, -1, 2]), np.arange(3), x > 0.5
    results = [
        x * counts,
        counts * x,
        x**counts,
        counts @ x,
        counts.dot(x),
        np.dot(x, counts),
        np.repeat(x, abs(counts)),
    ]
    results += [table[places, 1], x[places], np.take(x, places), np.where(mask, x**2, x), x.take(places), x[mask]]
    results.append(np.einsum("i,i", x, counts))
    out[places, 2] = x**2
    out[mask] *= x[0]
    counts[:], places[0], mask[:] = 3, 2, False
    return sum(np.sum(result**2) for result in results) * x + out.sum(axis=0)


def looks_labels_up(x: Any) -> Any:
    labels = np.array([0.5, 2.0, 0.5])
    counts: dict[Any, Any] = {0.5: 1}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    means = {label: x[labels == label].mean() for label in set(labels)}
    squares: dict[Any, Any] = {1.0: 1.0}  # kept from before: what is computed of x has a gradient, and is none of these
    scale = x[0] / x[0]
    if scale not in squares:
        squares[scale] = x[1] * x[1]
    return means[0.5] * x + means[2.0] * len(means) * counts[labels[0]] + squares[scale]


def splits_numbers(x: Any) -> Any:
    mantissa, exponent = math.frexp(x[2])
    return x * mantissa * 2.0 ** -int(exponent) + math.modf(x[2])[0]


HALVES = np.array([0.5, 0.25, 0.5])


def hann(n: Any) -> Any:
    return HALVES[:n] * 2


def evaluates_text(x: Any) -> Any:
    scale, window = x[0], eval("hann" + "(len(x))")
    rule = eval("lambda v, k=scale: k * np.array([HALVES.dot(v), math.exp(v[2]), k])", globals(), {"scale": scale})
    return window * eval("a * b", {"a": x[1], "b": 2.0}) * sum(eval(" [v * 2 for v in x] ")) + rule(x)


def joins_ranges(x: Any) -> Any:
    steps = np.r_[x[0] : x[0] + 1.0 : 0.4, x[1], 0:2]
    more = np.r_[0.0 : x[2] : 3j] + np.arange(x[0], x[0] + 2.5, 1, float)
    return steps[:3] * steps[3] + more + np.r_[: x[2] : x[0] / 2][1]


def double(a: Any) -> None:
    a += a * a
    a *= 1.5
    np.exp(a, out=a)
    a[...] = 2 * a
    a -= 0.5


def writes_into_an_array_without_axes(x: Any) -> Any:
    copied, same, number = np.array(x[0]), np.asarray(x[1], dtype=float), np.copy(x[2])
    for a in (copied, same, number):
        double(a)
    return copied.item() * same * number + np.polyfit([0.0, 1.0, 2.0], x, np.floor(3 * x[0]))[0]


def goes_over_elements_in_python(x: Any) -> Any:
    smooth = np.frompyfunc(lambda a, b: 0.3 * a + 0.7 * b**2, 2, 1)
    assert smooth.nin == 2
    plain = smooth(np.arange(3), 1).astype(float) + smooth.accumulate(np.ones(3)).astype(float) + smooth.reduce([1, 2])
    over = smooth.accumulate(x, dtype=object) + smooth.reduce(np.outer(x, x)) + smooth.accumulate(np.outer(x, x), 1)[0]
    return (smooth(x, x[0]) + over).astype(float) * plain


PROGRAMS: list[Callable[[Any], Any]] = [
    rounds_to_a_whole_number,
    sets_a_shape,
    makes_numbers_of_other_kinds,
    describes_samples,
    says_what_number_it_is,
    asks_for_probabilities,
    goes_over_arrays,
    derives_from_builtins,
    writes_into_whole_numbers_later,
    rearranges,
    multiplies_whole_numbers_by_lists,
    writes_into_the_diagonal,
    writes_into_an_array_without_axes,
    goes_over_elements_in_python,
    looks_labels_up,
    splits_numbers,
    evaluates_text,
    joins_ranges,
]


@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")  # of arrays, from NumPy 2.5 on
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_code_is_differentiated_as_it_is_written(program: Callable[[Any], Any]) -> None:
    x = np.array([0.43, 0.77, 1.13])
    run = differentiable(program)
    mine, theirs = run(x), program(x)
    assert type(mine) is type(theirs)
    np.testing.assert_allclose(mine, theirs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradcheck(run, [x], complex_step=False)


def test_a_function_that_has_taken_the_name_of_another_packages_is_followed() -> None:
    def wrapper(v: Any) -> Any:
        return np.array([v[0], 2.0]).dot(v)

    functools.update_wrapper(wrapper, np.sum)
    assert isinstance(wrapper, FunctionType)
    assert wrapper.__module__ == "numpy"
    assert gradcheck(differentiable(lambda x: wrapper(x) * x), [np.array([0.4, 0.7])], complex_step=False)


def test_where_a_gradient_reaches_compiled_code_its_python_is_followed() -> None:
    class CPUDispatcher:  # what numba makes of a function
        __module__ = "numba.core.registry"

        def __init__(self, fn: Any) -> None:
            self.calls = 0
            functools.update_wrapper(self, fn)

        def __call__(self, *args: Any) -> Any:
            assert all(type(arg) in (np.ndarray, float, int) for arg in args)
            self.calls += 1
            return self.__wrapped__(*args)  # type: ignore[attr-defined]

    class DUFunc(CPUDispatcher):
        __module__ = "numba.np.ufunc.dufunc"

    @CPUDispatcher
    def halves(v: Any, n: Any) -> Any:
        out = np.zeros(n)
        for k in range(n):
            out[k] = v[k] / 2
        return out

    positive = DUFunc(lambda a, b: a * b if a > 0 else b)
    run = differentiable(lambda x: halves(x, 2).dot(halves(np.ones(3), 3)[:2]) + positive(x, 2.0))
    assert gradcheck(run, [np.array([0.4, -0.7])], complex_step=False)
    assert halves.calls > 1
    assert positive.calls == 0


def test_an_object_with_a_node_is_no_tensor() -> None:
    class Graph:  # as networkx has it
        def __init__(self) -> None:
            self._node = {"a": 1.0, "b": 2.0}

        def __len__(self) -> int:
            return len(self._node)

    def sizes(x: Any, graph: Any) -> Any:
        whole = np.array([graph, 1.0], dtype=object)
        return np.array([x[0] * len(graph), x[1]]) * (1.0 if whole[0] is graph else 0.0)

    for run in (differentiable(sizes), lambda x, graph: x * len(np.full(1, graph, dtype=object)[0])):
        np.testing.assert_array_equal(
            grad(lambda x, run=run: run(x, Graph()).sum())(np.ones(2)), run(np.ones(2), Graph())
        )


def test_bottlenecks_functions_are_numpys() -> None:
    def refuses(v: Any, ddof: int = 0) -> Any:
        raise AssertionError

    code = refuses.__code__.replace(co_filename=np.__file__)
    nanstd = FunctionType(code, {"__name__": "bottleneck.reduce"}, "nanstd", (0,))
    bottleneck = ModuleType("bottleneck")
    bottleneck.nanstd = nanstd  # type: ignore[attr-defined]
    run = differentiable(lambda x: bottleneck.nanstd(x, ddof=1) * nanstd(x))
    assert gradcheck(run, [np.array([0.4, -0.7])], complex_step=False)


def test_other_packages_that_ask_for_numbers_forever_get_one() -> None:
    """Where they ask a number for its item until it is a plain one."""
    made = ModuleType("endless")
    code = compile(
        "def number(x):\n    return x if type(x) is float else number(x.item())",
        np.__file__.replace("numpy", "endless"),
        "exec",
    )
    exec(code, vars(made))
    with pytest.raises(TypeError, match='Pass follow="endless"'):
        grad(differentiable(lambda x: x * made.number(x)))(2.0)


def test_a_picture_has_no_derivative() -> None:
    figures = pytest.importorskip("matplotlib.figure", reason="install Matplotlib: this draws with it")

    def shows(x: Any, draw: str = "plot") -> Any:
        axes = figures.Figure().add_subplot()
        drawn = getattr(axes, draw)(x)
        axes.axhline(x[0])
        axes.set_title(f"{x[0]:.2f}")
        return x**2 if drawn else x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradcheck(differentiable(shows), [np.array([0.4, 0.7])], complex_step=False)
    with pytest.raises(TypeError, match="gradient would be cut"):
        grad(lambda x: differentiable(shows)(x, "hist").sum())(np.ones(2))


def test_a_parameter_does_not_get_another_shape() -> None:
    t = Tensor(np.ones((2, 2)), requires_grad=True)
    with pytest.raises(RuntimeError, match="is a leaf that requires grad; use t.reshape"):
        t.shape = (4,)
    np.testing.assert_array_equal(grad(lambda v: v.reshape(4)[0])(t), [[1, 0], [0, 0]])


def test_a_name_that_a_tool_adds_to_the_builtins_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "profile", lambda value: value, raising=False)
    assert grad(differentiable(lambda x: profile(x) * 3.0))(2.0) == 3.0  # type: ignore[name-defined]  # noqa: F821
    with pytest.raises(NameError, match="nobody"):
        differentiable(lambda x: nobody(x))(2.0)  # type: ignore[name-defined]  # noqa: F821


def test_math_has_its_own_errors_where_a_gradient_is() -> None:
    with pytest.raises(OverflowError):
        grad(differentiable(lambda x: math.exp(x)))(1e3)
    with pytest.raises(ValueError, match="domain"):
        grad(differentiable(lambda x: math.log(x)))(-1.0)
