"""Uploads: files that somebody previews, kept until they are confirmed."""

import datetime as dt

from django.db import models


class Upload(models.Model):
    """A spreadsheet between preview and import; in the database, for web processes share nothing else."""

    KEPT = dt.timedelta(days=1)
    """How long a preview may be looked at before the file must be uploaded anew."""

    name = models.CharField(
        max_length=32, primary_key=True, help_text="A random one: who knows it, uploaded it."
    )
    content = models.BinaryField()
    made_at = models.DateTimeField(help_text="Real time.")

    class Meta:
        ordering = ["-made_at"]
        default_permissions = ()  # nobody looks at them

    def __str__(self) -> str:
        return self.name
