"""One typed record per recorded decision: what a line of ``decisions.jsonl`` may say. Pure."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from handoff.checklists import Side
from readiness.evidence import MAX_LINE, Problem, Rejection, rejection
from readiness.evidence.fields import MAX_NAME, MAX_TEXT, NAME_PATTERN, Flag, Link, Moment, Name, Text, Word

Said = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT, pattern=NAME_PATTERN)]
"""A text that is needed: never blank."""
Day = Annotated[dt.date, Field(strict=True)]
"""Written like 2026-01-31; pydantic alone would also read seconds since 1970."""
Severity = Annotated[int, Field(strict=True)]
Worked = Annotated[Decimal, Field(max_digits=5, decimal_places=2)]
Names = Annotated[tuple[Name, ...], Field(max_length=100)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=2 * MAX_NAME + 1, pattern=NAME_PATTERN)]
"""Names a row of evidence, as ``source:id``."""


class Decision(BaseModel):
    """What all lines say: when, who, what about which service. The other fields are the action's arguments.

    An argument that is not stated stays what the action takes without it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Moment
    actor: Name
    action: Name
    service: Name

    @property
    def arguments(self) -> dict[str, Any]:
        """What was stated beyond that, by name."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set - _COMMON)}

    @property
    def digest(self) -> str:
        """By which the line is known again, however it is written: SHA-256 of its canonical JSON."""
        said = self.model_dump(mode="json", exclude_unset=True)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    @classmethod
    def read(cls, line: bytes) -> Self | Rejection:
        """The record of a line, or what is wrong with it."""
        try:
            return cls.model_validate_json(line)
        except ValidationError as error:
            return rejection(error)


_COMMON: Final = frozenset(Decision.model_fields)


class Plain(Decision):
    """With a reason, for who has one."""

    reason: Text = ""


class Reasoned(Decision):
    """With a reason that is needed."""

    reason: Said


# Launch and handoff reviews ----------------------------------------------------------------------------


class OnItem(Decision):
    """About an item of the review under way: its slug, and of which dependency where it is asked for each."""

    item: Name
    dependency: Name = ""


class AttestItem(OnItem):
    """An item is met."""

    name: Name
    said_on: Day
    url: Link = ""
    remark: Text = ""


class ReportFinding(OnItem):
    """An item is not met."""

    remark: Said
    blocking: Flag
    url: Link = ""


class AcceptItem(OnItem):
    """An item is accepted under a condition."""

    condition: Said
    severity: Severity
    owner: Name
    due_on: Day


class SetItemAside(OnItem):
    """An item does not apply, one side says."""

    remark: Said
    side: Side


class AssignItem(OnItem):
    """Somebody, or nobody, sees to an item by a day, or whenever."""

    to: Name | None
    due_on: Day | None


class CommentReview(Decision):
    """Something is said of a review."""

    text: Said


class SignReview(Decision):
    """A review is signed for a side."""

    side: Side
    remark: Text = ""


# Waivers and consultants -------------------------------------------------------------------------------


class AskWaiver(Decision):
    """An exception is asked for."""

    target: Name
    reason: Said
    ends_at: Moment
    url: Link = ""


class OfWaiver(Plain):
    """About the waiver of a target."""

    target: Name


class ReasonedOfWaiver(Reasoned):
    """About the waiver of a target, with a reason that is needed."""

    target: Name


class OfConsultant(Plain):
    """About a person who advises, or is to."""

    person: Name


class Advise(Decision):
    """A note of what a consultant advised."""

    person: Name
    given_on: Day
    hours: Worked
    text: Said


# Cases -------------------------------------------------------------------------------------------------


class AssessPage(Decision):
    """Whether a page of a shadow was critical, and actionable."""

    page: Reference
    critical: Flag
    actionable: Flag
    remark: Text = ""


class ConfirmShadow(Plain):
    """A shadow ended well, says a side; the developers' side says who stays reachable."""

    side: Side
    reachable: Names = ()


