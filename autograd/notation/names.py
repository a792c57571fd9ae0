"""What the values of a computation are called: by their owner, by the caller's variables, or by us.

Nothing here knows how names are drawn, so that pictures, derivations and reports use the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.core.tensor import Tensor

LONGEST: Final = 28
_LOOKED_AT: Final = 1000  # entries of a container in the caller's scope
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_GREEK = dict(
    zip(
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "pi",
            "rho",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "chi",
            "psi",
            "omega",
            "Gamma",
            "Delta",
            "Theta",
            "Lambda",
            "Xi",
            "Pi",
            "Sigma",
            "Phi",
            "Psi",
            "Omega",
        ],
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        strict=True,
    )
)
_HATS = dict(zip("aceghijosuwyzACEGHIJOSUWYZ", "âĉêĝĥîĵôŝûŵŷẑÂĈÊĜĤÎĴÔŜÛŴŶẐ", strict=True))
_NUMBERED = re.compile(r"([^\W\d_]+)(_hat)?_?(\d*)")
# Control characters break XML, half surrogates break UTF-8, and text of the other direction its neighbours.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")
_LETTERS = {"weight": "W", "bias": "b"}
_PRODUCTS = {"nn.functional.linear", "np.matmul", "np.dot", "np.tensordot", "np.einsum"}
_STEPS = 8  # operations that an activation may be written in
_ACTIVATIONS = {"np.tanh", "np.maximum", "np.minimum", "np.clip", "np.sin", "np.cos"}  # and all of nn.functional's
_ENDS_IN_NUMBER = re.compile(r"[^\W\d]+(\d+)")


def subscript(text: str, index: int) -> str:
    """`text` with a number below the line.

    >>> subscript("z", 12)
    'z₁₂'
    """
    return text + str(index).translate(_SUBSCRIPTS)


def pretty(name: str) -> str:
    """A Python name as on the blackboard: numbers become subscripts, `_hat` a hat, alpha its letter.

    >>> [pretty(name) for name in ("z1", "W_2", "y_hat", "theta", "delta3", "x_train")]
    ['z₁', 'W₂', 'ŷ', 'θ', 'δ₃', 'x_train']
    """
    match = _NUMBERED.fullmatch("y_hat" if name == "yhat" else name.rstrip("_") or name)
    if match is None or len(name) > LONGEST:
        return printable(name)
    stem, hat, digits = match.groups()
    stem = _GREEK.get(stem, stem)
    if hat:
        if stem not in _HATS:
            return printable(name)
        stem = _HATS[stem]
    return subscript(stem, int(digits)) if digits and digits == str(int(digits)) else stem + digits


def printable(name: str, longest: int = LONGEST) -> str:
    """`name` without what no picture can hold, and not too long.

    >>> printable("a\\nb"), len(printable("x" * 100))
    ('a b', 28)
    """
    name = _UNPRINTABLE.sub(lambda found: " " if found[0] in "\t\r\n" else "\N{REPLACEMENT CHARACTER}", name)
    return name if len(name) <= longest else name[: longest - 1] + "…"


def latest(node: Node) -> Node:
    """The node that a leaf's Tensor has now; another than was recorded, if it got other data since."""
    while (heir := node.note("heir")) is not None:
        node = heir
    return node


