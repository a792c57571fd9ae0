"""Identifiers for the values of a derivation: the user's own where there are any."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.graph import Node
from autograd.names import Scope, is_path, latest, short_paths
from autograd.op import describe

_ASCII = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_RESERVED = {"np", "backprop", "loss"}
_PRODUCTS = {"nn.functional.linear", "np.matmul", "np.dot", "np.tensordot", "np.einsum"}
_SHIFTS = {"np.add"}  # of a product: still what goes into the activation


class Identifiers:
    """A name for every node, each an identifier and no two the same.

    Args:
        nodes: in the order of the program, the loss last.
        constants: the nodes that stand for arrays among the arguments.
        scope: the caller's variables.
        given: names to use before all others, by node.
        strict: refuse names that somebody gave and that cannot be used, rather than changing them.

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
    ) -> None:
        self._taken: dict[str, Node] = {}
        self._names: dict[Node, str] = {}
        self._counts: Counter[str] = Counter()
        leaves = [node for node in nodes if node.op is None] + constants
        paths = {
            node: name
            for node in leaves
            if (name := latest(node).note("name")) is not None and node not in given and is_path(name)
        }
        if strict:
            _once(paths)
        shorter = short_paths(list(dict.fromkeys(paths.values())))
        for node in leaves:
            said = given.get(node) or (None if node in paths else latest(node).note("name"))
            if said is not None:
                self._claim(node, _checked(said, node) if strict else _sanitised(said), strict)
        for node, path in paths.items():
            self._claim(node, _sanitised(shorter[path].translate(_ASCII)))
        unnamed = [node for node in leaves if node not in self._names]
        for node in unnamed:
            found = scope.of(node) if node not in constants else scope.of_array(node.value)
            if found is not None:
                self._claim(node, _sanitised(found))
        for node in leaves:
            if node not in self._names:
                self._claim(node, self._fresh("w" if node.requires_grad else "c"))
        computed = [node for node in nodes if node.op is not None]
        for node in computed:
            said = given.get(node) or node.note("name")
            found = scope.of(node) if said is None else _checked(said, node) if strict else said
            if found is not None:
                self._claim(node, _sanitised(found))
        for node in computed:
            if node not in self._names:
                self._claim(node, "loss" if node is nodes[-1] else self._role(node))

    def __getitem__(self, node: Node) -> str:
        return self._names[node]

    def __contains__(self, node: Node) -> bool:
        return node in self._names

    def gradient(self, node: Node) -> str:
        """What dL/d(node) is called."""
        name = f"d{self._names[node]}"
        while self._taken.get(name, node) is not node:
            name += "_"
        return name

    def fresh(self) -> str:
        """A name for a value on the way."""
        return self._fresh("t")

    def _claim(self, node: Node, name: str, strict: bool = False) -> None:
        if strict and name in self._taken:
            raise ValueError(
                f"two inputs are called {name}, of shapes {np.shape(self._taken[name].value)} and "
                f"{np.shape(node.value)}; give each a name of its own, by name= or derive(loss, names={{tensor: name}})"
            )
        stem, number = name, 2
        while name in self._taken or (name in _RESERVED and not (name == "loss" and node.op is not None)):
            name, number = f"{stem}_{number}", number + 1
        self._taken[name] = node
        self._names[node] = name

    def _fresh(self, letter: str) -> str:
        while True:
            self._counts[letter] += 1
            name = f"{letter}{self._counts[letter]}"
            if name not in self._taken:
                return name

    def _role(self, node: Node) -> str:
        """Z for what goes into an activation, A for what comes out of it."""
        inputs = [arg for arg in node.inputs if arg is not None]
        made = {arg.op.name for arg in inputs if arg.op is not None}
        if node.op.name in _PRODUCTS or (node.op.name in _SHIFTS and made & _PRODUCTS):
            return self._fresh("Z")
        called = [self._names.get(arg, "") for arg in inputs]
        if len(called) == 1 and re.fullmatch(r"Z\d+", called[0]) and np.shape(node.value) == np.shape(inputs[0].value):
            activation = "A" + called[0][1:]
            if activation not in self._taken:
                return activation
        return self._fresh("t")


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


def _checked(name: str, node: Node) -> str:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(
            f"{name!r}, the name of a Tensor of shape {np.shape(node.value)}, is no Python identifier, and the "
            "derivation is source code; rename it, or pass derive(loss, names={tensor: name})"
        )
    if name == "np":
        raise ValueError("a Tensor is called 'np', which would hide NumPy in the derivation; rename it")
    return name


def _sanitised(name: str) -> str:
    """An identifier like `name`: `params[0]` becomes params_0."""
    name = re.sub(r"\W+", "_", name).strip("_") or "v"
    if not name.isidentifier() or keyword.iskeyword(name):
        name = f"v_{name}" if not keyword.iskeyword(name) else f"{name}_"
    return name


def as_nodes(names: Mapping[Any, str] | None) -> dict[Node, str]:
    """Names by node from names by Tensor."""
    found = {}
    for tensor, name in (names or {}).items():
        if not hasattr(tensor, "_node"):
            raise TypeError(f"names= is a dictionary of Tensor to name; {type(tensor).__name__} is no Tensor")
        found[tensor._node] = name
    return found
