"""What an author could have named at a place of the source: the variables of the function, and what else it spells."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Iterator, Mapping
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.program.program import Line, Var
from autograd.program.trace import Traced
from autograd.testing.aliases import operands, syntax_of
from autograd.testing.expressions import Kind, text_of
from autograd.testing.indices import (
    beside,
    counts,
    entries,
    index_names,
    index_of,
    is_indexed,
    is_numbered,
    is_short,
    slices,
)
from autograd.testing.outcome import Outcome
from autograd.testing.recording import Recording, same, variables_of
from autograd.testing.rerun import known_value
from autograd.testing.source import Statement, is_all_of, range_of, statement_at, statements_of
from autograd.testing.truth import Truth

if TYPE_CHECKING:
    from autograd.testing.dataflow import Dataflow

_LONGEST_DICT = 24
_LONGEST_LIST = 12  # whose entries might stand in an expression
_NO_OBJECT = (type, ModuleType, FunctionType, Traced)  # whose attributes are no variables


class Vocabulary:
    """The names of a run.

    Args:
        flow, recording, truth: of the author's function.
    """

    def __init__(self, flow: Dataflow, recording: Recording, truth: Truth) -> None:
        self._flow, self._recording, self._truth = flow, recording, truth
        self._forward: dict[Var, bool] = {}

    def names(self, last: Line, frame: FrameType | None) -> dict[str, Any]:
        """By the spelling, what stood in the variables of the function, and what it spells otherwise elsewhere."""
        flow = self._flow
        scope = self._scope(last.target, frame)
        after = flow.reaches(last.target)
        at = flow.order[last.target]
        best: dict[str, tuple[int, Any]] = {}
        for text, var, order, other in self._spelled:
            if text in scope or var in after or not self._is_same_place(text, other, frame):
                continue
            numbers = [name for name in index_names(text) if isinstance(scope.get(name), (int, np.integer))]
            if numbers and any(scope[name] != self._scope_of(order).get(name) for name in numbers):  # in another turn
                continue
            distance = at - order if order <= at else 1_000_000 + order - at
            if text not in best or distance < best[text][0]:
                best[text] = distance, var
        found: dict[str, Any] = {
            name: value for name, value in scope.items() if type(value) is not Var or value not in after
        }
        for text, (_, var) in best.items():
            if is_indexed(text, scope):
                continue
            entry = _entry(text, frame, scope)
            found[text] = entry.symbol if type(entry) is Traced and entry.symbol not in after else var
        own = flow.statement(last.target)
        read = {node.id for node in ast.walk(own.node or ast.Pass()) if isinstance(node, ast.Name)}
        for name, value in variables_of(frame).items():
            if type(value) in (int, float) and frame is not None and name not in frame.f_locals:
                found.setdefault(name, value)
            for text, part in _attributes(name, value) if name == "self" or name in read else ():
                if type(part) is not Traced:
                    found.setdefault(text, part)
                elif part.symbol not in after and flow.order.get(part.symbol, 0) <= at:
                    found.setdefault(text, part.symbol)
        for text in entries(frame.f_code, own) if frame is not None else ():
            part = _entry(text, frame, scope)
            if type(part) in (int, np.ndarray) or (type(part) is Traced and part.symbol not in after):
                found.setdefault(text, part.symbol if type(part) is Traced else part)
        for text, var in self._neighbours(own, scope, frame).items():
            if var not in after:
                found.setdefault(text, var)
        for name, value in variables_of(frame).items():
            if type(value) is np.ndarray or (isinstance(value, list) and value and all(type(v) is int for v in value)):
                found.setdefault(name, value)
            elif isinstance(value, dict) and len(value) <= _LONGEST_DICT and name in read:
                for key, part in value.items():
                    if type(key) is str and type(part) is Traced and part.symbol not in after:
                        found.setdefault(f'{name}["{key}"]', part.symbol)
            elif isinstance(value, list) and len(value) <= _LONGEST_LIST and name in read and is_numbered(name, own):
                for k, part in enumerate(value):
                    if type(part) is Traced and part.symbol not in after:
                        found.setdefault(f"{name}[{k - len(value)}]", part.symbol)
        return found

    def _neighbours(self, own: Statement, scope: Mapping[str, Any], frame: FrameType | None) -> dict[str, Var]:
        """The entries of lists that are attributes, `self.hs[t]`, beside those that a statement takes."""
        found = {}
        for node in ast.walk(own.node) if own.node is not None else ():
            if isinstance(node, ast.Subscript) and text_of(node.value) in self._listed:
                for index in beside(node.slice):
                    number = index_of(index, scope)
                    var = self._listed[text_of(node.value)].get(number, _held(node.value, number, frame))
                    if var is not None:
                        found[f"{text_of(node.value)}[{index}]"] = var
        return found

    @cached_property
    def _listed(self) -> dict[str, dict[Any, Var]]:
        """The entries of lists that are attributes, by their numbers, as far as the source takes them."""
        found: dict[str, dict[Any, Var]] = {}
        for text, var, order, _ in self._spelled:
            node: Any = ast.parse(text, mode="eval").body
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
                number = index_of(text_of(node.slice), self._scope_of(order))
                if isinstance(number, int) and number >= 0:
                    found.setdefault(text_of(node.value), {})[number] = var
        return found

    def indexed(self, last: Line, frame: FrameType | None) -> dict[str, Any]:
        """The entries of arrays that are spelled with variables, as `x[i]`, by the arrays: another one each time."""
        scope, after = self._scope(last.target, frame), self._flow.reaches(last.target)
        texts = dict.fromkeys(text for text, var, _, other in self._spelled if other is frame and var not in after)
        for text in entries(frame.f_code, None) if frame is not None else ():
            base = scope.get(text.partition("[")[0])
            if type(base) is Var and base.value.dtype.kind in "iu":  # labels
                texts[text] = None
        found = {text: scope[text.partition("[")[0]] for text in texts if is_indexed(text, scope)}
        for text in slices(frame.f_code) if frame is not None else ():
            base = scope.get(text.partition("[")[0])
            if type(base) is Var and base not in after:
                found[text] = base
        return found

    def _scope_of(self, order: int) -> dict[str, Any]:
        """The variables when a line ran."""
        lines = self._recording.lines
        return self._recording.scopes.get(lines[order].target, {}) if order < len(lines) else {}

    @cached_property
    def counted(self) -> list[str]:
        """The numbers that the author's functions spell, the short ones first: `len(x)`, `x.shape[0]`, `np.sqrt(d)`."""
        codes = dict.fromkeys(spot.frame.f_code for spot in self._recording.spots.values())
        nodes = (n for code in codes for statement in statements_of(code) for n in ast.walk(statement))
        spelled = {text_of(node) for node in nodes if counts(node)}
        sizes = {f"{text.rpartition('[')[0]}[{axis}]" for text in spelled if text.endswith("]") for axis in (0, 1)}
        sizes |= {f"len({text[:-5]})" for text in spelled if text.endswith(".size")}
        return sorted(spelled | sizes, key=lambda text: (len(text), text))

    def _scope(self, var: Var, frame: FrameType | None) -> dict[str, Any]:
        """The variables when a value was made; of a statement that called nothing, when the last call before it was."""
        lines, scopes, at = self._flow.lines, self._recording.scopes, self._flow.order[var]
        near = (line.target for line in (lines[at], *reversed(lines[:at]), *lines[at:]))
        made = (v for v in near if v in scopes and self._recording.spots[v].frame is frame)
        return scopes.get(next(made, var), {})

    def without_synonyms(self, names: dict[str, Any], each: list[dict[str, Any]]) -> dict[str, Any]:
        """Of the names that stand for one value each time, the one that it was made for, where that is among them."""
        made_for: dict[tuple[Any, ...], str] = {}
        ways = {text: tuple(id(other.get(text)) for other in each) for text in names}
        for text, value in names.items():
            if type(value) is Var and value in self._flow.made:
                target = self._flow.statement(value).target
                if target is not None and text_of(target) == text:
                    made_for[ways[text]] = text
        return {t: v for t, v in names.items() if type(v) is not Var or made_for.get(ways[t], t) == t}

    @cached_property
    def _spelled(self) -> list[tuple[str, Var, int, FrameType]]:
        """How values are spelled wherever they are used or assigned: the text, the value, when, and in which call."""
        return list(self._spellings())

    def _spellings(self) -> Iterator[tuple[str, Var, int, FrameType]]:
        yield from self._recording.named
        for var, spot, order in self._recording.born:
            target = statement_at(spot).target
            if isinstance(target, (ast.Name, ast.Attribute)):
                yield text_of(target), var, order, spot.frame
        for order, line in enumerate(self._recording.lines):
            spot = self._recording.spots[line.target]
            statement = statement_at(spot)
            for arg, node in operands(syntax_of(self._recording, line, statement), line) if line.fn is not same else ():
                if type(arg) is Var and isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and is_short(node):
                    yield text_of(node), arg, order, spot.frame
            target = statement.target
            if (
                target is not None
                and line.target not in self._recording.moves
                and isinstance(target, (ast.Name, ast.Attribute))
            ):
                value = statement.value
                if value is not None and spot.position == range_of(value):
                    yield text_of(target), line.target, order, spot.frame

    def _is_same_place(self, text: str, other: FrameType, frame: FrameType | None) -> bool:
        """Whether a spelling of one call means the same in another."""
        if other is frame:
            return True
        base = text.split(".")[0].split("[")[0]
        if frame is None or base == text:
            return False
        own = frame.f_locals.get(base)
        return own is not None and type(own) is not Traced and own is other.f_locals.get(base)

    def kind(self, known: Any, values: Mapping[Any, Any]) -> Kind:
        """What a name stands for."""
        value = known_value(known, values)
        if type(known) is not Var:
            return Kind(value, True, data=isinstance(value, float))
        parameter = self._truth.is_parameter(self._flow.base(known))
        depends = self._flow.depends(known)
        targets, root = known in self._targets, self._root(known)
        unused = known in self._flow.made and not self._flow.users.get(known) and known not in self._ends
        return Kind(value, self._is_forward(known), parameter, targets, depends=depends, root=root, unused=unused)

    @cached_property
    def _ends(self) -> set[Var]:
        return {end.var for end in self._flow.ends}

    def _root(self, var: Var) -> Var:
        """What a value is a function of, element by element."""
        while var in self._flow.made:
            line = self._flow.made[var]
            behind = [arg for arg in line.variables() if self._flow.depends(arg)]
            other = np.shape(behind[0].value) != np.shape(var.value) if len(set(behind)) == 1 else True
            error = line.fn is np.subtract and all(type(arg) is Var for arg in line.args)  # of data
            if other or error or line.fn is operator.getitem:
                break
            var = behind[0]
        return var

    @cached_property
    def _targets(self) -> set[Var]:
        """The data that the forward pass subtracts, or multiplies with logarithms."""
        flow, found = self._flow, set[Var]()
        logs = {line.target for line in flow.lines if line.fn is np.log}
        for line in (line for line in flow.lines if line.target in self._truth.forward):
            if line.fn is np.subtract or (line.fn is np.multiply and not logs.isdisjoint(line.variables())):
                found |= {var for var in line.variables() if np.ndim(var.value) and not flow.depends(var)}
        return found

    def _is_forward(self, var: Var) -> bool:
        """Whether a value is of the forward pass, perhaps computed again."""
        if var not in self._forward:
            known = var in self._truth.forward or var not in self._flow.made or var in self._truth.nodes
            if not known:
                kinds = {match.kind for match in self._truth.matches(var.value)}
                line = self._flow.made[var]
                known = "gradient" not in kinds and (
                    "value" in kinds
                    or (np.asarray(var.value).dtype.kind in "bi")
                    or (all(self._is_forward(arg) for arg in line.variables()) and not _is_an_error(line))
                )
            self._forward[var] = bool(known)
        return self._forward[var]


