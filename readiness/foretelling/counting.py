"""How much came after each verdict: events over all the exposure there was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from readiness.foretelling.observations import CONSEQUENCES, Consequence, Observation


@dataclass(frozen=True, slots=True)
class VerdictRate:
    """What came after one verdict. ``rate`` is per ``consequence.per`` of exposure; ``None`` without any."""

    of: str
    verdict: str
    consequence: str
    services: int
    observations: int
    events: int
    exposure: float
    rate: float | None


def rates(
    observations: Iterable[Observation], consequences: Sequence[Consequence] = CONSEQUENCES
) -> list[VerdictRate]:
    """The rate of each consequence after each verdict, in the order of the verdicts' names.

    Exposure is added up before dividing, so that a service seen for long weighs more than one seen briefly.
    Observations whose exposure is zero are not counted.
    """
    grouped: dict[tuple[str, str], list[Observation]] = {}
    for each in observations:
        grouped.setdefault((each.of, each.verdict), []).append(each)
    return [_rate(key, grouped[key], consequence) for consequence in consequences for key in sorted(grouped)]


def _rate(key: tuple[str, str], group: Sequence[Observation], consequence: Consequence) -> VerdictRate:
    of, verdict = key
    seen = [
        (each.service, tally)
        for each in group
        if (tally := each.after.get(consequence.slug)) is not None and tally.exposure > 0
    ]
    events = sum(tally.events for _, tally in seen)
    exposure = sum(tally.exposure for _, tally in seen)
    return VerdictRate(
        of=of,
        verdict=verdict,
        consequence=consequence.slug,
        services=len({service for service, _ in seen}),
        observations=len(seen),
        events=events,
        exposure=round(exposure, 4),
        rate=round(consequence.per * events / exposure, 4) if exposure else None,
    )
