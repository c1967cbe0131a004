"""Who may do what: the standard groups with their permissions, and what a team may do for its services."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db.models import Q
from django.db.utils import DEFAULT_DB_ALIAS

from readiness.models import Identity, Service, Team

SRE_LEAD: Final = "SRE lead"
OPS_ENGINEER: Final = "ops engineer"
DEVELOPER: Final = "developer"
VIEWER: Final = "viewer"

EVALUATE: Final = "readiness.add_evaluation"
EVALUATE_OWN: Final = "readiness.evaluate_own_service"
ASK_WAIVER: Final = "readiness.add_waiver"
ASK_OWN_WAIVER: Final = "readiness.ask_own_waiver"
DECIDE_WAIVER: Final = "readiness.decide_waiver"
DECIDE_OWN_WAIVER: Final = "readiness.decide_own_waiver"
NAME_CONSULTANT: Final = "handoff.add_consultant"
PROPOSE_CASE: Final = "handoff.add_case"
PROPOSE_OWN_CASE: Final = "handoff.propose_own_case"
SUBSCRIBE: Final = "handoff.change_subscription"
SUBSCRIBE_OWN: Final = "handoff.change_own_subscription"
DECIDE_CASE: Final = "handoff.decide_case"
DECIDE_OWN_CASE: Final = "handoff.decide_own_case"
WORK_CASE: Final = "handoff.work_case"
WORK_OWN_CASE: Final = "handoff.work_own_case"
REVIEW: Final = "handoff.add_review"
OVERRIDE: Final = "handoff.override_verdict"
REVIEW_OWN: Final = "handoff.review_own_service"

EVIDENCE = (
    *("deployment", "incident", "page", "defect", "signal", "dependency"),
    *("pipelinerun", "shift", "observation", "workitem", "feed"),
)


def _each(verb: str, *models: str) -> frozenset[str]:
    return frozenset(f"readiness.{verb}_{model}" for model in models)


_FACTS = _each(
    "view",
    *EVIDENCE,
    *("team", "system", "service", "servicealias"),
    *("managementchange", "waiver", "exclusion", "alert"),
    *("policyversion", "policyactivation", "simulation"),
    *("evaluation", "evaluationbatch", "scorecard", "currentscore", "rejudgement"),
) | frozenset(
    f"handoff.view_{model}"
    for model in (
        *("transition", "consultant", "message"),
        *("review", "checklistitem", "itemoutcome", "condition", "reviewcomment", "signoff"),
        *("verdictoverride", "overrideend"),
        *("case", "casecomment", "casescorecard", "finding", "stabilisationitem", "exitcriterion"),
        *("shadow", "shadowconfirmation", "pageassessment", "lookback"),
    )
)
# Where messages go is for those whom they are for.
_SUBSCRIBING = frozenset({SUBSCRIBE_OWN, "handoff.view_subscription", "handoff.view_delivery"})
# Names, e-mail addresses and who somebody is elsewhere: for those who run the rota.
_PEOPLE = _each("view", "person", "identity")
_LEADING = frozenset(
    {
        EVALUATE,
        ASK_WAIVER,
        DECIDE_WAIVER,
        REVIEW,
        OVERRIDE,
        *(PROPOSE_CASE, DECIDE_CASE, WORK_CASE),
        SUBSCRIBE,
        *_each("add", *EVIDENCE),  # by spreadsheet; add_feed is also the right to declare a span
        *_each("add", "exclusion", "service", "simulation", "policyversion", "policyactivation"),
        *_each("change", "team", "service"),
        # to change a token is to revoke it
        *_each("view", "machinetoken"),
        *_each("add", "machinetoken"),
        *_each("change", "machinetoken"),
        *("auth.view_user", "auth.add_user", "auth.change_user", "auth.view_group"),
        *("axes.view_accessattempt", "axes.view_accesslog"),
    }
)

GROUPS: Final[dict[str, frozenset[str]]] = {
    VIEWER: _FACTS,
    DEVELOPER: _FACTS
    | _SUBSCRIBING
    | {EVALUATE_OWN, ASK_OWN_WAIVER, REVIEW_OWN}
    | {PROPOSE_OWN_CASE, WORK_OWN_CASE},
    OPS_ENGINEER: _FACTS
    | _SUBSCRIBING
    | {EVALUATE_OWN, ASK_OWN_WAIVER, DECIDE_OWN_WAIVER, NAME_CONSULTANT, REVIEW_OWN}
    | {PROPOSE_OWN_CASE, DECIDE_OWN_CASE, WORK_OWN_CASE}
    | _PEOPLE
    | _each("add", "simulation"),
    # what a lead could not do for one's own team, a lead could not give to others either
    SRE_LEAD: _FACTS
    | _SUBSCRIBING
    | {EVALUATE_OWN, ASK_OWN_WAIVER, DECIDE_OWN_WAIVER, NAME_CONSULTANT, REVIEW_OWN}
    | {PROPOSE_OWN_CASE, DECIDE_OWN_CASE, WORK_OWN_CASE}
    | _PEOPLE
    | _LEADING,
}
"""Group to its permissions, ``app.codename``. docs/security.md shows the same as a table."""


def write_groups(using: str = DEFAULT_DB_ALIAS) -> None:
    """Give the standard groups exactly these permissions; a site's other groups stay as they are.

    A permission whose table is not there yet is left out: the next migration brings it.
    """
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission.pk
        for permission in Permission.objects.using(using).select_related("content_type")
    }
    for name, wanted in GROUPS.items():
        group, _ = Group.objects.using(using).get_or_create(name=name)
        group.permissions.set(known[each] for each in wanted & known.keys())


def exceeds(account: User, user: User) -> bool:
    """Whether an account may do something that ``user`` may not, by its groups and its own permissions.

    Asked of an inactive account too: whoever changes it could make it active.
    """
    if user.is_superuser:
        return False
    if account.is_superuser:
        return True
    held = Permission.objects.filter(Q(group__user=account) | Q(user=account)).select_related("content_type")
    allowed = user.get_all_permissions()
    return any(f"{each.content_type.app_label}.{each.codename}" not in allowed for each in held)


# What a team's members may do for their own ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TeamRight:
    """A right over services of one's own: which permission it takes, and members of which of their teams."""

    held: str
    teams: tuple[str, ...]


