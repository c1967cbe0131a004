"""Draws small pictures as inline SVG: ranges, histories, spans, curves; their numbers stand beside them."""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

BAR_WIDTH, BAR_HEIGHT = 100, 8
WIDTH, HEIGHT = 900, 250
LEFT, RIGHT, TOP, BOTTOM = 34, 12, 26, 26
LABEL_GAP = 90
"""Words beside verdict changes need so much room; a change too near to the last has its mark alone."""
LANES, LANE = 44, 14
"""Below a history: who runs the service, and what was decided; a lane is so high."""
LONGEST = dt.timedelta(days=400)
"""So far back a history reaches for decisions that are older than its first judgement."""
NAME_WIDTH = 110
"""A stretch of a lane that is narrower has no name in it."""
SPAN_WIDTH, SPAN_HEIGHT = 1000, 14
CURVE_WIDTH, CURVE_HEIGHT = 64, 20
NOTHING = SafeString("")


class Point(NamedTuple):
    """One judgement of a service's history; scores are 0 to 100."""

    at: dt.datetime
    score: float
    possible: float
    verdict: str
    live: bool


class Run(NamedTuple):
    """Who runs a service from a moment on, until the next one."""

    since: dt.datetime
    state: str
    name: str


class Event(NamedTuple):
    """Something that was decided, and the page that says so."""

    at: dt.datetime
    title: str
    url: str


class Stretch(NamedTuple):
    """A span of a feed."""

    since: dt.datetime
    until: dt.datetime
    declared: bool
    title: str


def range_bar(
    score: float | None, possible: float | None = None, *, threshold: float | None = None
) -> SafeString:
    """A bar from 0 to 100: filled up to the score, pale up to what is possible, a tick at the threshold."""
    known = score or 0.0
    best = max(possible if possible is not None else known, known)
    said = _range_words(score, possible, threshold)
    return format_html(
        '<svg class="rd-bar" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="rd-bar-track" width="{}" height="{}"/>'
        '<rect class="rd-bar-possible" x="{}" width="{}" height="{}"/>'
        '<rect class="rd-bar-score{}" width="{}" height="{}"/>{}</svg>',
        BAR_WIDTH,
        BAR_HEIGHT,
        said,
        BAR_WIDTH,
        BAR_HEIGHT,
        f"{known:.1f}",
        f"{best - known:.1f}",
        BAR_HEIGHT,
        _below(score, threshold),
        f"{known:.1f}",
        BAR_HEIGHT,
        _tick(threshold),
    )


def _range_words(score: float | None, possible: float | None, threshold: float | None) -> str:
    said = "no score" if score is None else f"score {score:.0f}"
    said += "" if possible is None else f", {possible:.0f} possible"
    return said + ("" if threshold is None else f", threshold {threshold:.0f}")


def _below(score: float | None, threshold: float | None) -> str:
    if score is None or threshold is None:
        return ""
    return " rd-bar-met" if score >= threshold else " rd-bar-below"


def _tick(threshold: float | None) -> SafeString:
    if threshold is None:
        return NOTHING
    at = min(threshold, BAR_WIDTH - 0.6)
    return format_html('<rect class="rd-bar-tick" x="{}" width="0.6" height="{}"/>', f"{at:.1f}", BAR_HEIGHT)


def share_bar(share: float, said: str) -> SafeString:
    """A bar that is filled to a share of 0 to 1."""
    return format_html(
        '<svg class="rd-bar" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="rd-bar-track" width="{}" height="{}"/>'
        '<rect class="rd-bar-plain" width="{}" height="{}"/></svg>',
        BAR_WIDTH,
        BAR_HEIGHT,
        said,
        BAR_WIDTH,
        BAR_HEIGHT,
        f"{max(0.0, min(share, 1.0)) * BAR_WIDTH:.1f}",
        BAR_HEIGHT,
    )


class _Axes(NamedTuple):
    """Where a moment and a score lie in a history."""

    first: dt.datetime
    seconds: float

    def x(self, at: dt.datetime) -> float:
        return LEFT + (at - self.first).total_seconds() / self.seconds * (WIDTH - LEFT - RIGHT)

    def y(self, score: float) -> float:
        return TOP + (100 - score) / 100 * (HEIGHT - TOP - BOTTOM)

    def at(self, at: dt.datetime, score: float) -> str:
        return f"{self.x(at):.1f},{self.y(score):.1f}"


