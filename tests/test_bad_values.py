"""Every public name, given what it does not take: a TypeError, ValueError or KeyError that is a sentence.

An error from inside, such as an AttributeError, tells its reader nothing. Each argument of a call that works is
replaced by each of the bad values; what works all the same is fine.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
import autograd.render.player
import nn
from autograd import Tensor, testing

BAD: list[Any] = [
    None,
    True,
    5,
    -1,
    10**30,
    2.5,
    float("nan"),
    1j,
    "x",
    b"x",
    "\ud800",
    [],
    [None],
    {},
    {"x": None},
    {1: 2},
    (),
    (1, 2, 3),
    object(),
    Tensor,
    len,
    lambda: None,
    iter([1]),
    np.array([]),
    np.array(["a"]),
    np.array([None]),
    np.datetime64("2020"),
    Tensor([1.0, 2.0, 3.0, 4.0, 5.0]),
]
# A path may lead nowhere; an integer beyond those of NumPy is an OverflowError there.
FINE = (TypeError, ValueError, KeyError, OSError, OverflowError)


@dataclass
class Call:
    """One that works: the function, and its arguments, made anew for every call."""

    function: Callable[..., Any]
    make: Callable[[], tuple[Any, ...]] = tuple
    named: Callable[[], dict[str, Any]] = dict
    also: tuple[type[Exception], ...] = ()  # errors that are documented besides


def weight() -> Tensor:
    return Tensor([1.0, 2.0], requires_grad=True, name="w")


def loss() -> Tensor:
    return np.sum(weight() ** 2)


def model() -> nn.MLP:
    return nn.MLP([2, 2, 1], rng=0)


def stepped(kind: Any) -> Any:
    optimizer = kind([weight()], lr=0.1)
    optimizer.parameters[0].grad = np.ones(2)
    optimizer.step()
    return optimizer


X, Y, LABELS = np.ones((3, 2)), np.ones((3, 1)), np.array([0, 1, 1])
square: Callable[[Any], Any] = lambda x: np.sum(x**2)


def calls(folder: Path) -> dict[str, Call]:
    """By name; what is missing here is found and called with bad values alone."""
    pictures = {"title": "t", "direction": "LR", "names": {"w": "v"}}
    return {
        "autograd.Tensor": Call(Tensor, lambda: ([1.0],), lambda: {"requires_grad": True, "dtype": float, "name": "w"}),
        "autograd.tensor": Call(autograd.tensor, lambda: ([1.0],), lambda: {"requires_grad": True, "dtype": float}),
        "autograd.draw": Call(
            autograd.draw,
            lambda: (loss(),),
            lambda: dict(values=True, grads=True, rules=False, collapse="auto", depth=1, style="cards", **pictures),
        ),
        "autograd.draw_diff": Call(autograd.draw_diff, lambda: (loss(), loss()), lambda: {"title": "t"}),
        "autograd.draw_comparison": Call(
            autograd.draw_comparison,
            lambda: (x := loss(), {x: np.ones(())}),
            lambda: {"title": "t", "verdicts": {}, "remarks": {}, "names": {}},
        ),
        "autograd.frames": Call(
            autograd.frames, lambda: (loss(), folder / "f"), lambda: dict(format="svg", **pictures)
        ),
        "autograd.player": Call(autograd.player, lambda: (loss(),), lambda: dict(path=None, **pictures)),
        "autograd.derive": Call(autograd.derive, lambda: (loss(),), lambda: {"names": {}}, also=(RuntimeError,)),
        "autograd.explain": Call(autograd.explain, lambda: (weight(),), lambda: {"loss": loss()}),
        "autograd.grad": Call(
            lambda *a, **k: autograd.grad(*a, **k)(np.ones(2)), lambda: (square,), lambda: {"argnums": 0}
        ),
        "autograd.value_and_grad": Call(
            lambda *a, **k: autograd.value_and_grad(*a, **k)(np.ones(2)), lambda: (square,), lambda: {"argnums": 0}
        ),
        "autograd.grad, called": Call(lambda x: autograd.grad(square)(x), lambda: (np.ones(2),)),
        "autograd.jacobian": Call(lambda *a, **k: autograd.jacobian(*a, **k)(np.ones(2)), lambda: (square,)),
        "autograd.hessian": Call(lambda *a, **k: autograd.hessian(*a, **k)(np.ones(2)), lambda: (square,)),
        "autograd.vjp": Call(autograd.vjp, lambda: (square, np.ones(2))),
        "autograd.vjp, pulled": Call(lambda u: autograd.vjp(square, np.ones(2))[1](u), lambda: (1.0,)),
        "autograd.jvp": Call(autograd.jvp, lambda: (square, [np.ones(2)], [np.ones(2)])),
        "autograd.hvp": Call(autograd.hvp, lambda: (square, [np.ones(2)], [np.ones(2)])),
        "autograd.operation": Call(
            autograd.operation,
            lambda: (lambda a: a * 2,),
            lambda: {"name": "twice", "vjp": lambda g, y, a: 2 * g, "label": "2", "role": "activation"},
        ),
        "autograd.compile": Call(autograd.compile, lambda: (square,), lambda: {"state": ()}),
        "autograd.replacing": Call(_replace, lambda: (folder / "file",)),
        "autograd.scope": Call(_scoped, lambda: (model(),)),
        "autograd.testing.gradcheck": Call(
            testing.gradcheck,
            lambda: (square, [np.ones(2)]),
            lambda: {
                "order": 1,
                "step": 1e-6,
                "rtol": 1e-5,
                "atol": 1e-8,
            },
            also=(testing.GradcheckError,),
        ),
        "autograd.testing.compare_grads": Call(
            testing.compare_grads,
            lambda: (x := loss(), {x: np.ones(())}),
            lambda: {"rtol": 1e-6, "published_loss": 5.0, "budget": 1.0},
        ),
        "autograd.testing.assert_grads_match": Call(
            testing.assert_grads_match, lambda: (x := loss(), {x: np.ones(())}), lambda: {"rtol": 1e-6, "budget": 1.0}
        ),
        "Tensor.backward": Call(
            lambda *a, **k: loss().backward(*a, **k),
            tuple,
            lambda: {"gradient": np.ones(()), "retain_graph": True, "create_graph": False},
        ),
        "Tensor.register_hook": Call(lambda hook: weight().register_hook(hook), lambda: (lambda g: g,)),
        "Tensor.grad": Call(lambda value: setattr(weight(), "grad", value), lambda: (np.ones(2),)),
        "Tensor.data": Call(lambda value: setattr(weight(), "data", value), lambda: (np.ones(2),)),
        "Tensor.name": Call(lambda value: autograd.draw(_named(value)), lambda: ("w",)),
        "Tensor.requires_grad": Call(lambda value: setattr(weight(), "requires_grad", value), lambda: (True,)),
        "Tensor.astype": Call(lambda dtype: weight().astype(dtype), lambda: (np.float32,)),
        "Tensor.reshape": Call(lambda shape: weight().reshape(shape), lambda: ((2, 1),)),
        "Tensor.item": Call(lambda at: weight().item(at), lambda: (0,), also=(IndexError,)),
        "Module.load_state_dict": Call(lambda state: model().load_state_dict(state), lambda: (model().state_dict(),)),
        "Module.with_parameters": Call(
            lambda given: model().with_parameters(given), lambda: (dict(model().named_parameters()),)
        ),
        "Module.save": Call(lambda path: model().save(path), lambda: (folder / "m.npz",)),
        "Module.load": Call(lambda path: model().load(path), lambda: (folder / "m.npz",)),
        "Module, called": Call(lambda x: model()(x), lambda: (X,)),
        "Module.train": Call(lambda mode: model().train(mode), lambda: (True,)),
        "Module.requires_grad_": Call(lambda mode: model().requires_grad_(mode), lambda: (True,)),
        "nn.Parameter": Call(nn.Parameter, lambda: ([1.0],), lambda: {"name": "w"}),
        "nn.Linear": Call(nn.Linear, lambda: (2, 3), lambda: {"bias": True, "rng": 0}),
        "nn.MLP": Call(nn.MLP, lambda: ([2, 3, 1],), lambda: {"activation": nn.ReLU, "rng": 0}),
        "nn.Sequential": Call(nn.Sequential, lambda: (nn.Linear(2, 1, rng=0), nn.ReLU())),
        "nn.Dropout": Call(nn.Dropout, lambda: (0.5,), lambda: {"rng": 0}),
        "nn.MiniBatches": Call(
            nn.MiniBatches,
            lambda: (X, LABELS),
            lambda: {"batch_size": 2, "shuffle": True, "rng": 0, "drop_last": False, "axis": 0},
        ),
        "nn.optim.SGD": Call(
            nn.optim.SGD,
            lambda: ([weight()],),
            lambda: {
                "lr": 0.1,
                "momentum": 0.9,
                "nesterov": False,
                "weight_decay": 0.1,
                "dampening": 0.0,
                "maximize": False,
            },
        ),
        **{
            f"nn.optim.{kind.__name__}": Call(
                kind,
                lambda: ([weight()],),
                lambda: {
                    "lr": 0.1,
                    "betas": (0.9, 0.99),
                    "eps": 1e-8,
                    "weight_decay": 0.1,
                    "amsgrad": False,
                    "maximize": False,
                },
            )
            for kind in (nn.optim.Adam, nn.optim.AdamW)
        },
        "SGD.load_state_dict": Call(
            lambda state: stepped(nn.optim.SGD).load_state_dict(state), lambda: (stepped(nn.optim.SGD).state_dict(),)
        ),
        "Picture.save": Call(lambda path: autograd.draw(loss()).save(path), lambda: (folder / "p.dot",)),
        "Derivation.save": Call(lambda path: autograd.derive(loss()).save(path), lambda: (folder / "d.py",)),
    }


def _replace(path: Any) -> None:
    with autograd.replacing(path) as file:
        file.write(b"x")


def _scoped(owner: Any) -> None:
    with autograd.scope(owner) as result:
        result(weight() * 2)


def _named(name: Any) -> Tensor:
    w = weight()
    w.name = name
    return np.sum(w**2)


def functions() -> dict[str, Call]:
    """The functions of `nn.functional` and `nn.init`, with what they take."""
    taken: dict[str, Callable[[], tuple[Any, ...]]] = {
        "linear": lambda: (X, np.ones((2, 1))),
        "binary_cross_entropy": lambda: (np.full((3, 1), 0.5), Y),
        "nll_loss": lambda: (-np.ones((3, 2)), LABELS),
        "cross_entropy": lambda: (X, LABELS),
        "one_hot": lambda: (LABELS, 2),
        "layer_norm": lambda: (X, X.shape[1]),
        "batch_norm": lambda: (X, np.zeros(2), np.ones(2)),
        "conv2d": lambda: (X[None, None], np.ones((1, 1, 2, 2))),
        "max_pool2d": lambda: (X[None, None], 2),
        "scaled_dot_product_attention": lambda: (X, X, X),
        "embedding": lambda: (np.ones((4, 2)), LABELS),
    }
    result = {}
    for name in nn.functional.__all__:
        if name in ("Reduction", "probability"):  # a type, and a check
            continue
        function = getattr(nn.functional, name)
        parameters = inspect.signature(function).parameters.values()
        count = sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
        make: Any = lambda count=count: (X, np.ones((3, 2)))[:count]
        result[f"nn.functional.{name}"] = Call(function, taken.get(name, make))
    for name in ("xavier_uniform", "kaiming_normal", "normal", "uniform"):
        if hasattr(nn.init, name):
            result[f"nn.init.{name}"] = Call(getattr(nn.init, name), lambda: ((2, 3),), lambda: {"rng": 0})
    return result


def attempts(call: Call) -> Iterator[tuple[str, Any, Callable[[], Any]]]:
    """Each argument with each bad value: which, the value, and the call."""
    for place in range(len(call.make())):
        for bad in BAD:
            given = list(call.make())
            given[place] = bad
            yield str(place), bad, lambda given=given: call.function(*given, **call.named())
    for name in call.named():
        for bad in BAD:
            yield name, bad, lambda name=name, bad=bad: call.function(*call.make(), **{**call.named(), name: bad})


def is_a_sentence(error: BaseException) -> bool:
    """Some words, and none of them a name from inside such as a private attribute."""
    text = str(error)
    return len(text.split()) >= 3


def complaints(name: str, call: Call) -> Iterator[str]:
    for argument, bad, attempt in attempts(call):
        with warnings.catch_warnings(), contextlib.redirect_stdout(None):
            warnings.simplefilter("ignore")
            try:
                attempt()
            except (*FINE, *call.also) as error:
                if not is_a_sentence(error):
                    yield f"{name}({argument}={bad!r}): {type(error).__name__}: {error}"
            except Exception as error:
                yield f"{name}({argument}={bad!r}): {type(error).__name__}: {error}"


with tempfile.TemporaryDirectory() as _folder:
    NAMES = [*calls(Path(_folder)), *functions()]


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_value_is_refused_in_a_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(autograd.render.Picture, "_draw", lambda self, format: b"<svg/>")  # not what is tested here
    monkeypatch.setattr(sys.modules["autograd.render.player_data"], "player_svg", lambda svg, *rest: svg)
    model().save(tmp_path / "m.npz")
    call = {**calls(tmp_path), **functions()}[name]
    call.function(*call.make(), **call.named())
    assert list(complaints(name, call)) == []


def refusals(function: Callable[..., Any], also: tuple[type[Exception], ...]) -> Iterator[str]:
    """What a function says to one bad value and to two, where that is no error of a user's."""
    for bad in BAD:
        for given in ((bad,), (bad, bad)):
            with warnings.catch_warnings(), contextlib.redirect_stdout(None):
                warnings.simplefilter("ignore")
                try:
                    function(*given)
                except (*FINE, *also) as error:
                    if not is_a_sentence(error):
                        yield f"{given}: {type(error).__name__}: {error}"
                except Exception as error:
                    yield f"{given}: {type(error).__name__}: {error}"


OWNERS: list[tuple[Callable[[], Any], tuple[str, ...]]] = [
    (weight, ()),
    (lambda: weight() * 2, ()),
    (model, ("save", "load")),  # which have paths
]


@pytest.mark.parametrize(("make", "paths"), OWNERS)
def test_every_method_refuses_in_a_sentence(make: Callable[[], Any], paths: tuple[str, ...]) -> None:
    """A leaf that is written into, and a place beyond an array, are errors of other kinds."""
    said = []
    kind = type(make())
    for name in dir(kind):
        if not name.startswith("_") and name not in paths and callable(inspect.getattr_static(kind, name)):
            call = lambda *given, name=name: getattr(make(), name)(*given)
            said += [f"{name}{text}" for text in refusals(call, (RuntimeError, IndexError))]
    assert said == []


@pytest.mark.parametrize("name", [name for name in nn.__all__ if inspect.isclass(getattr(nn, name))])
def test_every_class_refuses_in_a_sentence(name: str) -> None:
    assert list(refusals(getattr(nn, name), ())) == []
