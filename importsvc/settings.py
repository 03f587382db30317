"""Django settings from environment variables, which the README describes.

A value that is not acceptable ends the process here, with a sentence that names the variable.
"""

import secrets
import sys
from pathlib import Path

from csp import constants as csp
from django.db.backends.postgresql.psycopg_any import IsolationLevel

from importsvc.admin_site.appearance import UNFOLD  # noqa: F401 - a setting
from importsvc.environment import variables as env
from importsvc.http import cross_origin
from importsvc.logs.config import make_config

env.check_all()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = env.VAR_DIR.read() or BASE_DIR / "var"


def _secret_key() -> str:
    """The signing key: ``SECRET_KEY``, or a generated one, which the first start stores in ``VAR_DIR``."""
    given = env.SECRET_KEY.read()
    if given:
        return given
    path = VAR_DIR / "secret_key"
    try:
        if not path.exists():
            _make_secret_key(path)
        return path.read_text()
    except OSError as error:
        sys.exit(f"SECRET_KEY is not set, and {path} cannot be written or read: {error.strerror}")


def _make_secret_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"secret_key.{secrets.token_hex(4)}")
    # Of two processes that start at the same time, the first creates the link and both read its key.
    try:
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50))
        path.hardlink_to(made)
    except FileExistsError:
        pass
    finally:
        made.unlink(missing_ok=True)


SECRET_KEY = _secret_key()
DEBUG = env.DEBUG.read()
ALLOWED_HOSTS = env.ALLOWED_HOSTS.read()
CSRF_TRUSTED_ORIGINS = env.CSRF_TRUSTED_ORIGINS.read()

# Origins of pages that may call the API from a browser; none unless the operator names some.
CORS_ALLOWED_ORIGINS = env.CORS_ALLOWED_ORIGINS.read()
CORS_URLS_REGEX = cross_origin.URLS
CORS_ALLOW_HEADERS = cross_origin.REQUEST_HEADERS
CORS_EXPOSE_HEADERS = cross_origin.RESPONSE_HEADERS
CORS_ALLOW_METHODS = cross_origin.METHODS
CORS_PREFLIGHT_MAX_AGE = cross_origin.PREFLIGHT_SECONDS

# Origins of pages that may embed the import wizard; none unless the operator names some.
IMPORT_FRAME_ORIGINS = env.IMPORT_FRAME_ORIGINS.read()

# --- The application ------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # Before the admin, whose templates it overrides.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "importsvc.admin_site.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_filters",
    "rest_framework",
    "rest_framework_api_key",
    "rest_framework_json_api",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "importsvc.apps.ProjectConfig",
    # Each app may import the apps before it.
    "importsvc.rate_limits",
    "importsvc.changelog",
    "importsvc.guessing",
    "organizations",
    "importsvc.idempotency",
    "companies",
    "people",
    "importsvc.webhooks",
    "importsvc.operations",
    "importsvc.files",
    "importsvc.imports",
    "importsvc.import_sessions",
]

