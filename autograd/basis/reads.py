"""What derivative rules read: found by running them on stand-ins, so that a graph keeps that and no more.

A rule takes the gradient, the output and the arguments of a call, and most rules read a part of these: that of `a + b`
nothing, that of `np.tanh` the output, that of `np.sum` the shape of its operand. What none reads is let go with its
Tensor. Where somebody asks for it all the same, as a picture does, it is computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np

Positions = Sequence[int]
_new: Any = object.__new__


class NotKeptError(Exception):
    """A rule asked a stand-in for more than its shape and dtype."""


class StandIn:
    """The shape and dtype of a value that no rule reads; anything else that it is asked for raises NotKeptError."""

    __slots__ = ("dtype", "shape")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape, self.dtype = shape, dtype

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: prod(self.shape))

    def _refuse(self, *_: Any) -> NoReturn:
        raise NotKeptError(self)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    __array__ = __array_ufunc__ = __getitem__ = __iter__ = __len__ = __bool__ = _refuse
    __float__ = __int__ = __index__ = __neg__ = __pos__ = __abs__ = __invert__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __and__ = __rand__ = __or__ = __ror__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = _refuse


def stand_in(value: Any) -> StandIn:
    """What stands for a value that is let go."""
    made: StandIn = _new(StandIn)
    made.shape, made.dtype = value.shape, value.dtype
    return made


def whole(value: Any) -> Any:
    """The array whose memory a value keeps: that which it is a piece of, if it is one.

    >>> whole(np.zeros(100)[:2]).size
    100
    """
    base = getattr(value, "base", None)
    return base if type(base) is np.ndarray else value


def unread(
    rules: Sequence[Callable[..., Any]], taken: Sequence[Any], positions: Positions, kwargs: Mapping[str, Any]
) -> list[int]:
    """Which values none of the rules reads.

    Args:
        taken: the output and the arguments of a call, as the rules take them after the gradient.
        positions: where among them values could be let go; the output's is 0.

    >>> product = [lambda g, y, a, b: g * b, lambda g, y, a, b: np.broadcast_to(g, np.shape(a))]
    >>> unread(product, [np.ones(2), np.ones(2), np.ones(2)], (0, 1, 2), {})
    [0, 1]
    """
    given, probes, waiting = list(taken), {k: stand_in(taken[k]) for k in positions}, list(rules)
    for k, probe in probes.items():
        given[k] = probe
    g = np.ones(taken[0].shape, taken[0].dtype)[()]
    try:
        with np.errstate(all="ignore"):
            while waiting:
                try:
                    waiting[-1](g, *given, **kwargs)
                    waiting.pop()
                except NotKeptError as asked:
                    k = next(k for k, probe in probes.items() if probe is asked.args[0])
                    given[k] = taken[k]
                    del probes[k]
    except Exception:  # a rule that fails says so where a gradient is asked for; until then all is kept
        return []
    return list(probes)


# What a graph keeps of the calls of one kind: the record whose rules go back; whether these read the output; the
# positions of the differentiable operands that they do not read; those of the arrays among the others that they read.
Kept = tuple[Any, bool, Positions, Positions]


def kept(
    op: Any, tensors: Positions, arrays: Positions, y: Any, values: Sequence[Any], kwargs: Mapping[str, Any]
) -> Kept:
    """What the rules of the differentiable operands read, of these and of the arrays among the others."""
    operands = [k for k in tensors if op.vjp[k] is not None]
    alone = [k for k in arrays if type(values[k]) is not tuple]  # an index of several is read
    found = unread([op.vjp[k] for k in operands], [y, *values], [0, *(k + 1 for k in (*operands, *alone))], kwargs)
    unread_operands = [k for k in operands if k + 1 in found]
    return op, 0 not in found, unread_operands, [k for k in arrays if k + 1 not in found]


def keep_all(node: Any) -> None:
    """Hold all that the rules of an operation take, computed again where it was let go, and hold it from now on.

    A rule may read more than at the first call, where it goes by shapes or values.
    """
    node.op.kept.update((which, (op, True, (), constants)) for which, (op, *_, constants) in node.op.kept.items())
    node.output, node.saved = node.value, [a.value if type(a) is type(node) else a for a in node.args]


def compute_again(node: Any) -> None:
    """Hold the values of a node and of the nodes that it is computed from, as far as nobody kept them.

    Raises:
        RuntimeError: the graph was freed, or an operand was changed in place since.
    """
    missing, seen = [node], {node}
    for each in missing:
        if each.args is not None and type(each.output) is not StandIn:
            each.held = each.output
            continue
        if each.args is None:
            raise RuntimeError(
                f"the value of {each.op.name} was not kept, and its graph was freed by backward(retain_graph=False)"
            )
        for arg, value in zip(each.args, each.saved, strict=True):
            if type(arg) is type(node) and type(value) is type(arg.held) is StandIn and arg not in seen:
                seen.add(arg)
                missing.append(arg)
        if any(type(arg) is type(node) and (arg.get("written") or 0) > each.order for arg in each.args):
            raise RuntimeError(
                f"the value of {each.op.name} was not kept, and what it was computed from was changed in place since: "
                "ask for it before that, or compute the output again"
            )
    missing.sort(key=attrgetter("order"))
    with np.errstate(all="ignore"):  # the warnings came when it was computed first
        for each in missing:
            if type(each.held) is StandIn:
                values = [
                    arg.held if type(arg) is type(node) and type(value) is StandIn else value
                    for arg, value in zip(each.args, each.saved, strict=True)
                ]
                each.held = each.op.on_any_array(*values, **each.kwargs)
