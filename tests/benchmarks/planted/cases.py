"""Cases: a network, a hand derivation of its gradients with a slip or none, and what should be said about it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from autograd import Tensor
from tests.benchmarks.planted import (
    classification,
    published,
    published_parts,
    published_steps,
    regression,
    sharing,
)
from tests.benchmarks.planted.network import Arrays, Config, Network
from tests.benchmarks.planted.pen import DoesNotFitError, Pen, Slip

PUBLISHED: tuple[Network, ...] = (*published.NETWORKS, *published_parts.NETWORKS, *published_steps.NETWORKS)
NETWORKS: tuple[Network, ...] = (
    *regression.NETWORKS,
    *classification.NETWORKS,
    *sharing.NETWORKS,
    *PUBLISHED,
)

Key = tuple[str, str]  # of a slip: the tensor in whose line it is, and its words
Given = Literal["all", "parameters", "activations left out"]
Kind = Literal["mistake", "two mistakes", "correct", "noise", "kink", "precision"]

# A slip changes a gradient by more than this, relative to its norm, or it is none; two slips whose numbers differ
# by less are told apart by nobody.
EFFECT = {"float64": 1e-5, "float32": 1e-2}
ALIKE = {"float64": 1e-8, "float32": 2e-3}


@dataclass(frozen=True)
class Case:
    """What is given to the comparison, and what is expected of it.

    Attributes:
        kind: what sort of case it is.
        network, config, dtype: of the graph.
        planted: the slips.
        given: which gradients the student hands in.
        by_name: the keys are names, not Tensors.
        first: the tensors any of which is the first wrong link; empty if nothing is wrong.
        causes: by tensor, what the mistake may be called, for each of the mistakes.
        hand_dtype: of the student's arithmetic.
        order: a permutation of the samples in which the student adds up.
    """

    kind: Kind
    network: Network
    config: Config
    dtype: str
    planted: tuple[Key, ...]
    given: Given
    by_name: bool
    first: frozenset[str]
    causes: Mapping[str, frozenset[str]]
    hand_dtype: str
    order: tuple[int, ...] | None = None

    @property
    def title(self) -> str:
        slips = "; ".join(f"{tensor}: {how}" for tensor, how in self.planted) or self.kind
        return f"{self.network.name} [{self.config.name}, {self.dtype}, {self.given}] {slips}"

    def build(self) -> tuple[Tensor, dict[Any, Any]]:
        """The loss, and the student's gradients."""
        loss, tensors = self.network.graph(self.config, self.dtype)
        order = None if self.order is None else np.array(self.order)
        pen = self.network.derive(self.config, self.hand_dtype, self.planted, order)
        hand = {name: pen.gradients[name] for name in handed_in(self.network, self.config, self.given)}
        return loss, hand if self.by_name else {tensors[name]: gradient for name, gradient in hand.items()}

    def truth(self) -> Arrays:
        """By tensor, the right gradients."""
        return right(self.network, self.config).gradients


# What slips there are, and what they do


@cache
def right(network: Network, config: Config) -> Pen:
    """The right derivation."""
    return network.derive(config)


@cache
def wrong(network: Network, config: Config) -> dict[Key, Arrays]:
    """By slip, the gradients after it: of all slips that shapes let pass and that change the numbers."""
    truth, found = right(network, config), {}
    if config.solved:
        return found
    for key in truth.slips:
        try:
            gradients = network.derive(config, planted=[key]).gradients
        except DoesNotFitError:
            continue
        if distance(gradients[key[0]], truth.gradients[key[0]]) > EFFECT["float64"]:
            found[key] = gradients
    return found


def distance(a: Any, b: Any) -> float:
    """The norm of the difference, relative to the larger norm."""
    difference = np.subtract(a, b)
    larger = max(np.vdot(a, a), np.vdot(b, b))
    return math.sqrt(np.vdot(difference, difference) / larger) if larger else 0.0


@cache
def handed_in(network: Network, config: Config, given: Given) -> tuple[str, ...]:
    """The tensors whose gradients are handed in."""
    names = right(network, config).gradients
    parameters = network.values(config)[1]
    if given == "all":
        return tuple(names)
    if given == "parameters":
        return tuple(sorted(name for name in names if name in parameters))
    return tuple(name for name in names if name[0] not in "AEP")


