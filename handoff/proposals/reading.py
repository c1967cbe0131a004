"""Reads what the rules go by, for many services in a constant number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import models
from django.db.models import F, Q, QuerySet

from handoff.models import Case, CaseScorecard, Transition, TransitionScorecard, Watermark
from handoff.rules import BELOW, LOOK_BACK, REST, URGENT, Kind, Rejection, Rule, Seen, rule_of, seen
from readiness.models import CurrentScore, Scorecard, Service
from readiness.models.scorecard import Kind as JudgementKind

# As far as the first that was not looked at looks back; what is older is not caught up with.
_REACH = LOOK_BACK * 2


class Card(NamedTuple):
    """A live scorecard; with its numbers where it may be new, or says ``below``."""

    service: int
    pk: int
    at: datetime
    policy: int
    numbers: dict[str, Any] | None

    def seen(self, *, deprecated: bool) -> Seen:
        """As the rules see it; of what was looked at, it matters only whether it says ``below``."""
        name, policy = str(self.pk), str(self.policy)
        if self.numbers is None:
            return Seen(at=self.at, scorecard=name, policy=policy, state=None)
        return seen(self.numbers, at=self.at, scorecard=name, policy=policy, deprecated=deprecated)


class Rejected(NamedTuple):
    """A case that people rejected lately, with the numbers of the scorecards that they knew then."""

    kind: str
    verdict: str
    at: datetime
    known: Sequence[dict[str, Any]]

    def rejection(self) -> Rejection:
        """As the rules see it."""
        known = [seen(each, at=self.at, scorecard="", policy="", deprecated=False) for each in self.known]
        return Rejection(
            kind=Kind(self.kind),
            at=self.at,
            urgent=self.verdict == URGENT or any(each.says(Kind.HANDBACK, URGENT) for each in known),
            grounds=frozenset().union(*(each.grounds for each in known)),
        )


@dataclass(frozen=True)
class Subject:
    """A service whose current scorecard the rules have not looked at. Its rows are read, and not yet
    understood: what cannot be, breaks where it is asked for.
    """

    current: CurrentScore
    mark: Watermark
    """What was looked at before."""
    cards: Sequence[Card]
    """In order of time, one a moment; none where the policy is no longer in force."""
    case: Case | None
    """The open one."""
    rejected: Sequence[Rejected]

    @property
    def service(self) -> Service:
        """Whose scorecard it is."""
        return self.current.service

    @property
    def rule(self) -> Rule | None:
        """Whose proposal is open, if a rule made it and nobody has answered yet."""
        case = self.case
        return rule_of(case.proposer) if case is not None and case.state == Case.State.PROPOSED else None

    @cached_property
    def known(self) -> tuple[Seen, ...]:
        """What was looked at, with what said otherwise than ``below`` and is deleted since."""
        row = [each for card, each in self._seen if not self._is_new(card)]
        other = self.mark.other_at
        if other is not None and other not in {each.at for each in row}:
            row.append(Seen(at=other, scorecard="", policy=str(self.mark.other_policy), state=None))
        return tuple(sorted(row, key=attrgetter("at")))

    @cached_property
    def new(self) -> tuple[Seen, ...]:
        """What was not looked at."""
        return tuple(each for card, each in self._seen if self._is_new(card))

    @property
    def rejections(self) -> list[Rejection]:
        """What people rejected lately."""
        return [each.rejection() for each in self.rejected]

    def numbers(self, name: str) -> dict[str, Any]:
        """The numbers of a scorecard that was new."""
        return next(card.numbers for card in self.cards if str(card.pk) == name and card.numbers is not None)

    @property
    def marked(self) -> Watermark:
        """How far the rules have looked once they have looked at all of this."""
        row = (*self.known, *self.new)
        others = [each for each in row if not each.says(Kind.HANDBACK, BELOW)]
        last = max(others, key=attrgetter("at"), default=None)
        return Watermark(
            service=self.service,
            scorecard=self.current.scorecard_id,
            at=self.current.at,
            other_at=last.at if last else None,
            other_policy=int(last.policy) if last else None,
        )

    @cached_property
    def _seen(self) -> list[tuple[Card, Seen]]:
        return [(card, card.seen(deprecated=self.service.deprecated)) for card in self.cards]

    def _is_new(self, card: Card) -> bool:
        """After what was looked at, or in its place; of a service that never was, the current one alone."""
        mark, current = self.mark, self.current
        if mark.at is None or card.at == mark.at:
            return card.pk == current.scorecard_id
        return card.at > max(mark.at, current.at - LOOK_BACK)


def unlooked() -> "QuerySet[CurrentScore]":
    """The current scores whose scorecard the rules have not looked at, in order of their services' keys."""
    return CurrentScore.objects.exclude(service__watermark__scorecard=F("scorecard")).order_by("pk")