def _attributes(name: str, owner: Any) -> Iterator[tuple[str, Any]]:
    """The numbers and values that an object of the author's holds, and those of the objects that it holds."""
    for key, value in getattr(owner, "__dict__", {}).items() if not isinstance(owner, _NO_OBJECT) else ():
        if type(value) in (int, float, Traced):
            yield f"{name}.{key}", value
        elif "." not in name:
            yield from _attributes(f"{name}.{key}", value)


def _entry(text: str, frame: FrameType | None, scope: Mapping[str, Any]) -> Any:
    """An entry of a dictionary or list, by an index of plain numbers, as the numbers were at that moment."""
    base, bracket, index = text.partition("[")
    holder: Any = frame.f_locals.get(base) if frame is not None and bracket else None
    if type(holder) not in (dict, list) or not index.endswith("]"):
        return None
    try:
        return holder[index_of(index[:-1], scope)]
    except (KeyError, IndexError, TypeError, SyntaxError):
        return None


def _held(node: ast.expr, index: Any, frame: FrameType | None) -> Var | None:
    """An entry of a list or dictionary that is an attribute, as it is at the end."""
    name = node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""
    owner = frame.f_locals.get(name) if frame is not None else None
    holder: Any = getattr(owner, "__dict__", {}).get(node.attr) if isinstance(node, ast.Attribute) else None
    try:
        part = holder[index] if type(holder) in (dict, list) else None
    except (KeyError, IndexError, TypeError):
        return None
    return part.symbol if type(part) is Traced else None


