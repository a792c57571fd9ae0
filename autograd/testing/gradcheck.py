"""Derivatives against finite differences, to any order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from operator import index
from typing import Any, NamedTuple

import numpy as np

from autograd.array.careful import gradients as careful_gradients
from autograd.array.tensor import Tensor
from autograd.core.tensor import wrap
from autograd.grad_mode import enable_grad
from autograd.testing.tolerance import check_tolerance
from autograd.tree import Tree

__tracebackhide__ = True  # pytest shows the line of the test and the message
Array = np.ndarray[Any, np.dtype[Any]]
_HIGHEST = 8  # order: differences of differences lose all digits beyond
_MANY = 200  # elements; a larger input is probed along random directions


class GradcheckError(AssertionError):
    """A gradient differs from its finite differences."""


def gradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    order: int = 1,
    *,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    step: float = 1e-4,
    complex_step: bool | None = None,
    rng: Any = 0,
) -> bool:
    r"""Whether the derivatives of `fn` up to `order` agree with finite differences.

    The outputs are reduced to one number by a random cotangent $c$, so that every element of the
    Jacobian counts: $\varphi(x) = \sum_k c_k f_k(x)$; one number alone stays as it is. Its gradient
    is compared with central differences,
    extrapolated from two steps (Richardson): with $D(h) = [\varphi(x+h) - \varphi(x-h)] / 2h$,

    $\varphi'(x) \approx \tfrac{4}{3} D(h/2) - \tfrac{1}{3} D(h).$

    Where `fn` takes complex arrays and is analytic there, the complex step
    $\operatorname{Im} \varphi(x + ih) / h$, which has no cancellation, is compared as well, to 1e-11
    (Squire and Trapp, "Using complex variables to estimate derivatives of real functions", 1998).
    For order 2 the gradient itself is the function that is checked, and so on.

    Args:
        fn: of as many arguments as there are inputs; gives a Tensor, or any nesting of them.
        inputs: one argument, or a list or tuple with one for each of the function's. An argument is an array or
            Tensor of float64, or any nesting of those in lists, tuples and dictionaries; arrays of integers or
            booleans in it are handed on as they are. Nothing is changed.
        rtol, atol: the error allowed, relative to the largest derivative of the input, and absolute.
        step: h, relative to the larger of 1 and the input's magnitude.
        complex_step: None uses it where the function allows; False never; True insists.
        rng: a seed or Generator for the cotangents.

    Raises:
        GradcheckError: naming the order, input and element, with both values.
        ValueError: an order below 1 or above 8; a tolerance that is negative or not finite; a step that is not above 0.
        TypeError: `fn` gives no Tensor; an input of less precision than float64, a complex one, or none to
            differentiate by.

    >>> gradcheck(lambda a, b: np.sum(np.tanh(a) * b), [np.ones(3), np.arange(3.0)], order=2)
    True
    >>> gradcheck(lambda p, x: x @ p["w"] + p["b"], [{"w": np.ones(2), "b": 0.5}, np.eye(2)])
    True
    """
    if not 1 <= index(order) <= _HIGHEST:
        raise ValueError(f"gradcheck of order {order}; the first derivative is order 1, the highest is {_HIGHEST}")
    check_tolerance("rtol", rtol)
    check_tolerance("atol", atol)
    check_tolerance("step", step, positive=True)
    arguments = _Arguments(inputs)
    arrays, fn = arguments.arrays, arguments.flat(fn)
    generator = np.random.default_rng(rng)
    for level in range(1, order + 1):
        phi = _Reduced(fn, arrays, arguments.labels, generator)
        gradients = phi.gradients(arrays)
        probes = [_central(phi, arrays, place, step) for place in _places(arrays, generator)]
        noise = 1e2 if level > 1 else 1.0  # differences of a gradient carry the gradient's own rounding
        _judge(phi, gradients, probes, rtol * noise, atol * noise, f"order {level}", arrays)
        if level == 1 and complex_step is not False:
            exact = _complex_step(phi, arrays, probes, insist=complex_step is True)
            _judge(phi, gradients, exact, 1e-11, 1e-12, "order 1, complex step", arrays)
        fn = phi.gradient_function()
    return True


class _Arguments:
    """The arguments of a function, with what is differentiated in them.

    Attributes:
        arrays: what is differentiated, in float64.
        labels: where each stands, for messages.
    """

    def __init__(self, inputs: Any) -> None:
        several = isinstance(inputs, Sequence) and not np.isscalar(inputs)
        given = [_without_lists_of_numbers(each) for each in (inputs if several else [inputs])]
        for position, each in enumerate(given):
            if hasattr(each, "named_parameters"):
                raise TypeError(
                    f"gradcheck: input {position} is a module; give its parameters, dict(module.named_parameters()), "
                    "to a function of them"
                )
        self._tree = Tree(given)
        self._leaves = [leaf.data if isinstance(leaf, Tensor) else leaf for leaf in self._tree.leaves]
        labels = _labels(self._tree)
        self._moving = [k for k, leaf in enumerate(self._leaves) if _is_differentiated(leaf, labels[k])]
        self.arrays = [np.array(self._leaves[k], dtype=np.float64) for k in self._moving]
        self.labels = [labels[k] for k in self._moving]
        if not self.arrays:
            raise TypeError("gradcheck: no input holds floats, so there is nothing to differentiate by")

    def flat(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The function of `arrays` alone."""

        def of_arrays(*values: Any) -> Any:
            leaves = list(self._leaves)
            for k, value in zip(self._moving, values, strict=True):
                leaves[k] = value
            return fn(*self._tree.filled(leaves))

        return of_arrays


