"""The edit that makes a line right, tried in the author's own source: the right line, also where no value is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd.testing import Report, check_backprop

rng = np.random.default_rng(7)


def line_of(fn: Callable[..., Any], text: str) -> int:
    """Where a text stands in the source of a function."""
    import inspect

    source, first = inspect.getsourcelines(fn)
    return next(first + k for k, line in enumerate(source) if text in line)


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
