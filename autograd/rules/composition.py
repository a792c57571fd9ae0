"""Compositions: functions of NumPy that are written in NumPy code which has rules, and run on Tensors as such."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, Final, NamedTuple

from autograd.core.op import COMPOSITES, REQUIRED, Sample, bound, defaults, find, leading, names_of, qualified_name


class Composite(NamedTuple):
    """What `defcomposite` records."""

    fn: Callable[..., Any]
    name: str
    body: Callable[..., Any]
    math: str
    samples: tuple[Sample, ...]
    ties: str


_RECORDS: Final[list[Composite]] = []


def defcomposite(
    fn: Callable[..., Any],
    body: Callable[..., Any],
    *,
    math: str,
    samples: Sequence[Sample],
    ties: str = "",
) -> None:
    """Record `fn` as a composition: `body` is the same function in NumPy code that has rules.

    `body` takes the arguments of `fn` that it covers, under the same names, and is run on Tensors.
    Others are refused by name, unless they are None or as by default.
    """
    if not math or not samples:
        raise ValueError(f"{qualified_name(fn)}: a composition has mathematics, and samples")
    if find(fn) or fn in COMPOSITES:
        raise ValueError(f"{qualified_name(fn)} is recorded already")
    name = qualified_name(fn)
    COMPOSITES[fn] = body = _covering(name, fn, body)
    _RECORDS.append(Composite(fn, name, body, math, tuple(samples), ties))


def composites() -> tuple[Composite, ...]:
    """All compositions, in the order of their definition."""
    return tuple(_RECORDS)


def _covering(name: str, fn: Callable[..., Any], body: Callable[..., Any]) -> Callable[..., Any]:
    """`body`, which takes some of the arguments of `fn`, given the arguments of a call to `fn`."""
    own, flags = names_of(body), body.__code__.co_flags
    known, any_keyword, starred = frozenset(own), bool(flags & inspect.CO_VARKEYWORDS), flags & inspect.CO_VARARGS

    @cache  # at the first call: signatures are slow to read
    def parameters() -> tuple[dict[str, Any], int]:
        taken = defaults(fn) or dict.fromkeys(own, REQUIRED)
        return taken, leading(own, taken)

    @wraps(body)
    def run(*args: Any, **kwargs: Any) -> Any:
        taken, positional = parameters()
        if (starred or len(args) <= positional) and (any_keyword or kwargs.keys() <= known):
            return body(*args, **kwargs)
        return body(**bound(name, taken, taken if any_keyword else own, args, kwargs))

    return run
