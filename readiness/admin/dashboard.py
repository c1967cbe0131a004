"""The first page: how the fleet stands, how fresh that is, and what needs somebody."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from readiness import clock
from readiness.admin import alerts
from readiness.admin.charts import share_bar
from readiness.admin.evaluations import STATE_TONES, progress_bar
from readiness.admin.labels import age_label, label, moment, span, state_words, verdict_label
from readiness.criteria import CRITERIA
from readiness.models import CurrentScore, Evaluation, Service
from readiness.models.evidence import KINDS
from readiness.models.scorecard import VERDICTS

BEST_FIRST = ("gold", "silver", "bronze", "none")


@dataclass(frozen=True, slots=True)
class Line:
    """A count with its bar and the list of what was counted."""

    title: SafeString | str
    count: int
    bar: SafeString
    url: str


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the fleet's standing to the first page, in seven queries, to those who may view services."""
    if not request.user.has_perm("readiness.view_service"):
        return context
    columns = ("verdict_of", "verdict", "level", "management_state")
    counts = {
        tuple(row[column] for column in columns): row["number"]
        for row in CurrentScore.objects.order_by().values(*columns).annotate(number=Count("pk"))
    }
    found = Service.objects.aggregate(services=Count("pk"), made_up=Count("pk", filter=Q(made_up=True)))
    services = found["services"]
    judged = sum(counts.values())
    return {
        **context,
        "title": "Dashboard",
        **found,
        "never_judged": services - judged,
        "verdict_lines": _verdict_lines(counts, services),
        "level_lines": _level_lines(counts, services),
        "state_lines": _state_lines(counts, services),
        "below_lines": _word_lines("below", {each.slug: each.title for each in CRITERIA}, services),
        "silent_lines": _word_lines("silent", dict(KINDS), services),
        "may_evaluate": request.user.has_perm("readiness.add_evaluation"),
        **_freshness(),
        **(alerts.groups() if request.user.has_perm("readiness.view_alert") else {}),
    }


Counts = Mapping[tuple[Any, ...], int]


def _line(title: SafeString | str, count: int, *, total: int, query: Mapping[str, str]) -> Line:
    address = f"{reverse('admin:readiness_service_changelist')}?{urlencode(query)}"
    return Line(title, count, share_bar(count / (total or 1), f"{count} of {total}"), address)


def _verdict_lines(counts: Counts, total: int) -> list[Line]:
    found: Counter[tuple[Any, Any]] = Counter()
    for (of, verdict, *_), number in counts.items():
        found[of, verdict] += number
    order = [(of, each) for of in ("handoff", "launch", "handback") for each in VERDICTS[of]]
    lines = [
        _line(verdict_label(of, each), found[of, each], total=total, query={"verdict": f"{of}:{each}"})
        for of, each in order
        if found[of, each]
    ]
    if found[None, None]:
        lines.append(
            _line(verdict_label(None, None), found[None, None], total=total, query={"verdict": "none"})
        )
    return lines


def _level_lines(counts: Counts, total: int) -> list[Line]:
    found: Counter[str] = Counter()
    for (_, _, level, _), number in counts.items():
        found[level] += number
    names = [*BEST_FIRST, *sorted(set(found) - set(BEST_FIRST))]
    return [_line(name, found[name], total=total, query={"level": name}) for name in names]


def _state_lines(counts: Counts, total: int) -> list[Line]:
    found: Counter[str | None] = Counter()
    for (*_, state), number in counts.items():
        found[state] += number
    return [
        _line(state_words(state), found[state], total=total, query={"state": state or "none"})
        for state in ("developer_managed", "ops_managed", None)
    ]


def _word_lines(column: str, titles: Mapping[str, str], total: int) -> list[Line]:
    """How many services have each name in a column of names between blanks; the commonest first."""
    rows = CurrentScore.objects.exclude(**{column: ""}).order_by().values_list(column).annotate(n=Count("pk"))
    found = _names(rows)
    return [
        _line(titles.get(name, name), number, total=total, query={column: name})
        for name, number in found.most_common()
    ]


def _names(rows: Iterable[tuple[Any, ...]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for text, number in rows:
        for name in text.split():
            found[name] += number
    return found


def _freshness() -> dict[str, Any]:
    """The last run and the ends of the ages of the current scores."""
    runs = Evaluation.objects.select_related("policy").defer("cycles", "errors", "policy__text")
    run = runs.order_by("-pk").first()
    oldest = CurrentScore.objects.select_related("service").order_by("at").first()
    return {
        "oldest": oldest,
        "oldest_age": age_label(oldest.at) if oldest else "",
        "run": run,
        "run_state": label(run.state, STATE_TONES[run.state]) if run else "",
        "run_at": moment(run.at) if run else "",
        "run_age": span(clock.age(run.at)) if run else "",
        "run_progress": _progress(run) if run else "",
    }


def _progress(run: Evaluation) -> SafeString:
    done = list(run.batches.values_list("done", flat=True))
    return progress_bar(sum(done), len(done))