def history(
    points: Sequence[Point], runs: Sequence[Run] = (), events: Sequence[Event] = (), *, now: dt.datetime
) -> SafeString:
    """Scores over time, oldest first: a line, the band up to what was possible, marks where verdicts changed.

    Live judgements are filled dots on a full line, replayed ones hollow dots on a dashed line. Below, in the
    same time, who ran the service, and what was decided. Without any judgement there is none.
    """
    if not points:
        return NOTHING
    first, last = _extent(points, runs, events, now=now)
    axes = _Axes(first, max((last - first).total_seconds(), 1.0))
    band = [axes.at(each.at, each.score) for each in points]
    band += [axes.at(each.at, each.possible) for each in reversed(points)]
    return format_html(
        '<svg class="rd-history" viewBox="0 0 {} {}" role="group" '
        'aria-label="Score, who ran it and decisions from {} to {}">'
        '{}<polygon class="rd-band" points="{}"/>{}{}{}{}{}</svg>',
        WIDTH,
        HEIGHT + LANES,
        f"{first:%Y-%m-%d}",
        f"{last:%Y-%m-%d}",
        _grid(axes, first, last=last),
        " ".join(band),
        _lines(axes, points),
        _changes(axes, points),
        format_html_join("", "{}", ((_dot(axes, each),) for each in points)),
        _runs(axes, runs, last=last),
        _events(axes, [each for each in events if first <= each.at <= last]),
    )


def _extent(
    points: Sequence[Point], runs: Iterable[Run], events: Iterable[Event], *, now: dt.datetime
) -> tuple[dt.datetime, dt.datetime]:
    """From the first judgement or decision, but for decisions of long ago, to now."""
    reached = max(points[-1].at, now)
    decided = (*(run.since for run in runs), *(event.at for event in events))
    return min([points[0].at, *(at for at in decided if at >= reached - LONGEST)]), reached


def _runs(axes: _Axes, runs: Sequence[Run], *, last: dt.datetime) -> SafeString:
    """A lane of stretches, named where there is room."""
    ends = [*(run.since for run in runs), last][1:]
    stretches = [
        (run, axes.x(max(run.since, axes.first)), axes.x(min(end, last)))
        for run, end in zip(runs, ends, strict=True)
        if end > axes.first and run.since < last
    ]
    return format_html_join(
        "",
        '<rect class="rd-run rd-run-{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
        '<text class="rd-run-name" x="{}" y="{}">{}</text>',
        (
            (
                run.state,
                f"{left:.1f}",
                HEIGHT + 4,
                f"{max(right - left, 2):.1f}",
                LANE,
                f"{run.name} since {run.since:%Y-%m-%d}" if run.since >= axes.first else run.name,
                f"{left + 5:.1f}",
                HEIGHT + 4 + LANE - 3,
                run.name if right - left >= NAME_WIDTH else "",
            )
            for run, left, right in stretches
        ),
    )


def _events(axes: _Axes, events: Iterable[Event]) -> SafeString:
    """A lane of marks, each the way to what it stands for."""
    y = HEIGHT + 8 + LANE * 1.5
    return format_html_join(
        "",
        '<a href="{}"><circle class="rd-event" cx="{}" cy="{}" r="5"><title>{}</title></circle></a>',
        ((each.url, f"{axes.x(each.at):.1f}", y, f"{each.at:%Y-%m-%d}: {each.title}") for each in events),
    )


def _grid(axes: _Axes, first: dt.datetime, *, last: dt.datetime) -> SafeString:
    scores = format_html_join(
        "",
        '<line class="rd-grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
        '<text class="rd-tick" x="{3}" y="{4}">{5}</text>',
        (
            (LEFT, WIDTH - RIGHT, axes.y(score), LEFT - 6, axes.y(score) + 4, score)
            for score in (0, 25, 50, 75, 100)
        ),
    )
    moments = [first + (last - first) * share for share in (0, 0.25, 0.5, 0.75, 1)]
    days = format_html_join(
        "",
        '<text class="rd-day" x="{}" y="{}" text-anchor="{}">{}</text>',
        (
            (f"{axes.x(at):.0f}", HEIGHT - 6, anchor, f"{at:%Y-%m-%d}")
            for at, anchor in zip(moments, ("start", "middle", "middle", "middle", "end"), strict=True)
            if at != first or anchor == "start"
        ),
    )
    return scores + days


