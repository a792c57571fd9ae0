"""States that nothing should take: all is checked, then all is changed."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

import nn
from autograd import Tensor
from nn.optim import SGD, Adam, AdamW, Optimizer


def weight() -> Tensor:
    return Tensor([1.0, 2.0], requires_grad=True, name="w")


def stepped(make: Callable[..., Optimizer], **settings: Any) -> Optimizer:
    w = weight()
    optimizer = make([w], lr=0.1, **settings)
    np.sum(w**2).backward()
    optimizer.step()
    return optimizer


OPTIMIZERS: list[Callable[[], Optimizer]] = [
    lambda: stepped(SGD, momentum=0.9, nesterov=True),
    lambda: stepped(Adam, amsgrad=True),
    lambda: stepped(AdamW),
]
BAD = {
    "lr": [-1.0, np.nan, np.inf],
    "momentum": [-0.1, np.nan, 0.0],  # Nesterov's needs some
    "dampening": [0.5, -1.0],
    "weight_decay": [-1.0, np.inf],
    "betas": [(5.0, 5.0), (0.9, np.nan), (0.9, 1.0)],
    "eps": [-1.0, np.nan],
    "steps.w": [-1, 0.5, np.nan],
}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_state_with_a_bad_value_changes_nothing(make: Callable[[], Optimizer]) -> None:
    optimizer = make()
    before, good = optimizer.state_dict(), {name: array * 1.0 for name, array in optimizer.state_dict().items()}
    for name in BAD.keys() & before.keys():
        for value in BAD[name]:
            with pytest.raises(ValueError, match=r"lr|momentum|dampening|weight_decay|betas|eps|steps"):
                optimizer.load_state_dict({**good, "lr": np.array(0.5), name: np.array(value)})
            assert same(optimizer.state_dict(), before), name


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_settings_are_checked_between_steps_as_at_construction(make: Callable[[], Optimizer]) -> None:
    optimizer = make()
    before = optimizer.state_dict()
    for name in BAD.keys() & set(optimizer.settings):
        for value in BAD[name]:
            with pytest.raises(ValueError, match=name):
                setattr(optimizer, name, value)
            with pytest.raises(ValueError, match=name):
                type(optimizer)(
                    [weight()], **{"lr": 0.1, "nesterov": True, "momentum": 0.9, name: value}
                ) if isinstance(optimizer, SGD) else type(optimizer)([weight()], **{name: value})
        with pytest.raises((TypeError, ValueError), match=name):
            setattr(optimizer, name, "a lot")
    assert same(optimizer.state_dict(), before)


def test_settings_can_be_set_between_steps() -> None:
    optimizer = SGD([weight()], lr=0.1)
    optimizer.momentum, optimizer.lr, optimizer.maximize = 0.5, 0.2, True
    assert (optimizer.momentum, optimizer.lr, optimizer.maximize) == (0.5, 0.2, True)
    optimizer.nesterov = True
    with pytest.raises(ValueError, match="nesterov takes momentum"):
        optimizer.momentum = 0.0
    assert optimizer.momentum == 0.5


def test_a_rate_that_a_parameter_cannot_hold_is_refused() -> None:
    half = Tensor(np.ones(2, np.float16), requires_grad=True)
    optimizer = SGD([half], lr=0.1)
    with pytest.raises(ValueError, match="float16"):
        optimizer.lr = 1e6
    assert optimizer.lr == 0.1


def test_an_overflow_under_strict_warnings_changes_nothing_halfway() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = (nn.Parameter(np.ones(2, np.float32)) for _ in range(2))

    model = Two()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.load_state_dict({"a": np.zeros(2), "b": np.full(2, 1e300)})
    assert model.a.data.tolist() == [0, 0]
    assert np.all(np.isinf(model.b.data))


@pytest.mark.parametrize("state", [None, 5, "abc", [1, 2]])
def test_what_is_no_state_is_a_type_error(state: Any) -> None:
    for owner in (nn.Linear(2, 1, rng=0), SGD([weight()], lr=0.1)):
        with pytest.raises(TypeError, match=r"dictionary of arrays.*state_dict"):
            owner.load_state_dict(state)


def test_parameters_that_were_not_called_are_named() -> None:
    model = nn.Linear(2, 1, rng=0)
    with pytest.raises(TypeError, match=r"call it, as in parameters\(\)"):
        SGD(model.parameters, lr=0.1)  # type: ignore[arg-type]


# Archives


def archive(names: dict[str, bytes], **more: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **more) as written:
        for name, content in names.items():
            written.writestr(name, content)
    return file.getvalue()


def array_of(header: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    npy.write_array_header_1_0(file, header)
    return file.getvalue()


def written(save: Any, *arrays: Any, **named: Any) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def patched(data: bytes, offset: int, value: int) -> bytes:
    """A zip archive with another number in its local and its central header."""
    changed = bytearray(data)
    for signature, extra in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        at = changed.index(signature) + offset + extra
        changed[at : at + 2] = struct.pack("<H", value)
    return bytes(changed)


_PLAIN = archive({"weight.npy": array_of({"descr": "<f8", "fortran_order": False, "shape": (2, 1)}) + bytes(16)})
FORGED = {
    "encrypted": patched(_PLAIN, 6, 1),
    "of an unknown compression": patched(_PLAIN, 8, 99),
    "of a huge shape": archive(
        {"weight.npy": array_of({"descr": "<f8", "fortran_order": False, "shape": (10**15,)}) + bytes(16)}
    ),
    "of a shape beyond integers": archive(
        {"weight.npy": array_of({"descr": "<f8", "fortran_order": False, "shape": (10**30,)}) + bytes(16)}
    ),
    "of objects": archive({"weight.npy": array_of({"descr": "|O", "fortran_order": False, "shape": (2, 1)}) + b"x"}),
    "without arrays": archive({"weight.npy": b"no array", "other.txt": b"text"}),
    "cut off": _PLAIN[:-30],
    "damaged": _PLAIN.replace(bytes(16), b"damaged numbers!"),
    "empty": b"",
    "text": b"not even an archive",
    "begun": b"PK\x03\x04 broken",
    "a single array": written(np.save, np.zeros(3)),
    "pickled": written(np.savez, weight=np.array([{}], dtype=object)),
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED)
def test_what_is_no_archive_of_arrays_is_a_value_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    model = nn.Linear(2, 1, bias=False, rng=0)
    before = model.weight.data.copy()
    with pytest.raises(ValueError, match=r"is not an \.npz archive of arrays|does not fit"):
        model.load(path)
    np.testing.assert_array_equal(model.weight.data, before)


# What holds itself


@pytest.mark.parametrize("make", [list, dict])
def test_a_list_that_holds_itself_is_an_error_that_says_so(make: Callable[[], Any]) -> None:
    parts = make()
    if isinstance(parts, list):
        parts.append(parts)
    else:
        parts["again"] = parts

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = parts

    with pytest.raises(ValueError, match="holds itself"):
        Net()


def test_a_list_that_comes_to_hold_itself_later_does_not_recurse_either() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts: list[Any] = [nn.Linear(2, 1, rng=0)]

    net = Net()
    net.parts.append(net.parts)
    with pytest.raises(ValueError, match="holds itself"):
        list(net.parameters())
