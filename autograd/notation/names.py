"""Names as text: those of the caller's variables, of the parameters of modules, and how the blackboard has them."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import FrameType, ModuleType
from typing import Any, Final

import numpy as np

from autograd.array.tensor import Tensor
from autograd.basis.caching import cached_property
from autograd.basis.frames import is_library, is_ours
from autograd.core.node import Node
from autograd.text import LONGEST, letter_name, printable

_LOOKED_AT: Final = 1000  # entries of a container in the caller's scope
_NO_USERS: Final = frozenset((*sys.stdlib_module_names, "numpy", "autograd"))  # whose objects are not looked into
_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
PLAIN_DIGITS: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
GREEK: Final = {str(letter_name(sign)): sign for sign in "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"}
_NUMBERED = re.compile(r"([^\W\d_]+)(_hat)?_?(\d*)")
_LETTERS = {"weight": "W", "bias": "b"}


def subscript(text: str, index: int) -> str:
    """`text` with a number below the line.

    >>> subscript("z", 12)
    'z₁₂'
    """
    return text + str(index).translate(_SUBSCRIPTS)


def pretty(name: str) -> str:
    """A Python name as on the blackboard: numbers become subscripts, `_hat` a hat, alpha its letter.

    >>> [pretty(name) for name in ("z1", "W_2", "y_hat", "theta", "d01", "x_train")]
    ['z₁', 'W₂', 'ŷ', 'θ', 'd₀₁', 'x_train']
    """
    match = _NUMBERED.fullmatch("y_hat" if name == "yhat" else name.rstrip("_") or name)
    if match is None or len(name) > LONGEST:
        return printable(name)
    stem, hat, digits = match.groups()
    stem = GREEK.get(stem, stem)
    if hat and len(stem := unicodedata.normalize("NFC", f"{stem}\N{COMBINING CIRCUMFLEX ACCENT}")) > 1:
        return printable(name)
    plain = digits.startswith("0") and len(digits) > 2  # d₀₁ has two indices, and 007 is no number
    return stem + (digits if plain else digits.translate(_SUBSCRIPTS))


def latest(node: Node) -> Node:
    """The node that a leaf's Tensor has now; another than was recorded, if it got other data since."""
    while (replacement := node.get("replacement")) is not None:
        node = replacement
    return node