BY_TEAM: Final[dict[str, TeamRight]] = {
    EVALUATE: TeamRight(EVALUATE_OWN, teams=("owner_id", "ops_team_id")),
    ASK_WAIVER: TeamRight(ASK_OWN_WAIVER, teams=("owner_id", "ops_team_id")),
    # Who would carry what is waived may let it be: the developers may not.
    DECIDE_WAIVER: TeamRight(DECIDE_OWN_WAIVER, teams=("ops_team_id",)),
    PROPOSE_CASE: TeamRight(PROPOSE_OWN_CASE, teams=("owner_id", "ops_team_id")),
    DECIDE_CASE: TeamRight(DECIDE_OWN_CASE, teams=("ops_team_id",)),
    WORK_CASE: TeamRight(WORK_OWN_CASE, teams=("owner_id", "ops_team_id")),
    REVIEW: TeamRight(REVIEW_OWN, teams=("owner_id", "ops_team_id")),
}
"""The right over any service to the right that gives it over those of one's own teams."""


class TeamRights(BaseBackend):
    """Answers ``user.has_perm(right, service)``: who holds the right may everywhere, others for their own."""

    def has_perm(  # type: ignore[override]  # Django's own user is all that has permissions here
        self, user_obj: User, perm: str, obj: Any = None
    ) -> bool:
        """Whether the user may do this to this service. Without a service the other backends answer."""
        return isinstance(obj, Service) and not refused(user_obj, perm, [obj])


def may_somewhere(user: AbstractBaseUser | AnonymousUser, right: str) -> bool:
    """Whether there may be services that the user may do this to."""
    rule = BY_TEAM.get(right)
    return _holds(user, right) or (rule is not None and _holds(user, rule.held))


def refused(user: AbstractBaseUser | AnonymousUser, right: str, services: Iterable[Service]) -> list[Service]:
    """Which of these services the user may not do this to; at most one query, however many they are."""
    if _holds(user, right):
        return []
    rule = BY_TEAM.get(right)
    if rule is None or not _holds(user, rule.held):
        return list(services)
    own = teams_of(user)
    return [service for service in services if not _is_own(service, rule, own)]


def is_member(user: User, team_id: int | None) -> bool:
    """Whether a log-in belongs to a person of this team."""
    return team_id in teams_of(user)


def person_of(user: User) -> int | None:
    """The key of the person that a log-in belongs to, where a lead said so."""
    log_in = Identity.objects.filter(source=Identity.LOG_IN, external_id=user.get_username())
    return log_in.values_list("person", flat=True).first()


def name_of(user: User) -> str:
    """Who acts, as records keep it: id and name as text, which outlive the log-in."""
    return f"{user.pk} {user.get_full_name() or user.get_username()}"[:300]


def _holds(user: AbstractBaseUser | AnonymousUser, permission: str) -> bool:
    return isinstance(user, User | AnonymousUser) and user.has_perm(permission)


def _is_own(service: Service, rule: TeamRight, own: Collection[int]) -> bool:
    return any(getattr(service, team) in own for team in rule.teams)


def teams_of(user: AbstractBaseUser | AnonymousUser) -> set[int]:
    """The keys of the teams that the person of a log-in is in."""
    log_in = {"source": Identity.LOG_IN, "external_id": user.get_username()}
    members = Identity.objects.filter(**log_in).values("person")
    return set(Team.objects.filter(members__in=members).values_list("pk", flat=True))
