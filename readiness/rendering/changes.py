"""What changed between two scorecards of a service, line by line in plain words."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from readiness.criteria import BY_SLUG
from readiness.criteria.wording import counted, number, percent
from readiness.rendering.sentences import blocker_text, feed_text, gap_text, listed
from readiness.rendering.values import plain, valued

Document = Mapping[str, Any]
Topic = Literal["verdict", "score", "blocker", "criterion", "part", "shown", "feed", "standing", "policy"]

VERDICTS = ("launch", "handoff", "handback", "deploy")
_RANKS = ("not_ready", "urgent", "below", "cannot_tell", "ready", "holds")
"""Verdicts from bad to good; those of one kind are compared."""
_LEVELS = ("none", "bronze", "silver", "gold")
_FEEDS = ("no_feed", "silent", "too_short", "observed")
NOT_APPLYING, NONE = "does not apply", "none"


@dataclass(frozen=True, slots=True)
class Judged:
    """One of the two scorecards: its numbers, and the policy it was judged under (``default v1``)."""

    document: Document
    policy: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is said otherwise. ``better`` is ``None`` where neither is better."""

    topic: Topic
    code: str
    """What it is called in the document: ``handoff``, ``open_sev1_defect``, ``defects.open_load``."""
    what: str
    before: str
    after: str
    better: bool | None = None


def changes(before: Judged, after: Judged) -> list[Change]:
    """All that a scorecard says and that the two say otherwise: what matters most first.

    Blockers are compared by their code, criteria and parts by their name. Observed days of feeds, which grow
    from day to day, are no change.
    """
    old, new = before.document, after.document
    found = [
        *_verdicts(old, new),
        *_scores(old, new),
        *_blockers(old, new),
        *_criteria(old, new),
        *_feeds(old, new),
        *_standing(old, new),
    ]
    if before.policy != after.policy:
        found.append(Change("policy", "policy", "Policy", before.policy, after.policy))
    return found


def summary(before: Judged, after: Judged, found: Sequence[Change]) -> str:
    """The changes in a sentence; and when there are none, whether nothing at all differs."""
    if found:
        said = _summed(found)
        return f"{said[:1].upper()}{said[1:]}."
    if before.document == after.document:
        return "Nothing changed."
    return "Nothing that a scorecard says changed; numbers beside it did, such as the observed days of feeds."


def _summed(found: Sequence[Change]) -> str:
    clauses = [
        f"{each.code} went from {each.before} to {each.after}" for each in found if each.topic == "verdict"
    ]
    clauses += [
        f"the score went from {each.before} to {each.after}" for each in found if each.code == "score"
    ]
    came = sum(each.topic == "blocker" and each.better is False for each in found)
    went = sum(each.topic == "blocker" and each.better is True for each in found)
    clauses += [f"{counted(came, 'blocker')} came"] if came else []
    clauses += [f"{counted(went, 'blocker')} went"] if went else []
    criteria = [each.what for each in found if each.topic == "criterion"]
    clauses += [f"{listed(criteria)} changed"] if criteria else []
    return "; ".join(clauses) or f"{counted(len(found), 'thing')} changed"


def _rise(old: float | None, new: float | None) -> bool | None:
    return None if old is None or new is None or old == new else new > old


def _rank(order: Sequence[str], old: str | None, new: str | None) -> bool | None:
    if old not in order or new not in order:
        return None
    return _rise(order.index(old), order.index(new))


def _verdicts(old: Document, new: Document) -> Iterator[Change]:
    for name in VERDICTS:
        was, now = (((doc.get("verdicts") or {}).get(name) or {}).get("verdict") for doc in (old, new))
        if was != now:
            before, after = (plain(each) if each else NOT_APPLYING for each in (was, now))
            yield Change("verdict", name, name.capitalize(), before, after, _rank(_RANKS, was, now))


_SCORES: Sequence[tuple[str, str, Callable[[Any], str]]] = (
    ("score", "Score", number),
    ("possible", "Possible", number),
    ("evidence", "Evidence", percent),
)


def _scores(old: Document, new: Document) -> Iterator[Change]:
    for name, title, words in _SCORES:
        was, now = old.get(name), new.get(name)
        if was != now:
            yield Change("score", name, title, words(was), words(now), _rise(was, now))
    was, now = old.get("level"), new.get("level")
    if was != now:
        yield Change("score", "level", "Level", was or NONE, now or NONE, _rank(_LEVELS, was, now))


def _blockers(old: Document, new: Document) -> Iterator[Change]:
    was, now = ({each[0]: each for each in doc.get("blockers") or ()} for doc in (old, new))
    for code in dict.fromkeys([*now, *was]):
        before, after = (_blocker(each.get(code)) for each in (was, now))
        if before != after:
            better = None if code in was and code in now else code in was
            yield Change("blocker", code, _blocker_title(code), before, after, better)


def _blocker_title(code: str) -> str:
    name, _, detail = code.partition(":")
    return f"Blocker: {plain(name)}{' ' + detail if detail else ''}"


def _blocker(blocker: Sequence[Any] | None) -> str:
    if blocker is None:
        return NONE
    code, _, waived, rows, numbers = blocker
    said = blocker_text(code, rows, numbers)
    return f"{said} (waived)" if waived else said