def _without_lists_of_numbers(value: Any) -> Any:
    """The value with each list that holds nothing but numbers as an array."""
    if isinstance(value, dict):
        return {key: _without_lists_of_numbers(part) for key, part in value.items()}
    if type(value) not in (list, tuple):
        return value
    leaves = Tree(value).leaves
    if leaves and all(isinstance(leaf, (bool, int, float, complex)) for leaf in leaves):
        return np.array(value) * 1.0
    return type(value)(_without_lists_of_numbers(part) for part in value)


def _labels(tree: Tree) -> list[str]:
    """Where each leaf of the inputs stands: input 0['W1'][2]."""
    labels: list[str] = []

    def walk(nested: Any, label: str) -> None:
        if isinstance(nested, str):
            labels.append(label)
            return
        for key, part in nested.items() if isinstance(nested, dict) else enumerate(nested):
            walk(part, f"{label}[{key!r}]")

    for position, nested in enumerate(tree.filled(["leaf"] * len(tree.leaves))):
        walk(nested, f"input {position}")
    return labels


def _is_differentiated(value: Any, label: str) -> bool:
    """Whether an input is of floats; of which only float64 will do."""
    array = np.asarray(value)
    if array.dtype.kind == "c":
        raise TypeError(f"gradcheck: {label} is {array.dtype}, and Tensors are real; give its .real and .imag apart")
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        raise TypeError(
            f"gradcheck: {label} is {array.dtype}, in which differences have {np.finfo(array.dtype).precision // 2} "
            "digits at best; give it as float64, .astype(np.float64): the rules are the same"
        )
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        raise ValueError(f"gradcheck: {label} is not finite")
    return array.dtype.kind == "f" or (isinstance(value, int) and not isinstance(value, bool))


class _Reduced:
    """phi(x) = sum of c * fn(x) for one random cotangent c, or fn(x) where that is one number."""

    def __init__(
        self, fn: Callable[..., Any], arrays: list[Array], labels: list[str], rng: np.random.Generator
    ) -> None:
        self.fn, self.labels = fn, labels
        with enable_grad():
            outputs = self._outputs([Tensor(array, requires_grad=True) for array in arrays])
        self.alone = len(outputs) == 1 and outputs[0].size == 1
        self.cotangents = [np.ones(o.shape) if self.alone else rng.normal(size=o.shape) for o in outputs]
        least = min((output.dtype for output in outputs), key=lambda dtype: dtype.itemsize)
        self.rough = str(least) if least.kind == "f" and least.itemsize < 8 else ""

    def _outputs(self, inputs: list[Any]) -> list[Any]:
        outputs = Tree(self.fn(*inputs)).leaves
        for output in outputs:
            if not isinstance(output, (Tensor, np.ndarray, np.generic)):
                raise TypeError(f"gradcheck: the function gives {type(output).__name__}, not a Tensor")
        return outputs

    def value(self, arrays: list[Array]) -> float:
        outputs = self._outputs([Tensor(array, requires_grad=True) for array in arrays])
        total = 0.0
        for output, c in zip(outputs, self.cotangents, strict=True):
            data = output.data if isinstance(output, Tensor) else output
            total += float(np.sum(np.asarray(data, dtype=np.float64) * c))
        return total

    def complex_value(self, arrays: list[Array]) -> complex:
        outputs = self._outputs(list(arrays))
        return complex(sum(np.sum(out * c) for out, c in zip(outputs, self.cotangents, strict=True)))

    def gradients(self, arrays: list[Array]) -> list[Array]:
        leaves = [Tensor(array, requires_grad=True) for array in arrays]
        return [g.data if isinstance(g, Tensor) else np.asarray(g) for g in self._pull(leaves, None)]

    def gradient_function(self) -> Callable[..., list[Any]]:
        return lambda *leaves: self._pull(list(leaves), wrap)

    def _pull(self, leaves: list[Tensor], wrapped: Any) -> list[Any]:
        with enable_grad():
            total: Any = 0.0
            for output, c in zip(self._outputs(leaves), self.cotangents, strict=True):
                total = total + np.sum(output * c)
            gradients: dict[Any, Any] = {}
            if isinstance(total, Tensor) and total.requires_grad:
                seed = Tensor(1.0) if wrapped else np.float64(1.0)
                gradients = careful_gradients(total._node, seed, wrap=wrapped, hooks=False)
        return [gradients.get(leaf._node, np.zeros(leaf.shape)) for leaf in leaves]


