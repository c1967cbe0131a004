"""Makes a scorecard people can read from its numbers: API, admin and command line show only this."""

from readiness.rendering.card import Meta, render
from readiness.rendering.next_steps import Judged, Step, next_steps

__all__ = ["Judged", "Meta", "Step", "next_steps", "render"]
