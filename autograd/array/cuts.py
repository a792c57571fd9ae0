"""Where a Tensor is asked for plain numbers: what asks, as the program says it, and what to write for it.

NumPy calls no protocol for `np.array([t])`, `array.dot(t)` or `array[i] = t`; it asks the Tensor for an array or a
float. Whoever asks for `float(t)` means it. For the others the gradient would be lost unseen, so they are errors.
"""

from __future__ import annotations

from opcode import opmap
from types import CodeType, FrameType, ModuleType
from typing import Any, Final

import numpy as np

from autograd.core.calls import inside_numpy, user_frame
from autograd.core.op import describe

_STORE_SUBSCR: Final = opmap["STORE_SUBSCR"]  # the instruction of `array[i] = value`
_WRITE = "Write into a Tensor, such as np.zeros_like(t) or Tensor(np.zeros(...)), or gather the values with np.stack"
_AS_IT_IS = "A Tensor stands wherever an array does: leave it as it is, and gather several with np.stack"
_DRAW = "Draw plain numbers and compute with them: mean + deviation * rng.normal(size=...)"
_CURES: Final = {
    **dict.fromkeys(("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "require"), _AS_IT_IS),
    **dict.fromkeys(("fill", "put", "fill_diagonal", "fromiter"), _WRITE),
    **dict.fromkeys(("normal", "uniform", "laplace", "lognormal", "exponential", "logistic", "gumbel"), _DRAW),
    **dict.fromkeys(("assert_allclose", "assert_array_equal", "assert_array_almost_equal"), "Compare t.data"),
    "full": "Write np.broadcast_to(t, shape), or t * np.ones(shape)",
    "arange": "Write start + step * np.arange(n)",
    "r_": "Write np.concatenate",
    "c_": "Write np.column_stack",
    "dot": "Write np.dot(array, t), or array @ t",
    "ndenumerate": "Go through it by `for value in t.flat`",
    "vectorize": "Write np.stack([f(value) for value in t]), or f(t) where f is made of NumPy functions",
    "as_strided": "Write np.lib.stride_tricks.sliding_window_view(t, window)",
    **{name: f"Write t.astype(np.{name})" for name in ("float32", "float64", "int32", "int64", "intp", "bool_")},
    "fsum": "Write np.sum",
    "dist": "Write np.linalg.norm",
}
_GENERAL = "Call NumPy functions on it, or pass .detach().numpy(); build arrays of Tensors by np.stack"
_STEPS = {"floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "isclose"}  # of `math`: piecewise constant
_CALL = "()"
_STORE = ("[]=",)  # an array's element
_OWNERS = (np.ndarray, np.ufunc)  # their methods take no Tensors
_known: dict[tuple[int, int], tuple[tuple[str, ...], CodeType]] = {}


def no_array(tensor: Any) -> TypeError:
    """The error for a Tensor that is turned into an array: what does that, and the cure."""
    names = _callee(user_frame())
    if names == _STORE:
        return _no_writing(tensor)
    cure = next((_CURES[name] for name in reversed(names) if name in _CURES), _GENERAL)
    asked = f"{_written(names)} of {describe(tensor)} asks for a" if names else f"{describe(tensor)} is no"
    return TypeError(f"{asked} plain array: turning it into one would cut its gradient. {cure}")


def refuse_cut(tensor: Any, frame: FrameType) -> None:
    """TypeError where a line that asks for a float loses a gradient with it; `float(t)` itself is asked for."""
    names = _callee(frame)
    if names == _STORE:
        raise _no_writing(tensor)  # NumPy raises a ValueError of its own from this one
    if inside_numpy(frame):  # nobody there means to cut a gradient
        names = _callee(user_frame()) or ("NumPy",)
        cure = _CURES.get(names[-1], _GENERAL)
    elif names and names != ("float",):
        cure = _cure_of(_object(frame, names), names[-1])
    else:
        return
    if cure:
        raise TypeError(
            f"{_written(names)} of {describe(tensor)} asks for a plain number, which would cut the gradient. "
            f"{cure}; where no gradient is needed, give float(t)"
        )


def _cure_of(function: Any, name: str) -> str:
    """What to write for a function that takes plain numbers; empty where these are what is asked for."""
    module = getattr(function, "__module__", None) or ""
    if module in ("math", "cmath") and name not in _STEPS:
        return _CURES.get(name) or (f"Write np.{name}" if hasattr(np, name) else "Write it with NumPy's functions")
    arrays = module.partition(".")[0] == "numpy" or isinstance(getattr(function, "__self__", None), _OWNERS)
    return _CURES.get(name, _GENERAL) if arrays and not isinstance(function, type) else ""


def _no_writing(tensor: Any) -> TypeError:
    return TypeError(f"writing {describe(tensor)} into an array would cut its gradient. {_WRITE}")


def _callee(frame: FrameType) -> tuple[str, ...]:
    """What a frame is calling, as its program has it: `np.full(...)` is ("np", "full"). Empty where nothing tells."""
    code, position = frame.f_code, frame.f_lasti
    found = _known.get((id(code), position))
    if found is None:
        if len(_known) >= 256:
            _known.clear()
        found = _known[id(code), position] = _names(code, position), code  # which keeps its identity alive
    return found[0]


def _names(code: CodeType, position: int) -> tuple[str, ...]:
    """The names that begin where the expression at an instruction begins: what is called stands in front."""
    import dis  # only where it is needed: it takes long to load

    if code.co_code[position] == _STORE_SUBSCR:
        return _STORE
    places = list(code.co_positions())
    line, _, column, _ = places[position // 2]
    if line is None or column is None:  # a program without debug ranges
        return ()
    names: list[str] = []
    before = [instruction for instruction in dis.get_instructions(code) if instruction.offset <= position]
    for instruction in before[:-1]:
        name, kind = instruction.argval, instruction.opname
        if (places[instruction.offset // 2][0], places[instruction.offset // 2][2]) != (line, column):
            continue
        if kind.startswith("CALL"):
            names.append(_CALL)
        elif kind.startswith("LOAD_") and "CONST" not in kind and isinstance(name, str):
            names.append(name)
    return tuple(names)


def _written(names: tuple[str, ...]) -> str:
    """As the program has it: `np.ones(...).dot`."""
    return ".".join(names).replace("." + _CALL, "(...)")


def _object(frame: FrameType, names: tuple[str, ...]) -> Any:
    """What a dotted name stands for in a frame; None where finding out would run the program's own code."""
    scopes = (frame.f_locals, frame.f_globals, frame.f_builtins)
    found = next((scope[names[0]] for scope in scopes if names[0] in scope), None)
    for name in names[1:]:
        if name == _CALL or not isinstance(found, (ModuleType, *_OWNERS)):
            return None
        found = getattr(found, name, None)
    return found
