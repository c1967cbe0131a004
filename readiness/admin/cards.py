"""Prepares a rendered scorecard for its page: numbers with units, bars, words; judges nothing itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString

from readiness.admin.charts import range_bar
from readiness.admin.labels import Tone, label, tone, words
from readiness.criteria import BY_SLUG
from readiness.criteria.wording import number
from readiness.rendering.values import plain, valued

ORDER = ("launch", "handoff", "handback", "deploy")
QUESTIONS = {
    "launch": "May it go live?",
    "handoff": "May ops take it over?",
    "handback": "Should ops hand it back?",
    "deploy": "May it be deployed now?",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict as the page shows it."""

    name: str
    question: str
    words: str
    tone: Tone
    reasons: Sequence[str]
    waivers: Sequence[int]


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part of a criterion as a row: value and score in words, its share of the criterion's weight."""

    title: str
    value: str
    score: str
    weight: str
    bar: SafeString | str


@dataclass(frozen=True, slots=True)
class EvidenceLink:
    """A row that weighs: where it stands outside and in our own list."""

    kind: str
    id: str
    url: str
    listed: str
    why: str


@dataclass(frozen=True, slots=True)
class Card:
    """A criterion as the page shows it."""

    slug: str
    title: str
    scored: bool
    standing: SafeString
    score: str
    bar: SafeString
    threshold: str
    weight: str
    gated: bool
    reason: str
    parts: Sequence[PartRow]
    shown: Sequence[tuple[str, str]]
    steps: Sequence[str]
    links: Sequence[EvidenceLink]


def verdicts(shown: Mapping[str, Any]) -> list[Verdict]:
    """The verdicts that apply to the service's state, the one about who runs it first."""
    return [
        Verdict(
            name=name,
            question=QUESTIONS[name],
            words=words(said["verdict"]),
            tone=tone(said["verdict"]),
            reasons=said["reasons"],
            waivers=said["waivers"],
        )
        for name in ORDER
        if (said := shown["verdicts"].get(name)) is not None
    ]


def cards(shown: Mapping[str, Any]) -> list[Card]:
    """The criteria in their order, those without weight last."""
    total = sum(each["weight"] for each in shown["criteria"]) or 1
    ordered = sorted(shown["criteria"], key=lambda each: not each["weight"])
    return [_card(each, total) for each in ordered]


def _card(each: Mapping[str, Any], total: float) -> Card:
    scored = each["status"] == "scored"
    return Card(
        slug=each["slug"],
        title=each["title"],
        scored=scored,
        standing=_standing(each),
        score=number(each["score"]) if scored else "–",
        bar=range_bar(each["score"], threshold=each["threshold"]),
        threshold=number(each["threshold"]),
        weight=f"{each['weight'] / total:.0%} of the score" if each["weight"] else "no weight",
        gated=each["gated"],
        reason=each["reason"],
        parts=_parts(each) if scored else (),
        shown=list(_beside(each)),
        steps=[step["text"] for step in each["next_steps"]],
        links=[_link(row) for row in each["evidence"]],
    )


def _standing(each: Mapping[str, Any]) -> SafeString:
    if each["score"] is None:
        return label("insufficient evidence", "unknown")
    if each["score"] >= each["threshold"]:
        return label("meets its threshold", "good")
    return label("below its threshold", "bad" if each["gated"] else "warn")


def _parts(each: Mapping[str, Any]) -> list[PartRow]:
    titles = BY_SLUG[each["slug"]].part_titles
    total = sum(part["weight"] for part in each["parts"]) or 1
    return [
        PartRow(
            title=titles.get(part["name"], plain(part["name"])),
            value="n/a" if part["value"] is None else valued(part["value"], part["unit"]),
            score="–" if part["score"] is None else number(part["score"]),
            weight=f"{part['weight'] / total:.0%}",
            bar="" if part["score"] is None else range_bar(part["score"]),
        )
        for part in each["parts"]
    ]


def _beside(each: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was measured beside the parts, as far as it says something."""
    for shown in each["shown"]:
        if shown["value"] is not None and shown["value"] != "":
            yield plain(shown["name"]), valued(shown["value"], shown["unit"])


def _link(row: Mapping[str, Any]) -> EvidenceLink:
    address = reverse(f"admin:readiness_{row['kind'].replace('_', '')}_changelist")
    safe = row["url"] if (row["url"] or "").startswith(("http://", "https://")) else ""
    listed = f"{address}?{urlencode({'q': row['id']})}"
    return EvidenceLink(plain(row["kind"]), row["id"], safe, listed, row["why"])