class Scope:
    """The caller's variables, by what they hold: Tensors by node, arrays by identity.

    Looks into dictionaries, lists and tuples too, one level deep. A variable of the inner scope
    comes before one of the outer, a variable before an entry, unless a loop left it there.

    >>> w = Tensor(1.0)
    >>> Scope({"weights": {"w": w}}).of(w._node)
    'w'
    """

    def __init__(self, *scopes: Mapping[str, Any]) -> None:
        self._nodes: dict[Node, str] = {}
        self._arrays: dict[int, tuple[Any, str]] = {}
        self._owners: dict[int, tuple[Any, str]] = {}
        taken: set[str] = set()
        copies = [list(scope.items()) for scope in scopes]  # another thread may add to it
        left = _left_by_loops([value for scope in copies for name, value in scope if _is_variable(name)])
        for scope in copies:
            held = [(name, value) for name, value in scope if _is_variable(name)]
            for name, value in held:
                if left.get(id(value), name) == name:
                    self._add(name, value, taken)
            taken.update(name for name, _ in held)
            for name, value in held:
                for entry, part in _entries(name, value):
                    self._add(entry, part, taken)

    def _add(self, name: str, value: Any, taken: set[str]) -> None:
        if name in taken:  # hidden by an inner scope, or an entry called like a variable
            return
        if isinstance(value, Tensor):
            self._nodes.setdefault(value._node, name)
        elif isinstance(value, np.ndarray):
            self._arrays.setdefault(id(value), (value, name))
        elif hasattr(type(value), "__scope__"):
            self._owners.setdefault(id(value), (value, name))

    def of(self, node: Node) -> str | None:
        """The variable that holds this node, or else the array that it was made of."""
        found = self._nodes.get(latest(node))
        return found if found is not None or node.op is not None else self.of_array(node.value)

    def of_owner(self, owner: Any) -> str | None:
        """The variable that holds this very module."""
        held = self._owners.get(id(owner))
        return None if held is None else held[1]

    def of_array(self, array: Any) -> str | None:
        """The variable that holds this very array."""
        held = self._arrays.get(id(array))
        return held[1] if held is not None and held[0] is array else None


def _is_variable(name: str) -> bool:
    """Whether a name is the user's, not a notebook's or a tool's."""
    return name.isidentifier() and not name.startswith("_")


def _left_by_loops(values: Sequence[Any]) -> dict[int, str]:
    """Entries by identity: a dictionary's last, where variables hold none of the others, as after a loop over it."""
    held = set(map(id, values))
    left = {}
    for value in values:
        if isinstance(value, dict) and 1 < len(value) <= _LOOKED_AT and all(map(_is_name, list(value))):
            entries = {id(part): key for key, part in list(value.items())}
            last = next(reversed(entries))
            if held.intersection(entries) == {last}:
                left[last] = entries[last]
    return left


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and _is_variable(key)


