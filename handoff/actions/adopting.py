"""Adoption: services that already live in some state keep it, recorded as adopted without review."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import islice

from django.db import transaction

from handoff.actions.recording import record
from handoff.machine import MANAGEMENT, after
from handoff.models import Transition
from readiness import clock
from readiness.models import Lifecycle, ManagementChange, Service

BEGINNING_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""From when a state holds that has always held, for a service whose launch date nobody knows."""
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Adoption:
    """The state in which a service was found, and since when it holds."""

    service_id: int
    state: str
    effective_at: datetime


def adopted_from(launched_on: date | None) -> datetime:
    """When an adopted state begins: the launch day's first moment in UTC, or the beginning of time."""
    return BEGINNING_OF_TIME if launched_on is None else datetime.combine(launched_on, time(), tzinfo=UTC)


def adopt(
    service: Service, *, state: str, effective_at: datetime, actor: str, reason: str
) -> ManagementChange | None:
    """Record the state in which a live service was found, without review.

    Returns ``None``, and changes nothing, for a service that has a state already or is not live by its
    lifecycle: before launch and after retirement nobody runs it.
    """
    changes = adopt_all([Adoption(service.pk, state, effective_at)], actor=actor, reason=reason)
    return changes[0] if changes else None


def adopt_all(adoptions: Iterable[Adoption], *, actor: str, reason: str) -> list[ManagementChange]:
    """Adopt many services, by :func:`adopt`'s rules; the changes made. A few queries for each thousand."""
    remaining = iter(adoptions)
    changes: list[ManagementChange] = []
    while batch := list(islice(remaining, BATCH)):
        with transaction.atomic():
            made = ManagementChange.objects.bulk_create(
                ManagementChange(
                    service_id=each.service_id,
                    state=each.state,
                    effective_at=each.effective_at,
                    way="adoption",
                    actor=actor,
                    reason=reason,
                    recorded_at=clock.now(),
                )
                for each in _without_state(batch)
            )
            record([_transition(change) for change in made])
            changes += made
    return changes


def _transition(change: ManagementChange) -> Transition:
    move = f"adopt as {change.state}"
    return Transition(
        service_id=change.service_id,
        subject=Transition.Subject.MANAGEMENT,
        move=move,
        to_state=after(MANAGEMENT, "", move),
        actor=change.actor,
        reason=change.reason,
        at=change.effective_at,
    )


def _without_state(adoptions: Sequence[Adoption]) -> list[Adoption]:
    """Those whose services are live and have no state; their rows stay locked until the transaction ends.

    Locked before the second look: of two who adopt one service, the later sees what the earlier did.
    """
    asked = [each.service_id for each in adoptions]
    live = Service.objects.filter(pk__in=asked, lifecycle=Lifecycle.LIVE).order_by("pk")
    stateless = list(live.filter(management_changes=None).values_list("pk", flat=True))
    locked = set(live.filter(pk__in=stateless).select_for_update().values_list("pk", flat=True))
    taken = ManagementChange.objects.filter(service__in=locked).order_by().values_list("service", flat=True)
    free = locked - set(taken)
    return [each for each in adoptions if each.service_id in free]
