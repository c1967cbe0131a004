"""The Django application of facts: the catalogue, what is measured, what it is worth."""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.db.models.signals import post_migrate


class ReadinessConfig(AppConfig):
    """Registers the models, commands and admin pages of `readiness`, and keeps the standard groups."""

    name = "readiness"
    verbose_name = "Readiness"

    def ready(self) -> None:
        """Have the standard groups written after each migrate."""
        post_migrate.connect(_keep_groups, sender=self)


def _keep_groups(*, using: str, **_: Any) -> None:
    from readiness.rights import write_groups  # noqa: PLC0415 - models exist only after this file is loaded

    # Django makes them after this, app by app; the groups need those of all three now.
    for label in ("readiness", "auth", "axes"):
        create_permissions(apps.get_app_config(label), verbosity=0, using=using)
    write_groups(using)
