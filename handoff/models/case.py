"""Cases: a service on its way from one who runs it to another, from proposal to end."""

import datetime as dt
from typing import Final

from django.db import models
from django.db.models import F, Q

from handoff.machine import HANDBACK, HANDOFF, Moves
from handoff.models.review import Review
from readiness.models import Person, Scorecard, Service

ENDED: Final = ("confirmed", "stabilised", "completed", "rejected", "withdrawn", "lapsed")
"""States that a case ends in. ``confirmed`` is the end of a release; a repair goes on to be stabilised."""
CONFIRMED: Final = ("confirmed", "stabilising", "stabilised", "backed_up", "completed")
"""States of a case whose service has moved."""
REVIEWED: Final = ("in_review", "approved", "shadowing", "backed_up", "completed")
"""States of a handoff that has a review."""
CUT_SHORT: Final = "withdrawn"
"""Also that of a case whose service moved, and came to its end while it was stabilising."""


def _states(moves: Moves) -> list[str]:
    """The states of a kind of case, in order."""
    return sorted(set(moves.values()))


class CaseQuerySet(models.QuerySet["Case"]):
    """Ways to ask for cases."""

    def open(self) -> "CaseQuerySet":
        """Those that have not come to their end."""
        return self.filter(ended_at__isnull=True)


