"""Tells of changes: builds, staging, production, those that hurt, and what mended them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import cycle
from random import Random

from tests.story.chronicle import Chronicle, between, by_now, how_many, minutes, reference
from tests.story.plot import BadChange, Pace, Remedy
from tests.story.trouble import Trouble, tell_incident
from tests.story.words import BROKEN

WAYS = ("rollback", "fix_forward", "toggle_off")
QUIET_DAYS = ((12, 20), (1, 4))
"""From one to the other, month and day, hardly anybody brings a change out."""
QUIET = 0.2
ROLLOUTS = ("rolling", "rolling", "canary", "blue_green")
BUILD = minutes(14)
STAGED_AHEAD = (2.0, 20.0)
"""Hours between staging and production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version on its way, the same in every environment."""

    at: datetime
    version: str
    commits: int
    first_commit_at: datetime
    automated: bool


def tell_changes(chronicle: Chronicle) -> None:
    """Several changes a week, at the service's pace; some fail, and those that the plot names."""
    plot, chance = chronicle.plot, chronicle.chance("changes")
    ways = cycle(WAYS)
    for monday in chronicle.weeks():
        pace = plot.pace_on(monday)
        rate = pace.changes * (QUIET if _is_quiet(monday) else 1)
        for number in range(how_many(chance, rate)):
            release = _release(chance, chronicle.working_moment(chance, monday), pace, number=number)
            if chance.random() < pace.failing and _is_used(chronicle, release.at):
                _tell_bad_change(chronicle, _mishap(chance, release.at, pace, way=next(ways)), release)
            else:
                _tell_release(chronicle, release)
    for bad in plot.bad_changes:
        release = _release(chance, bad.at, plot.pace_on(bad.at.date()), number=9)
        _tell_bad_change(chronicle, bad, release)


def _is_quiet(monday: date) -> bool:
    return (monday.month, monday.day) >= QUIET_DAYS[0] or (monday.month, monday.day) < QUIET_DAYS[1]


def _is_used(chronicle: Chronicle, at: datetime) -> bool:
    launch = chronicle.plot.launch
    return launch is not None and at >= launch


def _release(chance: Random, at: datetime, pace: Pace, *, number: int) -> Release:
    year, week, _ = at.isocalendar()
    return Release(
        at=at,
        version=f"{year}.{week}.{number}",
        commits=round(between(chance, pace.commits)),
        first_commit_at=at - timedelta(minutes=round(60 * between(chance, pace.lead_hours))),
        automated=chance.random() < pace.automated,
    )


def _mishap(chance: Random, at: datetime, pace: Pace, *, way: str) -> BadChange:
    """A failure like many: what takes longer than an hour to mend was not that bad."""
    lasting = between(chance, pace.mending_minutes)
    severe = lasting < 45 and chance.random() < 0.6
    return BadChange(
        at=at,
        title=chance.choice(BROKEN),
        severity=3 if severe else 4,
        remedies=(Remedy(way=way, minutes=lasting),),
        cause="configuration" if chance.random() < 0.2 else "code",
    )


def _tell_release(chronicle: Chronicle, release: Release) -> None:
    """Builds, brings to staging, then to production once it runs there."""
    chance = chronicle.chance(f"release {release.at}")
    _tell_builds(chronicle, release, chance)
    ahead = timedelta(hours=between(chance, STAGED_AHEAD))
    _tell_deployment(chronicle, release, at=max(release.at - ahead, release.first_commit_at), staging=True)
    if release.at >= chronicle.plot.in_production_since:
        _tell_deployment(chronicle, release, at=release.at)


def _tell_builds(chronicle: Chronicle, release: Release, chance: Random) -> None:
    """The run that builds it, and now and then one before it that failed."""
    start = release.at - timedelta(minutes=chance.randrange(25, 60))
    tests = 400 + 3 * (release.at - chronicle.plot.begin).days
    run = {"pipeline": "main", "branch": "main", "tests_run": tests}
    if chance.random() < chronicle.plot.pace_on(release.at.date()).broken_builds:
        broke = start - timedelta(minutes=chance.randrange(30, 180))
        failed = {"outcome": "failed", "stage_failed": "test", "tests_failed": chance.randrange(1, 9)}
        answered = {"responders": chance.randrange(1, 4), "finished_at": broke + BUILD}
        chronicle.tell("pipeline_run", started_at=broke, **run, **failed, **answered)
    chronicle.tell(
        "pipeline_run",
        started_at=start,
        finished_at=start + BUILD,
        outcome="succeeded",
        tests_failed=0,
        **run,
    )


def _tell_deployment(
    chronicle: Chronicle, release: Release, *, at: datetime, staging: bool = False, failed: bool = False
) -> str:
    chance = chronicle.chance(f"deployment {at} {staging}")
    finished = at + minutes(chance.uniform(4, 12))
    verified = chronicle.plot.verifies and not staging
    return chronicle.tell(
        "deployment",
        environment="staging" if staging else "production",
        started_at=at,
        finished_at=finished,
        outcome="succeeded",
        version=release.version,
        commits=release.commits,
        lines_changed=release.commits * chance.randrange(8, 60),
        first_commit_at=release.first_commit_at,
        automated=release.automated,
        rollout=None if staging else chance.choice(ROLLOUTS),
        verified_at=finished + minutes(20) if verified else None,
        verification=("failed" if failed else "passed") if verified else None,
    )


# What hurt, and what mended it -----------------------------------------------------------------------


def _tell_bad_change(chronicle: Chronicle, bad: BadChange, release: Release) -> None:
    """The change, the incident it caused, then each remedy; a remedy that hurts causes one of its own."""
    chance = chronicle.chance(f"bad change {bad.at}")
    _tell_builds(chronicle, release, chance)
    _tell_deployment(chronicle, release, at=bad.at - timedelta(hours=3), staging=True)
    culprit = _tell_deployment(chronicle, release, at=bad.at, failed=True)
    begun, title = bad.at + minutes(chance.uniform(13, 25)), bad.title
    for remedy in bad.remedies:
        at = begun + minutes(remedy.minutes)
        mended = at + minutes(chance.uniform(2, 6))
        trouble = Trouble(at=begun, severity=bad.severity, title=title, cause=bad.cause, until=mended)
        tell_incident(chronicle, trouble, chance, caused_by=reference("deployment", culprit))
        culprit = _tell_remedy(chronicle, remedy, mends=culprit, span=(at, mended))
        begun, title = mended + minutes(chance.uniform(5, 12)), remedy.hurts


def _tell_remedy(chronicle: Chronicle, remedy: Remedy, *, mends: str, span: tuple[datetime, datetime]) -> str:
    """A remedy's id. To go back or to switch off brings no new commits."""
    forward = remedy.way == "fix_forward"
    verified = chronicle.plot.verifies
    return chronicle.tell(
        "deployment",
        environment="production",
        started_at=span[0],
        finished_at=span[1],
        outcome="succeeded",
        commits=1 if forward else None,
        lines_changed=12 if forward else None,
        first_commit_at=span[0] - minutes(8) if forward else None,
        automated=True,
        remediates=mends,
        remediation=remedy.way,
        verified_at=by_now(span[1] + minutes(20)) if verified else None,
        verification=("failed" if remedy.hurts else "passed") if verified else None,
    )
