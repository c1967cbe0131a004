"""Work on an open handback: what was found, what is to do, what is said about it."""

import datetime as dt
from collections.abc import Sequence
from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Q

from handoff.actions.case_checks import refuse_working
from handoff.actions.case_moving import needed
from handoff.actions.recording import name_of
from handoff.actions.refusals import InvalidError, MovedError, why_not
from handoff.actions.review_filling import CHECKLIST
from handoff.models import Case, CaseComment, ChecklistItem, Finding, StabilisationItem
from readiness import clock
from readiness.models import Defect, Incident, Person, Service

SEVERITIES: Final = range(1, 5)


class KnownItem(NamedTuple):
    """An item that a review may ask about."""

    topic: str
    slug: str
    text: str


def known_items(service: Service) -> list[KnownItem]:
    """The items of the checklist, and after them those that reviews of the service asked under another."""
    known = {
        item.slug: KnownItem(topic.title, item.slug, item.text)
        for topic in CHECKLIST.topics
        for item in topic.items
    }
    earlier = ChecklistItem.objects.filter(review__service=service).exclude(slug__in=list(known))
    rows = earlier.order_by("topic", "pk").values_list("topic", "slug", "text")
    return [*known.values(), *{slug: KnownItem(topic, slug, text) for topic, slug, text in rows}.values()]


def add_finding(
    case: Case,
    *,
    kind: str,
    severity: int,
    text: str,
    by: User,
    incidents: Sequence[str] = (),
    defects: Sequence[str] = (),
    review_item: str = "",
) -> Finding:
    """Write down what is wrong with the service; incidents and defects are named as ``source:id``.

    ``review_item`` is the slug of the review item that should have caught it. Raises ``NotAllowedError``,
    ``InvalidError`` for an unknown kind, a severity that is not 1 to 4, rows that nobody reported or an item
    that no checklist knows, and ``MovedError`` once the case has ended.
    """
    _refuse_repair(case, by)
    if kind not in Finding.Kind.values:
        raise InvalidError("kind", f"A finding is one of {', '.join(Finding.Kind.values)}.")
    if severity not in SEVERITIES:
        raise InvalidError("severity", "Severities are 1, the worst, to 4.")
    return Finding.objects.create(
        case=case,
        kind=kind,
        severity=severity,
        text=needed(text, "text", "Say what was found."),
        incidents=_known(Incident, "incidents", incidents),
        defects=_known(Defect, "defects", defects),
        review_item=_known_item(case.service, review_item.strip()),
        author=name_of(by),
        written_at=clock.now(),
    )


def close_finding(finding: Finding, *, by: User) -> Finding:
    """It is mended. Raises ``NotAllowedError``, ``MovedError`` where it is closed or the case has ended."""
    _refuse(finding.case, by)
    now = clock.now()
    mine = Finding.objects.filter(pk=finding.pk, closed_at__isnull=True)
    if not mine.update(closed_at=now, closer=name_of(by)):
        raise MovedError("The finding is closed already.", "closed")
    finding.closed_at, finding.closer = now, name_of(by)
    return finding


def add_plan_item(case: Case, *, text: str, owner: Person, due_on: dt.date, by: User) -> StabilisationItem:
    """Something to do, by whom and when. Raises as :func:`add_finding`, for a day that is past, too."""
    _refuse_repair(case, by)
    if due_on < clock.now().date():
        raise InvalidError("due_on", "A day that has passed is no plan.")
    return StabilisationItem.objects.create(
        case=case,
        text=needed(text, "text", "Say what is to do."),
        owner=owner,
        due_on=due_on,
        author=name_of(by),
        written_at=clock.now(),
    )


def finish_plan_item(item: StabilisationItem, *, by: User) -> StabilisationItem:
    """It is done. Raises ``NotAllowedError``, ``MovedError`` where it is done or the case has ended."""
    _refuse(item.case, by)
    now = clock.now()
    mine = StabilisationItem.objects.filter(pk=item.pk, done_at__isnull=True)
    if not mine.update(done_at=now, doer=name_of(by)):
        raise MovedError("It is done already.", "done")
    item.done_at, item.doer = now, name_of(by)
    return item


def comment_case(case: Case, *, text: str, by: User) -> CaseComment:
    """Say something about an open case. Raises ``NotAllowedError``, ``InvalidError``, ``MovedError``."""
    _refuse(case, by)
    said = needed(text, "text", "Say something.")
    return CaseComment.objects.create(case=case, text=said, author=name_of(by), written_at=clock.now())


def work_obstacle(case: Case, by: User) -> str:
    """Why this person cannot work on a case now; empty when they can."""
    return why_not(_refuse, case, by)


def _refuse(case: Case, by: User) -> None:
    refuse_working(case, by)
    if case.ended_at is not None:
        raise MovedError(f"The case is {case.state} by now.", case.state)


def _refuse_repair(case: Case, by: User) -> None:
    _refuse(case, by)
    if case.kind != Case.Kind.HANDBACK:
        raise InvalidError("case", "Findings and plans are of handbacks; a handoff may be commented on.")


def _known_item(service: Service, slug: str) -> str:
    """The slug, where it is one; raises ``InvalidError``."""
    if slug and slug not in {each.slug for each in known_items(service)}:
        raise InvalidError("review_item", f"No checklist knows the item {slug}: leave it out, or name one.")
    return slug


def _known(model: type[Incident] | type[Defect], field: str, names: Sequence[str]) -> list[str]:
    """The names, each once; raises ``InvalidError`` for those that nobody reported."""
    wanted = list(dict.fromkeys(filter(None, (name.strip() for name in names))))
    split = {name: name.partition(":") for name in wanted}
    either = Q()
    for source, _, key in split.values():
        either |= Q(source=source, external_id=key)
    found = set(model.objects.filter(either).values_list("source", "external_id")) if wanted else set()
    unknown = [name for name, (source, _, key) in split.items() if (source, key) not in found]
    if unknown:
        raise InvalidError(field, f"Nobody reported {', '.join(unknown)}: name them as source:id.")
    return wanted
