"""One name for every value of a graph: the same in pictures, derivations and reports.

A user's own name comes first: `name=`, the path in a module, the caller's variable. Other values are named by their
part in a network: W are weights, Z goes into an activation and A comes out of it, with the number of the weights; x is
data, y a target, y_hat what is compared with it, e the difference. What is left has a letter and a number.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from autograd.basis.arrays import is_lazy
from autograd.core.node import Node
from autograd.notation.names import PLAIN_DIGITS, Scope, is_path, latest, pretty, short_paths, subscript
from autograd.rules.index import scatter
from autograd.text import LONGEST, LONGEST_WORD, printable

_TARGETS: Final = frozenset(("y", "t", "target", "targets", "label", "labels", "y_true"))
_STEPS: Final = 8  # operations that an activation may be written in
_NUMBERED = re.compile(r"[^\W\d]+(\d+)")
_PREACTIVATION = re.compile(r"Z(\d+)")

Kind = Literal["parameter", "data", "target", "constant", "index"]


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


class Names:
    """The names of the nodes of a graph, and of the arrays among their arguments.

    Args:
        nodes: in the order of the program, the output last.
        scope: the caller's variables.
        given: names that come before all others, by node.
        reserved: identifiers that are used otherwise.

    Attributes:
        taken: the identifiers in use.

    >>> from autograd import Tensor
    >>> from autograd.core.node import topological
    >>> x, y, W1 = np.ones((5, 2)), np.zeros((5, 4)), Tensor(np.ones((2, 4)), requires_grad=True)
    >>> loss = np.mean((np.tanh(x @ W1) - y) ** 2)
    >>> nodes = topological([loss._node])
    >>> names = Names(nodes, Scope({"W1": W1}), {})
    >>> [names[value].drawn for value in (x, y, *nodes)]
    ['x', 'y', 'W₁', 'Z₁', 'A₁', 'e', 'v', 'L']
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        scope: Scope,
        given: Mapping[Any, str],
        reserved: Iterable[str] = (),
    ) -> None:
        self._scope, self._given, self._reserved = scope, given, {"loss", *reserved}
        self._names: dict[int, Name] = {}
        self._letters: dict[int, str] = {}  # names that are made when somebody asks: there may be many
        self._drawn: set[str] = set()  # with plain digits
        self._counts: Counter[str] = Counter()
        self.taken: set[str] = set()
        self._operations = [node for node in nodes if node.op is not None]
        self._users = _first_users(nodes, self._operations)
        self._use_given_names()
        self._kinds: dict[int, Kind] = {}
        self._find_kinds()
        self._name_parameters()
        self._name_layers()
        self._letter_the_rest(self._find_letters(nodes[-1]))

    def __getitem__(self, value: Any) -> Name:
        """The name of a node or an array; of a node that stands for an array, that of the array.

        An array that no operation takes, as a module may be called with, has one too.
        """
        key = id(value)
        if key not in self._names and key not in self._letters:
            if type(value) is Node:
                key = id(value.value)
            else:
                given = self._variable(value)
                self._claim(value, given or self._numbered("x"), origin="given" if given else "letter")
        if key not in self._names:
            text = self._letters[key]
            self._names[key] = Name(text, pretty(text), "letter")
        return self._names[key]

    def given(self, value: Any) -> Name | None:
        """The name that somebody gave a node or an array, if anybody did."""
        name = self._names.get(id(value)) or self._names.get(id(getattr(value, "value", None)))
        return name if name is not None and name.origin == "given" else None

    def number(self, rounds: Sequence[Any], start: Any = None) -> None:
        """Call the values of a variable, to which a loop assigned one after the other, by its name with numbers.

        A round in which it has none is None. What the first round starts from, unless somebody gave it a name, has the
        number 0. In source, the last one keeps the name itself.
        """
        *before, (_, last) = [(k, one) for k, one in enumerate(rounds, 1) if one is not None]
        name = self.given(last)
        # Of `x, y = y, x + y` the x is what y was in the round before.
        others = any(self.given(one) for _, one in before[:-1] or before)
        if name is None or others or self._is_taken(f"{name.text}_1", None):
            return
        leaf = type(start) is Node or (isinstance(start, np.ndarray) and start.ndim)
        starts = leaf and self.given(start) is None and not self._is_taken(f"{name.text}_0", start)
        if starts and (made := self._names.get(id(start))) is not None:
            self._drawn.discard(made.drawn.translate(PLAIN_DIGITS))
        drawn = {k: subscript(name.drawn, k) for k in range(1, len(rounds) + 1)}
        if self._drawn.intersection(one.translate(PLAIN_DIGITS) for one in drawn.values()):
            return
        for k, one in before:
            self._claim(one, f"{name.text}_{k}", drawn[k])
        self._names[id(last)] = name._replace(drawn=drawn[max(k for k, one in enumerate(rounds, 1) if one is last)])
        if starts:
            self._claim(start, f"{name.text}_0", subscript(name.drawn, 0))

    def call(self, value: Any, name: str) -> None:
        """Give a value this name, unless it has one from somebody or that is another value's."""
        if self.given(value) is None and not self._is_taken(identifier(name), value):
            self._letters.pop(id(value), None)
            self._claim(value, name)

    def kind(self, leaf: Any) -> Kind:
        """What a leaf is in the network."""
        known = id(leaf) if id(leaf) in self._kinds else id(getattr(leaf, "value", None))
        return self._kinds.get(known, "data")

    # Names that somebody gave

    def _use_given_names(self) -> None:
        paths: dict[str, Any] = {}
        seen: Counter[str] = Counter()
        variables: list[tuple[Any, str]] = []
        many = Counter(str(leaf.get("name")) for leaf, _ in self._users.values() if type(leaf) is Node)
        for value in (*(leaf for leaf, _ in self._users.values()), *self._operations):
            node = latest(value) if type(value) is Node else None
            given = None if node is None else self._given.get(node) or self._given.get(value)
            own = "" if node is None else str(node.get("name") or "").strip()
            if own and node is not None and node.op is None and many[own] > 1:  # two models may have the same paths
                own = self._scope.path_of(node) or own
            if given:
                self._claim(value, given, printable(given))
            elif is_path(own):  # two models may have the same paths
                paths["+" * seen[own] + own] = value
                seen[own] += 1
            elif own:
                self._claim(value, own)
            elif name := self._variable(value):
                variables.append((value, name))
        for value, name in variables:  # the user's own names come before the short ones of paths
            self._claim(value, name)
        for path, short in short_paths(list(paths)).items():
            whole, plain = printable(path.lstrip("+")), short.translate(PLAIN_DIGITS)
            name, drawn = (whole, whole) if plain in self._drawn else (plain, short)
            self._claim(paths[path], name, drawn, path=whole)

    def _variable(self, value: Any) -> str | None:
        """The caller's variable that holds a value, or an array that a leaf is a part of."""
        if type(value) is not Node:
            return self._scope.of_array(value) or _part(value, self._scope)
        return self._scope.of(value) or (_part(value.value, self._scope) if value.op is None else None)

    def _claim(self, value: Any, name: str, drawn: str = "", origin: Any = "given", path: str = "") -> None:
        """Give a value this name, or one like it where that is another value's."""
        text = base = identifier(name)
        number = 2
        while self._is_taken(text, value):
            text, number = f"{base}_{number}", number + 1
        shown, number = drawn or pretty(name), 2
        part = type(value) is not Node and name.endswith("]")  # indexed several times, it is the same
        while shown.translate(PLAIN_DIGITS) in self._drawn and not part:
            shown, number = pretty(f"{printable(base, LONGEST - 4)}_{number}"), number + 1
        self.taken.add(text)
        self._drawn.add(shown.translate(PLAIN_DIGITS))
        self._names[id(value)] = Name(text, shown, origin, path)

    def _is_taken(self, text: str, value: Any) -> bool:
        free = text == "loss" and type(value) is Node and value.op is not None
        return text in self.taken or (text in self._reserved and not free)

    # Names by their part in a network

    def _find_kinds(self) -> None:
        places = {node: place for place, node in enumerate(self._operations)}
        layers = list(filter(weights, places)) or [node for node in places if any(map(_is_parameter, node.inputs))]
        last = places[layers[-1]] if layers else -1
        for key, (leaf, user) in self._users.items():
            kind: Kind = "constant"
            if _is_parameter(leaf):
                kind = "parameter"
            elif user is not None and user.op.role == "index" and leaf is not (user.args or (leaf,))[0]:
                kind = "index"
            elif user is None or not any(arg is not None and arg.op is not None for arg in user.inputs):
                kind = "data"
            elif self._is_called(leaf).casefold() in _TARGETS or (places[user] > last and _is_target(leaf, user)):
                kind = "target"
            self._kinds[key] = kind

    def _is_called(self, value: Any) -> str:
        name = self._names.get(id(value))
        return "" if name is None else name.text

    def _name_part(self, value: Any, name: str) -> bool:
        """Give a value this name if it is free."""
        if not self._is_free(name):
            return False
        self._claim(value, name, origin="part")
        return True

    def _is_free(self, name: str) -> bool:
        drawn = pretty(name).translate(PLAIN_DIGITS) if "_" in name else name
        known = name in self.taken or name in self._reserved or name in self._scope.names
        return not known and drawn not in self._drawn

    def _numbered(self, letter: str) -> str:
        """The next free name of this letter."""
        self._counts[letter] += 1
        while not self._is_free(name := f"{letter}{self._counts[letter]}"):
            self._counts[letter] += 1
        return name

    def _name_parameters(self) -> None:
        """W is a matrix of parameters, w another parameter."""
        unnamed = [leaf for leaf, _ in self._users.values() if _is_parameter(leaf) and not self._is_called(leaf)]
        letters = ["W" if leaf.ndim > 1 else "w" for leaf in unnamed]
        many = Counter(letters)
        for leaf, letter in zip(unnamed, letters, strict=True):
            if many[letter] > 1 or not self._name_part(leaf, letter):
                self._claim(leaf, self._numbered(letter), origin="part")

    def _name_layers(self) -> None:
        """Z goes into an activation and A comes out of it, with the number of the weights."""
        for node in _preactivations(self._operations):
            if not self._is_called(node):
                used = [weight for part in (node, *node.inputs) if part is not None for weight in weights(part)]
                numbers = [found[1] for weight in used if (found := _NUMBERED.fullmatch(self._is_called(weight)))]
                if not numbers or not self._name_part(node, f"Z{numbers[0]}"):
                    self._claim(node, self._numbered("Z"), origin="part")
        for node in self._operations:
            if node.op.role not in ("activation", "product"):
                continue
            inputs = [arg for arg in node.inputs if arg is not None]
            activated = [node] if len(inputs) == 1 and node.op.role == "activation" else []
            if weights(node):  # what the next layer takes was activated, somehow
                activated += [arg for arg in inputs if arg.op is not None]
            for result in activated:
                if not self._is_called(result) and (number := self._activates(result)):
                    self._name_part(result, f"A{number}")

    def _activates(self, node: Node) -> str:
        """The number of the Z that a value was computed from, element by element; "" if there is none."""
        for _ in range(_STEPS):
            inputs = [arg for arg in node.inputs if arg is not None and arg.shape == node.shape]
            if len(inputs) != 1 or node.op.role == "product":
                return ""
            (node,) = inputs
            if found := _PREACTIVATION.fullmatch(self._is_called(node)):
                return found[1]
            if node.op is None:
                return ""
        return ""

    # Letters

    def _find_letters(self, output: Node) -> dict[int, str]:
        """The letter of each value that has no other name, and the output's name."""
        letters = {
            key: _leaf_letter(leaf, self._kinds[key], user)
            for key, (leaf, user) in self._users.items()
            if key not in self._names
        }
        letters |= {id(node): _letter(node) for node in self._operations if id(node) not in self._names}
        for node in self._operations:
            if _compares(node) and any(self._kinds.get(id(arg)) == "target" for arg in node.args or ()):
                predictions = [id(arg) for arg in node.inputs if arg is not None and arg.op is not None]
                letters |= dict.fromkeys(letters.keys() & predictions, "y_hat")
                if letters.get(id(node), "y_hat") != "y_hat":
                    letters[id(node)] = "e"
        if letters.pop(id(output), None) is not None:
            scalar = output.size == 1
            self._claim(output, "loss" if scalar else "out", "L" if scalar else "out", "output")
        return letters

    def _letter_the_rest(self, unnamed: Mapping[int, str]) -> None:
        many = Counter(unnamed.values())
        for key, letter in unnamed.items():
            single = many[letter] == 1 and self._is_free(letter)
            self._letters[key] = text = letter if single else self._numbered(letter)
            self.taken.add(text)


