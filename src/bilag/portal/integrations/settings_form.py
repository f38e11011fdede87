"""The form of a connector's settings and secrets, drawn from its JSON Schema.

It knows no connector. What is needed first is open, the rest folded; secrets are never sent back.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from bilag.core.problem import Problem, Refused
from bilag.core.texts_settings import in_language
from bilag.delivery.connecting import ConnectorType
from bilag.delivery.credentials import NewSecret
from bilag.integrations.vault import CredentialDescription
from bilag.portal.forms import Form
from bilag.portal.integrations.place_values import entered_value, is_usual, kept, shown
from bilag.portal.integrations.places import (
    CHOICE,
    LIST,
    NUMBER,
    PAIRS,
    SECTION,
    SWITCH,
    Place,
    places,
)
from bilag.portal.numbers import whole
from bilag.portal.scope import say

SECRET, EXPIRES = "secret.", "expires."
# Whatever holds a private key is pasted with its line breaks, which a one-line field would lose.
_OF_LINES = ("private_key",)
_RADIOS_MAX = 6


class SettingsForm(Form):
    """Settings and secrets of one kind of system, as they are or as somebody entered them."""

    def __init__(
        self,
        kind: ConnectorType,
        *,
        settings: Mapping[str, Any],
        entered: Mapping[str, Any] | None = None,
        credentials: Sequence[CredentialDescription] = (),
        version: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self._places = places(kind.schema)
        initial = {
            place.name: (entered or {}).get(place.name, shown(place, settings))
            for place in self._places
        }
        if data is not None:
            # what belongs to another login was not on the page: it stays as it is
            unasked = {place.name: initial[place.name] for place in self._places if place.logins}
            data = unasked | {name: data[name] for name in data}
        super().__init__(data, auto_id="id_%s")
        self._login = next((place for place in self._places if place.secrets), None)
        self._stored = settings
        self._known = {one.field: one for one in credentials}
        self._secrets = kind.secrets
        self.fields["version"] = forms.CharField(
            required=False, widget=forms.HiddenInput, initial=version
        )
        for place in self._places:
            self.fields[place.name] = _field(place, initial[place.name])
            # whether it is needed depends on the others, so it is not told to be optional
            self.fields[place.name].depends = True  # type: ignore[attr-defined]
        for name in kind.secrets:
            self.fields[SECRET + name] = self._secret_field(name)
            self.fields[SECRET + name].depends = True  # type: ignore[attr-defined]
            self.fields[EXPIRES + name] = expiry_field(kind.secrets[name], self._known.get(name))

    def clean(self) -> dict[str, Any]:
        """Ask for the secrets that the chosen login needs, and refuse those of another login."""
        cleaned: dict[str, Any] = super().clean() or {}
        for place in self._places:
            if place.secrets is None:
                continue
            needed = place.secrets.get(str(cleaned.get(place.name, "")))
            for name in set(place.secrets.values()):
                typed = cleaned.get(SECRET + name, "")
                if name == needed and not typed and name not in self._known:
                    self.add_error(SECRET + name, _("Type it in: this login needs it."))
                if name != needed and typed:
                    self.add_error(
                        SECRET + name,
                        _("It belongs to another login than the one you chose. Leave it empty."),
                    )
        return cleaned

    def settings(self) -> dict[str, Any]:
        """Return the settings that were entered; what is as usual is left out.

        What the form cannot show (lists of objects) stays as it is stored.
        """
        found = kept(self._stored, {place.path for place in self._places})
        left_out = {
            place.path
            for place in self._places
            if place.kind == SECTION and not self.cleaned_data.get(place.name)
        }
        for place in self._places:
            if place.within in left_out or place.path in left_out:
                continue
            value = {} if place.kind == SECTION else entered_value(place, self.cleaned_data)
            if place.kind != SECTION and (value is None or is_usual(place, value)):
                continue
            inner = found
            for name in place.path[:-1]:
                inner = inner.setdefault(name, {})
            inner.setdefault(place.path[-1], value)
        return found

    def secrets(self) -> dict[str, NewSecret]:
        """Return the secrets that were typed, each with the day on which it expires."""
        # as they were typed: to be kept for later they need not fit the login that is chosen now
        return {
            name: NewSecret(str(typed), _midnight(self.cleaned_data.get(EXPIRES + name)))
            for name in self._secrets
            if (typed := self.data.get(SECRET + name))
        }

    def entered(self) -> dict[str, Any]:
        """Return what was entered as it was, but for the secrets: to be gone on with later."""
        return {
            place.name: bool(self.data.get(place.name))
            if place.kind in (SWITCH, SECTION)
            else str(self.data.get(place.name, ""))
            for place in self._places
        }

    def seen(self) -> str:
        """Return which version the form showed when it was drawn."""
        return str(self.data.get("version", ""))

    def see(self, version: str) -> None:
        """Show the version that stands now: what was entered stays, and counts when saved again."""
        self.data = {**{name: self.data[name] for name in self.data}, "version": version}

    def version(self) -> int | None:
        """Return which version of a draft the form showed."""
        return whole(self.seen())

    def refuse(self, error: Refused) -> None:
        """Show each problem at its field: the one that its path begins with, or lies below it."""
        language = get_language() or "nb"
        told: set[str] = set()
        for problem in error.problems:
            where = problem.field.removeprefix("settings").lstrip(".")
            field = self._field_of(where) or self._field_of(SECRET + problem.field)
            if field in told:  # the other readings of the same value
                continue
            told.add(field or "")
            place = f"{problem.field}: " if problem.field and field is None else ""
            self.add_error(field, f"{place}{_translated(problem, language).text(language)}")

    def must_be_typed_again(self) -> None:
        """Say at each secret that was typed that it has to be typed again: it is not sent back."""
        for name in self._secrets:
            if self.data.get(SECRET + name) and SECRET + name not in self.errors:
                self.add_error(
                    SECRET + name,
                    _("Type it again: it was not saved, and a secret is never sent back."),
                )

    def draw_anew(self) -> None:
        """Show what was typed, but for the secrets, with the fields of the chosen login."""
        typed = {name: self.data[name] for name in self.data if not name.startswith(SECRET)}
        self.initial, self.is_bound = typed | self.entered(), False

    @property
    def login(self) -> forms.BoundField | None:
        """Return the choice of the login, by which other fields are shown or not."""
        return self[self._login.name] if self._login else None

    def first(self) -> list[forms.BoundField]:
        """Return what is needed before anything else, but for the choice of the login."""
        return [
            self[place.name]
            for place in self._places
            if place.first and place is not self._login and self._is_asked(place)
        ]

    def secret_fields(self) -> list[forms.BoundField]:
        """Return the field of the secret that the chosen login needs, with its expiry."""
        needed = (self._login.secrets or {}).get(self._choice) if self._login else None
        return [
            self[prefix + name]
            for name in self._secrets
            if self._login is None
            or name == needed
            or {SECRET + name, EXPIRES + name} & self.errors.keys()
            for prefix in (SECRET, EXPIRES)
        ]

    def more(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """Yield the other settings in their groups, each with its title (none for the first)."""
        groups: dict[tuple[str, ...], list[forms.BoundField]] = {}
        for place in self._places:
            if not place.first and self._is_asked(place):
                groups.setdefault(place.section, []).append(self[place.name])
        for section in sorted(groups, key=len):
            if len(section) <= 1:
                yield from _titled(section, groups)

    @property
    def more_is_open(self) -> bool:
        """Return whether the other settings hold an error, so that they must not be folded."""
        return any(place.name in self.errors for place in self._places if not place.first)

    @property
    def _choice(self) -> str:
        return str(self[self._login.name].value()) if self._login else ""

    def _is_asked(self, place: Place) -> bool:
        """Return whether the chosen login needs a place; what is wrong is shown in any case."""
        return not place.logins or self._choice in place.logins or place.name in self.errors

    def _field_of(self, where: str) -> str | None:
        if where in self.fields:
            return where
        above = [n for n in self.fields if n and where.startswith(n + ".")]
        below = [n for n in self.fields if where and n.startswith(where + ".")]
        return next(iter([*sorted(above, key=len, reverse=True), *below]), None)

    def _secret_field(self, name: str) -> forms.CharField:
        widget: forms.Widget = forms.PasswordInput(attrs={"autocomplete": "off"})
        if name in _OF_LINES:
            widget = SecretLines(attrs={"autocomplete": "off", "spellcheck": "false", "rows": 6})
        return forms.CharField(
            label=self._secrets[name],
            required=False,
            strip=False,
            max_length=20_000,
            widget=widget,
            help_text=self._secret_hint(name),
        )

    def _secret_hint(self, name: str) -> SafeString:
        known = self._known.get(name)
        if known is None:
            return SafeString("")
        return format_html(
            '{} <span aria-hidden="true">{}</span><span class="ds-sr-only">{}</span>. {}',
            _("It is set:"),
            known.masked,
            _("ends in %(characters)s") % {"characters": " ".join(known.masked.lstrip("•"))},
            _("Leave it empty to keep it."),
        )


def draw_login(request: HttpRequest, form: SettingsForm) -> None:
    """Show the fields of the login that was chosen, and say so; nothing is saved."""
    form.draw_anew()
    say(
        request,
        _("The fields below are those of the login you chose. Nothing is saved yet."),
        "info",
    )


def inside(title: str) -> str:
    """Return a title as it stands inside a sentence: small at first, unless it is an acronym."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


