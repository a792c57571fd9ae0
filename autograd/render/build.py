"""From an output to the diagram of what is behind it: how much of the graph is drawn, and with which text.

Everything is read from the graph at once, numbers become text, so that later changes of the arrays do not
change the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

from autograd.core.node import Node, overwritten
from autograd.notation.names import Scope
from autograd.notation.numbers import shape_text
from autograd.render.annotate import Annotator
from autograd.render.collapse import CollapsedGraph
from autograd.render.diagram import Card, Cluster, Diagram, Direction
from autograd.render.gradients import Gradients, Hand, gradients_of
from autograd.render.graph import Graph
from autograd.render.labels import label, names_of
from autograd.render.layout import MARGIN_OF_ERROR, Rows, broken
from autograd.render.options import Options
from autograd.render.picture import Picture
from autograd.render.style import STYLES
from autograd.render.units import Call, Level, innermost_common
from autograd.render.vertices import Group, Plan, Vertex
from autograd.text import printable

# Above this the gradients cost more than the second that a folded picture may take.
MOST_FOR_GRADIENTS: Final = 100_000
MOST_CONTRIBUTIONS: Final = 10_000  # operations whose single contributions are kept
MOST_CARDS: Final = 2000  # that anybody should have drawn, even one who asks for all
_MANY_MODULES: Final = 4  # that say something as one card each
_SMALL: Final = 2 / 3  # of the size of text that can be read
_EASE: Final = 1.25  # and of text that is read with ease
_ROWS: Final[dict[bool, tuple[Rows, ...]]] = {False: ("one",), True: ("tidy", "any")}  # by whether there may be several
_MOST_TRIED: Final = 50  # units of a picture that might fit
_MOST_MARKED: Final = 200  # of one whose marks would be lost where one round stands for all
_ARRIVING: Final = ("g", "δ", "ḡ", "gradient")  # the name of the gradient that arrives, if no value has it
_ENDS: Final = (12, 9, 7, 5, 4, 3, 2)


@dataclass(frozen=True)
class Scene:
    """A diagram with what it was drawn from: the output, the card of each operand, vertices by card, and gradients."""

    diagram: Diagram
    picture: Picture
    output: Node
    card: Callable[[Any], str | None]
    vertices: Mapping[str, Vertex]
    gradients: Gradients

    @property
    def values(self) -> dict[str, Any]:
        """The arrays by card."""
        return {card: value for card, vertex in self.vertices.items() if (value := vertex.value) is not None}


def build_scene(output: Node, scope: Scope, names: Mapping[Node | str, str], options: Options) -> Scene:
    """The largest scene of what is behind `output` that can be read, or else the smallest.

    Args:
        output: the node to draw; it has an operation.
        scope: the caller's variables.
        names: names that come before all others, by node or by the name that would be drawn.
        options: what is asked.

    Raises:
        ValueError: `names` renames what is not in the picture; too much to draw without folding; something that
            the style cannot show.
    """
    if options.whole_first:
        scene, size = _largest(output, scope, names, replace(options, statements=False, collapse="whole"))
        if size >= 1:
            return scene
    scene, size = _largest(output, scope, names, options)
    folded = any(card.kind == "fold" for card in scene.diagram.cards)
    if (size < 1 or folded) and options.style.instead and options.repeats:
        instead = STYLES[options.style.instead]
        small = f"text of less than {options.viewport.least:g} pixels"
        note = f"drawn as {instead.name}: a {options.style.name} would have {small}"
        options = replace(options, style=instead, statements=instead.statements, note=note)
        scene, _ = _largest(output, scope, names, options)
    return scene


def _largest(output: Node, scope: Scope, names: Mapping[Node | str, str], options: Options) -> tuple[Scene, float]:
    """The scene with the most that can be read, or else the one with the largest text, and the size of that."""
    graph = Graph(output, options.others, kept={*options.hand, *options.others}, alone=not options.statements)
    options.style.check(graph)
    if len(graph.operations) <= options.most:
        options = replace(options, collapse="none")
    builder = _Builder(graph, scope, names, options)
    margin = 1.0 if options.rules else MARGIN_OF_ERROR  # cards of modules have no rules
    scenes: list[tuple[float, Scene]] = []
    plans: Iterable[Plan] = _plans(graph, options)
    if options.style.instead:  # in rows rather than one round for all
        plans = sorted(plans, key=lambda plan: (plan.ends is not None, plan.repeats))
    for plan in plans:
        collapsed = CollapsedGraph(graph, plan)
        if scenes and not _has_own_vertices(collapsed, options.hand):
            continue
        size, best = max(scenes, key=lambda one: one[0], default=(0.0, None))
        less = any(map(graph.held_by, collapsed.folded)) or bool(options.style.instead and plan.repeats)
        if best is not None and size >= _SMALL and graph.small and less:
            return best, size  # rather than without a value that has a name, or a round where another style has all
        scene = builder.scene(collapsed, plan)
        if any(scene.diagram == other.diagram for _, other in scenes):
            continue
        scenes.append((1.0 if options.collapse == "none" else scene.picture.readability(margin), scene))
        if scenes[-1][0] < plan.least and scene.picture.fits_in_a_row():  # rows are higher than was estimated
            scene = builder.scene(CollapsedGraph(graph, plan), replace(plan, rows="one"))
            scenes.append((scene.picture.readability(margin), scene))
        if scenes[-1][0] >= plan.least:
            break
    size, best = scenes[-1] if scenes[-1][0] >= 1 else max(scenes, key=lambda one: one[0])
    return best, size


def _has_own_vertices(collapsed: CollapsedGraph, nodes: Iterable[Node]) -> bool:
    """Whether none of these is folded away, so that each can be marked."""
    return all((vertex := collapsed.find(node)) is not None and vertex.node is node for node in nodes)


def _plans(graph: Graph, options: Options) -> Iterator[Plan]:
    """How much to draw, the most first; the last plan is drawn whether it fits or not."""
    style, depth, small = options.style, options.depth, graph.small
    level: Level = depth if depth is not None else "leaves" if options.modules else None
    if options.collapse == "none":
        if len(graph.operations) > MOST_CARDS:
            raise ValueError(
                f"a picture of {len(graph.operations):,} operations is nothing to look at; leave collapse at 'auto', "
                f"or draw a part: collapse='none' draws up to {MOST_CARDS:,}"
            )
        yield Plan(level, detail=style.details[0], edge_labels=style.modules)
        return
    free = depth is None and graph.levels > 0  # to draw modules at another level
    levels: list[Level] = [level]
    if free:
        levels += ["leaves"] if level is None else []
        levels += range(graph.levels - 2, 0, -1)
        levels += [0] if 0 not in levels and graph.count(0, once=True) >= _MANY_MODULES else []
    details = style.details  # what is marked has its numbers in any case
    if not options.repeats:  # moments, in which numbers appear one after the other
        details = tuple(detail for detail in details if detail != "names")
    several = bool(style.rows) and not options.viewport.down
    most = _MOST_MARKED if options.hand else _MOST_TRIED
    if small:
        # What is laid in rows neatly comes before what is not, and short lines of formulas before fewer numbers.
        in_rows = _ROWS[several]
        if options.collapse == "whole":  # with numbers or norms, or else not at all
            for detail, rows in product(details[:2], _ROWS[several]):
                yield Plan(level, detail=detail, rows=rows)
            return
        said, told = [d for d in details if d != "names"], [d for d in details if d == "names"]
        ways = [*product(in_rows, said), *product(in_rows, told)]  # numbers in any rows before names alone
        for (rows, detail), narrow, tried in product(ways, (False, True)[: 1 + style.cards], levels):
            repeated = options.repeats and graph.count(tried, once=True) < graph.count(tried, once=False)
            for once in (False, True)[: 1 + repeated]:
                if graph.count(tried, once=once) <= most:
                    plan = Plan(tried, once, detail=detail, rows=rows, narrow=narrow)
                    if style.modules:
                        yield replace(plan, edge_labels=True)
                    if repeated and not once:  # all rounds: in several rows if they are read with ease
                        yield replace(plan, least=_EASE)
                        plan = replace(plan, rows="one")
                    yield plan
    outer: Level = "leaves" if free else level
    for kept in () if style.instead else _ENDS if small else _ENDS[-2:-1]:
        if small and len(graph.units(outer)) <= 2 * kept:
            continue
        yield Plan(outer, ends=kept, detail=details[0])
    if free:
        yield Plan(0, detail=details[0])
    yield Plan(outer, ends=1, detail=details[0])


class _Builder:
    """Makes the scenes of one graph: names and gradients are the same in all of them."""

    def __init__(self, graph: Graph, scope: Scope, names: Mapping[Node | str, str], options: Options) -> None:
        self._graph, self._scope, self._overrides, self._options = graph, scope, names, options
        self._names = names_of(graph, scope, names)
        self._gradients, self._notes = Gradients({}), []
        if options.grads:
            self._notes = list(_obstacles(graph))
            if not self._notes:
                few = len(graph.operations) <= MOST_CONTRIBUTIONS
                self._gradients = gradients_of(graph.output, contributions=few)

    def scene(self, collapsed: CollapsedGraph, plan: Plan) -> Scene:
        """The scene of these vertices."""
        options, vertices = self._options, collapsed.vertices
        symbol = label(collapsed, self._scope, self._overrides, self._names, self._graph.outputs)
        ids = {vertex: f"n{position}" for position, vertex in enumerate(vertices)}
        count = self._graph.count_parameters if plan.detail == "norms" else None
        placed, clusters = clusters_of(collapsed, self._scope, whole=options.style.modules, count_parameters=count)
        drawn = {vertex.name for vertex in vertices}
        g = next((sign for sign in _ARRIVING if sign not in drawn), _ARRIVING[-1])
        annotator = Annotator(
            self._gradients, symbol, options, plan, collapsed.find, self._graph.owner, g, self._graph.calls
        )
        if self._options.others:
            for vertex in vertices:  # no gradient comes from what the first output was not computed from
                if vertex.node is not None and vertex.node not in self._graph.behind:
                    vertex.differentiable = False

        def card(operand: Any) -> str | None:
            vertex = collapsed.find(operand)
            return None if vertex is None else ids[vertex]

        notes = [*self._notes, *filter(None, [options.note])]
        if any(cluster.kind == "repeat" for cluster in clusters):
            notes.append("dashed frame: a loop, with what enters its first round and the numbers of its last one")
        if options.hand:
            notes.append(_summary(options.hand, collapsed, symbol))
        cards = [annotator.card(vertex, ids[vertex], placed[vertex]) for vertex in vertices]
        cards = [*map(_narrowed, cards)] if plan.narrow else cards
        hidden = not options.modules and any(vertex.call is not None for vertex in vertices)
        diagram = Diagram(
            cards=tuple(cards),
            edges=tuple(annotator.edge(use, ids) for use in collapsed.uses if use.again or use.tail is not use.head),
            title=options.title,
            notes=tuple(notes),
            operations=collapsed.operations,
            gradients=bool(self._gradients.of),
            clusters=tuple(clusters),
            symbol=symbol,
            arriving=g,
            legend=options.legend,
            folded=options.repeats and collapsed.operations <= MOST_CARDS and (hidden or not collapsed.whole),
        )
        diagram = broken(diagram, options.viewport, options.style, plan.rows)
        direction: Direction = "TB" if options.viewport.down else "LR"
        picture = Picture(diagram, options.style, direction, options.viewport, options.theme)
        by_card = {ids[vertex]: vertex for vertex in vertices}
        return Scene(diagram, picture, self._graph.output, card, by_card, self._gradients)


def _narrowed(card: Card) -> Card:
    """A card with shorter lines, and without a word for what one number shows."""
    return replace(card, narrow=True, shape="" if card.shape == "scalar" and card.value else card.shape)


def _summary(hand: Mapping[Node, Hand], collapsed: CollapsedGraph, symbol: str) -> str:
    """The result of a comparison as a whole."""
    wrong = [node for node, one in hand.items() if one.verdict != "right"]
    if not wrong:
        return f"all {len(hand):,} gradients derived by hand are right"
    first = next((n for n in wrong if hand[n].verdict == "first wrong"), max(wrong, key=lambda node: node.order))
    vertex = collapsed.find(first)
    what = f"gradient{'s' * (len(hand) > 1)} derived by hand {'are' if len(wrong) > 1 else 'is'} wrong"
    link = f"∂{symbol}/∂{vertex.name if vertex is not None else '?'}"
    return f"{len(wrong):,} of {len(hand):,} {what}; the first wrong link is {link}"


def _obstacles(graph: Graph) -> Iterator[str]:
    """Why there are no gradients, if so."""
    if graph.output.size != 1:
        shape = shape_text(graph.output.shape)
        first = "first " if graph.others else ""
        yield f"no gradients: the {first}output has shape {shape}, and only a scalar has them"
    elif len(graph.nodes) > MOST_FOR_GRADIENTS:
        yield f"no gradients: the graph has more than {MOST_FOR_GRADIENTS:,} operations"
    elif any(node.args is None for node in graph.nodes):
        yield "no gradients: this graph was freed by backward(retain_graph=False)"
    elif any(map(overwritten, graph.nodes)):
        yield "no gradients: a parameter was changed in place after this graph had used it"


# Clusters


def clusters_of(
    collapsed: CollapsedGraph,
    scope: Scope,
    *,
    whole: bool = False,
    count_parameters: Callable[[Call], int] | None = None,
    prefix: str = "m",
) -> tuple[dict[Vertex, str], list[Cluster]]:
    """The id of the cluster that each vertex stands in, or "", and the clusters, outer ones first.

    Args:
        collapsed: the vertices.
        scope: the caller's variables.
        whole: whether the one model that everything is in has a cluster too.
        count_parameters: of a call, where clusters of several modules shall say it.
        prefix: of the ids.
    """
    groups = {group: f"{prefix}{position}" for position, group in enumerate(_shown(collapsed, whole))}

    def around(group: Group | None) -> str:
        return next((groups[one] for one in _chain(group) if one in groups), "")

    def cluster(group: Group, identity: str) -> Cluster:
        if group.call is None:
            first, last = group.paths
            where = f" · {first} … {last}" if first and first != last else ""
            title = printable(f"× {group.count:,}{where}", 60)
            return Cluster(identity, title, around(group.parent), "repeat")
        call = group.call
        repeated = any(one.call is None for one in group.chain)  # each round has a path of its own
        path = "" if repeated else call.path or (scope.of_owner(call.owner) or "" if call.children else "")
        parts = [path, call.caption] if path else [call.caption]
        if count_parameters is not None and call.children and (count := count_parameters(call)):
            parts.append(f"{count:,} parameters")
        return Cluster(identity, printable(" · ".join(parts), 80), around(group.parent))

    return {vertex: around(vertex.group) for vertex in collapsed.vertices}, [*map(cluster, groups, groups.values())]


def _shown(collapsed: CollapsedGraph, whole: bool) -> list[Group]:
    """The groups that say something, outer ones first: not that of the one model that everything is in."""
    for vertex in collapsed.vertices:
        if not (vertex.computed or vertex.group or vertex.outside or vertex.kind == "data"):
            vertex.group = innermost_common(_chain(user.group) for user in vertex.users)
    used = {group for vertex in collapsed.vertices for group in _chain(vertex.group)}
    models = [g for g in used if g.call is not None and g.parent is None and g.call.children]
    single = len({g.call.owner for g in models if g.call is not None}) == 1 and not whole
    shown = [
        group
        for group in collapsed.groups
        if group in used and not (single and group in models and group.call is not None and not group.call.path)
    ]
    return sorted(shown, key=lambda group: len(group.chain))


def _chain(group: Group | None) -> list[Group]:
    return [] if group is None else group.chain
