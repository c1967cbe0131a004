#!/usr/bin/env python
"""Runs the project's commands."""

import os
import sys
import traceback

COULD_NOT_RUN, BROKEN = 3, 4
"""Statuses below are answers of our commands; Python and Django by themselves would end with 1."""

try:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line, get_commands
except ImportError as error:
    sys.stderr.write(f"{error}: install requirements.lock first, or use the Python of its environment\n")
    sys.exit(COULD_NOT_RUN)


def main() -> None:
    """Run the command, and exit with 3 or more when it cannot even begin."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(COULD_NOT_RUN)
    except SystemExit as ended:
        unknown = len(sys.argv) > 1 and sys.argv[1] not in {"help", *get_commands()}
        sys.exit(COULD_NOT_RUN if unknown and ended.code else ended.code)
    except Exception:  # noqa: BLE001 - a fault of ours must not look like an answer
        traceback.print_exc()
        sys.exit(BROKEN)


if __name__ == "__main__":
    main()