class ProposeHandback(Reasoned):
    """Operations are to give a service back."""

    kind: Name = "repair"


class RepairJointly(Decision):
    """A proposal is answered with joint repair."""

    plan: Said
    owner: Name
    ends_at: Moment


class ConfirmHandback(Reasoned):
    """A service goes back to its developers."""

    consultants: Names = ()


class AddFinding(Decision):
    """What is wrong with a service."""

    kind: Name
    severity: Severity
    text: Said
    incidents: Names = ()
    defects: Names = ()
    review_item: Word = ""


class CloseFinding(Decision):
    """A finding, named by its text, is mended."""

    finding: Said


class AddPlanItem(Decision):
    """Something to do in a stabilisation."""

    text: Said
    owner: Name
    due_on: Day


class FinishPlanItem(Decision):
    """A plan item, named by its text, is done."""

    item: Said


class CommentCase(Decision):
    """Something is said of a case."""

    text: Said


RECORDS: Final[Mapping[str, type[Decision]]] = {
    "open_launch_review": Plain,
    "attest_item": AttestItem,
    "report_finding": ReportFinding,
    "accept_item": AcceptItem,
    "fulfil_condition": OnItem,
    "set_item_aside": SetItemAside,
    "assign_item": AssignItem,
    "comment_review": CommentReview,
    "override_verdict": Reasoned,
    "take_back_override": Reasoned,
    "sign_review": SignReview,
    "reject_review": Reasoned,
    "withdraw_review": Plain,
    "launch": Plain,
    "ask_waiver": AskWaiver,
    "approve_waiver": OfWaiver,
    "refuse_waiver": ReasonedOfWaiver,
    "withdraw_waiver": OfWaiver,
    "revoke_waiver": ReasonedOfWaiver,
    "name_consultant": OfConsultant,
    "advise": Advise,
    "end_consulting": OfConsultant,
    "propose_handoff": Reasoned,
    "reject_handoff": Reasoned,
    "withdraw_handoff": Reasoned,
    "open_handoff_review": Plain,
    "accept_handoff": Plain,
    "begin_shadow": Plain,
    "assess_page": AssessPage,
    "stop_shadow": Reasoned,
    "confirm_shadow": ConfirmShadow,
    "complete_handoff": Reasoned,
    "propose_handback": ProposeHandback,
    "reject_handback": Reasoned,
    "withdraw_handback": Reasoned,
    "repair_jointly": RepairJointly,
    "confirm_handback": ConfirmHandback,
    "stabilise_handback": Plain,
    "add_finding": AddFinding,
    "close_finding": CloseFinding,
    "add_plan_item": AddPlanItem,
    "finish_plan_item": FinishPlanItem,
    "comment_case": CommentCase,
}
"""Action to what its lines say."""


def read_decision(line: bytes, now: dt.datetime) -> Decision | Rejection:
    """The decision of a line, or what is wrong with it; one that is still to come by ``now`` is none."""
    if len(line) > MAX_LINE:
        return Rejection((Problem("", f"record is longer than {MAX_LINE} bytes"),))
    shape = _shape(line)
    decision = shape if isinstance(shape, Rejection) else shape.read(line)
    if isinstance(decision, Decision) and decision.at > now:
        return Rejection((Problem("at", "is still to come"),))
    return decision


def _shape(line: bytes) -> type[Decision] | Rejection:
    """Which record a line is to be read as, by its action."""
    try:
        values = json.loads(line)
    except ValueError as error:
        return Rejection((Problem("", f"record is not JSON: {error}"),))
    if not isinstance(values, dict):
        return Rejection((Problem("", "record is not a JSON object"),))
    if "action" not in values:
        return Rejection((Problem("action", "is missing"),))
    shape = RECORDS.get(str(values["action"]))
    return shape or Rejection((Problem("action", f"must be one of {', '.join(RECORDS)}"),))
