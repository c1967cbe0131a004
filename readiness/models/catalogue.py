"""The catalogue: teams, people, systems and the services somebody is paged for."""

import datetime as dt
from functools import partial

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower

from readiness.hours import Hours, parse_business_hours


class Team(models.Model):
    """Owns services (developers) or runs them (ops); its hours decide what is after hours."""

    slug = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=300, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", help_text="IANA name, such as Europe/Berlin.")
    country = models.CharField(
        max_length=2, blank=True, help_text="ISO 3166-1 code; its public holidays are after hours."
    )
    subdivision = models.CharField(max_length=10, blank=True, help_text="ISO 3166-2 part, such as BE or ENG.")
    business_hours = models.CharField(
        max_length=11, default="09:00-18:00", help_text="Start included, end not."
    )
    weekend = models.JSONField(
        default=partial(list, (5, 6)),
        help_text="Days off as numbers, Monday is 0. Saturday and Sunday: [5, 6].",
    )
    placeholder = models.BooleanField(
        default=False, help_text="Made by an import because a service named an owner that no file describes."
    )
    hours_changed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Rows await reclassification since then."
    )

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.title or self.slug

    @property
    def hours(self) -> Hours:
        """The team's hours; raises ``ValueError`` when a field is not what it should be."""
        opens, closes = parse_business_hours(self.business_hours)
        return Hours(
            time_zone=self.time_zone,
            country=self.country or None,
            subdivision=self.subdivision or None,
            opens=opens,
            closes=closes,
            weekend=frozenset(self.weekend),
        )

    def clean(self) -> None:
        """Refuse hours that cannot be computed with."""
        try:
            self.hours.validate()
        except (ValueError, TypeError) as error:
            raise ValidationError(str(error)) from error


class Person(models.Model):
    """Somebody with a role and teams; carries the pager, signs, observes."""

    slug = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=300)
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=20)
    teams = models.ManyToManyField(Team, related_name="members", blank=True)

    class Meta:
        ordering = ["slug"]
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.name


class Identity(models.Model):
    """Who a person is in one source, so that a pager's user and a log-in are one."""

    LOG_IN = "handoff"
    """The source of identities that name a log-in of ours."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identities")
    source = models.CharField(max_length=200)
    external_id = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="identity_is_one_person"),
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"


class System(models.Model):
    """A set of services that belong together (Backstage ``System``)."""

    slug = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="systems")

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.title or self.slug


class Lifecycle(models.TextChoices):
    """Where in life a service is."""

    PRE_LAUNCH = "pre_launch", "pre-launch"
    LIVE = "live", "live"
    RETIRED = "retired", "retired"


class ServiceQuerySet(models.QuerySet["Service"]):
    """Ways to ask for services."""

    def named(self, name: str) -> "ServiceQuerySet":
        """The service with this slug or alias."""
        return self.filter(models.Q(slug=name) | models.Q(aliases__name=name)).distinct()


class Service(models.Model):
    """A deployable thing somebody is paged for."""

    slug = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    tier = models.PositiveSmallIntegerField(default=3, help_text="1 is the highest, 4 the lowest.")
    lifecycle = models.CharField(max_length=20, choices=Lifecycle.choices, default=Lifecycle.LIVE)
    deprecated = models.BooleanField(default=False, help_text="Live, and never proposed for handoff.")
    owner = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="services")
    ops_team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="operated_services"
    )
    system = models.ForeignKey(
        System, on_delete=models.SET_NULL, null=True, blank=True, related_name="services"
    )
    launched_on = models.DateField(null=True, blank=True)
    went_live_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When the catalogue first said that it is live, of a service known here from before that. "
        "Empty: it was live when it became known, or is not live yet.",
    )
    components = models.JSONField(
        default=list, blank=True, help_text="Names of the parts telemetry must cover."
    )
    default_branch = models.CharField(max_length=200, blank=True, help_text="Empty: main or master.")
    depends_on = models.JSONField(
        default=list, blank=True, help_text="As the catalogue says; shown, not scored."
    )
    links = models.JSONField(default=list, blank=True)
    fleet = models.CharField(
        max_length=200, blank=True, help_text="The folder or source it was imported from."
    )
    made_up = models.BooleanField(default=False, help_text="Of a sample fleet: nothing of it ever happened.")

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        permissions = [("evaluate_own_service", "Can evaluate services of own teams")]
        indexes = [
            # the sweep that looks for launches without a review; most services were live when first seen
            models.Index(
                fields=["went_live_at"],
                name="service_went_live",
                condition=models.Q(went_live_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(tier__gte=1, tier__lte=4), name="service_tier_1_to_4"),
            models.CheckConstraint(
                condition=models.Q(lifecycle__in=Lifecycle.values), name="service_lifecycle_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.slug

    def is_live_at(self, moment: dt.datetime) -> bool:
        """Live at T: the lifecycle is live and the launch date is unknown or not after T (UTC)."""
        launched = self.launched_on is None or self.launched_on <= moment.astimezone(dt.UTC).date()
        return self.lifecycle == Lifecycle.LIVE and launched


class ServiceAlias(models.Model):
    """Another name under which evidence may speak of a service."""

    name = models.CharField(max_length=200)
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        verbose_name_plural = "service aliases"
        constraints = [models.UniqueConstraint(Lower("name"), name="alias_names_one_service")]

    def __str__(self) -> str:
        return self.name
