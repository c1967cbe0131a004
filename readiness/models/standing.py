"""Standing: what judgement must know of decisions. Read here; written by ``handoff.actions`` alone."""

import datetime as dt
from collections.abc import Iterable

from django.db import models
from django.db.models import Case, F, Q, Value, When

from readiness import clock
from readiness.models.catalogue import Service


class ManagementState(models.TextChoices):
    """Who runs a live service."""

    DEVELOPER_MANAGED = "developer_managed", "developer-managed"
    OPS_MANAGED = "ops_managed", "ops-managed"


class ManagementChangeQuerySet(models.QuerySet["ManagementChange"]):
    """Ways to ask for management changes."""

    def by(self, moment: dt.datetime) -> "ManagementChangeQuerySet":
        """Changes that were in effect at this moment or had been before it."""
        return self.filter(effective_at__lte=moment)


class ManagementChange(models.Model):
    """From this moment on the service is in this state; the period ends where the next change begins."""

    LAUNCH = "launch"
    HANDOFF = "handoff"
    HANDBACK_REPAIR = "handback_repair"
    WAYS = [
        ("adoption", "adopted without review"),
        (LAUNCH, "launch"),
        (HANDOFF, "handoff"),
        (HANDBACK_REPAIR, "handback (repair)"),
        ("handback_release", "handback (release)"),
    ]

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="management_changes")
    state = models.CharField(max_length=20, choices=ManagementState.choices)
    effective_at = models.DateTimeField(help_text="Adopted states may reach back to the beginning of time.")
    way = models.CharField(max_length=20, choices=WAYS)
    actor = models.CharField(
        max_length=300, help_text="Id and name of the person, or the rule with its version."
    )
    reason = models.TextField(blank=True)
    recorded_at = models.DateTimeField()

    objects = ManagementChangeQuerySet.as_manager()

    class Meta:
        ordering = ["service_id", "-effective_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "effective_at"], name="one_management_change_a_moment"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ManagementState.values), name="management_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} since {self.effective_at:%Y-%m-%d}"


class WaiverQuerySet(models.QuerySet["Waiver"]):
    """Ways to ask for waivers."""

    def live_at(self, moment: dt.datetime) -> "WaiverQuerySet":
        """Approved by this moment, not ended and not revoked by it."""
        return self.filter(approved_at__lte=moment, ends_at__gt=moment).filter(
            Q(revoked_at__isnull=True) | Q(revoked_at__gt=moment)
        )

    def under_way(self) -> "WaiverQuerySet":
        """Asked for or live as is on record: nothing says yet what became of them."""
        return self.filter(UNDER_WAY)

    def in_state(self, states: Iterable[str], moment: dt.datetime) -> "WaiverQuerySet":
        """Those whose :meth:`Waiver.state_at` this moment is one of these."""
        ended = [When(**{f"{state}_at__lte": moment}, then=Value(state)) for state in Waiver.ENDED_BY_PEOPLE]
        state = Case(
            *ended,
            When(ends_at__lte=moment, then=Value("expired")),
            When(approved_at__lte=moment, then=Value("live")),
            When(asked_at__lte=moment, then=Value("asked")),
            default=Value(""),
            output_field=models.CharField(),
        )
        return self.alias(state_then=state).filter(state_then__in=list(states))


ENDS = ("refused_at", "withdrawn_at", "revoked_at", "expired_at")
UNDER_WAY = Q(**{f"{end}__isnull": True for end in ENDS})


def _at_most_one() -> Q:
    """At most one of the ways to end is on record."""
    one = Q()
    for end in ENDS:
        one |= Q(**{f"{other}__isnull": True for other in ENDS if other != end})
    return one


class Waiver(models.Model):
    """A time-limited, reasoned, approved exception to one criterion or blocker of one service."""

    class State(models.TextChoices):
        """What became of it, by the clock."""

        ASKED = "asked", "asked for"
        LIVE = "live", "live"
        REFUSED = "refused", "refused"
        WITHDRAWN = "withdrawn", "withdrawn"
        REVOKED = "revoked", "revoked"
        EXPIRED = "expired", "expired"

    ENDED_BY_PEOPLE = (State.WITHDRAWN, State.REFUSED, State.REVOKED)

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="waivers")
    target = models.CharField(max_length=100, help_text="A criterion's slug or a blocker's code.")
    reason = models.TextField()
    url = models.URLField(max_length=1000, blank=True)
    author = models.CharField(max_length=300)
    asked_at = models.DateTimeField()
    approver = models.CharField(max_length=300, blank=True, default="")
    approved_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField()
    refused_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    expired_at = models.DateTimeField(null=True, blank=True, help_text="When its end was put on record.")

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering = ["service_id", "-ends_at", "pk"]
        permissions = [
            ("ask_own_waiver", "Can ask for waivers of services of own teams"),
            ("decide_waiver", "Can decide about waivers"),
            ("decide_own_waiver", "Can decide about waivers of services that own teams operate"),
        ]
        indexes = [
            # each minute: which have ended (handoff.actions), which end soon (readiness.alerting)
            models.Index(fields=["ends_at"], name="waiver_under_way", condition=UNDER_WAY),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("approved_at")), name="waiver_ends_after_approval"
            ),
            models.CheckConstraint(condition=Q(approved_at__gte=F("asked_at")), name="waiver_asked_first"),
            models.CheckConstraint(condition=~Q(reason=""), name="waiver_has_a_reason"),
            models.CheckConstraint(condition=~Q(author=F("approver")), name="waiver_two_people"),
            models.CheckConstraint(
                condition=Q(approver="", approved_at__isnull=True)
                | (~Q(approver="") & Q(approved_at__isnull=False)),
                name="waiver_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True) | Q(refused_at__isnull=True, withdrawn_at__isnull=True),
                name="waiver_decided_once",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(approved_at__isnull=False),
                name="waiver_revoked_once_approved",
            ),
            models.CheckConstraint(condition=_at_most_one(), name="waiver_ends_one_way"),
            models.CheckConstraint(
                condition=Q(expired_at__gte=F("ends_at")), name="waiver_expired_at_its_end"
            ),
            models.UniqueConstraint(
                fields=["service", "target"],
                condition=UNDER_WAY & Q(approved_at__isnull=True),
                name="one_waiver_asked_for",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target} until {self.ends_at:%Y-%m-%d}"

    @property
    def state(self) -> str:
        """asked, live, refused, withdrawn, revoked or expired, by the clock.

        One whose end has passed is expired at once, and on record as that within a minute.
        """
        return self.state_at(clock.now())

    def state_at(self, moment: dt.datetime) -> str:
        """The state as of a moment, as a word of :class:`State`; empty before it was asked for."""
        for state in self.ENDED_BY_PEOPLE:
            if _by(getattr(self, f"{state}_at"), moment):
                return state.value
        if self.ends_at <= moment:
            return self.State.EXPIRED.value
        if _by(self.approved_at, moment):
            return self.State.LIVE.value
        return self.State.ASKED.value if self.asked_at <= moment else ""


def _by(at: dt.datetime | None, moment: dt.datetime) -> bool:
    return at is not None and at <= moment
