"""What people might have meant by a call or an index: another axis, function or flag, operands the other way round."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from autograd.testing.expressions import Edit, parsed, replaced, text_of, with_name
from autograd.testing.setting import Setting

_AXES = (0, 1, -1, None)
_SEVERAL = ((0, 1), (1, 2), (0, 2), (2, 3), (0, 2, 3), (1, 2, 3))


class CallEdits(Setting):
    """The edits of calls and indices."""

    def _of_call(self, node: ast.Call) -> Iterator[Edit]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        axis = next((k for k in node.keywords if k.arg == "axis"), None)
        if name in ("sum", "mean", "max"):
            given = axis.value.value if axis is not None and isinstance(axis.value, ast.Constant) else ()
            for other in (*_AXES, *(_SEVERAL if np.ndim(self._operand(node)) > 2 else ())):
                keywords = [ast.keyword("axis", ast.Constant(other)), *(k for k in node.keywords if k is not axis)]
                for extra in ([], [ast.keyword("keepdims", ast.Constant(True))]) if other != given else ():
                    new = self._called(node, name, [*keywords, *extra], drop_axis=True)
                    yield self._edit(node, new, "wrong-axis", 1.0, f"{text_of(node)} is over the wrong axis")
            if name in ("sum", "mean"):
                other_name = "mean" if name == "sum" else "sum"
                new = self._called(node, other_name, node.keywords)
                words = f"a {name} stands where a {other_name} belongs"
                yield self._edit(node, new, "wrong-axis", 1.1, words)
        if name == "where" and len(node.args) == 3:
            new = self._numpy_call(node, [node.args[0], node.args[2], node.args[1]])
            yield self._edit(node, new, "derivative-at-output", 1.1, "the two cases are the wrong way round")
            for leak in self._leaks if not isinstance(node.args[1], ast.Constant) else ():
                new = self._numpy_call(node, [*node.args[:2], parsed(f"{leak:g} * _", node.args[1])])
                yield self._edit(node, new, "derivative-at-output", 1.0, f"the slope is {leak:g} elsewhere, not 0")
        if isinstance(node.func, ast.Name) or text_of(node.func) in self._functions:
            for other_name in self._functions:
                if other_name != text_of(node.func):
                    words = f"{text_of(node.func)} stands in the place of {other_name}"
                    new = self._numpy_call(node, node.args, parsed(other_name))
                    yield self._edit(node, new, self._place(node), 1.15, words)
        for flag, own in self._flags.get(text_of(node.func), {}).items():
            given = bool({k.arg: getattr(k.value, "value", own) for k in node.keywords}.get(flag, own))
            others = [k for k in node.keywords if k.arg != flag]
            new = ast.Call(node.func, node.args, [*others, ast.keyword(flag, ast.Constant(not given))])
            yield self._edit(node, new, self._place(node), 0.9, f"{flag}={given} stands where {not given} belongs")
        operands = [a for a in node.args if not isinstance(a, (ast.Constant, ast.Tuple, ast.List))]
        if len(node.args) >= 1 and operands and len(node.args) <= 2:
            for part in operands:
                yield self._edit(node, part, self._place(node), 1.35, f"{text_of(node.func)} does not belong there")
        if isinstance(node.func, ast.Attribute) and self._value(node.func.value) is not None:
            cause = "transposed" if name in ("transpose", "swapaxes") else "wrong-axis"
            yield self._edit(node, node.func.value, cause, 1.35, f"the {name} does not belong there")
        if len(operands) == 2 == len(node.args):
            a, b = operands
            words = f"the arguments of {text_of(node.func)} are the wrong way round"
            yield self._edit(node, self._numpy_call(node, [b, a]), "transposed", 1.1, words)
            turned = [parsed("_.T", b), parsed("_.T", a)]
            yield self._edit(node, self._numpy_call(node, turned), "transposed", 1.3, "the product is transposed")
        if name == "einsum" and isinstance(node.args[0], ast.Constant):
            yield from self._of_einsum(node, str(node.args[0].value))

    def _operand(self, node: ast.Call) -> Any:
        """What a reduction reduces."""
        own = self._value(node.func.value) if isinstance(node.func, ast.Attribute) else None
        return own if own is not None else self._value(node.args[0]) if node.args else None

    def _of_einsum(self, node: ast.Call, subscripts: str) -> Iterator[Edit]:
        inputs, _, out = subscripts.replace(" ", "").partition("->")
        a, comma, b = inputs.partition(",")
        letters = sorted(set(inputs) - {","})
        for other in {f"{a},{out}->{b}", f"{out},{b}->{a}", f"{b},{a}->{out}"} if comma else ():
            new = self._numpy_call(node, [ast.Constant(other), *node.args[1:]])
            yield self._edit(node, new, "transposed", 1.2, f"the indices {subscripts} are not those of the product")
        for x in letters:
            for y in letters:
                if x < y:
                    for part in (a, b):
                        swapped = part.translate(str.maketrans(x + y, y + x))
                        other = f"{swapped if part is a else a}{comma}{swapped if part is b else b}->{out}"
                        new = self._numpy_call(node, [ast.Constant(other), *node.args[1:]])
                        words = f"the indices {subscripts} are not those of the product"
                        yield self._edit(node, new, "transposed", 1.3, words)

    def _of_index(self, node: ast.Subscript) -> Iterator[Edit]:
        """An index too many, and another one."""
        yield self._edit(node, node.value, "wrong-operand", 1.6, f"an index of {text_of(node.value)} is too many")
        for index, cause, cost, words in self._indices(node.slice):
            yield self._edit(node, ast.Subscript(node.value, index), cause, cost, words)

    def _indices(self, index: ast.expr) -> Iterator[tuple[ast.expr, str, float, str]]:
        """What an index may have been meant to be: two of its names exchanged, another name, a stride put back."""
        used = {n.id: n for n in ast.walk(index) if isinstance(n, ast.Name)}
        starts = {n.lower.id for n in ast.walk(index) if isinstance(n, ast.Slice) and isinstance(n.lower, ast.Name)}
        numbers = [node for n, node in used.items() if n in self._names and np.ndim(self._names[n].value) == 0]
        for a, b in combinations(numbers, 2):
            new = replaced(replaced(index, a, ast.Name(b.id)), b, ast.Name(a.id))
            yield new, "transposed", 1.1, f"{a.id} and {b.id} are the wrong way round"
        for text, kind in self._names.items():
            if np.asarray(kind.value).dtype.kind not in "iub" or not (text.isidentifier() or text.endswith("]")):
                continue
            for name in (n for n in ast.walk(index) if isinstance(n, ast.Name) and n.id != text):
                words = f"{name.id} stands in the place of {text}"
                yield replaced(index, name, parsed(text)), "wrong-operand", 1.3, words
            if starts and text not in used and np.ndim(kind.value) == 0:
                new = index
                for start in starts:
                    new = with_name(new, start, parsed(f"{start} * {text}"))
                yield new, "wrong-operand", 0.75, f"the stride {text} is forgotten"
