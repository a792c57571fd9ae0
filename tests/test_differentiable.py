"""Other people's code, run as it is written: `autograd.differentiable` and `autograd.numpy`."""

# ruff: noqa: E721, I001, UP003, UP008  (people write like this)
from __future__ import annotations

import cmath
import functools
import math
import sys
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from math import exp, sqrt
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import numpy
import numpy as np
import pytest
from numpy import array, zeros

import autograd
from autograd import GradientCutWarning, Tensor, differentiable, grad
from autograd.testing import gradcheck

CONSTANTS = np.array([[0.5, 0.2, 0.1], [0.3, 1.5, 0.4], [0.2, 0.6, 0.9]])
TABLE = {"square": lambda v: np.array([a * a for a in v]), "root": lambda v: np.sqrt(v)}


def sorts_by_flat(x: Any) -> Any:
    image = np.outer(x, x)
    order = np.argsort(image.flat)
    first, second = np.mgrid[[slice(0, n) for n in image.shape]]
    if not image.flags["C_CONTIGUOUS"]:
        raise ValueError
    scaled = np.array(image, copy=np._CopyMode.IF_NEEDED) * (first - second)
    return np.sum(image.flat[order] * np.arange(9.0)) + np.sum(np.exp(scaled.flat))


# Programs as their authors wrote them: of a vector of three positive numbers


def writes_into_zeros(x: Any) -> Any:
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = x[i] * (out[i - 1] if i else 1.0)
    return out


def makes_arrays_of_numbers(x: Any) -> Any:
    return array([[x[0], 1.0], [x[1] ** 2, x[2]]]) + np.sum([x[0], x[1]]) + np.mean([v * v for v in x])


def puts_a_constant_first(x: Any) -> Any:
    return CONSTANTS.dot(x) + np.array([1.0, 2.0, 3.0]).dot(x) + np.eye(3).dot(x) + np.ones(3).T.dot(x)


def calls_math(x: Any) -> Any:
    x = [x[0] * math.erf(x[1]), x[1] + math.erfc(x[0]), x[2]]
    return (
        exp(x[0]) + sqrt(x[1]) + math.atan2(x[2], x[0]) + math.log(x[1], 2) + math.hypot(x[0], x[1]) + math.pow(x[2], 3)
    )


def converts(x: Any) -> Any:
    x = np.asarray(x, dtype=float)
    first = float(x[0]) * np.float64(x[1])
    return first * np.array(x).sum() + x[2].item() * sum(x.tolist()) + np.ascontiguousarray(x)[1]


def asks_for_kinds(x: Any) -> Any:
    assert x.dtype in (np.float32, np.float64)
    assert x.dtype not in (np.float32, np.int64, int)
    assert np.float64 != np.float32
    assert isinstance(x, np.ndarray)
    assert isinstance(x[0], (float, int))
    assert not isinstance(x[0], np.ndarray)
    assert not hasattr(x[0], "__len__")
    assert type(x) is np.ndarray
    assert isinstance(2, int)
    assert type(2.0) is float
    assert type(2) == int
    assert np.issubdtype(x.dtype, np.float64)
    assert np.isscalar(x[0])
    return x * 2.0


def joins(x: Any) -> Any:
    return np.r_[x, 1.0, x[0]].sum() * np.c_[x, x**2]


def helper(v: Any) -> Any:
    return np.array([v[1], v[0], v[2]])


def calls_helpers(x: Any) -> Any:
    return TABLE["square"](helper(x)) + TABLE["root"](x) + np.vectorize(lambda a, b: a * b if a > 0 else b)(x, 2.0)


def imports_inside(x: Any) -> Any:
    import numpy as xp
    from math import cos
    from numpy import zeros_like

    out = zeros_like(x)
    out[0] = cos(x[0])
    return xp.array([out[0], x[1], 2.0])


def leaves_integers_plain(x: Any) -> Any:
    step = np.array([[1, 1, 0], [0, 1, 2], [0, 0, 1]])
    label = np.array([0, 2, 1])
    chosen = (x > 0.5).astype(float)
    chosen[0] = x[2]
    noise = np.random.default_rng(0).normal(size=3)
    noise[1] = x[0]
    ramp = np.arange(3) * 1.0
    ramp[2] = x[1]
    return step.dot(x) + x[label] * chosen + noise * ramp + (label == 1).dot(x) + {0: x[0], 2: x[1]}[label[1]]


