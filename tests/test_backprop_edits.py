"""The edit that makes a line right, tried in the author's own source: the right line, also where no value is known."""

from __future__ import annotations

import inspect
import runpy
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd.testing import Report, check_backprop

rng = np.random.default_rng(7)


def line_of(fn: Callable[..., Any], text: str) -> int:
    """Where a text stands in the source of a function."""
    source, first = inspect.getsourcelines(fn)
    return next(first + k for k, line in enumerate(source) if text in line)


def rewritten(fn: Callable[..., Any], right: str, slip: str, folder: Path) -> Any:
    """A function with a slip in it, from a file of its own."""
    text = textwrap.dedent(inspect.getsource(fn))
    assert right in text
    path = folder / "slip.py"
    path.write_text("import numpy as np\nfrom typing import Any\n\n" + text.replace(right, slip))
    return runpy.run_path(str(path))[fn.__name__]


def told(report: Report) -> list[tuple[int, str, str]]:
    return [(line.line, line.cause, line.right) for line in report.lines]


def test_labels_that_are_an_index_and_stacks_in_functions_that_are_called() -> None:
    def probabilities(x: Any, w: Any) -> Any:
        both = np.vstack((w, np.ones((1, w.shape[1]))))
        e = np.exp(np.hstack((x, np.ones((len(x), 1)))) @ both)
        return e / np.sum(e, axis=1, keepdims=True)

    def softmax(x: Any, labels: Any, w: Any) -> Any:
        p = probabilities(x, w)
        loss = -np.mean(np.log(p[np.arange(len(x)), labels]))
        d = p.copy()
        d[np.arange(len(x)), labels] -= 1
        return loss, x.T @ d / len(x)

    assert check_backprop(softmax, rng.normal(size=(6, 3)), np.array([0, 1, 1, 3, 2, 0]), rng.normal(size=(3, 4)))


def test_a_forgotten_stride_is_put_back() -> None:
    def strided(x: Any, w: Any, stride: int = 2) -> Any:
        k = len(w)
        dw, loss = np.zeros(k), 0.0
        for i in range(3):
            out = np.sum(x[i * stride : i * stride + k] * w)
            loss += out**2
            dw += 2 * out * x[i : i + k]
        return loss, {"w": dw}

    report = check_backprop(strided, rng.normal(size=9), rng.normal(size=3))
    right = "dw += 2 * out * x[i * stride:i * stride + k]"
    assert told(report) == [(line_of(strided, "dw +="), "wrong-operand", right)]


def test_what_is_overwritten_in_a_loop_should_be_added() -> None:
    def backprop(xs: Any, ys: Any, w: Any) -> Any:
        dw, loss = np.zeros_like(w), 0.0
        for x, y in zip(xs, ys, strict=True):
            error = x @ w - y
            loss += np.sum(error**2)
            dw = 2 * np.outer(x, error)
        return loss, {"w": dw}

    report = check_backprop(backprop, rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), rng.normal(size=(3, 2)))
    assert [line.right for line in report.lines] == ["dw += 2 * np.outer(x, error)"]


def test_a_term_that_no_line_computes_is_written_with_the_authors_names() -> None:
    def backprop(x: Any, W: Any) -> Any:
        u = x @ W
        centred = u - u.mean(axis=0)
        loss = np.sum(np.tanh(centred) * np.arange(1.0, 1 + u.size).reshape(u.shape))
        dc = (1 - np.tanh(centred) ** 2) * np.arange(1.0, 1 + u.size).reshape(u.shape)
        du = dc
        return loss, {"W": x.T @ du}

    report = check_backprop(backprop, rng.normal(size=(5, 3)), rng.normal(size=(3, 2)))
    assert [(line.line, line.cause) for line in report.lines] == [(line_of(backprop, "du = dc"), "missing-term")]
    assert report.lines[0].right == "du = dc - np.mean(dc, axis=0, keepdims=True)"


def two_layers(x: Any, y: Any, W: Any, V: Any) -> Any:
    Z = x @ W
    h = np.tanh(Z)
    out = h @ V
    loss = np.mean((out - y) ** 2)
    dout = 2 * (out - y)
    dZ = dout @ V.T * (1 - h**2)
    return loss, {"W": x.T @ dZ / y.size, "V": h.T @ dout / y.size}


def test_the_authors_scale_is_told_where_all_is_right() -> None:
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    report = check_backprop(two_layers, x, y, rng.normal(size=(3, 4)), rng.normal(size=(4, 2)))
    assert report.matches
    assert "your gradients on the way are 10 times the loss's" in str(report)


def test_what_follows_from_a_wrong_line_is_told_once() -> None:
    def wrong(x: Any, y: Any, w: Any, b: Any) -> Any:
        h = np.tanh(x @ w + b)
        loss = np.mean((h - y) ** 2)
        dz = 2 * (h - y) / y.size * (1 - h)
        return loss, {"w": x.T @ dz, "b": dz.sum(axis=0)}

    arrays = rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), rng.normal(size=(3, 2)), rng.normal(size=2)
    assert "0 of 2 gradients are right. w, b are right, given what that line gave." in str(
        check_backprop(wrong, *arrays)
    )


