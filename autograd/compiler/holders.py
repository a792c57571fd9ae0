"""Who holds an object, for the error about a value that a step kept where it should not."""

from __future__ import annotations

import gc
from types import CellType, FrameType
from typing import Any

from autograd.array.tensor import Tensor
from autograd.core.node import Node
from autograd.program.trace import Traced


def let_go(traced: Traced) -> str:
    """Put the array in the place of a traced one wherever that is held; gives one of these places in words."""
    named = "an object"
    for holder in gc.get_referrers(traced):
        if isinstance(holder, Node):
            holder.value = _array(holder.value)
            holder.grad = _array(holder.grad)
            tensors = [tensor for tensor in gc.get_referrers(holder) if isinstance(tensor, Tensor)]
            places = [place for tensor in tensors for place in _places(tensor)]
            named = places[0] if places else named
        elif not isinstance(holder, FrameType):
            named = next(iter(_places(traced, replace=True, holders=[holder])), named)
    return named


def _places(value: Any, *, replace: bool = False, holders: Any = None) -> list[str]:
    """The dictionaries, lists, attributes and variables that hold a value, in words."""
    found = []
    items: list[tuple[Any, Any]]
    for holder in gc.get_referrers(value) if holders is None else holders:
        if type(holder) is list:
            items, words = list(enumerate(holder)), "a list"
        elif type(holder) is dict:
            items, words = list(holder.items()), "{!r} of a dictionary"
        elif isinstance(holder, CellType):
            items, words = [("cell_contents", holder.cell_contents)], "a variable"
        elif hasattr(holder, "__dict__"):
            holder, words = vars(holder), "{!r} of " + f"a {type(holder).__name__}"
            items = list(holder.items())
        else:
            continue
        for key, part in items:
            if part is value:
                found.append(words.format(key))
                if replace and isinstance(holder, CellType):
                    holder.cell_contents = _array(part)
                elif replace:
                    holder[key] = _array(part)
    return found


def _array(value: Any) -> Any:
    return value.value if type(value) is Traced else value
