"""The Django application of facts: the catalogue, what is measured, what it is worth."""

from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    """Registers the models, commands and admin pages of `readiness`."""

    name = "readiness"
    verbose_name = "Readiness"
