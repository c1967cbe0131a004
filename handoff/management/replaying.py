"""Walks services through past moments: what the rules would have proposed at each. Nothing is stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handoff.proposals.wording import why, why_not
from handoff.rules import RULES_VERSION, Course, Lapse, Proposal, Seen, advance, seen
from readiness.evaluation.judging import judge_services, scope_of
from readiness.evaluation.runs import uncollected
from readiness.models import Service
from readiness.policy import Policy
from readiness.scoring import Judgement
from readiness.simulation.trial import Circles, Fleet

Row = dict[str, Any]


@dataclass(slots=True)
class Replay:
    """What has come so far. A judgement that is not stored stands for a scorecard, named by its moment."""

    name: str
    """Of the policy."""
    policy: Policy
    fleet: Fleet
    deprecated: frozenset[int]
    moments: list[datetime] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    unjudged: dict[int, list[datetime]] = field(default_factory=dict)
    """The moments at which a service could not be judged, by its key."""
    _courses: dict[int, Course] = field(default_factory=dict)
    _open: dict[int, Row] = field(default_factory=dict)

    def judge(self, at: datetime) -> None:
        """One moment further. Raises database errors as they come."""
        circles = Circles(at)
        for batch in self.fleet.batches():
            self._judge_batch(circles, batch)
        self.moments.append(at)

    # Around the whole function, as in an evaluation: its facts are gone before the collector comes back.
    @uncollected()
    def _judge_batch(self, circles: Circles, batch: Fleet) -> None:
        scope = scope_of(self.policy, circles.at, batch.ids, whole=batch.whole)
        judged = judge_services(scope, self.policy, circles.under(self.policy))
        for pk, judgement in judged.judgements.items():
            self._walk(pk, judgement, circles.at)
        for failure in judged.failures:
            self.unjudged.setdefault(failure.service_id, []).append(circles.at)

    def _walk(self, pk: int, judgement: Judgement, at: datetime) -> None:
        document = judgement.document()
        now = seen(
            document,
            at=at,
            scorecard=at.isoformat(),
            policy=self.name,
            deprecated=pk in self.deprecated,
        )
        self._courses[pk], steps = advance(self._courses.get(pk, Course()), now)
        for step in steps:
            if isinstance(step, Lapse):
                self._open.pop(pk)["lapsed"] = _lapsed(step.seen, document)
            else:
                row = _proposed(judgement.facts.service, step, now, document=document)
                self._open[pk] = row
                self.rows.append(row)

    def result(self) -> dict[str, Any]:
        """What came, as JSON types.

        The shape::

            policy, rules_version, moments {first, last, number}, services number,
            unjudged {slug: [moment]},
            proposals [{service, kind, rule, rules_version, at, scorecards [moment], reasons [text],
                        grounds [text], lapsed null or {at, verdict, reasons [text]}}]
        """
        slugs = dict(Service.objects.filter(pk__in=self.unjudged).values_list("pk", "slug"))
        broken = sorted((slugs[pk], moments) for pk, moments in self.unjudged.items() if pk in slugs)
        return {
            "policy": self.name,
            "rules_version": RULES_VERSION,
            "moments": {
                "first": self.moments[0].isoformat(),
                "last": self.moments[-1].isoformat(),
                "number": len(self.moments),
            },
            "services": len(self.fleet.ids),
            "unjudged": {slug: [at.isoformat() for at in moments] for slug, moments in broken},
            "proposals": sorted(self.rows, key=lambda row: (row["service"], row["at"])),
        }


def replay(
    policy: tuple[str, Policy],
    at: Sequence[datetime],
    ids: Sequence[int] | None = None,
    *,
    told: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """All moments, in UTC and in order, of these services or all; ``told`` is called after each moment."""
    deprecated = Service.objects.filter(deprecated=True).values_list("pk", flat=True)
    walked = Replay(*policy, Fleet.of(ids), frozenset(deprecated))
    for moment in at:
        walked.judge(moment)
        told()
    return walked.result()


def _proposed(service: str, proposal: Proposal, now: Seen, *, document: Mapping[str, Any]) -> Row:
    return {
        "service": service,
        "kind": proposal.kind.value,
        "rule": proposal.rule.value,
        "rules_version": proposal.version,
        "at": proposal.at.isoformat(),
        "scorecards": list(proposal.scorecards),
        "reasons": why(proposal.kind, document, now),
        "grounds": sorted(proposal.grounds),
        "lapsed": None,
    }


def _lapsed(now: Seen, document: Mapping[str, Any]) -> Row:
    """By which answer of the judgement."""
    return {
        "at": now.at.isoformat(),
        "verdict": [now.of, now.verdict],
        "reasons": why_not(document, now),
    }
