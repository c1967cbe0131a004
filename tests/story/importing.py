"""Imports the story, with or without what people decided, and judges it as of the moments told."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from readiness import evaluation
from readiness.models import Scorecard, Service
from readiness.models.scorecard import Kind
from tests.story.generate import FOLDER
from tests.story.plot import Plot

GATED = ("defects", "telemetry", "after_hours", "coupling", "change_safety", "stability")
HANDED_BACK_BY = ("defects", "after_hours", "coupling", "change_safety")
THRESHOLDS = {"telemetry": 80, "stability": 100}


def undecided(into: Path) -> Path:
    """The story in a folder of its own, before anybody decided: quick to import, and no case is open."""
    folder = into / FOLDER.name
    folder.mkdir()
    for path in FOLDER.iterdir():
        if path.name != "decisions.jsonl":
            (folder / path.name).symlink_to(path)
    return folder


def imported(folder: Path) -> dict[str, Any]:
    """What an import counts."""
    out = StringIO()
    call_command("import_fleet", str(folder), "--format", "json", stdout=out)
    total: dict[str, Any] = json.loads(out.getvalue())
    return total


def judged(plots: Iterable[Plot]) -> Mapping[tuple[str, datetime], Scorecard]:
    """A replayed scorecard for each moment told of these services."""
    keys = dict(Service.objects.values_list("slug", "pk"))
    told = [(told.at, plot.slug) for plot in plots for told in plot.told]
    cards = {}
    for at in sorted({at for at, _ in told}):
        ids = [keys[slug] for moment, slug in told if moment == at]
        for card in replayed(at, ids):
            cards[card.service.slug, at] = card
    return cards


def replayed(at: datetime, ids: Collection[int]) -> Iterable[Scorecard]:
    """Scorecards of some services as of a moment."""
    run = evaluation.run(evaluation.request(at, list(ids), kind=Kind.REPLAY))
    assert run.errors == []
    cards = Scorecard.objects.filter(at=at, service__in=ids, kind=Kind.REPLAY)
    return cards.select_related("service").order_by("revision")  # one that was there already is not made anew


def in_the_way(card: Scorecard, of: str) -> set[str]:
    """The gated criteria below what the verdict asks for, or those without evidence where it cannot tell."""
    asked = GATED if of == "handoff" else HANDED_BACK_BY
    scores = {slug: card.numbers["criteria"][slug]["score"] for slug in asked}
    if card.numbers["verdicts"][of]["verdict"] == "cannot_tell":
        return {slug for slug, score in scores.items() if score is None}
    limits = {slug: THRESHOLDS.get(slug, 70) if of == "handoff" else 50 for slug in asked}
    return {slug for slug, score in scores.items() if score is not None and score < limits[slug]}
