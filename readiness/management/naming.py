"""Services as a command line names them: by slug or alias."""

from difflib import get_close_matches

from django.core.management.base import CommandError

from readiness.models import Service, ServiceAlias

SUGGESTED = 3


def service_named(name: str) -> Service:
    """The service with this slug or alias. Raises ``CommandError`` that names those spelt alike."""
    found = Service.objects.named(name).first()
    if found is not None:
        return found
    names = set(Service.objects.values_list("slug", flat=True))
    names.update(ServiceAlias.objects.values_list("name", flat=True))
    alike = get_close_matches(name, sorted(names), n=SUGGESTED)
    hint = f"; did you mean {' or '.join(alike)}?" if alike else ""
    raise CommandError(f"no service or alias is called {name}{hint}")
