"""What measured items come to: pure functions over a scorecard's numbers and a few facts beside it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from handoff.checklists.outcomes import Outcome
from readiness.criteria import BY_SLUG
from readiness.criteria.wording import counted, number
from readiness.rendering.card import reason
from readiness.rendering.sentences import blocker_text, reason_text
from readiness.rubric import Rubric


class Measure(NamedTuple):
    """What an item came to, why, and the waivers (their keys) without which it would not have."""

    outcome: Outcome
    reason: str
    waivers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Incidents:
    """Incidents of severity 1 or 2 older than 14 days."""

    severe: int = 0
    unreviewed: int = 0
    reviews_known: bool = False
    """Some incident of the service says that it was reviewed: its source reports reviews."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the receiving team would carry."""

    people: int
    after_hours_per_person: float | None
    """Events after hours a week for each, with this service; ``None`` where nobody can tell."""
    most_per_person: float
    least_people: int

    @property
    def fits(self) -> bool | None:
        """Enough people, and no more than that for each; ``None`` where nobody can tell how much it is."""
        if self.people < self.least_people:
            return False
        if self.after_hours_per_person is None:
            return None
        return self.after_hours_per_person <= self.most_per_person


@dataclass(frozen=True, slots=True)
class Facts:
    """What measured items read. Without a scorecard (``None``) only the catalogue speaks."""

    numbers: Mapping[str, Any] | None = None
    rubric: Rubric | None = None
    members: int = 0
    ops_team: str = ""
    description: str = ""
    links: Sequence[Mapping[str, Any]] = ()
    incidents: Incidents = Incidents()
    room: Room | None = None

    def waivers(self, *targets: str) -> tuple[int, ...]:
        """Keys of the live waivers of any of these criteria or blockers."""
        live = self.numbers["standing"]["waivers"] if self.numbers else []
        return tuple(sorted(key for key, target in live if target in targets))


NEVER_JUDGED: Final = Measure(Outcome.OPEN, "It has not been judged yet.")


def measure(name: str, facts: Facts) -> Measure:
    """What a measured item comes to."""
    return MEASURES[name](facts)


def shown(criterion: str, facts: Facts) -> str:
    """A criterion's line of reason, for an item that bars nothing."""
    if not facts.numbers or facts.rubric is None or criterion not in facts.numbers["criteria"]:
        return NEVER_JUDGED.reason
    return reason(BY_SLUG[criterion], facts.numbers, facts.rubric)


def _said(is_so: bool, met: str, not_met: str) -> Measure:
    return Measure(Outcome.MET, met) if is_so else Measure(Outcome.NOT_MET, not_met)


def _owner_team(facts: Facts) -> Measure:
    people = f"{facts.members} {'person' if facts.members == 1 else 'people'}"
    return _said(facts.members > 0, f"The owner team has {people}.", "Nobody is in its owner team.")


def _ops_team(facts: Facts) -> Measure:
    return _said(bool(facts.ops_team), f"{facts.ops_team}.", "The catalogue names no ops team.")


def _description(facts: Facts) -> Measure:
    return _said(bool(facts.description.strip()), "It has one.", "The catalogue says nothing about it.")


def _links(facts: Facts) -> Measure:
    missing = [name for name, words in _LINKS.items() if not any(_about(each, words) for each in facts.links)]
    return _said(not missing, "Both are there.", f"The catalogue has no link to its {' and '.join(missing)}.")


_LINKS: Final = {
    "source": ("source", "repo", "code", "scm"),
    "documentation": ("doc", "wiki", "manual", "handbook", "runbook", "readme"),
}


def _about(link: Mapping[str, Any], words: Iterable[str]) -> bool:
    said = f"{link.get('type') or ''} {link.get('title') or ''}".lower()
    return any(word in said for word in words)


def _criterion(slug: str) -> Callable[[Facts], Measure]:
    """Its score reaches the threshold of the policy, and no blocker of it stands."""

    def measured(facts: Facts) -> Measure:
        if facts.numbers is None or facts.rubric is None or slug not in facts.numbers["criteria"]:
            return NEVER_JUDGED
        rule = facts.rubric.criteria[slug]
        if not rule.gated:
            return Measure(Outcome.NOT_APPLICABLE, f"The policy asks for no score. {shown(slug, facts)}")
        return _reaches(slug, rule.threshold, facts, score=facts.numbers["criteria"][slug]["score"])

    return measured


def _reaches(
    slug: str, threshold: float, facts: Facts, *, score: float | None, blocked_by: Iterable[str] = ()
) -> Measure:
    """A score reaches a threshold, and no blocker of the criterion stands, nor of these others."""
    said = f"{'no score' if score is None else f'{score:g}'} of {threshold:g}: {shown(slug, facts)}"
    own = () if score is not None and score >= threshold else facts.waivers(slug)
    standing, waived = _blockers({slug, *blocked_by}, facts)
    if standing or (not own and score is not None and score < threshold):
        return Measure(Outcome.NOT_MET, "; ".join([said, *standing]))
    if score is None and not own:
        return Measure(Outcome.OPEN, said)
    return _met(said, {*own, *waived})


