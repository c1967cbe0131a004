"""The story's own README: where it comes from, and what the scorecards should say when."""

from collections.abc import Iterator

from tests.story import moves
from tests.story.plot import Plot, Told
from tests.story.plots import PLOTS

TEXT = """\
# The story: a made-up shop

{count} services of a shop that does not exist, over 18 months, from 2024-12-16 to 2026-06-17 09:00 UTC.
**Nothing here ever happened**: every row's `source` begins with "made-up", and every service carries the
annotation `handoff/made-up`, so that lists and pages say so. Services, teams and people are inventions of
this project, under its licence (MIT).

Each service lives through one path, for which it is named, so that a demo or a test can show that path:
ready after six months, each gated criterion failing alone, regressing under operations, feeds that fell
dark, a pager that wakes everybody, changes that are switched off, fixed forward and rolled back, a hotfix
that hurts; and handed off, handed back, and what comes in between.

The files are the output of a script, from one seed; `python -m tests.story.generate` writes them anew,
this page too, and a test compares. What is told of each service, and what it should come to, stands in
`tests/story/`: in `growing.py`, `losing.py`, `running.py` and `moving.py`, and who decided what in
`deciding.py`. All around that is texture: rates per week, drawn by chance.

## What the scorecards say

Under the default policy, judged by replay. In brackets: the criteria below their thresholds, or without
evidence where nobody can tell, and the blockers. A test holds each line.

| service | path | as of (UTC) | verdict |
|---|---|---|---|
{rows}

## What people decided

`decisions.jsonl` walks every legal move of `handoff/machine.py`, but for what rules alone do to live
scorecards or when the catalogue changes: the lapse of a proposal, and a stabilisation that is cut short. A
test holds that, and makes those moves, too. Each move is named once here, after the state that it leads from:

| of | service | moves |
|---|---|---|
{moves}

The catalogue has `launched` before its launch, as it was when its review began; a second import says so, and
leaves it live. At the end `handed-off` is backed up by its developers, of `shadowing` the shadow runs,
`in-review` is in review, `joint-repair` is being repaired and `stabilising` is being stabilised.
"""


def readme() -> str:
    """The whole page."""
    rows = "\n".join(row for plot in PLOTS for row in _rows(plot))
    return TEXT.format(count=len(PLOTS), rows=rows, moves="\n".join(moves.rows()))


def _rows(plot: Plot) -> Iterator[str]:
    """A line for each moment told; the path stands in the first."""
    for number, told in enumerate(plot.told):
        name, story = ("", "") if number else (f"`{plot.slug}` ({plot.title})", plot.story)
        yield f"| {name} | {story} | {told.at:%Y-%m-%d %H:%M} | {verdict_words(told)} |"


def verdict_words(told: Told) -> str:
    """What a scorecard should say: ``handoff: not ready (stability)``."""
    if not told.of:
        return "none: retired"
    reasons = ", ".join((*told.why, *(f"`{code}`" for code in told.blockers)))
    words = f"{told.of}: {told.verdict.replace('_', ' ')}"
    return f"{words} ({reasons})" if reasons else words
