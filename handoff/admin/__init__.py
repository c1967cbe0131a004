"""Pages of the admin that write states, or add to those of `readiness`, for which they then stand in."""

from handoff.admin import consultants, services, transitions, waivers

__all__ = ["consultants", "services", "transitions", "waivers"]
