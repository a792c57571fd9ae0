"""What generated code calls the objects that it uses."""

from __future__ import annotations

import keyword
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

from autograd.compiler.state import Place
from autograd.program.program import Var

_USED = ("STALE", "bool", "id", "len", "slice", "type")  # what generated code calls by these names


class Names:
    """Names for objects, one for each.

    Attributes:
        objects: by name.

    >>> import numpy as np
    >>> names = Names(reserved=["x"])
    >>> names.of(np.ones(2), "x"), names.of(np.ones(2), "b"), names.function(np.add.reduce)
    ('x0', 'b0', 'add_reduce')
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self.objects: dict[str, Any] = {}
        self._known: dict[Any, str] = {}
        self._taken = {*reserved, *_USED}
        self._counts: Counter[str] = Counter()

    def of(self, thing: Any, stem: str) -> str:
        """The name of an object, made from `stem`."""
        return self._known.get(id(thing)) or self._named(id(thing), thing, stem)

    def parameter(self, thing: Any, stem: str) -> str:
        """The name of an object that the code gets at each call."""
        name = self._known[id(thing)] = self.fresh(stem)
        return name

    def function(self, fn: Any) -> str:
        """The name of a function, as NumPy calls it."""
        name = self._known.get(fn)  # a ufunc's methods are made anew at every look, and equal
        if name is None:
            owner = getattr(getattr(fn, "__self__", None), "__name__", "")
            name = self._named(fn, fn, "_".join(filter(None, (owner, getattr(fn, "__name__", "call")))))
        return name

    def spelled(self, place: Place) -> str:
        """Source that reads a place."""
        owner, key = self.of(place.container, "o"), place.key
        if not place.is_item:
            return f"{owner}.{key}"
        return f"{owner}[{repr(key) if type(key) in (str, int) else self.of(key, 'k')}]"

    def _named(self, key: Any, thing: Any, stem: str) -> str:
        name = self._known[key] = self.fresh(stem)
        self.objects[name] = thing
        return name

    def fresh(self, stem: str) -> str:
        """A name that is not taken; one letter is numbered."""
        if len(stem) > 1 and (not stem.isidentifier() or keyword.iskeyword(stem)):
            stem = re.sub(r"\W+", "_", stem).strip("_")
            if not stem.isidentifier() or keyword.iskeyword(stem):
                stem = f"value_{stem}"
        separator, name = ("", "") if len(stem) == 1 else ("_", stem)
        while not name or name in self._taken:
            name = f"{stem}{separator}{self._counts[stem]}"
            self._counts[stem] += 1
        self._taken.add(name)
        return name

    def text(self, value: Any, texts: Mapping[Var, str]) -> str:
        """Source for an argument: values of the program by their texts, constants as they are written or by name."""
        kind = type(value)
        if kind is Var:
            return texts[value]
        if kind in (int, bool, str, type(None)) or (kind is float and math.isfinite(value)):
            return repr(value)
        if kind is tuple:
            return f"({', '.join([self.text(part, texts) for part in value])}{',' if len(value) == 1 else ''})"
        if kind is list:
            return f"[{', '.join([self.text(part, texts) for part in value])}]"
        if kind is slice:
            return f"slice({', '.join([self.text(part, texts) for part in (value.start, value.stop, value.step)])})"
        return "..." if value is Ellipsis else self.of(value, "c")


def function_of(source: str, objects: Mapping[str, Any], later: Sequence[str] = (), before: Sequence[str] = ()) -> Any:
    """A function that gives the one that `source` defines, with these objects; it takes those whose names come later.

    `before`: statements that are carried out once. Python compiles the source when that is called first.
    """
    text, name = "\n".join([*before, source]), source[4 : source.index("(")]

    def bind(*values: Any) -> Any:
        space = {**objects, **dict(zip(later, values, strict=True))}
        exec(code_of(text), space)
        return space.pop(name)  # which holds the others

    return bind


@lru_cache(maxsize=256)
def code_of(text: str) -> CodeType:
    """The code of a text; recordings of one step have much in common, and their guards are mostly the same."""
    return compile(text, "<compiled step>", "exec")
