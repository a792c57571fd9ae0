"""HIPS autograd's `autograd.test_util`, on `gradcheck`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from autograd.hips.operators import unary_to_nary
from autograd.hips.primitives import getval
from autograd.testing.gradcheck import gradcheck
from autograd.transforms import vjp
from autograd.tree import Tree, tree_map


def scalar_close(a: float, b: float) -> bool:
    """Whether two numbers agree to a millionth."""
    return bool(np.isclose(a, b, rtol=1e-6, atol=1e-6))


def check_equivalent(x: Any, y: Any) -> None:
    """AssertionError unless two nestings hold the same numbers in the same shapes."""
    tree = Tree(x)
    for a, b in zip(tree.leaves, tree.matched(y, "the second", "the first"), strict=True):
        assert np.shape(getval(a)) == np.shape(getval(b))
        np.testing.assert_allclose(getval(a), getval(b), rtol=1e-6, atol=1e-6)


@unary_to_nary
def check_grads(f: Callable[..., Any], x: Any, modes: Any = None, order: int = 2) -> None:
    """`gradcheck` of one argument; whatever the modes, the engine has one."""
    x = tree_map(lambda leaf: np.array(leaf, float) if isinstance(leaf, (int, float)) else leaf, x)
    try:
        gradcheck(lambda v: vjp(f, v)[0], [x], order=order, rtol=1e-5, atol=1e-6, step=2e-6, complex_step=False)
    except AssertionError as error:
        raise AssertionError(f"Derivative (VJP) check of {getattr(f, '__name__', f)} failed: {error}") from error


def combo_check(fun: Callable[..., Any], *options: Any, **named: Any) -> Callable[..., Any]:
    """`check_grads` of every combination of the arguments that are listed."""

    def check(*args: Any, **kwargs: Any) -> None:
        choices = [[(name, value) for value in values] for name, values in kwargs.items()]
        for given in product(*args):
            for chosen in product(*choices):
                check_grads(fun, *options, **named)(*given, **dict(chosen))

    return check
