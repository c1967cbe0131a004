"""The schema of a policy file, its mistakes in words, and what it resolves to for each tier."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Self, TypeVar
from unicodedata import category

import yaml
from pydantic import BeforeValidator, Field, JsonValue, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from readiness.criteria import BY_SLUG, CRITERIA
from readiness.criteria.base import Criterion
from readiness.curves import Curve
from readiness.evidence import REPORTED_KINDS, Cause, SignalName
from readiness.rubric import (
    CurvePoints,
    Days,
    DeployTerms,
    FeedTerms,
    HandbackTerms,
    HandoffTerms,
    LaunchTerms,
    Level,
    RoomTerms,
    Rubric,
    RubricCriterion,
    RubricPart,
    Score,
    SpanTerms,
    StaleTerms,
    Terms,
    Weight,
)

TIERS = (1, 2, 3, 4)
MAX_LENGTH = 200_000
MAX_NODES = 50_000
"""So many values a policy may come to when what its aliases repeat is written out."""
LEVEL_LENGTH = 10
"""A scorecard keeps so much of a level's name."""
NO_LEVEL = "none"
"""What a scorecard says below the lowest level: no level can be called so."""

_WORDS = {"extra_forbidden": "there is no such term", "missing": "this term is missing"}

Location = tuple[int | str, ...]
V = TypeVar("V")


class PolicyError(ValueError):
    """A policy that cannot be used: what is wrong, and in which line of its text where that is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.message = message
        self.line = line


class MisplacedTermError(ValueError):
    """A mistake that only the whole policy shows, with the place where it stands."""

    def __init__(self, message: str, place: Location) -> None:
        super().__init__(message)
        self.place = place


def _tier(key: object) -> object:
    """Refuse what is read as a tier's number but written otherwise, such as ``01`` or ``yes``."""
    if str(key) not in map(str, TIERS):
        raise ValueError(f"there is no such tier; there are {', '.join(map(str, TIERS))}")
    return key


class PartTerms(Terms):
    """What a part weighs within its criterion, and the curve from its value to a score."""

    weight: Weight
    curve: CurvePoints


class CriterionTerms(Terms):
    """How a criterion is weighed, gated and measured; ``enabled: false`` switches it off."""

    enabled: bool = True
    weight: Weight
    gated: bool
    threshold: Score
    parts: dict[str, PartTerms]
    settings: dict[str, JsonValue]


class PartChange(Terms):
    """What a tier changes in a part."""

    weight: Weight | None = None
    curve: CurvePoints | None = None


class CriterionChange(Terms):
    """What a tier changes in a criterion."""

    enabled: bool | None = None
    weight: Weight | None = None
    gated: bool | None = None
    threshold: Score | None = None
    parts: dict[str, PartChange] = Field(default_factory=dict)
    settings: dict[str, JsonValue] = Field(default_factory=dict)


class TierTerms(Terms):
    """What a tier changes in the policy."""

    criteria: dict[str, CriterionChange] = Field(default_factory=dict)


