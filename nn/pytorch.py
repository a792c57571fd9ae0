"""Weights to and from PyTorch: the same names, turned where its layers hold them the other way round.

PyTorch's `Linear` and its recurrent cells hold (out, in), ours (in, out). Its `RNN` and `LSTM` call the weights of
layer 0 `weight_ih_l0`, ours `cells.0.weight_ih`; its `MultiheadAttention` has three maps in one, `in_proj_weight`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nn import state as states
from nn.layers import LSTM, RNN, Linear, LSTMCell, MultiheadAttention, RNNCell
from nn.module import Module

_PROJECTIONS = ("q_proj", "k_proj", "v_proj")


def to_torch(model: Module) -> dict[str, Any]:
    """The state of a model as PyTorch's tensors, under PyTorch's names: `theirs.load_state_dict(to_torch(ours))`.

    Raises:
        ImportError: PyTorch is not installed.

    >>> import nn
    >>> ours = nn.Sequential(nn.Linear(3, 2, rng=0), nn.ReLU())
    >>> {name: tuple(tensor.shape) for name, tensor in to_torch(ours).items()}
    {'0.weight': (2, 3), '0.bias': (2,)}
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError("to_torch gives PyTorch's tensors: pip install torch") from error
    state: dict[str, Any] = {}
    taken = dict(model.state_dict())
    for ours, theirs, turned in _places(model):
        if theirs.endswith(("in_proj_weight", "in_proj_bias")):
            parts = [taken.pop(name) for name in ours if name in taken]
            if parts:
                state[theirs] = np.concatenate([part.T if turned else part for part in parts])
        elif ours[0] in taken:
            array = taken.pop(ours[0])
            state[theirs] = array.T if turned else array
    state |= taken
    return {name: torch.from_numpy(np.array(array, order="C")) for name, array in state.items()}


def from_torch(model: Module, state: Mapping[str, Any], strict: bool = True) -> states.LeftOut:
    """Take over the state of a model of PyTorch's that has the same parts under the same names.

    Args:
        model: ours.
        state: what `theirs.state_dict()` gives: tensors, or arrays such as `safetensors.numpy.load_file` reads.
        strict: as for `Module.load_state_dict`.

    Returns:
        What was left out, by our names.

    Raises:
        TypeError: `state` is no dictionary.
        ValueError: names all that is missing, unexpected or of another shape. Nothing is changed then.

    >>> import nn
    >>> ours = nn.Linear(3, 2, rng=0)
    >>> from_torch(ours, {"weight": np.ones((2, 3)), "bias": np.zeros(2)})
    LeftOut(missing_keys=[], unexpected_keys=[])
    >>> ours.weight.shape
    (3, 2)
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"from_torch takes what theirs.state_dict() gives, not {type(state).__name__}")
    left = {name: _array(value) for name, value in state.items()}
    taken: dict[str, Any] = {}
    for ours, theirs, turned in _places(model):
        if theirs in left:
            array = left.pop(theirs)
            parts = np.split(array, len(ours)) if len(array) % len(ours) == 0 else [array]
            taken |= {name: part.T if turned else part for name, part in zip(ours, parts, strict=False)}
    return model.load_state_dict({**taken, **left}, strict)


def _array(value: Any) -> Any:
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        try:
            return value.numpy()
        except TypeError:  # a dtype that NumPy has not, such as bfloat16
            return value.float().numpy()
    return np.asarray(value)


def _places(model: Module) -> Iterator[tuple[list[str], str, bool]]:
    """Our names of what PyTorch keeps elsewhere or the other way round, its name, and whether it is turned."""
    named = list(model.named_modules())
    joined = {id(getattr(m, name)) for _, m in named if isinstance(m, MultiheadAttention) for name in _PROJECTIONS}
    cells = {id(cell) for _, m in named if isinstance(m, (RNN, LSTM)) for cell in m.cells}
    for path, module in named:
        start = f"{path}." if path else ""
        if isinstance(module, MultiheadAttention):
            for end in ("weight", "bias"):
                yield [f"{start}{name}.{end}" for name in _PROJECTIONS], f"{start}in_proj_{end}", end == "weight"
        elif isinstance(module, (RNN, LSTM)):
            for layer, end in ((k, end) for k in range(module.num_layers) for end in _CELL):
                yield [f"{start}cells.{layer}.{end}"], f"{start}{end}_l{layer}", end.startswith("weight")
        elif isinstance(module, Linear) and id(module) not in joined:
            yield [f"{start}weight"], f"{start}weight", True
        elif isinstance(module, (RNNCell, LSTMCell)) and id(module) not in cells:
            yield from (([f"{start}{end}"], f"{start}{end}", True) for end in _CELL if end.startswith("weight"))


_CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
