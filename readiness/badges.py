"""Badges: a service's state, score and verdict as a picture, at an address that only we can sign."""

import hashlib
from dataclasses import dataclass

from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from readiness import clock
from readiness.models import CurrentScore, ManagementState, Service
from readiness.models.catalogue import Lifecycle

SALT = "readiness.badge"
HEIGHT = 20
PADDING = 7
FONT = "Verdana,DejaVu Sans,Geneva,sans-serif"
# Tenths of a pixel at 11 px, in the widest of the fonts; letters not named here are of middle width.
NARROW, MIDDLE, WIDE = 36, 69, 100
_NARROW, _WIDE = frozenset("fijlrtI.,:;!|'()[] -"), frozenset("mwMW%@")

# White on each of these is readable: a contrast of 4.5 or more.
DARK, GREY, PLAIN = "#374151", "#4b5563", "#6b7280"
COLOURS = {
    "ready": "#15803d",
    "holds": "#15803d",
    "not_ready": "#b91c1c",
    "urgent": "#b91c1c",
    "below": "#b45309",
    "cannot_tell": "#1d4ed8",
}


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says: three words or numbers, and the whole as a sentence for those who do not see it."""

    state: str
    score: str
    verdict: str
    colour: str
    title: str

    @property
    def svg(self) -> SafeString:
        """The picture. Nothing of it comes from elsewhere: no font, no style sheet, no script."""
        parts = [(self.state, DARK), (self.score, GREY), (self.verdict, self.colour)]
        return _drawn([(text, colour) for text, colour in parts if text], self.title)


def signature(slug: str) -> str:
    """What proves that we gave out the address of this service's badge; void once SECRET_KEY changes."""
    return Signer(salt=SALT).signature(slug)


def is_signed(slug: str, given: str) -> bool:
    """Whether this is the signature of that slug; keys of SECRET_KEY_FALLBACKS are still believed."""
    try:
        # What is signed ends at the last colon, and both parts may bring one: it must be all of the slug.
        return Signer(salt=SALT).unsign(f"{slug}:{given}") == slug
    except BadSignature:
        return False


def path_of(slug: str) -> str:
    """The address of a service's badge, from the root of the site."""
    return reverse("service-badge", args=[slug], query={"signature": signature(slug)})


def etag(picture: str) -> str:
    """Changes when the picture does: by a new judgement, and when the last one grows too old."""
    return f'"{hashlib.sha256(picture.encode()).hexdigest()[:32]}"'


def badge_of(service: Service) -> Badge:
    """The badge of a service at the clock's now; call it with ``select_related("current")``."""
    current: CurrentScore | None = getattr(service, "current", None)
    if current is None:
        state = service.get_lifecycle_display()
        return _badge(service, state, verdict="never judged")
    state = _state(service, current)
    at = f"{current.at:%Y-%m-%d %H:%M} UTC"
    if clock.is_stale(current.at):
        return _badge(service, state, verdict="stale", said=f"last judged {at}, too long ago to tell")
    score, possible = f"{current.score:.0f}", f"{current.possible:.0f}"
    extent = score if score == possible else f"{score}–{possible}"
    if not current.verdict:
        return _badge(service, state, verdict="no verdict", score=extent, said=f"as of {at}")
    said = f"{current.verdict_of}: {current.verdict.replace('_', ' ')}"
    colour = COLOURS.get(current.verdict, PLAIN)
    return _badge(service, state, verdict=said, score=extent, said=f"as of {at}", colour=colour)


def _state(service: Service, current: CurrentScore) -> str:
    """Who runs it; for what is not live, where in life it is."""
    if current.management_state:
        return ManagementState(current.management_state).label
    return "not launched" if service.lifecycle == Lifecycle.LIVE else service.get_lifecycle_display()


def _badge(
    service: Service, state: str, *, verdict: str, score: str = "", said: str = "", colour: str = PLAIN
) -> Badge:
    whole = f"{service.slug}: {state}{f', score {score}' if score else ''}, {verdict}"
    return Badge(state, score, verdict, colour, f"{whole} ({said})" if said else whole)


def _width(text: str) -> int:
    """Pixels, a little more than any of the fonts needs; the picture then spreads its letters over them."""
    tenths = sum(NARROW if each in _NARROW else WIDE if each in _WIDE else MIDDLE for each in text)
    return -(-tenths // 10)


def _drawn(parts: list[tuple[str, str]], title: str) -> SafeString:
    left, boxes, words = 0, [], []
    for text, colour in parts:
        width = _width(text)
        boxes.append((left, width + 2 * PADDING, HEIGHT, colour))
        words.append((left + PADDING, width, text))
        left += width + 2 * PADDING
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img"'
        ' aria-label="{2}"><title>{2}</title>{3}'
        '<g fill="#fff" font-family="{4}" font-size="11">{5}</g></svg>\n',
        left,
        HEIGHT,
        title,
        format_html_join("", '<rect x="{}" width="{}" height="{}" fill="{}"/>', boxes),
        FONT,
        format_html_join("", '<text x="{}" y="14" textLength="{}">{}</text>', words),
    )
