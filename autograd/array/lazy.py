"""Arrays that are graphs of tasks, as Dask's are: what a backward pass computes of them, and when.

The rules record tasks as they record anything. A leaf that holds a plain array, as parameters do, gets a plain
gradient: all of them and the loss are computed together, so that every chunk of the data is read once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from itertools import islice
from typing import Any

from autograd.array.fuse import fused
from autograd.basis.arrays import ARRAYS, is_lazy
from autograd.basis.loading import load
from autograd.core.errors import describe
from autograd.core.node import Node

Waiting = list[tuple[list[Any], Callable[..., None]]]
_met: ContextVar[list[Waiting] | None] = ContextVar("_met", default=None)  # by the backward pass that goes on


def alongside(output: Any, values: list[Any], then: Callable[..., None]) -> None:
    """Have arrays in chunks computed with the gradients of the next backward pass through a Tensor: `then(*values)`.

    Statistics of a layer, say, need no pass of their own over the data so. Where the Tensor has no gradient they are
    computed at once. A pass that fails calls nothing, and the next one tries again.
    """
    if not (getattr(output, "requires_grad", False) and any(map(is_lazy, values))):
        then(*computed(values))
        return
    waiting: Waiting = [(values, then)]

    def meet(_: Any) -> None:
        _met.set([*(_met.get() or ()), waiting])

    output.register_hook(meet)


def fetched(output: Node, gradients: dict[Node, Any]) -> dict[Node, Any]:
    """The gradients of a pass from `output`: of leaves with plain data as plain arrays, others as they came.

    Where there are such, a loss of one element is computed with them, and its node holds the number from then on.
    """
    if _met.get() is None and ARRAYS.issuperset(map(type, gradients.values())):  # as in most passes
        return gradients
    lazy = [node for node, g in gradients.items() if is_lazy(g)]
    leaves = [node for node in lazy if node.op is None and not is_lazy(node.held)]
    met = list({id(each): each for each in reversed(_met.get() or [])}.values())  # in the order of the forward pass
    waiting = [each for several in met for each in several]
    _met.set(None)
    if not leaves and not waiting:
        return gradients
    loss = [output.held] if is_lazy(output.held) and output.size == 1 else []
    beside = [value for values, _ in waiting for value in values]
    found = iter(_computed(output, [*(gradients[node] for node in leaves), *loss, *beside]))
    plain = {node: next(found).astype(node.dtype, copy=False) for node in leaves}
    for value in islice(found, len(loss)):
        output.held = output.output = value if hasattr(value, "dtype") else output.dtype.type(value)
    for values, then in waiting:
        then(*islice(found, len(values)))
    for several in met:
        several.clear()
    return gradients | plain


def _computed(output: Node, lazy: list[Any]) -> list[Any]:
    """The arrays in one call of the scheduler that is active."""
    try:
        return computed(lazy)
    except Exception as error:
        error.add_note(f"in the backward pass of {describe(output)}, whose data is in chunks: no gradient was changed")
        if type(error).__module__.startswith("distributed"):
            error.add_note("where the scheduler is lost, connect by distributed.Client(address), and repeat the step")
        raise


def computed(lazy: list[Any]) -> list[Any]:
    """Lazy arrays as plain ones: one call of the scheduler that is active, and one task for each chunk.

    Where Dask is told not to fuse, or tasks are annotated for its scheduler, they are computed as they are.
    """
    dask = load("dask")
    layers = load("dask.highlevelgraph").HighLevelGraph.merge(*(array.dask for array in lazy))
    if dask.config.get("optimization.fuse.active", None) is False or any(a.annotations for a in layers.layers.values()):
        return list(dask.compute(*lazy, traverse=False))
    keys = [array.__dask_keys__() for array in lazy]
    flat = list(load("dask.core").flatten(keys))
    tasks = load("dask._task_spec").convert_legacy_graph(dict(lazy[0].__dask_optimize__(layers, flat)))
    graph, place = fused(tasks, flat)
    names = list(dict.fromkeys(place.values()))
    results = dict(zip(names, load("dask.base").get_scheduler(collections=lazy)(graph, names), strict=True))
    values = {key: results[name] if name == key else results[name][key] for key, name in place.items()}
    return [_assembled(array, each, values) for array, each in zip(lazy, keys, strict=True)]


def _assembled(array: Any, keys: list[Any], values: dict[Any, Any]) -> Any:
    """The array of its blocks, by the protocol of Dask's collections."""

    def filled(keys: Any) -> Any:
        return [filled(each) for each in keys] if isinstance(keys, list) else values[keys]

    finalize, extra = array.__dask_postcompute__()
    return finalize(filled(keys), *extra)
