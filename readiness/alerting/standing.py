"""Who runs a service at a moment, as a column of a query."""

from datetime import datetime

from django.db.models import OuterRef, Subquery

from readiness.models import ManagementChange


def state_at(now: datetime, service: str = "pk") -> Subquery:
    """The management state; ``service`` is the path from the row to its service."""
    changes = ManagementChange.objects.by(now).filter(service=OuterRef(service)).order_by("-effective_at")
    return Subquery(changes.values("state")[:1])
