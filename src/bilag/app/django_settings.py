"""Django's settings, made from the environment; the database URLs are filled in by `configure`.

No secret stands here: `serve` derives the key that Django signs with from the master key, so that
every web process of an installation has the same one. Without it nothing can be signed.
"""

import os

SECRET_KEY = ""
DEBUG = False
ALLOWED_HOSTS = os.environ.get("BILAG_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
ROOT_URLCONF = "bilag.api.urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "procrastinate.contrib.django",
    "bilag.app.apps.BilagConfig",
    "bilag.api",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "bilag.api.middleware.ApiAnswers",
    "django.middleware.common.CommonMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
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
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
PROCRASTINATE_READONLY_MODELS = True
