"""Finds what a recorded decision names: by what a file can know, never by a key of ours."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db.models import F, QuerySet

from handoff.actions import InvalidError
from handoff.decisions.records import Decision
from handoff.models import Case, ChecklistItem, Condition, Consultant, Finding, Review, StabilisationItem
from handoff.models.review import UNDER_WAY
from readiness.ingest.people import person_slug
from readiness.models import Page, Person, Service, Waiver

Row = TypeVar("Row")
Find = Callable[[Decision, Service], Any]
ONE: Final = frozenset({"owner", "to", "person"})
"""Arguments that name a person."""
MANY: Final = frozenset({"consultants", "reachable"})
"""Arguments that name people."""
PAGE: Final = "page"
"""The argument that names a page."""


def person_called(field: str, name: str) -> Person:
    """The person of a name or slug. Raises ``InvalidError``."""
    person = Person.objects.filter(slug=person_slug(name)).first()
    if person is None:
        raise InvalidError(field, f"{name!r} is nobody that is known")
    return person


def service_called(name: str) -> Service:
    """The service of a slug or alias, as it is now. Raises ``InvalidError``."""
    service = Service.objects.named(name).select_related("owner", "ops_team").first()
    if service is None:
        raise InvalidError("service", f"{name!r} is no service or alias that is known")
    return service


def page_called(name: str, service: Service) -> Page:
    """The page of a service by its ``source:id``. Raises ``InvalidError``."""
    source, _, key = name.partition(":")
    page = Page.objects.filter(service=service, source=source, external_id=key).first()
    return _found(page, PAGE, f"{name!r} is no page of {service.slug}: name it as source:id")


def named(field: str, value: Any, service: Service) -> Any:
    """An argument as the actions take it: people, and a page, instead of their names."""
    if field == PAGE:
        return page_called(value, service)
    if field in ONE and value is not None:
        return person_called(field, value)
    return [person_called(field, name) for name in value] if field in MANY else value


def the_service(_: Decision, service: Service) -> Service:
    """The service itself."""
    return service


def the_review(decision: Decision, service: Service) -> Review:
    """The service's review that was under way then."""
    rows = service.reviews.filter(state__in=UNDER_WAY, opened_at__lte=decision.at)
    return _found(rows.select_related("service", "scorecard").first(), "service", "has no review under way")


def an_item(decision: Any, service: Service) -> ChecklistItem:
    """An item of that review."""
    review = the_review(decision, service)
    item = review.items.filter(slug=decision.item, dependency=decision.dependency).first()
    return _found(item, "item", "is none of the review under way")


def a_condition(decision: Any, service: Service) -> Condition:
    """The condition under which an item was accepted; also of a review that was signed, or used, since."""
    rows = Condition.objects.filter(
        item__review__service=service,
        item__slug=decision.item,
        item__dependency=decision.dependency,
        set_at__lte=decision.at,
    )
    newest = rows.select_related("item__review__service").order_by("-set_at", "-pk").first()
    return _found(newest, "item", "was accepted under no condition")


def a_waiver_asked(decision: Any, service: Service) -> Waiver:
    """The waiver of a target that waits for a decision."""
    waiver = _waivers(decision, service).filter(approved_at__isnull=True).first()
    return _found(waiver, "target", "has no waiver that waits for a decision")


def a_waiver_live(decision: Any, service: Service) -> Waiver:
    """The waiver of a target that counts."""
    waiver = _waivers(decision, service).filter(approved_at__isnull=False).first()
    return _found(waiver, "target", "has no waiver that counts")


def a_consultant(decision: Any, service: Service) -> Consultant:
    """The newest consulting of a person on the service."""
    person = person_called("person", decision.person)
    rows = service.consultants.filter(person=person, began_at__lte=decision.at)
    return _found(rows.order_by("-began_at", "-pk").first(), "person", "does not advise on the service")


def the_case(decision: Decision, service: Service) -> Case:
    """The service's case that was open then."""
    case = service.cases.open().filter(opened_at__lte=decision.at).select_related("service").first()
    return _found(case, "service", "has no open case")


def the_handback(decision: Decision, service: Service) -> Case:
    """That case, a handback."""
    return _of_kind(the_case(decision, service), Case.Kind.HANDBACK)


def the_handoff(decision: Decision, service: Service) -> Case:
    """That case, a handoff."""
    return _of_kind(the_case(decision, service), Case.Kind.HANDOFF)


def a_finding(decision: Any, service: Service) -> Finding:
    """A finding of that case, by its text; the one that is still open, where two say the same."""
    rows = the_case(decision, service).findings.filter(text=decision.finding)
    return _found(
        rows.order_by(F("closed_at").asc(nulls_first=True), "pk").first(),
        "finding",
        "is none of the open case",
    )


def a_plan_item(decision: Any, service: Service) -> StabilisationItem:
    """A plan item of that case, by its text, chosen likewise."""
    rows = the_case(decision, service).plan.filter(text=decision.item)
    return _found(
        rows.order_by(F("done_at").asc(nulls_first=True), "pk").first(),
        "item",
        "is none of the plan of the open case",
    )


def _waivers(decision: Any, service: Service) -> "QuerySet[Waiver]":
    rows = service.waivers.under_way().filter(target=decision.target, asked_at__lte=decision.at)
    return rows.select_related("service").order_by("-asked_at", "-pk")


def _of_kind(case: Case, kind: str) -> Case:
    if case.kind != kind:
        raise InvalidError("service", f"has an open {case.kind}, and no {kind}")
    return case


def _found(row: Row | None, field: str, otherwise: str) -> Row:
    if row is None:
        raise InvalidError(field, otherwise)
    return row
