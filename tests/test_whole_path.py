"""The whole path of a service over REST: from a proposal to operations, and back to its developers."""

import datetime as dt
from typing import Any

import pytest
from rest_framework.test import APIClient

from handoff import actions, proposals
from handoff.models import Case, Transition
from tests.handing_back import DAY
from tests.handing_off import Handover
from tests.rest import ROOT

pytestmark = pytest.mark.django_db
WEEK = 7


class Office:
    """Everybody asks over REST."""

    def __init__(self, place: Handover) -> None:
        self.place = place
        self.clients: dict[str, APIClient] = {}

    def post(self, who: str, path: str, status: int = 200, **told: Any) -> Any:
        """What somebody is answered, a minute later than the last."""
        if who not in self.clients:
            self.clients[who] = APIClient()
            self.clients[who].force_authenticate(getattr(self.place, who))
        answer = self.clients[who].post(f"{ROOT}{path}/", told, format="json")
        assert answer.status_code == status, answer.content
        self.place.pass_time(dt.timedelta(minutes=1))
        return answer.json()

    def get(self, path: str) -> Any:
        """What the lead reads."""
        answer = self.clients["lead"].get(f"{ROOT}{path}/")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def slug(self, who: str) -> str:
        """How a person is named."""
        return self.place.person(getattr(self.place, who)).slug


def test_the_whole_path_over_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Handover(monkeypatch)
    office = Office(place)
    take_over(office)
    give_back(office)

    told = Transition.objects.filter(subject="case").order_by("pk").values_list("about", "to_state")
    assert list(told) == [
        ("handoff", "proposed"),
        ("handoff", "in_review"),
        ("handoff", "approved"),
        ("handoff", "shadowing"),
        ("handoff", "backed_up"),
        ("handoff", "completed"),
        ("handback (repair)", "proposed"),
        ("handback (repair)", "joint_repair"),
        ("handback (repair)", "proposed"),
        ("handback (repair)", "stabilising"),
        ("handback (repair)", "stabilised"),
    ]
    ways = place.service.management_changes.order_by("effective_at").values_list("way", flat=True)
    assert list(ways)[-2:] == ["handoff", "handback_repair"]


def take_over(office: Office) -> None:
    """Propose, review, sign, shadow, back up, complete."""
    place = office.place
    made = office.post("dan", "handoffs", 201, service="pay", reason="It has been quiet for a year.")
    one = f"handoffs/{made['id']}"
    review = f"reviews/{office.post('lead', f'{one}/open-review')['review']}"
    for item in office.get(review)["items"]:
        if item["way"] == "attested":
            path = f"{review}/items/{item['id']}/attest"
            office.post("dev", path, name="Ada", said_on=str(place.now.date()), remark="Looked at.")
    office.post("dev", f"{review}/sign", side="developers")
    office.post("eng", f"{review}/sign", side="operations")
    assert office.get(f"{one}/room")["people"] == 6
    office.post("other", f"{one}/accept", reason="We take it.")
    assert office.post("eng", f"{one}/begin-shadow")["state"] == "shadowing"

    place.pass_time()
    place.turn()
    page = place.page(alert="The queue grows.")
    assert [each["alert"] for each in office.get(f"{one}/pages")["results"]] == ["The queue grows."]
    office.post("eng", f"{one}/assess-page", page=page.pk, critical=True, actionable=True)
    place.pass_time(14 * DAY)
    place.judge_ready()
    reachable = [office.slug("dev"), office.slug("dan")]
    office.post("dev", f"{one}/confirm", side="developers", reachable=reachable)
    moved = office.post("eng", f"{one}/confirm", side="operations")
    assert (moved["state"], moved["tally"]) == ("backed_up", None)

    place.pass_time(28 * DAY)
    actions.follow_handoffs()
    assert office.get(one)["state"] == "completed"


def give_back(office: Office) -> None:
    """Regress, repair jointly, hand back, stabilise."""
    place = office.place
    for _ in range(WEEK):
        place.pass_time()
        place.judge("below")
        proposals.propose_moves()
    case = Case.objects.open().get()
    assert (case.proposer, case.trigger) == ("rule: regressed v1", "verdict")
    one = f"handbacks/{case.pk}"
    ends_at = (place.now + 14 * DAY).isoformat()
    office.post("other", f"{one}/joint-repair", plan="Mend.", owner=office.slug("dev"), ends_at=ends_at)
    place.pass_time(15 * DAY)
    place.judge("below")
    actions.follow_handbacks()

    office.post("dev", f"{one}/findings", kind="design", severity=2, text="No timeouts.")
    due_on = str((place.now + WEEK * DAY).date())
    office.post("dev", f"{one}/plan", text="Add timeouts.", owner=office.slug("dev"), due_on=due_on)
    done = office.post("other", f"{one}/confirm", reason="We agree.", consultants=[office.slug("eng")])
    assert done["state"] == "stabilising"
    office.post("dev", f"{one}/finish-plan-item", item=done["plan"][0]["id"])
    office.post("dev", f"{one}/close-finding", finding=done["findings"][0]["id"])

    place.pass_time(31 * DAY)
    place.judge(None, days=31.0, defects=90.0)
    actions.follow_handbacks()
    assert office.post("other", f"{one}/stabilise")["state"] == "stabilised"