MIDDLEWARE = [
    "importsvc.monitoring.requests.RequestLog",
    # The headers of all responses.
    "django.middleware.security.SecurityMiddleware",
    "importsvc.import_sessions.browser.FramePolicy",
    "importsvc.http.security_headers.PermissionsPolicy",
    # Without origins, no response has a header more. It answers preflights itself, also those that no origin may make.
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    # Before those that read the Host header.
    "importsvc.monitoring.health.Health",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Before ConditionalGet, so that ETags are computed from uncompressed responses.
    "importsvc.http.middleware.Compression",
    "importsvc.http.rate_limits.RateLimitHeaders",
    "importsvc.http.middleware.ConditionalGet",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    # It gives the next one the secret of forms.
    "importsvc.import_sessions.browser.LinkSessions",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

CSRF_FAILURE_VIEW = "importsvc.error_pages.show_form_refused"
ROOT_URLCONF = "importsvc.urls"
WSGI_APPLICATION = "importsvc.wsgi.application"
APPEND_SLASH = False
# The admin is the only site with a login.
LOGIN_REDIRECT_URL = "admin:index"

TEMPLATES = [
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

# --- Data -----------------------------------------------------------------------------------------------------------

DATABASES = {"default": env.DATABASE_URL.read() or {"ENGINE": "importsvc.postgres.embedded", "NAME": "importsvc"}}

# Services lock rows and then read what was committed before: that takes READ COMMITTED, whatever the server's default.
DATABASES["default"].setdefault("OPTIONS", {})["isolation_level"] = IsolationLevel.READ_COMMITTED
# A PostgreSQL that has vanished is noticed after a minute, and not after two hours; one that is not there, after five
# seconds, and not after two minutes. DATABASE_URL may say otherwise.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    **DATABASES["default"]["OPTIONS"],
}
DATABASES["default"]["CONN_MAX_AGE"] = env.CONN_MAX_AGE.read()
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# Seconds that a request waits for a lock of another transaction.
LOCK_TIMEOUT_SECONDS = env.LOCK_TIMEOUT_SECONDS.read()
# PostgreSQL looks this often whether the client of a long statement is still there; 0 means never. PostgreSQL can do it
# on Linux, and from version 15 on macOS.
CLIENT_CHECK_SECONDS = env.CLIENT_CHECK_SECONDS.read()

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = ["importsvc.admin_site.formats"]

# --- Workers --------------------------------------------------------------------------------------------------------

# The worker processes that manage.py serve starts; with 0 there may be none on this host, nor a need for one.
WORKERS = env.WORKERS.read()

# The RabbitMQ through which Celery's workers learn of queued operations; without it, they are woken by PostgreSQL.
CELERY_BROKER_URL = env.CELERY_BROKER_URL.read()
CELERY_QUEUE = env.CELERY_QUEUE.read()

# --- HTTP -----------------------------------------------------------------------------------------------------------

# The size of the largest accepted request body in bytes; a larger one is refused with 413.
MAX_BODY_BYTES = env.MAX_BODY_BYTES.read()
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# A form has a field for each column of a file, of which there are at most 1,000.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

# The threads of this process, which requests share; manage.py serve sets it. With one there is nothing to share.
THREADS = env.THREADS.read() or 1

# The time in hours for which responses to requests with an Idempotency-Key are stored.
IDEMPOTENCY_KEY_HOURS = env.IDEMPOTENCY_KEY_HOURS.read()

# Whether webhooks may be sent by http, and to private addresses: for development only.
ALLOW_PRIVATE_WEBHOOKS = env.ALLOW_PRIVATE_WEBHOOKS.read()

# The time in days for which finished deliveries of webhooks are stored.
WEBHOOK_DELIVERY_DAYS = env.WEBHOOK_DELIVERY_DAYS.read()

# The time in days for which finished operations are stored.
OPERATION_DAYS = env.OPERATION_DAYS.read()

# The time in days for which staged rows of imports are stored that are not run.
UNRUN_IMPORT_DAYS = env.UNRUN_IMPORT_DAYS.read()

# The time in days for which staged rows and the change log of imports are stored that were run; None for always.
RUN_IMPORT_DAYS = env.RUN_IMPORT_DAYS.read()

# The time in days for which the bytes of files are stored that imports are made from.
IMPORT_FILE_DAYS = env.IMPORT_FILE_DAYS.read()

# The size in bytes above which a body makes the response come before the work is done; None for no size.
ASYNC_BODY_BYTES = env.ASYNC_BODY_BYTES.read()

# The rates at which a token, and all tokens of an organization, may send requests; None for any.
RATE_LIMITS = {"token": env.API_RATE_LIMIT.read(), "organization": env.ORGANIZATION_RATE_LIMIT.read()}
# The Redis that counts requests; without it PostgreSQL does.
REDIS_URL = env.REDIS_URL.read()

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["people.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "people.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["importsvc.jsonapi.request.parsers.JsonApiParser"],
    "DEFAULT_RENDERER_CLASSES": ["importsvc.jsonapi.document.renderers.JsonApiRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "importsvc.jsonapi.request.negotiation.JsonApiContentNegotiation",
    "DEFAULT_PAGINATION_CLASS": "importsvc.jsonapi.document.pagination.PageNumberPagination",
    "DEFAULT_FILTER_BACKENDS": [
        "importsvc.jsonapi.request.filters.FilterBackend",
        "importsvc.jsonapi.request.filters.SortBackend",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["people.throttling.TokenThrottle"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "importsvc.openapi.auto_schema.AutoSchema",
    "EXCEPTION_HANDLER": "importsvc.jsonapi.errors.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "importsvc",
    "DESCRIPTION": "Brings companies and people into an organization, and takes them out again.",
    "VERSION": "2.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v2",
    "POSTPROCESSING_HOOKS": ["importsvc.openapi.auto_schema.add_components"],
}

STATIC_URL = "static/"
# Static files are served from the packages, without collectstatic.
WHITENOISE_USE_FINDERS = True

# The proxies whose X-Forwarded-For counts, and X-Forwarded-Proto too behind TLS; from others all such headers are
# dropped. Behind TLS, proxies on this machine and in private networks need not be named.
BEHIND_TLS_PROXY = env.BEHIND_TLS_PROXY.read()
_PRIVATE_NETWORKS = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7", "fe80::/10"]
TRUSTED_PROXIES = env.TRUSTED_PROXIES.read() or (_PRIVATE_NETWORKS if BEHIND_TLS_PROXY else [])

if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = env.HSTS_SECONDS.read()
    # The proxy redirects from http to https, and probes and metrics come without it. Other names of the domain, and the
    # lists in browsers, are not for a service to decide about.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

# Pages have files of their own only. Alpine, which the theme of the admin comes with, evaluates the attributes of
# elements, and htmx and the theme's templates have inline styles.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.NONE],
        "script-src": [csp.SELF, csp.UNSAFE_EVAL],
        "style-src": [csp.SELF, csp.UNSAFE_INLINE],
        "font-src": [csp.SELF],
        "img-src": [csp.SELF, "data:"],
        "connect-src": [csp.SELF],
        "form-action": [csp.SELF],
        "base-uri": [csp.NONE],
        "frame-ancestors": [csp.NONE],
    }
}

# Whether accounts of the admin have a second factor: off, optional or required.
STAFF_SECOND_FACTOR = env.STAFF_SECOND_FACTOR.read()
# The name of the service in authenticator apps.
OTP_TOTP_ISSUER = "importsvc"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LOGGING = make_config(line_format=env.LOG_FORMAT.read(), level=env.LOG_LEVEL.read())
