"""Which values have which names: no two the same, and those of one variable with numbers."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from autograd.core.node import Node
from autograd.notation.names import PLAIN_DIGITS, pretty, subscript
from autograd.text import LONGEST, LONGEST_WORD, printable


class Name(NamedTuple):
    """What a value is called.

    Attributes:
        text: in source code, an identifier.
        drawn: on the blackboard.
        origin: "given" by somebody, of a "part" in a network, the "output", or a "letter" with a number.
        path: in a module.
    """

    text: str
    drawn: str
    origin: Literal["given", "part", "output", "letter"]
    path: str = ""


class Claims:
    """Names by the identity of values.

    Args:
        reserved: identifiers that are used otherwise.

    Attributes:
        taken: the identifiers in use.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self._reserved = {"loss", *reserved}
        self._names: dict[int, Name] = {}
        self._drawn: set[str] = set()  # with plain digits
        self._clashes: Counter[Any] = Counter()  # of names with others
        self._variables: dict[int, str] = {}  # that values were assigned to
        self._ended: dict[int, Any] = {}  # values that are called by a variable that is gone, as long as without number
        self._gone: set[int] = set()  # all of these
        self._starts: set[int] = set()
        self._series: dict[int, Name] = {}  # the variable whose values have numbers
        self.taken: set[str] = set()

    def given(self, value: Any) -> Name | None:
        """The name that somebody gave a node or an array, if anybody did."""
        name = self._names.get(id(value)) or self._names.get(id(getattr(value, "value", None)))
        return name if name is not None and name.origin == "given" else None

    def is_start(self, value: Any) -> bool:
        """Whether it is what a loop starts from, and called so."""
        return id(value) in self._starts

    def is_held(self, value: Any) -> bool:
        """Whether somebody gave a value its name, and it is not that of a variable that is gone."""
        return self.given(value) is not None and id(value) not in self._gone

    def single(self, value: Any) -> str:
        """The name of a variable that has no other values, or that still has this one; or ""."""
        name = self.given(value)
        many = id(value) in self._series and not self.is_held(value)
        return "" if name is None or many else name.drawn

    def number(self, rounds: Sequence[Any], start: Any = None) -> None:
        """Call the values of a variable, to which a loop assigned one after the other, by its name with numbers.

        A round in which it has none is None. What the first round starts from, unless somebody gave it a name, has the
        number 0. In source, the last one keeps the name itself.
        """
        *_, last = (one for one in rounds if one is not None)
        leaf = (type(start) is Node and start.op is None) or (isinstance(start, np.ndarray) and start.ndim)
        starts = leaf and not self.is_held(start)
        known = self._release(start) if starts and id(start) in self._names else None
        name = self._series.get(id(last)) or self._number(rounds)
        if starts and name is not None and not self._is_taken(f"{name.text}_0", start):
            self._claim(start, f"{name.text}_0", subscript(name.drawn, 0))
            self._starts.add(id(start))
        elif known is not None:
            self._use(start, known)

    def _number(self, rounds: Sequence[Any]) -> Name | None:
        """Number the values of one variable, and give its name, if they can be told from all others."""
        *before, (last, value) = [(k, one) for k, one in enumerate(rounds, 1) if one is not None]
        own = self.given(value)
        variable = self._variables.get(id(value)) or ("" if own is None else own.text)
        ended = [one for one in rounds if id(one) in self._ended and self._variables[id(one)] == variable]
        known = [self._release(one) for one in ended]
        gone = any(one is value for one in ended)
        name = self.given(value)
        # What a function returns has the name that its caller gave it, and what came before that of the variable in it.
        renamed = bool(before) and not gone and len(ended) == len(before) and own is not None and own.text != variable
        if gone or renamed:
            name = Name(identifier(variable), pretty(variable), "given")
        # Of `x, y = y, x + y` the x is what y was in the round before.
        others = any(self.given(one) for _, one in before[:-1] or before)
        drawn = ["" if name is None else subscript(name.drawn, k) for k in range(len(rounds) + 1)]
        if name is None or others or self._are_taken(f"{name.text}_1", drawn[1:]):
            for one, old in zip(ended, known, strict=True):
                self._use(one, old)
            return None
        for k, one in before:
            self._claim(one, f"{name.text}_{k}", drawn[k])
        last = max(k for k, one in enumerate(rounds, 1) if one is value)
        text = f"{name.text}_{last}" if gone and self._is_taken(name.text, value) else name.text
        if not renamed:
            self._use(value, name._replace(text=text, drawn=drawn[last]))
        for one in rounds:
            self._ended.pop(id(one), None)
            self._series[id(one)] = name
        return name

    def draw_single(self, hidden: Container[int]) -> None:
        """Draw a variable without a number where all of its other values are hidden."""
        shown: defaultdict[Name, list[int]] = defaultdict(list)
        for key, name in self._series.items():
            if key not in hidden:
                shown[name].append(key)
        drawn = {name.drawn for name in self._names.values()}
        for name, (key, *others) in shown.items():
            if not others and self._names[key].text == name.text and name.drawn not in drawn:
                self._names[key] = name

    def _are_taken(self, text: str, drawn: Sequence[str]) -> bool:
        return self._is_taken(text, None) or not self._drawn.isdisjoint(one.translate(PLAIN_DIGITS) for one in drawn)

    def _use(self, value: Any, name: Name) -> None:
        self._names[id(value)] = name
        self.taken.add(name.text)
        self._drawn.add(name.drawn.translate(PLAIN_DIGITS))

    def _release(self, value: Any) -> Name:
        """Have a value without its name."""
        name = self._names.pop(id(value))
        self.taken.discard(name.text)
        self._drawn.discard(name.drawn.translate(PLAIN_DIGITS))
        return name

    def _claim(self, value: Any, name: str, drawn: str = "", origin: Any = "given", path: str = "") -> None:
        """Give a value this name, or one like it where that is another value's."""
        text = base = identifier(name)
        while self._is_taken(text, value):
            self._clashes[base] += 1
            text = f"{base}_{self._clashes[base] + 1}"
        shown = drawn or pretty(name)
        part = type(value) is not Node and name.endswith("]")  # indexed several times, it is the same
        if origin == "given" and not part and shown.translate(PLAIN_DIGITS) in self._drawn:
            shown = self._told_apart(name, shown)
        while shown.translate(PLAIN_DIGITS) in self._drawn and not part:
            self._clashes["drawn", name] += 1
            shown = pretty(f"{printable(base, LONGEST - 4)}_{self._clashes['drawn', name] + 1}")
        self._use(value, Name(text, shown, origin, path))

    def _told_apart(self, name: str, shown: str) -> str:
        """How a name is drawn that looks like another's: one of both as in the source, as A_ is beside A."""
        if (plain := printable(name)) not in self._drawn:
            return plain
        for key, other in self._names.items():
            if other.drawn == shown and other.origin == "given" and other.text not in self._drawn:
                self._drawn.discard(shown.translate(PLAIN_DIGITS))
                self._drawn.add(other.text)
                self._names[key] = other._replace(drawn=other.text)
                break
        return shown

    def _is_taken(self, text: str, value: Any) -> bool:
        free = text == "loss" and type(value) is Node and value.op is not None
        return text in self.taken or (text in self._reserved and not free)


def identifier(name: str) -> str:
    """A name for source code: `params[0]` becomes params_0, and A_ stays what it is."""
    if not name.isidentifier() or name.startswith("_"):
        name = re.sub(r"\W+", "_", name).strip("_") or "v"
    name = unicodedata.normalize("NFKC", name)  # as Python reads identifiers
    name = name if len(name) <= LONGEST_WORD else name[:LONGEST_WORD].rstrip("_")
    return name if is_free(name) else f"{name}_" if is_free(f"{name}_") else f"v_{name}"


def is_free(name: str) -> bool:
    """Whether Python takes it as the name of a variable."""
    return name.isidentifier() and not keyword.iskeyword(name) and name != "__debug__"
