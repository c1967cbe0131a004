"""Names services anew: a rename, or a merge of one into another, with what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from handoff.actions import Happenings, MovedError, change_services, foresee
from handoff.consequences import Change, Foreseen, Happening
from readiness.ingest import merge_service, rename_service
from readiness.models import Service


@dataclass(frozen=True, slots=True)
class Naming:
    """A service is called ``to`` from now on, or is another name of ``into``."""

    service: Service
    to: str = ""
    into: Service | None = None

    @property
    def happening(self) -> Happening:
        """What that is."""
        if self.into is not None:
            return Happening(Change.MERGE, self.service.slug, self.into.slug)
        return Happening(Change.RENAME, self.service.slug, self.to)


def foresee_naming(namings: Sequence[Naming]) -> list[Foreseen]:
    """What would come of them, where somebody must agree first."""
    return [each for each in foresee(_happenings(namings)) if each.asks]


def name_anew(namings: Sequence[Naming], *, actor: str, reason: str) -> None:
    """Do it, in the caller's transaction: what a merge leaves nothing of ends first.

    Raises ``MovedError`` where somebody was faster.
    """
    change_services(_happenings(namings), actor=actor, reason=reason)
    for each in namings:
        _refuse_renamed(each.service)
        if each.into is not None:
            _refuse_renamed(each.into)
            merge_service(each.service, each.into)
        else:
            rename_service(each.service, each.to)


def _refuse_renamed(service: Service) -> None:
    name = Service.objects.values_list("slug", flat=True).get(pk=service.pk)
    if name != service.slug:
        raise MovedError(f"{service.slug} is called {name} by now.", name)


def _happenings(namings: Sequence[Naming]) -> Happenings:
    return {each.service.pk: [each.happening] for each in namings}