def _criteria(old: Document, new: Document) -> Iterator[Change]:
    was, now = old.get("criteria") or {}, new.get("criteria") or {}
    for slug in sorted({*was, *now}, key=_order):
        before, after = was.get(slug), now.get(slug)
        said = _criterion_words(before), _criterion_words(after)
        if said[0] != said[1]:
            scores = [None if each is None else each.get("score") for each in (before, after)]
            yield Change("criterion", slug, _title(slug), *said, better=_rise(*scores))
        if before and after and None not in (before.get("score"), after.get("score")):
            yield from _parts(slug, before, after)
            yield from _beside(slug, before, after)


def _order(slug: str) -> tuple[int, str]:
    known = list(BY_SLUG)
    return (known.index(slug) if slug in BY_SLUG else len(known), slug)


def _title(slug: str) -> str:
    return BY_SLUG[slug].title if slug in BY_SLUG else plain(slug)


def _criterion_words(numbers: Document | None) -> str:
    if numbers is None:
        return "not judged"
    if numbers.get("score") is None:
        gaps = "; ".join(gap_text(gap) for gap in numbers.get("gaps") or ())
        return f"cannot be judged: {gaps}" if gaps else "cannot be judged"
    return number(numbers["score"])


def _parts(slug: str, before: Document, after: Document) -> Iterator[Change]:
    was, now = before.get("parts") or {}, after.get("parts") or {}
    titles = BY_SLUG[slug].part_titles if slug in BY_SLUG else {}
    for name in _names(titles, was, now):
        old, new = (each.get(name) or (None, None) for each in (was, now))
        if tuple(old) == tuple(new):
            continue
        what = f"{_title(slug)}: {titles.get(name, plain(name))}"
        worth = _rise(old[1], new[1])
        yield Change(
            "part",
            f"{slug}.{name}",
            what,
            _part_words(slug, name, old),
            _part_words(slug, name, new),
            worth,
        )


def _part_words(slug: str, name: str, part: Sequence[Any]) -> str:
    value, score = part
    return "n/a" if value is None else f"{_valued(slug, name, value)} (scores {number(score)})"


def _beside(slug: str, before: Document, after: Document) -> Iterator[Change]:
    was, now = before.get("shown") or {}, after.get("shown") or {}
    for name in _names(BY_SLUG[slug].units if slug in BY_SLUG else {}, was, now):
        if was.get(name) != now.get(name):
            what = f"{_title(slug)}: {plain(name)}"
            old, new = (_shown_words(slug, name, each.get(name)) for each in (was, now))
            yield Change("shown", f"{slug}.{name}", what, old, new)


def _shown_words(slug: str, name: str, value: Any) -> str:
    if value is None or value == "":
        return NONE
    # the document's own words have their blanks written as in names
    return plain(value) if isinstance(value, str) and value.isidentifier() else _valued(slug, name, value)


def _valued(slug: str, name: str, value: Any) -> str:
    return valued(value, BY_SLUG[slug].units.get(name) if slug in BY_SLUG else None)


def _names(order: Iterable[str], was: Document, now: Document) -> Iterator[str]:
    """The names that either has, in the order of the criterion's own; PostgreSQL keeps another."""
    present = {*was, *now}
    known = [name for name in order if name in present]
    yield from (*known, *sorted(present.difference(known)))


def _feeds(old: Document, new: Document) -> Iterator[Change]:
    was, now = old.get("feeds") or {}, new.get("feeds") or {}
    for kind in sorted({*was, *now}):
        before, after = (_feed(kind, each.get(kind)) for each in (was, now))
        if before != after:
            better = _rank(_FEEDS, *(_status(each.get(kind)) for each in (was, now)))
            yield Change("feed", kind, f"Feed of {plain(kind)}s", before, after, better)


def _status(feed: Document | None) -> str:
    return "no_feed" if feed is None else str(feed.get("status"))


def _feed(kind: str, feed: Document | None) -> str:
    if feed is None:
        return NONE
    status = _status(feed)
    if status == "too_short":
        return "too short"
    if status != "observed":
        return feed_text(kind, feed)
    heard = "declared" if feed.get("declared") else "heard"
    return f"observed, {heard} from {listed(feed.get('sources') or ['nobody'])}"


def _standing(old: Document, new: Document) -> Iterator[Change]:
    was, now = ({**(doc.get("standing") or {}), **_catalogue(doc)} for doc in (old, new))
    waivers = [{each[0]: each[1] for each in side.pop("waivers", None) or ()} for side in (was, now)]
    for name in _names(("state", "handback_at", "tier", "lifecycle"), was, now):
        if was.get(name) != now.get(name):
            before, after = (
                NONE if each.get(name) is None else plain(str(each[name])) for each in (was, now)
            )
            yield Change("standing", name, _STANDING.get(name, plain(name).capitalize()), before, after)
    granted, kept = waivers
    for pk, target in {**granted, **kept}.items():
        if (pk in granted) != (pk in kept):
            before, after = ("live" if pk in each else "not live" for each in waivers)
            yield Change("standing", f"waiver.{pk}", f"Waiver of {plain(target)}", before, after)


_STANDING = {"state": "Management state", "handback_at": "Last handback", "tier": "Tier"}


def _catalogue(document: Document) -> dict[str, Any]:
    """What the catalogue says of the service, as it was judged."""
    hours = {f"hours.{name}": value for name, value in (document.get("hours") or {}).items()}
    return {name: document.get(name) for name in ("tier", "lifecycle") if name in document} | hours
