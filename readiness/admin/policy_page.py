"""The page of a policy version: what it says tier by tier, what differs from another, when it counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from pydantic import BaseModel
from unfold.admin import ModelAdmin

from readiness import evaluation, governing
from readiness.admin.charts import curve
from readiness.admin.labels import actor
from readiness.comparing import PolicyChange, differences
from readiness.criteria import BY_SLUG, CRITERIA
from readiness.criteria.wording import number
from readiness.evaluation import parsed
from readiness.models import PolicyActivation, PolicyVersion, Simulation
from readiness.policy import TIERS, Policy
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


@dataclass(frozen=True, slots=True)
class TierCell:
    """How one tier weighs and gates one criterion."""

    weight: str
    gate: str
    of_its_own: bool
    """Whether the tier says something about this criterion that does not hold for all."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change, with pictures where it is one of a curve."""

    text: str
    before: SafeString | str = ""
    after: SafeString | str = ""


def show(admin: ModelAdmin, request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """The rubric of one tier, ``?tier=``, the changes from another version, ``?against=``, and the YAML."""
    asked = request.GET.get("tier", "")
    tier = int(asked) if asked in map(str, TIERS) else USUAL_TIER
    others = PolicyVersion.objects.with_state().exclude(pk=version.pk).defer("text")
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": version,
        "title": str(version),
        "version": version,
        "tier": tier,
        "tiers": TIERS,
        "activations": version.activations.all(),
        "others": others,
        **_said(version, tier),
        **compared(version, against(request, version)),
        **_rights(request, version),
    }
    return TemplateResponse(request, "readiness/policy.html", context)


def _said(version: PolicyVersion, tier: int) -> dict[str, Any]:
    """What a version says of one tier, or why that cannot be told."""
    if refused := governing.unreadable(version):
        return {"unreadable": refused}
    policy = parsed(version)
    rubric = policy.rubric(tier)
    return {
        "policy": policy,
        "tier_rows": tier_rows(policy),
        "criteria": [_criterion(rule) for rule in rubric.criteria.values()],
        "levels": rubric.levels,
        "blocker_cap": rubric.blocker_cap,
        "terms": _terms(rubric),
    }


def against(request: HttpRequest, version: PolicyVersion) -> PolicyVersion | None:
    """What a version is compared with: the one asked for, else the one in force, else what that replaced."""
    asked = request.GET.get("against", "")
    chosen = PolicyVersion.objects.filter(pk=int(asked)).first() if is_key(asked) else None
    if chosen is not None:
        return chosen
    in_force = evaluation.in_force()
    if in_force.pk != version.pk:
        return in_force
    before = PolicyActivation.objects.exclude(policy=version).select_related("policy").first()
    return None if before is None else before.policy


def is_key(asked: str) -> bool:
    """Whether part of an address can be the key of a row."""
    return asked.isascii() and asked.isdigit() and len(asked) < 19


def compared(version: PolicyVersion, other: PolicyVersion | None) -> dict[str, Any]:
    """What leads from the other version to this one, for a template."""
    if other is None:
        return {"against": None, "changes": []}
    refused = governing.unreadable(other) or governing.unreadable(version)
    if refused:
        return {"against": other, "changes": [], "not_compared": refused}
    return {"against": other, "changes": _rows(differences(parsed(other), parsed(version)))}


def latest_simulation(version: PolicyVersion) -> Simulation | None:
    """The newest simulation of a version that came to its end."""
    ended = version.simulations.filter(kind=Simulation.Kind.SIMULATION, state=Simulation.State.DONE)
    return ended.defer("result").order_by("-finished_at", "-pk").first()


def _rights(request: HttpRequest, version: PolicyVersion) -> dict[str, Any]:
    """What this person may do, and why something that they might expect is not there."""
    may_activate = request.user.has_perm("readiness.add_policyactivation")
    return {
        "may_draft": request.user.has_perm("readiness.add_policyversion"),
        "may_activate": may_activate,
        "obstacle": obstacle(request, version) if may_activate else "",
    }


def obstacle(request: HttpRequest, version: PolicyVersion) -> str:
    """Why the person who asks cannot put a version in force; empty when they can."""
    return governing.obstacle(version, actor(request)) or governing.unreadable(version)


def _rows(changes: list[PolicyChange]) -> list[ChangeRow]:
    return [
        ChangeRow(change.text, _picture(change.path, change.old), _picture(change.path, change.new))
        for change in changes
    ]


def _picture(path: tuple[str | int, ...], value: Any) -> SafeString | str:
    return curve(value) if path[-1] == "curve" and value else ""


def tier_rows(policy: Policy) -> list[tuple[str, list[TierCell]]]:
    """Each criterion with its weight and gate in every tier."""
    return [
        (each.title, [_cell(policy, each.slug, tier) for tier in TIERS])
        for each in CRITERIA
        if each.slug in policy.criteria
    ]


def _cell(policy: Policy, slug: str, tier: int) -> TierCell:
    of_its_own = tier in policy.tiers and slug in policy.tiers[tier].criteria
    rule = policy.rubric(tier).criteria.get(slug)
    if rule is None:
        return TierCell("off", "", of_its_own)
    gate = f"gate at {number(rule.threshold)}" if rule.gated else ""
    if not rule.weight:
        return TierCell("not weighed" if gate else "only shown", gate, of_its_own)
    return TierCell(number(rule.weight), gate or "no gate", of_its_own)


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