def test_a_function_that_gives_another_loss_each_time_is_an_error_that_says_to_seed_it() -> None:
    def noisy(x: Any, w: Any) -> Any:
        mask = np.random.default_rng().random(x.shape)
        return np.sum((x * mask) @ w), {"w": np.sum(x, axis=0)}

    with pytest.raises(ValueError, match="gives another loss each time .* with a seed"):
        check_backprop(noisy, rng.normal(size=(5, 3)), rng.normal(size=3))


def test_a_target_of_one_that_is_left_out_is_the_target() -> None:
    def backprop(u: Any, v: Any, slip: bool = False) -> Any:
        z = 1 / (1 + np.exp(-np.dot(u, v)))
        loss = -np.log(z)
        du = v * (z - 1)
        if slip:
            du = v * z
        return loss, {"u": du, "v": u * (z - 1)}

    u, v = np.array([0.5, -1.0, 0.3]), np.array([0.2, 0.7, -0.4])
    assert check_backprop(backprop, u, v).matches
    (line,) = check_backprop(backprop, u, v, slip=True).lines
    assert (line.cause, line.right) == ("target", "du = v * (z - 1)")


def softmax_in_loops(x: Any, y: Any, w: Any) -> Any:
    loss, dw = 0.0, np.zeros_like(w)
    for i in range(len(x)):
        p = np.exp(w @ x[i]) / np.sum(np.exp(w @ x[i]))
        loss -= np.log(p[y[i]])
        for j in range(len(w)):
            dw[j] += (p[j] - (j == y[i])) * x[i]
    return loss, {"w": dw}


@pytest.mark.parametrize(
    ("slip", "cause"), [("(p[j] - (j == y[i])) * x[j]", "wrong-operand"), ("p[j] * x[i]", "target")]
)
def test_of_a_loop_over_samples_and_classes_the_index_and_the_one(slip: str, cause: str, tmp_path: Path) -> None:
    right = "(p[j] - (j == y[i])) * x[i]"
    wrong = rewritten(softmax_in_loops, right, slip, tmp_path)
    report = check_backprop(wrong, rng.normal(size=(5, 3)), np.array([0, 1, 3, 2, 1]), rng.normal(size=(4, 3)))
    assert [(line.cause, line.right) for line in report.lines] == [(cause, f"dw[j] += {right}")]


def recurrent(xs: Any, w: Any) -> Any:
    hs = [np.zeros(len(w))]
    for x in xs:
        hs.append(np.tanh(w @ hs[-1] + x))
    loss = 0.5 * np.sum((hs[-1] - 1) ** 2)
    dh, dw = hs[-1] - 1, np.zeros_like(w)
    for t in reversed(range(len(xs))):
        da = dh * (1 - hs[t + 1] ** 2)
        dw += np.outer(da, hs[t])
        dh = w.T @ da
    return loss, {"w": dw}


@pytest.mark.parametrize(
    ("right", "slip", "cause"),
    [
        ("np.outer(da, hs[t])", "np.outer(da, hs[t + 1])", "wrong-operand"),
        ("dh * (1 - hs[t + 1]**2)", "dh * hs[t + 1] * (1 - hs[t + 1])", "derivative-at-output"),
    ],
)
def test_of_a_loop_over_time_the_step_and_the_derivative(right: str, slip: str, cause: str, tmp_path: Path) -> None:
    wrong = rewritten(recurrent, right.replace("]**", "] ** "), slip, tmp_path)
    report = check_backprop(wrong, rng.normal(size=(3, 4)), rng.normal(size=(4, 4)))
    assert [(line.cause, line.right.partition("= ")[2]) for line in report.lines] == [(cause, right)]


def pooled(x: Any, w: Any) -> Any:
    z = x * w
    loss, dz = 0.0, np.zeros_like(z)
    for i in range(2):
        region = z[2 * i : 2 * i + 2]
        k, n = np.unravel_index(np.argmax(region), region.shape)
        loss += region[k, n] ** 2
        dz[2 * i + k, n] = 2 * region[k, n]
    return loss, {"w": x * dz}


def test_of_a_maximum_two_indices_the_wrong_way_round(tmp_path: Path) -> None:
    x, w = np.arange(16.0).reshape(4, 4) % 7, np.ones((4, 4))
    assert check_backprop(pooled, x, w)
    report = check_backprop(rewritten(pooled, "dz[2 * i + k, n]", "dz[2 * i + n, k]", tmp_path), x, w)
    assert [line.right for line in report.lines] == ["dz[2 * i + k, n] = 2 * region[k, n]"]


def test_an_array_of_another_library_is_told() -> None:
    torch = pytest.importorskip("torch", reason="pip install torch")
    with pytest.raises(TypeError, match=r"p\['w'\] is a torch.Tensor; .*p\['w'\].detach\(\).numpy\(\)"):
        check_backprop(lambda p: (np.sum(p["w"]), p), {"w": torch.ones(3)})
