"""Identifiers for the values of a derivation: the user's own where there are any.

Others are named by their part in a network: Z goes into an activation, A comes out of it, with the number of the
weights; w and c are inputs without a name, and t is a value on the way.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.core.op import describe
from autograd.notation.names import Scope, in_order_of_use, is_path, is_stretched, latest, made_up, short_paths, weights

_ASCII = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_RESERVED = {"np", "backprop", "slice", "float", "int", "bool"}  # what source calls


class Identifiers:
    """A name for every node, each an identifier and no two the same; those in `plain` are constants that need none.

    Args:
        nodes: in the order of the program, the loss last.
        constants: the nodes that stand for arrays among the arguments.
        scope: the caller's variables.
        given: names to use before all others, by node.
        strict: refuse names that somebody gave and that cannot be used, rather than changing them.
        reserved: names that the derivation needs for other things.

    Attributes:
        invented: the nodes whose names were made up, by name.

    Raises:
        ValueError: a name that somebody gave is no identifier, is Python's own, or belongs to two inputs.
    """

    def __init__(
        self,
        nodes: list[Node],
        constants: list[Node],
        scope: Scope,
        given: Mapping[Node, str],
        strict: bool = True,
        reserved: Iterable[str] = (),
    ) -> None:
        self._reserved = _RESERVED | set(reserved)
        self._taken: dict[str, Node] = {}
        self._names: dict[Node, str] = {}
        self._gradients: dict[Node, str] = {}
        self._counts: Counter[str] = Counter()
        leaves = [node for node in nodes if node.op is None] + constants
        paths = {
            node: name
            for node in leaves
            if (name := latest(node).note("name")) is not None and node not in given and is_path(name)
        }
        if strict:
            _once(paths)
        operations = [node for node in nodes if node.op is not None]
        used = dict.fromkeys(paths[node] for node in in_order_of_use(operations) if node in paths)
        shorter = short_paths([*used, *(path for path in dict.fromkeys(paths.values()) if path not in used)])
        for node in leaves:
            said = given[node] if node in given else None if node in paths else latest(node).note("name")
            if said is not None:
                self._claim(node, self._checked(said, node) if strict else _sanitised(said), strict)
        for node, path in paths.items():
            self._claim(node, _sanitised(shorter[path].translate(_ASCII)))
        unnamed = [node for node in leaves if node not in self._names]
        for node in unnamed:
            found = scope.of(node) or _part(node.value, scope)
            if found is not None:
                self._claim(node, _sanitised(found))
        loss = nodes[-1]
        parts = _parts_played(operations, constants)
        self.plain = [node for node in leaves if node not in self._names and _is_plain(node)]
        self._wanted = {given.get(node, node.note("name")) or scope.of(node) for node in operations}
        meaningless = []
        for node in leaves:
            if node not in self._names and not node.requires_grad and node not in self.plain:
                part = parts.get(node)
                self._claim(node, part if part and part not in self._wanted else self._fresh(part or "c"))
                meaningless += [] if part else [node]
        self._nodes = {*nodes, *constants}
        for node in operations:
            said = given.get(node, node.note("name"))
            found = scope.of(node) if said is None else self._checked(said, node) if strict else said
            if found is None and node is loss:
                found = "loss"
            if found is not None:
                self._claim(node, _sanitised(found))
        found_out = made_up(operations, self._names, {*self._taken, *self._reserved})
        for node, name in found_out.items():
            self._claim(node, name)
        self.invented = {self._names[node]: node for node in (*meaningless, *found_out)}

    def __getitem__(self, node: Node) -> str:
        if node not in self._names:
            self._claim(node, self.fresh())
        return self._names[node]

    def __contains__(self, node: Node) -> bool:
        return node in self._nodes

    def named(self, node: Node) -> bool:
        """Whether a node has a name that says something."""
        return node in self._names

    def gradient(self, node: Node) -> str:
        """What dL/d(node) is called."""
        if node not in self._gradients:
            name = f"d{self[node]}"
            while name in self._taken:
                name += "_"
            self._gradients[node] = name
            self._taken[name] = node
        return self._gradients[node]

    def fresh(self) -> str:
        """A name for a value on the way."""
        return self._fresh("t")

    def _claim(self, node: Node, name: str, strict: bool = False) -> None:
        name = unicodedata.normalize("NFKC", name)  # as Python reads identifiers
        if strict and name in self._taken:
            raise ValueError(
                f"two inputs are called {name}, of shapes {np.shape(self._taken[name].value)} and "
                f"{np.shape(node.value)}; give each a name of its own, by name= or derive(loss, names={{tensor: name}})"
            )
        stem, number = name, 2
        while name in self._taken or name in self._reserved or (name == "loss" and node.op is None):
            name, number = f"{stem}_{number}", number + 1
        self._taken[name] = node
        self._names[node] = name

    def _checked(self, name: str, node: Node) -> str:
        """A name that somebody gave, if source code can use it."""
        told = f"{name!r}, the name of a Tensor of shape {np.shape(node.value)},"
        cure = "rename it, or pass derive(loss, names={tensor: name})"
        if not isinstance(name, str) or not _is_free(name):
            raise ValueError(f"{told} is no Python identifier, and the derivation is source code; {cure}")
        if name in self._reserved or (name == "loss" and node.op is None):
            raise ValueError(f"{told} would hide {name} in the derivation; {cure}")
        return name

    def _fresh(self, letter: str) -> str:
        while True:
            self._counts[letter] += 1
            name = f"{letter}{self._counts[letter]}"
            if name not in self._taken and name not in self._wanted:
                return name


def _parts_played(operations: list[Node], constants: list[Node]) -> dict[Node, str]:
    """x for what is multiplied with weights, y for what something is compared with."""
    by_array = {id(node.value): node for node in constants}
    parts: dict[Node, str] = {}
    for node in operations:
        compares = node.op.name == "np.subtract" or (
            node.op.name.startswith("nn.functional.") and len(node.args or ()) == 2
        )
        if not compares and not weights(node):
            continue
        for arg in node.args or ():
            leaf = arg if isinstance(arg, Node) else by_array.get(id(arg))
            if leaf is None or leaf.op is not None or leaf.requires_grad or not np.ndim(leaf.value):
                continue
            if node.op.name != "np.subtract" or not is_stretched(leaf.value, node.value):
                parts.setdefault(leaf, "y" if compares else "x")
    return parts


def _is_plain(node: Node) -> bool:
    """Whether a constant is zeros or ones: source makes it, rather than being given it."""
    value = node.value
    if node.requires_grad or not np.ndim(value) or not value.size or value.dtype != np.float64:
        return False
    return value.flat[0] in (0.0, 1.0) and bool(np.all(value == value.flat[0])) and not bool(np.any(np.signbit(value)))


def _once(paths: Mapping[Node, str]) -> None:
    """ValueError where two parameters have one path, as those of two models do."""
    seen: dict[str, Node] = {}
    for node, path in paths.items():
        if path in seen:
            raise ValueError(
                f"two parameters are called {path}, of {describe(seen[path])} and {describe(node)}; they are of two "
                "models: name them apart, by derive(loss, names={tensor: name})"
            )
        seen[path] = node


def _is_free(name: str) -> bool:
    """Whether Python takes it as the name of a variable."""
    return name.isidentifier() and not keyword.iskeyword(name) and name != "__debug__"


def _part(array: Any, scope: Scope) -> str | None:
    """The name of an array that this one is a row or a part of."""
    whole = getattr(array, "base", None)
    name = scope.of_array(whole) if isinstance(whole, np.ndarray) else None
    if name is None or whole is None or not whole.ndim or whole.shape[1:] != array.shape or not whole.strides[0]:
        return name
    offset = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    return f"{name}_{offset // whole.strides[0]}"


def _sanitised(name: str) -> str:
    """An identifier like `name`: `params[0]` becomes params_0."""
    name = re.sub(r"\W+", "_", name).strip("_") or "v"
    return name if _is_free(name) else f"{name}_" if _is_free(f"{name}_") else f"v_{name}"


def as_nodes(names: Mapping[Any, str] | None, nodes: Container[Node]) -> dict[Node, str]:
    """Names by node from names by Tensor."""
    found = {}
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(f"names= is a dictionary of Tensor to name, not a {type(names).__name__}")
    for tensor, name in (names or {}).items():
        if not hasattr(tensor, "_node"):
            raise TypeError(f"names= is a dictionary of Tensor to name; {type(tensor).__name__} is no Tensor")
        if tensor._node not in nodes:
            raise ValueError(f"names= calls {describe(tensor)} {name!r}, which is not in the graph of the loss")
        found[tensor._node] = name
    return found