class Scope:
    """The caller's variables, by what they hold: Tensors by node, arrays by identity.

    Looks into dictionaries, lists, tuples and plain objects too, two levels deep. A variable of the inner scope
    comes before one of the outer, a variable before an entry, unless a loop left it there.

    Attributes:
        names: those of variables that hold Tensors and arrays; no other value may be called so.

    >>> w = Tensor(1.0)
    >>> Scope({"weights": {"w": w}}).of(w._node)
    'w'
    """

    def __init__(self, *scopes: Mapping[str, Any]) -> None:
        self._nodes: dict[Node, str] = {}
        self._arrays: dict[int, tuple[Any, str]] = {}
        self._owners: dict[int, tuple[Any, str]] = {}
        self._sequences: list[tuple[str, Any]] = []
        self.names: set[str] = set()
        taken: set[str] = set()
        copies = [list(scope.items()) for scope in scopes]  # another thread may add to it
        left = _left_by_loops([item for scope in copies for item in scope if _is_variable(item[0])])
        several = _of_several(item for scope in copies for item in scope if _is_variable(item[0]))
        for scope in copies:
            held = [(name, value) for name, value in scope if _is_variable(name)]
            for name, value in held:
                if left.get(id(value), name) == name:
                    self._add(name, value, taken)
            taken.update(name for name, _ in held)
            for name, value in held:
                for entry, part in islice(_deep_entries(name, value, several), _LOOKED_AT):
                    self._add(entry, part, taken)

    def _add(self, name: str, value: Any, taken: set[str]) -> None:
        if name in taken:  # hidden by an inner scope, or an entry called like a variable
            return
        if isinstance(value, Tensor):
            self.names.add(name)
            self._nodes.setdefault(value._node, name)
        elif isinstance(value, np.ndarray):
            self.names.add(name)
            if value.ndim == 1 and 1 < value.size <= _LOOKED_AT:
                self._sequences.append((name, value))
            self._arrays.setdefault(id(value), (value, name))
        elif type(value) in (list, tuple) and 1 < len(value) <= _LOOKED_AT:
            self._sequences.append((name, value))
        elif hasattr(type(value), "__scope__"):
            self._owners.setdefault(id(value), (value, name))

    def of(self, node: Node) -> str | None:
        """The variable that holds this node, or else the array that it was made of."""
        name = self._nodes.get(latest(node))
        return name if name is not None or node.op is not None else self.of_array(node.value)

    @cached_property
    def _parameters(self) -> dict[Node, str]:
        """The parameters of modules that variables hold, each with the variable and its path."""
        return {
            parameter._node: f"{name}.{path}"
            for owner, name in reversed(self._owners.values())
            for path, parameter in getattr(owner, "named_parameters", tuple)()
        }

    def path_of(self, node: Node) -> str | None:
        """The path of a parameter from the variable that holds its module: `encoder.weight`."""
        return self._parameters.get(latest(node))

    @property
    def nodes(self) -> list[tuple[Node, str]]:
        """The values that variables hold, each with its name."""
        return [*self._nodes.items()]

    @property
    def arrays(self) -> list[tuple[Any, str]]:
        """The arrays that variables hold, each with its name."""
        return [*self._arrays.values()]

    def of_numbers(self, numbers: Sequence[Any]) -> tuple[str, int] | None:
        """The variable whose entries these numbers are, one after the other, and where it has the first of them."""
        for name, value in self._sequences:
            for start in range(len(value) - len(numbers) + 1):
                if all(type(a) is type(b) and a == b for a, b in zip(value[start:], numbers, strict=False)):
                    return name, start
        return None

    def of_owner(self, owner: Any) -> str | None:
        """The variable that holds this very module."""
        held = self._owners.get(id(owner))
        return None if held is None else held[1]

    def of_array(self, array: Any) -> str | None:
        """The variable that holds this very array."""
        held = self._arrays.get(id(array))
        return held[1] if held is not None and held[0] is array else None


def users_scope() -> Scope:
    """The variables of whoever called this package, and of those who called them: the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    outer = frame.f_globals if frame is not None else {}
    scopes: list[Mapping[str, Any]] = []
    while frame is not None:
        file = frame.f_code.co_filename
        if not is_ours(file) and not is_library(file):
            scopes.append(frame.f_locals)
        frame = frame.f_back
    return Scope(*scopes, outer)


def _is_variable(name: str) -> bool:
    """Whether a name is the user's, not a notebook's or a tool's."""
    return name.isidentifier() and not name.startswith("_")


def _left_by_loops(variables: Sequence[tuple[str, Any]]) -> dict[int, str]:
    """Entries by identity: a container's last, where variables hold none of the others, as after a loop over it.

    So are the last ones of a list of tuples, which a loop assigns to several variables; but not what was computed.
    """
    held = {id(value) for _, value in variables}
    computed = {id(value) for _, value in variables if isinstance(value, Tensor) and not value.is_leaf}
    left = {}
    for name, value in variables:
        if isinstance(value, (dict, list, tuple)) and 1 < len(value) <= _LOOKED_AT:
            if isinstance(value, dict) and not all(map(_is_name, list(value))):
                continue
            for entries in _columns(name, value):
                last = next(reversed(entries), 0)  # of what has no name there is none
                if held.intersection(entries) == {last} and last not in computed:
                    left[last] = entries[last]
    return left


