"""Reviews: checklists that people and scorecards fill, before a launch or before operations take over."""

import datetime as dt

from django.db import models
from django.db.models import Q

from handoff.checklists import ItemState, Outcome, Side
from readiness.models import Person, Scorecard, Service


class ReviewQuerySet(models.QuerySet["Review"]):
    """Ways to ask for reviews."""

    def open(self) -> "ReviewQuerySet":
        """Those that are worked on."""
        return self.filter(state=Review.State.OPEN)

    def under_way(self) -> "ReviewQuerySet":
        """Those that may still lead to something."""
        return self.filter(state__in=UNDER_WAY)

    def may_lapse(self) -> "ReviewQuerySet":
        """Those under way that end by themselves: a shadow that began has an end of its own."""
        led_on = Q(state=Review.State.SIGNED, case__shadows__isnull=False)
        return self.under_way().exclude(led_on)


class Review(models.Model):
    """One review of a service. Once signed it stays as it is, with the scorecard that it saw."""

    class Kind(models.TextChoices):
        LAUNCH = "launch", "launch review"
        HANDOFF = "handoff", "handoff review"

    class State(models.TextChoices):
        OPEN = "open", "open"
        SIGNED = "signed", "signed"
        USED = "used", "signed, and used"
        REJECTED = "rejected", "rejected"
        WITHDRAWN = "withdrawn", "withdrawn"
        LAPSED = "lapsed", "lapsed"

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="reviews")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    checklist = models.CharField(max_length=50, help_text="Name of the checklist that it was opened with.")
    checklist_version = models.PositiveIntegerField()
    lapse_days = models.PositiveIntegerField(help_text="So long it may stay without an end.")
    opened_by = models.CharField(max_length=300, help_text="Id and name of the person.")
    opened_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    scorecard = models.ForeignKey(
        Scorecard,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What its measured items were last filled from; frozen once it is signed.",
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        permissions = [("review_own_service", "Can review services of own teams")]
        indexes = [
            # the sweep: what is to be filled, and what lapses
            models.Index(fields=["state"], name="review_under_way", condition=Q(ended_at__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "kind"],
                condition=Q(state__in=["open", "signed"]),
                name="one_review_of_a_kind_under_way",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "rejected", "withdrawn", "lapsed"], signed_at__isnull=True)
                | Q(
                    state__in=["signed", "used", "withdrawn", "lapsed"],
                    signed_at__isnull=False,
                    scorecard__isnull=False,
                ),
                name="review_is_signed_on_a_scorecard",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "signed"], ended_at__isnull=True)
                | Q(state__in=["used", "rejected", "withdrawn", "lapsed"], ended_at__isnull=False),
                name="review_that_ended_has_an_end",
            ),
        ]

    def __str__(self) -> str:
        opened: dt.datetime = self.opened_at
        return f"{self.get_kind_display()} of {self.service}, {opened:%Y-%m-%d}"


UNDER_WAY = (Review.State.OPEN, Review.State.SIGNED)