def identifier(name: str) -> str:
    """A name for source code: `params[0]` becomes params_0."""
    name = unicodedata.normalize("NFKC", re.sub(r"\W+", "_", name).strip("_") or "v")  # as Python reads identifiers
    name = name[:LONGEST_WORD].rstrip("_")
    return name if is_free(name) else f"{name}_" if is_free(f"{name}_") else f"v_{name}"


def is_free(name: str) -> bool:
    """Whether Python takes it as the name of a variable."""
    return name.isidentifier() and not keyword.iskeyword(name) and name != "__debug__"


def weights(node: Node) -> list[Node]:
    """The parameters among the operands of a product."""
    if node.op is None or node.op.role != "product":
        return []
    return [arg for arg in node.inputs if arg is not None and _is_parameter(arg)]


def is_stretched(value: Any, result: Any) -> bool:
    """Whether an axis of 1 was broadcast to that of the result, as that of a mean or a maximum is, and no target's.

    >>> is_stretched(np.ones((3, 1)), np.ones((3, 4))), is_stretched(np.ones((3, 4)), np.ones((3, 4)))
    (True, False)
    """
    return np.ndim(value) == np.ndim(result) and any(
        size == 1 < whole for size, whole in zip(np.shape(value), np.shape(result), strict=True)
    )


