"""What a catalogue may not undo, and what it does alone: services that were launched here, or without us."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from readiness import clock
from readiness.models import Lifecycle, ManagementChange, Service


def launch_days(**conditions: Any) -> dict[str, dt.date]:
    """The day (UTC) of each service that was launched here on a review, and is live. One query.

    ``conditions`` are those of a filter of management changes.
    """
    launches = ManagementChange.objects.filter(
        way=ManagementChange.LAUNCH, service__lifecycle=Lifecycle.LIVE, **conditions
    )
    # the newest last, so that it stays
    rows = launches.order_by("effective_at").values_list("service__slug", "effective_at")
    return {slug: at.astimezone(dt.UTC).date() for slug, at in rows}


def unlaunching(fields: Mapping[str, Any], launched: dt.date) -> dict[str, str]:
    """What would set a service back to before the launch that its review led to: field to why not."""
    found = {}
    if fields.get("lifecycle") == Lifecycle.PRE_LAUNCH:
        found["lifecycle"] = (
            f"says that it is before its launch, and its review launched it on {launched}: say that it is "
            "live, or retire it"
        )
    on = fields.get("launched_on")
    if on is not None and on > max(launched, clock.now().date()):
        found["launched_on"] = (
            f"is still to come, and its review launched it on {launched}: say that day, or none"
        )
    return found


def without_unlaunching(
    wanted: Mapping[str, Mapping[str, Any]], *, note: Callable[[str], None]
) -> dict[str, Mapping[str, Any]]:
    """The fields to store, by slug: none sets a service back to before its launch here; each is noted.

    A launch date that is not stated takes none away. One query where there is anything to look for.
    """
    doubtful = [slug for slug, fields in wanted.items() if _may_unlaunch(fields)]
    days = launch_days(service__slug__in=doubtful) if doubtful else {}
    kept = dict(wanted)
    for slug, day in days.items():
        against = unlaunching(wanted[slug], day)
        for field, why in against.items():
            note(f"{slug}: {field} {why}. It stays live")
        unstated = {"launched_on"} if wanted[slug].get("launched_on", day) is None else set()
        left_out = against.keys() | unstated
        kept[slug] = {name: value for name, value in wanted[slug].items() if name not in left_out}
    return kept


def _may_unlaunch(fields: Mapping[str, Any]) -> bool:
    return fields.get("lifecycle") == Lifecycle.PRE_LAUNCH or "launched_on" in fields


def note_first_time_live(changed: Sequence[Service], *, note: Callable[[str], None]) -> None:
    """Put on record which of these, whose lifecycle changed, have become live for the first time here.

    One that has had a state was live before: the catalogue only took back what it said meanwhile. Whether a
    review stood before it is for ``handoff`` to tell. Two queries where any is live now.
    """
    live = [service.pk for service in changed if service.lifecycle == Lifecycle.LIVE]
    if not live:
        return
    first = Service.objects.filter(pk__in=live, management_changes=None, went_live_at=None)
    slugs = list(first.order_by("slug").values_list("slug", flat=True))
    Service.objects.filter(slug__in=slugs).update(went_live_at=clock.now())
    for slug in slugs:
        note(
            f"{slug} is live now, and was known before: without a signed launch review an alert asks for one"
        )
