"""Gives services other names: one is called otherwise, one becomes another name of another."""

from typing import Final

from readiness import rejudging
from readiness.models import Dependency, Lifecycle, MachineToken, Service, ServiceAlias

MERGED: Final = "merged"
"""Ends the name that a merged service keeps, so that its own is free for the other."""
LONGEST: Final = 180
"""Characters of its name that it keeps, so that the ending fits."""


def rename_service(service: Service, slug: str) -> None:
    """Call a service ``slug``; its old name stays another name of it. Call it in a transaction.

    Whatever belongs to it stays. Tokens that write for it go on doing so. The caller has looked whether the
    name is free.
    """
    old = service.slug
    service.aliases.filter(name__iexact=slug).delete()
    service.slug = slug
    service.save(update_fields=["slug"])
    _name(old, service)
    for token in MachineToken.objects.order_by("pk"):
        if old in token.services:
            token.services = [slug if each == old else each for each in token.services]
            token.save(update_fields=["services"])
    rejudging.mark([service.pk])


def merge_service(service: Service, into: Service) -> None:
    """Make a service another name of ``into``, with all of its names. Call it in a transaction.

    Its row is retired and called ``….merged``, and keeps its evidence, judgements and decisions. Whoever
    depends on it depends on the other from now on; what comes in under its name is the other's.
    """
    old = service.slug
    service.aliases.update(service=into)
    service.slug = _free(f"{old[:LONGEST]}.{MERGED}")
    service.lifecycle = Lifecycle.RETIRED
    service.save(update_fields=["slug", "lifecycle"])
    _name(old, into)
    Dependency.objects.filter(target=service).update(target=into)
    rejudging.mark([service.pk, into.pk])


def _name(name: str, service: Service) -> None:
    ServiceAlias.objects.update_or_create(name__iexact=name, defaults={"name": name, "service": service})


def _free(name: str) -> str:
    taken = set(Service.objects.filter(slug__startswith=name).values_list("slug", flat=True))
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbered) if each not in taken)
