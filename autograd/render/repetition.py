"""What repeats in a graph: the rounds of its loops.

All rounds but the first and the last ones are alike. The first one takes from elsewhere what later ones take from the
round before, and lacks what it computed of plain numbers; the last one lacks what nobody used any more.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.notation.written import place_of
from autograd.render.rounds import MATCHED, dimensions, matched, same, shape
from autograd.render.units import Unit, parameters

LONGEST_BLOCK: Final = 96  # units that repeat together
FEWEST: Final = 3  # repetitions that are worth a frame
_HELD: Final = 2  # values that variables hold of the last round of what was written once


@dataclass(frozen=True)
class Repeat:
    """Rounds one after the other, `start` to `stop`: of each, the number of the unit at every place, or None.

    The last place of a round that is whole is that of its result.
    """

    rounds: tuple[tuple[int | None, ...], ...]

    @property
    def start(self) -> int:
        return min(place for place in self.rounds[0] if place is not None)

    @property
    def stop(self) -> int:
        return 1 + max(place for place in self.rounds[-1] if place is not None)

    @property
    def period(self) -> int:
        return len(self.rounds[0])

    @property
    def count(self) -> int:
        return len(self.rounds)

    @property
    def saved(self) -> int:
        """How many units fewer are drawn where one round stands for all."""
        return self.stop - self.start - self.period

    def by_place(self, units: Sequence[Unit]) -> Iterator[list[Unit]]:
        """The units of each place in all rounds that have it."""
        for places in zip(*self.rounds, strict=True):
            yield [units[place] for place in places if place is not None]


def repeats(
    units: Sequence[Unit],
    named: Callable[[Any], str] = lambda value: "",
    single: Container[Node] = (),
    *,
    written: bool = False,
) -> list[Repeat]:
    """The stretches of units that repeat, in order; none overlaps another.

    What comes after one uses only what its last repetition gave, or what each gave that has no `single` name: queries,
    keys and values are made alike, and are three things. Those of what was `written` once may be two, of different
    shapes, and used anywhere, if variables hold what the last one computed, and not what those before it did.
    """
    search = _Search(units, named, single, written)
    blocks: list[Repeat] = []
    pending = [(0, len(units))]
    while pending:
        start, stop = pending.pop()
        best = search.longest(start, stop)
        if best is not None:
            blocks.append(best)
            pending += [(start, best.start), (best.stop, stop)]
    found = sorted(blocks, key=lambda repeat: repeat.start)
    return found if written else [repeat for repeat in found if not search.enters(repeat, found)]


class _Search:
    """What is looked through for repetitions."""

    def __init__(
        self, units: Sequence[Unit], named: Callable[[Any], str], single: Container[Node], written: bool
    ) -> None:
        self._units, self._named, self._single, self._written = units, named, single, written
        self._place = {node: position for position, unit in enumerate(units) for node in unit.nodes}
        known: dict[Any, int] = {}
        self._size = dimensions if written else shape
        keys = (tuple(_key(unit, self._place, self._size)) for unit in units)
        # Units that do the same have the same number.
        self._numbers = np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.intp)
        self._taken = [[*self._computed(unit)] for unit in units]
        self._users: list[list[int]] = [[] for _ in units]
        for position, taken in enumerate(self._taken):
            for arg in taken:
                self._users[self._place[arg]].append(position)
        self._until = np.array([max(users, default=at) for at, users in enumerate(self._users)], dtype=np.intp)

    def _computed(self, unit: Unit) -> Iterator[Node]:
        """What a unit takes of others."""
        here = self._place[unit.node]
        for node in unit.nodes:
            for arg in node.args or ():
                if type(arg) is Node and self._place.get(arg, here) != here:
                    yield arg

    def longest(self, start: int, stop: int) -> Repeat | None:
        """The repetition between two places that saves the most units."""
        part, best, saved = self._numbers[start:stop], None, 0
        ran: dict[int, range] = {}  # where shorter ones are alike
        for period in range(1, min(LONGEST_BLOCK, len(part) // 2) + 1):
            first, length = _longest_run(part[period:] == part[:-period])
            if (length // period) * period <= saved:
                continue
            first += start
            run = range(first, first + length + period)
            if any(period % short == 0 and run[0] in at and run[-1] in at for short, at in ran.items()):
                continue
            ran[period] = run
            same = [self._same_parameters(place, place + period) for place in range(first, first + length)]
            alike = [
                self._follows(place, place + period, first) and (at < period or same[at] == same[at - period])
                for at, place in enumerate(range(first, first + length))
            ]
            at, length = _longest_run(np.array(alike, dtype=bool))
            if length // period >= FEWEST - 2 and (length // period + 2) * period > saved:
                tried = self._aligned(first + at, length + period, period, start, stop)
                if tried is not None and tried.saved > saved:
                    best, saved = tried, tried.saved
        return best

    def _same_parameters(self, early: int, late: int) -> list[bool]:
        """Which of the parameters that two units take are the same ones: all rounds share them, or none do."""
        pairs = zip(parameters(self._units[early].nodes), parameters(self._units[late].nodes), strict=False)
        return [one is other for one, other in pairs]

    def _follows(self, early: int, late: int, first: int) -> bool:
        """Whether a unit that does the same takes the same, or what was computed as much later.

        What it takes from before the `first` one may have been computed otherwise.
        """
        place, period = self._place, late - early
        return all(
            a is b or place[b] - place[a] == period or (place[a] < first and late - place[b] < 2 * period)
            for a, b in zip(self._taken[early], self._taken[late], strict=True)
        )

    def _aligned(self, first: int, length: int, period: int, least: int, most: int) -> Repeat | None:
        """The repetition that begins where a reader would begin it.

        That is where its first line stands, the last round has what variables hold, the fewest values are carried on,
        those that have a name at the end, then at a module, else at a use of a parameter; of several such places where
        the rounds lack least. None if what comes after it uses more than its last repetition, wherever it begins.
        """
        units = self._units

        def preference(shift: int) -> tuple[int, ...]:
            end = first + shift + period
            carried = [place for place in range(end - period, end) if self._until[place] >= end]
            later = [place + ((length - shift) // period - 1) * period for place in carried]
            unnamed = sum(not self._named(units[place].node) for place in later)
            unit, before = units[first + shift], units[first + shift - 1] if first + shift else None
            began = unit.call is not None or (
                unit.around is not None and (before is None or before.around is not unit.around)
            )
            depth = len(unit.around.chain) if unit.around is not None else 0
            rank = max((node.ndim for node in parameters(unit.nodes)), default=-1)  # weights before biases
            sort = (rank >= 0 and began, rank > 1, rank >= 0, began, True).index(True)
            latest = 0 if unnamed else -max(later, default=0)
            beyond = range(end + ((length - shift) // period - 1) * period, first + length)
            alike = (place for place in beyond if same(units[place].node, units[place - period].node, shape))
            held = sum(bool(self._named(units[place].node)) for place in alike)
            return (self._backwards(first + shift, end), held, len(carried), unnamed, latest, sort, depth)

        found: list[tuple[tuple[int, ...], int, Repeat]] = []
        for shift in sorted(range(period), key=preference):
            body, count = first + shift, (length - shift) // period
            if found and preference(shift) > found[0][0]:
                break
            if count < FEWEST - 1 or not self._may_be(body, period, count):
                continue
            rounds = [tuple(range(body + k * period, body + (k + 1) * period)) for k in range(count)]
            repeat = self._whole(rounds, least, most)
            if (repeat.count >= FEWEST and self._ends(repeat)) or (self._written and self._held_last(repeat)):
                lacking = sum(place is None for places in repeat.rounds for place in places)
                found.append((preference(shift), lacking, repeat))
        return min(found, key=lambda one: one[:2])[2] if found else None

    def _backwards(self, start: int, stop: int) -> int:
        """How often units go back in what was written: a loop begins where its first line stands."""
        latest: dict[int, int] = {}
        count = 0
        for unit in self._units[start:stop]:
            code, at = place_of(unit.node) or (0, 0)
            count += at < latest.get(code, at)
            latest[code] = at
        return count

    def _may_be(self, body: int, period: int, count: int) -> bool:
        """Whether what the first whole rounds gave is used in others only, or by what uses all of them."""
        first, second = (
            [self._beyond(place, body + (count + 2) * period) for place in range(at, at + period)]
            for at in (body, body + period)
        )
        return first == second or self._written or count < FEWEST

    def _beyond(self, place: int, stop: int) -> set[int]:
        """What uses a value from a place on; of a sum of many the whole."""
        return {self._sum(user) for user in self._users[place] if user >= stop}

    def _sum(self, place: int) -> int:
        """The last of additions that go on with an addition."""
        while self._adds(place) and len(self._users[place]) == 1 and self._adds(self._users[place][0]):
            place = self._users[place][0]
        return place

    def _adds(self, place: int) -> bool:
        return self._units[place].call is None and self._units[place].node.op.fn is np.add

    def enters(self, repeat: Repeat, others: Sequence[Repeat]) -> bool:
        """Whether others use what rounds before the last one gave."""
        last = min(place for place in repeat.rounds[-1] if place is not None)
        used = {user for place in range(repeat.start, last) for user in self._users[place] if user >= repeat.stop}
        return any(other.start <= user < other.stop for other in others for user in used)

    def _ends(self, repeat: Repeat) -> bool:
        """Whether what comes after it uses what the last round gave only, or what each gave."""
        for places in zip(*repeat.rounds, strict=True):
            *others, last = [set() if one is None else self._beyond(one, repeat.stop) for one in places]
            given = [one for one, place in zip(others, places, strict=False) if place is not None]
            if any(one != given[0] or not one <= last for one in given):
                return False
            if any(given) and any(self._units[one].node in self._single for one in places[:-1] if one is not None):
                return False
        return True

    def _held_last(self, repeat: Repeat) -> bool:
        """Whether variables hold several values of the last round, and none of those before."""
        names = [
            [place is not None and bool(self._named(self._units[place].node)) for place in places]
            for places in zip(*repeat.rounds, strict=True)
        ]
        return sum(last and not any(before) for *before, last in names) >= _HELD

    def _whole(self, regular: Sequence[tuple[int, ...]], least: int, most: int) -> Repeat:
        """These rounds, with the first ones before them and a last one after them, which may lack units."""
        body, *_, last = regular
        rounds: list[tuple[int | None, ...]] = [*regular]
        while (first := self._first(rounds[0], body, regular[1], least)) is not None:
            rounds.insert(0, first)
        if (end := self._last(last, regular[-2], most)) is not None:
            rounds.append(end)
        return Repeat(tuple(rounds))

    def _first(
        self, after: Sequence[int | None], body: Sequence[int], second: Sequence[int], least: int
    ) -> tuple[int | None, ...] | None:
        """The round before one, if what stands there is one."""
        stop = min(place for place in after if place is not None)
        units = self._units[max(stop - len(body), least) : stop]
        here = self._nodes(body)
        found = matched([node for unit in units for node in unit.nodes], here, size=self._size)
        pairs = {node: twin for node, twin in zip(here, found, strict=False) if twin is not None}
        places = self._places(pairs, body)
        if places is None or max(place for place in places if place is not None) != stop - 1:
            return None
        later, inside = dict(zip(here, self._nodes(second), strict=True)), {*here}
        for node, twin in pairs.items():
            for arg, early, late in zip(node.args or (), twin.args or (), later[node].args or (), strict=False):
                computed = type(arg) is Node and arg in self._place
                same = arg is late and isinstance(arg, (Node, np.ndarray))  # in every round
                starts = computed or not (type(early) is Node and early in self._place)
                if (same and early is not arg) or not starts or self._size(arg) != self._size(early):
                    return None
                lacks = computed and arg in inside and arg not in pairs
                if lacks and self._named(early):  # what has a name was not computed in this round
                    return None
        return places

    def _last(self, before: Sequence[int], early: Sequence[int], most: int) -> tuple[int | None, ...] | None:
        """The round after the last whole one, if it lacks units."""
        start, period = before[-1] + 1, len(before)
        rest = dict.fromkeys(self._nodes(range(start, min(start + period, most))))
        own, pairs = self._nodes(before), dict[Node, Node]()

        def fits(arg: Any, late: Any) -> bool:
            there = type(late) is Node and late in self._place
            if type(arg) is not Node or arg not in self._place or late is arg:
                return late is arg or not there
            return pairs.get(arg) is late if arg in inside else there and self._place[late] - self._place[arg] == period

        inside = set(own)
        for node in own:
            for twin in rest:
                if same(twin, node, self._size) and all(
                    fits(*both) for both in zip(node.args or (), twin.args or (), strict=False)
                ):
                    pairs[node] = twin
                    del rest[twin]
                    break
        # Parameters are those of the rounds before, or others in every round.
        for node, earlier in zip(own, self._nodes(early), strict=True):
            taken = pairs[node].args if node in pairs else ()
            for arg, one, late in zip(node.args or (), earlier.args or (), taken or (), strict=False):
                if type(arg) is Node and arg.op is None and arg.requires_grad and (arg is one) != (arg is late):
                    return None
        found = self._places(pairs, before) if len(pairs) >= MATCHED * len(own) else None
        if found is None or min(place for place in found if place is not None) != start:
            return None
        return found

    def _nodes(self, places: Sequence[int]) -> list[Node]:
        return [node for place in places for node in self._units[place].nodes]

    def _places(self, pairs: Mapping[Node, Node], round_: Sequence[int]) -> tuple[int | None, ...] | None:
        """The units of another round, if they are whole and stand together."""
        found: list[int | None] = []
        for place in round_:
            twin = pairs.get(self._units[place].node)
            found.append(None if twin is None else self._place[twin])
            if twin is not None and self._units[self._place[twin]].node is not twin:
                return None
        present = [place for place in found if place is not None]
        if not present or present != [*range(present[0], present[0] + len(present))]:
            return None
        if any(pairs_of not in found for pairs_of in {self._place[twin] for twin in pairs.values()}):
            return None
        return tuple(found)


def _longest_run(alike: Any) -> tuple[int, int]:
    """Where the most that are true stand in a row, and how many."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], np.asarray(alike, dtype=np.int8), [0]))))
    if not edges.size:
        return 0, 0
    lengths = edges[1::2] - edges[::2]
    longest = int(np.argmax(lengths))
    return int(edges[::2][longest]), int(lengths[longest])


def _key(unit: Unit, place: Mapping[Node, int], size: Callable[[Any], Any]) -> Iterator[Any]:
    """What two units have in common that do the same, whatever they take."""
    yield unit.call.caption if unit.call is not None else unit.node.op.name
    within = {node: position for position, node in enumerate(unit.nodes)}
    for node in unit.nodes:
        yield node.op.name, size(node)
        indexing = "index" in node.op.operands
        for arg in node.args or ():
            if type(arg) is Node:
                if arg in within:
                    yield within[arg]
                elif arg in place:
                    yield "computed", size(arg)
                else:
                    yield ("tensor" if arg.requires_grad else "constant"), size(arg)
            elif isinstance(arg, np.ndarray) and not indexing:
                yield "array", size(arg)
            elif isinstance(arg, str):
                yield arg
            elif isinstance(arg, (bool, int, float)):
                yield "number"
            else:
                yield type(arg).__name__
        yield tuple((key, str(value)) for key, value in node.kwargs.items())
