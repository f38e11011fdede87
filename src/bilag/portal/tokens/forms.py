"""The form by which an API token is made, with each scope told in a sentence."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from django import forms
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from bilag.portal.forms import Form
from bilag.tenants.callers import SCOPES
from bilag.tenants.tokens import DAYS_DEFAULT, DAYS_MAX, NAME_MAX

SENTENCES: Mapping[str, Promise] = {
    "records:write": gettext_lazy("hand over approved records, and take an approval back"),
    "runs:read": gettext_lazy("see the newest syncs, and how a single claim stands"),
    "exports:read": gettext_lazy(
        "read all exports, sums and reconciliations, and the state of the integrations"
    ),
    "exports:write": gettext_lazy(
        "ask for exports, retry, cancel, decide, and send a posted claim again"
    ),
    "configuration:read": gettext_lazy(
        "read how integrations are set up; credentials only as their last four characters"
    ),
    "configuration:write": gettext_lazy(
        "change how integrations are set up: credentials, mappings, filters and schedules"
    ),
}


def _choices() -> Iterator[tuple[str, SafeString]]:
    for scope in SCOPES:
        yield scope, format_html("<code>{}</code> {}", scope, SENTENCES[scope])


class TokenForm(Form):
    """A new token; `token_id` was drawn with the form, so that sending it twice makes one token."""

    token_id = forms.UUIDField(widget=forms.HiddenInput)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Who uses the token, so that you know it again: Expense app."),
        max_length=NAME_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.MultipleChoiceField(
        label=gettext_lazy("What may be done with it"),
        help_text=gettext_lazy("Choose no more than it needs."),
        choices=_choices,
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        label=gettext_lazy("Life in days"),
        help_text=format_lazy(
            gettext_lazy("From 1 to {most}. After that it ends by itself."), most=DAYS_MAX
        ),
        initial=DAYS_DEFAULT,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def made(self) -> tuple[UUID, str, list[str], int]:
        """Return what was entered, once it is valid."""
        values = self.cleaned_data
        return values["token_id"], values["name"], values["scope"], values["days"]
