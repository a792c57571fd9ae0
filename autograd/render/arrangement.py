"""Where cards stand: the data's way through the program is a straight line, and what enters it stands beside it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from autograd.render.diagram import Card, Diagram, Edge

_NEAR: Final = 2  # columns that a line may span


@dataclass(frozen=True)
class Layout:
    """Where cards stand.

    Attributes:
        spine: the ids on a line, and the number of the line: one for each output.
        beside: for a card beside an operation, which and on which side.
        main: the main operand of each card that has operands.
        ranks: the column of each card, from 0; a card beside another has that one's.
        rows: the row of each card, where the line is broken into several, as text is.
        anchors: the rank that decides on the row of each card: what enters stands in that of its first user.
        stacked: of two cards in a column, which one is above.
        sides: of what stands above the line (true) or below it.
        far: uses of what stands some columns before.
    """

    spine: dict[str, int]
    beside: dict[str, tuple[str, bool]]
    main: dict[str, str]
    ranks: dict[str, int]
    rows: dict[str, int]
    anchors: dict[str, int]
    stacked: list[tuple[str, str]]
    sides: dict[str, bool]
    far: frozenset[Edge]

    def column(self, card: str) -> int:
        """The column of a card in its row."""
        row = self.rows[card]
        return self.ranks[card] - min(rank for one, rank in self.ranks.items() if self.rows[one] == row)

    def leads_on(self, edge: Edge) -> bool:
        """Whether an edge is one of the line, which may lead from a row to the next."""
        return edge.head in self.spine and self.main[edge.head] == edge.tail

    def names(self, edge: Edge) -> bool:
        """Whether a use names what is used, in the place of a line to it."""
        across = self.rows[edge.tail] != self.rows[edge.head] and not self.leads_on(edge)
        return not edge.again and (across or edge in self.far)

    def at(self, row: int, column: int) -> list[str]:
        """What stands in a column of a row."""
        return [card for card in self.ranks if self.rows[card] == row and self.column(card) == column]


def arrange(diagram: Diagram) -> Layout:
    """Find the main path of data to each output, a column for every card, and an operation for what stands beside it.

    The main operand of an operation is the computed one with the longest history, else its data, else
    the first. A card that is nobody's main operand stands beside the first operation that uses it, above (true) or
    below, if there is room, and else before it.
    """
    sources: dict[str, list[str]] = {card.id: [] for card in diagram.cards}
    for edge in diagram.edges:
        if not edge.again:
            sources[edge.head].append(edge.tail)
    kinds = {card.id: card.kind for card in diagram.cards}
    depth: dict[str, int] = {}
    main: dict[str, str] = {}
    for card in diagram.cards:
        operands = sources[card.id]
        depth[card.id] = 1 + max((depth[operand] for operand in operands), default=-1)
        if operands:
            main[card.id] = max(operands, key=lambda operand: (depth[operand], kinds[operand] == "data"))
    spine: dict[str, int] = {}
    for line, output in enumerate(diagram.outputs):
        at: str | None = output.id
        while at is not None and at not in spine:
            spine[at] = line
            at = main.get(at)
    users: dict[str, list[str]] = {card: [] for card in sources}
    for head, operands in sources.items():
        for operand in operands:
            users[operand].append(head)
    ranks = _columns(diagram, sources, users, depth)
    first_users = {card: min(users[card], key=ranks.__getitem__) for card in users if users[card] and not sources[card]}
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for one in sorted(ranks, key=lambda card: spine.get(card, len(spine))):
        columns[ranks[one]].append(one)
    beside = _enter(diagram, first_users, users, {*main.values()}, ranks, columns)
    near = {ranks[head] for head, _ in beside.values()}
    pairs = ((column, two) for column, abreast in columns.items() for two in combinations(abreast, 2))
    stacked = [(a, b) for column, (a, b) in pairs if column in near or {*users[a]} == {*users[b]}]
    ranks = {one: ranks.get(one, 0) for one in users}  # in the order of the program
    anchors = {one: ranks[first_users.get(one, one)] for one in ranks}
    rows = {one: bisect_right(diagram.breaks, rank) for one, rank in anchors.items()}
    sides = {one: above for one, (head, above) in beside.items() if head in spine}
    placed = _balanced(diagram, spine, ranks, rows, beside)
    stacked = [two for two in stacked if len({placed.get(one, ("", None))[1] for one in two}) == 1]
    next_to = {at: one for one, at in beside.items()}  # what stands there stays there
    for one, (at, above) in placed.items():
        inner = next_to.get((at, above), at)
        stacked.append((one, inner) if above else (inner, one))
    sides |= {one: above for one, (_, above) in placed.items()}
    far = frozenset(_far(diagram, ranks)) if diagram.arcs is not None else frozenset()
    return Layout(spine, beside, main, ranks, rows, anchors, stacked, sides, far)


def _far(diagram: Diagram, ranks: Mapping[str, int]) -> Iterator[Edge]:
    """The uses that a line would be too much for.

    The first use of a value has a line in any case, where few values enter. Of the others those over several columns
    and those with a number have none, and those over two columns, or to one card, if there are more than some of these.
    """
    entering = Counter(edge.head for edge in diagram.edges)
    first: dict[str, tuple[int, int, str]] = {}
    for edge in diagram.edges:
        if not edge.again:
            key = ranks[edge.head], entering[edge.head], edge.head
            first[edge.tail] = min(key, first.get(edge.tail, key))
    others = [edge for edge in diagram.edges if not edge.again and edge.head != first[edge.tail][2]]
    spans = {edge: ranks[edge.head] - ranks[edge.tail] for edge in others}
    crossing = Counter(edge.head for edge in others)
    long = [edge for edge in others if spans[edge] > 1 and ranks[edge.head] > first[edge.tail][0]]
    alone = [edge for edge in long if edge.backward or spans[edge] > _NEAR]
    most = diagram.arcs or 0
    yield from long if len({*long} - {*alone}) > most else alone
    yield from (edge for edge in others if crossing[edge.head] > most and spans[edge] > 0)


def _balanced(
    diagram: Diagram,
    spine: Container[str],
    ranks: Mapping[str, int],
    rows: Mapping[str, int],
    beside: Mapping[str, tuple[str, bool]],
) -> dict[str, tuple[str, bool]]:
    """What is not on the line: above the line's card of its column or below, so that rows are low.

    A branch, with what enters it, is on one side.
    """
    cards = {card.id: card for card in diagram.cards}
    line = {(rows[one], rank): cards[one] for one, rank in ranks.items() if one in spine}
    high = {one: _lines_of(card) for one, card in cards.items()}
    heights: Counter[tuple[int, int, bool]] = Counter()  # by row, column and side
    for one, (head, above) in beside.items():
        if head in spine:
            heights[rows[one], ranks[one], above] += high[one]
    placed: dict[str, tuple[str, bool]] = {}
    others = [one for one in ranks if one not in spine and beside.get(one, ("", True))[0] not in spine]
    branches = _branches(diagram, others, rows)
    for branch in sorted(branches, key=lambda branch: -sum(high[one] for one in branch)):
        at = {one: line.get((rows[one], ranks[one])) for one in branch}
        if any(card is None or cards[one].cluster not in ("", card.cluster) for one, card in at.items()):
            continue
        sides = []
        for above in (len(branch) == 1, len(branch) > 1):  # of about equal ones a branch is below
            tried = heights.copy()
            for one in branch:
                tried[rows[one], ranks[one], above] += high[one]
            there: Counter[tuple[int, bool]] = Counter()
            for (row, _, side), height in tried.items():
                there[row, side] = max(there[row, side], height)
            own = max(tried[rows[one], ranks[one], above] for one in branch)
            sides.append((there.total(), own, above, tried))
        _, _, above, heights = min(sides, key=lambda side: side[:2])
        placed |= {one: (card.id, above) for one, card in at.items() if card is not None}
    return placed


def _branches(diagram: Diagram, cards: Sequence[str], rows: Mapping[str, int]) -> list[list[str]]:
    """Those of these cards that lines in a row join, together."""
    branch = {one: [one] for one in cards}
    for edge in diagram.edges:
        one, other = branch.get(edge.tail), branch.get(edge.head)
        if one is not None and other is not None and one is not other and rows[edge.tail] == rows[edge.head]:
            one += other
            branch |= dict.fromkeys(other, one)
    return [*{id(one): one for one in branch.values()}.values()]


def _lines_of(card: Card) -> int:
    """About how many lines a card has."""
    shown = [one for one in (card.value, card.gradient) if one is not None]
    return 3 + len(card.facts) + sum(max(len(one.cells) + len(one.lines), len(one.heat)) for one in shown)


def _enter(
    diagram: Diagram,
    first_users: Mapping[str, str],
    users: Mapping[str, Sequence[str]],
    leading: Container[str],
    ranks: dict[str, int],
    columns: Mapping[int, Sequence[str]],
) -> dict[str, tuple[str, bool]]:
    """Give what enters a column in `ranks`: beside its first user, where there is room, or right before it.

    Of a column's cards the uppermost has room above and the last one below.
    """
    crowd = Counter(ranks.values())
    sides: dict[str, list[bool]] = {}
    for column, abreast in columns.items():
        sides[abreast[-1]] = [False]
        if column not in diagram.breaks:  # there a line leads down from the row before
            sides.setdefault(abreast[0], []).append(True)
    beside: dict[str, tuple[str, bool]] = {}
    for leaf in sorted(first_users, key=lambda leaf: leaf not in leading):
        head = first_users[leaf]
        column = ranks[head]
        alone = sum(ranks[user] == column for user in {*users[leaf]}) == 1
        room = crowd[column] < max(diagram.high, crowd[column - 1])
        if leaf not in leading and alone and room and sides.get(head):
            beside[leaf] = head, sides[head].pop()
        else:
            column -= 1
        crowd[column] += 1
        ranks[leaf] = column
    return beside


def _columns(
    diagram: Diagram, sources: Mapping[str, Sequence[str]], users: Mapping[str, Sequence[str]], depth: Mapping[str, int]
) -> dict[str, int]:
    """The column of each card that uses others.

    It is as early as can be, unless too much would stand there: what has time goes to a later column.
    """
    # Of each card, with what only it uses.
    high = {head: 1 + sum(not sources[one] and len({*users[one]}) == 1 for one in {*sources[head]}) for head in sources}
    computed = [card.id for card in diagram.cards if sources[card.id]]
    latest: dict[str, int] = {}
    for card in reversed(computed):
        latest[card] = min((latest[user] for user in users[card]), default=depth[card] + 1) - 1
    crowd: Counter[int] = Counter()
    for card in computed:
        if latest[card] == depth[card]:
            crowd[depth[card]] += high[card]
    ranks: dict[str, int] = {}
    for card in computed:
        before = [[ranks[user] for user in users[one] if user in ranks] for one in sources[card] if one not in ranks]
        own = any(not columns for columns in before) or any(one in ranks for one in sources[card])
        # What takes only what others do, as a penalty does, comes after these.
        earliest = 1 + max(ranks.get(one, 0) for one in sources[card])
        earliest = earliest if own else max(1 + max(map(min, before)), earliest)
        free = latest[card] > depth[card]
        columns = range(min(earliest, latest[card]), latest[card] + 1) if free else (depth[card],)
        over = {column: max(crowd[column] + free * high[card] - diagram.high, 0) for column in columns}
        # What waits for nothing comes right before its user.
        waits = any(one in ranks for one in sources[card])
        ranks[card] = min(columns, key=lambda column: (over[column], column if waits else -column))
        crowd[ranks[card]] += free * high[card]
    return ranks
