"""What stands against a hand derivation besides `backward()`: central differences of its own loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Tensor

Array = NDArray[np.float64]
Parameters = dict[str, Array]
NOISE = 1e-6  # of the largest element: smaller ones say nothing about a ratio


def central_differences(loss: Callable[[Parameters], float], parameters: Parameters, step: float = 1e-6) -> Parameters:
    r"""$\partial L / \partial p_i \approx (L(p_i + h) - L(p_i - h)) / 2h$ for every element of every parameter.

    >>> central_differences(lambda p: float(np.sum(p["w"] ** 2)), {"w": np.array([3.0])})["w"].round(6)
    array([6.])
    """
    found = {name: np.zeros_like(array) for name, array in parameters.items()}
    for name, array in parameters.items():
        for i in np.ndindex(array.shape):
            ends = []
            for change in (step, -step):
                moved = array.copy()
                moved[i] += change
                ends.append(loss({**parameters, name: moved}))
            found[name][i] = (ends[0] - ends[1]) / (2 * step)
    return found


def ratio(hand: Array, true: Array) -> tuple[float, float]:
    """The lowest and the highest of hand / true over all elements that are not noise; inf where only the truth is 0.

    >>> ratio(np.array([2.0, 0.0, 0.0]), np.array([1.0, 4.0, 0.0]))
    (0.0, 2.0)
    """
    floor = NOISE * max(np.max(np.abs(hand)), np.max(np.abs(true)))
    hand, true = np.where(np.abs(hand) > floor, hand, 0.0), np.where(np.abs(true) > floor, true, 0.0)
    counts = (hand != 0) | (true != 0)
    with np.errstate(divide="ignore"):
        found = np.abs(hand[counts] / true[counts]) * np.sign(hand[counts] * true[counts] + (true[counts] == 0))
    return (float(np.min(found)), float(np.max(found))) if found.size else (1.0, 1.0)


def ratio_table(hand: Parameters, loss: Callable[[Parameters], float], parameters: Parameters) -> str:
    """Hand / central differences, a line a parameter."""
    true, lines = central_differences(loss, parameters), []
    for name, gradient in hand.items():
        low, high = ratio(gradient.reshape(true[name].shape), true[name])
        spread = f"{low:.4g}" if high - low < 1e-3 * abs(high) else f"from {low:.4g} to {high:.4g}"
        lines.append(f"{name:>4}  hand / central difference: {spread.replace('inf', 'infinity')}")
    return "\n".join(lines)


def leaves(parameters: Mapping[str, Any]) -> dict[str, Tensor]:
    """The parameters as named Tensors: what a forward pass in NumPy code takes to be recorded."""
    return {name: Tensor(array, requires_grad=True, name=name) for name, array in parameters.items()}


def by_leaf(tensors: dict[str, Tensor], gradients: Parameters) -> dict[Any, Array]:
    """Hand gradients as `compare_grads` takes them."""
    return {tensors[name]: gradient for name, gradient in gradients.items()}
