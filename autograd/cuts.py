"""Where a Tensor is asked for plain numbers: what asks, as the program says it, and what to write for it.

NumPy calls no protocol for `np.array([t])`, `array.dot(t)` or `array[i] = t`; it asks the Tensor for an array or a
float. Whoever asks for `float(t)` means it. For the others the gradient would be lost unseen, so they are errors.
"""

from __future__ import annotations

from functools import lru_cache
from opcode import opmap
from types import CodeType, FrameType, ModuleType
from typing import Any, Final

import numpy as np

from autograd.calls import inside_numpy, user_frame
from autograd.op import describe

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
    "float32": "Write t.astype(np.float32)",
    "float64": "Write t.astype(np.float64)",
    "fsum": "Write np.sum",
    "dist": "Write np.linalg.norm",
}
_GENERAL = "Call NumPy functions on it, or pass .detach().numpy(); build arrays of Tensors by np.stack"
_STEPS = {"floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "isclose"}  # of `math`: piecewise constant
_CALL = "()"


def no_array(tensor: Any) -> TypeError:
    """The error for a Tensor that is turned into an array: what does that, and the cure."""
    frame = user_frame()
    if frame.f_code.co_code[frame.f_lasti] == _STORE_SUBSCR:
        return _no_writing(tensor)
    names = _callee(frame.f_code, frame.f_lasti)
    cure = next((_CURES[name] for name in reversed(names) if name in _CURES), _GENERAL)
    asked = f"{_written(names)} of {describe(tensor)} asks for a" if names else f"{describe(tensor)} is no"
    return TypeError(f"{asked} plain array: turning it into one would cut its gradient. {cure}")


def refuse_cut(tensor: Any, frame: FrameType) -> None:
    """TypeError where a line that asks for a float loses a gradient with it; `float(t)` itself is asked for."""
    if frame.f_code.co_code[frame.f_lasti] == _STORE_SUBSCR:
        raise _no_writing(tensor)  # NumPy raises a ValueError of its own from this one
    within = inside_numpy(frame)  # nobody there means to cut a gradient
    frame = user_frame() if within else frame
    names = _callee(frame.f_code, frame.f_lasti)
    if not names or (names == ("float",) and not within):
        return
    found, name = _object(frame, names), names[-1]
    module = getattr(found, "__module__", None) or ""
    if module in ("math", "cmath") and name not in _STEPS:
        cure = _CURES.get(name) or (f"Write np.{name}" if hasattr(np, name) else "Write it with NumPy's functions")
    elif within or (
        not isinstance(found, type)
        and (
            module.partition(".")[0] == "numpy" or isinstance(getattr(found, "__self__", None), (np.ndarray, np.ufunc))
        )
    ):
        cure = _CURES.get(name, _GENERAL)
    else:
        return
    raise TypeError(
        f"{_written(names)} of {describe(tensor)} asks for a plain number, which would cut the gradient. "
        f"{cure}; where no gradient is needed, give float(t)"
    )


def _no_writing(tensor: Any) -> TypeError:
    return TypeError(f"writing {describe(tensor)} into an array would cut its gradient. {_WRITE}")


@lru_cache(maxsize=256)
def _callee(code: CodeType, position: int) -> tuple[str, ...]:
    """What the expression at an instruction begins with: `np.full(...)` gives ("np", "full").

    Of the instructions before it, those that begin at the same place in the source are what is called.
    """
    import dis  # only where it is needed: it takes long to load

    places = list(code.co_positions())
    line, _, column, _ = places[position // 2]
    names: list[str] = []
    before = [instruction for instruction in dis.get_instructions(code) if instruction.offset <= position]
    for instruction in before[:-1]:
        place = places[instruction.offset // 2]
        if line is None or (place[0], place[2]) != (line, column):
            continue
        if instruction.opname.startswith("CALL"):
            names.append(_CALL)
        elif (
            instruction.opname.startswith("LOAD_")
            and "CONST" not in instruction.opname
            and isinstance(instruction.argval, str)
        ):
            names.append(instruction.argval)
    return tuple(names)


def _written(names: tuple[str, ...]) -> str:
    """As the program has it: `np.ones(...).dot`."""
    return ".".join(names).replace("." + _CALL, "(...)")


def _object(frame: FrameType, names: tuple[str, ...]) -> Any:
    """What a dotted name stands for in a frame; None where finding out would run the program's own code."""
    scopes = (frame.f_locals, frame.f_globals, frame.f_builtins)
    found = next((scope[names[0]] for scope in scopes if names[0] in scope), None)
    for name in names[1:]:
        if name == _CALL or not isinstance(found, (ModuleType, np.ndarray, np.ufunc)):
            return None
        found = getattr(found, name, None)
    return found
