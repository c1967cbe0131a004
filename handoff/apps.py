"""The Django application of decisions: who runs a service, who said so, on what evidence."""

from django.apps import AppConfig


class HandoffConfig(AppConfig):
    """Registers the commands of `handoff`, and in later releases its models and admin pages."""

    name = "handoff"
    verbose_name = "Handoff"
