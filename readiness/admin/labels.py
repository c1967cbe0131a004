"""Puts verdicts, levels, ages and moments into short words with a colour; the word alone says it all."""

import datetime as dt
from typing import Literal

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from readiness import clock, rights

Tone = Literal["good", "bad", "warn", "unknown", "plain"]

NOT_JUDGED = "never judged"

_VERDICTS: dict[str, tuple[str, Tone]] = {
    "ready": ("ready", "good"),
    "not_ready": ("not ready", "bad"),
    "cannot_tell": ("cannot tell", "unknown"),
    "holds": ("holds", "good"),
    "below": ("below", "warn"),
    "urgent": ("urgent", "bad"),
}
_SIGNS: dict[Tone, str] = {"good": "✓", "bad": "✕", "warn": "!", "unknown": "?", "plain": ""}
_STATES = {"developer_managed": "developers", "ops_managed": "ops"}
_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60))


def label(text: str, tone: Tone = "plain", *, title: str = "") -> SafeString:
    """A short coloured word with a sign, so that colour is never all there is."""
    return format_html(
        '<span class="rd-label rd-{}" title="{}">{}{}</span>',
        tone,
        title,
        format_html('<span aria-hidden="true">{} </span>', _SIGNS[tone]) if _SIGNS[tone] else "",
        text,
    )


def words(verdict: str) -> str:
    """A verdict in plain words."""
    return _VERDICTS.get(verdict, (verdict.replace("_", " "), "plain"))[0]


def tone(verdict: str) -> Tone:
    """The colour of a verdict."""
    return _VERDICTS.get(verdict, ("", "plain"))[1]


def verdict_label(of: str | None, verdict: str | None) -> SafeString:
    """Which verdict, and what it says: ``handoff: not ready``."""
    if not of or not verdict:
        return label("no verdict", title="None applies to the state this service is in.")
    return label(f"{of}: {words(verdict)}", tone(verdict))


def level_label(level: str) -> SafeString:
    """A level; ``none`` is one, too."""
    return format_html('<span class="rd-level rd-level-{}">{}</span>', level, level)


def made_up_label() -> SafeString:
    """Says of a service that it is none: it stands beside its name wherever that is shown large."""
    return label("made up", "warn", title="Of a sample fleet: nothing of it ever happened.")


def state_words(state: str | None) -> str:
    """Who runs the service."""
    return _STATES.get(state, state) if state else "nobody yet"


def trend_label(trend: float | None) -> SafeString:
    """An arrow and how far the score went in about four weeks."""
    if trend is None:
        return format_html(
            '<span class="rd-faint" title="{}">–</span>', "No judgement about 28 days earlier."
        )
    arrow, which = ("▲", "good") if trend > 0 else ("▼", "bad") if trend < 0 else ("▬", "plain")
    said = f"{trend:+.1f} in about 28 days"
    return format_html(
        '<span class="rd-text-{}" title="{}">{} {}</span>', which, said, arrow, f"{abs(trend):.1f}"
    )


def moment(at: dt.datetime | None) -> str:
    """``2026-06-17 09:00 UTC``."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if at else "–"


def span(length: dt.timedelta) -> str:
    """A length of time in one or two units: ``3 days``, ``5 h``, ``160 days 15 h``."""
    seconds = int(abs(length).total_seconds())
    said = []
    for name, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            said.append(f"{count} {name}{'s' if name == 'day' and count != 1 else ''}")
    return " ".join(said[:2]) or "less than a minute"


def offset_words(offset: dt.timedelta) -> str:
    """How far a clock stood from the real time: ``160 days 15 h behind``."""
    return f"{span(offset)} {'behind' if offset < dt.timedelta(0) else 'ahead'}" if offset else ""


def age_label(at: dt.datetime | None) -> SafeString:
    """How old a judgement is; loud when it is too old."""
    if at is None:
        return label(NOT_JUDGED, "warn")
    said = f"{span(clock.age(at))} old"
    title = f"As of {moment(at)}"
    if clock.is_stale(at):
        return label(said, "bad", title=f"{title}: older than it should be")
    return format_html('<span title="{}">{}</span>', title, said)


def actor(request: HttpRequest) -> str:
    """Who does something, as records keep it."""
    return rights.name_of(request.user)  # type: ignore[arg-type]  # the admin lets nobody in without a log-in


def yes(value: bool | None) -> str:
    """Yes, no, or that nobody said."""
    return "–" if value is None else "yes" if value else "no"
