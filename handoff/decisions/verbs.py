"""Recorded actions: which function of ours each is, and what it acts on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import User

from handoff import actions
from handoff.decisions.naming import (
    Find,
    a_condition,
    a_consultant,
    a_finding,
    a_plan_item,
    a_waiver_asked,
    a_waiver_live,
    an_item,
    named,
    the_case,
    the_handback,
    the_handoff,
    the_review,
    the_service,
)
from handoff.decisions.records import Decision
from readiness.models import Service


@dataclass(frozen=True, slots=True)
class Verb:
    """A recorded action. Fields that named ``on`` are no arguments of the function."""

    act: Callable[..., Any]
    on: Find
    names: frozenset[str] = frozenset()
    decides: bool = True
    """Whether something moves: then the service is judged as of the moment first, and that is relied on."""

    def do(self, decision: Decision, service: Service, by: User) -> None:
        """Act. Raises ``RefusedError``."""
        said = {
            field: named(field, value, service)
            for field, value in decision.arguments.items()
            if field not in self.names
        }
        self.act(self.on(decision, service), by=by, **said)


_ITEM: Final = frozenset({"item", "dependency"})
_TARGET: Final = frozenset({"target"})
_PERSON: Final = frozenset({"person"})

VERBS: Final[Mapping[str, Verb]] = {
    "open_launch_review": Verb(actions.open_launch_review, the_service),
    "attest_item": Verb(actions.attest_item, an_item, _ITEM, decides=False),
    "report_finding": Verb(actions.report_finding, an_item, _ITEM, decides=False),
    "accept_item": Verb(actions.accept_item, an_item, _ITEM, decides=False),
    "fulfil_condition": Verb(actions.fulfil_condition, a_condition, _ITEM, decides=False),
    "set_item_aside": Verb(actions.set_item_aside, an_item, _ITEM, decides=False),
    "assign_item": Verb(actions.assign_item, an_item, _ITEM, decides=False),
    "comment_review": Verb(actions.comment_review, the_review, decides=False),
    "override_verdict": Verb(actions.override_verdict, the_review),
    "take_back_override": Verb(actions.take_back_override, the_review),
    "sign_review": Verb(actions.sign_review, the_review),
    "reject_review": Verb(actions.reject_review, the_review),
    "withdraw_review": Verb(actions.withdraw_review, the_review),
    "launch": Verb(actions.launch, the_review),
    "ask_waiver": Verb(actions.ask_waiver, the_service),
    "approve_waiver": Verb(actions.approve_waiver, a_waiver_asked, _TARGET),
    "refuse_waiver": Verb(actions.refuse_waiver, a_waiver_asked, _TARGET),
    "withdraw_waiver": Verb(actions.withdraw_waiver, a_waiver_asked, _TARGET),
    "revoke_waiver": Verb(actions.revoke_waiver, a_waiver_live, _TARGET),
    "name_consultant": Verb(actions.name_consultant, the_service, decides=False),
    "advise": Verb(actions.advise, a_consultant, _PERSON, decides=False),
    "end_consulting": Verb(actions.end_consulting, a_consultant, _PERSON, decides=False),
    "propose_handoff": Verb(actions.propose_handoff, the_service),
    "reject_handoff": Verb(actions.reject_handoff, the_handoff),
    "withdraw_handoff": Verb(actions.withdraw_handoff, the_handoff),
    "open_handoff_review": Verb(actions.open_handoff_review, the_handoff),
    "accept_handoff": Verb(actions.accept_handoff, the_handoff),
    "begin_shadow": Verb(actions.begin_shadow, the_handoff),
    "assess_page": Verb(actions.assess_page, the_handoff, decides=False),
    "stop_shadow": Verb(actions.stop_shadow, the_handoff),
    "confirm_shadow": Verb(actions.confirm_shadow, the_handoff),
    "complete_handoff": Verb(actions.complete_handoff, the_handoff),
    "propose_handback": Verb(actions.propose_handback, the_service),
    "reject_handback": Verb(actions.reject_handback, the_handback),
    "withdraw_handback": Verb(actions.withdraw_handback, the_handback),
    "repair_jointly": Verb(actions.repair_jointly, the_handback),
    "confirm_handback": Verb(actions.confirm_handback, the_handback),
    "stabilise_handback": Verb(actions.stabilise_handback, the_handback),
    "add_finding": Verb(actions.add_finding, the_case, decides=False),
    "close_finding": Verb(actions.close_finding, a_finding, frozenset({"finding"}), decides=False),
    "add_plan_item": Verb(actions.add_plan_item, the_case, decides=False),
    "finish_plan_item": Verb(actions.finish_plan_item, a_plan_item, frozenset({"item"}), decides=False),
    "comment_case": Verb(actions.comment_case, the_case, decides=False),
}
"""As :data:`handoff.decisions.records.RECORDS` has them."""
