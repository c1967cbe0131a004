"""Machine tokens: who may write evidence over REST, from which source, of which kinds, for which services."""

import datetime as dt

from django.db import models
from knox.models import AbstractAuthToken

EVERY_SERVICE = "*"
CATALOGUE = "catalogue"
"""Beside the kinds of evidence: teams, systems and services."""


class MachineToken(AbstractAuthToken):
    """A token that a machine writes with. Only a digest of it is kept; the text is shown once.

    Its user is a log-in of its own that can do nothing else: no password, no page, no group.
    """

    name: "models.CharField[str, str]" = models.CharField(
        max_length=100, unique=True, help_text="Which machine writes with it, and for whom."
    )
    source: "models.CharField[str, str]" = models.CharField(
        max_length=200, help_text="The only source that it may write rows of."
    )
    kinds: "models.JSONField[list[str], list[str]]" = models.JSONField(
        help_text="Kinds of evidence that it may write, 'feed' and 'catalogue' among them."
    )
    services: "models.JSONField[list[str], list[str]]" = models.JSONField(
        help_text="Slugs of the services that it may write for; ['*'] is every service."
    )
    created_by: "models.CharField[str, str]" = models.CharField(max_length=300)
    last_used_at: "models.DateTimeField[dt.datetime | None, dt.datetime | None]" = models.DateTimeField(
        null=True, blank=True
    )
    revoked: "models.BooleanField[bool, bool]" = models.BooleanField(
        default=False, help_text="Ended by a person before its time."
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(source=""), name="token_has_a_source"),
        ]

    def __str__(self) -> str:
        return self.name

    def may_write(self, kind: str) -> bool:
        """Whether it was made for this kind."""
        return kind in self.kinds

    def may_write_for(self, slug: str) -> bool:
        """Whether it was made for this service."""
        return EVERY_SERVICE in self.services or slug in self.services