class Policy(Terms):
    """A whole policy. It has no version: the store numbers what it keeps.

    Raises pydantic's ``ValidationError``; :func:`load_policy` says the same in words and with a line.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    window_days: Days
    feeds: FeedTerms
    signals: StaleTerms
    dependencies: StaleTerms
    spans: SpanTerms
    golden_signals: tuple[str, ...]
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    blocker_cap: str
    handoff: HandoffTerms
    launch: LaunchTerms
    deploy: DeployTerms
    handback: HandbackTerms
    criteria: dict[str, CriterionTerms]
    tiers: dict[Annotated[int, BeforeValidator(_tier)], TierTerms] = Field(default_factory=dict)

    _rubrics: dict[int, Rubric] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        """Check what no single field shows, and resolve every tier: a policy that loads can judge."""
        _check_levels(self)
        _check_words(self)
        _check_names(self)
        # Set past the freeze: the policy is not anybody's yet.
        object.__setattr__(self, "tiers", _telling(self.tiers))
        for tier in TIERS:
            self._rubrics[tier] = _resolve(self, tier)
        return self

    def rubric(self, tier: int) -> Rubric:
        """What a service of this tier (1 to 4) is judged by. Raises ``KeyError`` for another tier."""
        return self._rubrics[tier]

    def canonical(self) -> str:
        """The policy as JSON that is equal for equal policies, however their files are written.

        A term that releases before knew nothing of stands in it only where it says something else than what
        holds without it: what they stored keeps its digest.
        """
        terms = self.model_dump(mode="json")
        if self.handoff.room == RoomTerms():
            del terms["handoff"]["room"]
        return json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load_policy(text: str) -> Policy:
    """Read a policy from YAML (or JSON, which is YAML). Raises :class:`PolicyError`."""
    if len(text) > MAX_LENGTH:
        raise PolicyError(f"a policy has at most {MAX_LENGTH} characters, this one has {len(text)}")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        _refuse_oddities(loader, node)
        data = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark, said = error.problem_mark, ", ".join(filter(None, (error.context, error.problem)))
        raise PolicyError(f"this is not YAML: {said}", mark.line + 1 if mark else None) from error
    except RecursionError as error:
        raise PolicyError("this is nested too deep to be a policy") from error
    if not isinstance(data, dict):
        raise PolicyError("a policy is a mapping of its terms", 1)
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        raise _in_words(error, node) from error


def _in_words(error: ValidationError, node: yaml.Node | None) -> PolicyError:
    """The first mistake, where it stands, and how many more there are."""
    found = _told(error)
    first, more = found[0], len(found) - 1
    cause = first.get("ctx", {}).get("error")
    place = cause.place if isinstance(cause, MisplacedTermError) else _place(first)
    words = str(cause) if isinstance(cause, ValueError) else _WORDS.get(first["type"], first["msg"])
    others = f" (and {more} more)" if more else ""
    return PolicyError(f"{'.'.join(map(str, place)) or 'policy'}: {words}{others}", _line(node, place))


def _place(error: ErrorDetails) -> Location:
    """Where a mistake stands; a key that is wrong stands where its value does."""
    return tuple(step for step in error["loc"] if step != "[key]")


def _told(error: ValidationError) -> list[ErrorDetails]:
    """The mistakes in the order to tell them: a misspelt term is also a missing one, but has a line."""
    return sorted(error.errors(), key=lambda each: each["type"] == "missing")


def _line(node: yaml.Node | None, place: Location) -> int | None:
    """The line of the term at a place, or of the nearest one around it."""
    line = None
    for step in place:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == str(step)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


class _Loader(yaml.SafeLoader):
    """Reads YAML's safe part. Raises ``PolicyError`` also where YAML itself fails without a place."""

    def __init__(self, text: str) -> None:
        try:
            super().__init__(text)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise PolicyError(f"YAML allows no character U+{error.character:04X}", line) from error

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """A value; one that looks like a number or a date and is none is a mistake like another."""
        try:
            return super().construct_object(node, deep=deep)
        except (PolicyError, RecursionError):
            raise
        except (ValueError, LookupError, AttributeError) as error:  # what PyYAML lets through, by type
            what = node.tag.rpartition(":")[2]
            raise PolicyError(f"{str(node.value)[:40]} is no {what}", node.start_mark.line + 1) from error


def _refuse_oddities(loader: _Loader, root: yaml.Node | None) -> None:
    """Refuse what YAML allows and no policy needs: keys that stand twice, aliases without end."""
    sizes: dict[int, int | None] = {}

    def size(node: yaml.Node) -> int:
        """How many values it comes to, with all that aliases repeat."""
        if id(node) not in sizes:
            sizes[id(node)] = None
            sizes[id(node)] = 1 + sum(map(size, _below(loader, node)))
        found = sizes[id(node)]
        if found is None:
            raise PolicyError("an alias stands within what it repeats", node.start_mark.line + 1)
        if found > MAX_NODES:
            raise PolicyError("aliases repeat too much to be a policy", node.start_mark.line + 1)
        return found

    if root is not None:
        size(root)


