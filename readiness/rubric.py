"""What a service of one tier is judged by: a policy's terms, resolved for the tier and made fast to read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from readiness.curves import Curve, Point

# Strict: `yes` and "180" are no numbers in a policy, though they could be read as some.
Score = Annotated[float, Field(strict=True, ge=0, le=100)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Weight = Annotated[float, Field(strict=True, ge=0, le=1000)]
Days = Annotated[float, Field(strict=True, gt=0, le=3660)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Severity = Annotated[int, Field(strict=True, ge=1, le=5)]


def _is_curve(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Refuse points that are no curve."""
    Curve(points)
    return points


CurvePoints = Annotated[tuple[Point, ...], AfterValidator(_is_curve)]


class Terms(BaseModel):
    """A part of a policy: immutable, and a misspelt name in it is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Settings(Terms):
    """The numbers a criterion needs beside its parts; each criterion has a class of its own."""


class FeedTerms(Terms):
    """When silence of a feed means that nobody listens, and how long one must have listened."""

    silence_days: Days
    minimum_days: Days


class StaleTerms(Terms):
    """After how many days unseen a signal or a dependency is no longer live."""

    stale_days: Days


class SpanTerms(Terms):
    """Spans that counting depends on."""

    recent_days: Days
    """What the handback verdict calls recent."""
    proving_hours: Annotated[float, Field(strict=True, ge=0, le=8760)]
    """A deployment younger than this is not asked for its verification yet."""
    broken_quiet_days: Days
    """A pipeline without a run for longer than this is abandoned, not broken."""


class Level(Terms):
    """A level is reached when the overall and every weighted criterion are at least these."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    overall: Score
    criteria: Score


class RoomTerms(Terms):
    """What a receiving team must have room for; a policy that does not speak of it says these."""

    people: Annotated[int, Field(strict=True, ge=1, le=1000)] = 6
    """So many its rota has at least: the SRE Book (ch. 11) asks for six where another site has the night."""
    after_hours_per_person_week: Annotated[float, Field(strict=True, ge=0, le=168)] = 1.0
    """Events after hours a week, for each of them, at most."""


class HandoffTerms(Terms):
    """The handoff verdict, and who takes over; the criteria's own thresholds stand with the criteria."""

    overall: Score
    room: RoomTerms = RoomTerms()


class LaunchTerms(Terms):
    """The launch verdict: the least score of telemetry, judged before there is production."""

    telemetry: Score
    needs: tuple[str, ...]
    """Kinds that must not be without a feed nor silent."""


class DeployTerms(Terms):
    """The deploy verdict: from which severity an open incident stands against it, and who must be heard."""

    incident_severity: Severity
    needs: tuple[str, ...]
    """Kinds that must not be without a feed nor silent."""


class IncidentCount(Terms):
    """So many incidents of this severity or a worse one."""

    severity: Severity
    count: Annotated[int, Field(strict=True, ge=1)]


class RateLimit(Terms):
    """A change fail rate above ``above`` counts, once there are so many changes."""

    above: Share
    minimum_changes: Count


class UrgentTerms(Terms):
    """What hands a service back at once, all of it recent (``spans.recent_days``)."""

    causes: tuple[str, ...]
    incidents: tuple[IncidentCount, ...]
    change_fail_rate: RateLimit


class HandbackTerms(Terms):
    """The handback verdict."""

    threshold: Score
    criteria: tuple[str, ...]
    blockers: tuple[str, ...]
    change_fail_rate: RateLimit
    needs: tuple[str, ...]
    """Kinds that must be observed for ``holds``."""
    urgent: UrgentTerms


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class RubricPart:
    """A part of a criterion: what it weighs and how its value becomes a score."""

    name: str
    weight: float
    curve: Curve


@dataclass(frozen=True, slots=True)
class RubricCriterion(Generic[S]):
    """A criterion as this tier weighs and gates it; ``threshold`` is the score asked for at a handoff."""

    slug: str
    weight: float
    gated: bool
    threshold: float
    parts: Mapping[str, RubricPart]
    """In the order in which their mean is taken."""
    settings: S
    curves: tuple[Curve, ...] = field(init=False, repr=False)
    weights: tuple[tuple[str, float], ...] = field(init=False, repr=False)
    """The name and weight of each part."""

    @property
    def ordered(self) -> tuple[RubricPart, ...]:
        """The parts in the order in which their mean is taken."""
        return tuple(self.parts.values())

    def __post_init__(self) -> None:
        """Lay out what the judgement of every service walks through."""
        parts = self.parts.values()
        object.__setattr__(self, "curves", tuple(part.curve for part in parts))
        object.__setattr__(self, "weights", tuple((part.name, part.weight) for part in parts))


@dataclass(frozen=True, slots=True)
class Rubric:
    """Everything a service of one tier is judged by. ``criteria`` leaves out what the policy switched off."""

    policy: str
    tier: int
    window_days: float
    feeds: FeedTerms
    signals: StaleTerms
    dependencies: StaleTerms
    spans: SpanTerms
    golden_signals: tuple[str, ...]
    criteria: Mapping[str, RubricCriterion[Any]]
    """By slug, in the order of the registry."""
    levels: tuple[Level, ...]
    """Highest first."""
    blocker_cap: str
    """The highest level that a service with an unwaived blocker reaches."""
    handoff: HandoffTerms
    launch: LaunchTerms
    deploy: DeployTerms
    handback: HandbackTerms

    @property
    def weighted(self) -> tuple[RubricCriterion[Any], ...]:
        """The criteria that the overall is the mean of."""
        return tuple(each for each in self.criteria.values() if each.weight > 0)

    @property
    def gated(self) -> tuple[RubricCriterion[Any], ...]:
        """The criteria that the handoff verdict asks for."""
        return tuple(each for each in self.criteria.values() if each.gated)
