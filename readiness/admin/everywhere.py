"""What stands on every page: how old the judgement is, where the clock stands, and the way around."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

from readiness import clock
from readiness.admin.labels import moment, span
from readiness.models import Alert, CurrentScore


def notices(request: HttpRequest) -> dict[str, Any]:
    """For each page of somebody logged in: notices, the loud ones first. Two queries."""
    if not request.user.is_authenticated:
        return {}
    return {"rd_notices": [*_judgement_notices(), *_alert_notices(request), *_clock_notices()]}


def stylesheet(request: HttpRequest) -> str:
    """Our own style sheet, beside Unfold's."""
    return static("readiness/admin.css")


def favicon(request: HttpRequest) -> str:
    """The picture in a browser's tab."""
    return static("readiness/favicon.svg")


def _judgement_notices() -> list[dict[str, str]]:
    allowed: dt.timedelta = settings.SCORECARD_STALE_AFTER
    found = CurrentScore.objects.aggregate(
        newest=Max("at"),
        oldest=Min("at"),
        all=Count("pk"),
        stale=Count("pk", filter=Q(at__lt=clock.now() - allowed)),
    )
    if not found["all"]:
        return [_notice("unknown", "Nothing has been judged yet.", "Import a fleet, then evaluate it.")]
    if not found["stale"]:
        return []
    which = "All judgements are" if found["stale"] == found["all"] else _some(found["stale"], found["all"])
    ages = f"the oldest is of {moment(found['oldest'])}, the newest of {moment(found['newest'])}"
    return [
        _notice(
            "bad",
            f"{which} older than {span(allowed)}:",
            f"{ages} ({span(clock.age(found['newest']))} ago). Does the worker run?",
        )
    ]


def _some(stale: int, total: int) -> str:
    return f"{stale} of {total} current judgements {'is' if stale == 1 else 'are'}"


def _alert_notices(request: HttpRequest) -> list[dict[str, str]]:
    """How many alerts are open, to those who may look at them."""
    if not request.user.has_perm("readiness.view_alert"):
        return []
    number = Alert.objects.open().count()
    if not number:
        return []
    loud = f"{number} alert{'' if number == 1 else 's'} open:"
    notice = _notice("warn", loud, "what is wrong, and who should act.")
    return [{**notice, "url": f"{reverse('admin:readiness_alert_changelist')}?open=yes"}]


def _clock_notices() -> list[dict[str, str]]:
    offset = clock.offset()
    if not offset:
        return []
    way = "behind" if offset < dt.timedelta(0) else "ahead of"
    return [
        _notice(
            "warn",
            f"The clock is offset: it says {moment(clock.now())},",
            f"{span(offset)} {way} the real time. All ages are counted from there.",
        )
    ]


def _notice(tone: str, loud: str, rest: str) -> dict[str, str]:
    return {"tone": tone, "loud": loud, "rest": rest}


def _may_view(app: str, model: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(f"{app}.view_{model}")


def _link(title: str, icon: str, model: str, *, app: str = "readiness") -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": _may_view(app, model),
    }


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: fleet, judgement, evidence, catalogue, access; each sees what they may view."""
    return [
        {
            "title": "Fleet",
            "items": [
                {"title": "Dashboard", "icon": "dashboard", "link": reverse_lazy("admin:index")},
                _link("Services", "dns", "service"),
                _link("Alerts", "warning", "alert"),
                _link("Management changes", "swap_horiz", "managementchange"),
                _link("Cases", "assignment_return", "case", app="handoff"),
                _link("Waivers", "gavel", "waiver"),
                _link("Consultants", "support_agent", "consultant", app="handoff"),
                _link("Reviews", "checklist", "review", app="handoff"),
                _link("Decisions", "history", "transition", app="handoff"),
            ],
        },
        {
            "title": "Judgement",
            "items": [
                _link("Evaluations", "play_circle", "evaluation"),
                _link("Scorecards", "fact_check", "scorecard"),
                _link("Policies", "policy", "policyversion"),
                _link("Simulations", "science", "simulation"),
            ],
        },
        {
            "title": "Evidence",
            "collapsible": True,
            "items": [
                _link("Feeds", "rss_feed", "feed"),
                _link("Exclusions", "block", "exclusion"),
                _link("Deployments", "rocket_launch", "deployment"),
                _link("Incidents", "emergency", "incident"),
                _link("Pages", "notifications_active", "page"),
                _link("Defects", "bug_report", "defect"),
                _link("Signals", "monitoring", "signal"),
                _link("Dependencies", "account_tree", "dependency"),
                _link("Pipeline runs", "conveyor_belt", "pipelinerun"),
                _link("Shifts", "schedule", "shift"),
                _link("Observations", "visibility", "observation"),
                _link("Work items", "task", "workitem"),
            ],
        },
        {
            "title": "Catalogue",
            "items": [
                _link("Teams", "groups", "team"),
                _link("People", "person", "person"),
                _link("Systems", "hub", "system"),
            ],
        },
        {
            "title": "Telling people",
            "items": [
                _link("Subscriptions", "notifications", "subscription", app="handoff"),
                _link("Messages", "mail", "message", app="handoff"),
                _link("Deliveries", "outbox", "delivery", app="handoff"),
            ],
        },
        {
            "title": "Access",
            "items": [
                _link("Machine tokens", "key", "machinetoken"),
                _link("Log-ins", "badge", "user", app="auth"),
                _link("Groups", "shield_person", "group", app="auth"),
                _link("Attempts to log in", "lock_person", "accessattempt", app="axes"),
            ],
        },
    ]
