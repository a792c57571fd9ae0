"""`np.einsum` in all its forms: its derivative is another einsum."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np

from autograd.basis.arrays import of_kind
from autograd.core.op import Call, stack_nested
from autograd.rules.definition import defop, defplain
from autograd.rules.reduce import float_dtype

_OPERANDS: Final = "ABCD"  # their letters in mathematics
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # to load `string` takes long


@lru_cache(maxsize=256)
def _explicit(subscripts: str, ranks: tuple[int, ...], optimize: bool) -> str:
    """`subscripts` in full: a letter for every axis that an ellipsis stands for, and the output after an arrow.

    Args:
        ranks: how many axes each operand has.
        optimize: NumPy may then sum over an ellipsis that the output leaves out, and else refuses that.

    >>> _explicit("ij, jk", (2, 2), False), _explicit("...i,i", (3, 1), False)
    ('ij,jk->ik', 'abi,i->ab')
    """
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ranks) or ("..." in inputs and arrow and "..." not in output and not optimize):
        return subscripts  # NumPy's error says what is wrong
    letters = inputs.replace(",", "").replace(".", "")
    if not arrow:  # the output then has the letters that occur once
        output = "..." + "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    hidden = [  # how many axes the ellipsis of each operand stands for
        rank - len(term.replace("...", "")) if "..." in term else 0 for term, rank in zip(terms, ranks, strict=True)
    ]
    spare = "".join(letter for letter in _LETTERS if letter not in letters)[: max(0, *hidden)]
    named = [  # the axes of ellipses pair up from the right
        term.replace("...", spare[len(spare) - count :]) for term, count in zip(terms, hidden, strict=True)
    ]
    return f"{','.join(named)}->{output.replace('...', spare)}"


@lru_cache(maxsize=256)
def _lettered(inputs: tuple[tuple[Any, ...], ...], *outputs: tuple[Any, ...]) -> str:
    """Sublists of axis numbers as subscripts, in the letters that NumPy gives them, capitals first."""
    alphabet = _LETTERS.swapcase()
    terms = [
        "".join("..." if label is Ellipsis else alphabet[label] for label in labels) for labels in (*inputs, *outputs)
    ]
    return "->".join([",".join(terms[: len(inputs)]), *terms[len(inputs) :]])


def _call(
    *operands: Any, optimize: Any = False, dtype: Any = None, order: str = "K", casting: Any = "safe", out: None = None
) -> Call:
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], operands[1:]
    else:
        pairs = len(operands) // 2 * 2
        arrays = operands[:pairs:2]
        subscripts = _lettered(tuple(map(tuple, operands[1:pairs:2])), *map(tuple, operands[pairs:]))
    if dtype is not None:
        arrays = tuple([stack_nested(a).astype(float_dtype(dtype), casting=casting) for a in arrays])
    if "->" not in subscripts or "." in subscripts or " " in subscripts:
        ranks = tuple([stack_nested(a).ndim for a in arrays]) if "." in subscripts else (0,) * len(arrays)
        subscripts = _explicit(subscripts, ranks, bool(optimize))
    return arrays, {"subscripts": subscripts, "optimize": optimize} if optimize else {"subscripts": subscripts}


@lru_cache(maxsize=256)
def _adjoint(
    subscripts: str, position: int, shapes: tuple[tuple[int, ...], ...], shape: tuple[int, ...]
) -> tuple[str, list[int], list[int]]:
    """The einsum that gives the gradient of one operand from the output's and the other operands.

    Returns its subscripts, the sizes of the unit matrices that stand after the operands, and the shape of
    the result before it is broadcast. A letter that one operand has several times takes its diagonal:
    a unit matrix puts the gradient back there. A letter that nobody else has was summed, and one along
    which the operand has length 1 was broadcast.
    """
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    own = terms.pop(position)
    spare = [letter for letter in _LETTERS if letter not in subscripts]
    others = (shape, *shapes[:position], *shapes[position + 1 :])
    supplied = {
        letter
        for term, extents in zip((output, *terms), others, strict=True)
        for letter, n in zip(term, extents, strict=True)
        if n != 1
    }
    seen: set[str] = set()
    units: list[int] = []
    axes: list[tuple[str, int]] = []
    for letter, n in zip(own, shapes[position], strict=True):
        if n != 1 and letter in seen:
            fresh = spare.pop()
            terms.append(letter + fresh)
            units.append(n)
            supplied.update((letter, fresh))
            axes.append((fresh, n))
        else:
            seen.update(letter if n != 1 else "")
            axes.append((letter, n))
    kept = [letter if n != 1 and letter in supplied else "" for letter, n in axes]
    return (
        f"{','.join((output, *terms))}->{''.join(kept)}",
        units,
        [n if letter else 1 for letter, (_, n) in zip(kept, axes, strict=True)],
    )


def _einsum(position: int, g: Any, y: Any, *operands: Any, subscripts: str, optimize: Any = False) -> Any:
    shapes = tuple(map(np.shape, operands))
    if 0 in shapes[position]:
        return np.zeros_like(operands[position])
    adjoint, units, shape = _adjoint(subscripts, position, shapes, np.shape(y))
    identities = (of_kind(np.eye(n, dtype=g.dtype), g) for n in units)
    factors = (g, *operands[:position], *operands[position + 1 :], *identities)
    part = np.reshape(np.einsum(adjoint, *factors, optimize=bool(optimize)), shape)
    return part if np.shape(part) == shapes[position] else np.broadcast_to(part, shapes[position])


def _written(*operands: Any, subscripts: str, optimize: Any = False) -> tuple[str, ...]:
    r"""The rules of an einsum that names its axes, each once an operand.

    >>> _written(subscripts="ij,jk->ik")[1]
    '\\bar A_{i j} = \\sum_{k} \\bar y_{i k} \\, B_{j k}'
    """
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    repeated = any(len({*term}) < len(term) for term in terms)
    if not arrow or not 1 < len(terms) <= len(_OPERANDS) or repeated or {*_OPERANDS, "y", ".", " "} & {*subscripts}:
        return ()
    rules = [""]
    for place, term in enumerate(terms):
        others = [("\\bar y", output), *zip(_OPERANDS, terms, strict=False)]
        del others[place + 1]
        summed = [axis for axis in dict.fromkeys("".join(axes for _, axes in others)) if axis not in term]
        total = f"\\sum_{{{' '.join(summed)}}} " if summed else ""
        factors = " \\, ".join(name + (f"_{{{' '.join(axes)}}}" if axes else "") for name, axes in others)
        own = f"{_OPERANDS[place]}_{{{' '.join(term)}}}" if term else _OPERANDS[place]
        rules.append(f"\\bar {own} = {total}{factors}")
    return tuple(rules)


defop(
    np.einsum,
    role="product",
    cure="An index has one length in all operands that have it",
    variadic=True,
    forward=lambda *operands, subscripts, optimize=False: np.einsum(subscripts, *operands, optimize=optimize),
    adapt=_call,
    vjp=_einsum,
    written=_written,
    math=r"\bar a_k = \sum \bar y \prod_{j \ne k} a_j \text{ over all indices but those of } a_k",
    samples=[
        lambda rng: ("ij,jk->ik", rng.normal(size=(2, 3)), rng.normal(size=(3, 4))),
        lambda rng: ("ij,jk", rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), {"optimize": True}),
        lambda rng: ("bA", rng.normal(size=(2, 3))),
        lambda rng: ("...ij,...jk->...ik", rng.normal(size=(5, 1, 2, 3)), rng.normal(size=(4, 3, 2))),
        lambda rng: ("...i,i", rng.normal(size=(2, 3)), rng.normal(size=3)),
        lambda rng: ("i...,i...->...", rng.normal(size=(2, 3)), rng.normal(size=(2, 1))),
        lambda rng: ("ii->i", rng.normal(size=(3, 3))),
        lambda rng: ("ii", rng.normal(size=(3, 3))),
        lambda rng: ("iij,jkj->ik", rng.normal(size=(2, 2, 3)), rng.normal(size=(3, 4, 3))),
        lambda rng: ("iii->", rng.normal(size=(2, 2, 2))),
        lambda rng: ("ij->j", rng.normal(size=(2, 3))),
        lambda rng: ("ij,kl->il", rng.normal(size=(2, 3)), rng.normal(size=(4, 5))),
        lambda rng: ("ij,ij->ij", rng.normal(size=(1, 3)), rng.normal(size=(2, 1))),
        lambda rng: ("ij,jk", rng.normal(size=(2, 1)), rng.normal(size=(3, 4))),
        lambda rng: ("i,ij,j->", rng.normal(size=2), rng.normal(size=(2, 3)), rng.normal(size=3)),
        lambda rng: (",ij", rng.normal(), rng.normal(size=(2, 3))),
        lambda rng: ("ij,j", rng.normal(size=(2, 3)).astype(np.float32), [1, 2, 3], {"dtype": np.float64}),
        lambda rng: (rng.normal(size=(2, 3)), [0, 1], rng.normal(size=(3, 4)), [1, 2]),
        lambda rng: (rng.normal(size=(2, 3)), [..., 1], rng.normal(size=3), [30], [30, ..., 1]),
    ],
)
defplain(np.einsum_path, why="it depends on shapes only")
