"""The page of one service: its scorecard first, then history, feeds and where its evidence is."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from readiness import badges, clock, governing, reading, rights
from readiness.admin import alerts, charts
from readiness.admin.cards import cards, verdicts
from readiness.admin.changes import moment_asked
from readiness.admin.evaluations import applying, range_cell
from readiness.admin.feeds import origin_label
from readiness.admin.labels import (
    level_label,
    moment,
    offset_words,
    span,
    state_words,
    verdict_label,
    words,
)
from readiness.measures.holdings import Holding, holdings
from readiness.models import (
    Feed,
    ManagementState,
    Scorecard,
    Service,
)
from readiness.models.evidence import KINDS
from readiness.models.scorecard import Kind
from readiness.rendering.sentences import plural

HISTORY_POINTS = 400
HISTORY_ROWS = 60
RUN_BY = {
    ManagementState.DEVELOPER_MANAGED.value: "developers",
    ManagementState.OPS_MANAGED.value: "operations",
}
TIMELINE = dt.timedelta(days=400)
"""How far back the picture of the feeds reaches; their table says all."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which scorecard is shown, and why that one."""

    card: Scorecard | None
    at: dt.datetime | None = None
    """Asked for, to see an older one."""
    picked: bool = False
    """One scorecard was asked for by its key."""

    @property
    def query(self) -> str:
        """What an address needs so that it speaks of the same scorecard."""
        if self.card is not None and (self.picked or self.at):
            return "?" + urlencode({"scorecard": self.card.pk})
        return ""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A judgement in the table below the chart."""

    pk: int
    at: str
    extent: SafeString
    evidence: str
    level: SafeString
    verdict: SafeString
    changed: bool
    kind: str
    revision: int


@dataclass(frozen=True, slots=True)
class FeedRow:
    """The feeds of one kind."""

    kind: str
    picture: SafeString
    spans: list[Feed]


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """How much evidence of a kind there is, and the list of it."""

    title: str
    count: int
    ahead: int
    """Rows of moments that the clock has not reached: kept, and not counted yet."""
    newest: str
    url: str


def found(admin: ModelAdmin, request: HttpRequest, pk: str | int) -> Service:
    """The service with what its page says of it. Raises ``Http404`` and ``PermissionDenied``."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    key = int(pk) if str(pk).isdecimal() else 0
    rows: QuerySet[Service] = admin.get_queryset(request)
    return get_object_or_404(rows.select_related("owner", "ops_team", "system"), pk=key)


def show(
    admin: ModelAdmin, request: HttpRequest, service: Service, *, events: Sequence[charts.Event] = ()
) -> HttpResponse:
    """The page. ``?at=`` shows the newest judgement by that moment, ``?scorecard=`` a certain one.

    ``events`` are marked in the picture of its history.
    """
    choice = _choose(request, service)
    unreadable = governing.unreadable(choice.card.policy) if choice.card else ""
    history = _history(service)
    context = {
        **_frame(admin, request, service),
        "aliases": list(service.aliases.order_by("name").values_list("name", flat=True)),
        "may_evaluate": request.user.has_perm(rights.EVALUATE, service),
        "may_declare": request.user.has_perm("readiness.add_feed"),
        "choice": choice,
        "judgement": _judgement(choice.card) if choice.card and not unreadable else None,
        "unreadable": unreadable,
        "history": history_rows(history)[:HISTORY_ROWS],
        "history_total": len(history),
        "history_chart": _chart(service, history, events),
        **_feeds(service),
        "alerts": list(alerts.open_of(service)) if request.user.has_perm("readiness.view_alert") else [],
        "badge": _badge(request, service),
        "evidence": _evidence(service),
    }
    return TemplateResponse(request, "readiness/service.html", context)


def _badge(request: HttpRequest, service: Service) -> dict[str, str]:
    """The picture's address, and the line that shows it elsewhere with a link to this page."""
    path = badges.path_of(service.slug)
    picture, page = request.build_absolute_uri(path), request.build_absolute_uri(request.path)
    return {"path": path, "markdown": f"[![readiness]({picture})]({page})"}


