"""Names and titles that nothing could show: one place makes them printable, and reports print on every console."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Tensor
from autograd.testing import compare_grads
from autograd.text import printable, shown

HOSTILE = {
    "control": "a\x1b[2Jb\x00",
    "surrogate": "x\ud800y",
    "long": "n" * 20_000,
    "direction": "\u202eabc",
    "lines": "a\nb\u2028c",
    "none": "a\ufffeb",
}
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\u202e\u2028\ud800-\udfff\ufffe]")  # a report has lines


class Net(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        setattr(self, name, nn.Linear(2, 1, rng=0))

    def forward(self, x: np.ndarray) -> Tensor:
        return getattr(self, self._name)(x)  # type: ignore[no-any-return]


def failing(w: Tensor) -> str:
    with pytest.raises(ValueError, match="of shape") as caught:
        w + np.ones(3)
    return str(caught.value)


def unknown(w: Tensor) -> str:
    with pytest.raises(KeyError) as caught:
        compare_grads(np.sum(w * w), {"other": np.ones(2)})
    return str(caught.value)


def derived(w: Tensor) -> str:
    try:
        return autograd.derive(np.sum(w * w)).source
    except ValueError as error:  # no identifier
        return str(error)


SAID: dict[str, Callable[[Tensor], str]] = {
    "explain": lambda w: str(autograd.explain(w)) + str(autograd.explain(w * w)),
    "report": lambda w: str(compare_grads(np.sum(w * w), {w: np.ones(2)})),
    "table": lambda w: compare_grads(np.sum(w * w), {w: np.ones(2)})._repr_html_(),
    "error": failing,
    "unknown name": unknown,
    "repr": repr,
    "derivation": derived,
    "repr of a module": lambda w: repr(Net(str(w.name))),
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("say", SAID.values(), ids=SAID)
def test_whatever_is_said_can_be_shown(say: Callable[[Tensor], str], name: str) -> None:
    said = say(Tensor([1.0, 2.0], requires_grad=True, name=name))
    assert not UNSEEN.search(said)
    assert len(said) < 8000


def pictures(name: str) -> dict[str, autograd.render.Picture]:
    w = Tensor([1.0, 2.0], requires_grad=True, name=name)
    loss = np.sum(w * w)
    return {
        "title": autograd.draw(loss, title=name),
        "difference": autograd.draw_diff(loss, np.sum(w * w * 2), title=name),
        "module": autograd.draw(np.sum(Net(name)(np.ones((3, 2)))), style="overview"),
    }


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_titles_and_names_of_modules_are_drawn(name: str) -> None:
    for what, picture in pictures(name).items():
        assert not UNSEEN.search(picture.source), what
        assert len(picture.source) < 40_000, what
        picture.source.encode()


def test_such_a_picture_is_well_formed(tmp_path: Path) -> None:
    title = "".join(HOSTILE.values())
    w = Tensor([1.0, 2.0], requires_grad=True, name=title)
    ElementTree.fromstring(autograd.draw(np.sum(w * w), title=title).svg)
    assert not UNSEEN.search(autograd.player(np.sum(w * w), title=title).html.replace("\t", ""))


@pytest.mark.parametrize("name", ["control", "surrogate", "long"])
def test_a_parameter_that_no_file_can_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a name that a file can hold"):
        Net(HOSTILE[name]).save(tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


# Consoles


def console(encoding: str, monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    return written


@pytest.mark.parametrize("encoding", ["ascii", "cp1251", "cp437", "latin-1", "utf-8"])
def test_reports_print_on_any_console(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = Tensor(np.ones((2, 1)), requires_grad=True, name="θ₁")
    loss = np.sum((np.ones((3, 2)) @ weight) ** 2)
    written = console(encoding, monkeypatch)
    print(compare_grads(loss, {weight: np.ones((2, 1))}))
    print(autograd.explain(weight))
    print(compare_grads(loss, {weight: np.ones((2, 1))}).findings[0])
    print(weight)
    derivation = autograd.derive(loss, names={weight: "θ"})
    print(derivation, derivation.program)
    model = nn.Sequential()
    model.θ = nn.Linear(1, 1, rng=0)
    print(model, model.θ.summary((1, 1)), nn.History({"θ": [1.0]}))
    sys.stdout.flush()
    said = written.getvalue().decode(encoding)
    assert "?" not in said
    assert ("theta1 (2x1)" if encoding == "ascii" else "2") in said


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(blacklist_categories=())), st.integers(2, 50))
def test_what_is_printable_is_short_has_one_line_and_stays_so(text: str, longest: int) -> None:
    said = printable(text, longest)
    assert len(said) <= longest
    assert len(said.splitlines()) <= 1
    assert printable(said, longest) == said
    said.encode()
    shown(text).encode()
