"""Policies, version by version: the rubric of each tier as tables, and the text as it was given."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from pydantic import BaseModel

from readiness.admin.charts import curve
from readiness.admin.labels import label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.criteria import BY_SLUG
from readiness.criteria.wording import number
from readiness.evaluation import parsed
from readiness.models import PolicyVersion
from readiness.policy import TIERS
from readiness.rubric import Rubric, RubricCriterion

USUAL_TIER = 3


@dataclass(frozen=True, slots=True)
class PartRule:
    """A part as a row."""

    title: str
    weight: str
    picture: SafeString
    points: str


@dataclass(frozen=True, slots=True)
class CriterionRule:
    """A criterion as a block of rows."""

    title: str
    slug: str
    weight: str
    gated: bool
    threshold: str
    parts: list[PartRule]
    settings: list[tuple[str, str]]


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    """Versions never change; which one is in force is what changes."""

    list_display = ("version_name", "force", "created_at", "short_digest")
    search_fields = ("name",)
    ordering = ("-in_force", "name", "-version")
    empty_says = "No policy was stored yet: the first evaluation stores the default one."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[PolicyVersion]":
        """Without the text, which only the page of one version reads."""
        rows: QuerySet[PolicyVersion] = super().get_queryset(request)
        return rows.defer("text")

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The rubric of one tier, ``?tier=``, and the YAML."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = get_object_or_404(PolicyVersion, pk=object_id)
        asked = request.GET.get("tier", "")
        tier = int(asked) if asked in map(str, TIERS) else USUAL_TIER
        policy = parsed(version)
        rubric = policy.rubric(tier)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": version,
            "title": str(version),
            "version": version,
            "policy": policy,
            "tier": tier,
            "tiers": TIERS,
            "criteria": [_criterion(rule) for rule in rubric.criteria.values()],
            "levels": rubric.levels,
            "blocker_cap": rubric.blocker_cap,
            "terms": _terms(rubric),
        }
        return TemplateResponse(request, "readiness/policy.html", context)

    @admin.display(description="policy", ordering="name")
    def version_name(self, version: PolicyVersion) -> str:
        """Name and version."""
        return str(version)

    @admin.display(description="in force", ordering="in_force")
    def force(self, version: PolicyVersion) -> SafeString | str:
        """Whether live evaluations judge under it."""
        return label("in force", "good") if version.in_force else "no"

    @admin.display(description="digest")
    def short_digest(self, version: PolicyVersion) -> str:
        """The beginning of the digest."""
        return version.digest[:12]


def _criterion(rule: RubricCriterion[Any]) -> CriterionRule:
    criterion = BY_SLUG[rule.slug]
    return CriterionRule(
        title=criterion.title,
        slug=rule.slug,
        weight=number(rule.weight),
        gated=rule.gated,
        threshold=number(rule.threshold),
        parts=[
            PartRule(
                criterion.part_titles.get(part.name, part.name),
                number(part.weight),
                curve(part.curve.points),
                ", ".join(f"{number(x)} → {number(y)}" for x, y in part.curve.points),
            )
            for part in rule.ordered
        ],
        settings=list(_flat(rule.settings)),
    )


def _terms(rubric: Rubric) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the verdicts ask for, and the spans that counting depends on."""
    named: dict[str, BaseModel] = {
        "Handoff": rubric.handoff,
        "Launch": rubric.launch,
        "Deploy": rubric.deploy,
        "Handback": rubric.handback,
        "Feeds": rubric.feeds,
        "Signals": rubric.signals,
        "Dependencies": rubric.dependencies,
        "Spans": rubric.spans,
    }
    window = ("Window", [("days", number(rubric.window_days))])
    return [window, *((title, list(_flat(terms))) for title, terms in named.items())]


def _flat(terms: BaseModel) -> Iterator[tuple[str, str]]:
    """Terms as names and words, terms within terms as ``outer: inner``."""
    for name, value in terms.model_dump(mode="json").items():
        yield name.replace("_", " "), _words(value)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {_words(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_words(each) for each in value) or "none"
    return number(value)
