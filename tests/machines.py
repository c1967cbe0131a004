"""Writes over REST as a machine with a token, and reads what it is answered."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from rest_framework.test import APIClient

from readiness import tokens
from readiness.evidence import Kind
from readiness.models.token import CATALOGUE
from tests.rest import ROOT

SOURCE = "pager"
ALL_KINDS = (*(kind.value for kind in Kind), CATALOGUE)


class Machine:
    """A machine whose token may write what the test says; by default everything of one source."""

    def __init__(
        self,
        *,
        kinds: Iterable[str] = ALL_KINDS,
        services: Iterable[str] = ("*",),
        source: str = SOURCE,
        name: str = "pager-sync",
        lasts: timedelta | None = None,
    ) -> None:
        self.token, self.text = tokens.issue(
            name, source=source, kinds=kinds, services=services, created_by="1 Ada", lasts=lasts
        )
        self.client = APIClient()
        self.client.credentials(HTTP_AUTHORIZATION=f"Token {self.text}")

    def post(self, path: str, body: Any) -> Any:
        """The answer to a body, whatever it is."""
        return self.client.post(f"{ROOT}{path}/", json.dumps(body), content_type="application/json")

    def write(self, path: str, body: Any, *, status: int = 200) -> list[dict[str, Any]]:
        """What became of each record."""
        response = self.post(path, body)
        assert response.status_code == status, response.content
        return list(response.json()["results"])

    def results(self, path: str, body: Any, *, status: int = 200) -> list[str]:
        """What became of each record, in a word."""
        return [each["result"] for each in self.write(path, body, status=status)]


def reasons(result: dict[str, Any]) -> dict[str, str]:
    """Why a record was refused, by field."""
    return {error["field"]: error["reason"] for error in result["errors"]}


RECORDS: dict[str, dict[str, Any]] = {
    "deployments": {
        "environment": "production",
        "started_at": "2026-06-01T09:00:00Z",
        "outcome": "succeeded",
        "commits": 3,
    },
    "incidents": {"severity": 3, "title": "slow", "started_at": "2026-06-02T09:00:00Z"},
    "pages": {"paged_at": "2026-06-02T22:00:00Z"},
    "defects": {"severity": 2, "title": "wrong", "opened_at": "2026-06-02T09:00:00Z"},
    "signals": {
        "signal": "latency",
        "first_seen_at": "2026-01-01T00:00:00Z",
        "last_seen_at": "2026-06-02T09:00:00Z",
    },
    "dependencies": {"on": "db", "type": "sync"},
    "pipeline-runs": {"pipeline": "build", "started_at": "2026-06-02T09:00:00Z", "outcome": "failed"},
    "shifts": {
        "person": "ada",
        "role": "developer",
        "starts_at": "2026-06-01T00:00:00Z",
        "ends_at": "2026-06-08T00:00:00Z",
    },
    "observations": {
        "observer_role": "developer",
        "observed": "client",
        "observed_at": "2026-06-02T09:00:00Z",
        "finding": "they scroll past it",
    },
    "work-items": {"category": "feature", "title": "search", "opened_at": "2026-06-02T09:00:00Z"},
}
"""A good record of each list, without what names it."""
CHANGES: dict[str, dict[str, Any]] = {
    "deployments": {"commits": 4},
    "incidents": {"severity": 2},
    "pages": {"actionable": True},
    "defects": {"severity": 3},
    "signals": {"query": "rate(x)"},
    "dependencies": {"criticality": "hard"},
    "pipeline-runs": {"outcome": "succeeded"},
    "shifts": {"role": "ops"},
    "observations": {"finding": "they do not find it"},
    "work-items": {"category": "incident"},
}
"""What a later record of the same row says."""


def record(path: str, row: str = "r-1", service: str = "pay", **changes: Any) -> dict[str, Any]:
    """A good record of a list."""
    return {"service": service, "source": SOURCE, "id": row, **RECORDS[path], **changes}
