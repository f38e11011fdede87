"""Django's settings, made from the environment; the database URLs are filled in by `configure`.

No secret stands here: `serve` derives the key that Django signs with from the master key, so that
every web process of an installation has the same one. Without it nothing can be signed.
"""

import os
from pathlib import Path

SECRET_KEY = ""
DEBUG = False
ALLOWED_HOSTS = os.environ.get("BILAG_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
ROOT_URLCONF = "bilag.app.urls"
INSTALLED_APPS = [
    "bilag.portal",  # first: its templates take the place of those of the libraries
    "bilag.portal.sending.apps.SendingConfig",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "procrastinate.contrib.django",
    "bilag.app.apps.BilagConfig",
    "bilag.api",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "bilag.api.middleware.ApiAnswers",
    "bilag.portal.middleware.PageHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "bilag.portal.frame.frame",
            ]
        },
    }
]
FORM_RENDERER = "bilag.portal.forms.Renderer"
LOGIN_URL = "/account/login/"
LOGIN_REDIRECT_URL = "/"
STATIC_URL = "/static/"
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]
# Served from where the packages keep them; an address holds the version, so it may be kept long.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 86400
LOCALE_PATHS = [Path(__file__).parent.parent / "portal" / "locale"]
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DATABASES: dict[str, dict[str, object]] = {
    "default": {"ENGINE": "django.db.backends.postgresql"},
    "owner": {"ENGINE": "django.db.backends.postgresql"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "nb"
LANGUAGES = [("nb", "Norsk bokmål"), ("nn", "Norsk nynorsk"), ("en", "English")]
TIME_ZONE = "Europe/Oslo"
USE_TZ = True
USE_I18N = True
APPEND_SLASH = False
LOGGING_CONFIG = None
# The largest JSON body: 10,000 expense ids of 120 characters. Records are read and bounded apart.
FILE_UPLOAD_HANDLERS = [
    "bilag.portal.sending.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
PROCRASTINATE_READONLY_MODELS = True
