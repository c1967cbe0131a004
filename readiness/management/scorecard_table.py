"""Lays a rendered scorecard out for a terminal: the most important first, nothing told by colour alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from rich.console import RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from readiness import clock
from readiness.criteria import BY_SLUG
from readiness.criteria.base import SHARE
from readiness.criteria.wording import counted, number, percent
from readiness.rendering.sentences import listed

Card = Mapping[str, Any]

APPLIES = ("launch", "handoff", "handback")
"""At most one of these applies to a service; it goes first."""
HEADLINES = {
    "launch": {
        "ready": "READY to launch",
        "not_ready": "NOT READY to launch",
        "cannot_tell": "CANNOT TELL whether it is ready to launch",
    },
    "handoff": {
        "ready": "READY for handoff to operations",
        "not_ready": "NOT READY for handoff to operations",
        "cannot_tell": "CANNOT TELL whether it is ready for handoff to operations",
    },
    "handback": {
        "holds": "HOLDS: still fit to be run by operations",
        "below": "BELOW: not fit to be run by operations, if it stays so",
        "urgent": "URGENT: grounds to hand it back to its developers now",
        "cannot_tell": "CANNOT TELL whether it is still fit to be run by operations",
    },
    "deploy": {
        "ready": "READY for a deployment",
        "not_ready": "NOT READY for a deployment",
        "cannot_tell": "CANNOT TELL whether a deployment is safe",
    },
}
GOOD, BAD, UNSURE = "bold green", "bold red", "bold yellow"
STYLES = {"ready": GOOD, "holds": GOOD, "cannot_tell": UNSURE}
YES_OR_NO = "yes (1) or no (0)"
"""The unit of a part that is a question: its value is told in words."""
ROWS_SHOWN = 3
"""Rows that weigh most, of each criterion; JSON has them all."""
BAR = 10
DAY = len("2026-06-17")


@dataclass(frozen=True, slots=True)
class View:
    """A rendered scorecard, and what stands beside it."""

    card: Card
    title: str = ""
    asked: datetime | None = None
    """The moment asked for, if any."""
    waivers: tuple[str, ...] = ()
    made_up: bool = False


def sections(view: View) -> Iterator[RenderableType]:
    """Everything in order. A plain ``str`` is an address, to be printed in one line however long."""
    card = view.card
    yield _heading(view)
    yield from _verdicts(card)
    yield from _items(view.waivers, "Relies on waivers")
    yield ""
    yield _facts(view)
    yield from _blockers(card["blockers"])
    yield ""
    yield _overview(card["criteria"])
    yield from _next_steps(card["criteria"])
    yield ""
    yield Text("In detail", "bold")
    for criterion in card["criteria"]:
        yield from _detail(criterion)


def printable(words: str, style: str = "") -> Text:
    """Words from outside may carry control characters, which a terminal would obey."""
    return Text("".join(each if each.isprintable() else " " for each in words), style)


def _item(words: str, indent: int = 2, style: str = "") -> Padding:
    """A list's item; further lines hang below its first word."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row("-", printable(words, style))
    return Padding(grid, (0, 0, 0, indent))


def _items(words: Sequence[str], heading: str) -> Iterator[RenderableType]:
    if words:
        yield ""
        yield Text(heading, "bold")
        yield from (_item(each) for each in words)


# First sight -----------------------------------------------------------------------------------------


def _heading(view: View) -> Text:
    slug, title = view.card["service"], view.title
    heading = printable(slug, "bold")
    if title not in ("", slug):
        heading.append_text(printable(f"  {title}"))
    return heading.append("  MADE UP: nothing of it ever happened", UNSURE) if view.made_up else heading


def _verdicts(card: Card) -> Iterator[RenderableType]:
    """The one that applies, then whether it may be deployed, each with its reasons."""
    verdicts = card["verdicts"]
    applying = [name for name in APPLIES if verdicts[name]]
    if not applying:
        retired = card["lifecycle"] == "retired"
        yield Text(f"NO VERDICT: {'it is retired' if retired else 'nobody recorded who runs it'}", UNSURE)
    for name in (*applying, *(["deploy"] if verdicts["deploy"] else [])):
        verdict = verdicts[name]
        yield Text(HEADLINES[name][verdict["verdict"]], STYLES.get(verdict["verdict"], BAD))
        yield from (_item(reason) for reason in verdict["reasons"])