def _entries(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in islice(value.items(), _LOOKED_AT):
            yield (key if isinstance(key, str) else f"{name}[{key!r}]"), part
    elif type(value) in (list, tuple):
        for position, part in enumerate(value[:_LOOKED_AT]):
            yield f"{name}[{position}]", part


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


def is_stretched(value: Any, result: Any) -> bool:
    """Whether an axis of 1 was broadcast to that of the result, as that of a mean or a maximum is, and no target's.

    >>> is_stretched(np.ones((3, 1)), np.ones((3, 4))), is_stretched(np.ones((3, 4)), np.ones((3, 4)))
    (True, False)
    """
    return np.ndim(value) == np.ndim(result) and any(
        size == 1 < whole for size, whole in zip(np.shape(value), np.shape(result), strict=True)
    )


def in_order_of_use(operations: Iterable[Node]) -> list[Node]:
    """What was made, not computed, in the order in which the operations use it."""
    used = dict.fromkeys(arg for node in operations for arg in node.args or () if type(arg) is Node)
    return [node for node in used if node.op is None]


def weights(node: Node) -> list[Node]:
    """The parameters among the operands of a product."""
    if node.op is None or node.op.name not in _PRODUCTS:
        return []
    return [arg for arg in node.inputs if arg is not None and arg.op is None and arg.requires_grad]


def made_up(operations: Sequence[Node], names: Mapping[Node, str], taken: Container[str] = ()) -> dict[Node, str]:
    """Identifiers by their part in a network for nodes that nobody named; none for a value on the way.

    W is a matrix of parameters, w another parameter; Z goes into an activation and A comes out of it, with the number
    of the weights.

    Args:
        operations: in the order of the program.
        names: of the nodes that have one; an ending number counts.
        taken: names that are used otherwise.

    >>> x, W1, b1 = np.ones((2, 3)), Tensor(np.ones((3, 4)), requires_grad=True), Tensor(np.ones(4), requires_grad=True)
    >>> out = np.tanh(x @ W1 + b1)
    >>> operations = [out._node.args[0].args[0], out._node.args[0], out._node]
    >>> list(made_up(operations, {W1._node: "W1"}).values())
    ['w', 'Z1', 'A1']
    """
    found: dict[Node, str] = {}
    used = set(names.values())
    counts: Counter[str] = Counter()

    def called(node: Node) -> str:
        return names.get(node) or found.get(node, "")

    def claim(node: Node, name: str) -> bool:
        if name in used or name in taken:
            return False
        used.add(name)
        found[node] = name
        return True

    def number(node: Node, letter: str) -> None:
        while True:
            counts[letter] += 1
            if claim(node, f"{letter}{counts[letter]}"):
                return

    parameters = [node for node in in_order_of_use(operations) if node.requires_grad and not called(node)]
    letters = {node: "W" if np.ndim(node.value) > 1 else "w" for node in parameters}
    many = Counter(letters.values())
    for node, letter in letters.items():
        if many[letter] > 1 or not claim(node, letter):
            number(node, letter)
    for node in _preactivations(operations):
        if not called(node):
            of = [weight for product in (node, *node.inputs) if product is not None for weight in weights(product)]
            numbers = [match[1] for weight in of if (match := _ENDS_IN_NUMBER.fullmatch(called(weight)))]
            if not numbers or not claim(node, f"Z{numbers[0]}"):
                number(node, "Z")
    for node in operations:
        inputs = [arg for arg in node.inputs if arg is not None]
        activated = [node] if len(inputs) == 1 and _is_activation(node) else []
        if weights(node):  # what the next layer takes was activated, somehow
            activated += [arg for arg in inputs if arg.op is not None]
        for result in activated:
            if not called(result) and (match := re.fullmatch(r"Z(\d+)", _source(result, called))):
                claim(result, f"A{match[1]}")
    return found


def _is_activation(node: Node) -> bool:
    return node.op.name in _ACTIVATIONS or node.op.name.startswith("nn.")


def _source(node: Node, called: Callable[[Node], str]) -> str:
    """The name of the first value with one that this was made from, element by element."""
    for _ in range(_STEPS):
        inputs = [arg for arg in node.inputs if arg is not None and np.shape(arg.value) == np.shape(node.value)]
        if len(inputs) != 1 or node.op.name in _PRODUCTS:
            return ""
        (node,) = inputs
        if re.fullmatch(r"Z\d+", name := called(node)):
            return name
        if node.op is None:
            return ""
    return ""


def _preactivations(operations: Sequence[Node]) -> list[Node]:
    """Products with weights, with what is added to them: what goes into an activation."""
    uses = Counter(arg for node in operations for arg in node.inputs if arg is not None)
    linear: set[Node] = set()
    inside: set[Node] = set()
    for node in operations:
        if weights(node):
            linear.add(node)
        elif node.op.name == "np.add":
            parts = [arg for arg in node.inputs if arg in linear]
            if parts:
                linear.add(node)
                inside.update(arg for arg in parts if arg is not None and uses[arg] == 1)
    return [node for node in operations if node in linear and node not in inside]


class Generator:
    """Names for what has none: a letter for each role, numbered in the order of the program."""

    def __init__(self, taken: set[str], many: Counter[str]) -> None:
        self._taken = taken
        self._many = many
        self._next: Counter[str] = Counter()

    def name(self, letter: str) -> str:
        """The next name of this letter; without a number if there is only one."""
        if self._many[letter] == 1 and letter not in self._taken:
            self._taken.add(letter)
            return letter
        while True:
            self._next[letter] += 1
            found = subscript(letter, self._next[letter])
            if found not in self._taken:
                self._taken.add(found)
                return found

    def skip(self, letters: Counter[str]) -> None:
        """Count names that are not drawn."""
        self._next.update(letters)