def _blockers(slugs: Collection[str], facts: Facts) -> tuple[list[str], set[int]]:
    """What stands against criteria, in words, and the waivers that set others of their blockers aside."""
    standing: list[str] = []
    relied: set[int] = set()
    for code, criterion, _, rows, numbers in facts.numbers["blockers"] if facts.numbers else ():
        if criterion in slugs:
            waivers = facts.waivers(code)
            relied.update(waivers)
            if not waivers:
                standing.append(blocker_text(code, rows, numbers))
    return standing, relied


def _no_open_sev1(facts: Facts) -> Measure:
    if facts.numbers is None:
        return NEVER_JUDGED
    found = [each for each in facts.numbers["blockers"] if each[0] == "open_sev1_defect"]
    for code, _, _, rows, numbers in found:
        if waivers := facts.waivers(code):
            return _met(blocker_text(code, rows, numbers), waivers)
        return Measure(Outcome.NOT_MET, blocker_text(code, rows, numbers))
    status = facts.numbers["feeds"].get("defect", {}).get("status", "no_feed")
    if status in {"observed", "too_short"}:
        return Measure(Outcome.MET, "None is open.")
    unheard = f"Nobody can tell: the feed of defects is {_FEEDS.get(status, status)}."
    if waivers := facts.waivers("defects"):
        return _met(unheard, waivers)
    return Measure(Outcome.OPEN, unheard)


_FEEDS: Final = {"no_feed": "missing", "silent": "silent"}


def _launch_verdict(facts: Facts) -> Measure:
    if facts.numbers is None:
        return NEVER_JUDGED
    verdict = facts.numbers["verdicts"]["launch"]
    if not verdict:
        return _live_telemetry(facts)
    said = "; ".join(reason_text(each, facts.numbers) for each in verdict["reasons"])
    if verdict["verdict"] == "ready":
        return Measure(Outcome.MET, said)
    waived = [facts.waivers(_target(each)) for each in verdict["reasons"]]
    if all(waived):
        return _met(said, {key for keys in waived for key in keys})
    unready = verdict["verdict"] == "not_ready"
    return Measure(Outcome.NOT_MET if unready else Outcome.OPEN, said)


def _live_telemetry(facts: Facts) -> Measure:
    """Once it is live there is no launch verdict: what production shows must reach the same bound."""
    outcome = facts.numbers and facts.numbers["criteria"].get("telemetry")
    if not outcome or facts.rubric is None:
        return NEVER_JUDGED
    bound = facts.rubric.launch.telemetry
    return _reaches("telemetry", bound, facts, score=outcome["score"], blocked_by=["pipeline"])


def _target(verdict_reason: Sequence[Any]) -> str:
    """Which waiver sets a reason against a launch aside."""
    code, numbers = verdict_reason
    if code == "blocker":
        return str(numbers["code"])
    return code if code == "pipeline_broken" else "telemetry"


def _incidents_reviewed(facts: Facts) -> Measure:
    found = facts.incidents
    if not found.severe:
        return Measure(Outcome.MET, "There was none.")
    if not found.reviews_known:
        return Measure(Outcome.NOT_APPLICABLE, "What reports incidents says of none that it was reviewed.")
    of = f"of {found.severe}"
    return _said(not found.unreviewed, f"All {of}.", f"{found.unreviewed} {of} are not reviewed.")


def _room(facts: Facts) -> Measure:
    room = facts.room
    if room is None or room.fits is None:
        return Measure(Outcome.OPEN, "Nobody can tell what the receiving team would carry.")
    load, people = room.after_hours_per_person, counted(room.people, "person", "people")
    events = "nobody can tell how many events" if load is None else counted(load, "event")
    said = (
        f"{people}, of at least {room.least_people}; "
        f"{events} after hours a week for each, of at most {number(room.most_per_person)}."
    )
    return _said(room.fits, said, said)


def _met(said: str, waivers: Iterable[int]) -> Measure:
    relied = tuple(sorted(set(waivers)))
    words = f" Set aside by waiver {', '.join(map(str, relied))}." if relied else ""
    return Measure(Outcome.MET, f"{said}{words}", relied)


MEASURES: Final[Mapping[str, Callable[[Facts], Measure]]] = {
    "owner_team": _owner_team,
    "ops_team": _ops_team,
    "description": _description,
    "links": _links,
    "no_open_sev1": _no_open_sev1,
    "launch_verdict": _launch_verdict,
    "incidents_reviewed": _incidents_reviewed,
    "room": _room,
    **{
        slug: _criterion(slug)
        for slug in ("defects", "after_hours", "telemetry", "coupling", "change_safety", "stability")
    },
}
"""What a measured item may be called by, to what it reads."""