def _facts(view: View) -> Table:
    """What stands beside the verdict, a line each."""
    card = view.card
    grid = Table.grid(padding=(0, 2))
    grid.add_row("Score", _range(card))
    grid.add_row("Level", card["level"])
    grid.add_row("Evidence", f"{percent(card['evidence'])} of what is weighed could be judged")
    grid.add_row("Service", _service(card))
    grid.add_row("As of", _as_of(view))
    if offset := card["clock_offset"] or clock.offset().total_seconds():
        way = "ahead of" if offset > 0 else "behind"
        grid.add_row("Clock", Text(f"set {span_words(abs(offset))} {way} the real time", UNSURE))
    return grid


def _range(card: Card) -> Text:
    score, possible = number(card["score"]), number(card["possible"])
    text = Text().append(score, "bold")
    if score != possible:
        text.append(f" to {possible}", "bold").append(", depending on what could not be judged")
    return text


def _service(card: Card) -> str:
    state = card["management_state"] or "no management state"
    return f"{state}, {card['lifecycle']}, tier {card['tier']}".replace("_", "-")


def _as_of(view: View) -> Text:
    """The moment judged, how long ago that is, how it came about; loud where it is too long ago."""
    card = view.card
    at = datetime.fromisoformat(card["at"])
    policy = card["policy"]
    how = "judged live" if card["kind"] == "live" else "replayed in hindsight"
    revision = f", revision {card['revision']}" if card["revision"] > 1 else ""
    text = Text(f"{moment_words(at)}, {span_words(card['age_seconds'])} old")
    text.append(f" ({how} under policy {policy['name']} version {policy['version']}{revision})")
    if view.asked is not None:
        text.append(f"\nthe newest judgement at or before {moment_words(view.asked)}")
        before = view.asked - at
        if before > settings.SCORECARD_STALE_AFTER:
            text.append(f"\nOUTDATED: {span_words(before.total_seconds())} before the moment asked for", BAD)
    elif card["stale"]:
        text.append(f"\nOUTDATED: judge again with `evaluate --service {card['service']}`", BAD)
    return text


def moment_words(at: datetime) -> str:
    """Down to the second only where it has seconds."""
    seconds = "%H:%M:%S" if at.second else "%H:%M"
    return f"{at.astimezone(clock.real_now().tzinfo):%Y-%m-%d {seconds}} UTC"


