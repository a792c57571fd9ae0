"""`Module`: a computation with parameters, and the tree that modules form.

What a module holds are its attributes: parameters and modules, alone or in lists, tuples and
dictionaries, in the order in which they were assigned. There is no second registry to keep in step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from inspect import signature
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from autograd import Tensor, scope
from nn import display, elsewhere
from nn import state as states
from nn.parameter import Parameter
from nn.summary import summary

Named: TypeAlias = "tuple[str, Module | Parameter]"


class Module:
    """A part of a network. Subclass it, assign parameters and modules, and define `forward`.

    Every module and parameter knows its path in the tree that it was put into last, such as
    `layers.1.weight`; errors and pictures use it.

    Raises:
        RuntimeError: a subclass that does not call `super().__init__()`.
        TypeError: an attribute that holds a parameter (a module) gets something that is none; a Tensor with
            `requires_grad` that is no `Parameter`, which no optimizer would find.

    >>> import numpy as np
    >>> class Affine(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.scale = Parameter(np.ones(3))
    ...         self.shift = Parameter(np.zeros(3))
    ...
    ...     def forward(self, x):
    ...         return x * self.scale + self.shift
    >>> model = Affine()
    >>> model(np.ones((2, 3))).shape
    (2, 3)
    >>> [name for name, _ in model.named_parameters()]
    ['scale', 'shift']
    """

    _path = ""
    _buffers: tuple[str, ...] = ()
    training = True

    def __init__(self) -> None:
        self._path = ""
        self.training = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What calling the module computes; subclasses define it."""
        raise NotImplementedError(f"{self._title()} has no forward(); define it, taking the input")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return scope.around(self, self.forward, args, kwargs)  # for pictures, which are drawn module by module
        except AttributeError as error:
            if "_path" not in vars(self):
                raise self._not_initialised() from error
            raise

    if not TYPE_CHECKING:  # else a checker would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            message = elsewhere.missing(self._title(), name, elsewhere.OF_MODULES)
            raise AttributeError(message, name=name, obj=self)

    def __scope__(self) -> tuple[str, str]:
        """Its path, and what pictures call it: the class with the sizes that its constructor needs.

        >>> from nn import Linear
        >>> Linear(2, 3, rng=0).__scope__()
        ('', 'Linear(2, 3)')
        """
        needed = [name for name, taken in signature(type(self)).parameters.items() if taken.default is taken.empty]
        sizes = [vars(self).get(name) for name in needed]
        text = ", ".join(map(str, sizes)) if all(isinstance(size, (int, float)) for size in sizes) else ""
        return self._path, f"{type(self).__name__}({text})" if text else type(self).__name__

    def __state__(self) -> dict[str, Any]:
        """Where the module keeps what it holds, for `autograd.compile`."""
        return vars(self)

    # The tree

    def _members(self) -> list[Named]:
        """What stands right below this module, in the order of definition."""
        members: list[Named] = []
        for key, value in vars(self).items():
            if isinstance(value, _HOLDERS):
                members += _parts(key, value)
        return members

    def _tree(self) -> list[Named]:
        """This module and all below it with their paths from here, each once, in the order of definition.

        On the way everything learns its path, so that what was added to a list later has one too.
        """
        result: list[Named] = []
        seen: set[int] = set()
        pending: list[Named] = [("", self)]
        while pending:
            path, part = pending.pop()
            if id(part) in seen:
                continue
            seen.add(id(part))
            result.append((path, part))
            if part is not self:
                part._place(_join(self._path, path))
            if isinstance(part, Module):
                pending += [(_join(path, key), below) for key, below in reversed(part._members())]
        return result

    def _place(self, path: str) -> None:
        object.__setattr__(self, "_path", path)

    def _title(self) -> str:
        """The class and the path, as errors call this module: `Linear layers.1`."""
        return f"{type(self).__name__} {self._path}".rstrip()

    def _not_initialised(self) -> RuntimeError:
        name = type(self).__name__
        return RuntimeError(f"{name} has no place for its parts yet: call super().__init__() first in {name}.__init__")

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "forward" and callable(getattr(Module, name, None)):
            raise TypeError(f"{self._title()}.{name} would hide the method {name}() of modules: give it another name")
        if name == "training" and not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{self._title()}.training is True or False, and got a {type(value).__name__}")
        held = vars(self).get(name)
        for kind in (Parameter, Module):
            if isinstance(held, kind) and not (value is None or isinstance(value, kind)):
                raise TypeError(self._refusal(name, held, value))
        if name in self._buffers and (isinstance(value, Tensor) or not hasattr(value, "dtype")):
            raise self._no_array(name, value)
        for path, tensor in _parts(name, value, Tensor):
            if tensor.requires_grad and tensor.is_leaf and not isinstance(tensor, Parameter):
                raise TypeError(
                    f"{self._title()}.{path} got a Tensor with requires_grad that is not a parameter, so nothing would "
                    f"train it: assign nn.Parameter(...), or a constant by detach()"
                )
        if isinstance(value, (set, frozenset)) and any(isinstance(part, (Module, Parameter)) for part in value):
            raise TypeError(f"{self._title()}.{name} is a set, which has no order of its parts: give a list")
        parts = [part for _, part in _parts(name, value)]
        if parts and "_path" not in vars(self):
            raise self._not_initialised()
        if any(part is self for above in parts if isinstance(above, Module) for _, part in above._tree()):
            raise ValueError(f"{self._title()}.{name} would make the module a part of itself")
        super().__setattr__(name, value)
        if parts:
            self._tree()

    def _refusal(self, name: str, held: Module | Parameter, value: Any) -> str:
        if isinstance(held, Module):
            cure = "assign a Module, or None; results of forward() need a name of their own"
        else:
            cure = f"assign nn.Parameter(...), or None, or write new values by {name}.data = ..."
        return f"{self._title()}.{name} holds a {type(held).__name__} and got a {type(value).__name__}: {cure}"

    def _no_array(self, name: str, value: Any) -> TypeError:
        return TypeError(f"{self._title()}.{name} is a buffer and got a {type(value).__name__}: assign an array")

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (path "") and all below it, parents first, each once."""
        return ((path, part) for path, part in self._tree() if isinstance(part, Module))

    def modules(self) -> Iterator[Module]:
        """This module and all below it, parents first, each once."""
        return (module for _, module in self.named_modules())

    def children(self) -> Iterator[Module]:
        """The modules right below this one."""
        return (part for _, part in self._members() if isinstance(part, Module))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths from here, in the order of definition; a shared one once."""
        return ((path, part) for path, part in self._tree() if isinstance(part, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, in the order of definition; a shared one once."""
        return (parameter for _, parameter in self.named_parameters())

    def with_parameters(self, parameters: Mapping[str, Tensor]) -> Self:
        """This module with other Tensors, by path, in the places of its parameters; as a copy, and this one stays.

        The copy's parameters have the values and the graphs of these Tensors: gradients go through it to what they were
        computed from. All else, such as generators, is shared. `autograd.grad` and its kin call functions of modules
        with such copies.

        Raises:
            ValueError: names all that are missing, unexpected or of another shape.

        >>> import numpy as np
        >>> from nn import Linear
        >>> layer, x = Linear(2, 1, rng=0), np.ones((1, 2))
        >>> halved = layer.with_parameters({name: 0.5 * p for name, p in layer.named_parameters()})
        >>> bool(np.allclose(2 * halved(x).data, layer(x).data)), halved.weight.is_leaf
        (True, False)
        """
        others: Any = parameters
        if not isinstance(others, Mapping):
            raise TypeError(f"with_parameters takes a dictionary of Tensors by path, not {type(others).__name__}")
        own = dict(self.named_parameters())
        shapes = {path: parameter.shape for path, parameter in own.items()}
        given = {path: np.shape(tensor) for path, tensor in parameters.items()}
        wrong = [path for path in {**shapes, **given} if shapes.get(path) != given.get(path)]
        if wrong:
            listed = ", ".join(
                f"{path} is {shapes.get(path, 'none')}, given {given.get(path, 'none')}" for path in wrong
            )
            raise ValueError(f"{self._title()} with other parameters needs one of the same shape for each: {listed}")
        tensors = {path: t if isinstance(t, Tensor) else Tensor(t) for path, t in parameters.items()}
        copied: Self = _copied(self, {id(p): tensors[path]._standing_for(p) for path, p in own.items()})
        return copied

    # Settings of the whole tree

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and below: layers such as dropout then behave as in training."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set `training` to False here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Train all parameters from here on, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Clear the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    # States and files

    def register_buffer(self, name: str, array: Any) -> None:
        """Keep an array that is no parameter and belongs to the state, such as a running mean, as `self.<name>`.

        It is saved, loaded and copied with the module, and no optimiser changes it. In a compiled step let NumPy write
        into it, or assign a new array.

        Raises:
            TypeError: a name that is no identifier; a Tensor, which could bring a graph along.
            ValueError: a name that the module has already.

        >>> import numpy as np
        >>> model = Module()
        >>> model.register_buffer("mean", np.zeros(2))
        >>> [(path, array.shape) for path, array in model.named_buffers()], list(model.state_dict())
        ([('mean', (2,))], ['mean'])
        """
        if not (isinstance(name, str) and name.isidentifier()):
            raise TypeError(f"{self._title()}: a buffer's name is that of an attribute, not {name!r}")
        if hasattr(self, name):
            raise ValueError(f"{self._title()} has an attribute {name} already: give the buffer another name")
        if "_path" not in vars(self):
            raise self._not_initialised()
        if isinstance(array, Tensor):
            raise self._no_array(name, array)
        setattr(self, name, np.array(array))
        self._buffers = (*self._buffers, name)

    def named_buffers(self) -> Iterator[tuple[str, states.Array]]:
        """The arrays that were registered here and below, with their paths from here."""
        for path, module in self.named_modules():
            yield from ((_join(path, name), getattr(module, name)) for name in module._buffers)

    def buffers(self) -> Iterator[states.Array]:
        """The arrays that were registered here and below."""
        return (array for _, array in self.named_buffers())

    def state_dict(self) -> dict[str, states.Array]:
        """A copy of every parameter's data and of every buffer, by path.

        >>> from nn import Linear
        >>> {name: array.shape for name, array in Linear(3, 2, rng=0).state_dict().items()}
        {'weight': (3, 2), 'bias': (2,)}
        """
        state = {path: parameter.data.copy() for path, parameter in self.named_parameters()}
        return state | {path: np.array(array) for path, array in self.named_buffers()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> states.LeftOut:
        """Give every parameter and buffer a copy of its entry in `state`, in its own dtype.

        Args:
            state: arrays by path, as `state_dict()` gives them.
            strict: whether every entry must have a place here, and every place its entry.

        Returns:
            `(missing_keys, unexpected_keys)`: what was left out, both empty where `strict`.

        Raises:
            TypeError: `state` is no dictionary.
            ValueError: names everything that is missing, unexpected or of another shape, at once.
                Nothing is changed then.
        """
        parameters, buffers = dict(self.named_parameters()), dict(self.named_buffers())
        places: dict[str, Any] = {**parameters, **buffers}
        shapes = {path: place.shape for path, place in places.items()}
        arrays, left_out = states.fitting(self._title(), shapes, state, strict)
        for path, array in {path: states.cast(array, places[path].dtype) for path, array in arrays.items()}.items():
            if path in parameters:
                parameters[path].data = array
            else:
                buffers[path][...] = array
        return left_out

    def save(self, path: states.Path) -> None:
        """Write `state_dict()` to a file, arrays only, no code: `.safetensors` by its name, else `.npz`.

        Raises:
            OSError: the file cannot be written; an older one is unchanged.
            ValueError: a parameter has a name that a file cannot hold.
        """
        states.save(path, self.state_dict())

    def load(self, path: states.Path, strict: bool = True) -> states.LeftOut:
        """Read what `save` wrote; `strict` and what is returned are those of `load_state_dict`.

        Raises:
            ValueError: no archive of arrays, or as `load_state_dict` does. Nothing is changed then.
        """
        return self.load_state_dict(states.load(path), strict)

    # What it looks like

    def __repr__(self) -> str:
        return display.tree(self)

    def summary(self, input_shape: Any, dtype: Any = None) -> str:
        """A table of the layers with their outputs for an input of this shape; see `nn.summary.summary`.

        >>> from nn import Linear
        >>> Linear(3, 2, rng=0).summary((5, 3)).splitlines()[-1]
        '8 parameters, 8 of them trained; 30 multiply-adds'
        """
        return summary(self, input_shape, dtype)


_HOLDERS = (Module, Parameter, list, tuple, dict)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _parts(key: str, value: Any, kinds: Any = (Module, Parameter), around: tuple[int, ...] = ()) -> Iterable[Any]:
    """The parameters and modules in an attribute, with their names; `around` are the lists that this is in."""
    if isinstance(value, kinds):
        return ((key, value),)
    below: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, (list, tuple)):
        below = enumerate(value)
    elif isinstance(value, dict):
        below = value.items()
    else:
        return ()
    if id(value) in around:
        raise ValueError(f"{key} holds itself, so its parameters have no end of names: take it out of itself")
    around = (*around, id(value))
    return [named for name, part in below for named in _parts(f"{key}.{name}", part, kinds, around)]


def _copied(value: Any, places: dict[int, Any]) -> Any:
    """A copy of what holds parameters, with others in their `places`, which are by identity; all else as it is."""
    if id(value) in places:
        return places[id(value)]
    if isinstance(value, Module):
        module = places[id(value)] = object.__new__(type(value))
        vars(module).update((name, _copied(part, places)) for name, part in vars(value).items())
        return module
    if not isinstance(value, (list, tuple, dict)) or not _parts("", value):
        return value
    if isinstance(value, dict):
        copied = copy(value)
        copied.update((key, _copied(part, places)) for key, part in value.items())
        return copied
    parts = [_copied(part, places) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
