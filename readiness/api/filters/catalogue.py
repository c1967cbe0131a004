"""Filters of teams, systems and services."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet

from readiness.api.filters.base import (
    ChoicesFilter,
    FlagFilter,
    ListFilter,
    system_filter,
    team_filter,
)
from readiness.criteria import CRITERIA
from readiness.models import Lifecycle, ManagementState, ServiceAlias
from readiness.models.evidence import KINDS
from readiness.models.scorecard import VERDICTS

TIERS = [(tier, str(tier)) for tier in (1, 2, 3, 4)]
CRITERION_CHOICES = [(criterion.slug, criterion.slug) for criterion in CRITERIA]
VERDICT_CHOICES = [
    (word, word) for word in dict.fromkeys(word for words in VERDICTS.values() for word in words)
]


class TeamFilter(ListFilter):
    """Teams."""

    searched = ("slug", "title")

    country = django_filters.CharFilter(lookup_expr="iexact", help_text="ISO 3166-1 code.")
    time_zone = django_filters.CharFilter(help_text="IANA name.")
    placeholder = FlagFilter(help_text="Named by a service, described by no file.")


class SystemFilter(ListFilter):
    """Systems."""

    searched = ("slug", "title")

    owner = team_filter("owner", "Slug of the owner team.")


class ServiceFilter(ListFilter):
    """Services, by what they are and by their current judgement."""

    searched = ("slug", "title", "description", "alias")

    team = team_filter("owner", "Slug of the owner team.")
    ops_team = team_filter("ops_team", "Slug of the ops team.")
    system = system_filter("system")
    tier = ChoicesFilter(TIERS, help_text="1 is the highest.")
    lifecycle = ChoicesFilter(Lifecycle.choices)
    deprecated = FlagFilter()
    fleet = django_filters.CharFilter(help_text="The folder or source it was imported from.")
    made_up = FlagFilter(help_text="Of a sample fleet: nothing of it ever happened.")
    state = ChoicesFilter(ManagementState.choices, field_name="current__management_state")
    judged = FlagFilter(
        field_name="current", lookup_expr="isnull", exclude=True, help_text="Has a judgement."
    )
    verdict = ChoicesFilter(
        VERDICT_CHOICES, field_name="current__verdict", help_text="The verdict that applies to the service."
    )
    verdict_of = ChoicesFilter(
        [(name, name) for name in VERDICTS if name != "deploy"],
        field_name="current__verdict_of",
        help_text="Which verdict applies.",
    )
    level = django_filters.CharFilter(
        field_name="current__level", help_text="A level of the policy, or none."
    )
    below = ChoicesFilter(
        CRITERION_CHOICES,
        method="spaced",
        field_name="current__below",
        help_text="A criterion under its threshold.",
    )
    silent = ChoicesFilter(
        KINDS,
        method="spaced",
        field_name="current__silent",
        help_text="A kind of evidence whose feed is silent.",
    )

    def spaced(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        """Rows whose text of words between blanks has one of these."""
        found = Q()
        for word in value:
            found |= Q(**{f"{name}__contains": f" {word} "})
        return rows.filter(found)

    def contains(self, word: str) -> Q:
        """An alias is a row of its own: asked beside, so that no service comes twice."""
        found = Q(slug__icontains=word) | Q(title__icontains=word) | Q(description__icontains=word)
        return found | Q(Exists(ServiceAlias.objects.filter(service=OuterRef("pk"), name__icontains=word)))