def subjects(marks: Mapping[int, Watermark]) -> list[Subject]:
    """Of these services, by key, those that are not looked at yet: six queries, however many."""
    current = list(unlooked().filter(pk__in=list(marks)).select_related("service"))
    ids = [each.pk for each in current]
    # one that only backs up bars nothing: a handback completes it
    open_ = Case.objects.open().filter(service__in=ids).exclude(state=Case.State.BACKED_UP)
    open_ = open_.select_related("service")
    cases = {case.service_id: case for case in open_}
    rejected = _rejected(ids, min((each.at for each in current), default=None))
    cards = {pk: list(group) for pk, group in groupby(_cards(ids), attrgetter("service"))}
    return [
        Subject(
            current=each,
            mark=marks[each.pk],
            cards=_one_a_moment(cards.get(each.pk, ()), until=each.at),
            case=cases.get(each.pk),
            rejected=rejected[each.pk],
        )
        for each in current
    ]


def _one_a_moment(cards: Iterable[Card], *, until: datetime) -> list[Card]:
    """The newest revision of each; what came after the current score was read waits for the next sweep."""
    return list({card.at: card for card in cards if card.at <= until}.values())


def _cards(ids: Collection[int]) -> Iterator[Card]:
    """Live scorecards under the policy in force, by service and in order of time.

    With numbers: those that may be new, and those that say ``below``.
    """
    fresh = Q(at__gte=F("service__watermark__at")) | Q(pk=F("service__current__scorecard"))
    rows = (
        Scorecard.objects.filter(
            service__in=ids,
            kind=JudgementKind.LIVE,
            policy__in_force=True,
            at__gt=F("service__current__at") - _REACH,
        )
        .annotate(told=models.Case(models.When(fresh | Q(handback=BELOW), then=F("numbers"))))
        .order_by("service_id", "at", "revision")
    )
    for row in rows.values_list("service", "pk", "at", "policy", "told"):
        yield Card(*row)


def _rejected(ids: Collection[int], first: datetime | None) -> Mapping[int, list[Rejected]]:
    """What people rejected of each service lately.

    Rules propose no release, so that its rejection lets nothing of theirs rest.
    """
    found: dict[int, list[Rejected]] = defaultdict(list)
    if first is None:
        return found
    cases = list(
        Case.objects.filter(
            service__in=ids, state=Case.State.REJECTED, ended_at__gt=first - LOOK_BACK - REST
        ).exclude(handback_kind=Case.HandbackKind.RELEASE)
    )
    known = _known_at_rejection([case.pk for case in cases])
    for case in cases:
        at = case.ended_at or case.opened_at
        found[case.service_id].append(Rejected(case.kind, case.verdict, at, known[case.pk]))
    return found


def _known_at_rejection(cases: Collection[int]) -> Mapping[int, list[dict[str, Any]]]:
    """The numbers of the scorecards that justified each case, and of those that its rejection relied on."""
    kept = CaseScorecard.objects.filter(case__in=cases).values_list("case", "scorecard__numbers")
    relied = TransitionScorecard.objects.filter(
        transition__subject=Transition.Subject.CASE,
        transition__subject_id__in=cases,
        transition__move="reject",
    ).values_list("transition__subject_id", "scorecard__numbers")
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for case, numbers in (*kept, *relied):
        found[case or 0].append(numbers)
    return found
