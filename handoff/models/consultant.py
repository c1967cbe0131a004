"""Consultants: ops engineers who advise on services that their developers run."""

import datetime as dt
from decimal import Decimal
from typing import Final

from django.db import models
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from readiness.models import Lifecycle, ManagementChange, ManagementState, Person, Service, Team

LATELY: Final = dt.timedelta(days=90)
"""What a consultant did lately stands beside what they did in all."""


class ConsultantQuerySet(models.QuerySet["Consultant"]):
    """Ways to ask for consultants."""

    def advising(self) -> "ConsultantQuerySet":
        """Those who advise now."""
        return self.filter(ended_at__isnull=True)

    def with_advice(self, today: dt.date) -> "ConsultantQuerySet":
        """With ``hours`` and ``noted`` (how many notes), both also of the last 90 days, and ``newest_on``.

        Each is asked for the rows that are shown, not joined: a list sorts and pages thousands.
        """
        lately = {"given_on__gt": today - LATELY}
        return self.annotate(
            hours=Coalesce(_of_notes(Sum("hours")), Value(0), output_field=_HOURS),
            noted=Coalesce(_of_notes(Count("pk")), Value(0)),
            hours_lately=Coalesce(_of_notes(Sum("hours"), **lately), Value(0), output_field=_HOURS),
            noted_lately=Coalesce(_of_notes(Count("pk"), **lately), Value(0)),
            newest_on=_of_notes(Max("given_on")),
        )


class Consultant(models.Model):
    """A person advises on a service from ``began_at`` until ``ended_at``."""

    class State(models.TextChoices):
        ADVISING = "advising", "advising"
        ENDED = "ended", "ended"

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="consultants")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="consulting")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ConsultantQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "person"],
                condition=Q(ended_at__isnull=True),
                name="a_person_advises_a_service_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at")),
                name="consultant_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} for {self.service}"

    @property
    def state(self) -> str:
        """A ``State``."""
        return self.State.ADVISING.value if self.ended_at is None else self.State.ENDED.value


class AdviceNote(models.Model):
    """What a consultant advised, and how long that took. Written once; a correction is another note."""

    consultant = models.ForeignKey(Consultant, on_delete=models.PROTECT, related_name="notes")
    given_on = models.DateField()
    hours = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        help_text="Hours spent; fewer than 0 take back what was written too much.",
    )
    text = models.TextField()
    author = models.CharField(max_length=300, help_text="Id and name of the person who wrote it.")
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["-given_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(hours__gte=-24, hours__lte=24), name="advice_within_a_day"),
            models.CheckConstraint(condition=~Q(text=""), name="advice_has_a_text"),
        ]

    def __str__(self) -> str:
        return f"{self.given_on}: {self.text[:60]}"


def fit_people() -> "QuerySet[Person]":
    """Who may be a consultant: somebody of a team that operates services, or whose role is ops."""
    operating = Team.objects.filter(operated_services__isnull=False)
    members = Person.objects.filter(teams__in=operating).values("pk")
    return Person.objects.filter(Q(role="ops") | Q(pk__in=members))


def advisable(now: dt.datetime) -> "QuerySet[Service]":
    """Services that may have a consultant: those that their developers run, or are to launch."""
    run = _run_by(now, ManagementState.OPS_MANAGED)
    return Service.objects.exclude(lifecycle=Lifecycle.RETIRED).exclude(_live(now) & run)


def without_consultant(now: dt.datetime) -> "QuerySet[Service]":
    """Live services that their developers run and nobody advises on."""
    advised = Consultant.objects.advising().values("service")
    run = _run_by(now, ManagementState.DEVELOPER_MANAGED)
    return Service.objects.filter(_live(now), run).exclude(pk__in=advised)


_HOURS: models.DecimalField[Decimal, Decimal] = models.DecimalField(max_digits=12, decimal_places=2)


def _of_notes(aggregate: Count | Sum | Max, **conditions: dt.date) -> Subquery:
    """One number of each consultant's notes."""
    notes = AdviceNote.objects.filter(consultant=OuterRef("pk"), **conditions).order_by()
    return Subquery(notes.values("consultant").annotate(answer=aggregate).values("answer"))


def _live(now: dt.datetime) -> Q:
    """As ``Service.is_live_at``, for the database."""
    launched = Q(launched_on__isnull=True) | Q(launched_on__lte=now.astimezone(dt.UTC).date())
    return Q(lifecycle=Lifecycle.LIVE) & launched


def _run_by(now: dt.datetime, state: ManagementState) -> Q:
    """Services whose newest management change by now is to this state; asked of each row by its index."""
    changes = ManagementChange.objects.by(now).filter(service=OuterRef("pk"))
    newest = Subquery(changes.order_by("-effective_at", "-pk").values("state")[:1])
    return Q(Exact(Coalesce(newest, Value("")), Value(state.value)))
