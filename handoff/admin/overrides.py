"""Overridden verdicts as pages show them: the label with the reason, and the filter of the fleet list."""

from typing import Final

from django.db.models import Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from handoff.models import Review, VerdictOverride
from readiness.admin.filters import ChoiceFilter
from readiness.admin.labels import label
from readiness.models import Service

# Put together once: the fleet list asks for it with every page.
_OF_SERVICE: Final = VerdictOverride.objects.carrying().reason_of(service="pk")
_OF_REVIEW: Final = VerdictOverride.objects.standing().reason_of(review="pk")


class OverriddenFilter(ChoiceFilter):
    """Of the fleet list: whether an overridden verdict carries who runs a service, or a review under way."""

    title = "overridden verdict"
    parameter_name = "overridden"
    options = [("yes", "rests on an override"), ("no", "rests on none")]

    def condition(self, value: str) -> Q | None:
        """Services, by the overrides that carry something."""
        rests = Q(pk__in=VerdictOverride.objects.carrying().values("service"))
        return {"yes": rests, "no": ~rests}.get(value)


def with_overrides(services: "QuerySet[Service]") -> "QuerySet[Service]":
    """Services that each know, as ``overridden``, the reason of the override that carries them, if any."""
    return services.annotate(overridden=_OF_SERVICE)


def reviews_with_overrides(reviews: "QuerySet[Review]") -> "QuerySet[Review]":
    """Reviews that each know, as ``overridden``, the reason of the override that stands, if any."""
    return reviews.annotate(overridden=_OF_REVIEW)


def marked(said: str, row: Service | Review) -> SafeString | str:
    """What is said of a row that knows its override, with the mark where there is one."""
    reason: str | None = getattr(row, "overridden", None)
    return format_html("{} {}", said, label("overridden", "warn", title=reason)) if reason else said