def has_a_closure(x: Any) -> Any:
    total = zeros(1)

    def add(v: Any, scale: float = 2.0, *, by: Any = CONSTANTS) -> None:
        nonlocal total
        total = total + scale * by[0].dot(v)

    for _ in range(2):
        add(x)
    return total


class Layer:
    scale = np.array([1.0, 2.0, 3.0])

    def __init__(self, weight: Any) -> None:
        self.weight = weight
        self.inputs: list[Any] = []

    @property
    def columns(self) -> Any:
        return np.array([row[0] for row in self.weight])

    @staticmethod
    def squash(v: Any) -> Any:
        return np.array([math.tanh(a) for a in v])

    @classmethod
    def unit(cls) -> Any:
        return cls(np.eye(3))

    def __call__(self, x: Any) -> Any:
        self.inputs.append(x)
        return self.squash(self.weight.dot(x)) * self.scale + self.columns.dot(x)


class Scaled(Layer):
    def __init__(self, weight: Any) -> None:
        super(Scaled, self).__init__(weight)
        self.by = 0.5

    def __call__(self, x: Any) -> Any:
        return super().__call__(x) * self.by


NETWORK = [Layer(CONSTANTS), Scaled(CONSTANTS)]


def makes_grids(x: Any) -> Any:
    return np.mgrid[0:3:1, x[0] : x[0] + 2][1].sum(axis=0) * np.ogrid[0 : x[1] : 3j].sum() + np.mgrid[x[2] : 3 : 0.7][0]


def writes_where_it_is_true(x: Any) -> Any:
    positive = np.array([True, False, True])
    out, small = np.zeros(3), np.full(3, False)
    np.multiply(x, 2.0, where=positive, out=out)
    np.less(x, 1.0, where=~positive, out=small)
    number = np.zeros_like(x[0] * 1.0)
    number[...] = x[1] ** 2
    number[number > 0] = number * x[2]
    return out + small * number


def asks_what_can_be_iterated(x: Any) -> Any:
    both = [v if isinstance(v, Iterable) else (v, v) for v in (x[0], x)]
    return both[0][0] * sum(both[1]) + np.abs((x**2).data) + np.einsum("i,i", x, x, out=None)


def gathers_lists(x: Any) -> Any:
    windows = np.lib.stride_tricks.as_strided(x, (2, 2), (x.strides[0],) * 2)
    rows = np.stack([[x[0], 2 * x[1]], [1.0, x[2]]])
    joined = np.concatenate(([x[0]], x, [x[1], 2 * x[2]])) * np.broadcast(x, x[0]).size
    joined.setflags(write=False)
    joined = joined + sum(a * b for a, b in np.broadcast(x, x[0]))
    return windows.dot(rows).sum(axis=0) * np.vstack(([x[0], 1.0], [2.0, x[1]])) * joined.sum()


def uses_objects(x: Any) -> Any:
    for layer in NETWORK:
        x = layer(x)
    return x + Layer.unit()(x) + functools.partial(helper)(x)


