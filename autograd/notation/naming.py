"""One name for every value of a graph: the same in pictures, derivations and reports.

A user's own name comes first: `name=`, the path in a module, the caller's variable. Other values are named by their
part in a network: W are weights, Z goes into an activation and A comes out of it, with the number of the weights; x is
data, y a target, y_hat what is compared with it, e the difference. What is left has a letter and a number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np

from autograd.basis.arrays import is_lazy
from autograd.core.node import Node
from autograd.notation.claims import Claims, Name, identifier
from autograd.notation.names import PLAIN_DIGITS, Scope, is_path, latest, pretty, short_paths
from autograd.notation.views import part_of
from autograd.notation.written import Written, place_of
from autograd.rules.index import scatter
from autograd.text import printable

_TARGETS: Final = frozenset(("y", "t", "target", "targets", "label", "labels", "y_true"))
_STEPS: Final = 8  # operations that an activation may be written in
_NUMBERED = re.compile(r"[^\W\d]+(\d+)")
_PREACTIVATION = re.compile(r"Z(\d+)")

Kind = Literal["parameter", "data", "target", "constant", "index"]


class Names(Claims):
    """The names of the nodes of a graph, and of the arrays among their arguments.

    Args:
        nodes: in the order of the program, the output last.
        scope: the caller's variables.
        given: names that come before all others, by node.
        reserved: identifiers that are used otherwise.
        entering: arrays that modules are called with, which no operation may take.

    Attributes:
        taken: the identifiers in use.

    >>> from autograd import Tensor
    >>> from autograd.core.node import topological
    >>> x, y, W1 = np.ones((5, 2)), np.zeros((5, 4)), Tensor(np.ones((2, 4)), requires_grad=True)
    >>> loss = np.mean((np.tanh(x @ W1) - y) ** 2)
    >>> nodes = topological([loss._node])
    >>> names = Names(nodes, Scope({"W1": W1}), {})
    >>> [names[value].drawn for value in (x, y, *nodes)]
    ['x', 'y', 'W₁', 'Z₁', 'A₁', 'e', 'v', 'loss']
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        scope: Scope,
        given: Mapping[Any, str],
        reserved: Iterable[str] = (),
        entering: Iterable[Any] = (),
    ) -> None:
        super().__init__(reserved)
        self._scope, self._given, self._entering = scope, given, [*entering]
        self._letters: dict[int, str] = {}  # names that are made when somebody asks: there may be many
        self._counts: Counter[str] = Counter()
        self._operations = [node for node in nodes if node.op is not None]
        self._users = _first_users(nodes, self._operations)
        self._use_given_names()
        self._written = Written()
        self._use_written_names()
        self._number_reassigned()
        self._kinds: dict[int, Kind] = {}
        self._find_kinds()
        self._name_parameters()
        self._name_layers()
        self._stems = self._find_letters(nodes[-1])
        self._letter_the_rest(self._stems)

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

    def call(self, value: Any, name: str) -> None:
        """Give a value this name, unless it has one from somebody or that is another value's."""
        if self.given(value) is None and not self._is_taken(identifier(name), value):
            self._letters.pop(id(value), None)
            self._claim(value, name)

    def expression(self, user: Node, position: int) -> str:
        """What an operation takes at a position, as its author wrote it there, or ""."""
        return self._written.expression(user, position)

    def index(self, node: Node) -> tuple[str, ...]:
        """What its author wrote between the brackets where a node reads or writes, by place; () if that is unknown."""
        return self._written.index(node)

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
        known = {id(value) for value, _ in variables}
        others = (value for value in self._entering if id(value) not in known and id(value) not in self._names)
        variables += [(value, name) for value in others if (name := self._variable(value))]
        for value, name in variables:  # the user's own names come before the short ones of paths
            self._claim(value, name)
        for path, short in short_paths(list(paths)).items():
            whole, plain = printable(path.lstrip("+")), short.translate(PLAIN_DIGITS)
            name, drawn = (whole, whole) if plain in self._drawn else (plain, short)
            self._claim(paths[path], name, drawn, path=whole)

    def _use_written_names(self) -> None:
        """Names of variables that are gone."""
        for value, variable in self._written.variables(self._operations, self._names):
            self._variables[id(value)] = variable
            if id(value) not in self._names:
                self._ended[id(value)] = value
                self._gone.add(id(value))
                self._claim(value, variable)

    def _number_reassigned(self) -> None:
        """Number the values of variables that were assigned several times."""
        groups: dict[Any, list[Any]] = {}
        leaves = [(leaf, user) for leaf, user in self._users.values() if id(leaf) in self._ended]
        for value, maker in (*leaves, *((node, node) for node in self._operations)):
            variable, name = self._variables.get(id(value)), self.given(value)
            if name is not None and (variable := variable or self._scope.of(value)):
                place = place_of(maker) if variable in self._scope.names and maker is not None else None
                groups.setdefault((variable, place and place[0]), []).append(value)
        for (variable, _), values in groups.items():
            own = [one for one in values if id(one) in self._ended or self._names[id(one)].text == variable]
            gone = variable in self._scope.names and all(id(value) in self._ended for value in own)
            computed = [value for value in own if type(value) is Node and value.op is not None]
            if gone or len(own) < 2:
                continue
            if len(computed) == len(own) - 1:  # the first is what they start from
                self.number(computed, own[0])
            elif self._number(values) is None:
                self._number(own)

    def _variable(self, value: Any) -> str | None:
        """The caller's variable that holds a value, or an array that a leaf is a part of."""
        if type(value) is not Node:
            return self._scope.of_array(value) or part_of(value, self._scope)
        return self._scope.of(value) or (part_of(value.value, self._scope) if value.op is None else None)

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
            elif self._is_called(leaf).casefold() in _TARGETS or (
                _is_target(leaf, user) and (places[user] > last or user.op.role == "loss")
            ):
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
        stems = {name.rstrip("0123456789_") for name in self.taken | self._scope.names}
        for node in self._operations:
            if id(node) not in self._names:
                letters[id(node)] = "v" if _letter(node) in stems else _letter(node)  # z₂ is no value of z
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

    def hide(self, hidden: Iterable[Any]) -> None:
        """Count only what is drawn: the one sum on a slide is v, and no v₂₂; w is no w₂ where w₁ is not to be seen."""
        keys = {id(value) for value in hidden}
        self.draw_single(keys)
        left = {key: self._stems[key] for key in self._letters if key not in self._names}
        self.taken.difference_update(self._letters[key] for key in left)
        self._counts.clear()
        self._letter_the_rest({key: letter for key, letter in left.items() if key not in keys})
        self._letter_the_rest({key: letter for key, letter in left.items() if key in keys})

    def _letter_the_rest(self, unnamed: Mapping[int, str]) -> None:
        many = Counter(unnamed.values())
        for key, letter in unnamed.items():
            single = many[letter] == 1 and self._is_free(letter)
            self._letters[key] = text = letter if single else self._numbered(letter)
            self.taken.add(text)


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
