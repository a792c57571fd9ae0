"""What may be left out of a line: a factor, a term, a penalty, a sum."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.testing.expressions import Edit, broadcasts, expressions, terms_of, text_of
from autograd.testing.slopes import SlopeEdits

_MOST_SIZES = 4  # by which a penalty may be divided
_SUMS = ("np.sum({u}, axis={k})", "np.sum({u}, axis={k}, keepdims=True)", "np.mean({u}, axis={k}, keepdims=True)")


def _is_integer(value: Any) -> bool:
    """Whether a value is one integer."""
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iu"


class OmissionEdits(SlopeEdits):
    """The edits that put something into an expression."""

    def _left_out(self, node: ast.expr, value: Any) -> Iterator[Edit]:
        """A factor or a term that is left out of a gradient: of a product or a sum, once."""
        shape, around = np.shape(value), self._inside.get(id(node))
        operator = type(around.op) if isinstance(around, ast.BinOp) else None
        for text, kind in self._names.items():
            other = np.shape(kind.value)
            single = np.size(kind.value) == 1 and np.asarray(kind.value).dtype.kind in "fiu"
            if operator not in (ast.Mult, ast.Div) and not isinstance(node, ast.Constant):
                yield from self._factors(node, shape, text, kind, single)
            if operator in (ast.Add, ast.Sub):
                continue
            if broadcasts(other, shape) and not single and text not in map(text_of, terms_of(self._tree)):
                cause = "target" if kind.data else "regulariser" if kind.parameter else "missing-term"
                for op in "-+":
                    words = f"the term {op} {text} is left out"
                    product = 0.5 if operator is ast.Mult else 0.0
                    yield self._edit(node, f"_ {op} {text}", cause, 1.3 + product, words)
            if kind.parameter and other == shape and (shape or "[" in text):
                update = self._is_a_whole(node) and any(text_of(n) == text for n in expressions(node))
                for form in self._penalties if not update else self._decays:
                    term = form.format(text)
                    for op in "+-":
                        words = f"the penalty {op} {term} is left out"
                        yield self._edit(node, f"_ {op} {term}", "regulariser", 1.3, words)
            if len(other) == len(shape) > 0 and other == shape and not kind.forward:
                for k in range(len(shape)):
                    for form in _SUMS:
                        for op in "-+":
                            term = form.format(u=text, k=k)
                            new = f"_ {op} {term}"
                            words = f"the term {op} {term} is left out"
                            yield self._edit(node, new, "missing-term", 1.5, words)
        for text, kind in self._names.items() if len(shape) == 2 else ():
            if np.shape(kind.value) == (shape[0], shape[0]) and kind.forward:
                for form in (f"{text}.T @ _", f"{text} @ _"):
                    words = f"the factor {form[:-4]} is left out"
                    yield self._edit(node, form, "missing-derivative", 1.35, words)
        for k in range(np.ndim(value)):
            for form in _SUMS[:2]:
                new = form.format(u="_", k=k)
                yield self._edit(node, new, "unsummed-axis", 1.4, "a sum is left out")

    @cached_property
    def _penalties(self) -> list[str]:
        """What a penalty may add to a gradient, by the numbers that there are."""
        sizes = {kind.value: text for text, kind in reversed([*self._names.items()]) if _is_integer(kind.value)}
        numbers = list(sizes.values())[-_MOST_SIZES:]
        means = [f"{text} / {size} * {{}}" for text in self._strengths for size in numbers]
        return [form for text in self._strengths for form in (f"{text} * {{}}", f"2 * {text} * {{}}")] + means

    @cached_property
    def _decays(self) -> list[str]:
        """What a penalty may take from a parameter in its update, which has a learning rate."""
        rates = self._strengths[:_MOST_SIZES]
        return [f"{rate} * {form}" for form in self._penalties for rate in rates if not form.startswith(rate)]

    @cached_property
    def _strengths(self) -> list[str]:
        """The numbers that are no integers."""
        return [
            text for text, kind in self._names.items()
            if isinstance(kind.value, (float, np.floating)) and not kind.depends and np.ndim(kind.value) == 0
        ]  # fmt: skip

    def _of_ones(self, node: ast.expr) -> Iterator[Edit]:
        """The 1 of the right class, in a loop over classes."""
        numbers = [text for text, kind in self._names.items() if _is_integer(kind.value)]
        for a, b in combinations(numbers, 2):
            if "[" in a or "[" in b:
                words = f"the target is 1 where {a} is {b}, and the term - ({a} == {b}) is left out"
                yield self._edit(node, f"_ - ({a} == {b})", "target", 1.2, words)
