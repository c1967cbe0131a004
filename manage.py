#!/usr/bin/env python
"""Runs the project's commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

COULD_NOT_RUN = 3
"""Statuses below are answers of our commands; Python by itself would end with 1."""

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(COULD_NOT_RUN)