@cache
def first_wrong(network: Network, config: Config, planted: tuple[Key, ...], given: Given, dtype: str) -> frozenset[str]:
    """The tensors, of those handed in, that are wrong and nearest the loss.

    The one with the slip, if it is handed in; else those that follow from it, as far as none of them can be
    the other's cause: for dL/dZ2 the weight, the bias and the activation below.
    """
    pen = network.derive(config, planted=planted)
    truth, depths = right(network, config).gradients, pen.depths()
    names = [
        name for name in handed_in(network, config, given) if distance(pen.gradients[name], truth[name]) > ALIKE[dtype]
    ]
    if not names:
        return frozenset()
    nearest = min(depths[name][1] for name in names)
    return frozenset(name for name in names if depths[name][0] <= nearest)


def verdict(
    network: Network, config: Config, key: Key, given: Given, dtype: str
) -> tuple[frozenset[str], frozenset[str]] | None:
    """The first wrong links and the causes of a slip, those of slips with the same numbers included.

    None if it changes nothing that is handed in.
    """
    effects, names = wrong(network, config), handed_in(network, config, given)
    truth, mine, slips = right(network, config).gradients, effects[key], right(network, config).slips
    if not any(distance(mine[name], truth[name]) > EFFECT[dtype] for name in names):
        return None
    first: set[str] = set()
    causes: set[str] = set()
    for other, theirs in effects.items():
        if all(distance(mine[name], theirs[name]) <= ALIKE[dtype] for name in names):
            first |= first_wrong(network, config, (other,), given, dtype)
            causes |= set(slips[other].causes)
    return frozenset(first), frozenset(causes)


# The cases

_GIVEN: tuple[Given, ...] = ("all", "parameters", "activations left out")


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, in the same order on every machine."""
    planted = (case for network in NETWORKS for case in (*mistakes(network), *two_mistakes(network)))
    return *correct_cases(), *planted


def correct_cases() -> Iterator[Case]:
    """Right derivations: as they are, in another order of summation, and of other precision."""
    turn = itertools.count()
    for network in NETWORKS:
        for config in network.configs:
            for dtype in ("float64", "float32"):
                for given in _GIVEN[:2]:
                    yield _correct("correct", network, config, dtype, dtype, given, next(turn) % 2 == 0)
            order = tuple(np.random.default_rng(1).permutation(config.samples).tolist())
            if network.axis is not None:
                for dtype in ("float64", "float32"):
                    yield _correct("noise", network, config, dtype, dtype, "all", next(turn) % 2 == 0, order)
            yield _correct("noise", network, config, "float32", "float64", "all", next(turn) % 2 == 0)
            yield _correct("precision", network, config, "float64", "float32", _GIVEN[next(turn) % 3], True)


def _correct(
    kind: Kind,
    network: Network,
    config: Config,
    dtype: str,
    hand_dtype: str,
    given: Given,
    by_name: bool,
    order: tuple[int, ...] | None = None,
) -> Case:
    causes = {"": frozenset({kind})} if kind == "precision" else {}
    return Case(kind, network, config, dtype, (), given, by_name, frozenset(), causes, hand_dtype, order)


def mistakes(network: Network) -> Iterator[Case]:
    """Every slip: in all sizes in which it passes, with what is handed in and the dtype taking turns."""
    seen: set[Key] = set()
    for config in network.configs:
        yield from _kinks(network, config)
        for number, key in enumerate(wrong(network, config)):
            again = key in seen and "missing-term" not in right(network, config).slips[key].causes  # there are few
            seen.add(key)
            for turn, (dtype, hand_dtype) in enumerate((
                ("float64", "float64"), ("float32", "float32"), ("float64", "float32"),
            )):  # fmt: skip
                # The same slip in another size: every fourth time, or where sizes coincide.
                if again and (number + turn) % (1 if config.samples == 2 and turn == 0 else 4):
                    continue
                if turn == 2 and number % 7:
                    continue
                given = _GIVEN[(number + 2 * turn + len(seen)) % 3]
                case = _mistake(network, config, key, given, dtype, hand_dtype, number % 2 == 0)
                if case is not None:
                    yield case


def _mistake(
    network: Network, config: Config, key: Key, given: Given, dtype: str, hand_dtype: str, by_name: bool
) -> Case | None:
    found = verdict(network, config, key, given, max(dtype, hand_dtype, key=lambda d: EFFECT[d]))
    if found is None or "kink" in found[1]:
        return None
    first, causes = found
    return Case("mistake", network, config, dtype, (key,), given, by_name, first, {key[0]: causes}, hand_dtype)


def _kinks(network: Network, config: Config) -> Iterator[Case]:
    """Other subgradients than the graph's, in every line that has ties: 1 at 0, or a half."""
    slips = {key: one for key, one in right(network, config).slips.items() if one.causes == ("kink",)}
    for how in dict.fromkeys(key[1] for key in slips):
        planted = tuple(key for key in slips if key[1] == how)
        changed = network.derive(config, planted=planted).gradients
        for given, dtype in itertools.product(_GIVEN, ("float64", "float32")):
            names = handed_in(network, config, given)
            if any(distance(changed[n], right(network, config).gradients[n]) > EFFECT[dtype] for n in names):
                causes = {"": frozenset({"kink"})}
                yield Case("kink", network, config, dtype, planted, given, True, frozenset(), causes, dtype)


