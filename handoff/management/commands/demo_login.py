"""Makes the log-in of the demo; refused where DEBUG is off, for its password is in the manual."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """`demo_login NAME PASSWORD`; repeated, it changes nothing but the password."""

    help = "Make a log-in that may see and do everything, with a password that everybody knows."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name and password."""
        parser.add_argument("name")
        parser.add_argument("password")

    def handle(self, *args: Any, **options: Any) -> None:
        """Creates the user, or sets the password of the one that a stopped start left."""
        if not settings.DEBUG:
            raise CommandError("demo_login is for demos: it needs DEBUG=true")
        user, _ = User.objects.get_or_create(username=options["name"])
        user.is_staff = user.is_superuser = True
        user.set_password(options["password"])
        user.save()