def _below(loader: _Loader, node: yaml.Node) -> Iterator[yaml.Node]:
    """The values right below a node, which is looked at itself."""
    if isinstance(node, yaml.MappingNode):
        _refuse_repeated_keys(loader, node)
        yield from (each for pair in node.value for each in pair)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif any(category(char) in {"Cc", "Cs"} and char not in "\n\t" for char in node.value):
        raise PolicyError("this text has a character that no text can hold", node.start_mark.line + 1)


def _refuse_repeated_keys(loader: _Loader, node: yaml.MappingNode) -> None:
    """A key that stands twice would silently win over the first, also where it is written otherwise."""
    seen = set()
    for key, _ in node.value:
        merges = key.tag == "tag:yaml.org,2002:merge"  # "<<" has a meaning and no value
        is_word = isinstance(key, yaml.ScalarNode) and not merges
        found = loader.construct_object(key) if is_word else key.value
        if not isinstance(found, str | int):
            raise PolicyError("the name of a term is a word", key.start_mark.line + 1)
        if found in seen:
            raise PolicyError(f"{key.value} stands twice", key.start_mark.line + 1)
        seen.add(found)


def _check_levels(policy: Policy) -> None:
    """Levels go down from the highest, and the cap is one of them."""
    for index, (upper, lower) in enumerate(pairwise(policy.levels), start=1):
        if lower.overall > upper.overall or lower.criteria > upper.criteria:
            words = f"{lower.name} asks for more than {upper.name} above it"
            raise MisplacedTermError(words, ("levels", index))
    if policy.blocker_cap not in {level.name for level in policy.levels}:
        raise MisplacedTermError(f"{policy.blocker_cap} is no level", ("blocker_cap",))
    names = [level.name for level in policy.levels]
    for index, name in enumerate(names):
        place = ("levels", index, "name")
        if len(name) > LEVEL_LENGTH:
            raise MisplacedTermError(f"a level's name has at most {LEVEL_LENGTH} characters", place)
        if name == NO_LEVEL or name in names[:index]:
            raise MisplacedTermError(f"no level can be called {name} here: that name is taken", place)


def _check_words(policy: Policy) -> None:
    """Every kind, signal and cause that is named exists: a misspelt one would never be met."""
    words: tuple[tuple[Location, Iterable[str], Iterable[str]], ...] = (
        (("golden_signals",), policy.golden_signals, SignalName),
        (("launch", "needs"), policy.launch.needs, REPORTED_KINDS),
        (("deploy", "needs"), policy.deploy.needs, REPORTED_KINDS),
        (("handback", "needs"), policy.handback.needs, REPORTED_KINDS),
        (("handback", "urgent", "causes"), policy.handback.urgent.causes, Cause),
    )
    for place, given, known in words:
        for index, word in enumerate(given):
            if word not in list(known):
                told = f"there is no {word}; there are {', '.join(known)}"
                raise MisplacedTermError(told, (*place, index))


def _check_names(policy: Policy) -> None:
    """Every criterion and part that is named exists."""
    named: list[tuple[str, Location]] = [(slug, ("criteria", slug)) for slug in policy.criteria]
    named += [(slug, ("handback", "criteria", index)) for index, slug in enumerate(policy.handback.criteria)]
    for slug, place in named:
        if slug not in BY_SLUG:
            raise MisplacedTermError(f"there is no criterion {slug}; there are {', '.join(BY_SLUG)}", place)
    for tier, terms in policy.tiers.items():
        for slug, change in terms.criteria.items():
            place = ("tiers", tier, "criteria", slug)
            if slug not in policy.criteria:
                raise MisplacedTermError(f"this policy has no {slug} that a tier could change", place)
            _check_parts(BY_SLUG[slug], change.parts, (*place, "parts"), complete=False)
    for slug, rule in policy.criteria.items():
        _check_parts(BY_SLUG[slug], rule.parts, ("criteria", slug, "parts"), complete=True)


def _telling(tiers: Mapping[int, TierTerms]) -> dict[int, TierTerms]:
    """The tiers' changes without those that say nothing, so that policies that say the same are equal."""
    told = {tier: _telling_criteria(terms.criteria) for tier, terms in tiers.items()}
    return {tier: TierTerms(criteria=changes) for tier, changes in told.items() if changes}