class Case(models.Model):
    """A handoff or handback on its way. A service has one open case at most."""

    class Kind(models.TextChoices):
        HANDOFF = "handoff", "handoff"
        HANDBACK = "handback", "handback"

    class HandbackKind(models.TextChoices):
        REPAIR = "repair", "repair"
        RELEASE = "release", "release"

    class Trigger(models.TextChoices):
        PERSON = "person", "person"
        VERDICT = "verdict", "verdict"

    class Side(models.TextChoices):
        DEVELOPERS = "developers", "developers"
        OPS = "ops", "ops"

    class State(models.TextChoices):
        PROPOSED = "proposed", "proposed"
        IN_REVIEW = "in_review", "in review"
        APPROVED = "approved", "approved"
        SHADOWING = "shadowing", "shadowing"
        BACKED_UP = "backed_up", "backed up"
        COMPLETED = "completed", "completed"
        JOINT_REPAIR = "joint_repair", "joint repair"
        STABILISING = "stabilising", "stabilising"
        CONFIRMED = "confirmed", "confirmed"
        STABILISED = "stabilised", "stabilised"
        REJECTED = "rejected", "rejected"
        WITHDRAWN = "withdrawn", "withdrawn"
        LAPSED = "lapsed", "lapsed"

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="cases", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    handback_kind = models.CharField(
        max_length=10,
        choices=HandbackKind.choices,
        blank=True,
        help_text="Of a handback. repair: it regressed. release: it needs no operations any more.",
    )
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PROPOSED)
    reason = models.TextField(help_text="Why it was proposed.")
    verdict = models.CharField(
        max_length=20,
        blank=True,
        help_text="The verdict on the move when it was proposed; empty: not judged.",
    )
    proposer = models.CharField(
        max_length=300, help_text="Id and name of the person, or the rule with its version."
    )
    proposer_side = models.CharField(max_length=10, choices=Side.choices)
    opened_at = models.DateTimeField()
    repair_plan = models.TextField(blank=True, help_text="What both sides do before anybody hands back.")
    repair_owner = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="joint_repairs"
    )
    repair_began_at = models.DateTimeField(null=True, blank=True)
    repair_ends_at = models.DateTimeField(null=True, blank=True)
    review = models.OneToOneField(
        Review,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="case",
        help_text="Of a handoff: the review that decides about it.",
    )
    accepted_by = models.CharField(
        max_length=300, blank=True, help_text="Who of the ops team accepted to carry the service."
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    room_seen = models.JSONField(
        null=True, blank=True, help_text="What the ops team saw that it carries and would carry."
    )
    decider = models.CharField(max_length=300, blank=True, help_text="Who confirmed or rejected it.")
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="The service has moved since.")
    moved_card = models.ForeignKey(
        Scorecard,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of a handoff: what the move rests on, and what look backs compare with.",
    )
    backup_ends_at = models.DateTimeField(
        null=True, blank=True, help_text="Of a handoff: until then developers are paged second."
    )
    reachable: "models.ManyToManyField[Person, models.Model]" = models.ManyToManyField(
        Person, blank=True, related_name="+", help_text="Developers who stay reachable after a handoff."
    )
    reachable_until = models.DateField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    measured_card = models.BigIntegerField(
        null=True, blank=True, help_text="Key of the last scorecard that its progress was read from."
    )
    scorecards: "models.ManyToManyField[Scorecard, CaseScorecard]" = models.ManyToManyField(
        Scorecard, through="CaseScorecard", related_name="+", help_text="What justified it."
    )

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        permissions = [
            ("propose_own_case", "Can propose to move services of own teams"),
            ("decide_case", "Can decide about cases"),
            ("decide_own_case", "Can decide about cases of services that own teams operate"),
            ("work_case", "Can write findings, plans and comments of cases"),
            ("work_own_case", "Can write findings, plans and comments of cases of own teams"),
        ]
        indexes = [
            # the page of a service
            models.Index(fields=["service", "-opened_at"], name="case_service_opened"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["service"], condition=Q(ended_at__isnull=True), name="one_open_case_of_a_service"
            ),
            models.CheckConstraint(
                condition=Q(kind="handoff", handback_kind="")
                | (Q(kind="handback") & Q(handback_kind__in=["repair", "release"])),
                name="case_is_a_handoff_or_handback",
            ),
            models.CheckConstraint(
                condition=Q(kind="handoff", state__in=_states(HANDOFF))
                | Q(kind="handback", state__in=_states(HANDBACK)),
                name="case_is_in_a_state_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(accepted_by="", accepted_at__isnull=True, room_seen__isnull=True)
                | (
                    Q(kind="handoff", accepted_at__isnull=False, room_seen__isnull=False) & ~Q(accepted_by="")
                ),
                name="case_accepted_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(proposer=F("accepted_by")), name="case_accepted_by_another"),
            models.CheckConstraint(
                condition=~Q(state__in=REVIEWED) | Q(review__isnull=False), name="handoff_rests_on_a_review"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["shadowing", "backed_up", "completed"]) | ~Q(accepted_by=""),
                name="handoff_is_accepted_first",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["backed_up", "completed"])
                | Q(moved_card__isnull=False, backup_ends_at__gt=F("confirmed_at")),
                name="handoff_moved_on_a_scorecard",
            ),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(proposer=""), name="case_has_a_reason"),
            models.CheckConstraint(condition=~Q(proposer=F("decider")), name="case_two_people"),
            models.CheckConstraint(
                condition=Q(state__in=ENDED, ended_at__isnull=False)
                | (~Q(state__in=ENDED) & Q(ended_at__isnull=True)),
                name="case_ends_in_a_last_state",
            ),
            models.CheckConstraint(
                condition=(Q(state__in=[*CONFIRMED, CUT_SHORT], confirmed_at__isnull=False) & ~Q(decider=""))
                | (~Q(state__in=CONFIRMED) & Q(confirmed_at__isnull=True)),
                name="case_confirmed_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="joint_repair")
                | (
                    ~Q(repair_plan="")
                    & Q(
                        repair_owner__isnull=False,
                        repair_began_at__isnull=False,
                        repair_ends_at__gt=F("repair_began_at"),
                    )
                ),
                name="joint_repair_has_plan_owner_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.about} of {self.opened_at:%Y-%m-%d}"

    @property
    def about(self) -> str:
        """What it is, in words."""
        kind = self.get_kind_display()
        return f"{kind} ({self.handback_kind})" if self.handback_kind else kind


class CaseScorecard(models.Model):
    """A scorecard that justified a case; it is kept as long as the case."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="justifications")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "scorecard"], name="case_justified_once_by_a_card")
        ]

    def __str__(self) -> str:
        return f"{self.case_id} justified by {self.scorecard_id}"


class Finding(models.Model):
    """What was found to be wrong with the service."""

    class Kind(models.TextChoices):
        DESIGN = "design", "design"
        CODE = "code", "code"
        OTHER = "other", "other"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    severity = models.PositiveSmallIntegerField(help_text="1 is the worst, 4 the least.")
    text = models.TextField()
    incidents = models.JSONField(default=list, blank=True, help_text="Incidents, each as source:id.")
    defects = models.JSONField(default=list, blank=True, help_text="Defects, each as source:id.")
    review_item = models.CharField(
        max_length=100, blank=True, help_text="Code of the review item that should have caught it."
    )
    author = models.CharField(max_length=300)
    written_at = models.DateTimeField()
    closer = models.CharField(max_length=300, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["severity", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(severity__gte=1, severity__lte=4), name="finding_severity"),
            models.CheckConstraint(condition=~Q(text=""), name="finding_has_a_text"),
            models.CheckConstraint(
                condition=Q(closer="", closed_at__isnull=True) | (~Q(closer="") & Q(closed_at__isnull=False)),
                name="finding_closed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}, severity {self.severity}: {self.text[:60]}"


class StabilisationItem(models.Model):
    """Something to do until the service is stable, by whom and when."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="plan")
    text = models.TextField()
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="stabilisation_items")
    due_on = models.DateField()
    author = models.CharField(max_length=300)
    written_at = models.DateTimeField()
    doer = models.CharField(max_length=300, blank=True, help_text="Who said that it is done.")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="plan_item_has_a_text"),
            models.CheckConstraint(
                condition=Q(doer="", done_at__isnull=True) | (~Q(doer="") & Q(done_at__isnull=False)),
                name="plan_item_done_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.text[:60]} by {self.due_on}"

    def is_overdue(self, today: dt.date) -> bool:
        """Whether its day has passed and it is not done."""
        return self.done_at is None and self.due_on < today


class ExitCriterion(models.Model):
    """What must be reached before the service counts as stabilised, and how far it is."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="exit_criteria")
    measure = models.CharField(max_length=100, help_text="A criterion's slug, or clock_days.")
    threshold = models.FloatField()
    at_confirmation = models.FloatField(
        null=True, blank=True, help_text="When it was confirmed; the clock began anew then."
    )
    latest = models.FloatField(
        null=True, blank=True, help_text="Empty: not measured, or not enough evidence."
    )
    measured_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "exit criteria"
        constraints = [
            models.UniqueConstraint(fields=["case", "measure"], name="exit_criterion_once"),
        ]

    def __str__(self) -> str:
        return f"{self.measure} at least {self.threshold:g}"

    @property
    def met(self) -> bool:
        """Whether the newest scorecard that was read reached it."""
        return self.latest is not None and self.latest >= self.threshold


class CaseComment(models.Model):
    """What somebody said about a case. Written once."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="comments")
    text = models.TextField()
    author = models.CharField(max_length=300)
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="case_comment_has_a_text")]

    def __str__(self) -> str:
        return self.text[:60]