def _first_users(nodes: Iterable[Node], operations: Iterable[Node]) -> dict[int, tuple[Any, Node | None]]:
    """Each leaf, node or array, with the first operation that uses it, in the order of use."""
    found: dict[int, tuple[Any, Node | None]] = {}
    for node in operations:
        for leaf in _leaves((node.args, tuple(node.kwargs.values()))):
            found.setdefault(id(leaf), (leaf, node))
    for node in nodes:
        if node.op is None:
            found.setdefault(id(node), (node, None))
    return found


def _leaves(value: Any) -> Iterator[Any]:
    if type(value) is Node:
        if value.op is None:
            yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _leaves(part)
    elif (isinstance(value, np.ndarray) or is_lazy(value)) and value.ndim:
        yield value


def _is_parameter(value: Any) -> bool:
    return type(value) is Node and value.op is None and value.requires_grad


def _compares(node: Node) -> bool:
    """Whether an operation may be where a prediction meets its target."""
    return node.op.role == "loss" or node.op.fn is np.subtract


def _is_target(leaf: Any, user: Node) -> bool:
    return _compares(user) and not is_stretched(leaf, user)


def _leaf_letter(leaf: Any, kind: Kind, user: Node | None) -> str:
    """x for what is multiplied with weights, y for what a prediction is compared with, c for another constant."""
    if kind == "target" or (kind == "data" and user is not None and _is_target(leaf, user)):
        return "y"
    if kind == "data" and user is not None and user.op.role == "product":
        return "x"
    return "i" if kind == "index" else "m" if leaf.dtype == bool else "c"


