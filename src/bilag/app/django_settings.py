"""Django's settings, made from the environment; the database URLs are filled in by `configure`.

No secret stands here: `serve` derives the key that Django signs with from the master key, so that
every web process of an installation has the same one. Without it nothing can be signed.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from bilag.app.sign_in_settings import mail_settings, pages_address, providers, whole_number

SECRET_KEY = ""
DEBUG = False
ALLOWED_HOSTS = os.environ.get("BILAG_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
ROOT_URLCONF = "bilag.app.urls"
INSTALLED_APPS = [
    "bilag.portal",  # first: its templates take the place of those of the libraries
    "bilag.portal.integrations",
    "bilag.portal.accounts",
    "bilag.portal.mapping",
    "bilag.portal.members",
    "bilag.portal.tokens",
    "bilag.portal.audit",
    "bilag.portal.claims",
    "bilag.portal.repair",
    "bilag.portal.sending.apps.SendingConfig",
    "bilag.portal.watch.apps.WatchConfig",
    "bilag.portal.sync.apps.SyncConfig",
    "bilag.portal.reports.apps.ReportsConfig",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "procrastinate.contrib.django",
    "bilag.app.apps.BilagConfig",
    "bilag.api",
]
MIDDLEWARE = [
    "bilag.app.probes.Probes",  # first: a probe needs no host name and no session
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
    "allauth.account.middleware.AccountMiddleware",
    "bilag.portal.middleware.NoNul",  # after what reads the form anyway
    "bilag.portal.accounts.preferences.ChosenLanguage",
    "bilag.portal.accounts.sessions.SessionEnd",
    "bilag.portal.accounts.proof.SecondFactor",
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
    # a thread keeps its connection; one that the server has closed meanwhile is made anew
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    },
    "owner": {"ENGINE": "django.db.backends.postgresql"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "nb"
LANGUAGES = [("nb", "Norsk bokmål"), ("nn", "Norsk nynorsk"), ("en", "English")]
TIME_ZONE = "Europe/Oslo"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["bilag.portal.formats"]
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

# --- Signing in (X3): people, second factors, sessions, other providers ---
PAGES_ADDRESS = pages_address(os.environ)
_HTTPS = PAGES_ADDRESS.startswith("https://")
if PAGES_ADDRESS:
    ALLOWED_HOSTS.append(str(urlsplit(PAGES_ADDRESS).hostname))
    CSRF_TRUSTED_ORIGINS = [PAGES_ADDRESS]
# How many web servers of the operator's a request passes; each adds to X-Forwarded-For. Who is
# slowed down after wrong passwords or tokens is told by that.
ALLAUTH_TRUSTED_PROXY_COUNT = whole_number(os.environ, "BILAG_TRUSTED_PROXIES", 0)
if ALLAUTH_TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
LOGIN_URL = "/account/login/"
LOGIN_REDIRECT_URL = "/"
AUTH_USER_MODEL = "portal_accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email",)},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 86400  # seconds that a link for a new password works
# Failure policy: what slows down who guesses passwords is counted in PostgreSQL, for all web
# processes together; without the database nobody signs in anyway.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "web_cache",
        # so many that nobody can push out the count of their own failures by making others
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _HTTPS
SESSION_IDLE_SECONDS = whole_number(os.environ, "BILAG_SESSION_IDLE_MINUTES", 120) * 60
SESSION_ABSOLUTE_SECONDS = whole_number(os.environ, "BILAG_SESSION_HOURS", 12) * 3600
SESSION_COOKIE_AGE = SESSION_IDLE_SECONDS
ACCOUNT_ADAPTER = "bilag.portal.accounts.adapters.Accounts"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]  # nobody signs up; sign-in asks for both
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # an account is made for an address that somebody vouches for
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _HTTPS else "http"
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}
ACCOUNT_FORMS = {
    "login": "bilag.portal.accounts.forms.SignInForm",
    "change_password": "bilag.portal.accounts.forms.ChangeForm",
    "reset_password": "bilag.portal.accounts.forms.ResetForm",
    "reset_password_from_key": "bilag.portal.accounts.forms.NewPasswordForm",
    "reauthenticate": "bilag.portal.accounts.forms.AgainForm",
}
MFA_ADAPTER = "bilag.portal.accounts.adapters.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "bilag"
MFA_TOTP_TOLERANCE = 1  # a code is also taken half a minute early or late: not all type fast
MFA_FORMS = {
    "authenticate": "bilag.portal.accounts.forms.CodeForm",
    "reauthenticate": "bilag.portal.accounts.forms.CodeAgainForm",
    "activate_totp": "bilag.portal.accounts.forms.ActivateForm",
    "authenticate_webauthn": "bilag.portal.accounts.forms.PasskeyForm",
    "login_webauthn": "bilag.portal.accounts.forms.PasskeySignInForm",
    "reauthenticate_webauthn": "bilag.portal.accounts.forms.PasskeyAgainForm",
    "add_webauthn": "bilag.portal.accounts.forms.AddPasskeyForm",
    "edit_webauthn": "bilag.portal.accounts.forms.RenamePasskeyForm",
}
SOCIALACCOUNT_ADAPTER = "bilag.portal.accounts.oidc.Providers"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": providers(os.environ)}}
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
# By a link, since a form's redirect to another host is against the pages' own policy; connecting
# to an account by it is refused (`oidc.py`), and signing in harms nobody.
SOCIALACCOUNT_LOGIN_ON_GET = True
MAIL = mail_settings(os.environ)
globals().update(MAIL)
