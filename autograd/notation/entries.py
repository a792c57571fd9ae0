r"""Arrays that mathematics tells entry by entry: an einsum as $\sum_k a_{i k} \, b_{k j}$, a read as $p_{i, y_i}$.

Such an array has a letter for each of its axes; an axis of length one that no entry depends on has None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from autograd.notation.literals import ndim, regular
from autograd.notation.tree import COMMANDS, SPACES, Group, Script, Space, Symbol, Tree, parts_of, row
from autograd.program.program import Var

INDICES: Final = "ijklmnopqr"
FENCE: Final = Symbol(",", "fence")  # a comma without a space
_COMMA: Final = Symbol(",", "comma")


class Entry(NamedTuple):
    """An entry at the indices `letters`, and how tightly it binds."""

    letters: tuple[Tree | None, ...]
    tree: Tree
    binds: float

    @property
    def shown(self) -> tuple[Tree, ...]:
        """The letters that are written."""
        return tuple(letter for letter in self.letters if letter is not None)

    def whole(self) -> Tree:
        """The array of these entries."""
        return Script(Group(self.tree), row(*self.shown)) if self.shown else self.tree


def of_einsum(subscripts: str, operands: Sequence[Any], factor: Callable[[Any], Tree], binds: float) -> Entry | None:
    """The entry of an einsum that names all axes; None for one that does not."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow or "." in subscripts or len(terms) != len(operands):
        return None
    factors: list[Tree] = []
    for term, operand in zip(terms, operands, strict=True):
        if term or not _is_one(operand):
            factors += [Space(SPACES[","]), factor(operand) if not term else Script(factor(operand), _row_of(term))]
    summed = [Symbol(letter) for letter in dict.fromkeys(inputs.replace(",", "")) if letter not in output]
    product = row(*factors[1:]) if factors else Symbol("1", "number")
    if summed:
        product = row(Script(COMMANDS["sum"], listed(summed, FENCE)), product)
    return Entry(tuple(map(Symbol, output)), product, binds)


def of_index(axes: int, index: Any, value: Callable[[Any], Tree], base: Tree) -> Entry | None:
    """The entry of what integer arrays choose of an array with so many axes, a number each; None for other reads."""
    parts = index if type(index) is tuple else (index,)
    lengths = {int(np.size(part.value if type(part) is Var else part)) for part in parts if _is_list(part)}
    if len(lengths) != 1 or len(parts) != axes or not all(_is_list(part) or type(part) is int for part in parts):
        return None
    letter = Symbol(INDICES[0])
    where = [_at(part, letter, value) if _is_list(part) else value(part) for part in parts]
    return Entry((letter,), Script(base, listed(where)), binds=10)


def of_take_along_axis(a: Any, indices: Any, axis: Any, value: Callable[[Any], Tree], base: Tree) -> Entry | None:
    """The entry of what `np.take_along_axis` chooses."""
    if type(axis) is not int or type(indices) is not Var or ndim(a) != ndim(indices):
        return None
    place = axis % ndim(a)
    all_letters = [Symbol(INDICES[k]) for k in range(ndim(a))]
    one = (indices.shape or ())[place] == 1
    own = row(*[letter for k, letter in enumerate(all_letters) if k != place or not one])
    chosen = Script(value(indices), own) if parts_of(own) else value(indices)
    where: list[Tree] = [*all_letters[:place], chosen, *all_letters[place + 1 :]]
    letters = [None if k == place and one else letter for k, letter in enumerate(all_letters)]
    return Entry(tuple(letters), Script(base, listed(where)), binds=10)


def of_first(entry: Entry, index: Any) -> Entry | None:
    """The entry without the axes of length one that an index takes the only element of; None for another index."""
    parts = list(index if type(index) is tuple else (index,))
    for at in [k for k, part in enumerate(parts) if part is Ellipsis]:
        parts[at : at + 1] = [slice(None)] * (len(entry.letters) - len(parts) + 1)
    parts += [slice(None)] * (len(entry.letters) - len(parts))
    if len(parts) != len(entry.letters) or not all(type(part) is int or part == slice(None) for part in parts):
        return None
    taken = [type(part) is int for part in parts]
    if any(took != (letter is None) for took, letter in zip(taken, entry.letters, strict=True)):
        return None
    return entry._replace(letters=entry.shown)


def listed(parts: Sequence[Tree], comma: Tree = _COMMA) -> Tree:
    """Parts with commas between them."""
    return row(*[one for part in parts for one in (comma, part)][1:])


def _at(part: Any, letter: Tree, value: Callable[[Any], Tree]) -> Tree:
    counts = isinstance(part, np.ndarray) and (regular(part) or "").startswith("np.arange")
    return letter if counts else Script(value(part), letter)


def _is_list(part: Any) -> bool:
    """Whether it is a line of integers."""
    array = part.value if type(part) is Var else part
    return isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype.kind in "iu"


def _row_of(letters: str) -> Tree:
    return row(*map(Symbol, letters))


def _is_one(value: Any) -> bool:
    return type(value) is not Var and np.ndim(value) == 0 and value == 1
