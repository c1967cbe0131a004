"""What changed between two scorecards of a service, and why, as JSON: the admin's words, with codes."""

import datetime as dt
from dataclasses import asdict
from typing import Any

from rest_framework.exceptions import NotFound

from readiness import reading
from readiness.models import Scorecard, Service
from readiness.rendering.causes import Cause
from readiness.rendering.changes import Change

ONLY_ONE = "There is only one scorecard yet."


def changes(service: Service, *, since: dt.datetime | None, until: dt.datetime | None) -> dict[str, Any]:
    """Between the newest scorecards by two moments; without them the current one and the one before it.

    Raises ``NotFound`` where the service was not judged by a moment.
    """
    after = _judged(service, until)
    before = _before(after) if since is None else _judged(service, since)
    if before is None:
        return _document(service, None, after)
    found = reading.compared(before, after)
    return {
        **_document(service, found.before, found.after),
        "summary": found.summary,
        "changes": [_change(each) for each in found.changes],
        "causes": [_cause(each) for each in found.causes],
    }


def _judged(service: Service, at: dt.datetime | None) -> Scorecard:
    card = reading.latest(service, at)
    if card is None:
        raise NotFound(f"{service.slug} has no such scorecard: it was not judged then.")
    return card


def _before(card: Scorecard) -> Scorecard | None:
    """The scorecard before; before the first live one that is the newest of the replayed history."""
    return reading.previous(card) or reading.latest(card.service, card.at - dt.timedelta.resolution)


def _document(service: Service, before: Scorecard | None, after: Scorecard) -> dict[str, Any]:
    return {
        "service": service.slug,
        "from": None if before is None else _card(before),
        "to": _card(after),
        "summary": ONLY_ONE,
        "changes": [],
        "causes": [],
    }


def _card(card: Scorecard) -> dict[str, Any]:
    return {
        "id": card.pk,
        "at": card.at.isoformat(),
        "kind": card.kind,
        "revision": card.revision,
        "judged_at": card.created_at.isoformat(),
        "policy": {"name": card.policy.name, "version": card.policy.version},
    }


def _change(change: Change) -> dict[str, Any]:
    said = asdict(change)
    before, after = said.pop("before"), said.pop("after")
    return {**said, "from": before, "to": after}


def _cause(cause: Cause) -> dict[str, Any]:
    rows = [{"kind": row.kind, "source": row.source, "id": row.id, "url": row.url} for row in cause.rows]
    return {"code": cause.code, "text": cause.text, "kind": cause.kind, "count": cause.count, "rows": rows}
