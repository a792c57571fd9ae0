"""Minimisation of a whole loss by SciPy's methods, such as L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor
from nn import given


def minimize(
    loss_of: Callable[[], Tensor],
    params: given.Parameters,
    method: str = "L-BFGS-B",
    *,
    tol: float | None = None,
    options: dict[str, Any] | None = None,
    callback: Callable[[Any], None] | None = None,
) -> Any:
    """Minimise a loss over all its data by `scipy.optimize.minimize`, with exact gradients.

    SciPy sees all parameters as one vector of float64. Afterwards they hold the best point that it reported.

    Args:
        loss_of: computes the loss, a Tensor of one element, from the parameters as they are.
        params: Tensors, pairs of name and Tensor, or a dictionary; such as `model.parameters()`.
        method: of SciPy's; one that takes gradients, such as "L-BFGS-B", "BFGS" or "CG".
        tol, options, callback: as SciPy takes them, such as `options={"maxiter": 200}`.

    Returns:
        SciPy's result: `fun` is the loss, `nit` the iterations, `message` says why it stopped, `success` whether that
        was convergence.

    Raises:
        ImportError: SciPy is not installed.
        TypeError: a `loss_of` that cannot be called or gives no Tensor.
        ValueError: a loss of another size, or that is not finite at the start. After any error the parameters are as
            they were.

    >>> w = Tensor([3.0, -2.0], requires_grad=True)
    >>> result = minimize(lambda: np.sum((w - 1.0) ** 2), [w])
    >>> result.success, w.data.round(6)
    (True, array([1., 1.]))
    """
    try:
        from scipy import optimize
    except ImportError as error:
        raise ImportError("nn.optim.minimize needs SciPy: pip install scipy") from error
    if not callable(loss_of):
        raise TypeError(f"minimize takes a function first that computes the loss, not {type(loss_of).__name__}")
    parameters = list(given.named(params, "minimize").values())
    before = [parameter.data.copy() for parameter in parameters]
    ends = np.cumsum([parameter.size for parameter in parameters])[:-1]

    def place(vector: Any) -> None:
        for parameter, part in zip(parameters, np.split(vector, ends), strict=True):
            parameter.data = part.reshape(parameter.shape).astype(parameter.dtype)

    def value_and_gradient(vector: Any) -> tuple[float, Any]:
        place(vector)
        for parameter in parameters:
            parameter.zero_grad()
        loss = loss_of()
        if not isinstance(loss, Tensor) or loss.size != 1:
            kind = f"a Tensor of shape {loss.shape}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
            raise (ValueError if isinstance(loss, Tensor) else TypeError)(
                f"minimize: the function gave {kind}; it returns the loss, a Tensor of one element"
            )
        loss.sum().backward()
        gradients = [np.zeros(p.shape) if p.grad is None else p.grad for p in parameters]
        return loss.item(), np.concatenate([np.ravel(g) for g in gradients]).astype(np.float64)

    start = np.concatenate([np.ravel(data) for data in before]).astype(np.float64)
    try:
        first, _ = value_and_gradient(start)
        if not np.isfinite(first):
            raise ValueError(f"minimize: the loss is {first} at the start; there is no way down from there")
        result = optimize.minimize(
            value_and_gradient, start, jac=True, method=method, tol=tol, options=options, callback=callback
        )
        place(result.x)
    except BaseException:
        for parameter, data in zip(parameters, before, strict=True):
            parameter.data = data
        raise
    finally:
        for parameter in parameters:
            parameter.zero_grad()
    return result
