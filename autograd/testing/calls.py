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
        if name in ("sum", "mean", "max", "amax"):
            given = axis.value.value if axis is not None and isinstance(axis.value, ast.Constant) else ()
            for other in (*_AXES, *(_SEVERAL if np.ndim(self._value(self._reduced(node))) > 2 else ())):
                keywords = [ast.keyword("axis", ast.Constant(other)), *(k for k in node.keywords if k is not axis)]
                for extra in ([], [ast.keyword("keepdims", ast.Constant(True))]) if other != given else ():
                    new = self._called(node, name, [*keywords, *extra], drop_axis=True)
                    yield self._edit(node, new, "wrong-axis", 1.0, f"{text_of(node)} is over the wrong axis")
            if name in ("sum", "mean"):
                for text, kind in self._names.items():
                    if np.ndim(kind.value) == 0 and np.asarray(kind.value).dtype.kind in "iu" and text.isidentifier():
                        one = ast.Subscript(self._reduced(node), ast.Name(text))
                        words = f"a {name} stands where the part [{text}] belongs"
                        yield self._edit(node, one, "wrong-axis", 1.3, words)
                other_name = "mean" if name == "sum" else "sum"
                new = self._called(node, other_name, node.keywords)
                words = f"a {name} stands where a {other_name} belongs"
                yield self._edit(node, new, "wrong-axis", 1.1, words)
        if name == "where" and len(node.args) == 3:
            new = self._numpy_call(node, [node.args[0], node.args[2], node.args[1]])
            yield self._edit(node, new, "derivative-at-output", 1.1, "the two cases are the wrong way round")
            for leak in self._spelled_leaks:
                inside = node.args[1]
                other = leak if isinstance(inside, ast.Constant) else f"{leak} * _"
                new = self._numpy_call(node, [*node.args[:2], parsed(other, inside)])
                yield self._edit(node, new, "derivative-at-output", 1.0, f"the slope is {leak} elsewhere, not 0")
        if isinstance(node.func, ast.Name) or text_of(node.func) in self._callable:
            for other_name, counts in self._callable.items():
                if other_name != text_of(node.func) and len(node.args) in counts:
                    words = f"{text_of(node.func)} stands in the place of {other_name}"
                    new = self._numpy_call(node, node.args, parsed(other_name))
                    slope = other_name in self._backward and text_of(node.func) not in self._backward
                    cost = 0.4 if slope else 1.15
                    yield self._edit(node, new, self._place(node), cost, words)
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
        if name == "transpose":
            yield from self._of_axes(node)
        if name == "einsum" and isinstance(node.args[0], ast.Constant):
            yield from self._of_einsum(node, str(node.args[0].value))

    def _reduced(self, node: ast.Call) -> ast.expr:
        """What a reduction is of."""
        own: Any = node.func
        is_method = isinstance(own, ast.Attribute) and self._value(own.value) is not None
        found: ast.expr = own.value if is_method or not node.args else node.args[0]
        return found

    def _of_axes(self, node: ast.Call) -> Iterator[Edit]:
        """Two axes of a transposed array, each in the place of the other."""
        operand = self._reduced(node)
        axes: list[Any] = [
            axis.value for a in node.args for axis in getattr(a, "elts", [a]) if isinstance(axis, ast.Constant)
        ]
        for a, b in combinations(axes, 2):
            order: list[ast.expr] = [ast.Constant({a: b, b: a}.get(axis, axis)) for axis in axes]
            new = ast.Call(parsed("np.transpose"), [operand, ast.Tuple(order)], [])
            yield self._edit(node, new, "transposed", 1.1, f"axes {a} and {b} are the wrong way round")

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
        sums = [n for n in ast.walk(index) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add)]
        starts |= {n.left.id for n in sums if isinstance(n.left, ast.Name)}
        numbers = [node for n, node in used.items() if n in self._names and np.ndim(self._names[n].value) == 0]
        for a, b in combinations(numbers, 2):
            new = replaced(replaced(index, a, ast.Name(b.id)), b, ast.Name(a.id))
            yield new, "transposed", 1.1, f"{a.id} and {b.id} are the wrong way round"
        for number in sorted(n for n in self._numbers if n > 1 and n == int(n)) if starts else ():
            new = index
            for start in starts:
                new = with_name(new, start, parsed(f"{start} * {int(number)}"))
            yield new, "wrong-operand", 1.15, f"the stride {int(number)} is forgotten"
        for own in numbers:
            for step in ("- 1", "+ 1"):
                words = f"{own.id} stands where {own.id} {step} belongs"
                yield replaced(index, own, parsed(f"{own.id} {step}")), "wrong-operand", 1.25, words
        for text, kind in self._names.items():
            if np.asarray(kind.value).dtype.kind not in "iub" or not (text.isidentifier() or text.endswith("]")):
                continue
            for part in ast.walk(index) if np.ndim(kind.value) == 1 else ():  # t for labels[t]
                single = self._names.get(part.id) if isinstance(part, ast.Name) else None
                if isinstance(part, ast.Name) and single is not None and np.ndim(single.value) == 0:
                    words = f"{part.id} stands in the place of {text}[{part.id}]"
                    yield replaced(index, part, parsed(f"{text}[{part.id}]")), "wrong-operand", 1.35, words
            for part in ast.walk(index):
                last = isinstance(part, ast.UnaryOp) and isinstance(part.operand, ast.Constant)  # x[-1]
                if last or (isinstance(part, ast.Name) and part.id != text):
                    words = f"{text_of(part)} stands in the place of {text}"
                    yield replaced(index, part, parsed(text)), "wrong-operand", 1.3, words
            if starts and text not in used and np.ndim(kind.value) == 0:
                new = index
                for start in starts:
                    new = with_name(new, start, parsed(f"{start} * {text}"))
                yield new, "wrong-operand", 0.75, f"the stride {text} is forgotten"
