"""Measures the dependency graph: edges of services, and which close a cycle over the whole fleet."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import rustworkx
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from readiness.facts import EdgeRow, InboundEdge, RowRef
from readiness.measures.fetching import by_service, fetch
from readiness.measures.scope import COUNTS, Scope
from readiness.models import Dependency, Service

Cycles = Mapping[int, int]
"""Service key to the number of the cycle (strongly connected component) it lies on; others are absent."""


def _live(scope: Scope) -> "QuerySet[Dependency]":
    """Edges live at T, but for those of a service to itself."""
    return (
        Dependency.objects.filter(
            COUNTS,
            Q(first_seen_at__isnull=True) | Q(first_seen_at__lte=scope.at),
            Q(last_seen_at__isnull=True) | Q(last_seen_at__gte=scope.days_ago(scope.edge_stale_days)),
        )
        .exclude(target_id=F("service_id"))
        .exclude(target_id__isnull=True, on=F("service__slug"))
        .order_by()
    )


def cycles(scope: Scope) -> dict[int, int]:
    """The cycles of synchronous edges over the whole fleet at T. One query, one pass."""
    edges = fetch(
        _live(scope)
        .filter(type="sync", target_id__isnull=False)
        .values_list("service_id", "target_id")
        .distinct()
    )
    graph: rustworkx.PyDiGraph[int, None] = rustworkx.PyDiGraph()
    pks = sorted({pk for edge in edges for pk in edge})
    place = dict(zip(pks, graph.add_nodes_from(pks), strict=True))
    graph.add_edges_from_no_data([(place[begin], place[end]) for begin, end in edges])
    components = [
        sorted(graph[node] for node in part) for part in rustworkx.strongly_connected_components(graph)
    ]
    looped = sorted(component for component in components if len(component) > 1)
    return {pk: number for number, component in enumerate(looped) for pk in component}


class Reach(NamedTuple):
    """The blast radius of a service both ways, along hard synchronous edges: how many services."""

    reaches: int
    """Services it needs, however far away: when one fails, this one may."""
    reached_by: int
    """Services that need it."""


def reach(scope: Scope) -> dict[int, Reach]:
    """The blast radius of each service at T. Two queries; targets outside the catalogue count."""
    edges = fetch(
        _live(scope)
        .filter(type="sync", criticality="hard")
        .annotate(name=Coalesce("target__slug", "on"))
        .values_list("service__slug", "name")
        .distinct()
    )
    graph: rustworkx.PyDiGraph[str, None] = rustworkx.PyDiGraph()
    names = sorted({name for edge in edges for name in edge})
    place = dict(zip(names, graph.add_nodes_from(names), strict=True))
    graph.add_edges_from_no_data([(place[caller], place[name]) for caller, name in edges])
    services = fetch(Service.objects.filter(scope.services("pk")).values_list("pk", "slug"))
    return {pk: _reach(graph, place.get(slug)) for pk, slug in services}


def _reach(graph: "rustworkx.PyDiGraph[str, None]", node: int | None) -> Reach:
    if node is None:
        return Reach(0, 0)
    return Reach(len(rustworkx.descendants(graph, node)), len(rustworkx.ancestors(graph, node)))


def edge_rows(scope: Scope, looped: Cycles) -> dict[int, list[EdgeRow]]:
    """The live edges of each service. One query."""
    rows = (
        _live(scope)
        .filter(scope.services())
        .order_by("on", "pk")
        .values_list(
            "service_id",
            "source",
            "external_id",
            "url",
            "on",
            "type",
            "criticality",
            "target_id",
            "target__slug",
            "target__tier",
        )
    )
    return {pk: [_edge(row, looped) for row in each] for pk, each in by_service(rows).items()}


def _edge(columns: tuple[Any, ...], looped: Cycles) -> EdgeRow:
    pk, source, external_id, url, on, type_, criticality, target_id, target, tier = columns
    return EdgeRow(
        ref=RowRef("dependency", source, external_id, url, f"{type_} on {target or on}"),
        target=target or on,
        type=type_,
        hard=criticality == "hard",
        target_tier=tier,
        same_cycle=type_ == "sync" and target_id in looped and looped[target_id] == looped.get(pk),
    )


def inbound_edges(scope: Scope) -> dict[int, list[InboundEdge]]:
    """The live edges of other services to each service. One query."""
    rows = (
        _live(scope)
        .filter(scope.services("target_id"))
        .values_list("target_id", "service__slug", "type", "criticality")
    )
    found: dict[int, list[InboundEdge]] = defaultdict(list)
    for pk, caller, type_, criticality in fetch(rows):
        if pk is not None:
            found[pk].append(InboundEdge(caller, type_, criticality == "hard"))
    return {pk: sorted(edges) for pk, edges in found.items()}
