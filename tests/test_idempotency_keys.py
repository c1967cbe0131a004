"""Actions over REST under an Idempotency-Key: done once, answered the same again, refused without a trace."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from handoff import actions
from handoff.api import idempotency
from handoff.models import Answer, Transition
from handoff.tasks_notifications import forget
from readiness import evaluation
from readiness.models import Waiver
from tests.factories import NOW, ago
from tests.rest import ROOT, problem
from tests.waivers import DAY, Clock, People, people, story

pytestmark = pytest.mark.django_db

LIST = f"{ROOT}waivers/"
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
REPLAYED = "Idempotency-Replayed"
ASKED = {
    "service": "pay",
    "target": "telemetry",
    "reason": "Moves to the new collector in August.",
    "ends_at": (NOW + 30 * DAY).isoformat(),
}


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock stands at the moment of the tests."""
    return Clock(monkeypatch)


@pytest.fixture
def around(at: Clock) -> People:
    """Everybody around a service."""
    return people()


def post(user: User, path: str, body: Any, key: str = KEY) -> Any:
    """What somebody is answered who asks under a key."""
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(user)
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"Idempotency-Key": key}
    return client.post(LIST + path, text, content_type="application/json", headers=headers)


def test_what_is_asked_twice_under_a_key_is_done_once_and_answered_the_same_again(around: People) -> None:
    first = post(around.developer, "", ASKED)
    reordered = json.dumps(dict(reversed(ASKED.items())), indent=2)
    again = [post(around.developer, "", ASKED), post(around.developer, "", reordered, f'"{KEY}"')]

    assert (first.status_code, REPLAYED in first) == (201, False)
    for each in again:
        assert (each.status_code, each.content, each[REPLAYED]) == (201, first.content, "true")
        assert each["Location"] == first["Location"]
    assert story(Waiver.objects.get()) == ["ask:  > asked"]

    approved = [post(around.lead, f"{first.json()['id']}/approve/", {}) for _ in range(2)]
    assert [each.status_code for each in approved] == [200, 200]
    assert approved[0].content == approved[1].content
    assert "Location" not in approved[1]
    assert Transition.objects.count() == 2


def test_a_key_of_another_request_is_refused_and_nothing_is_done(around: People) -> None:
    one, two = around.ask("telemetry"), around.ask("defects")
    assert post(around.lead, f"{one.pk}/approve/", {"reason": "Yes."}).status_code == 200

    for path, body in (
        (f"{one.pk}/approve/", {"reason": "No."}),
        (f"{two.pk}/approve/", {"reason": "Yes."}),
        (f"{one.pk}/revoke/", {"reason": "Yes."}),
    ):
        details = problem(post(around.lead, path, body))
        assert (details["status"], "another request" in details["detail"]) == (422, True)
    assert Transition.objects.filter(move="approve").count() == 1
    assert not Transition.objects.filter(move="revoke").exists()


def test_a_key_is_its_user_s_own(around: People) -> None:
    waiver = around.ask()
    path, body = f"{waiver.pk}/approve/", {"reason": "Yes."}
    assert post(around.lead, path, body).status_code == 200

    late = post(around.ops, path, body)
    assert (late.status_code, late.json()["state"]) == (409, "live")
    assert post(around.other_lead, f"{waiver.pk}/revoke/", {"reason": "No."}).status_code == 200


def test_what_was_refused_may_be_tried_again_under_the_same_key(around: People) -> None:
    waiver = around.ask()
    assert problem(post(around.viewer, f"{waiver.pk}/refuse/", {"reason": "No."}))["status"] == 403
    assert problem(post(around.lead, f"{waiver.pk}/refuse/", {}))["status"] == 400
    assert post(around.lead, f"{waiver.pk}/revoke/", {"reason": "No."}).status_code == 409
    assert not Answer.objects.exists()

    assert post(around.lead, f"{waiver.pk}/refuse/", {"reason": "No."}).status_code == 200
    assert story(waiver)[-1] == "refuse: asked > refused"


def test_who_dies_between_the_action_and_its_answer_has_done_neither(
    around: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiver = around.ask()
    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "JSONRenderer", None)
        assert post(around.lead, f"{waiver.pk}/approve/", {}).status_code == 500
    assert (story(waiver), Answer.objects.count()) == (["ask:  > asked"], 0)

    assert post(around.lead, f"{waiver.pk}/approve/", {}).status_code == 200


@pytest.mark.parametrize("key", ["", " ", '""', f'"{KEY}', "a b", "a,b", "ключ", "x" * 201])
def test_a_key_that_is_none_is_refused_and_nothing_is_done(around: People, key: str) -> None:
    details = problem(post(around.developer, "", ASKED, key))

    assert (details["status"], "Idempotency-Key takes 1 to 200" in details["detail"]) == (400, True)
    assert not Waiver.objects.exists()


def test_the_longest_key_fits(around: People) -> None:
    assert [post(around.developer, "", ASKED, "x" * 200).status_code for _ in range(2)] == [201, 201]


def test_answers_of_a_day_ago_are_forgotten_and_their_keys_are_free(around: People) -> None:
    for key, waiver in (("old", around.ask("telemetry")), ("new", around.ask("defects"))):
        assert post(around.lead, f"{waiver.pk}/approve/", {}, key).status_code == 200
    Answer.objects.filter(key="old").update(given_at=ago(hours=24, seconds=1))
    Answer.objects.filter(key="new").update(given_at=ago(hours=24))
    forget()

    assert list(Answer.objects.values_list("key", flat=True)) == ["new"]
    other = around.ask("coupling")
    assert post(around.lead, f"{other.pk}/approve/", {}, "old").status_code == 200
    assert post(around.lead, f"{other.pk}/approve/", {}, "new").status_code == 422


# Many at once ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_done_and_the_others_are_told_that_it_is_under_way(
    at: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite in memory there is one connection")
    many = 6
    evaluation.in_force()
    around = people()
    refused, approve = threading.Event(), actions.approve_waiver
    waiver = around.ask()
    answered: list[int] = []

    def slowly(*args: Any, **kwargs: Any) -> Waiver:
        assert refused.wait(20)  # until all others have been answered
        return approve(*args, **kwargs)

    monkeypatch.setattr("handoff.api.waivers.approve_waiver", slowly)

    def ask(_: int) -> Any:
        try:
            response = post(around.lead, f"{waiver.pk}/approve/", {})
            answered.append(response.status_code)
            if len(answered) == many - 1:
                refused.set()
            return response
        finally:
            connection.close()

    with ThreadPoolExecutor(many) as threads:
        responses = sorted(threads.map(ask, range(many)), key=lambda each: each.status_code)

    assert [each.status_code for each in responses] == [200, *[409] * (many - 1)]
    assert {each.json()["state"] for each in responses[1:]} == {"in_progress"}
    assert story(waiver) == ["ask:  > asked", "approve: asked > live"]
    assert post(around.lead, f"{waiver.pk}/approve/", {}).content == responses[0].content