def span_words(seconds: float) -> str:
    """A length of time in its two greatest units: ``160 days 3 hours``, ``5 minutes``."""
    minutes = max(0, round(seconds / 60))
    units = (("day", minutes // 1440), ("hour", minutes // 60 % 24), ("minute", minutes % 60))
    words = [counted(count, unit) for unit, count in units if count]
    return " ".join(words[:2]) or "under a minute"


def _blockers(blockers: Sequence[Card]) -> Iterator[RenderableType]:
    yield ""
    yield Text("Blockers", "bold") if blockers else Text("No blockers")
    for blocker in blockers:
        waived = " (waived)" if blocker["waived"] else ""
        yield _item(f"{blocker['text']}{waived} [{blocker['code']}]", style="" if waived else "red")


# Criteria --------------------------------------------------------------------------------------------


def _overview(criteria: Sequence[Card]) -> Table:
    """A line for each criterion."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("Criterion")
    table.add_column("")
    table.add_column("Score", justify="right")
    table.add_column("", width=BAR)
    table.add_column("Threshold", justify="right")
    table.add_column("Weight", justify="right")
    table.add_column("")
    for criterion in criteria:
        score = criterion["score"]
        table.add_row(
            criterion["title"],
            Text(criterion["slug"], "dim"),
            "-" if score is None else number(score),
            "" if score is None else _bar(score, criterion["threshold"]),
            number(criterion["threshold"]),
            _weight(criterion),
            _stands(criterion),
        )
    return table


def _bar(score: float, threshold: float) -> ProgressBar:
    style = "green" if score >= threshold else "red"
    return ProgressBar(total=100, completed=score, width=BAR, complete_style=style, finished_style=style)


def _weight(criterion: Card) -> str:
    weight, gated = criterion["weight"], criterion["gated"]
    if weight:
        return number(weight) if gated else f"{number(weight)}, no gate"
    return "gate only" if gated else "advisory"


def _stands(criterion: Card) -> Text:
    score, strict = criterion["score"], criterion["gated"]
    if score is None:
        return Text("no evidence", UNSURE if strict else "")
    if score < criterion["threshold"]:
        return Text("BELOW" if strict else "below", BAD if strict else "")
    return Text("met", GOOD if strict else "")


def _next_steps(criteria: Sequence[Card]) -> Iterator[RenderableType]:
    """Those that a verdict waits for, then those of advisory criteria; a step that serves several once."""
    for heading, advisory in (("Next steps", False), ("Next steps, advisory", True)):
        serves: dict[str, list[str]] = {}
        for criterion in criteria:
            if (_weight(criterion) == "advisory") is advisory:
                for step in criterion["next_steps"]:
                    serves.setdefault(step["text"], []).append(criterion["slug"])
        yield from _items([f"{listed(slugs)}: {text}" for text, slugs in serves.items()], heading)


def _detail(criterion: Card) -> Iterator[RenderableType]:
    """Reason, parts, what was found beside them, and the rows that weigh most."""
    score, threshold = criterion["score"], number(criterion["threshold"])
    found = "no evidence" if score is None else f"{number(score)} (threshold {threshold})"
    yield ""
    yield Text(f"{criterion['title']}: {found}", "bold")
    yield Padding(printable(criterion["reason"]), (0, 0, 0, 2))
    yield Padding(_unmeasured(criterion) if score is None else _parts(criterion), (0, 0, 0, 2))
    beside = [_shown(each) for each in criterion["shown"] if each["value"] not in (None, "")]
    if beside:
        yield Padding(printable(f"Beside the score: {'; '.join(beside)}", "dim"), (0, 0, 0, 2))
    yield from _evidence(criterion["evidence"])


def _unmeasured(criterion: Card) -> Text:
    """The parts of a criterion that could not be judged, for none of them has a value."""
    titles = BY_SLUG[criterion["slug"]].part_titles
    parts = [titles.get(part["name"], part["name"]) for part in criterion["parts"]]
    return Text(f"Not measured: {'; '.join(parts)}", "dim")


def _parts(criterion: Card) -> Table:
    """Each part with its value and unit, its score and weight; without a value it is n/a."""
    titles = BY_SLUG[criterion["slug"]].part_titles
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("part", width=42)
    table.add_column("value", justify="right", width=9)
    table.add_column("", width=28)
    table.add_column("score", justify="right", width=6)
    table.add_column("weight", justify="right", width=6)
    for part in criterion["parts"]:
        value, unit = _value(part["value"], part["unit"])
        score = "n/a" if part["score"] is None else number(part["score"])
        table.add_row(titles.get(part["name"], part["name"]), value, unit, score, number(part["weight"]))
    return table


def _value(value: float | None, unit: str | None) -> tuple[str, str]:
    """A part's value, and the unit where the value does not carry it."""
    if value is None:
        return "n/a", ""
    if unit == SHARE:
        return percent(value), ""
    if unit == YES_OR_NO:
        return "yes" if value else "no", ""
    return number(value), unit or ""


def _shown(shown: Card) -> str:
    value, unit = shown["value"], shown["unit"]
    told = percent(value) if unit == SHARE else str(value)[:DAY] if unit == "moment" else number(value)
    return f"{shown['name'].replace('_', ' ')} {told}"


def _evidence(rows: Sequence[Card]) -> Iterator[RenderableType]:
    if not rows:
        return
    yield Padding(Text("Rows that weigh most"), (0, 0, 0, 2))
    for row in rows[:ROWS_SHOWN]:
        yield _item(row["why"], indent=4)
        yield Padding(printable(f"{row['kind']} {row['source']}:{row['id']}", "dim"), (0, 0, 0, 6))
        if row["url"]:
            yield f"      {printable(row['url']).plain}"
    if len(rows) > ROWS_SHOWN:
        yield Padding(Text(f"and {len(rows) - ROWS_SHOWN} more (--format json)"), (0, 0, 0, 4))