def show_evidence_links(admin: ModelAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    """The rows that weigh most and the next steps that name rows: pieces for the page, or a page."""
    choice = _choose(request, service)
    readable = choice.card and not governing.unreadable(choice.card.policy)
    shown = reading.rendered(choice.card, explain=True) if choice.card and readable else None
    context = {
        **_frame(admin, request, service),
        "choice": choice,
        "cards": cards(shown) if shown else [],
        "at": moment(choice.card.at) if choice.card else "",
    }
    piece = request.headers.get("HX-Request") == "true"
    name = "readiness/fragments/evidence_links.html" if piece else "readiness/evidence_links.html"
    return TemplateResponse(request, name, context)


def _frame(admin: ModelAdmin, request: HttpRequest, service: Service) -> dict[str, Any]:
    return {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": service,
        "title": str(service),
        "service": service,
    }


def _choose(request: HttpRequest, service: Service) -> Choice:
    asked = request.GET.get("scorecard", "")
    if asked.isdecimal():
        rows = Scorecard.objects.select_related("service", "policy", "evaluation")
        return Choice(get_object_or_404(rows, service=service, pk=int(asked)), picked=True)
    at = moment_asked(request, "at")
    return Choice(reading.latest(service, at), at)


def _judgement(card: Scorecard) -> dict[str, Any]:
    shown = reading.rendered(card)
    told = verdicts(shown)
    return {
        "verdicts": told,
        "first": told[0] if told else None,
        "bar": charts.range_bar(shown["score"], shown["possible"]),
        "score": f"{shown['score']:.1f}",
        "possible": f"{shown['possible']:.1f}",
        "evidence": f"{shown['evidence']:.0%}",
        "level": level_label(shown["level"]),
        "at": moment(card.at),
        "age": span(clock.age(card.at)),
        "stale": clock.is_stale(card.at),
        "allowed": "older than it should be",
        "replayed": card.kind == Kind.REPLAY,
        "revision": card.revision,
        "policy": card.policy,
        "state": state_words(shown["management_state"]),
        "tier": shown["tier"],
        "offset": offset_words(card.clock_offset),
        "blockers": shown["blockers"],
        "cards": cards(shown),
    }


COLUMNS = (
    "pk",
    "at",
    "kind",
    "revision",
    "score",
    "possible",
    "evidence",
    "level",
    "handoff",
    "launch",
    "handback",
)


def _history(service: Service) -> list[Scorecard]:
    """The newest revision of each moment, newest moment first; without the numbers."""
    rows = reading.history(service).only(*COLUMNS)[: HISTORY_POINTS * 2]
    newest: dict[tuple[dt.datetime, str], Scorecard] = {}
    for row in rows:
        newest.setdefault((row.at, row.kind), row)
    return list(newest.values())[:HISTORY_POINTS]


def _chart(service: Service, history: list[Scorecard], events: Sequence[charts.Event]) -> SafeString:
    live = {row.at for row in history if row.kind == Kind.LIVE}
    points = [
        charts.Point(row.at, row.score, row.possible, _said(row), row.kind == Kind.LIVE)
        for row in reversed(history)
        if row.kind == Kind.LIVE or row.at not in live
    ]
    changes = service.management_changes.by(clock.now()).order_by("effective_at")
    runs = [
        charts.Run(since, state, f"run by {RUN_BY[state]}")
        for since, state in changes.values_list("effective_at", "state")
    ]
    return charts.history(points, runs, events, now=clock.now())


def _said(card: Scorecard) -> str:
    of, verdict = applying(card)
    return f"{of}: {words(verdict)}" if of and verdict else "no verdict"


def history_rows(history: list[Scorecard]) -> list[HistoryRow]:
    """The rows of the table below the chart; those whose verdict differs from the one before are marked."""
    rows = []
    for row, before in zip(history, [*history, None][1:], strict=True):
        changed = before is not None and applying(before) != applying(row)
        rows.append(
            HistoryRow(
                pk=row.pk,
                at=moment(row.at),
                extent=range_cell(row.score, row.possible),
                evidence=f"{row.evidence:.0%}",
                level=level_label(row.level),
                verdict=verdict_label(*applying(row)),
                changed=changed,
                kind="replayed" if row.kind == Kind.REPLAY else "live",
                revision=row.revision,
            )
        )
    return rows


def _feeds(service: Service) -> dict[str, Any]:
    """A picture for each kind and all spans as rows, from one query."""
    spans = list(Feed.objects.filter(service=service).defer("statements").order_by("kind", "since", "pk"))
    now = clock.now()
    first = max(min((each.since for each in spans), default=now - TIMELINE), now - TIMELINE)
    return {
        "feeds": [_feed_row(kind, title, spans, first=first) for kind, title in KINDS],
        "spans": [(each, origin_label(each)) for each in spans],
        "timeline_from": f"{first:%Y-%m-%d}",
        "timeline_to": f"{now:%Y-%m-%d}",
    }


def _feed_row(kind: str, title: str, spans: Iterable[Feed], *, first: dt.datetime) -> FeedRow:
    own = [each for each in spans if each.kind == kind]
    stretches = [
        charts.Stretch(
            each.since,
            each.last_seen_at,
            each.origin == Feed.DECLARED,
            f"{each.origin} from {each.source}: {moment(each.since)} to {moment(each.last_seen_at)}",
        )
        for each in own
    ]
    return FeedRow(title, charts.timeline(stretches, first, clock.now()), own)


def _evidence(service: Service) -> list[EvidenceRow]:
    """How many rows of each kind there are, and the newest."""
    return [
        _evidence_row(kind, service, holding) for kind, holding in holdings(service.pk, clock.now()).items()
    ]


def _evidence_row(kind: str, service: Service, holding: Holding) -> EvidenceRow:
    address = reverse(f"admin:readiness_{kind.replace('_', '')}_changelist")
    return EvidenceRow(
        title=plural(kind).capitalize(),
        count=holding.rows,
        ahead=holding.ahead,
        newest=moment(holding.newest),
        url=f"{address}?{urlencode({'service__id__exact': service.pk})}",
    )
