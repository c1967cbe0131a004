"""Waivers in short words: what one sets aside, what became of it, how long it has left."""

from typing import Final

from django.utils.safestring import SafeString

from readiness import clock
from readiness.admin.labels import Tone, label, span
from readiness.alerting.waivers import BEFORE
from readiness.criteria import BY_SLUG
from readiness.models import Waiver

_TONES: Final[dict[str, Tone]] = {"asked": "unknown", "live": "warn"}


def target_words(target: str) -> str:
    """``Telemetry coverage``, ``open sev1 defect (blocker)``."""
    if target in BY_SLUG:
        return BY_SLUG[target].title
    name, _, detail = target.partition(":")
    return f"{name.replace('_', ' ')}{f' {detail}' if detail else ''} (blocker)"


def state_label(state: str) -> SafeString:
    """A state as a coloured word; empty: its moment has not come yet."""
    return label(Waiver.State(state).label if state else "not yet", _TONES.get(state, "plain"))


def left_label(waiver: Waiver) -> SafeString | str:
    """For how long it counts, or could; loud in its last 14 days."""
    if waiver.state not in _TONES:
        return "–"
    left = waiver.ends_at - clock.now()
    return label(span(left), "warn" if waiver.state == "live" and left <= BEFORE else "plain")
