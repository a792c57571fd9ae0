"""HIPS autograd's `autograd.misc.fixed_points`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.hips.operators import make_vjp
from autograd.hips.primitives import defvjp, primitive


@primitive
def fixed_point(f: Callable[[Any], Callable[[Any], Any]], a: Any, x0: Any, distance: Any, tol: float) -> Any:
    """The x with x = f(a)(x), by iteration from x0; its derivative by the implicit function theorem."""
    step, x, before = f(a), f(a)(x0), x0
    while distance(x, before) > tol:
        x, before = step(x), x
    return x


def _by_a(ans: Any, f: Any, a: Any, x0: Any, distance: Any, tol: float) -> Any:
    by_a, _ = make_vjp(lambda b: f(b)(ans))(a)
    by_x, _ = make_vjp(f(a))(ans)

    def pull(g: Any) -> Any:  # u = g + J_x' u, then J_a' u
        u, before = g + by_x(g), g
        while distance(u, before) > tol:
            u, before = g + by_x(u), u
        return by_a(u)

    return pull


defvjp(fixed_point, None, _by_a, None)