PROGRAMS: list[Callable[[Any], Any]] = [
    writes_into_zeros,
    makes_arrays_of_numbers,
    puts_a_constant_first,
    calls_math,
    converts,
    asks_for_kinds,
    joins,
    calls_helpers,
    imports_inside,
    leaves_integers_plain,
    has_a_closure,
    gathers_lists,
    makes_grids,
    writes_where_it_is_true,
    asks_what_can_be_iterated,
    uses_objects,
    sorts_by_flat,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_code_is_differentiated_as_it_is_written(program: Callable[[Any], Any]) -> None:
    x = np.array([0.4, 0.7, 1.1])
    run = differentiable(program)
    assert run.__name__ == program.__name__
    mine, theirs = run(x), program(x)
    assert type(mine) is type(theirs)
    np.testing.assert_allclose(mine, theirs)
    assert gradcheck(run, [x], order=2, complex_step=False)


def test_nothing_of_theirs_is_changed() -> None:
    before, state = dict(globals()), {id(layer): dict(vars(layer)) for layer in NETWORK}
    weight = CONSTANTS.copy()
    grad(lambda x: np.sum(differentiable(uses_objects)(x)))(np.ones(3))
    assert {name: value for name, value in globals().items() if before.get(name) is not value} == {}
    assert all(vars(layer)[name] is value for layer in NETWORK for name, value in state[id(layer)].items())
    np.testing.assert_array_equal(CONSTANTS, weight)
    assert np.array is numpy.array is sys.modules["numpy"].array
    assert type(np.zeros(2)) is np.ndarray


def test_a_constant_that_is_set_anew_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    run = differentiable(puts_a_constant_first)
    x = np.ones(3)
    first = run(x)
    monkeypatch.setattr(sys.modules[__name__], "CONSTANTS", 2 * CONSTANTS)
    assert np.all(run(x) > first)


def test_a_class_and_a_module() -> None:
    Net = differentiable(Scaled)
    x = np.array([0.4, 0.7, 1.1])
    expected = Scaled(CONSTANTS)(x)
    net = Net(CONSTANTS)
    np.testing.assert_allclose(net(Tensor(x)).data, expected)
    assert gradcheck(lambda v: net(v), [x])
    module = differentiable(sys.modules[__name__])
    assert gradcheck(module.converts, [x], complex_step=False)
    assert module.CONSTANTS is CONSTANTS


def test_objects_of_every_make_are_copied() -> None:
    class Slotted:
        __slots__ = ("weight",)

        def __init__(self) -> None:
            self.weight = np.array([[1, 2, 3]])

    class Ring:
        def __init__(self) -> None:
            self.me, self.kids, self.weight = self, [self], np.eye(3)

        def __call__(self, x: Any) -> Any:
            return self.me.kids[0].weight.dot(x).sum()

    class Point(NamedTuple):
        a: Any
        b: Any

    slotted, ring = Slotted(), Ring()
    settings = SimpleNamespace(weight=np.eye(3), act=lambda v: np.array([math.tanh(a) for a in v]))

    def program(x: Any) -> Any:
        point = Point(float(x[0]), x[1])._replace(b=x[2])
        return slotted.weight.dot(x)[0] + ring(x) + settings.act(settings.weight.dot(x)).sum() + point.a * point.b

    assert gradcheck(differentiable(program), [np.array([0.4, 0.7, 1.1])], complex_step=False)
    assert gradcheck(differentiable(ring), [np.ones(3)], complex_step=False)


class Whole(ABCMeta):
    """Refuses a class that leaves something abstract, or that holds what another class made."""

    def __init__(cls, *args: Any) -> None:
        super().__init__(*args)
        if getattr(cls, "__abstractmethods__", None) and args[1]:
            raise TypeError("abstract")


class Named:
    owners: ClassVar[list[Any]] = []

    def __set_name__(self, owner: Any, name: str) -> None:
        self.owners.append(owner)


def test_classes_whose_metaclass_looks_at_them_are_copied() -> None:
    class Density(metaclass=Whole):
        __name__ = None

        @abstractmethod
        def slope(self, x: Any) -> Any: ...

        def __call__(self, x: Any) -> Any:
            return self.slope(x) * self.scale(x)

    class Normal(Density):
        __name__ = "normal"
        name = Named()

        def slope(self, x: Any) -> Any:
            return -float(x[0])

        @staticmethod
        def scale(x: Any) -> Any:
            assert isinstance(normal, Density)
            assert (normal.__name__, Normal.__name__) == ("normal", "Normal")
            return math.exp(x[1])

    normal = Normal()
    assert isinstance(normal, Density)
    run = differentiable(normal)
    assert gradcheck(run, [np.array([0.4, 0.7])], complex_step=False)
    assert Named.owners == [Normal]


class Shape(metaclass=ABCMeta):
    @property
    @abstractmethod
    def scale(self) -> Any: ...


class Square(Shape):
    scale = np.array([2.0, 3.0])  # an attribute for an abstract property

    def area(self, x: Any) -> Any:
        return np.sum(np.array(self.scale) * x**2)


def test_an_abstract_property_may_be_an_attribute() -> None:
    np.testing.assert_allclose(grad(differentiable(lambda x: Square().area(x)))(np.ones(2)), [4.0, 6.0])


def test_threads_do_not_see_each_other() -> None:
    x = np.array([0.4, 0.7, 1.1])
    expected = grad(lambda v: np.sum(differentiable(uses_objects)(v)))(x)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: grad(lambda v: np.sum(differentiable(uses_objects)(v)))(x), range(8)))
    for gradient in found:
        np.testing.assert_array_equal(gradient, expected)


def of_polynomials(x: Any) -> Any:
    from numpy.polynomial import Polynomial

    fitted = np.polynomial.Polynomial.fit(np.arange(4.0), np.arange(4.0) ** 2 * x, 1)
    product = Polynomial([1.0, x, 2.0]) * fitted.convert()
    assert isinstance(fitted, Polynomial)
    return product(x) + (x * fitted.convert()).coef[1] + np.polynomial.chebyshev.chebval(x, [1.0, 2.0, 3.0])


