"""What a model does to its input, layer by layer: shapes, parameters, and multiply-adds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd import Tensor, no_grad
from autograd.arrays import is_foreign
from nn import display
from nn.watching import evaluating, watching


class Summary(str):
    """A table that shows itself at the prompt.

    Attributes:
        parameters, trainable, multiply_adds: the numbers below the table.
    """

    __slots__ = ("multiply_adds", "parameters", "trainable")
    parameters: int
    trainable: int
    multiply_adds: int

    def __repr__(self) -> str:
        return str(self)


def summary(model: Any, input_shape: Any, dtype: DTypeLike | None = None) -> Summary:
    """The layers of a model in the order of the tree, with what they give for an input; computed in `eval()`.

    Args:
        model: a Module.
        input_shape: the shape of an input, with the batch; or an input itself, such as the indices of an `Embedding`;
            or a list of such for a model of several.
        dtype: of zeros of that shape; by default that of the parameters.

    Returns:
        The table, a string. Multiply-adds are those of products with weights, of the whole batch.

    Raises:
        TypeError: a number where a shape is meant.
        ValueError: as the layers raise it, where the input does not fit.

    >>> import nn
    >>> summary(nn.MLP([784, 32, 10], rng=0), (128, 784))
    layer               output     parameters  multiply-adds
    MLP                 (128, 10)      25,450      3,252,224
      layers.0: Linear  (128, 32)      25,120      3,211,264
      layers.1: Linear  (128, 10)         330         40,960
      activation: ReLU  (128, 32)
    25,450 parameters, 25,450 of them trained; 3,252,224 multiply-adds
    """
    inputs = input_shape if isinstance(input_shape, list) else [input_shape]
    if any(isinstance(given, int) for given in [*inputs, dtype]):
        raise TypeError("summary takes the shape of an input as a tuple, such as summary((32, 784)), and got a number")
    floats = next((p.dtype for p in model.parameters()), np.dtype(np.float64)) if dtype is None else np.dtype(dtype)
    arrays = [np.zeros(given, floats) if isinstance(given, tuple) else given for given in inputs]
    seen = _run(model, arrays)
    rows = [("layer", "output", "parameters", "multiply-adds")]
    named = list(model.named_modules())
    for path, module in named:
        above = [other for other, _ in named if other and path.startswith(f"{other}.")]
        key = path.removeprefix(f"{above[-1]}.") if above else path
        count = sum(parameter.size for parameter in module.parameters())
        products = sum(seen[id(part)][1] for part in module.modules() if id(part) in seen)
        title = f"{'  ' * (len(above) + 1)}{key}: {display.kind(module)}" if path else display.kind(module)
        output = _shown(seen[id(module)][0]) if id(module) in seen else "not called"
        rows.append((title, output, f"{count:,}" if count else "", f"{products:,}" if products else ""))
    parameters = sum(p.size for p in model.parameters())
    trained = sum(p.size for p in model.parameters() if p.requires_grad)
    total = sum(count for _, count in seen.values())
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [f"{a:{wide[0]}}  {b:{wide[1]}}  {c:>{wide[2]}}  {d:>{wide[3]}}".rstrip() for a, b, c, d in rows]
    lines.append(f"{parameters:,} parameters, {trained:,} of them trained; {total:,} multiply-adds")
    table = Summary(display.written("\n".join(lines)))
    table.parameters, table.trainable, table.multiply_adds = parameters, trained, total
    return table


def _shape(value: Any) -> Any:
    return [_shape(part) for part in value] if isinstance(value, (tuple, list)) else np.shape(value)


def _shown(shape: Any) -> str:
    return ", ".join(map(_shown, shape)) if isinstance(shape, list) else str(shape)


def _run(model: Any, inputs: list[Any]) -> dict[int, tuple[Any, int]]:
    """The output's shape and the multiply-adds of every module that is called, by identity."""
    seen: dict[int, tuple[Any, int]] = {}

    def see(module: Any, args: tuple[Any, ...], y: Any) -> None:
        products = 0
        if hasattr(module, "multiply_adds"):
            products = module.multiply_adds(np.shape(args[0]), np.shape(y[0] if isinstance(y, tuple) else y))
        seen[id(module)] = (_shape(y), seen.get(id(module), (None, 0))[1] + products)

    with watching(model, see), no_grad(), evaluating(model):
        model(*(value if isinstance(value, Tensor) or is_foreign(value) else np.asarray(value) for value in inputs))
    return seen
