"""`Parameter`: a Tensor that is trained."""

from __future__ import annotations

from typing import Any

from autograd import Tensor


class Parameter(Tensor):
    """A Tensor that is trained: a leaf with `requires_grad`, on a copy of `data`.

    Args:
        data: floats, of any shape.
        name: what pictures and errors call it; by default its path in the module that holds it.

    Raises:
        TypeError: integers or booleans, which have no gradient.

    >>> Parameter([1.0, 2.0], name="w")
    Tensor([1., 2.], requires_grad=True, name='w')
    """

    __slots__ = ("_path",)
    _path: str | None  # the name that a module gave; any other is the user's and stays

    def __init__(self, data: Any, name: str | None = None) -> None:
        super().__init__(data, requires_grad=True, name=name)
        self._path = None

    def _place(self, path: str) -> None:
        if self._path != path and self.name == self._path:
            self.name = self._path = path