def _columns(name: str, value: Any) -> Iterator[dict[int, str]]:
    """The entries of a container by identity, and of containers in it those at every place."""
    entries = [*_entries(name, value)]
    yield {id(part): entry for entry, part in entries}
    inside = [
        [*_entries(entry, part, _Everything())] for entry, part in entries if isinstance(part, (dict, list, tuple))
    ]
    if len(inside) == len(entries) and len({*map(len, inside)}) == 1:
        yield from ({id(part): entry for entry, part in column} for column in zip(*inside, strict=True))


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and _is_variable(key)


def _entries(name: str, value: Any, several: Container[str] = ()) -> Iterator[tuple[str, Any]]:
    """What a container or an object holds, with names; those keys that `several` have are told with the container's."""
    if isinstance(value, dict):
        for key, part in islice(value.items(), _LOOKED_AT):
            yield (key if isinstance(key, str) and key not in several else f"{name}[{key!r}]"), part
    elif type(value) in (list, tuple):
        for position, part in enumerate(value[:_LOOKED_AT]):
            yield f"{name}[{position}]", part
    elif _is_plain_object(value):
        for key, part in islice(vars(value).items(), _LOOKED_AT):
            if _is_variable(key):
                yield (f"{name}.{key}" if key in several else key), part


class _Everything:
    """All that there is."""

    def __contains__(self, key: object) -> bool:
        return True


def _deep_entries(name: str, value: Any, several: Container[str]) -> Iterator[tuple[str, Any]]:
    """Those of the containers and objects in it too: `layers[0]['W']`, `neurons[0].w`."""
    plain = _is_plain_object(value)
    for entry, part in _entries(name, value, several):
        yield entry, part
        if isinstance(part, (dict, list, tuple)) or (not plain and _is_plain_object(part)):
            yield from _entries(entry, part, () if plain and isinstance(part, dict) else _Everything())


def _of_several(variables: Iterable[tuple[str, Any]]) -> set[str]:
    """The keys that more than one dictionary or object has."""
    holders = {id(value): value for _, value in variables if isinstance(value, dict) or _is_plain_object(value)}
    keys = Counter(
        key
        for value in holders.values()
        for key in islice(value if isinstance(value, dict) else vars(value), _LOOKED_AT)
        if isinstance(key, str)
    )
    return {key for key, count in keys.items() if count > 1}


def _is_plain_object(value: Any) -> bool:
    """Whether it is of a class of the user's own."""
    kind = type(value)
    own = kind.__module__.partition(".")[0] not in _NO_USERS and not isinstance(value, (type, ModuleType))
    return own and not hasattr(kind, "__scope__") and isinstance(getattr(value, "__dict__", None), dict)


def short_paths(paths: Sequence[str]) -> dict[str, str]:
    """Short forms of module paths: the letter of the last part, numbered by the layer it is in.

    >>> short_paths(["layers.0.weight", "layers.2.weight", "layers.2.bias", "head.scale"])
    {'layers.0.weight': 'W₁', 'layers.2.weight': 'W₂', 'layers.2.bias': 'b₂', 'head.scale': 'scale'}
    """
    split = [path.rpartition(".") for path in paths]
    layers = list(dict.fromkeys(layer for layer, _, last in split if last in _LETTERS))
    places = {layer: position for position, layer in enumerate(layers, 1)}
    many = Counter(last for _, _, last in split)
    seen: Counter[str] = Counter()
    short = {}
    for path, (layer, _, last) in zip(paths, split, strict=True):
        seen[last] += 1
        if last in _LETTERS:
            short[path] = subscript(_LETTERS[last], places[layer]) if len(layers) > 1 else _LETTERS[last]
        else:
            short[path] = subscript(pretty(last), seen[last]) if many[last] > 1 else pretty(last)
    return short


def is_path(name: str) -> bool:
    """Whether a name is the path of a parameter in a module.

    >>> is_path("layers.0.weight"), is_path("3.14"), is_path("see e.g. this")
    (True, False, False)
    """
    parts = name.split(".")
    return len(parts) > 1 and parts[-1].isidentifier() and all(p.isidentifier() or p.isdecimal() for p in parts)
