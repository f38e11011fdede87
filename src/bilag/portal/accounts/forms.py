"""The forms of signing in, in our words: labels above, hints, no placeholders."""

from collections.abc import Callable
from typing import Any, ClassVar

from allauth.account import forms as account
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bilag.portal.accounts.models import User
from bilag.portal.forms import Form

# What devices answer is a few kilobytes.
_ANSWER_MAX = 100_000
Words = dict[str, tuple[Any, Any]]  # field -> (label, hint), in the person's language

_EMAIL = _("E-mail address")
_PASSWORD = _("Password")
_NEW_PASSWORD = (
    _("New password"),
    _("At least 12 characters. A sentence that only you would write is easy to remember."),
)
_REPEATED = (_("New password once more"), "")
_CODE = (
    _("Code"),
    _("Six digits from your authenticator app, or one of your recovery codes."),
)


class _Worded:
    """Gives the fields of a form of allauth their labels and hints."""

    words: ClassVar[Words] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        fields: dict[str, forms.Field] = self.fields  # type: ignore[attr-defined]
        for name, field in fields.items():
            field.widget.attrs.pop("placeholder", None)
            if name in self.words:
                label, hint = self.words[name]
                field.label, field.help_text = label, hint


class SignInForm(_Worded, account.LoginForm):  # type: ignore[misc]
    """E-mail address and password."""

    words: ClassVar[Words] = {"login": (_EMAIL, ""), "password": (_PASSWORD, "")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""  # allauth's link stands elsewhere on our page


class ChangeForm(_Worded, account.ChangePasswordForm):  # type: ignore[misc]
    """The old password, and a new one twice."""

    words: ClassVar[Words] = {
        "oldpassword": (_("Password now"), ""),
        "password1": _NEW_PASSWORD,
        "password2": _REPEATED,
    }


class ResetForm(_Worded, account.ResetPasswordForm):  # type: ignore[misc]
    """The address to which the link for a new password goes."""

    words: ClassVar[Words] = {"email": (_EMAIL, "")}


class NewPasswordForm(_Worded, account.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password twice, by a link."""

    words: ClassVar[Words] = {"password1": _NEW_PASSWORD, "password2": _REPEATED}


class AgainForm(_Worded, account.ReauthenticateForm):  # type: ignore[misc]
    """The password once more, before something that matters."""

    words: ClassVar[Words] = {"password": (_PASSWORD, "")}


class CodeForm(_Worded, mfa.AuthenticateForm):  # type: ignore[misc]
    """A code of the authenticator app, or a recovery code, while signing in."""

    words: ClassVar[Words] = {"code": _CODE}


class CodeAgainForm(_Worded, mfa.ReauthenticateForm):  # type: ignore[misc]
    """The same before something that matters."""

    words: ClassVar[Words] = {"code": _CODE}


class ActivateForm(_Worded, ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an authenticator app that was just set up."""

    words: ClassVar[Words] = {
        "code": (
            _("Code from the app"),
            _("Six digits; the app shows a new code each half minute."),
        )
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class _DeviceAnswer(forms.JSONField):
    """What a device answered; a text that is none is refused, however it is made."""

    def __init__(self) -> None:
        super().__init__(required=True, widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        """Return the answer as an object. Raises ValidationError for anything else."""
        try:
            found = super().to_python(value) if len(str(value)) <= _ANSWER_MAX else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise get_adapter().validation_error("incorrect_code")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return nothing: an answer is good once, and never stands in a page."""
        return None


class _FromDevice:
    """Refuses what no device would answer, which allauth lets pass as a fault."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, forms.Field] = self.fields  # type: ignore[attr-defined]
        fields["credential"] = _DeviceAnswer()


class _Known(_FromDevice):
    """The answer of a passkey that is known here."""

    def clean_credential(self) -> Any:
        """Return the passkey that answered."""
        return _answered(super().clean_credential)  # type: ignore[misc]


def _answered(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise get_adapter().validation_error("incorrect_code") from error


class PasskeyForm(_Known, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as the second factor."""


class PasskeySignInForm(_Known, LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey alone."""


class PasskeyAgainForm(_Known, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """The same before something that matters."""


class AddPasskeyForm(_Worded, _FromDevice, AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey; the script of the page fills in what the device answers."""

    words: ClassVar[Words] = {
        "name": (_("Name"), _("So that you recognise it, for example the name of the device.")),
        "passwordless": (
            _("Sign in with this passkey alone, without the password"),
            _("The device then asks for your fingerprint, your face or its PIN."),
        ),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("passwordless", True)
        super().__init__(*args, **kwargs)

    def clean(self) -> Any:
        """Register the passkey that answered."""
        return _answered(super().clean)


class RenamePasskeyForm(_Worded, EditWebAuthnForm):  # type: ignore[misc]
    """Another name for a passkey."""

    words: ClassVar[Words] = {"name": (_("Name"), "")}


class AcceptForm(Form):
    """The first password of a person who was invited."""

    password1 = forms.CharField(
        label=_NEW_PASSWORD[0],
        help_text=_NEW_PASSWORD[1],
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label=_REPEATED[0],
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def clean_password1(self) -> str:
        """Refuse a password that is short, common or like the address."""
        password: str = self.cleaned_data["password1"]
        validate_password(password, User(email=self._email))
        return password

    def clean(self) -> dict[str, Any]:
        """Refuse two that differ."""
        first, second = self.cleaned_data.get("password1"), self.cleaned_data.get("password2")
        if first and second and first != second:
            self.add_error("password2", gettext("The two passwords are not the same."))
        return self.cleaned_data


class PreferencesForm(Form):
    """The language and the colours of the pages."""

    language = forms.ChoiceField(
        label=_("Language"),
        choices=[
            (code, format_html('<span lang="{}">{}</span>', code, name))
            for code, name in settings.LANGUAGES
        ],
        widget=forms.RadioSelect,
    )
    colours = forms.ChoiceField(
        label=_("Colours"),
        choices=[("auto", _("As the device")), ("light", _("Light")), ("dark", _("Dark"))],
        widget=forms.RadioSelect,
    )