class SecretLines(forms.Textarea):
    """A text area that never sends back what was typed into it."""

    def format_value(self, value: Any) -> str | None:
        """Return nothing, whatever the value is."""
        return None


def _titled(
    section: tuple[str, ...], groups: Mapping[tuple[str, ...], list[forms.BoundField]]
) -> Iterator[tuple[str, list[forms.BoundField]]]:
    """Yield a group, then the groups inside it, each under all of its titles."""
    for inner, fields in groups.items():
        if inner == section or (section and inner[: len(section)] == section):
            yield " – ".join(inner), fields


def _field(place: Place, shown: Any) -> forms.Field:
    label = place.title
    if place.kind == SECTION:
        return forms.BooleanField(
            label=_("%(section)s is used") % {"section": label}, required=False, initial=shown
        )
    about: dict[str, Any] = {
        "label": label,
        "help_text": format_html("{}", place.description),
        "initial": shown,
        "required": False,
    }
    if place.kind == SWITCH:
        return forms.BooleanField(**about)
    if place.kind == CHOICE and place.choices is not None:
        choices = list(place.choices.items())
        few = len(choices) <= _RADIOS_MAX
        widget: forms.Widget = forms.RadioSelect() if few else forms.Select()
        about["required"] = "" not in place.choices
        return forms.ChoiceField(choices=choices, widget=widget, **about)
    if place.kind in (LIST, PAIRS):
        one = _("One a line.") if place.kind == LIST else _("One a line, as name = value.")
        about["help_text"] = format_html("{} {}", about["help_text"], one)
        widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})
        return forms.CharField(**about, widget=widget)
    if place.kind == NUMBER:
        attributes = {"inputmode": "numeric" if place.is_whole else "decimal"}
        return _Number(place, **about, widget=forms.TextInput(attrs=attributes))
    # inside a group that may be left out, the verb says what is missing
    about["required"] = place.required and not place.within
    return forms.CharField(**about, max_length=2000, widget=forms.TextInput(
        attrs={"spellcheck": "false", "autocapitalize": "off"}))  # fmt: skip


