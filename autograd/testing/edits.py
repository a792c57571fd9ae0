"""What people might have meant: a wrong expression with one edit, and the cause that the edit stands for.

The expressions are the author's own syntax. An edit replaces one of its nodes; nodes that an edit made have no place in
the source, which tells them from the author's.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from autograd.testing.expressions import (
    Edit,
    expressions,
    factors_of,
    name_of,
    parsed,
    product_of,
    replaced,
    terms_of,
    text_of,
)
from autograd.testing.omissions import OmissionEdits

_NAMED = (ast.Name, ast.Attribute, ast.Subscript)
_MOST_NAMES = 12  # for one operand of a term that is left out
_LATER = 0.7  # how far-fetched it is that something should be multiplied where more is added to it
_OTHER: Mapping[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.MatMult, ast.Div, ast.Add), ast.Div: (ast.Mult,),
    ast.MatMult: (ast.Mult,), ast.Gt: (ast.LtE, ast.Lt, ast.GtE), ast.Lt: (ast.GtE, ast.Gt, ast.LtE),
    ast.GtE: (ast.Lt, ast.LtE, ast.Gt), ast.LtE: (ast.Gt, ast.GtE, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}  # fmt: skip
_FORMS = (
    "{u}**2", "1 - {u}", "np.tanh({u})", "{u} * (1 - {u})", "1 - {u}**2", "np.sqrt({u})", "{u}**3", "1 / {u}",
    "np.sign({u})", "1 + {u}",
)  # fmt: skip


class Edits(OmissionEdits):
    """The edits of an expression."""

    def all(self) -> list[Edit]:
        """The least far-fetched first."""
        found = [edit for node in expressions(self._tree) for edit in self._of(node)]
        for form, cost in (("-_", 1.2), ("2 * _", 1.0), ("_ / 2", 1.05), ("-2 * _", 1.2), ("-_ / 2", 1.2)):
            words = "the sign is wrong" if form == "-_" else "a factor is wrong"
            for term in terms_of(self._tree):
                later = _LATER if isinstance(getattr(term, "ctx", None), ast.Store) else 0.0
                found.append(self._edit(term, form, partial(self._scale, term), cost + later, words))
        found += [*self._everywhere(), *self._exchanged(), *self._another_term(), *self._another_place()]
        return sorted(found, key=lambda edit: edit.cost)

    def _another_place(self) -> Iterator[Edit]:
        """Another index, of what is written to, and its own, of what is read."""
        tree: Any = self._tree
        index: Any = getattr(getattr(tree, "left", None), "slice", None)
        index = tree.elts[0] if getattr(tree, "written", False) else index
        for node in expressions(self._wholes[-1]) if index is not None else ():
            if isinstance(node, (ast.Name, ast.Attribute)) and np.ndim(self._value(node)) > 0:
                words = f"{text_of(node)} stands where {text_of(node)}[{text_of(index)}] belongs"
                yield self._edit(node, ast.Subscript(node, index), "wrong-operand", 1.15, words)
        if isinstance(tree, ast.BinOp) and index is not None:
            yield from self._another_write(tree, index)
        if isinstance(self._tree, ast.Tuple) and getattr(self._tree, "written", False):
            yield from self._another_mask(self._tree.elts[0])
            for new, cause, cost, words in self._indices(self._tree.elts[0]):
                yield self._edit(self._tree.elts[0], new, cause, cost, words)

    def _another_mask(self, index: Any) -> Iterator[Edit]:
        """What an array is written to by: a comparison of something else."""
        own: Any = index.left if isinstance(index, ast.Compare) else None
        for text, kind in self._names.items() if own is not None else ():
            if kind.forward and not kind.parameter and np.shape(kind.value) == np.shape(self._value(own)) != ():
                for op in (">", "<=") if text != text_of(own) else ():
                    words = f"the mask is of {text_of(own)}, not of {text}"
                    yield self._edit(index, f"{text} {op} 0", "derivative-at-output", 1.1, words)

    def _another_write(self, tree: Any, index: ast.expr) -> Iterator[Edit]:
        """What is added to one part of an array, added to another part too, or subtracted there."""
        for other, _, cost, _ in self._indices(index):
            for op, sign in ((ast.Sub(), "-="), (ast.Add(), "+=")):
                both = ast.BinOp(tree, op, tree.right)
                both.also = other  # type: ignore[attr-defined]
                line = f"{text_of(tree.left.value)}[{text_of(other)}] {sign} {text_of(tree.right)}"
                yield Edit(tree, both, "missing-term", cost + 0.1, f"{line} is left out after this line")

    def _everywhere(self) -> Iterator[Edit]:
        """Another name wherever one stands, of those that stand more than once; and an index of all that are taken."""
        indices = Counter(text_of(n.slice) for n in expressions(self._tree) if isinstance(n, ast.Subscript))
        for index in (index for index, number in indices.items() if number > 1):
            tree: Any = self._tree
            for node in list(expressions(tree)):
                if isinstance(node, ast.Subscript) and text_of(node.slice) == index:
                    tree = replaced(tree, node, node.value)
            words = f"only the part [{index}] is taken, not all of it"
            yield self._edit(self._tree, tree, "missing-term", 1.4, words)
        count = Counter(text_of(n) for n in expressions(self._tree) if isinstance(n, _NAMED))
        for text in (text for text, number in count.items() if number > 1 and text in self._names):
            shape = np.shape(self._names[text].value)
            yield from self._called_everywhere(text)
            others = [other for other, kind in self._names.items() if other != text and np.shape(kind.value) == shape]
            if self._names[text].forward and not self._names[text].parameter:
                others += [f"{name}({text})" for name in self._functions]
            for other in others:
                tree = self._tree
                for node in [n for n in expressions(tree) if isinstance(n, _NAMED) and text_of(n) == text]:
                    tree = replaced(tree, node, parsed(other))
                first = next(n for n in expressions(self._tree) if text_of(n) == text)
                cause = self._place(first, other)
                words = f"{text} stands in the place of {other}"
                yield Edit(self._tree, tree, cause, 1.2, words)

    def _called_everywhere(self, text: str) -> Iterator[Edit]:
        """A name wherever one of the author's functions is called with it."""
        for name in self._functions:
            tree: Any = self._tree
            for node in list(expressions(tree)):
                if isinstance(node, ast.Call) and text_of(node) == f"{name}({text})":
                    tree = replaced(tree, node, node.args[0])
            if tree is not self._tree:
                words = f"{name}({text}) stands where {text} belongs"
                yield self._edit(self._tree, tree, self._place(self._tree), 1.2, words)

    def _exchanged(self) -> Iterator[Edit]:
        """Two names, each in the place of the other, and two entries of a list."""
        for node in expressions(self._tree):
            for k, n in combinations(range(len(node.elts)), 2) if isinstance(node, ast.List) else ():
                parts = list(node.elts)
                parts[k], parts[n] = parts[n], parts[k]
                words = f"{text_of(node.elts[k])} and {text_of(node.elts[n])} are the wrong way round"
                yield Edit(node, ast.List(parts, ast.Load()), "wrong-operand", 1.15, words)
        leaves = {
            text_of(n): n for n in expressions(self._tree) if isinstance(n, _NAMED) and self._value(n) is not None
        }
        for (a, first), (b, second) in combinations(leaves.items(), 2):
            if np.shape(self._value(first)) == np.shape(self._value(second)) and a not in b and b not in a:
                tree = replaced(replaced(self._tree, first, parsed(b)), second, parsed(a))
                yield Edit(self._tree, tree, "wrong-operand", 1.2, f"{a} and {b} are the wrong way round")

    def _another_term(self) -> Iterator[Edit]:
        """A term that is left out of a sum, made as one that is there."""
        if not isinstance(self._tree, ast.BinOp) or not isinstance(self._tree.op, ast.Add):
            return
        term = self._tree.right
        parts = [n for n in expressions(term) if isinstance(n, _NAMED) and text_of(n) in self._names]
        parts = [n for n in parts if not any(n is not o and any(n is x for x in ast.walk(o)) for o in parts)]
        used = {text_of(n) for n in expressions(self._tree)}
        if len(parts) != 2:
            return
        shapes = [np.shape(self._names[text_of(n)].value) for n in parts]
        fitting = [[t for t, k in self._names.items() if np.shape(k.value) == s and t not in used] for s in shapes]
        for first in fitting[0][:_MOST_NAMES]:
            for second in fitting[1][:_MOST_NAMES]:
                new = replaced(replaced(term, parts[0], parsed(first)), parts[1], parsed(second))
                words = f"the term + {text_of(new)} is left out"
                yield Edit(self._tree, ast.BinOp(self._tree, ast.Add(), new), "missing-term", 1.25, words)

    def _of(self, node: ast.expr) -> Iterator[Edit]:
        value = self._value(node)
        if isinstance(node, ast.BinOp):
            yield from self._of_operator(node)
        elif isinstance(node, ast.Compare):
            for other in _OTHER.get(type(node.ops[0]), ()):
                new = ast.Compare(node.left, [other()], node.comparators)
                yield self._edit(node, new, self._place(node), 1.2, "the comparison is another one")
            yield self._edit(node, node.left, self._place(node), 1.2, "the comparison does not belong there")
            for leak in self._leaks:
                words = f"the slope is {leak:g} elsewhere, not 0"
                yield self._edit(node, f"np.where(_, 1, {leak:g})", "derivative-at-output", 1.0, words)
        elif isinstance(node, ast.Call):
            yield from self._of_call(node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield self._edit(node, node.operand, "scale", 1.0, "the sign is wrong")
        elif isinstance(node, ast.Attribute) and node.attr == "T":
            yield self._edit(node, node.value, "transposed", 1.0, f"{text_of(node)} is transposed once too often")
        elif isinstance(node, ast.Subscript) and isinstance(value, (np.ndarray, np.generic)):
            yield from self._of_index(node)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            own: Any = node.value
            near = {own + 1: 1.3, own - 1: 1.3, 2 * own: 0.9, own / 2: 0.9, -own: 0.9}
            for number in sorted({*near, *self._numbers} - {own}):
                words = f"{text_of(node)} stands where {number:g} belongs"
                whole = int(number) if number == int(number) else number
                yield self._edit(node, ast.Constant(whole), self._constant(node), near.get(number, 1.4), words)
            for text, kind in self._names.items():
                words = f"{text_of(node)} stands where {text} belongs"
                cause = self._constant(node) if np.size(kind.value) == 1 else "wrong-operand"
                yield self._edit(node, text, cause, 1.4, words)
        if value is None:
            return
        around = self._inside.get(id(node))
        of_shape = isinstance(around, ast.Attribute) and around.attr in ("T", "shape", "size")
        if np.ndim(value) == 2 and not of_shape and not (isinstance(node, ast.Attribute) and node.attr == "T"):
            yield self._edit(node, "_.T", "transposed", 1.1, "a transpose is missing")
        if np.ndim(value) in (3, 4) and not isinstance(around, ast.Attribute):
            axes = ", ".join(map(str, (*range(np.ndim(value) - 2), np.ndim(value) - 1, np.ndim(value) - 2)))
            yield self._edit(node, f"_.transpose({axes})", "transposed", 0.9, "a transpose is missing")
        yield from self._of_value(node, value)

    def _of_operator(self, node: ast.BinOp) -> Iterator[Edit]:
        left, right, kind = node.left, node.right, type(node.op)
        if kind in (ast.Add, ast.Sub):
            for part, other in ((left, right), (right, left)):
                if kind is ast.Add or part is left:
                    cause: Any = "missing-term" if self._size(other) > 1 else self._place(node)
                    yield self._edit(node, part, cause, 1.3, f"{text_of(other)} does not belong there")
        if kind in (ast.Mult, ast.Div, ast.MatMult):
            for part, other in ((left, right), (right, left)):
                if kind is ast.Mult or part is left:
                    cost = 0.85 if isinstance(other, ast.Constant) else 1.15
                    words = f"{text_of(other)} is one factor too many"
                    yield self._edit(node, part, self._too_many(other), cost, words)
        for other_kind in _OTHER.get(kind, ()):
            new = ast.BinOp(left, other_kind(), right)
            cause = "wrong-operand" if ast.MatMult in (kind, other_kind) else self._place(node)
            if {kind, other_kind} == {ast.Mult, ast.Div} and 1 in (self._size(left), self._size(right)):
                cause = self._scale(node)
            elif {kind, other_kind} == {ast.Mult, ast.Add} and not self._is_forward(node):
                cause = "missing-term"
            sign, known = {kind, other_kind} <= {ast.Add, ast.Sub}, self._names.get(text_of(left))
            in_place = isinstance(getattr(left, "ctx", None), ast.Store) or (known is not None and known.parameter)
            if sign and (in_place or not self._is_forward(node)):
                cause = "scale"
            words = f"{text_of(node)} takes another operation than it should"
            if in_place and sign:  # an update of a parameter, sooner than of a gradient
                cost = 0.85 if known is not None and known.parameter else 1.25
            else:
                cost = 0.9 if cause == "scale" else 1.25
            yield self._edit(node, new, cause, cost, words)
        if kind is ast.Sub:
            cost = 1.1 if self._is_forward(node) and not self._has_data(node) else 0.85
            yield self._edit(node, ast.BinOp(right, ast.Sub(), left), "scale", cost, "the sign is wrong")
        if kind is ast.Sub and self._has_data(node):
            words = f"{text_of(node)} should be squared"
            yield self._edit(node, "(_)**2", "derivative-at-output", 1.3, words)
        if kind is ast.Div and isinstance(right, ast.BinOp):
            words = f"{text_of(right)} should be squared"
            yield self._edit(right, "_**2", "derivative-at-output", 1.2, words)
        if kind in (ast.Div, ast.MatMult):
            words = f"the operands of {text_of(node)} are the wrong way round"
            yield self._edit(node, ast.BinOp(right, node.op, left), "transposed", 1.2, words)
        if kind is ast.MatMult:
            new = ast.BinOp(parsed("_.T", right), node.op, parsed("_.T", left))
            yield self._edit(node, new, "transposed", 1.3, "the product is the transpose of the right one")
        if kind is ast.Mult and not self._is_in_a_product(node):
            yield from self._of_slopes(node)
        yield from self._of_parentheses(node)

    def _of_parentheses(self, node: ast.BinOp) -> Iterator[Edit]:
        """An operator that is of the whole where it should be of a part, or of a part."""
        left, right, kind = node.left, node.right, type(node.op)
        inner = left if isinstance(left, ast.BinOp) else None
        new: Any
        if (
            inner is not None and kind in (ast.Mult, ast.Div) and isinstance(inner.op, (ast.Add, ast.Sub))
        ):  # (a + b) / m
            for one, other in ((inner.left, inner.right), (inner.right, inner.left)):
                parts = [ast.BinOp(one, node.op, right) if part is one else part for part in (inner.left, inner.right)]
                new = ast.BinOp(parts[0], inner.op, parts[1])
                words = f"{text_of(right)} does not belong to {text_of(other)}"
                yield self._edit(node, new, self._scale(other), 1.1, words)
        if inner is not None and kind in (ast.Add, ast.Sub) and isinstance(inner.op, ast.Mult):  # a * s + b
            first, *others = factors_of(inner)
            new = product_of([ast.BinOp(first, node.op, right), *others])
            words = f"{text_of(product_of(others))} is left out of a term"
            yield self._edit(node, new, "missing-derivative", 1.2, words)
        if kind is ast.Sub:  # 2 * a - b / n
            before = inner.left if inner is not None and isinstance(inner.op, ast.Mult) else None
            outer = right if isinstance(right, ast.BinOp) and isinstance(right.op, (ast.Mult, ast.Div)) else None
            if before is not None or outer is not None:
                new = ast.BinOp(left if before is None else inner.right, ast.Sub(), outer.left if outer else right)  # type: ignore[union-attr]
                new = ast.BinOp(before, ast.Mult(), new) if before is not None else new
                new = ast.BinOp(new, outer.op, outer.right) if outer is not None else new
                cause = "scale" if self._has_data(node) else self._place(node)
                yield self._edit(node, new, cause, 1.2, "parentheses are missing")
        if inner is not None and kind is ast.Sub and isinstance(inner.op, ast.Mult):  # g * 1 - h * h
            new = ast.BinOp(inner.left, ast.Mult(), ast.BinOp(inner.right, ast.Sub(), right))
            yield self._edit(node, new, "derivative-at-output", 1.2, "parentheses are missing")
        sums: list[Any] = [part for part in factors_of(node) if self._is_sum(part)]
        if kind is ast.Mult and len(sums) == 2 and not self._is_in_a_product(node):
            keywords = [*sums[0].keywords, *(ast.keyword("axis", axis) for axis in sums[0].args[1:])]
            whole = ast.Call(parsed("np.sum"), [product_of([self._reduced(part) for part in sums])], keywords)
            new = product_of([*(part for part in factors_of(node) if not self._is_sum(part)), whole])
            yield self._edit(node, new, "wrong-axis", 1.1, "a product of sums stands where a sum of products belongs")
        if isinstance(node.op, ast.Pow) and isinstance(left, ast.BinOp):  # (1 - h)**2
            new = ast.BinOp(left.left, left.op, ast.BinOp(left.right, ast.Pow(), right))
            yield self._edit(node, new, self._place(node), 1.2, "the exponent belongs to a part")
            yield self._edit(node, left, self._place(node), 1.2, "the exponent does not belong there")

    def _is_sum(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and name_of(node.func) == "sum"

    def _is_in_a_product(self, node: ast.expr) -> bool:
        """Whether a product is a factor of another one."""
        around = self._inside.get(id(node))
        return isinstance(around, ast.BinOp) and isinstance(around.op, ast.Mult)

    def _of_value(self, node: ast.expr, value: Any) -> Iterator[Edit]:
        """Another name in the place of one, another form of it; a factor or a term that is left out."""
        if isinstance(getattr(node, "ctx", None), ast.Store):  # what is written to
            for text, kind in self._names.items():
                if np.size(kind.value) == 1 and np.asarray(kind.value).dtype.kind in "fiu" and not kind.depends:
                    for op in "/*":
                        words = f"{text_of(node)} {op}= {text} is left out before this line"
                        yield self._edit(node, f"_ {op} {text}", "scale", 1.4, words)
            return
        own, shape, leaf = text_of(node), np.shape(value), isinstance(node, (ast.Name, ast.Attribute, ast.Subscript))
        known = self._names.get(own)
        if leaf and known is not None and known.before:
            words = f"{own} was updated already: {known.before} is what it was before"
            yield self._edit(node, known.before, "stale-parameter", 0.8, words)
        if leaf or isinstance(node, ast.Call):
            own_function = isinstance(node, ast.Call) and text_of(node.func) in self._functions  # sooner that is wrong
            for form in _FORMS:
                yield self._edit(node, form.format(u="_"), self._place(node), 1.8 if own_function else 1.3,
                                 f"{own} stands where {form.format(u=own)} belongs")  # fmt: skip
        if leaf and isinstance(self._inside.get(id(node)), ast.Call):
            yield self._edit(node, "-_", self._place(node), 1.2, f"{own} stands where -{own} belongs")
        if leaf and self._is_forward(node) and not (known is not None and known.parameter):
            for name in self._functions:
                words = f"{own} stands where {name}({own}) belongs"
                yield self._edit(node, f"{name}(_)", self._place(node), 1.3, words)
        for text, kind in self._names.items():
            if text == own or (not np.ndim(kind.value) and np.ndim(value)):
                continue
            if isinstance(node, ast.Call) and any(text == text_of(arg) for arg in node.args):  # sooner another argument
                continue
            other = np.shape(kind.value)
            forward = known is not None and known.forward
            again = isinstance(node, ast.BinOp) and other == shape and not kind.forward and not self._is_a_whole(node)
            if leaf or again or (kind.forward and (isinstance(node, ast.Call) or self._is_an_argument(node))):
                near = 0.0 if other == shape and (known is None or kind.forward == forward) else 0.1
                near -= 0.3 * (kind.unused and leaf)
                words = f"{own} stands in the place of {text}"
                if other == shape or np.size(kind.value) > 1:
                    yield self._edit(node, text, self._place(node, text), 1.2 + near, words)
                if len(other) == 2:
                    yield self._edit(node, f"{text}.T", self._place(node, text), 1.4 + near, words)
        if not self._is_forward(node) or self._is_a_whole(node):
            yield from self._left_out(node, value)
        elif isinstance(around := self._inside.get(id(node)), ast.BinOp) and isinstance(around.op, (ast.Add, ast.Sub)):
            for text, kind in self._names.items():
                single = np.size(kind.value) == 1 and np.asarray(kind.value).dtype.kind in "fiu" and not kind.depends
                if single and not isinstance(node, ast.Constant):
                    for op in "*/":
                        words = f"a factor is missing: it should be {op} {text}"
                        yield self._edit(node, f"_ {op} {text}", self._scale(node), 1.25, words)
        target = known is not None and known.forward and not known.parameter and np.asarray(value).dtype != bool
        if leaf and target and len(shape) == 2 and self._in_a_product(node):
            for text, kind in self._names.items():
                if kind.forward and not kind.parameter and np.shape(kind.value) == shape:
                    words = f"the factor {text} is left out"
                    yield self._edit(node, f"(_ * {text})", "missing-derivative", 1.25, words)
        if leaf and target and not self._is_in_an_index(node):
            yield self._edit(node, "_ - 1", "target", 1.2, "the target is 1, and the term - 1 is left out")
        if leaf and not shape and not isinstance(self._inside.get(id(node)), ast.Subscript):
            yield from self._of_ones(node)
        for text, kind in self._names.items() if leaf else ():
            if kind.data and np.shape(kind.value) == shape and text != own:
                for op in "-+":
                    words = f"the term {op} {text} is left out"
                    yield self._edit(node, f"_ {op} {text}", "target", 1.25, words)
