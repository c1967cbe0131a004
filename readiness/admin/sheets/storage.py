"""Keeps an upload between its preview and its import, as django-import-export asks for it."""

from typing import Any
from uuid import uuid4

from import_export.tmp_storages import BaseStorage

from readiness import clock
from readiness.models import Upload


class UploadStorage(BaseStorage):
    """In the database: the next request may be answered by another web process on another machine."""

    def save(self, data: bytes) -> None:
        """Keep it under a name of its own, and forget what was previewed long ago."""
        now = clock.real_now()
        Upload.objects.filter(made_at__lt=now - Upload.KEPT).delete()
        self.name = uuid4().hex
        Upload.objects.create(name=self.name, content=data, made_at=now)

    def read(self) -> Any:
        """What was kept. Raises ``Upload.DoesNotExist`` when it was imported meanwhile or is too old."""
        return bytes(Upload.objects.get(name=self.name).content)

    def remove(self) -> None:
        """Forget it."""
        Upload.objects.filter(name=self.name).delete()
