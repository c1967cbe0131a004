"""Says in plain words what judgements foretold, and what cannot be told."""

from collections.abc import Mapping, Sequence

from readiness.criteria.wording import counted, number
from readiness.foretelling.counting import VerdictRate
from readiness.foretelling.observations import CONSEQUENCES, OVERALL, Consequence
from readiness.foretelling.ranking import CONFIDENCE, LEAST_SERVICES, Relation

_VERDICTS = {
    ("handoff", "ready"): "ready for handoff",
    ("handoff", "not_ready"): "not ready for handoff",
    ("handoff", "cannot_tell"): "“cannot tell” for handoff",
    ("handback", "holds"): "“holds” (run by ops)",
    ("handback", "below"): "“below” (run by ops)",
    ("handback", "urgent"): "“urgent” (run by ops)",
    ("handback", "cannot_tell"): "“cannot tell” (run by ops)",
    ("launch", "ready"): "ready for launch",
    ("launch", "not_ready"): "not ready for launch",
    ("launch", "cannot_tell"): "“cannot tell” for launch",
}


def sentences(
    rates: Sequence[VerdictRate], relations: Sequence[Relation], titles: Mapping[str, str]
) -> list[str]:
    """The answer, a sentence each: first what followed each verdict, then each relation that was found.

    ``titles`` are the criteria's by slug.
    """
    told = [_rates(each, rates) for each in CONSEQUENCES]
    tried = [each for each in relations if each.correlation is not None]
    for consequence in CONSEQUENCES:
        told += _relations(consequence, relations, titles)
    if tried:
        told.append(_by_chance(len(tried), sum(each.found for each in tried)))
    return [each for each in told if each]


def _rates(consequence: Consequence, rates: Sequence[VerdictRate]) -> str:
    """``After “ready for handoff”: 0.4 …`` for each verdict with exposure."""
    own = [each for each in rates if each.consequence == consequence.slug and each.rate is not None]
    if not own:
        return f"{_capital(consequence.title)}: cannot tell, none could have been seen after any judgement."
    clauses = [
        f"services judged {_VERDICTS.get((each.of, each.verdict), each.verdict)} had {_rate(each.rate)}"
        f" ({number(each.events)} in {_exposure(each, consequence)}; n = {each.observations} of"
        f" {counted(each.services, 'service')}"
        f"{', too few to compare' if each.services < LEAST_SERVICES else ''})"
        for each in own
    ]
    return f"{_capital(consequence.title)} per {consequence.unit} after a judgement: {'; '.join(clauses)}."


def _rate(rate: float | None) -> str:
    """Small rates keep what tells them apart."""
    return "unknown" if rate is None else f"{rate:.3f}" if 0 < rate < 0.1 else number(rate)


def _exposure(rate: VerdictRate, consequence: Consequence) -> str:
    noun = "change" if consequence.unit == "change" else "observed day"
    return counted(round(rate.exposure), noun)


def _relations(
    consequence: Consequence, relations: Sequence[Relation], titles: Mapping[str, str]
) -> list[str]:
    own = [each for each in relations if each.consequence == consequence.slug]
    told = [_found(each, consequence, titles) for each in own if each.found]
    open_ = [_title(each, titles) for each in own if each.correlation is not None and not each.found]
    unknown: dict[str, list[str]] = {}
    for each in own:
        if each.correlation is None:
            unknown.setdefault(each.why_not, []).append(_title(each, titles))
    if open_:
        told.append(
            f"{_capital(consequence.title)}: no relation can be told with {_listed(open_)}:"
            " the interval covers 0."
        )
    return told + [
        f"{_capital(consequence.title)}: cannot tell for"
        f" {'any score' if len(names) == len(own) else _listed(names)} ({why_not})."
        for why_not, names in unknown.items()
    ]


def _found(relation: Relation, consequence: Consequence, titles: Mapping[str, str]) -> str:
    less = (relation.correlation or 0) < 0
    return (
        f"{_capital(_title(relation, titles))}: higher scores went with {'fewer' if less else 'more'}"
        f" {consequence.title}: {signed(relation.correlation)}"
        f" [{signed(relation.low)}, {signed(relation.high)}]"
        f" ({counted(relation.services, 'service')}, {counted(relation.observations, 'observation')})"
        f"{'' if less else '; the rubric does not mean that'}."
    )


def signed(value: float | None) -> str:
    """A correlation as people read it: ``−0.42``; what is nearly 0 keeps its side, ``−0.002``."""
    if value is None:
        return "–"
    if not value:
        return "0"
    return (f"{value:+.3f}" if 0 < abs(value) < 0.005 else f"{value:+.2f}").replace("-", "−")


def _by_chance(tried: int, found: int) -> str:
    share = (100 - CONFIDENCE) / 100
    return (
        f"{counted(found, 'relation')} of {tried} looked at stood out; where there is none at all, about"
        f" {number(max(1, round(tried * share)))} in {tried} would by chance."
    )


def _title(relation: Relation, titles: Mapping[str, str]) -> str:
    return "the overall score" if relation.score == OVERALL else titles.get(relation.score, relation.score)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
