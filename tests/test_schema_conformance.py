"""The interface does what its OpenAPI document says, whoever asks and whatever they send."""

import datetime as dt
from base64 import b64encode
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import Group, User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.db.models import Model
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.wsgi import application
from handoff import actions
from handoff.actions.reviewing import open_review
from handoff.models import Case, ChecklistItem, Consultant, Review, Transition
from readiness import badges, clock, evaluation, rights
from readiness.models import Alert, Evaluation, PolicyVersion, Scorecard, Service, Waiver
from tests import factories
from tests.machines import Machine, record
from tests.rest import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

MACHINE = "machine token"
EXAMPLES = 6
ENOUGH = 0.8
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
Answered = dict[str, set[int]]


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """A request ends without ending the test's transaction, as with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def fleet() -> Service:
    """A small fleet with a row of every kind, judged, and something to complain of."""
    service = factories.ServiceFactory.create(
        slug="pay",
        developer_managed=True,
        owner__slug="payments",
        system=factories.SystemFactory.create(slug="shop"),
    )
    factories.ServiceAliasFactory.create(service=service, name="payments-api")
    for name in ("Deployment", "Incident", "Page", "Defect", "Signal", "Dependency", "PipelineRun"):
        getattr(factories, f"{name}Factory").create(service=service)
    for name in ("Shift", "Observation", "WorkItem", "Feed", "Waiver"):
        getattr(factories, f"{name}Factory").create(service=service)
    consultant = factories.ConsultantFactory.create(service=service, began_at=clock.now())
    factories.AdviceNoteFactory.create(consultant=consultant)
    factories.PersonFactory.create(slug="olga", role="ops")
    factories.ServiceFactory.create(slug="till", ops_managed=True)
    shelf = factories.ServiceFactory.create(slug="shelf", ops_managed=True)
    cart = factories.ServiceFactory.create(slug="cart", developer_managed=True)
    for slug in ("soon", "later"):
        factories.ServiceFactory.create(slug=slug, lifecycle="pre_launch")
    evaluation.run(evaluation.request(clock.now()))
    actions.propose_handback(shelf, reason="It regressed.", by="rule: regressed v1")
    actions.propose_handoff(cart, reason="It is ready.", by="rule: ready v1")
    open_review(Service.objects.get(slug="soon"), kind="launch", actor="1 Ada", reason="We are done.")
    Alert.objects.create(kind="feed_silent", service=service, subject="page", text="x", began_at=clock.now())
    return service


@pytest.fixture
def askers(fleet: Service) -> dict[str, dict[str, str]]:
    """Headers of everybody who asks."""
    headers = {}
    for name in (rights.SRE_LEAD, rights.DEVELOPER):
        user = User.objects.create_user(name.replace(" ", "-"), password="secret")
        user.groups.add(Group.objects.get(name=name))
        login = b64encode(f"{user.username}:secret".encode()).decode()
        headers[name] = {"Authorization": f"Basic {login}"}
        _waivers(fleet, user)
    return {**headers, MACHINE: {"Authorization": f"Token {Machine().text}"}}


def _waivers(service: Service, user: User) -> None:
    """To each thing that can be done about a waiver one for which it can, named by it."""
    end = clock.now() + dt.timedelta(days=9)
    author = f"{user.pk} {user.username}"
    for verb in ("approve", "refuse", "withdraw", "revoke"):
        if (user.username == "SRE-lead") is (verb in {"withdraw", "revoke"}):
            factories.WaiverFactory.create(
                service=service, target=verb, author=author, asked=verb != "revoke", ends_at=end
            )


def test_everybody_is_answered_as_the_document_says_and_nothing_breaks(
    fleet: Service, askers: dict[str, dict[str, str]]
) -> None:
    schema = schemathesis.openapi.from_wsgi(f"{ROOT}schema/", application, headers=askers[rights.SRE_LEAD])
    answered: Answered = defaultdict(set)
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # a document that cannot be read fails here
        _ask(operation, askers.values(), answered)

    good = {label for label, statuses in answered.items() if any(200 <= each < 300 for each in statuses)}
    assert len(good) >= ENOUGH * len(answered), sorted(answered.keys() - good)


def _ask(operation: Any, askers: Collection[dict[str, str]], answered: Answered) -> None:
    """Everybody asks the same: some times whatever the document allows, and once well."""
    told = answered[operation.label]

    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        told.update(_checked(case, headers) for headers in askers)

    ask()
    told.update(_checked(_good(operation), headers) for headers in askers)


def _checked(case: Any, headers: dict[str, str]) -> int:
    response = case.call(headers=headers)
    case.validate_response(response, checks=CHECKS)
    return int(response.status_code)


def _good(operation: Any) -> Any:
    """A request about what there is."""
    path = operation.path
    name = path.removeprefix(ROOT).split("/")[0]
    body: Any = {}
    if operation.method == "post":
        body = (
            GOOD.get(path.removeprefix(ROOT))
            or GOOD.get(name)
            or ({} if name == "evaluations" else record(name, "R-1"))
        )
    given_body = {"body": body, "media_type": "application/json"} if operation.method == "post" else {}
    return operation.Case(path_parameters=_named(path, name), query=_asked(path), **given_body)


GOOD = {
    "teams": {"slug": "search"},
    "systems": {"slug": "search"},
    "services": {"slug": "search", "owner": "payments"},
    "consultants": {"service": "pay", "person": "olga"},
    "waivers": {
        "service": "pay",
        "target": "defects",
        "reason": "Mended in August.",
        "ends_at": (clock.now() + dt.timedelta(days=9)).isoformat(),
    },
    **{
        f"waivers/{{id}}/{verb}/": {"reason": "Why not."}
        for verb in ("approve", "refuse", "withdraw", "revoke")
    },
    **{
        f"handbacks/{{id}}/{verb}/": body
        for verb, body in {
            "reject": {"reason": "Not so bad."},
            "withdraw": {"reason": "Not so bad."},
            "joint-repair": {"plan": "Mend.", "owner": "olga", "ends_at": "2099-01-01T00:00:00Z"},
            "confirm": {"reason": "We agree.", "consultants": ["olga"]},
            "stabilise": {"reason": ""},
            "findings": {"kind": "code", "severity": 2, "text": "A leak."},
            "close-finding": {"finding": 1},
            "plan": {"text": "Mend.", "owner": "olga", "due_on": "2099-01-01"},
            "finish-plan-item": {"item": 1},
            "comment": {"text": "We look at it."},
        }.items()
    },
    **{
        f"handoffs/{{id}}/{verb}/": body
        for verb, body in {
            "reject": {"reason": "No room."},
            "withdraw": {"reason": "Not yet."},
            "open-review": {"reason": "It is time."},
            "accept": {"reason": "We take it."},
            "begin-shadow": {"reason": "Off we go."},
            "assess-page": {"page": 1, "critical": True, "actionable": True},
            "stop-shadow": {"reason": "Too loud."},
            "confirm": {"side": "operations"},
            "complete": {"reason": "We know it."},
            "comment": {"text": "How noisy is it?"},
        }.items()
    },
    "handoffs": {"service": "pay", "reason": "It is quiet."},
    "handbacks": {"service": "till", "reason": "It wakes us every night."},
    **{
        f"reviews/{{id}}/{verb}/": body
        for verb, body in {
            "items/{item}/attest": {"name": "Ada", "said_on": "2026-01-01", "remark": "Seen."},
            "items/{item}/outcome": {"outcome": "not_met", "remark": "Not yet.", "blocking": False},
            "items/{item}/assign": {"to": "olga"},
            "items/{item}/fulfil": {"condition": 1},
            "comments": {"text": "We look at it."},
            "sign": {"side": "developers"},
            **{verb: {"reason": "Why not."} for verb in ("reject", "withdraw", "launch")},
        }.items()
    },
    "reviews": {"service": "later"},
    "consultants/{id}/end/": {"reason": "moves on"},
    "consultants/{id}/notes/": {"given_on": clock.now().date().isoformat(), "hours": 1, "text": "Split it."},
    "feeds": {
        "source": "pager",
        "kind": "page",
        "services": ["pay"],
        "since": "2099-01-01T00:00:00Z",
        "last_seen_at": "2099-01-01T00:00:00Z",
    },
}


def _named(path: str, name: str) -> dict[str, Any]:
    slugs = {"teams": "payments", "systems": "shop", "services": "pay"}
    keys: dict[str, type[Model]] = {
        "scorecards": Scorecard,
        "evaluations": Evaluation,
        "policies": PolicyVersion,
        "alerts": Alert,
        "consultants": Consultant,
        "cases": Case,
        "handbacks": Case,
        "handoffs": Case,
        "reviews": Review,
        "transitions": Transition,
        "waivers": Waiver,
    }
    if "{slug}" in path:
        return {"slug": slugs[name]}
    if path.startswith(f"{ROOT}waivers/{{id}}/") and (verb := path.rstrip("/").rpartition("/")[2]) != "{id}":
        return {"id": Waiver.objects.get(target=verb).pk}
    if "{item}" in path:
        attested = ChecklistItem.objects.exclude(way="measured").order_by("pk")[0]
        return {"id": attested.review_id, "item": attested.pk}
    if name in {"handbacks", "handoffs"} and "{id}" in path:
        return {"id": Case.objects.filter(kind=name.removesuffix("s")).order_by("pk")[0].pk}
    if "{id}" in path:
        return {"id": keys[name]._default_manager.values_list("pk", flat=True)[0]}
    return {}


def _asked(path: str) -> dict[str, Any]:
    if path.endswith("/gate/"):
        return {"for": "deploy"}
    if path.endswith("badge.svg"):
        return {"signature": badges.path_of("pay").rpartition("=")[2]}
    return {}
