"""What changed between two scorecards of a service, and why: on its page, and on a page of two moments."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from readiness import reading
from readiness.admin.labels import label, moment
from readiness.facts import RowRef
from readiness.measures.passing import time_of
from readiness.models import Scorecard, Service
from readiness.models.scorecard import Kind
from readiness.rendering.causes import Cause
from readiness.rendering.changes import Change
from readiness.rendering.sentences import plural

ROWS_LINKED = 5
TITLES = {
    "verdict": "Verdicts",
    "score": "Score",
    "blocker": "Blockers",
    "criterion": "Criteria and their parts",
    "feed": "Feeds",
    "standing": "Catalogue and standing",
    "policy": "Policy",
}
_WITHIN: dict[str, str] = {"part": "criterion", "shown": "criterion"}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A line of the table."""

    what: str
    before: str
    after: str
    way: SafeString | str
    minor: bool


@dataclass(frozen=True, slots=True)
class CauseRow:
    """A reason, with the list of its rows and links to a few of them."""

    text: str
    url: str
    of: str
    rows: list[tuple[str, str]]


def show_changes(admin: ModelAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    """What changed since the scorecard before: a piece for the service page, or a page of its own."""
    card = _picked(request.GET.get("scorecard", ""), service) or reading.latest(service)
    before = _before(card)
    context = {
        **_frame(admin, request, service),
        "title": f"What changed: {service}",
        "comparison": _shown(reading.compared(before, card)) if before and card else None,
        "judged": card is not None,
    }
    piece = request.headers.get("HX-Request") == "true"
    name = "readiness/fragments/changes.html" if piece else "readiness/changes.html"
    return TemplateResponse(request, name, context)


def show_comparison(admin: ModelAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    """Any two scorecards or moments, ``?a=`` and ``?b=``; without them the latest and the one before."""
    after = _side(request, service, "b") or reading.latest(service)
    before = _side(request, service, "a") or _before(after)
    both = before is not None and after is not None
    context = {
        **_frame(admin, request, service),
        "title": f"Compare two moments: {service}",
        "comparison": _shown(reading.compared(before, after)) if before and after else None,
        "judged": after is not None,
        "same": both and before == after,
        "a": _written(before),
        "b": _written(after),
        "asking": True,
    }
    return TemplateResponse(request, "readiness/changes.html", context)


def moment_asked(request: HttpRequest, name: str) -> dt.datetime | None:
    """A moment of the query, in UTC unless it says otherwise; a day alone means its end."""
    raw = request.GET.get(name, "").strip()
    if not raw:
        return None
    at = _in_utc(f"{raw}T23:59:59" if len(raw) == len("2026-06-17") else raw.replace(" ", "+"))
    if at is None:
        messages.error(
            request, f"“{raw}” is no moment: write 2026-06-17 or 2026-06-17T09:00. Shown is the latest."
        )
    return at


def _in_utc(written: str) -> dt.datetime | None:
    try:
        at = parse_datetime(written)
        return at and (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):  # the first and the last day of the calendar are not whole everywhere
        return None


def _frame(admin: ModelAdmin, request: HttpRequest, service: Service) -> dict[str, Any]:
    return {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": service,
        "service": service,
    }


def _picked(asked: str, service: Service) -> Scorecard | None:
    """A scorecard by its key. Raises ``Http404`` where the service has no such one."""
    if not asked.isdecimal() or len(asked) > 18:
        return None
    rows = Scorecard.objects.select_related("service", "policy", "evaluation")
    return get_object_or_404(rows, service=service, pk=int(asked))


def _side(request: HttpRequest, service: Service, name: str) -> Scorecard | None:
    picked = _picked(request.GET.get(name, ""), service)
    if picked is not None:
        return picked
    at = moment_asked(request, name)
    found = reading.latest(service, at) if at else None
    if at and found is None:
        messages.warning(request, f"{service} was not judged by {moment(at)}.")
    return found


def _before(card: Scorecard | None) -> Scorecard | None:
    """The scorecard before; before the first live one that is the newest of the replayed history."""
    if card is None:
        return None
    return reading.previous(card) or reading.latest(card.service, card.at - dt.timedelta.resolution)


def _written(card: Scorecard | None) -> str:
    """A moment as the form's field takes it."""
    return f"{card.at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}" if card else ""


def _shown(found: reading.Comparison) -> dict[str, Any]:
    return {
        "before": _card(found.before),
        "after": _card(found.after),
        "summary": found.summary,
        "groups": list(_groups(found.changes)),
        "causes": [_cause(each, found) for each in found.causes],
    }


def _card(card: Scorecard) -> dict[str, Any]:
    revision = f", revision {card.revision}" if card.revision > 1 else ""
    kind = "replayed" if card.kind == Kind.REPLAY else "live"
    return {"pk": card.pk, "at": moment(card.at), "kind": f"{kind}{revision}", "policy": str(card.policy)}


def _groups(changes: Sequence[Change]) -> Iterator[tuple[str, list[ChangeRow]]]:
    headed = {each.code for each in changes if each.topic == "criterion"}
    for topic, group in groupby(changes, key=_topic):
        yield TITLES[topic], [_row(each, headed) for each in group]


def _topic(change: Change) -> str:
    """Under which title it stands: parts stand beneath their criteria."""
    return _WITHIN.get(change.topic, change.topic)


def _row(change: Change, headed: Collection[str]) -> ChangeRow:
    """A line. Beneath its criterion's own a part need not say whose it is."""
    minor = change.topic in _WITHIN
    told = minor and change.code.partition(".")[0] in headed
    what = change.what.partition(": ")[2] if told else change.what
    way: SafeString | str = ""
    if change.better is not None:
        way = label("better", "good") if change.better else label("worse", "bad")
    return ChangeRow(what, change.before, change.after, way, minor=minor)


def _cause(cause: Cause, found: reading.Comparison) -> CauseRow:
    linked = cause.rows if cause.kind != "feed" else ()
    return CauseRow(
        text=cause.text,
        url=_list_of(cause, found),
        of="exclusions" if cause.code in {"excluded", "taken_back"} else _plural(cause.kind),
        rows=[(ref.name, _row_url(ref)) for ref in linked[:ROWS_LINKED]],
    )


def _plural(kind: str | None) -> str:
    return "feeds" if kind == "feed" else plural(kind or "")


def _row_url(ref: RowRef) -> str:
    return f"{_list_url(ref.kind)}?{urlencode({'q': ref.id, 'source__icontains': ref.source})}"


def _list_url(kind: str) -> str:
    return reverse(f"admin:readiness_{kind.replace('_', '')}_changelist")


def _list_of(cause: Cause, found: reading.Comparison) -> str:
    """The list that a reason is about: the service's, of the days that passed where it has such a filter."""
    if cause.kind is None:
        return ""
    query: dict[str, Any] = {"service__id__exact": found.after.service_id}
    if cause.code in {"excluded", "taken_back"}:
        return f"{_list_url('exclusion')}?{urlencode(query)}"
    time = time_of(cause.kind)
    if cause.code == "left" and time in {"started_at", "paged_at", "opened_at", "observed_at"}:
        window = dt.timedelta(days=found.window_days)
        query[f"{time}_from"] = f"{found.before.at - window:%Y-%m-%d}"
        query[f"{time}_to"] = f"{found.after.at - window:%Y-%m-%d}"
    return f"{_list_url(cause.kind)}?{urlencode(query)}"