def _letter(node: Node) -> str:
    if node.op.fn is np.add and any(map(_is_parameter, node.inputs)):
        return "z"
    if node.op.fn is scatter:  # a step of a write
        return "s"
    return {"activation": "h", "product": "a"}.get(node.op.role, "v")


def _preactivations(operations: Sequence[Node]) -> list[Node]:
    """Products with weights, with what is added to them: what goes into an activation."""
    uses = Counter(arg for node in operations for arg in node.inputs if arg is not None)
    linear: set[Node] = set()
    inside: set[Node] = set()
    for node in operations:
        if weights(node):
            linear.add(node)
        elif node.op.fn is np.add and (parts := [arg for arg in node.inputs if arg in linear]):
            linear.add(node)
            inside.update(arg for arg in parts if arg is not None and uses[arg] == 1)
    return [node for node in operations if node in linear and node not in inside]


def _part(array: Any, scope: Scope) -> str | None:
    """The name of the array that this one is a view of, with the number of the row, or what was indexed."""
    whole = getattr(array, "base", None)
    if not isinstance(whole, np.ndarray):
        return None
    name = scope.of_array(whole)
    if name is None:  # of one that is a view itself, as what was reshaped is
        views = ((one, known) for one, known in scope.arrays if getattr(one, "base", None) is whole)
        whole, name = next((one for one in views if np.may_share_memory(one[0], array)), (whole, None))
    if whole is not None and whole.ndim == 2 and (array.shape, array.strides) == (whole.T.shape, whole.T.strides):
        return None  # transposed, so that it is another one
    if name is None or whole is None or not whole.ndim or min(*whole.strides, *array.strides, 1) < 1:
        return name
    offset = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    if not 0 <= offset < whole.nbytes:
        return None
    if whole.shape[1:] == array.shape:
        return f"{name}_{offset // whole.strides[0]}"
    index = _index(array, whole, offset) if array.size < whole.size else ""
    return f"{name}[{index}]" if index else name if whole is array.base or array.size == whole.size else None


def _index(array: Any, whole: Any, offset: int) -> str:
    """What of a whole array a view of it is, which begins so many bytes behind it: `:, 2`; or ""."""
    axes = [(step, length) for step, length in zip(array.strides, array.shape, strict=True) if length > 1]
    parts: list[str] = []
    for step, length in zip(whole.strides, whole.shape, strict=True):
        start, offset = divmod(offset, step)
        if axes and axes[0][0] % step == 0 and start + axes[0][0] // step * (axes[0][1] - 1) < length:
            stride, many = axes[0][0] // step, axes.pop(0)[1]
            end = start + stride * (many - 1) + 1
            slices = f"{start or ''}:{end if end < length else ''}"
            parts.append(slices + (f":{stride}" if stride > 1 else ""))
        else:
            parts.append(str(start))
    while parts[-1:] == [":"]:
        parts.pop()
    return "" if axes or offset else ", ".join(parts)