class _Place(NamedTuple):
    """Which input is moved, along which direction."""

    position: int
    direction: Array

    def moved(self, arrays: list[Array], step: Any) -> list[Array]:
        """The inputs, one of them a step further."""
        return [array + step * self.direction if k == self.position else array for k, array in enumerate(arrays)]


_Probe = tuple[_Place, float]  # where, and the derivative along it


def _places(arrays: list[Array], rng: np.random.Generator) -> list[_Place]:
    """Every element of every input, or random directions where there are too many."""
    places = []
    for position, array in enumerate(arrays):
        if array.size > _MANY:
            directions = [rng.choice([-1.0, 1.0], size=array.shape) for _ in range(16)]
        else:
            directions = [row.reshape(array.shape) for row in np.eye(array.size)]
        places += [_Place(position, direction) for direction in directions]
    return places


def _central(phi: _Reduced, arrays: list[Array], place: _Place, step: float) -> _Probe:
    size = np.max(np.abs(arrays[place.position] * place.direction), initial=0.0)
    h = step * max(1.0, float(size))
    wide, near = (
        (phi.value(place.moved(arrays, width)) - phi.value(place.moved(arrays, -width))) / (2 * width)
        for width in (h, h / 2)
    )
    return place, (4 * near - wide) / 3


def _complex_step(phi: _Reduced, arrays: list[Array], probes: list[_Probe], *, insist: bool) -> list[_Probe]:
    """The same derivatives by complex step; none where the function is not analytic on arrays."""
    h = 1e-30
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exact = [(place, phi.complex_value(place.moved(arrays, 1j * h)).imag / h) for place, _ in probes]
    except Exception as error:
        if insist:
            raise GradcheckError(f"gradcheck: the function does not take complex arrays: {error}") from error
        return []
    pairs = zip(exact, probes, strict=True)
    analytic = all(abs(e - n) <= 1e-3 * (1 + abs(n)) for (_, e), (_, n) in pairs)
    return exact if insist or analytic else []  # abs, conj, real, comparisons are not analytic


def _judge(
    phi: _Reduced,
    gradients: list[Array],
    probes: list[_Probe],
    rtol: float,
    atol: float,
    what: str,
    arrays: list[Array],
) -> None:
    for label, array, gradient in zip(phi.labels, arrays, gradients, strict=True):
        if gradient.shape != array.shape:
            raise GradcheckError(f"gradcheck, {what}: {label} has shape {array.shape}, its gradient {gradient.shape}")
    scales = dict.fromkeys(range(len(arrays)), 0.0)
    for place, expected in probes:
        scales[place.position] = max(scales[place.position], abs(expected))
    for place, expected in probes:
        gradient, direction = gradients[place.position], place.direction
        got = float(np.sum(gradient * direction))
        if not abs(got - expected) <= atol + rtol * scales[place.position]:
            element = tuple(int(i) for i in np.unravel_index(np.argmax(direction), direction.shape))
            where = f"at element {element}" if np.count_nonzero(direction) == 1 else "along a random direction"
            raise GradcheckError(
                f"gradcheck, {what}: {phi.labels[place.position]} of shape {gradient.shape}, {where}: "
                f"the rule gives {got:.10g}, differences give {expected:.10g}"
                + ("" if phi.alone else ", of the outputs weighted at random")
                + (f"; the function computes in {phi.rough}, in which differences are rough" if phi.rough else "")
                + _kink(phi, arrays, place)
            )


def _kink(phi: _Reduced, arrays: list[Array], place: _Place) -> str:
    """A remark where the one-sided differences disagree: no derivative can be right there."""
    h = 1e-6
    here = phi.value(arrays)
    ahead = (phi.value(place.moved(arrays, h)) - here) / h
    behind = (here - phi.value(place.moved(arrays, -h))) / h
    if abs(ahead - behind) <= 1e-3 * (1 + abs(ahead) + abs(behind)):
        return ""
    return f" (the function has a kink here: {behind:.4g} from below, {ahead:.4g} from above; move the input)"
