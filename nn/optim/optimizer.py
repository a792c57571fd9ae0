"""What all optimisers share: parameters in groups, settings, and memory from step to step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from autograd import Tensor
from nn import given
from nn import state as states
from nn.optim.parts import Part


class Optimizer:
    """What all optimisers share: named parameters, settings, and memory from step to step.

    Subclasses name their settings with what checks them, and define `_step`, which changes the parameters `_own`, part
    by part as `_parts` gives them. They put their memory into `_memory`: by its name, an array or None for each of
    `_blocks`, which are the parameters of one dtype where a class says `_together`, else one parameter each. Where it
    says `_counting`, `_steps` has the number of steps of each block, or of each of its parameters if those differ. All
    of it is changed by NumPy alone, which a compiled step repeats. Data that was written in place is set to itself,
    which tells graphs that used it.

    Args:
        params: Tensors, pairs of name and Tensor, or a dictionary; such as `model.parameters()`. Or groups with
            settings of their own: `[{"params": body.parameters()}, {"params": head.parameters(), "lr": 0.1}]`.
        settings: by name; those of a group are used in their place.

    Attributes:
        parameters, names: of all groups.
        param_groups: an optimiser for each group; of plain parameters this one alone. Setting `lr` here sets that of
            all groups and keeps their ratios, so a schedule serves all; any other setting becomes that of all groups.

    Raises:
        TypeError: a parameter that is no Tensor of floats; a group without "params".
        ValueError: no parameters, the same one twice, or one that was computed; an unknown setting in a group.

    >>> class SignSGD(Optimizer):
    ...     settings = {"lr": given.nonnegative}
    ...
    ...     def _step(self):
    ...         for part, _ in self._parts():
    ...             self._move(part, self.lr * np.sign(self._direction(part, 0.0, False)))
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = SignSGD([w], {"lr": 0.5})
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w.data
    array([0.5, 1.5])
    """

    settings: ClassVar[Mapping[str, Callable[[str, Any], Any]]] = MappingProxyType({})
    _together: ClassVar[bool] = True
    _counting: ClassVar[bool] = False

    def __init__(self, params: given.Parameters | given.Groups, settings: Mapping[str, Any] | None = None) -> None:
        groups = given.groups(params, type(self).__name__, self.settings)
        self._groups = [type(self)(group, **{**(settings or {}), **own}) for group, own in groups]
        pairs = [pair for group in self._groups for pair in zip(group.names, group.parameters, strict=True)]
        named = given.named(pairs if self._groups else params, type(self).__name__)
        self.names: list[str] = list(named)
        self.parameters: list[Tensor] = list(named.values())
        self._own = [] if self._groups else self.parameters
        self._blocks = Part.of(self._own, self._together)
        self._buffers = [np.empty(block.shape, block.parameters[0].dtype) for block in self._blocks]
        # The rate as an array of each dtype: a ufunc takes it faster than a Python number, and a compiled step
        # reads it afresh.
        dtypes = dict.fromkeys([np.dtype(np.float64), *(p.dtype for p in self.parameters)])
        self._rates = {dtype: np.zeros((), dtype) for dtype in dtypes}
        self._memory: dict[str, list[states.Array | None]] = {}
        self._steps: list[states.Array] = [np.zeros((), np.int64) for _ in self._blocks if self._counting]
        self._assign(self._checked(settings or {}))

    # Settings

    @property
    def lr(self) -> float:
        """The learning rate, which may be set between steps."""
        return float(self._rates[np.dtype(np.float64)])

    @lr.setter
    def lr(self, value: float) -> None:
        for rate in self._rates.values():
            rate[...] = value

    @property
    def param_groups(self) -> list[Optimizer]:
        """An optimiser for each group of parameters; of plain parameters this one alone."""
        return self._groups or [self]

    def __getitem__(self, name: str) -> Any:
        """A setting by its name, or the "params", as groups of PyTorch have them."""
        if name != "params" and name not in self.settings:
            raise KeyError(f"{type(self).__name__} has no setting {name!r}; it has {', '.join(self.settings)}")
        return self.parameters if name == "params" else getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.settings:
            raise KeyError(f"{type(self).__name__} has no setting {name!r}; it has {', '.join(self.settings)}")
        setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.settings:
            self._set({name: value})
        else:
            super().__setattr__(name, value)

    def _set(self, settings: Mapping[str, Any]) -> None:
        """Check settings, each by itself and all with each other, and then take them over."""
        checked = self._checked(settings)
        for group in self._groups:
            ratio = group.lr / self.lr if self.lr else 1.0
            own = {name: value * ratio if name == "lr" else value for name, value in checked.items()}
            group._set(own)
        self._assign(checked)

    def _assign(self, settings: Mapping[str, Any]) -> None:
        """Set what is another value: for a compiled step a new object is a new setting."""
        for name, value in settings.items():
            if name == "lr" or getattr(self, name, None) != value:
                super().__setattr__(name, value)

    def _checked(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        checked = {name: self.settings[name](name, value) for name, value in settings.items()}
        self._check_together({**{name: getattr(self, name, None) for name in self.settings}, **checked})
        for dtype in self._rates:
            if checked.get("lr", 0) > float(np.finfo(dtype).max):
                raise ValueError(f"lr is {checked['lr']}, and there is a parameter of {dtype}, which ends before that")
        for group in self._groups:
            group._checked(settings)
        return checked

    def _check_together(self, settings: Mapping[str, Any]) -> None:
        """ValueError where settings do not fit each other."""

    # Steps

    def step(self) -> None:
        """Change every parameter that has a gradient, in place."""
        for group in self._groups or (self,):
            group._step()

    def _step(self) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no step()")

    def _parts(self) -> Iterator[tuple[Part, Any]]:
        """What makes a step, with how many there are, this one included.

        That are whole blocks, and single parameters of those that have not all a gradient, or had not at some step.
        """
        for number, block in enumerate(self._blocks):
            there = [parameter.grad is not None for parameter in block.parameters]
            if any(there):
                steps = self._counted(number, there) if self._counting else np.zeros((), np.int64)
                if all(there) and not steps.ndim:
                    yield block, steps
                else:
                    each = zip(block.alone(), there, np.broadcast_to(steps, len(there)), strict=True)
                    yield from ((part, count) for part, has_gradient, count in each if has_gradient)

    def _counted(self, number: int, there: list[bool]) -> states.Array:
        """The steps of a block, this one included; of each parameter where they differ."""
        steps = self._steps[number]
        if not steps.ndim and not all(there):
            steps = self._steps[number] = np.repeat(steps, len(there))
        return np.add(steps, there if steps.ndim else 1, steps)

    def _direction(self, part: Part, decay: float, maximize: bool) -> Any:
        """The gradients with weight decay, and the other way up where `maximize`; they may stand in the buffer."""
        buffer = part.within(self._buffers[part.number])
        if decay:
            for parameter, d in part.each(buffer):
                np.multiply(parameter.data, decay, d)
                (np.subtract if maximize else np.add)(d, values_of(parameter.grad), d)
            return buffer
        if len(part.parameters) == 1:
            d = values_of(part.parameters[0].grad)
        else:
            d = np.concatenate([values_of(parameter.grad).ravel() for parameter in part.parameters], out=buffer)
        return np.negative(d, buffer) if maximize else d

    def _move(self, part: Part, step: Any) -> None:
        """Subtract a step from the parameters."""
        for parameter, own in part.each(step):
            data = parameter.data
            np.subtract(data, own, data)
            parameter.data = data

    def _kept(self, kind: str, part: Part) -> Any:
        """A part's numbers in the memory, which at first holds what `_initial` says."""
        arrays = self._memory[kind]
        if arrays[part.number] is None:
            arrays[part.number] = np.full_like(self._buffers[part.number], self._initial(kind))
        return part.within(arrays[part.number])

    def _initial(self, kind: str) -> float:
        """What an array of the memory holds at first."""
        return 0.0

    def memory(self) -> list[list[Any]]:
        """The lists of arrays that change from step to step."""
        return [*self._memory.values(), self._steps]

    def zero_grad(self) -> None:
        """Clear the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.zero_grad()

    # States and files

    def __state__(self) -> dict[str, Any]:
        """Where the optimiser keeps what it holds, for `autograd.compile`."""
        return vars(self)

    def state_dict(self) -> dict[str, states.Array]:
        """Settings, and copies of the memory, as arrays by name; those of groups begin with their number."""
        state = {name: np.array(getattr(self, name)) for name in self.settings}
        for number, group in enumerate(self._groups):
            state |= {f"{number}.{name}": array for name, array in group.state_dict().items()}
        for number, block in enumerate(self._blocks):
            names = [self.names[position] for position in block.positions]
            for kind, arrays in self._memory.items():
                own = [] if arrays[number] is None else block.each(arrays[number])
                state |= {f"{kind}.{name}": array.copy() for name, (_, array) in zip(names, own, strict=False)}
            if self._counting:
                steps = np.broadcast_to(self._steps[number], len(names))
                state |= {f"steps.{name}": np.array(count) for name, count in zip(names, steps, strict=True)}
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take settings and memory over from `state`.

        Raises:
            TypeError: `state` is no dictionary.
            ValueError: names everything that is missing, unexpected or of another shape, at once; or a value that the
                setting cannot have. Nothing is changed then.
        """
        for take in self._taking(state):
            take()

    def _taking(self, state: Mapping[str, Any]) -> list[Callable[[], None]]:
        """What is to be done to take `state` over, when all of it has been checked."""
        below: list[Callable[[], None]] = []
        if isinstance(state, Mapping):
            for number, group in enumerate(self._groups):
                start = f"{number}."
                own = {name.removeprefix(start): value for name, value in state.items() if str(name).startswith(start)}
                below += group._taking(own)
                state = {name: value for name, value in state.items() if not str(name).startswith(start)}
        own_names = [] if self._groups else self.names
        shapes: dict[str, tuple[int, ...]] = {name: np.shape(getattr(self, name)) for name in self.settings}
        shapes |= {f"steps.{name}": () for name in own_names if self._counting}
        required = set(shapes)
        for kind in self._memory:
            shapes |= {f"{kind}.{name}": p.shape for name, p in zip(own_names, self._own, strict=True)}
        arrays = states.checked(type(self).__name__, shapes, state, shapes.keys() - required)
        steps = [states.count(f"steps.{name}", arrays) for name in own_names if self._counting]
        memory = {
            kind: {name: arrays[f"{kind}.{name}"] for name in own_names if f"{kind}.{name}" in arrays}
            for kind in self._memory
        }
        settings = self._checked({name: arrays[name].tolist() for name in self.settings})
        return [lambda: self._take(settings, steps, memory), *below]

    def _take(self, settings: Mapping[str, Any], steps: list[int], memory: Mapping[str, Any]) -> None:
        self._assign(settings)
        for number, block in enumerate(self._blocks):
            if self._counting:
                own = [steps[position] for position in block.positions]
                self._steps[number] = np.array(own[0] if len(set(own)) == 1 else own)
            for kind, by_name in memory.items():
                self._memory[kind][number] = self._remembered(block, kind, by_name)

    def _remembered(self, block: Part, kind: str, by_name: Mapping[str, Any]) -> states.Array | None:
        """The array of a block's memory, of those by the names of its parameters; None where there are none."""
        names = [self.names[position] for position in block.positions]
        if not any(name in by_name for name in names):
            return None
        array = np.full_like(self._buffers[block.number], self._initial(kind))
        for name, (_, own) in zip(names, block.each(array), strict=True):
            own[...] = states.cast(by_name.get(name, own), own.dtype)
        return array

    def save(self, path: states.Path) -> None:
        """Write `state_dict()` to a file, as `Module.save` does."""
        states.save(path, self.state_dict())

    def load(self, path: states.Path) -> None:
        """Read what `save` wrote; errors are those of `load_state_dict`."""
        self.load_state_dict(states.load(path))

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in self.settings)
        groups = f" in {len(self._groups)} groups" if self._groups else ""
        return f"{type(self).__name__}({len(self.parameters)} parameters{groups}, {settings})"


def values_of(gradient: Any) -> Any:
    """The numbers of a gradient, which is a Tensor after `create_graph=True`."""
    return gradient.data if isinstance(gradient, Tensor) else gradient