class ChecklistItem(models.Model):
    """One item of a review, as it was last left; its outcomes tell how it came there."""

    class Way(models.TextChoices):
        MEASURED = "measured", "measured"
        SHOWN = "shown", "shown"
        ATTESTED = "attested", "attested"

    OUTCOMES = [
        ("open", "open"),
        ("met", "met"),
        ("not_met", "not met"),
        ("accepted", "accepted with a condition"),
        ("overridden", "accepted by override"),
        ("not_applicable", "not applicable"),
        ("lapsed", "lapsed"),
    ]

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="items", db_index=False)
    position = models.PositiveSmallIntegerField()
    topic = models.CharField(max_length=200)
    slug = models.CharField(max_length=50)
    dependency = models.CharField(
        max_length=200, blank=True, help_text="The service it needs, where it is asked for each."
    )
    text = models.CharField(max_length=200)
    way = models.CharField(max_length=10, choices=Way.choices)
    source = models.CharField(max_length=50, blank=True, help_text="What fills it, where people do not.")
    days = models.PositiveSmallIntegerField(null=True, blank=True, help_text="So long an attestation lives.")
    drill = models.CharField(max_length=20, blank=True, help_text="The kind of drill that fills it.")
    outcome = models.CharField(max_length=20, choices=OUTCOMES, default="open")
    blocking = models.BooleanField(default=False)
    says = models.TextField(blank=True, help_text="What was measured, or the remark of whoever said so.")
    lapses_on = models.DateField(null=True, blank=True)
    agreed = models.JSONField(default=list, blank=True, help_text="Sides that hold it to be not applicable.")
    waivers = models.JSONField(default=list, blank=True, help_text="Keys of the waivers it relies on.")
    assignee = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="checklist_items"
    )
    due_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["review_id", "position", "dependency", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["review", "slug", "dependency"], name="item_asked_once"),
            models.CheckConstraint(
                condition=Q(blocking=False) | Q(outcome="not_met"), name="only_findings_block"
            ),
            models.CheckConstraint(
                condition=~Q(way="shown") | Q(outcome="open"), name="what_is_shown_has_no_outcome"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.text}: {self.dependency}" if self.dependency else self.text

    @property
    def state(self) -> ItemState:
        """What the rules read; ask for it with ``conditions`` prefetched."""
        due = [each.due_on for each in self.conditions.all() if each.fulfilled_at is None]
        return ItemState(
            text=str(self),
            outcome=Outcome(self.outcome),
            measured=self.way == self.Way.MEASURED,
            shown=self.way == self.Way.SHOWN,
            blocking=self.blocking,
            lapses_on=self.lapses_on,
            condition_due=min(due, default=None),
            agreed=tuple(self.agreed),
            waivers=tuple(self.waivers),
        )


class ItemOutcome(models.Model):
    """An item came to an outcome: who or which rule said so, when, and on what. Written once."""

    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="history")
    outcome = models.CharField(max_length=20, choices=ChecklistItem.OUTCOMES)
    blocking = models.BooleanField(default=False)
    side = models.CharField(
        max_length=10, blank=True, help_text="For which side it was said, where it counts."
    )
    actor = models.CharField(max_length=300, help_text="Id and name of the person, or the rule.")
    name = models.CharField(max_length=300, blank=True, help_text="Who attests it.")
    said_on = models.DateField(null=True, blank=True, help_text="Since when it is so.")
    url = models.URLField(max_length=1000, blank=True)
    remark = models.TextField(blank=True)
    scorecard = models.ForeignKey(
        Scorecard, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(actor=""), name="outcome_has_an_actor"),
            models.CheckConstraint(condition=~Q(url="", remark=""), name="outcome_has_a_link_or_remark"),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} by {self.actor}"


class Condition(models.Model):
    """What an item was accepted under: somebody sees to it by a day, or the item is open again."""

    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="conditions")
    text = models.TextField()
    severity = models.PositiveSmallIntegerField(help_text="1 is the highest, 4 the lowest.")
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="review_conditions")
    due_on = models.DateField()
    set_by = models.CharField(max_length=300)
    set_at = models.DateTimeField()
    fulfilled_by = models.CharField(max_length=300, blank=True)
    fulfilled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["item_id", "-set_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(fulfilled_at__isnull=True), name="one_condition_at_a_time"
            ),
            models.CheckConstraint(condition=Q(severity__gte=1, severity__lte=4), name="condition_severity"),
            models.CheckConstraint(condition=~Q(text=""), name="condition_has_a_text"),
        ]

    def __str__(self) -> str:
        return f"{self.text[:60]}, due {self.due_on}"


class ReviewComment(models.Model):
    """What somebody said of a review or of one of its items. Written once."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="comments")
    item = models.ForeignKey(
        ChecklistItem, on_delete=models.PROTECT, null=True, blank=True, related_name="comments"
    )
    author = models.CharField(max_length=300, help_text="Id and name of the person.")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="review_comment_has_a_text")]

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:60]}"


class SignOff(models.Model):
    """One side signed a review. Written once."""

    SIDES = [(side.value, side.value) for side in Side]

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="sign_offs", db_index=False)
    side = models.CharField(max_length=10, choices=SIDES)
    actor = models.CharField(max_length=300, help_text="Id and name of the person.")
    remark = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["review", "side"], name="one_sign_off_a_side"),
            models.UniqueConstraint(fields=["review", "actor"], name="a_person_signs_once"),
            models.CheckConstraint(condition=Q(side__in=[side.value for side in Side]), name="side_is_known"),
            models.CheckConstraint(condition=~Q(actor=""), name="sign_off_has_an_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.side}: {self.actor}"