def _telling_criteria(changes: Mapping[str, CriterionChange]) -> dict[str, CriterionChange]:
    told = {}
    for slug, change in changes.items():
        parts = {name: part for name, part in change.parts.items() if part != PartChange()}
        told[slug] = change.model_copy(update={"parts": parts})
    return {slug: change for slug, change in told.items() if change != CriterionChange()}


def _check_parts(
    criterion: Criterion[Any], parts: Mapping[str, object], place: Location, *, complete: bool
) -> None:
    """A criterion measures the parts it has; the policy can weigh one 0, but not leave it unsaid."""
    known = list(criterion.part_titles)
    for name in parts:
        if name not in known:
            words = f"{criterion.slug} has no part {name}; it has {', '.join(known)}"
            raise MisplacedTermError(words, (*place, name))
    missing = [name for name in known if name not in parts]
    if complete and missing:
        raise MisplacedTermError(f"{criterion.slug} lacks {', '.join(missing)}", place)


def _resolve(policy: Policy, tier: int) -> Rubric:
    """The policy with the tier's changes applied, as objects that are fast to read."""
    changes = policy.tiers[tier].criteria if tier in policy.tiers else {}
    criteria: dict[str, RubricCriterion[Any]] = {}
    for criterion in CRITERIA:
        terms = policy.criteria.get(criterion.slug)
        if terms is not None:
            resolved = _resolve_criterion(criterion, terms, change=changes.get(criterion.slug), tier=tier)
            if resolved is not None:
                criteria[criterion.slug] = resolved
    if not any(each.weight for each in criteria.values()):
        raise MisplacedTermError(f"no criterion has a weight in tier {tier}", ("criteria",))
    return Rubric(
        policy=policy.name,
        tier=tier,
        window_days=policy.window_days,
        feeds=policy.feeds,
        signals=policy.signals,
        dependencies=policy.dependencies,
        spans=policy.spans,
        golden_signals=policy.golden_signals,
        criteria=criteria,
        levels=policy.levels,
        blocker_cap=policy.blocker_cap,
        handoff=policy.handoff,
        launch=policy.launch,
        deploy=policy.deploy,
        handback=policy.handback,
    )


def _resolve_criterion(
    criterion: Criterion[Any], terms: CriterionTerms, *, change: CriterionChange | None, tier: int
) -> RubricCriterion[Any] | None:
    """One criterion for one tier; ``None`` where it is switched off."""
    change = change or CriterionChange()
    if not _changed(change.enabled, terms.enabled):
        return None
    place: Location = ("criteria", criterion.slug)
    if change.settings:
        place = ("tiers", tier, *place)
    # The order of the parts is the criterion's, so that no policy changes a mean by listing them otherwise.
    parts = {
        name: _resolve_part(name, terms.parts[name], change=change.parts.get(name))
        for name in criterion.part_titles
    }
    if not any(part.weight for part in parts.values()):
        raise MisplacedTermError("no part has a weight", ("criteria", criterion.slug, "parts"))
    return RubricCriterion(
        slug=criterion.slug,
        weight=_changed(change.weight, terms.weight),
        gated=_changed(change.gated, terms.gated),
        threshold=_changed(change.threshold, terms.threshold),
        parts=parts,
        settings=_settings(criterion, {**terms.settings, **change.settings}, (*place, "settings")),
    )


def _resolve_part(name: str, terms: PartTerms, *, change: PartChange | None) -> RubricPart:
    """One part for one tier."""
    change = change or PartChange()
    return RubricPart(
        name=name,
        weight=_changed(change.weight, terms.weight),
        curve=Curve(_changed(change.curve, terms.curve)),
    )


def _changed(change: V | None, base: V) -> V:
    """What a tier says, else what the policy says for all."""
    return base if change is None else change


def _settings(criterion: Criterion[Any], given: Mapping[str, JsonValue], place: Location) -> Any:
    """A criterion's settings in its own class; a mistake is told with its place in the policy."""
    try:
        return criterion.settings.model_validate(given)
    except ValidationError as error:
        first = _told(error)[0]
        words = _WORDS.get(first["type"], first["msg"])
        raise MisplacedTermError(words, (*place, *first["loc"])) from error
