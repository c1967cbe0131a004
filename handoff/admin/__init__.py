"""Pages of the admin that write states, or add to those of `readiness`, for which they then stand in."""

from handoff.admin import (
    cases,
    consultants,
    messages,
    policies,
    reviews,
    services,
    subscriptions,
    transitions,
    waivers,
)

__all__ = [
    "cases",
    "consultants",
    "messages",
    "policies",
    "reviews",
    "services",
    "subscriptions",
    "transitions",
    "waivers",
]