def two_mistakes(network: Network) -> Iterator[Case]:
    """Two slips in different lines. All gradients are handed in, or if both are a parameter's, the parameters'."""
    config = network.configs[0]
    effects, slips = wrong(network, config), right(network, config).slips
    keys = [key for key in effects if not {"kink", "unknown"} & set(slips[key].causes)]
    pairs = [(a, b) for a, b in itertools.combinations(keys, 2) if a[0] != b[0]]
    rng = np.random.default_rng(2)
    chosen = [pairs[i] for i in rng.permutation(len(pairs))[:40].tolist()]
    yield from itertools.islice((case for pair in chosen if (case := _pair(network, config, pair))), 4)


def _pair(network: Network, config: Config, pair: tuple[Key, Key]) -> Case | None:
    """The case of both slips, if both tensors are wrong, and no single slip makes the same numbers."""
    parameters = handed_in(network, config, "parameters")
    given: Given = "parameters" if all(tensor in parameters for tensor, _ in pair) else "all"
    names = handed_in(network, config, given)
    try:
        gradients = network.derive(config, planted=pair).gradients
    except DoesNotFitError:
        return None
    truth = right(network, config).gradients
    if any(distance(gradients[tensor], truth[tensor]) < EFFECT["float64"] for tensor, _ in pair):
        return None
    for single in wrong(network, config).values():
        if all(distance(gradients[name], single[name]) <= ALIKE["float64"] for name in names):
            return None
    causes = {}
    for key in pair:
        found = verdict(network, config, key, given, "float64")
        if found is None:
            return None
        causes[key[0]] = found[1]
    first = first_wrong(network, config, pair, given, "float64")
    return Case("two mistakes", network, config, "float64", pair, given, True, first, causes, "float64")


def large_cases() -> Iterator[Case]:
    """Some of the largest network, for the time."""
    network = regression.LARGE
    (config,) = network.configs
    for given in _GIVEN[:2]:
        yield _correct("correct", network, config, "float64", "float64", given, True)
        for number, key in enumerate(wrong(network, config)):
            case = _mistake(network, config, key, given, "float64", "float64", True) if number % 5 == 0 else None
            if case is not None:
                yield case


def sample(count: int) -> list[Case]:
    """A fixed choice of about `count` cases, of every kind."""
    cases = all_cases()
    rng = np.random.default_rng(3)
    chosen: list[Case] = []
    shares = {"mistake": 0.6, "two mistakes": 0.05, "correct": 0.12, "noise": 0.08, "kink": 0.08, "precision": 0.07}
    for kind, share in shares.items():
        group = [case for case in cases if case.kind == kind]
        picked = sorted(rng.permutation(len(group))[: round(share * count)].tolist())
        chosen += [group[i] for i in picked]
    return chosen


def slips_of(network: Network) -> dict[Key, Slip]:
    """All slips that the derivation of a network offers."""
    return {key: one for config in network.configs for key, one in right(network, config).slips.items()}
