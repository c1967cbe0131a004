"""Knows the services of the catalogue by slug and alias, and whose hours count for each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from readiness.hours import Classifier, classifier
from readiness.models import Service, ServiceAlias


@dataclass(frozen=True, slots=True)
class KnownService:
    """A service as rows refer to it."""

    pk: int
    slug: str
    hours: Classifier

    def disturbed(self, moment: datetime) -> tuple[bool, bool]:
        """Whether that moment is after hours, and at night, where its owner team is."""
        return self.hours.after_hours(moment), self.hours.night(moment)


class Services:
    """All services at one look: two queries, whatever their number. A slug goes before an alias."""

    def __init__(self) -> None:
        self._by_name: dict[str, KnownService] = {}
        self._by_pk: dict[int, KnownService] = {}
        self._look()

    def named(self, name: str) -> KnownService | None:
        """The service that this slug or alias means."""
        return self._by_name.get(name)

    def of(self, slug: str) -> KnownService:
        """The service of a slug that was found before; raises ``KeyError`` otherwise."""
        return self._by_name[slug]

    def all_slugs(self) -> list[str]:
        """Every service's slug, in order."""
        return sorted({service.slug for service in self._by_pk.values()})

    def numbered(self, pk: int) -> KnownService:
        """The service with this id. One that came after the look makes us look again."""
        if pk not in self._by_pk:
            self._look()
        return self._by_pk[pk]

    def slugs(self, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """Slugs of the services that the names mean, each once, and the names that mean none."""
        found: dict[str, None] = {}
        unknown = []
        for name in names:
            service = self.named(name)
            if service is None:
                unknown.append(name)
            else:
                found[service.slug] = None
        return list(found), unknown

    def _look(self) -> None:
        for service in Service.objects.select_related("owner").order_by():
            known = KnownService(service.pk, service.slug, classifier(service.owner.hours))
            self._by_name[known.slug] = self._by_pk[known.pk] = known
        for name, pk in ServiceAlias.objects.values_list("name", "service"):
            self._by_name.setdefault(name, self._by_pk[pk])
