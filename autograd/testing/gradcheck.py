"""Derivatives against finite differences, to any order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.backward import backpropagate
from autograd.core.node import enable_grad
from autograd.core.tensor import wrap
from autograd.tree import Tree

__tracebackhide__ = True  # pytest shows the line of the test and the message
Array = np.ndarray[Any, np.dtype[Any]]
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
        TypeError: `fn` gives no Tensor; an input of less precision than float64, a complex one, or none to
            differentiate by.

    >>> gradcheck(lambda a, b: np.sum(np.tanh(a) * b), [np.ones(3), np.arange(3.0)], order=2)
    True
    >>> gradcheck(lambda p, x: x @ p["w"] + p["b"], [{"w": np.ones(2), "b": 0.5}, np.eye(2)])
    True
    """
    if order < 1:
        raise ValueError(f"gradcheck of order {order}; the first derivative is order 1")
    arguments = _Arguments(inputs)
    arrays, fn = arguments.arrays, arguments.flat(fn)
    generator = np.random.default_rng(rng)
    for level in range(1, order + 1):
        phi = _Reduced(fn, arrays, arguments.labels, generator)
        gradients = phi.gradients(arrays)
        numeric = _central(phi, arrays, step, generator)
        noise = 1e2 if level > 1 else 1.0  # differences of a gradient carry the gradient's own rounding
        _judge(phi, gradients, numeric, rtol * noise, atol * noise, f"order {level}", arrays)
        if level == 1 and complex_step is not False:
            exact = _complex_step(phi, arrays, numeric, insist=complex_step is True)
            if exact is not None:
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
        self._trees = [Tree(_without_lists_of_numbers(given)) for given in (inputs if several else [inputs])]
        self.arrays: list[Array] = []
        self.labels: list[str] = []
        self._leaves: list[Any] = []
        self._moving: list[int] = []
        for position, tree in enumerate(self._trees):
            if tree.stands_alone:
                raise TypeError(
                    f"gradcheck: input {position} is a module; give its parameters, dict(module.named_parameters()), "
                    "to a function of them"
                )
            for leaf, path in zip(tree.leaves, _paths(tree), strict=True):
                value = leaf.data if isinstance(leaf, Tensor) else leaf
                label = f"input {position}{path}"
                self._leaves.append(value)
                if _is_differentiated(value, label):
                    self._moving.append(len(self._leaves) - 1)
                    self.arrays.append(np.array(value, dtype=np.float64))
                    self.labels.append(label)
        if not self.arrays:
            raise TypeError("gradcheck: no input holds floats, so there is nothing to differentiate by")

    def flat(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The function of `arrays` alone."""

        def called(*values: Any) -> Any:
            leaves = list(self._leaves)
            for k, value in zip(self._moving, values, strict=True):
                leaves[k] = value
            given = []
            for tree in self._trees:
                given.append(tree.filled(leaves[: len(tree.leaves)]))
                leaves = leaves[len(tree.leaves) :]
            return fn(*given)

        return called


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


def _paths(tree: Tree) -> list[str]:
    """Where each leaf of a nesting stands: ['W1'][0]."""
    found: list[str] = []

    def walk(nested: Any, path: str) -> None:
        if isinstance(nested, str):
            found.append(path)
        else:
            for key, part in nested.items() if isinstance(nested, dict) else enumerate(nested):
                walk(part, f"{path}[{key!r}]")

    walk(tree.filled(["leaf"] * len(tree.leaves)), "")
    return found


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

    def _pull(self, leaves: list[Tensor], lift: Any) -> list[Any]:
        with enable_grad():
            total: Any = 0.0
            for output, c in zip(self._outputs(leaves), self.cotangents, strict=True):
                total = total + np.sum(output * c)
            found: dict[Any, Any] = {}
            if isinstance(total, Tensor) and total.requires_grad:
                seed = Tensor(1.0) if lift else np.float64(1.0)
                found = backpropagate(total._node, seed, wrap=lift, hooks=False)
        return [found.get(leaf._node, np.zeros(leaf.shape)) for leaf in leaves]


_Derivatives = list[list[tuple[Array, float]]]  # for each input: directions, and the derivative along each


def _directions(array: Array, rng: np.random.Generator) -> list[Array]:
    """Every element, or random directions where there are too many."""
    if array.size > _MANY:
        return [rng.choice([-1.0, 1.0], size=array.shape) for _ in range(16)]
    eye = np.eye(array.size)
    return [row.reshape(array.shape) for row in eye]


def _moved(arrays: list[Array], position: int, change: Any) -> list[Array]:
    return [array + change if k == position else array for k, array in enumerate(arrays)]


def _central(phi: _Reduced, arrays: list[Array], step: float, rng: np.random.Generator) -> _Derivatives:
    found: _Derivatives = []
    for position, array in enumerate(arrays):
        along = []
        for direction in _directions(array, rng):
            h = step * max(1.0, float(np.max(np.abs(array * direction), initial=0.0)))
            d = []
            for width in (h, h / 2):
                ahead = phi.value(_moved(arrays, position, width * direction))
                behind = phi.value(_moved(arrays, position, -width * direction))
                d.append((ahead - behind) / (2 * width))
            along.append((direction, (4 * d[1] - d[0]) / 3))
        found.append(along)
    return found


def _complex_step(phi: _Reduced, arrays: list[Array], numeric: _Derivatives, *, insist: bool) -> _Derivatives | None:
    """The same derivatives by complex step; None where the function is not analytic on arrays."""
    h = 1e-30
    found: _Derivatives = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for position, along in enumerate(numeric):
                exact = [
                    (direction, phi.complex_value(_moved(arrays, position, 1j * h * direction)).imag / h)
                    for direction, _ in along
                ]
                found.append(exact)
    except Exception as error:
        if insist:
            raise GradcheckError(f"gradcheck: the function does not take complex arrays: {error}") from error
        return None
    rough = [abs(e - n) <= 1e-3 * (1 + abs(n)) for ex, nu in zip(found, numeric, strict=True)
             for (_, e), (_, n) in zip(ex, nu, strict=True)]  # fmt: skip
    return found if insist or all(rough) else None  # abs, conj, real, comparisons are not analytic


def _judge(
    phi: _Reduced,
    gradients: list[Array],
    numeric: _Derivatives,
    rtol: float,
    atol: float,
    what: str,
    arrays: list[Array],
) -> None:
    for position, (gradient, along) in enumerate(zip(gradients, numeric, strict=True)):
        if gradient.shape != arrays[position].shape:
            raise GradcheckError(
                f"gradcheck, {what}: {phi.labels[position]} has shape {arrays[position].shape}, "
                f"its gradient {gradient.shape}"
            )
        scale = max((abs(value) for _, value in along), default=0.0)
        for direction, expected in along:
            got = float(np.sum(gradient * direction))
            if not abs(got - expected) <= atol + rtol * scale:
                element = tuple(int(i) for i in np.unravel_index(np.argmax(direction), direction.shape))
                where = f"at element {element}" if np.count_nonzero(direction) == 1 else "along a random direction"
                raise GradcheckError(
                    f"gradcheck, {what}: {phi.labels[position]} of shape {gradient.shape}, {where}: "
                    f"the rule gives {got:.10g}, differences give {expected:.10g}"
                    + ("" if phi.alone else ", of the outputs weighted at random")
                    + (f"; the function computes in {phi.rough}, in which differences are rough" if phi.rough else "")
                    + _kink(phi, arrays, position, direction)
                )


def _kink(phi: _Reduced, arrays: list[Array], position: int, direction: Array) -> str:
    """A remark where the one-sided differences disagree: no derivative can be right there."""
    h = 1e-6
    here = phi.value(arrays)
    ahead = (phi.value(_moved(arrays, position, h * direction)) - here) / h
    behind = (here - phi.value(_moved(arrays, position, -h * direction))) / h
    if abs(ahead - behind) <= 1e-3 * (1 + abs(ahead) + abs(behind)):
        return ""
    return f" (the function has a kink here: {behind:.4g} from below, {ahead:.4g} from above; move the input)"