def of_cmath(x: Any) -> Any:
    z = complex(x, 0.3)
    both = cmath.atan(z) * cmath.asinh(z) + cmath.log(z, 2) * cmath.log10(z) if cmath.isfinite(z) else z
    return both.real * cmath.acos(z).imag


def of_math(x: Any) -> Any:
    return math.gamma(x) * math.lgamma(x + 1) + math.remainder(x, 0.5)


@pytest.mark.parametrize("fn", [of_polynomials, of_cmath, of_math])
def test_numbers_as_people_compute_with_them(fn: Any) -> None:
    np.testing.assert_allclose(differentiable(fn)(Tensor(0.6, requires_grad=True)).item(), fn(0.6), rtol=1e-12)
    gradcheck(differentiable(fn), [np.float64(0.6)], complex_step=False)


def test_an_error_that_the_code_catches_is_not_lost() -> None:
    def alone(x: Any) -> Any:
        try:
            return math.nextafter(x, 9.0)
        except Exception:
            return 0.0

    with pytest.raises(TypeError, match="math.nextafter"):
        grad(differentiable(alone))(0.5)
    with pytest.warns(GradientCutWarning, match=r"caught.*math\.nextafter"):
        assert grad(differentiable(lambda x: alone(x) + 2 * x))(0.5) == 2


def test_nor_is_that_of_compiled_code() -> None:
    linalg = pytest.importorskip("scipy.linalg", reason="pip install scipy")

    def solved(x: Any) -> Any:
        try:
            return np.sum(linalg.solve_toeplitz(x, np.ones(3)))
        except Exception:
            return 0.0

    with pytest.raises(TypeError, match="levinson: no derivative is known"):
        grad(differentiable(solved))(np.array([3.0, 1.0, 0.5]))


def test_follow_names_what_else_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed packages are left alone, unless they are named."""
    library = ModuleType("library")
    code = compile("import numpy as np\ndef gather(x):\n    return np.array([x[0], x[1]])", "PLACE/library.py", "exec")
    exec(code, vars(library))
    monkeypatch.setattr("autograd.copies.is_library", lambda file: file.startswith("PLACE"))
    f = lambda x: np.sum(library.gather(x) ** 2)
    with pytest.raises(TypeError, match="autograd.differentiable"):
        grad(differentiable(f))(np.ones(2))
    np.testing.assert_allclose(grad(differentiable(f, follow=library))(np.ones(2)), 2)


def test_a_number_that_another_package_takes_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it asks itself, or SciPy's compiled code does on its behalf."""
    library = ModuleType("library")
    text = """
from scipy.integrate import quad
def twice(x):
    return 2 * float(x)
def area(f, b):
    return quad(f, 0.0, b)[0]
"""
    exec(compile(text, "PLACE/library.py", "exec"), vars(library))
    for module in ("copies", "array.conversion"):
        monkeypatch.setattr(f"autograd.{module}.is_library", lambda file: file.startswith("PLACE") or "scipy" in file)
    for f in (lambda x: x * library.twice(x), lambda x: x * library.area(lambda v: v * x, 1.0)):
        with pytest.raises(TypeError, match=r'library\.(twice|area).*follow="library"'):
            grad(differentiable(f))(0.5)
    np.testing.assert_allclose(grad(differentiable(lambda x: x * library.twice(x), follow=library))(0.5), 2.0)


@pytest.mark.parametrize(("x", "slope"), [(0.5, 2.0), (np.array([0.5, 1.0]), [4.0, 8.0])])
def test_code_may_write_into_its_arguments(x: Any, slope: Any) -> None:
    """A number has no memory, an array does; the leaf that was passed sees nothing of it."""

    def f(x: Any, parts: list[Any]) -> Any:
        before = x
        x *= 2
        return np.sum(before * x) + 0 * np.sum(parts[0])

    leaf = Tensor(x, requires_grad=True)
    differentiable(f)(leaf, [leaf]).backward()
    np.testing.assert_allclose(leaf.grad, slope)
    np.testing.assert_array_equal(leaf.data, x)


class Called:
    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self.value = fn(2.0)


class Calls(Called):
    """Hands a function that it made to another method."""

    def __init__(self, x: Any) -> None:
        x *= 3.0
        super().__init__(lambda t: numpy.array([x, t]).prod())

    def squared(self) -> Any:
        return self.value**2


