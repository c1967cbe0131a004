"""What people wait for: the fleet list and a service's page, beside the same rows by hand, dumped as JSON."""

import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, reset_queries
from django.test import Client
from django.urls import reverse

from readiness.models import Service

REPEATS = 15
FACTOR, ALLOWANCE_MS = 3, 30
"""A page may take so many times what the same query takes, and so many milliseconds on top."""

FLEET = (
    """
    SELECT s.slug, s.title, s.lifecycle, s.deprecated, s.tier, s.fleet, o.slug, p.slug, c.verdict_of,
           c.verdict,
           c.score, c.possible, c.evidence, c.level, c.blockers, c.trend, c.at, c.management_state
    FROM readiness_service s JOIN readiness_team o ON o.id = s.owner_id
    LEFT JOIN readiness_team p ON p.id = s.ops_team_id
    LEFT JOIN readiness_currentscore c ON c.service_id = s.id
    ORDER BY c.score DESC NULLS LAST, s.id DESC LIMIT 50
    """,
    "SELECT count(*) FROM readiness_service",
    "SELECT min(at), max(at), count(*) FROM readiness_currentscore",
    "SELECT DISTINCT fleet FROM readiness_service",
    "SELECT id, slug, title FROM readiness_team ORDER BY slug LIMIT 20",
)
KINDS = {
    "deployment": "started_at",
    "incident": "started_at",
    "page": "paged_at",
    "defect": "opened_at",
    "signal": "last_seen_at",
    "dependency": "last_seen_at",
    "pipelinerun": "started_at",
    "shift": "starts_at",
    "observation": "observed_at",
    "workitem": "opened_at",
}
SERVICE = (
    """
    SELECT s.*, o.*, p.* FROM readiness_service s JOIN readiness_team o ON o.id = s.owner_id
    LEFT JOIN readiness_team p ON p.id = s.ops_team_id WHERE s.id = %(pk)s
    """,
    """
    SELECT c.*, p.text FROM readiness_scorecard c JOIN readiness_policyversion p ON p.id = c.policy_id
    WHERE c.service_id = %(pk)s ORDER BY c.at DESC, c.kind, c.revision DESC, c.id DESC LIMIT 1
    """,
    """
    SELECT id, at, kind, revision, score, possible, evidence, level, handoff, launch, handback
    FROM readiness_scorecard WHERE service_id = %(pk)s ORDER BY at DESC, kind, revision DESC LIMIT 800
    """,
    "SELECT * FROM readiness_feed WHERE service_id = %(pk)s ORDER BY kind, since, id",
    "SELECT name FROM readiness_servicealias WHERE service_id = %(pk)s ORDER BY name",
    "SELECT * FROM readiness_waiver WHERE service_id = %(pk)s AND revoked_at IS NULL ORDER BY ends_at, id",
    "SELECT * FROM handoff_case WHERE service_id = %(pk)s ORDER BY opened_at DESC LIMIT 10",
    "SELECT * FROM handoff_review WHERE service_id = %(pk)s ORDER BY opened_at DESC LIMIT 10",
    """
    SELECT c.*, p.name FROM handoff_consultant c JOIN readiness_person p ON p.id = c.person_id
    WHERE c.service_id = %(pk)s ORDER BY c.began_at DESC
    """,
    "SELECT * FROM handoff_transition WHERE service_id = %(pk)s ORDER BY at DESC, id DESC LIMIT 11",
    " UNION ALL ".join(
        f"SELECT '{kind}', count(*), max({time}) FROM readiness_{kind} WHERE service_id = %(pk)s"
        for kind, time in KINDS.items()
    ),
)


def by_hand(statements: tuple[str, ...], pk: int | None = None) -> None:
    """The rows of a page and nothing else, as JSON text."""
    with connection.cursor() as cursor:
        found = []
        for statement in statements:
            cursor.execute(statement, {"pk": pk} if pk else None)
            found.append(cursor.fetchall())
        json.dumps(found, default=str)


def milliseconds(work: Callable[[], object]) -> float:
    """The median of some runs, after one that warms up."""
    work()
    took = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) * 1000)
    return median(took)


def page(client: Client, address: str, floor: Callable[[], None]) -> dict[str, Any]:
    """A page's server time and queries, and what the same rows take by hand."""

    def visit() -> None:
        answer = client.get(address, secure=True)
        assert answer.status_code == 200, (address, answer.status_code)

    ours, theirs = milliseconds(visit), milliseconds(floor)
    connection.force_debug_cursor = True
    reset_queries()
    visit()
    connection.force_debug_cursor = False
    return {
        "milliseconds": ours,
        "floor": theirs,
        "bound": FACTOR * theirs + ALLOWANCE_MS,
        "queries": len(connection.queries),
    }


def pages() -> dict[str, Any]:
    """Both pages, by name, as ``pages``."""
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(User.objects.create_superuser("bench"), "django.contrib.auth.backends.ModelBackend")
    service = Service.objects.order_by("pk")[Service.objects.count() // 2]
    fleet = reverse("admin:readiness_service_changelist")
    own = reverse("admin:readiness_service_change", args=[service.pk])
    measured = {
        "fleet": page(client, fleet, lambda: by_hand(FLEET)),
        "service": page(client, own, lambda: by_hand(SERVICE, service.pk)),
    }
    return {"pages": measured}
