"""What a library on Tensors asks about arrays that are not NumPy's: chunks on a cluster, the memory of a GPU.

They answer for NumPy's functions themselves, and are not asked for numbers: a layer or an operation of your own that
checks values does so where `holds` knows the answer, makes its constants by `of_kind`, and `fetched` computes chunks.
"""

from __future__ import annotations

from typing import Any

from autograd.array.lazy import alongside, computed
from autograd.array.tensor import Tensor
from autograd.basis import arrays as basis
from autograd.basis.arrays import holds, of_kind

__all__ = ["alongside", "fetched", "holds", "is_foreign", "is_lazy", "of_kind"]


def is_foreign(array: Any) -> bool:
    """Whether an array, or that of a Tensor, is another library's, which answers for NumPy's functions itself.

    >>> is_foreign(Tensor([1.0]))
    False
    """
    # only the kind is looked at: `data` would note that somebody may write to it
    return basis.is_foreign(array._value if isinstance(array, Tensor) else array)


def is_lazy(array: Any) -> bool:
    """Whether an array, or that of a Tensor, is a graph of tasks that computes it in chunks, as Dask's are.

    >>> is_lazy(Tensor([1.0]))
    False
    """
    return basis.is_lazy(array._value if isinstance(array, Tensor) else array)


def fetched(value: Any) -> Any:
    """Arrays in chunks, one or a dictionary of them, as plain ones: one computation, in which each chunk is read once.

    >>> fetched({"loss": 0.5})
    {'loss': 0.5}
    """
    parts = dict(value) if isinstance(value, dict) else {None: value}
    lazy = {name: part for name, part in parts.items() if basis.is_lazy(part)}
    if lazy:
        parts |= zip(lazy, computed(list(lazy.values())), strict=True)
    return parts if isinstance(value, dict) else parts[None]