def _lines(axes: _Axes, points: Sequence[Point]) -> SafeString:
    return format_html_join(
        "",
        '<polyline class="{}" points="{} {}"/>',
        (
            (
                "rd-line" if left.live and right.live else "rd-line rd-replay",
                axes.at(left.at, left.score),
                axes.at(right.at, right.score),
            )
            for left, right in pairwise(points)
        ),
    )


def _dot(axes: _Axes, point: Point) -> SafeString:
    kind = "live" if point.live else "replay"
    return format_html(
        '<circle class="rd-dot rd-dot-{}" cx="{}" cy="{}" r="3"><title>{}</title></circle>',
        kind,
        f"{axes.x(point.at):.1f}",
        f"{axes.y(point.score):.1f}",
        f"{point.at:%Y-%m-%d}: {point.score:.1f} to {point.possible:.1f}, {point.verdict}, {kind}",
    )


def _changes(axes: _Axes, points: Sequence[Point]) -> SafeString:
    drawn = []
    free_from = float(LEFT)
    for before, after in pairwise(points):
        if before.verdict == after.verdict:
            continue
        x = axes.x(after.at)
        named = x >= free_from
        if named:
            free_from = x + LABEL_GAP
        drawn.append(_change(x, after.verdict, named=named))
    return format_html_join("", "{}", ((each,) for each in drawn))


def _change(x: float, verdict: str, *, named: bool) -> SafeString:
    text = NOTHING
    if named:
        anchor = "end" if x > WIDTH - LABEL_GAP * 1.5 else "start"
        text = format_html(
            '<text class="rd-change-text" x="{}" y="{}" text-anchor="{}">{}</text>',
            f"{x:.1f}",
            14,
            anchor,
            verdict,
        )
    return format_html(
        '<line class="rd-change" x1="{0}" x2="{0}" y1="{1}" y2="{2}"><title>{3}</title></line>{4}',
        f"{x:.1f}",
        TOP - 8,
        HEIGHT - BOTTOM,
        f"becomes {verdict}",
        text,
    )


def timeline(spans: Iterable[Stretch], first: dt.datetime, last: dt.datetime) -> SafeString:
    """The spans of one feed between two moments, declared ones pale."""
    seconds = max((last - first).total_seconds(), 1.0)

    def x(at: dt.datetime) -> float:
        return min(max((at - first).total_seconds() / seconds, 0.0), 1.0) * SPAN_WIDTH

    bars = format_html_join(
        "",
        '<rect class="rd-span rd-span-{}" x="{}" width="{}" height="{}"><title>{}</title></rect>',
        (
            (
                "declared" if span.declared else "heard",
                f"{x(span.since):.1f}",
                f"{max(x(span.until) - x(span.since), 3):.1f}",
                SPAN_HEIGHT,
                span.title,
            )
            for span in spans
        ),
    )
    return format_html(
        '<svg class="rd-timeline" viewBox="0 0 {0} {1}" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="rd-bar-track" width="{0}" height="{1}"/>{2}</svg>',
        SPAN_WIDTH,
        SPAN_HEIGHT,
        bars,
    )


def curve(points: Sequence[tuple[float, float]]) -> SafeString:
    """A policy's curve from a value to a score, as a thumbnail."""
    first, last = points[0][0], points[-1][0]
    drawn = " ".join(
        f"{(x - first) / (last - first) * CURVE_WIDTH:.1f},{(100 - y) / 100 * (CURVE_HEIGHT - 2) + 1:.1f}"
        for x, y in points
    )
    return format_html(
        '<svg class="rd-curve" viewBox="0 0 {} {}" aria-hidden="true"><polyline points="{}"/></svg>',
        CURVE_WIDTH,
        CURVE_HEIGHT,
        drawn,
    )
