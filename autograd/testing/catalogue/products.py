"""Matrix algebra: factors transposed or in the wrong order, and products that became element by element."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd.program.program import Line, substituted
from autograd.program.reverse import Link
from autograd.testing.catalogue.mistake import Mistake, differs
from autograd.testing.replay import Replay


def transposes(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The contribution transposed, or a product in it computed otherwise."""
    truth = replay.contribution(link)
    if np.ndim(truth) == 2 and differs(np.transpose(truth), truth):
        yield Mistake(
            "transposed",
            {link: lambda g, gradients: np.transpose(replay.pull(link, g))},
            1.1,
            "{g} is transposed",
            ("transposed", "result"),
            link.source,
            link.node,
        )
    if link.node.op.role != "product":
        return
    written = replay.lines(link)
    g = replay.truth[link.node]
    for position, line in enumerate(written.lines):
        if line.fn not in (np.dot, np.matmul, np.tensordot, np.multiply, np.outer):
            continue
        for words, kind, change in _product_variants(line):
            result = written.run(g, position, change)
            if result is None or not differs(result, truth):
                continue
            cause = "transposed" if kind == "transposed" else "unsummed-axis"
            yield Mistake(
                cause,
                {link: lambda g, _, position=position, change=change: written.run(g, position, change)},
                1.0 if kind == "transposed" else 1.2,
                words,
                (cause, link.node.op.name, link.operand, words),
                link.source,
                link.node,
            )


def _product_variants(line: Line) -> Iterator[tuple[str, str, Any]]:
    """A line with a product as people get it wrong: in words, whether it is a matter of transposes, and computed."""
    for words, make in _DOT if line.fn in (np.dot, np.matmul) else _OUTER if line.fn is np.outer else ():
        yield words, "transposed", _computed(make)
    if line.fn is np.tensordot:
        for k, words in enumerate(("the first factor of {g} is transposed", "the second factor of {g} is transposed")):
            yield words, "transposed", _contracted(k)
    if line.fn is np.outer and line.target.value.shape[0] == line.target.value.shape[1]:
        words = "in {g}, an outer product became an element-by-element one, which broadcasting hides"
        for make in _SPREAD:
            yield words, "unsummed", _computed(make)
    words = "in {g}, a matrix product became an element-by-element one"
    for make in _ELEMENTWISE:
        yield words, "unsummed", _computed(make)


Product = Callable[[Any, Any], Any]
_DOT: tuple[tuple[str, Product], ...] = (
    ("the first factor of {g} is transposed", lambda a, b: np.dot(a.T, b)),
    ("the second factor of {g} is transposed", lambda a, b: np.dot(a, b.T)),
    ("both factors of {g} are transposed", lambda a, b: np.dot(a.T, b.T)),
    ("the factors of {g} are in the other order", lambda a, b: np.dot(b, a)),
    ("the factors of {g} are in the other order, one of them transposed", lambda a, b: np.dot(b.T, a)),
    ("the factors of {g} are in the other order, one of them transposed", lambda a, b: np.dot(b, a.T)),
)
_OUTER: tuple[tuple[str, Product], ...] = (("the factors of {g} are in the other order", lambda a, b: np.outer(b, a)),)
_ELEMENTWISE: tuple[Product, ...] = (
    lambda a, b: np.multiply(a, b),
    lambda a, b: np.multiply(np.transpose(a), b),
    lambda a, b: np.multiply(a, np.transpose(b)),
)
_SPREAD: tuple[Product, ...] = (
    lambda a, b: np.tile(a * b, (np.size(a), 1)),
    lambda a, b: np.tile(a * b, (np.size(a), 1)).T,
)


def _computed(make: Product) -> Any:
    return lambda line, values: make(*substituted(line.args, values)[:2])


def _contracted(transposed: int) -> Any:
    def compute(line: Line, values: Any) -> Any:
        factors = list(substituted(line.args[:2], values))
        factors[transposed] = np.transpose(factors[transposed])
        contract: Any = np.tensordot
        return contract(*factors, *substituted(line.args[2:], values), **line.kwargs)

    return compute
