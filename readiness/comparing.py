"""What differs between two policies, change by change, as people read it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue, ValidationError

from readiness.criteria import BY_SLUG
from readiness.criteria.wording import number
from readiness.policy import Policy

Path = tuple[str | int, ...]
"""Where a term stands in a policy's document; tiers and places in a list are numbers."""

_TERMS: dict[Path, str] = {
    ("window_days",): "Window in days",
    ("blocker_cap",): "Highest level with a blocker",
    ("handoff", "overall"): "Handoff: overall threshold",
    ("launch", "telemetry"): "Launch: telemetry threshold",
}
"""Terms whose own name would not say enough."""

_SWITCHES = {
    "enabled": ("switched off", "switched on"),
    "gated": ("not gated any more", "gated now"),
}
"""What a criterion's yes and no mean."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One change: where, from what, to what, and the sentence that says so.

    ``old`` or ``new`` is ``None`` where the term does not stand in that policy.
    """

    path: Path
    old: JsonValue
    new: JsonValue
    text: str

    @property
    def tier(self) -> int | None:
        """The tier whose services it changes; ``None`` for all tiers."""
        return int(self.path[1]) if self.path[0] == "tiers" else None

    @property
    def criterion(self) -> str | None:
        """The slug of the criterion that it changes; ``None`` for what belongs to none."""
        within = _within_tier(self.path)
        return str(within[1]) if within[0] == "criteria" and len(within) > 1 else None

    @property
    def part(self) -> str | None:
        """The part of the criterion that it changes; ``None`` for what belongs to none."""
        within = _within_tier(self.path)
        return str(within[3]) if within[0] == "criteria" and within[2:3] == ("parts",) else None


def differences(old: Policy, new: Policy) -> list[PolicyChange]:
    """Every change that leads from one policy to the other, in the order of the file. None when equal."""
    before, after = _document(old), _document(new)
    return [
        PolicyChange(path, left, right, _sentence(path, left, right, bases=(before, after)))
        for path, left, right in _walk(before, after, ())
    ]


def applied(old: Policy, changes: Iterable[PolicyChange]) -> Policy | None:
    """The old policy with these changes alone; ``None`` when they cannot stand without others."""
    document = _document(old)
    try:
        for change in changes:
            _put(document, change.path, change.new)
        return Policy.model_validate(document)
    except (LookupError, TypeError, ValidationError):
        return None


def _document(policy: Policy) -> dict[str, Any]:
    """A policy as JSON without what is not said; tiers are numbers as in the file."""
    document = policy.model_dump(mode="json", exclude_none=True)
    document["tiers"] = {
        tier: terms.model_dump(mode="json", exclude_defaults=True) for tier, terms in policy.tiers.items()
    }
    return document


