"""What a fleet folder's catalogue does to services that there are, and what of it waits to be accepted."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from handoff.actions import change_services, foresee
from handoff.catalogue.changes import differences
from handoff.catalogue.naming import Naming, name_anew
from handoff.consequences import RULE, Change, Foreseen, Happening
from readiness.backstage import Catalogue, Lifecycle, ServiceEntry
from readiness.ingest.catalogue import UNOWNED
from readiness.models import Service, ServiceAlias


@dataclass(slots=True)
class _Read:
    """An entry, under the name of the service that it describes."""

    entry: ServiceEntry
    service: Service | None = None
    namings: list[Naming] = field(default_factory=list)
    parent: Service | None = None
    """What it is taken out of, where it is new."""

    def happenings(self) -> Iterator[tuple[int, Happening]]:
        """What it does to which services."""
        for naming in self.namings:
            yield naming.service.pk, naming.happening
        if self.parent is not None:
            yield self.parent.pk, Happening(Change.SPLIT, self.parent.slug, self.entry.slug)
        if self.service is not None:
            for happening in _differences(self.service, self.entry):
                yield self.service.pk, happening

    def without(self, held: Collection[int]) -> ServiceEntry | None:
        """The entry without what is held back; ``None`` where nothing of it is left."""
        if self.parent is not None and self.parent.pk in held:
            return None
        kept = {each.service.slug for each in self.namings if each.service.pk in held}
        aliases = tuple(alias for alias in self.entry.aliases if alias not in kept)
        if self.service is None or self.service.pk not in held:
            return replace(self.entry, aliases=aliases)
        return replace(
            self.entry,
            aliases=aliases,
            slug=self.service.slug,
            owner=self.service.owner.slug,
            ops_team=self.service.ops_team.slug if self.service.ops_team else None,
            lifecycle=Lifecycle(self.service.lifecycle)
            if self.entry.lifecycle is Lifecycle.RETIRED
            else self.entry.lifecycle,
        )


class FolderChanges:
    """Compares what a folder describes with what is stored: two queries, and what is open of what changes.

    A service that the folder describes no longer, and whose name is another name of one that it does, is
    renamed where that one is new, and merged into it otherwise. An entry under another name of a service is
    that service, unless the folder describes it, too: then the entry is taken out of it.
    """

    def __init__(self, catalogue: Catalogue, *, fleet: str, accept: bool) -> None:
        self._told = catalogue
        self._fleet = fleet
        self._accept = accept
        self._described = {entry.slug for entry in catalogue.services}
        self._claimed: set[int] = set()

    @cached_property
    def held(self) -> list[Foreseen]:
        """What is not done until somebody accepts what comes of it."""
        return [] if self._accept else [each for each in foresee(self._happenings) if each.asks]

    @cached_property
    def catalogue(self) -> Catalogue:
        """What is to be stored: without what is held back, each service under the name that it then has."""
        held = self._held
        entries = (each.without(held) for each in self._read)
        return replace(self._told, services=tuple(entry for entry in entries if entry is not None))

    def apply(self) -> None:
        """End what changes leave nothing of and name services anew, in the caller's transaction, which then
        stores the :attr:`catalogue`. Raises ``MovedError`` where somebody was faster.
        """
        held, reason = self._held, f"catalogue of {self._fleet}"
        taken = {pk: happenings for pk, happenings in self._happenings.items() if pk not in held}
        change_services(taken, actor=RULE, reason=reason)
        namings = [naming for each in self._read for naming in each.namings if naming.service.pk not in held]
        name_anew(namings, actor=RULE, reason=reason)
        own = [each.entry.slug for each in self._read if each.parent and each.parent.pk not in held]
        if own:
            ServiceAlias.objects.filter(name__in=own).delete()

    @cached_property
    def _held(self) -> frozenset[int]:
        return frozenset(each.service_id for each in self.held)

    @cached_property
    def _read(self) -> list[_Read]:
        return [self._reading(entry) for entry in self._told.services]

    @cached_property
    def _happenings(self) -> Mapping[int, list[Happening]]:
        found: dict[int, list[Happening]] = defaultdict(list)
        for each in self._read:
            for pk, happening in each.happenings():
                found[pk].append(happening)
        return dict(found)

    @cached_property
    def _services(self) -> Mapping[str, Service]:
        rows = Service.objects.select_related("owner", "ops_team").order_by("slug")
        return {each.slug: each for each in rows}

    @cached_property
    def _holders(self) -> Mapping[str, Service]:
        by_key = {each.pk: each for each in self._services.values()}
        return {name.lower(): by_key[pk] for name, pk in ServiceAlias.objects.values_list("name", "service")}

    def _reading(self, entry: ServiceEntry) -> _Read:
        service, holder = self._services.get(entry.slug), self._holders.get(entry.slug.lower())
        gone = list(self._gone(entry.aliases))
        if service is not None:
            return _Read(entry, service, [Naming(each, into=service) for each in gone])
        if gone and holder in {None, gone[0]}:
            renamed = Naming(gone[0], to=entry.slug)
            return _Read(entry, gone[0], [renamed, *(Naming(each, into=gone[0]) for each in gone[1:])])
        if holder is not None and self._is_gone(holder):
            return _Read(replace(entry, slug=holder.slug), holder)
        return _Read(entry, parent=holder or self._parent(entry.aliases))

    def _gone(self, aliases: Iterable[str]) -> Iterator[Service]:
        """Services of this folder that it describes no longer, and that go by these names; each once."""
        for alias in aliases:
            known = self._services.get(alias)
            if known and known.pk not in self._claimed and self._is_gone(known):
                self._claimed.add(known.pk)
                yield known

    def _is_gone(self, service: Service) -> bool:
        return service.fleet == self._fleet and service.slug not in self._described

    def _parent(self, aliases: Iterable[str]) -> Service | None:
        """The service that gives up a name to a new one."""
        holders = (self._holders.get(alias.lower()) for alias in aliases)
        return next((each for each in holders if each and each.slug in self._described), None)


def _differences(service: Service, entry: ServiceEntry) -> Iterator[Happening]:
    return differences(
        service,
        owner=entry.owner or UNOWNED,
        ops_team=entry.ops_team or "",
        retired=entry.lifecycle is Lifecycle.RETIRED,
    )
