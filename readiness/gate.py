"""Asks whether a service is ready for one of three things: one answer for pipelines and REST alike."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from readiness import clock, reading
from readiness.models import ManagementChange, ManagementState, Scorecard, Service, Waiver
from readiness.models.catalogue import Lifecycle
from readiness.models.scorecard import Kind
from readiness.rendering.sentences import reason_text
from readiness.scoring import deploy_verdict

QUESTIONS = ("launch", "handoff", "deploy")
READY, NOT_READY, CANNOT_TELL = "ready", "not_ready", "cannot_tell"
EXIT_CODES = {READY: 0, NOT_READY: 1, CANNOT_TELL: 2}
"""What a shell is told; 3 and more are no answers."""

_SPAN = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class DoesNotApplyError(ValueError):
    """The question makes no sense in the state that the service is in; said in words."""


@dataclass(frozen=True, slots=True)
class Relied:
    """A waiver that an answer relied on."""

    id: int
    target: str
    text: str
    """Whose, until when and why, in words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Ready, not ready, or that nobody can tell; why, and how old the knowledge is."""

    service: str
    question: str
    answer: str
    reasons: tuple[str, ...]
    """In words, the decisive ones first."""
    max_age: timedelta
    waivers: tuple[Relied, ...] = ()
    scorecard: Scorecard | None = None
    """What the answer rests on; ``None`` where there is no live one."""
    age: timedelta | None = None
    remediates: str | None = None

    @property
    def exit_code(self) -> int:
        """0 ready, 1 not ready, 2 cannot tell."""
        return EXIT_CODES[self.answer]

    @property
    def at(self) -> datetime | None:
        """The moment that was judged."""
        return self.scorecard.at if self.scorecard else None

    def document(self) -> dict[str, Any]:
        """The answer as JSON types; REST and ``--format json`` are the same."""
        card = self.scorecard
        policy = None if card is None else {"name": card.policy.name, "version": card.policy.version}
        return {
            "service": self.service,
            "for": self.question,
            "answer": self.answer,
            "exit_code": self.exit_code,
            "reasons": list(self.reasons),
            "waivers": [{"id": each.id, "target": each.target, "text": each.text} for each in self.waivers],
            "remediates": self.remediates,
            "at": self.at and self.at.isoformat(),
            "age_seconds": None if self.age is None else round(self.age.total_seconds(), 3),
            "max_age_seconds": self.max_age.total_seconds(),
            "stale": self.stale,
            "scorecard": card and card.pk,
            "policy": policy,
            "clock_offset": clock.offset().total_seconds(),
        }

    @property
    def stale(self) -> bool:
        """Whether the scorecard is older than was allowed."""
        return self.age is not None and self.age > self.max_age


def parse_max_age(text: str) -> timedelta:
    """How old a scorecard may be: ``90m``, ``48h`` or ``7d``. Raises ``ValueError`` in words."""
    found = _SPAN.fullmatch(text)
    if found is None or not int(found[1]):
        raise ValueError(f"{text!r} is no span such as 90m, 48h or 7d")
    return int(found[1]) * _UNITS[found[2]]


def ask(
    service: Service, question: str, *, max_age: timedelta | None = None, remediates: str | None = None
) -> Answer:
    """Answer one of :data:`QUESTIONS` from the newest live scorecard; replayed ones answer nothing.

    ``max_age`` is the setting's unless given. ``remediates`` (``source:id`` or a bare id) names what a
    deployment is to cure. Raises :class:`DoesNotApplyError`, and ``ValueError`` for what nobody can ask.
    """
    if question not in QUESTIONS:
        raise ValueError(f"nobody can ask for {question}; there are {', '.join(QUESTIONS)}")
    if remediates is not None and question != "deploy":
        raise ValueError("only a deployment can remediate something: ask for deploy")
    if remediates is not None and not remediates.strip():
        raise ValueError("what the deployment is to cure has no name: name it, or leave it out")
    _check_applies(service, question)
    allowed = settings.SCORECARD_STALE_AFTER if max_age is None else max_age
    card = reading.latest(service, kind=Kind.LIVE)
    if card is None:
        why = "there is no live scorecard: it has not been judged yet"
        return Answer(service.slug, question, CANNOT_TELL, (why,), allowed, remediates=remediates)
    answer, reasons, waivers = _judged(card, question, remediates)
    age = clock.age(card.at)
    if age > allowed:
        answer, reasons = CANNOT_TELL, (_too_old(card, answer), *reasons)
    return Answer(
        service=service.slug,
        question=question,
        answer=answer,
        reasons=tuple(reasons),
        max_age=allowed,
        waivers=waivers,
        scorecard=card,
        age=age,
        remediates=remediates,
    )


def _check_applies(service: Service, question: str) -> None:
    """By what is known now: the scorecard may be of a time before the service changed hands."""
    if service.lifecycle == Lifecycle.RETIRED:
        raise DoesNotApplyError(f"{service.slug} is retired: nothing can be asked of it")
    live = service.is_live_at(clock.now())
    if question == "launch" and live:
        raise DoesNotApplyError(f"{service.slug} is live: its launch lies behind it")
    if question != "handoff":
        return
    if not live:
        raise DoesNotApplyError(f"{service.slug} is not launched: a handoff comes after the launch")
    changes = ManagementChange.objects.by(clock.now()).filter(service=service).order_by("-effective_at")
    state = changes.values_list("state", flat=True).first()
    if state != ManagementState.DEVELOPER_MANAGED:
        run_by = "ops-managed already" if state else "run by nobody on record"
        raise DoesNotApplyError(f"{service.slug} is {run_by}: it cannot be handed off")


def _judged(
    card: Scorecard, question: str, remediates: str | None
) -> tuple[str, tuple[str, ...], tuple[Relied, ...]]:
    """What the scorecard says: answer, reasons in words, waivers."""
    verdict = _verdict(card.numbers, question, remediates)
    if verdict is None:
        why = "the scorecard is of a time when this could not be asked: it has to be judged again"
        return CANNOT_TELL, (why,), ()
    reasons = tuple(reason_text(each, card.numbers) for each in verdict["reasons"])
    if remediates is not None and verdict == _verdict(card.numbers, question, None):
        reasons = (*reasons, f"nothing that stood against it is called {remediates}")
    waivers = (
        list(Waiver.objects.filter(pk__in=verdict["waivers"]).order_by("pk")) if verdict["waivers"] else []
    )
    relied = tuple(Relied(each.pk, each.target, _waiver_text(each)) for each in waivers)
    ended = _ended(waivers) if verdict["verdict"] == READY else ()
    return (CANNOT_TELL, (*ended, *reasons), relied) if ended else (verdict["verdict"], reasons, relied)


def _verdict(document: Mapping[str, Any], question: str, remediates: str | None) -> Mapping[str, Any] | None:
    if question == "deploy":
        return deploy_verdict(document, remediates)
    found: Mapping[str, Any] | None = document["verdicts"][question]
    return found


def _waiver_text(waiver: Waiver) -> str:
    return f"{waiver.target} until {waiver.ends_at:%Y-%m-%d}, approved by {waiver.approver}: {waiver.reason}"


def _ended(waivers: Iterable[Waiver]) -> tuple[str, ...]:
    """Waivers that were live when it was judged and are not now: ready was said in their name."""
    now = clock.now()
    return tuple(
        f"it was ready by the waiver of {each.target}, which has ended: it has to be judged again"
        for each in waivers
        if each.ends_at <= now or (each.revoked_at is not None and each.revoked_at <= now)
    )


def _too_old(card: Scorecard, said: str) -> str:
    return (
        f"the scorecard of {card.at:%Y-%m-%d %H:%M} UTC is too old to answer; "
        f"what it said then: {said.replace('_', ' ')}"
    )
