"""What came back from an author's function: which number is the loss, and what the gradients are of.

A gradient may be returned, beside the loss or alone; be kept in an attribute or an entry (`layer.dW`); or be what an
update subtracts: of `W -= lr * dW` it is dW.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.program.program import Var
from autograd.program.trace import Traced, plain
from autograd.testing.expressions import text_of
from autograd.testing.recording import Recording
from autograd.testing.source import Statement, is_all_of, range_of, statement_at
from autograd.testing.submission import _MISSING, Parameter, Place, parts_of
from autograd.testing.updates import Update, Updates

_LOSS = re.compile(
    r"(?i)^(?!grad|d_?(L|J|E|loss|cost|objective|err(or)?|mse|bce|nll|ce)(?![a-z]))"
    r"(.*(loss|cost|objective)\w*|(L|J|E|err(or)?|mse|bce|nll|(cross_?)?entropy|ce)"
    r"(_?(hist(ory)?|list|log|values?|all|total|s))?)$"
)
_NOISE = re.compile(
    r"^(d_?(L|J|E|C|loss|cost|err)_?d_?|d_?|delta_?|grad(ient)?s?_?(of_?)?|g_?|nabla_?|diff_)"
    r"|(_?d|_?grad(ient)?s?|_?delta|_?g|_diff)$",
    re.IGNORECASE,
)


@dataclass
class Gradient:
    """A gradient that the author gives of a parameter.

    Attributes:
        parameter: of what.
        value: what it is: traced, or a plain array, or what else was given.
        key: how the author calls it.
        update: the step that implies it; None where it was given.
    """

    parameter: Parameter
    value: Any
    key: str = ""
    update: Update | None = None


def stem(name: str) -> str:
    """A name without what says that it is a gradient: `W1` of `dW1`, `grad_W1`, `W1_grad`, `nabla_W1`."""
    for part in re.split(r"[.\[\]'\"]+", name):
        if part:
            name = part
    shorter = _NOISE.sub("", name, count=1)
    return shorter or name


def _appended_to(statement: Statement, var: Var, recording: Recording) -> ast.expr | None:
    """The list of `costs.append(...)`, where a value is all that is appended."""
    call = statement.value if isinstance(statement.node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "append":
        return None
    whole = len(call.args) == 1 and range_of(call.args[0]) == recording.spots[var].position
    return call.func.value if whole else None


class Reader:
    """Reads a result.

    Args:
        recording: of the run, which is over.
        parameters: what may be differentiated.
        before: how many lines were recorded before the function was called.
    """

    def __init__(self, recording: Recording, parameters: list[Parameter], before: int) -> None:
        self._recording, self._parameters, self._before = recording, parameters, before
        self.unknown: list[str] = []  # names of what came back that are no parameter's
        self._depends: set[Var] = {p.var for p in parameters}
        for line in recording.lines:
            if any(var in self._depends for var in line.variables()):
                self._depends.add(line.target)
        self.updates = Updates(recording, self._depends)
        self._result: Any = None

    # The loss

    def loss_of(self, result: Any, given: Any, loss: Any) -> tuple[Var, Any]:
        """The value of the loss, and what was returned besides."""
        self._result = result
        if given is not None:
            var = self._scalar(given)
            if var is None or var not in self._depends:
                raise self._lost("the loss that `loss=` gives")
            own, rest = self._returned(result)
            return var, rest
        own, rest = self._returned(result)
        name = loss if isinstance(loss, str) else None
        var = self._assigned(name) if own is None or name else own
        if var is own and var is not None and var in self._changed():  # of the last of several steps
            var = self._assigned(None) or var
        if var is None or var not in self._depends:
            raise self._lost(f"the variable {name!r}" if name else "the loss")
        return var, rest

    def _returned(self, result: Any) -> tuple[Var | None, Any]:
        """The loss in what was returned, and the rest of that."""
        if isinstance(result, Mapping):
            for key in result:
                if isinstance(key, str) and _LOSS.match(key) and (var := self._scalar(result[key])) is not None:
                    named = {k: v for k, v in result.items() if k != key}
                    inner = [v for v in named.values() if isinstance(v, (Mapping, list, tuple))]
                    return var, inner[0] if len(named) == 1 and inner else named
            return None, result
        if (var := self._scalar(result)) is not None:
            return var, None
        if not isinstance(result, (tuple, list)) or not result:
            return None, result
        if all(map(self._is_called_loss, result)):  # the losses of several steps
            return self._scalar(result[0]), None
        for position in (0, len(result) - 1):
            var = self._scalar(result[position])
            if var is not None and var in self._depends and self._may_be_loss(var, result):
                others = [part for k, part in enumerate(result) if k != position]
                held = [part for part in others if isinstance(part, (Mapping, list, tuple))]
                others = held if len(others) > 1 and held else others
                return var, others[0] if len(others) == 1 else others
        return None, result

    def _is_called_loss(self, value: Any) -> bool:
        """Whether a number was given the name of a loss, or put into a list of that name."""
        var = self._scalar(value)
        spot = self._recording.spots.get(var) if var is not None else None
        if var is None or spot is None:
            return False
        statement = statement_at(spot)
        target = _appended_to(statement, var, self._recording) or statement.target
        return target is not None and _LOSS.match(text_of(target)) is not None

    def _may_be_loss(self, var: Var, result: Any) -> bool:
        """Whether a number may be the loss: there are not as many arrays as parameters without it."""
        spot = self._recording.spots.get(var)
        statement = statement_at(spot) if spot is not None else None
        target = statement.target if statement is not None else None
        if isinstance(target, ast.Name):
            if any(target.id == p.name for p in self._parameters):
                return False
            return _LOSS.match(target.id) is not None or not _NOISE.search(target.id)
        return True

    def _scalar(self, value: Any) -> Var | None:
        """The program's value of a single number."""
        if type(value) is Traced:
            return value.symbol if value.size == 1 else None
        if isinstance(value, (float, np.floating)):
            for leaving in reversed(self._recording.left):
                if np.size(leaving.var.value) == 1 and float(np.asarray(leaving.var.value).item()) == float(value):
                    return leaving.var
        return None

    def _assigned(self, name: str | None) -> Var | None:
        """The single number that was last assigned to a variable that is called like a loss."""
        found = None
        changed = self._changed()
        for line in self._recording.lines:
            if line.target not in self._depends or line.target in changed or np.size(line.target.value) != 1:
                continue
            statement = statement_at(self._recording.spots[line.target])
            listed = _appended_to(statement, line.target, self._recording)
            target = listed or statement.target
            text = ast.unparse(target) if target is not None else ""
            short = re.split(r"[.\[\]'\"]+", text.rstrip("]'\""))[-1]
            if name is not None:
                fits = text == name
            elif short:
                whole = target is not statement.target or is_all_of(
                    statement, self._recording.spots[line.target].position
                )
                fits = bool(_LOSS.match(short)) and whole
            else:
                fits = (
                    found is None and bool(_LOSS.match(statement.function)) and isinstance(statement.node, ast.Return)
                )
            if fits:
                found = line.target
        return found

    def _changed(self) -> set[Var]:
        """What is computed from parameters that were updated: of the steps after the first."""
        changed: set[Var] = set()
        for gradient in (*self._by_updates(self._parameters), *self._updated(self._result)):
            assert gradient.update is not None
            changed.add(gradient.update.after)
        for line in self._recording.lines:
            if line.target in self._recording.moves or not changed.isdisjoint(line.variables()):
                changed.add(line.target)
        return changed

    def _lost(self, what: str) -> TypeError:
        """The error where the loss is not known; it names the line where the trace was lost."""
        for leaving in self._recording.left:
            if leaving.var in self._depends and leaving.how not in ("printing",):
                statement = statement_at(leaving.spot)
                return TypeError(
                    f"check_backprop: {what} does not come out of NumPy's functions: by {leaving.how} at "
                    f"{statement.place} ({statement.text}) the numbers leave the arrays, and nobody sees what becomes "
                    "of them. Write np.exp for math.exp, np.sum for sum([...]) of floats, and keep arrays to the end"
                )
        return TypeError(
            f"check_backprop: {what} was not found: return it first, `return loss, gradients`, call its variable "
            "`loss`, or give loss=, a function of the same arguments that computes it"
        )

    # The gradients

    def gradients(self, rest: Any, first: Mapping[str, tuple[Place, Traced]], explicit: bool) -> list[Gradient]:
        """Of each parameter, as far as there are any."""
        found = self._given(rest, explicit) if rest is not None else []
        if found:
            return found
        for parameter in self._parameters:
            if (gradient := self._kept(parameter)) is not None:
                found.append(gradient)
        known = {id(gradient.parameter.var) for gradient in found}
        return found + self._by_updates([p for p in self._parameters if id(p.var) not in known])

    def _updated(self, rest: Any) -> list[Gradient]:
        """What updates imply where the updated parameters were returned, `return W, b, costs`."""
        parts = (
            list(rest.values()) if isinstance(rest, Mapping) else rest if isinstance(rest, (list, tuple)) else [rest]
        )
        if any(isinstance(part, (Mapping, list, tuple)) for part in parts):
            return [g for part in parts for g in self._updated(part)]
        found = []
        for value in parts:
            if type(value) is not Traced:
                continue
            name = self._variable(value)
            for parameter in self._parameters:
                held = parameter.place is not None and parameter.place.read() is value
                held = held or name == parameter.name or name in self._held.get(parameter.var, ())
                if held and value.symbol is not parameter.var:
                    update = self.updates.first(parameter.var, value.symbol)
                    if update is not None:
                        found.append(Gradient(parameter, value, parameter.name, update))
        return found

    @cached_property
    def _held(self) -> dict[Var, set[str]]:
        """The variables in which parameters were."""
        found: dict[Var, set[str]] = {p.var: set() for p in self._parameters}
        for scope in self._recording.scopes.values():
            for name, value in scope.items():
                if type(value) is Var and value in found:
                    found[value].add(name)
        return found

    def _given(self, rest: Any, explicit: bool) -> list[Gradient]:
        """Gradients that were returned."""
        if updated := self._updated(rest):
            return updated
        if isinstance(rest, Mapping):
            if rest and all(isinstance(part, (list, tuple)) for part in rest.values()):  # {"dW": [dW1, dW2]}
                rest = {f"{key}[{k}]": part for key, parts in rest.items() for k, part in enumerate(parts)}
            return self._by_name(rest)
        if isinstance(rest, (list, tuple)):
            if found := self._parallel(rest):
                return found
            if any(isinstance(part, Mapping) for part in rest):
                return [g for part in rest if isinstance(part, Mapping) for g in self._by_name(part)]
            sizes = [np.size(p.var.value) for p in self._parameters]
            if explicit and [len(part) if isinstance(part, list) else 0 for part in rest] == sizes:
                return self._in_order([self._recording.joined(part) for part in rest], explicit)
            flat = [inner for part in rest for inner in (part if isinstance(part, (list, tuple)) else (part,))]
            return self._in_order(flat, explicit)
        return self._in_order([rest], explicit)

    def _parallel(self, rest: Sequence[Any]) -> list[Gradient]:
        """Gradients in a list of dictionaries, as the parameters are: `grads[k]["W"]` of `layers[k]["W"]`."""
        if sum(isinstance(part, Mapping) for part in rest) < 2:
            return []
        found = []
        for k, part in enumerate(rest):
            for key, value in part.items() if isinstance(part, Mapping) else ():
                for p in self._parameters:
                    at = [step for _, step in p.place.steps[-2:]] if p.place is not None else []
                    if at in ([k, key], [k, stem(str(key))]):
                        found.append(Gradient(p, value, f"[{k}].{key}"))
        return found

    def _by_name(self, given: Mapping[Any, Any]) -> list[Gradient]:
        found = []
        for key, value in given.items():
            parameter = self._called(str(key))
            if parameter is not None:
                found.append(Gradient(parameter, value, str(key)))
            else:
                self.unknown.append(str(key))
        return found

    def _called(self, key: str) -> Parameter | None:
        """The parameter of a name, with or without what says that it is a gradient's."""
        for alike in (
            lambda a, b: a == b, lambda a, b: stem(b) == a, lambda a, b: stem(b).lower() == a.lower(),
            lambda a, b: stem(b).replace("_", "").lower() == stem(a).replace("_", "").lower(),
        ):  # fmt: skip
            matching = [
                p
                for p in self._parameters
                if alike(p.name, key) or alike(re.split(r"[.\[\]'\"]+", p.name.rstrip("]'"))[-1], key)
            ]
            if len(matching) >= 1:
                return matching[0]
        return None

    def _in_order(self, given: Sequence[Any], explicit: bool) -> list[Gradient]:
        """Gradients that came back without names: by the variables that held them, else in the order of the parameters.

        Args:
            explicit: whether the caller said which parameters there are; else they are those with the same shapes.
        """
        names = [self._variable(value) for value in given]
        called = [self._called(name) if name else None for name in names]
        if all(p is not None for p in called) and len({id(p) for p in called}) == len(called):
            return [
                Gradient(p, value, name) for p, value, name in zip(called, given, names, strict=True) if p is not None
            ]
        if explicit and len(given) > len(self._parameters):  # what else came back is no gradient
            known = [(p, value, name) for p, value, name in zip(called, given, names, strict=True) if p is not None]
            if len({id(p) for p, _, _ in known}) == len(known) == len(self._parameters):
                return [Gradient(p, value, name) for p, value, name in known]
        parameters = self._parameters if explicit else self._of_shapes([np.shape(plain(value)) for value in given])
        if len(given) > len(parameters):
            raise ValueError(
                f"check_backprop: {len(given)} gradients came back for {len(parameters)} parameters "
                f"({', '.join(p.name for p in parameters)})"
            )
        return [Gradient(p, value, name or p.name) for p, value, name in zip(parameters, given, names, strict=False)]

    def _of_shapes(self, shapes: Sequence[tuple[int, ...]]) -> Sequence[Parameter]:
        """The last parameters that have these shapes, one after the other; TypeError where there are none."""
        count = len(shapes)
        for start in range(len(self._parameters) - count, -1, -1):
            found = self._parameters[start : start + count]
            if [np.shape(p.var.value) for p in found] == shapes:
                return found
        raise TypeError(
            f"check_backprop: {count} gradients of shapes {shapes} came back, and which parameters they are of is not "
            "clear: return a dictionary by name, or give params=, what holds the parameters, in the order of the "
            "gradients"
        )

    def _variable(self, value: Any) -> str:
        """The variable that a value was assigned to, if it is known: by which it was returned, else the first one."""
        if type(value) is not Traced or value.symbol not in self._recording.spots:
            return ""
        end = self._recording.end
        held = [name for name, other in end.frame.f_locals.items() if other is value] if end is not None else []
        returned = statement_at(end).node if end is not None and held else None
        for node in ast.walk(returned) if returned is not None else ():
            if isinstance(node, ast.Name) and node.id in held:
                return node.id
        target = statement_at(self._recording.spots[value.symbol]).target
        return target.id if isinstance(target, ast.Name) else ""

    def _kept(self, parameter: Parameter) -> Gradient | None:
        """A gradient that is kept beside its parameter: `layer.dW` beside `layer.W`."""
        place = parameter.place
        if place is None or not place.steps:
            return None
        owner = Place("", place.root, place.steps[:-1]).read()
        own = str(place.steps[-1][1])
        holders = [owner] + [
            part for _, key, part in parts_of(owner) if isinstance(part, Mapping) and "gra" in str(key).lower()
        ]
        for holder in holders:
            for _, key, value in parts_of(holder):
                if not isinstance(key, str) or type(value) is not Traced or value.symbol not in self._depends:
                    continue
                if (key != own and stem(key).lower() == own.lower()) or (key == own and holder is not owner):
                    return Gradient(parameter, value, key)
        return None

    def _by_updates(self, parameters: list[Parameter]) -> list[Gradient]:
        """What was subtracted from parameters; by which rate is not yet known."""
        found = []
        for parameter in parameters:
            now = parameter.place.read() if parameter.place is not None else _MISSING
            if type(now) is Traced and now.symbol is not parameter.var:
                update = self.updates.first(parameter.var, now.symbol)
                if update is not None:
                    found.append(Gradient(parameter, now, parameter.name, update))
        return found