def test_a_class_from_outside_may_write_and_hand_functions_on() -> None:
    leaf = Tensor(np.ones(()), requires_grad=True)
    differentiable(Calls)(leaf).squared().backward()
    assert (leaf.grad, leaf.data) == (72.0, 1.0)


def test_a_function_imports_from_its_own_package(monkeypatch: pytest.MonkeyPatch) -> None:
    package, part = ModuleType("package"), ModuleType("package.part")
    package.__path__ = []
    exec(compile("from numpy import array\ndef pair(x): return array([x, x])", "part.py", "exec"), vars(part))
    source = "def f(x):\n    from .part import pair\n    return pair(x).sum()"
    exec(compile(source, "package.py", "exec"), vars(package))
    vars(package).update(__package__="package", part=part)
    monkeypatch.setitem(sys.modules, "package", package)
    monkeypatch.setitem(sys.modules, "package.part", part)
    assert grad(differentiable(package.f))(1.0) == 2.0


def test_parameters_of_a_module_are_reached() -> None:
    nn = pytest.importorskip("nn")
    linear = nn.Linear(2, 1, rng=0)
    differentiable(lambda x: np.sum(np.array([linear(row)[0] for row in x])))(np.ones((3, 2))).backward()
    np.testing.assert_allclose(linear.weight.grad, 3)


@pytest.mark.parametrize("value", [3, "text", None])
def test_what_is_no_code_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="takes a function, class or module"):
        differentiable(value)


def test_plain_code_that_fails_is_told_of_it() -> None:
    for program in (makes_arrays_of_numbers, puts_a_constant_first, converts):
        with pytest.raises(TypeError, match=r"autograd.differentiable") as failure:
            grad(lambda x, program=program: np.sum(program(x)))(np.ones(3))
        assert f"{__file__}:" in str(failure.value)
    with pytest.warns(autograd.GradientCutWarning), pytest.raises(TypeError, match="autograd.differentiable"):
        grad(lambda x: math.exp(x))(1.0)


def test_the_names_of_numpy_are_all_there() -> None:
    import autograd.numpy as anp
    import autograd.numpy.linalg as anpla
    import autograd.numpy.random as npr
    from autograd.numpy.linalg import norm

    assert set(np.__all__) <= set(dir(anp))
    for name in np.__all__:
        assert getattr(anp, name) is getattr(anp, name)
    made = [anp.zeros(2), anp.ones((2, 2)), anp.full(2, 0.5), anp.linspace(0, 1, 3), anp.arange(3.0), anp.eye(2),
            anp.array([1.0]), anp.empty(3), anp.r_[1.0, 2.0], npr.randn(2), anpla.inv(np.eye(2))]  # fmt: skip
    assert {type(value) for value in made} == {Tensor}
    assert not {type(value) for value in (anp.arange(3), anp.zeros(2, int), anp.array([True]))} & {Tensor}
    assert float(norm([Tensor(3.0), Tensor(4.0)])) == 5.0


def test_a_function_of_math_is_one_operation_on_a_number() -> None:
    x = Tensor(0.3, requires_grad=True)
    assert differentiable(lambda x: math.cos(x))(x)._node.args[0] is x._node
    np.testing.assert_allclose(grad(differentiable(lambda x: math.cos(x)))(np.array([0.3])), [-math.sin(0.3)])


def test_functions_of_math_without_a_rule_are_an_error_and_steps_are_plain() -> None:
    assert grad(differentiable(lambda x: math.floor(x) * x))(2.5) == 2
    with pytest.raises(TypeError, match="math.nextafter"):
        grad(differentiable(lambda x: math.nextafter(x, 9.0)))(2.5)
    with pytest.raises(ValueError, match="domain|positive"):
        grad(differentiable(lambda x: math.log(x)))(-1.0)


def test_what_is_drawn_has_no_derivative() -> None:
    with pytest.raises(TypeError, match="shift and scale"):
        grad(differentiable(lambda x: np.random.default_rng(0).normal(x)))(1.0)


def test_code_may_ask_for_a_matrix() -> None:
    f = lambda x: 0.0 if isinstance(x, np.matrix) or issubclass(type(x), np.matrix) else np.sum(x**2)
    np.testing.assert_array_equal(grad(differentiable(f))(np.ones(2)), [2.0, 2.0])


def test_a_matrix_is_refused_since_its_product_is_another_one() -> None:
    with pytest.raises(TypeError, match="np.matrix"):
        grad(differentiable(lambda x: np.matrix([[1.0]]) * x))(np.ones(1))