def _is_an_error(line: Line) -> bool:
    """A difference of two arrays, where gradients begin."""
    return line.fn is np.subtract and all(np.ndim(getattr(arg, "value", arg)) for arg in line.args)


def value_names(found: Outcome) -> dict[Var, str]:
    """What the author calls values: by the entries and variables that hold them, and by what they were assigned to.

    Of several names of a value, one that no other value has comes first.
    """
    recording = found.recording
    called: dict[Var, dict[str, None]] = {}
    for frame in {id(spot.frame): spot.frame for spot in recording.spots.values()}.values():
        for name, value in frame.f_locals.items():
            entries: Any = ((name, value),)
            if isinstance(value, (Mapping, list)):
                entries = (
                    value.items() if isinstance(value, Mapping) else ((f"{name}{k}", v) for k, v in enumerate(value))
                )
            for key, part in list(entries):
                if type(part) is Traced:
                    called.setdefault(part.symbol, {})[str(key)] = None
                elif id(part) in recording.plain:
                    called.setdefault(recording.plain[id(part)][1], {})[str(key)] = None
    for line in recording.lines:
        spot = recording.spots[line.target]
        statement = statement_at(spot)
        target = statement.target if line.target not in recording.moves else None
        if isinstance(target, (ast.Name, ast.Attribute)) and is_all_of(statement, spot.position):
            called.setdefault(line.target, {})[target.id if isinstance(target, ast.Name) else target.attr] = None
    holders = Counter(name for names in called.values() for name in names)
    unique = {var: next((name for name in names if holders[name] == 1), "") for var, names in called.items()}
    taken = set(unique.values())
    last = {name: var for var, names in called.items() if not unique[var] for name in names if name not in taken}
    return {**{var: name for name, var in last.items()}, **{var: name for var, name in unique.items() if name}}
