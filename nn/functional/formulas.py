r"""What calls compute and what their rules send back, in LaTeX, where that depends on shapes and options.

Each takes the operands of an operation and its options, and gives the value and then the rules: $\bar y$ is the
gradient that arrives. Axes are called i, j, k ... in their order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_LETTERS = "ijklmnopqr"
_SOFTMAX = r"\operatorname{softmax}"
_SIGMOID = r"\operatorname{\sigma}"
_NORMAL = r"\operatorname{\Phi}"
_DENSITY = r"e^{-x^2 / 2} / \sqrt{2\pi}"


def _axes(count: int) -> str:
    return " ".join(_LETTERS[k % len(_LETTERS)] for k in range(count))


def _share(count: int, reduction: str, over: int = 1) -> str:
    r"""The factor of a mean over `count` losses.

    >>> _share(4, "mean"), _share(4, "mean", 2), _share(2, "mean", 2), _share(4, "sum", 2)
    ('\\frac{1}{4} \\, ', '\\frac{2}{4} \\, ', '', '2 \\, ')
    """
    under = count if reduction == "mean" else 1
    if over == under:
        return ""
    return rf"{over} \, " if under == 1 else rf"\frac{{{over}}}{{{under}}} \, "


def _arriving(x: Any, reduction: str, over: int = 1) -> str:
    """What arrives at each loss of so many elements, as a factor before what follows."""
    return _share(np.size(x), reduction, over) + (r"\bar y \odot " if reduction == "none" else r"\bar y \, ")


def _reduced(loss: str, axes: int, count: int, reduction: str, sign: str = "") -> str:
    """A loss with so many axes, each entry `loss` with its indices at %s, and their sum or mean."""
    letters = _axes(axes) if reduction != "none" else ""
    entry = loss % (f"_{{{letters}}}" if letters else "")
    below = letters.replace(" ", ",")
    total = rf"\sum_{{{below}}} " if letters else ""
    return f"y = {sign}{_share(count, reduction)}{total}{entry}"


def sigmoid(x: Any) -> tuple[str, ...]:
    r"""$\sigma(x)$."""
    return f"y = {_SIGMOID}(x)", r"\bar x = \bar y \odot y \odot (1 - y)"


def softmax(x: Any, axis: int = -1) -> tuple[str, ...]:
    r"""$\operatorname{softmax}(x)$, an entry's rule with the sum over its axis.

    >>> print(*softmax(np.ones((2, 3))), sep="\n")
    y = \operatorname{softmax}(x)
    \bar x_{i j} = y_{i j} \, (\bar y_{i j} - \sum_k \bar y_{i k} \, y_{i k})
    """
    word, entry, added, letter = _along(x, axis)
    rule = rf"\bar x{entry} = y{entry} \, (\bar y{entry} - \sum_{letter} \bar y{added} \, y{added})"
    return f"y = {word}(x)", rule


def log_softmax(x: Any, axis: int = -1) -> tuple[str, ...]:
    r"""$\ln \operatorname{softmax}(x)$, as `softmax`."""
    word, entry, added, letter = _along(x, axis)
    return rf"y = \ln {word}(x)", rf"\bar x{entry} = \bar y{entry} - e^{{y{entry}}} \sum_{letter} \bar y{added}"


def leaky_relu(x: Any, negative_slope: float = 0.01) -> tuple[str, ...]:
    r"""$\max(0, x) + \alpha \min(0, x)$."""
    slope = f"{negative_slope:g}"
    rule = rf"\bar x = \bar y \odot (1[x > 0] + {slope} \, 1[x \le 0])"
    return rf"y = \max(0, x) + {slope} \, \min(0, x)", rule


def elu(x: Any, alpha: float = 1.0) -> tuple[str, ...]:
    r"""$\max(0, x) + \alpha (e^{\min(0, x)} - 1)$."""
    factor = "" if alpha == 1 else rf"{alpha:g} \, "
    rule = rf"\bar x = \bar y \odot (1[x > 0] + (y + {alpha:g}) \odot 1[x \le 0])"
    return rf"y = \max(0, x) + {factor}(e^{{\min(0, x)}} - 1)", rule


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> tuple[str, ...]:
    r"""$\frac{1}{\beta} \ln(1 + e^{\beta x})$."""
    scaled, factor = ("x", "") if beta == 1 else (rf"{beta:g} \, x", rf"\frac{{1}}{{{beta:g}}} \, ")
    return rf"y = {factor}\ln(1 + e^{{{scaled}}})", rf"\bar x = \bar y \odot {_SIGMOID}({scaled})"


def silu(x: Any) -> tuple[str, ...]:
    r"""$x \odot \sigma(x)$."""
    rule = rf"\bar x = \bar y \odot {_SIGMOID}(x) \odot (1 + x \odot (1 - {_SIGMOID}(x)))"
    return rf"y = x \odot {_SIGMOID}(x)", rule


def normal_cdf(x: Any) -> tuple[str, ...]:
    r"""$\Phi(x)$."""
    return f"y = {_NORMAL}(x)", rf"\bar x = \bar y \odot {_DENSITY}"


def gelu(x: Any, approximate: str = "none") -> tuple[str, ...]:
    r"""$x \odot \Phi(x)$; nothing is said of its approximation."""
    if approximate != "none":
        return ()
    return rf"y = x \odot {_NORMAL}(x)", rf"\bar x = \bar y \odot ({_NORMAL}(x) + x \odot {_DENSITY})"


def _along(x: Any, axis: int) -> tuple[str, str, str, str]:
    """The word for a softmax along an axis, the indices of an entry, those in the sum, and the letter summed over."""
    rank = np.ndim(x)
    letters, place, summed = _axes(rank).split(), axis % rank, _LETTERS[rank % len(_LETTERS)]
    word = _SOFTMAX if place == rank - 1 else f"{_SOFTMAX}_{letters[place]}"
    added = [*letters[:place], summed, *letters[place + 1 :]]
    return word, f"_{{{' '.join(letters)}}}", f"_{{{' '.join(added)}}}", summed


def squared_error(p: Any, t: Any, reduction: str = "mean") -> tuple[str, ...]:
    r"""The mean of $(p - t)^2$."""
    share = _arriving(p, reduction, 2)
    value = _reduced("(p - t)%s^2", np.ndim(p), np.size(p), reduction)
    return value, rf"\bar p = {share}(p - t)", rf"\bar t = {share}(t - p)"


def absolute_error(p: Any, t: Any, reduction: str = "mean") -> tuple[str, ...]:
    r"""The mean of $|p - t|$."""
    share = _arriving(p, reduction)
    value = _reduced("|p - t|%s", np.ndim(p), np.size(p), reduction)
    return value, *(rf"\bar {a} = {share}\operatorname{{sign}}({a} - {b})" for a, b in ("pt", "tp"))


def hinge(s: Any, t: Any, reduction: str = "mean", margin: float = 1.0) -> tuple[str, ...]:
    r"""The mean of $\max(0, m - t s)$."""
    share = _arriving(s, reduction)
    value = _reduced(rf"\max(0, {margin:g} - t \odot s)%s", np.ndim(s), np.size(s), reduction)
    return value, rf"\bar s = -{share}t \odot 1[t \odot s < {margin:g}]"


def binary_cross_entropy(p: Any, t: Any, reduction: str = "mean") -> tuple[str, ...]:
    r"""The mean of $-t \ln p - (1 - t) \ln(1 - p)$."""
    share = _arriving(p, reduction)
    value = _reduced(r"(t \odot \ln p + (1 - t) \odot \ln(1 - p))%s", np.ndim(p), np.size(p), reduction, "-")
    return (
        value,
        rf"\bar p = {share}((1 - t) \oslash (1 - p) - t \oslash p)",
        rf"\bar t = {share}(\ln(1 - p) - \ln p)",
    )


def binary_cross_entropy_with_logits(z: Any, t: Any, reduction: str = "mean") -> tuple[str, ...]:
    r"""The mean of $-t \ln \sigma(z) - (1 - t) \ln(1 - \sigma(z))$."""
    share = _arriving(z, reduction)
    each = rf"(t \odot \ln {_SIGMOID}(z) + (1 - t) \odot \ln(1 - {_SIGMOID}(z)))%s"
    value = _reduced(each, np.ndim(z), np.size(z), reduction, "-")
    return value, rf"\bar z = {share}({_SIGMOID}(z) - t)", rf"\bar t = -{share}z"


def cross_entropy(z: Any, t: Any, reduction: str = "mean") -> tuple[str, ...]:
    r"""The mean of $-\ln \operatorname{softmax}(z)_{i, t_i}$ for labels, else of $-\sum_j t_{ij} \ln$ of the same.

    >>> print(*cross_entropy(np.ones((2, 3)), np.array([0, 2])), sep="\n")
    y = -\frac{1}{2} \, \sum_{i} \ln \operatorname{softmax}(z)_{i, t_{i}}
    \bar z = \frac{1}{2} \, \bar y \, (\operatorname{softmax}(z) - \operatorname{onehot}(t))
    \bar t = -\frac{1}{2} \, \bar y \, \ln \operatorname{softmax}(z)
    """
    share, own = _samples(z, reduction)
    if np.ndim(t) < np.ndim(z):
        value, error = _of_labels(rf"\ln {_SOFTMAX}(z)", z, reduction), rf"{_SOFTMAX}(z) - \operatorname{{onehot}}(t)"
    else:
        rank, last = np.ndim(z), _LETTERS[np.ndim(z) - 1]
        summed = "_{" + r"\cdot " * (rank - 1) + f"{last}}}"
        value = rf"y = -\sum_{last} (t \odot \ln {_SOFTMAX}(z)){summed}"
        if reduction != "none":
            count = np.size(z) // np.shape(z)[-1]
            value = _reduced(rf"(t \odot \ln {_SOFTMAX}(z))%s", rank, count, reduction, "-")
        of_one = isinstance(t, np.ndarray) and np.allclose(np.sum(t, axis=-1), 1)
        weight = "" if of_one else rf" \odot \sum_{last} t{summed}"
        error = rf"{_SOFTMAX}(z){weight} - t"
    return value, rf"\bar z{own} = {share}({error}){own}", rf"\bar t{own} = -{share}\ln {_SOFTMAX}(z){own}"


def negative_log_likelihood(z: Any, t: Any, reduction: str = "mean") -> tuple[str, ...]:
    r"""The mean of $-z_{i, t_i}$."""
    share, own = _samples(z, reduction)
    return _of_labels("z", z, reduction), rf"\bar z{own} = -{share}\operatorname{{onehot}}(t){own}"


def _samples(z: Any, reduction: str) -> tuple[str, str]:
    """What arrives at the loss of a sample, and its indices, where each has a loss of its own."""
    letters = _axes(np.ndim(z) - 1) if reduction == "none" else ""
    own = f"_{{{letters}}}" if letters else ""
    return _share(np.size(z) // np.shape(z)[-1], reduction) + rf"\bar y{own} \, ", own


def _of_labels(scores: str, z: Any, reduction: str) -> str:
    """The sum of the scores that the labels choose."""
    letters, count = _axes(np.ndim(z) - 1), np.size(z) // np.shape(z)[-1]
    if not letters:
        return f"y = -{scores}_t"
    chosen = f"{scores}_{{{letters}, t_{{{letters}}}}}"
    if reduction == "none":
        return f"y_{{{letters}}} = -{chosen}"
    return rf"y = -{_share(count, reduction)}\sum_{{{letters.replace(' ', ',')}}} {chosen}"


def divergence(z: Any, t: Any, reduction: str = "mean") -> tuple[str, ...]:
    r"""The mean of $t (\ln t - z)$."""
    share = _arriving(z, reduction)
    value = _reduced(r"(t \odot (\ln t - z))%s", np.ndim(z), np.size(z), reduction)
    return value, rf"\bar z = -{share}t", rf"\bar t = {share}(\ln t + 1 - z)"
