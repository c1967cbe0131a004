"""Checks what is said of services against the catalogue; writes fields, other names, adopted states."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import Manager, Max

from handoff.actions import Adoption, adopt_all, adopted_from, change_services
from handoff.catalogue.changes import Entry, happenings_of
from handoff.catalogue.records import ServiceRecord
from readiness import rejudging
from readiness.evidence import Problem
from readiness.ingest import Change, aim_dependencies, launch_days, store_services, unlaunching
from readiness.models import (
    Lifecycle,
    ManagementChange,
    ManagementState,
    Service,
    ServiceAlias,
    System,
    Team,
)

RELATED = ("owner", "ops_team", "system")
PLAIN = (
    "title",
    "tier",
    "launched_on",
    "lifecycle",
    "deprecated",
    "description",
    "components",
    "default_branch",
)


def write(entries: Sequence[Entry], *, actor: str, reason: str) -> None:
    """Store entries that were checked, in the caller's transaction; have their services judged again.

    Live services without a state are adopted, from their launch date on or from the beginning of time. What
    is open of services that change otherwise ends where :func:`consequences_of` told it.
    """
    change_services(happenings_of(entries), actor=actor, reason=reason)
    wanted = {entry.slug: entry for entry in entries}
    store_services(
        {slug: entry.fields for slug, entry in wanted.items()},
        aliases={slug: entry.aliases for slug, entry in wanted.items()},
        note=lambda _: None,  # a name that is taken was refused before
    )
    stored = Service.objects.filter(slug__in=wanted).order_by().values_list("pk", "slug", "launched_on")
    found = list(stored)
    adoptions = (Adoption(pk, wanted[slug].state, adopted_from(launched)) for pk, slug, launched in found)
    adopt_all(adoptions, actor=actor, reason=reason)
    rejudging.mark(pk for pk, _, _ in found)
    aim_dependencies()


class Catalogue:
    """The catalogue at one look: a query for services, states, aliases, teams and systems each."""

    def __init__(self, *, make_missing: bool) -> None:
        self.make_missing = make_missing
        self._said: dict[str, int] = {}
        self._missing: dict[type[Team | System], dict[str, None]] = {Team: {}, System: {}}

    @cached_property
    def _services(self) -> dict[str, Service]:
        return {each.slug: each for each in Service.objects.select_related(*RELATED).order_by()}

    @cached_property
    def _states(self) -> dict[int, str]:
        """The newest state of each service, one that begins only at launch among them."""
        newest = ManagementChange.objects.values("service").annotate(at=Max("effective_at")).order_by()
        when = {each["service"]: each["at"] for each in newest}
        rows = ManagementChange.objects.order_by().values_list("service", "effective_at", "state")
        return {pk: state for pk, at, state in rows if when[pk] == at}

    @cached_property
    def _aliases(self) -> dict[str, str]:
        rows = ServiceAlias.objects.values_list("name", "service__slug")
        return {name.lower(): slug for name, slug in rows}

    @cached_property
    def _slugs(self) -> dict[str, str]:
        return {slug.lower(): slug for slug in self._services}

    @cached_property
    def _related(self) -> dict[type[Team | System], dict[str, Any]]:
        return {
            Team: {each.slug: each for each in Team.objects.order_by()},
            System: {each.slug: each for each in System.objects.order_by()},
        }

    def problems(self, record: ServiceRecord, number: int = 0) -> list[Problem]:
        """What the catalogue has against a record; ``number`` is its row, which no other may repeat."""
        return [
            *self._identity_problems(record, number),
            *self._related_problems(record),
            *self._alias_problems(record),
            *self._state_problems(record),
            *self._launch_problems(record),
        ]

    def _identity_problems(self, record: ServiceRecord, number: int) -> Iterator[Problem]:
        slug = record.slug.lower()
        first = self._said.setdefault(slug, number)
        if first != number:
            yield Problem("slug", f"stands in row {first} too; keep one of them")
        if record.slug not in self._services:
            if self._slugs.setdefault(slug, record.slug) != record.slug:
                yield Problem("slug", f"is written {self._slugs[slug]} elsewhere")
            elif slug in self._aliases:
                yield Problem("slug", f"is another name of {self._aliases[slug]}")
            if record.owner is None:
                yield Problem("owner", "is missing: a new service needs one")

    def _related_problems(self, record: ServiceRecord) -> Iterator[Problem]:
        for name in RELATED:
            slug, model = getattr(record, name), _model(name)
            if slug is None or slug in self._related[model]:
                continue
            if self.make_missing:
                self._missing[model][slug] = None
            else:
                word = model._meta.verbose_name  # noqa: SLF001 - documented by Django
                yield Problem(name, f"{slug!r} is no {word} that the catalogue knows")

    def _alias_problems(self, record: ServiceRecord) -> Iterator[Problem]:
        for alias in record.aliases:
            name = alias.lower()
            holder = self._slugs.get(name) or self._aliases.setdefault(name, record.slug)
            if holder != record.slug:
                yield Problem("aliases", f"{alias!r} already names {holder}")

    def _state_problems(self, record: ServiceRecord) -> Iterator[Problem]:
        if record.state is None:
            return
        lifecycle, stored = self._lifecycle(record), self._state(record.slug)
        if stored is not None and stored != record.state:
            yield Problem("state", f"is {stored}: states change by review, not by spreadsheet")
        elif lifecycle != Lifecycle.LIVE:
            yield Problem("state", f"is of live services alone, and this one is {lifecycle.label}")

    def _launch_problems(self, record: ServiceRecord) -> Iterator[Problem]:
        """What a review launched here is not taken back by what somebody writes of it."""
        said = record.model_dump(include={"lifecycle", "launched_on"})
        if (record.lifecycle or record.launched_on) and record.slug in self._launched:
            for name, reason in unlaunching(said, self._launched[record.slug]).items():
                yield Problem(name, reason)

    @cached_property
    def _launched(self) -> dict[str, date]:
        """The days of launches here; looked for when somebody states a lifecycle or a day."""
        return launch_days()

    def _lifecycle(self, record: ServiceRecord) -> Lifecycle:
        stored = self._services.get(record.slug)
        return record.lifecycle or Lifecycle(stored.lifecycle if stored else Lifecycle.LIVE)

    def _state(self, slug: str) -> str | None:
        stored = self._services.get(slug)
        return self._states.get(stored.pk) if stored else None

    def knows(self, slug: str) -> bool:
        """Whether there was such a service at that look."""
        return slug in self._services

    def make(self) -> None:
        """Make the teams and systems that were named and are missing; placeholders, until described."""
        for model, slugs in self._missing.items():
            extra = {"placeholder": True} if model is Team else {}
            rows: Manager[Any] = model._default_manager  # noqa: SLF001 - documented by Django
            made = rows.bulk_create([model(slug=slug, **extra) for slug in slugs])
            self._related[model] |= {row.slug: row for row in made}
            slugs.clear()

    def entry(self, record: ServiceRecord) -> Entry:
        """What shall be stored, with what is different from now; call :meth:`make` before."""
        fields: dict[str, Any] = {
            name: self._related[_model(name)][slug] for name in RELATED if (slug := getattr(record, name))
        }
        fields |= {name: value for name in PLAIN if (value := getattr(record, name)) is not None}
        if record.components is not None:
            fields["components"] = list(record.components)
        if record.lifecycle is not None:
            fields["lifecycle"] = record.lifecycle.value
        state = (record.state or ManagementState.DEVELOPER_MANAGED).value
        changes = tuple(self._changes(record, fields, state=state))
        return Entry(record.slug, fields, tuple(record.aliases), state, changes)

    def _changes(self, record: ServiceRecord, fields: Mapping[str, Any], *, state: str) -> Iterator[Change]:
        stored = self._services.get(record.slug)
        for name, value in fields.items():
            before = getattr(stored, name) if stored else None
            if before != value:
                yield Change(name, _said(before), _said(value))
        new = [alias for alias in record.aliases if not self._is_stored(alias)]
        if new:
            yield Change("aliases", None, new)
        if self._lifecycle(record) == Lifecycle.LIVE and self._state(record.slug) is None:
            yield Change("state", None, state)

    @cached_property
    def _stored_aliases(self) -> frozenset[str]:
        return frozenset(name.lower() for name in ServiceAlias.objects.values_list("name", flat=True))

    def _is_stored(self, alias: str) -> bool:
        return alias.lower() in self._stored_aliases


def _model(name: str) -> type[Team | System]:
    return System if name == "system" else Team


def _said(value: Any) -> Any:
    return value.slug if isinstance(value, Team | System) else value