class _Number(forms.CharField):
    """A number as people write it, with comma or point; empty is left out."""

    def __init__(self, place: Place, **about: Any) -> None:
        # so many digits fit a number in the database's documents
        super().__init__(max_length=18, **about)
        self._whole = place.is_whole

    def clean(self, value: Any) -> Any:
        """Return an int, a float (seconds and the like, never money), or None."""
        text = str(super().clean(value)).replace(",", ".")
        if not text:
            return None
        pattern = r"-?[0-9]+" if self._whole else r"-?[0-9]+(\.[0-9]+)?"
        if re.fullmatch(pattern, text) is None:
            raise forms.ValidationError(
                _("Write a whole number.") if self._whole else _("Write a number.")
            )
        return int(text) if self._whole else float(text)


def expiry_field(secret: str, known: CredentialDescription | None = None) -> forms.DateField:
    """Return the field for the day on which a secret expires."""
    expires = known.expires_at.date() if known and known.expires_at else None
    return forms.DateField(
        label=_("%(secret)s expires on") % {"secret": secret},
        required=False,
        initial=expires,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("You are warned two weeks before."),
    )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _translated(problem: Problem, language: str) -> Problem:
    """Return the problem with a connector's own reason in the reader's language, if it has one."""
    reason = problem.params.get("reason")
    if problem.code != "value_not_valid" or not reason:
        return problem
    return replace(problem, params={**problem.params, "reason": in_language(reason, language)})
