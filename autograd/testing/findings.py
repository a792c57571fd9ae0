"""What is said of each gradient, from the verdict on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.testing.catalogue.fit import as_size, sizes
from autograd.testing.replay import Replay
from autograd.testing.report import CAUSES, REMARKS, Finding
from autograd.testing.search import Verdict
from autograd.testing.words import Words

Array = np.ndarray[Any, np.dtype[Any]]
_IN_FLOAT32 = "a match: the difference is that of arithmetic in float32"
_SAME_LOSS = 1e-6  # relative difference of two losses that may be printed alike


def finding_of(name: str, given: Array, replay: Replay, node: Node, verdict: Verdict, words: Words) -> Finding:
    """The errors of one gradient, and why."""
    true = np.broadcast_to(np.asarray(replay.truth.get(node, 0.0)), given.shape)
    found = _measured(name, given, true, matches=verdict.cause in (None, *REMARKS))
    if verdict.cause is None:
        double = given.dtype == np.float32 and np.asarray(replay.loss.value).dtype == np.float64
        if double and found.norm_rel_error > 1e-10:
            return replace(found, cause="precision", explanation=_IN_FLOAT32)
        return found
    explanation = _explanation(node, verdict, words)
    line = "" if found.matches else words.line(node)
    return replace(
        found,
        cause=verdict.cause,
        factor=verdict.mistake.factor if verdict.mistake is not None else None,
        explanation=explanation,
        line=line,
        where="" if found.matches or verdict.cause == "consequence" else words.unnamed(f"{explanation} {line}"),
        also=tuple(other.cause for other in verdict.others),
        others=tuple(words.told(other) for other in verdict.others),
    )


def _measured(name: str, given: Array, true: Array, matches: bool) -> Finding:
    difference = np.abs(given.astype(np.float64) - true)
    norm, error = float(np.linalg.norm(true)), float(np.linalg.norm(difference))
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), given.shape)) if given.size else ()
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(difference == 0, 0.0, difference / np.abs(true))
    return Finding(
        name=name,
        shape=given.shape,
        matches=matches,
        max_abs_error=float(np.max(difference, initial=0.0)),
        max_rel_error=float(np.max(relative, initial=0.0)),
        norm_rel_error=error / norm if norm else (0.0 if error == 0 else float("inf")),
        worst=worst,
        hand=float(given[worst]) if given.size else 0.0,
        true=float(true[worst]) if given.size else 0.0,
    )


def _explanation(node: Node, verdict: Verdict, words: Words) -> str:
    mistake = words.best_place(verdict.mistake, verdict.alike) if verdict.mistake is not None else None
    if verdict.cause == "precision":
        return _IN_FLOAT32
    if verdict.cause == "consequence":
        if verdict.after is not None:
            return f"given your {words.gradient(verdict.after)}, your {words.gradient(node)} is right"
        where = "earlier" if mistake is None else f"in {words.gradient(mistake.where)}"
        return f"your {words.gradient(node)} is right, but for the mistake {where}"
    if verdict.cause == "kink":
        return words.told(mistake) if mistake is not None else ""
    line = words.right(mistake, node)
    right = f"; right: {line}" if line else ""
    if mistake is not None:
        return words.told(mistake, node) + right
    kinds = ", ".join(cause for cause in CAUSES if cause not in (*REMARKS, "consequence", "unknown"))
    return f"none of the {verdict.tried} mistakes that were tried gives these numbers ({kinds}){right}"


def loss_remark(replay: Replay, published: float, first: Finding | None, words: Words) -> str:
    """What a published loss says beside the gradients; nothing where it is the recorded one."""
    recorded = float(np.asarray(replay.value(replay.loss)).item())
    if abs(published - recorded) <= _SAME_LOSS * max(abs(recorded), 1e-300):
        return ""
    reason = as_size(published / recorded, sizes(replay)) if recorded else None
    told = f"the published loss is {published:.10g}, and that of the graph {recorded:.10g}"
    if reason is not None:
        names: Mapping[str, str] = {gap: words.value(array) for gap, array in reason.arrays.items()}
        told += f", so it is {reason.factor:.6g} times as much: {reason.words.format(**names)}"
    if first is None:
        return f"the published loss is another function than the one differentiated: {told}"
    factor = first.factor
    if reason is not None and factor is not None and abs(factor - reason.factor) < _SAME_LOSS * abs(reason.factor):
        return f"the gradients are right for the published loss, which has their factor: {told}"
    return f"the published loss is another function than that of the graph: {told}"
