"""Settings of the test suite: the project's own, whatever a laptop's `.env` or a running demo says."""

import os

os.environ["ENV_FILE"] = os.devnull
os.environ.setdefault("DEBUG", "true")
os.environ.setdefault("CELERY_BROKER_URL", "memory://")

from config.settings import *  # noqa: F403 - the environment must be set before the settings read it

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # log-ins are not what is tested
WHITENOISE_AUTOREFRESH = True  # files are served from where they lie; nothing is collected for a test
