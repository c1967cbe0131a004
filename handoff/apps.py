"""The Django application of decisions: who runs a service, who said so, on what evidence."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class HandoffConfig(AppConfig):
    """Registers the models, commands and admin pages of `handoff`, and keeps what is written once."""

    name = "handoff"
    verbose_name = "Handoff"

    def ready(self) -> None:
        """Have triggers and standard groups put back after each migrate, and missing triggers told."""
        from handoff.guards import check  # noqa: PLC0415 - models exist only after this file is loaded

        register(check, Tags.database)
        post_migrate.connect(_after_migrate, sender=self)


def _after_migrate(*, app_config: AppConfig, using: str, **_: Any) -> None:
    from handoff.guards import put_back  # noqa: PLC0415 - models exist only after this file is loaded
    from readiness.rights import write_groups  # noqa: PLC0415

    put_back(using)
    create_permissions(app_config, verbosity=0, using=using)
    write_groups(using)
