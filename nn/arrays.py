"""Arrays of other libraries: chunks on a cluster, the memory of a GPU. They are not asked for numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor


def is_foreign(array: Any) -> bool:
    """Whether an array, or that of a Tensor, is another library's, which answers for NumPy's functions itself.

    >>> is_foreign(np.ones(2)), is_foreign([1.0])
    (False, False)
    """
    array = array.data if isinstance(array, Tensor) else array
    return hasattr(type(array), "__array_function__") and not isinstance(array, (np.ndarray, np.generic))


def known(condition: Any) -> bool:
    """Whether a condition on values is known to be true; False where asking would fetch them.

    >>> bool(known(np.any(np.ones(2) > 0)))
    True
    """
    return isinstance(condition, (bool, np.bool_)) and bool(condition)


def beside(constant: Any, array: Any) -> Any:
    """A constant, such as the numbers of classes, as an array of the library that `array` is of.

    >>> beside(np.arange(3), np.ones(2))
    array([0, 1, 2])
    """
    array = array.data if isinstance(array, Tensor) else array
    return np.asarray(constant, like=array) if is_foreign(array) else constant