def _walk(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, JsonValue, JsonValue]]:
    """The places where two documents differ, as deep as both have the same shape."""
    if old == new:
        return
    if _is_container(path):  # a tier changes single terms: what it does not list, it leaves as it is
        old, new = old or {}, new or {}
    if isinstance(old, dict) and isinstance(new, dict) and not _has_null(old, new):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _walk(old.get(key), new.get(key), (*path, key))
    elif _same_length(old, new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _walk(left, right, (*path, index))
    else:
        yield path, old, new


def _is_container(path: Path) -> bool:
    """Whether it only holds what a tier changes: the tier, its criteria, one's parts, one part, settings."""
    return path[:1] == ("tiers",) and (
        len(path) in {2, 3, 4} or (len(path) == 5 and path[4] in {"parts", "settings"}) or _is_part(path)
    )


def _is_part(path: Path) -> bool:
    return len(path) == 6 and path[4] == "parts"


def _has_null(*documents: dict[str, Any]) -> bool:
    """A null could not be told from a term that is not there, so that such a mapping changes as a whole."""
    return any(value is None for document in documents for value in document.values())


def _same_length(old: Any, new: Any) -> bool:
    """Lists of mappings, such as levels, are compared one by one when none was added or taken away."""
    return (
        isinstance(old, list)
        and isinstance(new, list)
        and len(old) == len(new)
        and all(isinstance(each, dict) for each in (*old, *new))
    )


def _put(document: dict[str, Any], path: Path, value: JsonValue) -> None:
    """Set a term, or take it out. Raises ``LookupError`` or ``TypeError`` where it has no place."""
    at: Any = document
    for depth, step in enumerate(path[:-1], start=1):
        if _is_container(path[:depth]):
            at.setdefault(step, {})
        at = at[step]
    if value is not None:
        at[path[-1]] = value
        return
    at.pop(path[-1], None)
    if not at and _is_container(path[:-1]):  # a tier that changes nothing of it any more does not name it
        _put(document, path[:-1], None)


def _within_tier(path: Path) -> Path:
    """A tier's path as if it stood for all tiers."""
    return path[2:] if path[0] == "tiers" else path


def _sentence(
    path: Path, old: JsonValue, new: JsonValue, *, bases: tuple[dict[str, Any], dict[str, Any]]
) -> str:
    """One change in words. Where a tier says nothing, what ``bases`` say for all tiers holds."""
    if path[0] == "levels" and len(path) == 3:
        level = _at(bases[1], path[:2])
        return _became(f"Level {level['name']}: {_spelt(path[2:])}", old, new)
    if path[0] != "tiers":
        return _said(path, old, new)
    shared = _within_tier(path)
    was = _at(bases[0], shared) if old is None else old
    is_now = _at(bases[1], shared) if new is None else new
    note = ""
    if new is None:
        note = " (as for all tiers again)"
    elif was == is_now:
        note = " (as for all tiers, but said for this tier of its own)"
    return f"Tier {path[1]}, {_said(shared, was, is_now)}{note}"


def _at(document: dict[str, Any], path: Path) -> Any:
    """What stands at a place; ``None`` where nothing does."""
    at: Any = document
    for step in path:
        try:
            at = at[step]
        except (LookupError, TypeError):
            return None
    return at


def _said(path: Path, old: JsonValue, new: JsonValue) -> str:
    if path[0] != "criteria" or len(path) < 2:
        term = _spelt(path)
        return _became(_TERMS.get(path) or f"{term[:1].upper()}{term[1:]}", old, new)
    slug, rest = str(path[1]), path[2:]
    title = BY_SLUG[slug].title
    if not rest:
        return f"{title}: {'a criterion now' if old is None else 'no criterion any more'}"
    if rest[0] in _SWITCHES:
        return f"{title}: {_SWITCHES[str(rest[0])][bool(new)]}"
    if rest[0] == "parts" and len(rest) > 2:
        part = BY_SLUG[slug].part_titles[str(rest[1])]
        return _became(f"{title}, {part}: {_spelt(rest[2:])}", old, new)
    if rest[0] == "settings" and len(rest) > 1:
        rest = rest[1:]
    return _became(f"{title}: {_spelt(rest)}", old, new)


def _spelt(path: Path) -> str:
    """A place in words: ``handback, urgent, incidents 2, count``."""
    said = ""
    for step in path:
        said += f" {step + 1}" if isinstance(step, int) else f"{', ' if said else ''}{step.replace('_', ' ')}"
    return said


def _became(term: str, old: JsonValue, new: JsonValue) -> str:
    """``weight 40 becomes 50``."""
    if old == new:
        return f"{term} stays {_words(new)}"
    if old is None:
        return f"{term} is {_words(new)} now"
    if new is None:
        return f"{term} {_words(old)} is taken out"
    if isinstance(old, (list, dict)) or isinstance(new, (list, dict)):
        return f"{term} changes from {_words(old)} to {_words(new)}"
    return f"{term} {_words(old)} becomes {_words(new)}"


def _words(value: JsonValue) -> str:
    """A value as it stands in a sentence; the points of a curve as ``value → score``."""
    if isinstance(value, dict):
        return (
            "; ".join(f"{name.replace('_', ' ')}: {_words(each)}" for name, each in value.items()) or "none"
        )
    if isinstance(value, list):
        return ", ".join(_point(each) or _words(each) for each in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value)


def _point(value: JsonValue) -> str:
    match value:
        case [int() | float() | str() as x, int() | float() as y]:
            return f"{number(x)} → {number(y)}"
    return ""
