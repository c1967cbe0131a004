"""Applies recorded decisions through the actions that everybody uses, each once, at its own moment."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Final, Generic, TypeVar

from django.db import IntegrityError, transaction

from handoff.actions import InvalidError, NotAllowedError, RefusedError, as_recorded, newest
from handoff.decisions.acting import acting
from handoff.decisions.naming import person_called, service_called
from handoff.decisions.passing import follow, pass_time
from handoff.decisions.records import Decision
from handoff.decisions.verbs import VERBS
from handoff.models import AppliedDecision, Transition
from readiness import clock, rejudging
from readiness.evidence import Problem, Rejection
from readiness.models import Service

Place = TypeVar("Place")
CONTRADICTS: Final = "contradicts what is on record"


@dataclass(slots=True)
class Applied:
    """How many recorded decisions were applied, were applied before, and were refused."""

    applied: int = 0
    unchanged: int = 0
    rejected: int = 0

    def as_json(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


@dataclass(slots=True)
class DecisionImport(Generic[Place]):
    """One import of the recorded decisions of a fleet.

    Each is applied in a transaction of its own, with the row by which it is known again: a killed import is
    gone on with by the next, and a second one changes nothing. What an action refuses is a bad line.
    """

    fleet: str
    refuse: Callable[[Place, Rejection], None]
    advance: Callable[[], None] = lambda: None

    def store(self, lines: Iterable[tuple[Place, Decision | Rejection]]) -> Applied:
        """Apply them in the order of their moments; those of one moment in the order in which they came."""
        counts = Applied()
        good: list[tuple[Place, Decision]] = []
        for place, line in lines:
            if isinstance(line, Rejection):
                counts.rejected += 1
                self.refuse(place, line)
                self.advance()
            else:
                good.append((place, line))
        # sorting keeps the order of equals
        good.sort(key=lambda each: each[1].at)
        services = self._services(good)
        known = set(AppliedDecision.objects.filter(fleet=self.fleet).values_list("digest", flat=True))
        for place, decision in good:
            if decision.digest in known:
                counts.unchanged += 1
            else:
                self._store_one(place, decision, services, counts=counts)
            self.advance()
        pass_time(services, clock.now())
        return counts

    def _store_one(
        self, place: Place, decision: Decision, services: Collection[int], *, counts: Applied
    ) -> None:
        pass_time(services, decision.at)
        try:
            if self._apply(decision):
                counts.applied += 1
            else:
                counts.unchanged += 1
        except RefusedError as refused:
            counts.rejected += 1
            self.refuse(place, Rejection((Problem(_field(refused), str(refused)),)))

    def _apply(self, decision: Decision) -> bool:
        """Whether it was applied now. Raises ``RefusedError``; nothing is written then."""
        try:
            with transaction.atomic():
                _, new = AppliedDecision.objects.get_or_create(
                    fleet=self.fleet, digest=decision.digest, defaults={"applied_at": clock.real_now()}
                )
                if new:
                    _act(decision)
                return new
        except IntegrityError as error:
            raise RefusedError(CONTRADICTS) from error

    def _services(self, decisions: Iterable[tuple[Place, Decision]]) -> frozenset[int]:
        names = {decision.service for _, decision in decisions}
        found = (Service.objects.named(name).values_list("pk", flat=True).first() for name in sorted(names))
        return frozenset(pk for pk in found if pk is not None)


def _field(refused: RefusedError) -> str:
    """Which field of the line is at fault; none where it is the line in its place."""
    if isinstance(refused, InvalidError):
        return refused.field
    return "actor" if isinstance(refused, NotAllowedError) else ""


def _act(decision: Decision) -> None:
    service = service_called(decision.service)
    by = acting(person_called("actor", decision.actor))
    verb = VERBS[decision.action]
    before = Transition.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with as_recorded(decision.at):
        follow(service)
        if verb.decides:
            newest(service)
        verb.do(decision, service, by)
        _refuse_late(service, before)
    rejudging.mark([service.pk])


def _refuse_late(service: Service, before: int) -> None:
    """What has moved on since the decision's moment is not moved as of that moment any more."""
    for made in Transition.objects.filter(service=service, pk__gt=before):
        same = {"service": service, "subject": made.subject, "subject_id": made.subject_id}
        later = Transition.objects.filter(**same, pk__lte=before, at__gt=made.at).order_by("-at").first()
        if later is not None:
            since = f"{later.at:%Y-%m-%d %H:%M}, since when it is {later.to_state.replace('_', ' ')}"
            raise InvalidError("at", f"is before {since}: it comes too late")
