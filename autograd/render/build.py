"""From an output to the diagram of what is behind it: how much of the graph is drawn, and with which text.

Everything is read from the graph at once, numbers become text, so that later changes of the arrays do not
change the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

from autograd.core.node import Node, overwritten
from autograd.notation.names import Scope, printable
from autograd.notation.numbers import shape_text
from autograd.render.annotate import Annotator
from autograd.render.collapse import CollapsedGraph, Group, Plan, Vertex
from autograd.render.diagram import Cluster, Diagram
from autograd.render.gradients import Gradients, Hand, gradients_of
from autograd.render.graph import Call, Graph, Level, innermost_common
from autograd.render.labels import label, names_of
from autograd.render.layout import fits
from autograd.render.options import Options

# Above this the gradients cost more than the second that a folded picture may take.
MOST_FOR_GRADIENTS: Final = 100_000
MOST_CONTRIBUTIONS: Final = 10_000  # operations whose single contributions are kept
MOST_CARDS: Final = 2000  # that anybody should have drawn, even one who asks for all
_MOST_TRIED: Final = 100  # units of a picture that might fit
_ENDS: Final = (12, 9, 7, 5, 4, 3, 2)


@dataclass(frozen=True)
class Scene:
    """A diagram with what it was drawn from: the output, the card of each operand, arrays by card, and gradients."""

    diagram: Diagram
    output: Node
    card: Callable[[Any], str | None]
    values: Mapping[str, Any]
    gradients: Gradients


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
    graph = Graph(output)
    options.style.check(graph)
    if len(graph.operations) <= options.most:
        options = replace(options, collapse="none")
    notes = _obstacles(output, graph) if options.grads else ()
    gradients = Gradients({})
    if options.grads and not notes:
        gradients = gradients_of(output, contributions=len(graph.operations) <= MOST_CONTRIBUTIONS)
    known = names_of(graph, scope, names)

    best: Scene | None = None
    for plan in _plans(graph, options):
        collapsed = CollapsedGraph(graph, plan, lambda array: scope.of_array(array) is not None)
        drawn = [collapsed.find(node) for node in options.hand]
        if best is not None and not all(
            v is not None and v.node is n for v, n in zip(drawn, options.hand, strict=True)
        ):
            continue  # what was marked would be folded away
        symbol = label(collapsed, scope, names, known)
        best = _scene(graph, collapsed, plan, symbol, scope, options, gradients, notes)
        if options.collapse == "none" or fits(best.diagram, options.viewport, options.style):
            break
    assert best is not None
    return best


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
    levels: list[Level] = [level]
    if depth is None and graph.levels:
        levels += ["leaves"] if level is None else []
        levels += range(graph.levels - 2, 0, -1)
    details = style.details[:1] if options.hand else style.details
    if small:
        for detail, tried in product(details, levels):
            for once in (False, True)[: 1 + options.repeats]:
                if graph.count(tried, once=once) <= _MOST_TRIED:
                    if style.modules:
                        yield Plan(tried, once, detail=detail, edge_labels=True)
                    yield Plan(tried, once, detail=detail)
    if len(graph.operations) <= style.whole:
        return  # smaller pictures would not say the same
    outer: Level = "leaves" if graph.levels and depth is None else level
    for kept in _ENDS if small else _ENDS[-2:-1]:
        yield Plan(outer, ends=kept, detail=details[0])
    if graph.levels and depth is None:
        yield Plan(0, detail=details[0])
    yield Plan(outer, ends=1, detail=details[0])


def _scene(
    graph: Graph,
    collapsed: CollapsedGraph,
    plan: Plan,
    symbol: str,
    scope: Scope,
    options: Options,
    gradients: Gradients,
    notes: tuple[str, ...],
) -> Scene:
    """The scene by one plan, for an output of this name."""
    vertices = collapsed.vertices
    annotator = Annotator(gradients, symbol, options, plan)
    ids = {vertex: f"n{position}" for position, vertex in enumerate(vertices)}
    parameters = graph.parameters if plan.detail == "norms" else None
    placed, clusters = clusters_of(collapsed, scope, whole=options.style.modules, parameters=parameters)

    def card(operand: Any) -> str | None:
        vertex = collapsed.find(operand)
        return None if vertex is None else ids[vertex]

    hidden = not options.modules and any(vertex.call is not None for vertex in vertices)
    repeated = any(cluster.kind == "repeat" for cluster in clusters)
    names = {ids[vertex]: vertex.name for vertex in vertices}
    summary = _summary(options.hand, lambda node: names.get(card(node) or "", "?"), symbol)
    diagram = Diagram(
        cards=tuple(annotator.card(vertex, ids[vertex], placed[vertex]) for vertex in vertices),
        edges=tuple(annotator.edge(use, ids) for use in collapsed.uses if use.tail is not use.head),
        title=options.title,
        notes=(*notes, *["dashed frame: what repeats, drawn as it is the first time"] * repeated, *summary),
        operations=collapsed.operations,
        gradients=bool(gradients.of) and options.grads,
        clusters=tuple(clusters),
        symbol=symbol,
        folded=options.repeats and collapsed.operations <= MOST_CARDS and (hidden or not collapsed.whole),
    )
    arrays = {ids[vertex]: vertex.array for vertex in vertices if vertex.array is not None}
    return Scene(diagram, graph.output, card, arrays, gradients)


def _summary(hand: Mapping[Node, Hand], name: Callable[[Node], str], symbol: str) -> Iterator[str]:
    """The result of a comparison as a whole."""
    wrong = [node for node, one in hand.items() if one.verdict != "right"]
    if hand and not wrong:
        yield f"all {len(hand):,} gradients derived by hand are right"
    if wrong:
        first = next((n for n in wrong if hand[n].verdict == "first wrong"), max(wrong, key=lambda node: node.order))
        what = f"gradient{'s' * (len(hand) > 1)} derived by hand {'are' if len(wrong) > 1 else 'is'} wrong"
        yield f"{len(wrong):,} of {len(hand):,} {what}; the first wrong link is ∂{symbol}/∂{name(first)}"


def _obstacles(output: Node, graph: Graph) -> tuple[str, ...]:
    """Why there are no gradients, if so."""
    if output.value.size != 1:
        return (f"no gradients: the output has shape {shape_text(output.value.shape)}, and only a scalar has them",)
    if len(graph.nodes) > MOST_FOR_GRADIENTS:
        return (f"no gradients: the graph has more than {MOST_FOR_GRADIENTS:,} operations",)
    if any(node.args is None for node in graph.nodes):
        return ("no gradients: this graph was freed by backward(retain_graph=False)",)
    if any(overwritten(node) for node in graph.nodes):
        return ("no gradients: a parameter was changed in place after this graph had used it",)
    return ()


# Clusters


def clusters_of(
    collapsed: CollapsedGraph,
    scope: Scope,
    *,
    whole: bool = False,
    parameters: Callable[[Call], int] | None = None,
    prefix: str = "m",
) -> tuple[dict[Vertex, str], list[Cluster]]:
    """The id of the cluster that each vertex stands in, or "", and the clusters, outer ones first.

    Args:
        collapsed: the vertices.
        scope: the caller's variables.
        whole: whether the one model that everything is in has a cluster too.
        parameters: counts those of a call, where clusters of several modules shall say it.
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
        path = call.path or (scope.of_owner(call.owner) or "" if call.children else "")
        parts = [path, call.caption] if path else [call.caption]
        if parameters is not None and call.children and (count := parameters(call)):
            parts.append(f"{count:,} parameters")
        return Cluster(identity, printable(" · ".join(parts), 80), around(group.parent))

    return {vertex: around(vertex.group) for vertex in collapsed.vertices}, [*map(cluster, groups, groups.values())]


def _shown(collapsed: CollapsedGraph, whole: bool) -> list[Group]:
    """The groups that say something, outer ones first: not that of the one model that everything is in."""
    for vertex in collapsed.vertices:
        if not vertex.computed and vertex.group is None and vertex.kind != "data":
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
