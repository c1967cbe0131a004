"""All settings of the project; every value that differs between machines comes from the environment."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from celery.schedules import crontab

from config import content_security
from config import environment as env

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# A file of NAME=value lines for laptops. What the process was started with wins over it.
environ.Env.read_env(os.environ.get("ENV_FILE") or BASE_DIR / ".env")

# Security --------------------------------------------------------------------------------------------

DEBUG = env.setting("DEBUG", "false", parse=env.boolean, expected="true or false")
SECRET_KEY = env.setting(
    "SECRET_KEY",
    "",
    parse=str if DEBUG else env.secret_key,
    expected=env.KEY_EXPECTED,
    secret=True,
)
if not SECRET_KEY:
    SECRET_KEY = "a-laptop's-key-that-no-server-gets"  # noqa: S105 - only DEBUG falls back to it

# Keys that signed before this one: what they signed, such as the addresses of badges, is still believed.
SECRET_KEY_FALLBACKS = env.setting(
    "SECRET_KEY_FALLBACKS",
    "",
    parse=env.words if DEBUG else env.secret_keys,
    expected=env.FORMER_KEYS_EXPECTED,
    secret=True,
)

HOSTS_EXPECTED = "host names, comma-separated"
ALLOWED_HOSTS = env.setting(
    "ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]", parse=env.words, expected=HOSTS_EXPECTED
)
CSRF_TRUSTED_ORIGINS = env.setting(
    "CSRF_TRUSTED_ORIGINS", "", parse=env.words, expected="addresses such as https://handoff.example.org"
)
HTTPS_ONLY = env.setting("HTTPS_ONLY", str(not DEBUG), parse=env.boolean, expected="true or false")
BEHIND_PROXY = env.setting("BEHIND_PROXY", "false", parse=env.boolean, expected="true or false")
PROXIES = env.setting("PROXIES", "1", parse=env.positive, expected="a whole number of proxies from 1")
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
HSTS = env.setting("HSTS_SECONDS", "3600", parse=env.positive, expected="a whole number of seconds from 1")
SECURE_HSTS_SECONDS = HSTS if HTTPS_ONLY else 0
SESSION_COOKIE_AGE = 12 * 60 * 60  # a working day; a forgotten log-in ends with it
# Subdomains and browsers' preload lists are for the owner of the whole domain to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # probes speak plain HTTP to the process itself
# The header can be forged by any client, so it is believed only where a proxy is known to set it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None

CONTENT_SECURITY_POLICY = {"DIRECTIVES": content_security.NOTHING}  # the admin and the REST docs have more

# Monitoring ------------------------------------------------------------------------------------------

METRICS_TOKEN = env.setting(
    "METRICS_TOKEN",
    "",
    parse=env.token,
    expected="a random text of 20 characters or more without blanks",
    secret=True,
)

# Applications ----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "readiness.apps.ReadinessConfig",
    "handoff.apps.HandoffConfig",
    "unfold",  # before the admin, whose templates it replaces
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_filters",
    "import_export",
    "knox",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "config.content_security.ContentSecurityMiddleware",  # first: static files and refusals pass it too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database --------------------------------------------------------------------------------------------

DATABASE_URL = env.setting(
    "DATABASE_URL",
    f"sqlite:///{BASE_DIR / 'db.sqlite3'}",
    parse=env.database_address,
    expected=env.DATABASE_EXPECTED,
)
DATABASES: dict[str, dict[str, Any]] = {"default": environ.Env.db_url_config(DATABASE_URL)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction that reads first and writes later would fail at once, without waiting, when
    # another writer came between. Readers pay nothing: atomic() stands only where something is written.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;",
    }
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    # A database that went away must be noticed, by pages and by /readyz: seconds, and milliseconds.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "tcp_user_timeout": 15_000,
        **DATABASES["default"].get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "readiness.rights.TeamRights",
]
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}"
    # the first makes new ones, the others read what an older installation stored
    for name in ("Argon2PasswordHasher", "PBKDF2PasswordHasher", "ScryptPasswordHasher")
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# Covering indexes are for PostgreSQL; on SQLite the same index does without the columns it would carry.
SILENCED_SYSTEM_CHECKS += ["models.W040"]

# Time ------------------------------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"
CLOCK_OFFSET: timedelta = env.setting(
    "CLOCK_OFFSET_SECONDS",
    "0",
    parse=env.seconds,
    expected="a whole number of seconds, negative for the past",
)

# Judgement -------------------------------------------------------------------------------------------

NIGHTLY_EVALUATION = env.setting(
    "NIGHTLY_EVALUATION",
    "0 2 * * *",
    parse=env.schedule,
    expected="a crontab line (UTC) such as '0 2 * * *'",
)
SCORECARD_STALE_AFTER = timedelta(
    hours=env.setting(
        "SCORECARD_STALE_AFTER_HOURS", "48", parse=env.positive, expected="a whole number of hours from 1"
    )
)
EVALUATION_BATCH_SIZE = env.setting(
    "EVALUATION_BATCH_SIZE", "2000", parse=env.positive, expected="a whole number of services from 1"
)

REJUDGE_AFTER = timedelta(
    seconds=env.setting(
        "REJUDGE_AFTER_SECONDS", "60", parse=env.positive, expected="a whole number of seconds from 1"
    )
)
POLICY_NEEDS_TWO_PEOPLE = env.setting(
    "POLICY_NEEDS_TWO_PEOPLE", "true", parse=env.boolean, expected="true or false"
)

# Telling people --------------------------------------------------------------------------------------

# What links in messages begin with. Without it: the first host name that this site answers to.
SITE_URL = env.setting(
    "SITE_URL",
    f"{'https' if HTTPS_ONLY else 'http'}://{ALLOWED_HOSTS[0] if ALLOWED_HOSTS else 'localhost'}"
    f"{'' if HTTPS_ONLY else ':8000'}",
    parse=env.site_address,
    expected="an address such as https://handoff.example.org",
)
# For receivers inside one's own network: webhooks and chats may then lead to private and loopback addresses.
ALLOW_PRIVATE_WEBHOOKS = env.setting(
    "ALLOW_PRIVATE_WEBHOOKS", "false", parse=env.boolean, expected="true or false"
)
# A laptop prints its mail where the worker's words go.
EMAIL_URL = env.setting(
    "EMAIL_URL",
    "consolemail://" if DEBUG else "smtp://127.0.0.1:25",
    parse=env.mail_address,
    expected=env.MAIL_EXPECTED,
    secret=True,
)
vars().update(environ.Env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = 10  # seconds: a mail server that hangs keeps no receiver waiting
DEFAULT_FROM_EMAIL = env.setting(
    "EMAIL_FROM", "handoff@localhost", parse=env.mailbox, expected="an e-mail address"
)

# Celery ----------------------------------------------------------------------------------------------

CELERY_BROKER_URL = env.setting(
    "CELERY_BROKER_URL", "filesystem://", parse=env.broker_address, expected=env.BROKER_EXPECTED
)
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem:"):
    # The broker that needs no server. It forgets a message once it is handed out: rows are the queue.
    BROKER_DIR = Path(env.setting("BROKER_DIR", str(VAR_DIR / "broker"), parse=str, expected="a folder"))
    (BROKER_DIR / "messages").mkdir(parents=True, exist_ok=True)  # kombu makes the control folder alone
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "control_folder": str(BROKER_DIR / "control"),
    }
elif CELERY_BROKER_URL.startswith("redis"):
    # A page must not hang because the broker is away: the sweep takes up what was not announced.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 3, "socket_timeout": 30}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.2}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_IMPORTS = ("handoff.tasks_notifications",)  # a module that goes by another name than tasks
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULE_FILENAME = env.setting(
    "BEAT_SCHEDULE_FILE", str(VAR_DIR / "beat-schedule"), parse=str, expected="a file that beat may write"
)
# The one beat table: static, so that the embedded worker and a production beat keep the same hours.
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "evaluate-nightly": {
        "task": "readiness.tasks.evaluate_nightly",
        "schedule": crontab.from_string(NIGHTLY_EVALUATION),
    },
    "purge": {
        "task": "readiness.tasks.purge",
        "schedule": crontab(hour="5", minute="30"),  # once the night has been judged
    },
    "forget": {
        "task": "handoff.tasks_notifications.forget",
        "schedule": crontab(hour="5", minute="15"),  # before the purge, which keeps alerts that are told of
    },
    "tell": {
        "task": "handoff.tasks_notifications.tell",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "propose-moves": {
        "task": "handoff.tasks.propose_moves",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "follow-handbacks": {
        "task": "handoff.tasks.follow_handbacks",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "follow-handoffs": {
        "task": "handoff.tasks.follow_handoffs",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "alerts-of-cases": {
        "task": "handoff.tasks.keep_alerts_of_cases",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "reviews": {
        "task": "handoff.tasks.follow_reviews",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "sweep": {
        "task": "readiness.tasks.sweep",
        "schedule": 60.0,
        "options": {"expires": 60},  # a worker that was away needs one sweep, not all it missed
    },
    "expire-waivers": {
        "task": "handoff.tasks.expire_waivers",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
}

# REST ------------------------------------------------------------------------------------------------


REST_FRAMEWORK = {
    # Basic first: an anonymous request is told to log in (401), not that it may not (403).
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "readiness.api.basic.ThrottledBasicAuthentication",
        "readiness.api.authentication.MachineTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["readiness.api.permissions.MayView"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["readiness.api.parsing.LimitedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "readiness.api.problems.handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Handoff",
    "DESCRIPTION": "Service readiness: evidence in, traceable scorecards out.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # One word may have different choices in different places: these get names of their own.
    "ENUM_NAME_OVERRIDES": {
        "AlertKind": "readiness.models.alert.Alert.Kind",
        "ConsultantState": "handoff.models.consultant.Consultant.State",
        "CaseState": "handoff.models.case.Case.State",
        "DefectKind": "readiness.models.evidence.DEFECT_KINDS",
        "EvidenceKind": "readiness.models.evidence.KINDS",
        "FindingKind": "handoff.models.case.Finding.Kind",
        "HandbackKind": "handoff.models.case.Case.HandbackKind",
        "JudgementKind": "readiness.models.scorecard.Kind",
        "PolicyState": "readiness.models.policy.PolicyVersion.State",
        "ReviewKind": "handoff.models.review.Review.Kind",
        "ReviewState": "handoff.models.review.Review.State",
        "Role": "readiness.models.evidence.ROLES",
        "WaiverState": "readiness.models.standing.Waiver.State",
        "SignOffSide": ["developers", "operations", "manager"],
        "Side": "handoff.models.shadow.SIDES",
        "Readiness": ["ready", "not_ready", "cannot_tell"],
    },
}

# Its own table would stand unused beside ours, and keep a test's database from being emptied.
MIGRATION_MODULES = {"knox": None}
KNOX_TOKEN_MODEL = "readiness.MachineToken"  # noqa: S105 - the name of a model

# Log-in throttling -------------------------------------------------------------------------------------

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Both together: one address cannot lock somebody else out of everywhere, one name not all of an office.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "config.proxies.client_address"
AXES_LOCKOUT_CALLABLE = "readiness.admin.locked_out.page"
AXES_ENABLE_ADMIN = False  # readiness.admin.accounts shows the same, to leads
AXES_VERBOSE = False

# Pages -----------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG  # a laptop serves files where they lie; production runs collectstatic

UNFOLD = {
    "SITE_TITLE": "Handoff",
    "SITE_HEADER": "Handoff",
    "SITE_SUBHEADER": "Service readiness",
    "SITE_SYMBOL": "swap_horiz",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "readiness.admin.everywhere.favicon"},
    ],
    "STYLES": ["readiness.admin.everywhere.stylesheet"],
    "GLOBAL_CALLBACK": "readiness.admin.everywhere.notices",
    "DASHBOARD_CALLBACK": "readiness.admin.dashboard.fill",
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": "readiness.admin.everywhere.navigation",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "axes": {"level": "WARNING"},  # who logged in stands in the admin
        "kombu.connection": {"level": "ERROR"},  # warns that the embedded broker has no host: it needs none
    },
}
