"""Who holds a value that a step kept where it should not."""

from __future__ import annotations

import gc
from types import CellType
from typing import Any

from autograd.core.node import Node
from autograd.program.trace import Traced


def let_go(traced: Traced) -> str:
    """Put the array in the place of a traced one wherever that is held; gives one of these places in words."""
    words = "an object"
    for holder in gc.get_referrers(traced):
        if isinstance(holder, (Node, CellType)):
            for slot in ("value", "grad") if isinstance(holder, Node) else ("cell_contents",):
                if getattr(holder, slot) is traced:
                    setattr(holder, slot, traced.value)
            words = "a Tensor" if isinstance(holder, Node) else "a variable"
            continue
        items: Any = holder if type(holder) in (list, dict) else getattr(holder, "__dict__", {})
        for key, value in list(items.items() if isinstance(items, dict) else enumerate(items)):
            if value is traced:
                items[key] = traced.value
                words = f"{key!r} of {'a dictionary' if items is holder else f'a {type(holder).__name__}'}"
                words = words if isinstance(items, dict) else "a list"
    return words
