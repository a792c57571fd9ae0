"""Local derivatives: left out of a line, or another one in the place of the right one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.rules.write import put
from autograd.testing.calls import CallEdits
from autograd.testing.expressions import Edit, Kind, expressions, factors_of, parsed, product_of, text_of, together

_RELU = (np.maximum, np.fmax, np.where, np.greater, np.greater_equal, np.less, np.less_equal, np.clip, put)
# Local derivatives: where the forward pass has one of some functions, of what, and how much more far-fetched that is.
_SLOPES: tuple[tuple[str, tuple[Any, ...], tuple[float, float], float], ...] = (
    ("({u} > 0)", _RELU, (-np.inf, np.inf), 0.0),
    ("(1 - {u}**2)", (np.tanh, np.exp), (-1, 1), 0.0),
    ("{u} * (1 - {u})", (np.exp, np.tanh), (0, 1), 0.0),
    ("(1 - {u})", (np.exp, np.tanh), (0, 1), 0.05),
    ("(1 - np.tanh({u})**2)", (np.tanh,), (-np.inf, np.inf), 0.0),
    ("np.sign({u})", (np.abs,), (-np.inf, np.inf), 0.0),
    ("np.exp({u})", (np.exp,), (-np.inf, np.inf), 0.1),
    ("{u}", (), (-np.inf, np.inf), 0.15),
    ("1 / {u}", (), (-np.inf, np.inf), 0.4),
    ("2 * {u}", (np.square, np.power, np.multiply), (-np.inf, np.inf), 0.1),
    ("np.cos({u})", (np.sin,), (-np.inf, np.inf), 0.2),
    ("-np.sin({u})", (np.cos,), (-np.inf, np.inf), 0.2),
)


def _may_be_slope(form: str, numbers: Any, least: float, most: float) -> bool:
    """Whether a function of some numbers may be a local derivative: of the right range, and not 1 everywhere."""
    if not numbers.size or numbers.dtype.kind not in "fb":
        return False
    low, high = numbers.min(), numbers.max()
    turns = low <= 0 < high if "> 0" in form else low < 0 < high if "sign" in form else True
    return bool(low >= least and high <= most and (turns or numbers.size == 1))


def _bare(text: str) -> str:
    """Source without parentheses around all of it."""
    return text[1:-1] if text[0] == "(" and text[-1] == ")" else text


class SlopeEdits(CallEdits):
    """The edits of local derivatives."""

    @cached_property
    def _slopes(self) -> list[Any]:
        """The local derivatives that the forward pass can have."""
        leaky = [(f"np.where({{u}} > 0, 1, {leak:g})", (), (-np.inf, np.inf), 0.0) for leak in self._leaks]
        return [*leaky, *(slope for slope in _SLOPES if not slope[1] or any(fn in self._used for fn in slope[1]))]

    def _of_slopes(self, node: ast.BinOp) -> Iterator[Edit]:
        """Another local derivative in the place of one that is several factors of a product: `g * h * (1 - h)`."""
        parts = factors_of(node)
        own = [part for part in parts if self._is_forward(part) and self._varies(part)]
        own = own[1:] if len(own) == len(parts) else own  # an error that the loss has is of the forward pass too
        rest = [part for part in parts if not any(part is other for other in own)]
        if len(own) < 2:
            return
        words = f"{text_of(product_of(own))} does not belong there"
        yield self._edit(node, product_of(rest), "derivative-at-output", 1.3, words)
        shape = np.shape(self._value(node))
        for form, _, (least, most), unusual in self._slopes:
            for text, kind in self._names.items() if form not in ("{u}", "1 / {u}") else ():
                numbers = np.asarray(kind.value)
                fits = kind.forward and numbers.shape == shape and numbers.dtype.kind == "f"
                if fits and _may_be_slope(form, numbers, least, most):
                    slope = form.format(u=text)
                    words = f"the local derivative is {_bare(slope)}"
                    new = product_of([*rest, parsed(slope)])
                    yield self._edit(node, new, "derivative-at-output", 1.1 + unusual, words)

    def _varies(self, node: ast.expr) -> bool:
        """Whether a part of the expression depends on parameters."""
        return any((kind := self._names.get(text_of(part))) is not None and kind.depends for part in expressions(node))

    def _factors(self, node: ast.expr, shape: tuple[int, ...], text: str, kind: Kind, single: bool) -> Iterator[Edit]:
        """A factor with a name in it that is left out."""
        if single:
            cause = "missing-derivative" if kind.depends else "scale"
            for op, cost in (("*", 1.2), ("/", 1.3 if kind.depends else 1.2)):
                cost -= 0.3 * kind.unused
                yield self._edit(node, f"_ {op} {text}", cause, cost, f"a factor is missing: it should be {op} {text}")
        other = np.shape(kind.value)
        if len(other) == 1 and len(shape) == 2 and other[0] == shape[0] != shape[1]:
            text, other, kind = f"{text}[:, None]", (*other, 1), kind._replace(value=np.asarray(kind.value)[:, None])
        if not together(other, shape) or not (kind.forward or single):
            return
        numbers = np.asarray(kind.value)
        if single and shape:
            if kind.forward and kind.depends and numbers.dtype.kind == "f" and _may_be_slope("", numbers, 0, 1):
                words = f"the factor 1 - {text} is left out"
                yield self._edit(node, f"_ * (1 - {text})", "missing-derivative", 1.2, words)
            return
        if numbers.dtype.kind not in "fiub":
            return
        if numbers.dtype == bool and other == shape:
            yield self._edit(node, f"_ * ~{text}", "missing-derivative", 1.0, f"the factor ~{text} is left out")
        for name in self._functions if kind.forward and other == shape else ():
            if name in self._backward:
                words = f"the factor {name}({text}) is left out"
                yield self._edit(node, f"_ * {name}({text})", "missing-derivative", 1.0, words)
        for form, _, (least, most), unusual in self._slopes:
            plain = form in ("{u}", "1 / {u}")
            if not plain and not (other == shape or shape == ()):
                continue
            if not plain and not _may_be_slope(form, numbers, least, most):
                continue
            factor = form.format(u=text)
            new = f"_ * {factor if form[0] == '(' else f'({factor})'}"
            words = f"the factor {_bare(factor)} is left out"
            yield self._edit(node, new, "missing-derivative", 1.0 + unusual, words)
