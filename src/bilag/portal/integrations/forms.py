"""The forms of the wizard and of credentials; settings have a form of their own.

What a verb refuses is shown at the field it belongs to; nothing typed is lost, but for secrets.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils.dates import MONTHS
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from pydantic import ValidationError

from bilag.core.faults import fault_problem
from bilag.core.problem import Problem, Refused
from bilag.delivery.connecting import ConnectorType
from bilag.delivery.credentials import NewSecret
from bilag.integrations.model import Book, Integration
from bilag.integrations.start import NewBook, NewIntegration
from bilag.integrations.vault import CALLBACK_CREDENTIAL
from bilag.portal.forms import Form
from bilag.portal.integrations.settings_form import (
    EXPIRES,
    SECRET,
    SecretLines,
    expiry_field,
    inside,
)

NEW = "+new"
# Where a verb's field stands in the form.
_FIELDS = {
    "newBook.name": "book_name",
    "newBook.key": "book_key",
    "newBook.currency": "currency",
    "newBook.yearStartMonth": "year_start_month",
    "newBook.numberPrefix": "number_prefix",
    "newBook.numberStart": "number_start",
}


class SystemForm(Form):
    """The first step: which system, what the integration is called, and which book it posts to."""

    type = forms.ChoiceField(label=gettext_lazy("System"), widget=forms.RadioSelect)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        help_text=gettext_lazy("As it is called on all pages, for example “Xledger 2026”."),
    )
    key = forms.SlugField(
        label=gettext_lazy("Short name"),
        max_length=63,
        help_text=gettext_lazy(
            "Small letters, digits and hyphens. It stands in addresses and cannot be changed."
        ),
        widget=forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false"}),
    )
    book = forms.ChoiceField(
        label=gettext_lazy("Book"),
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "A book is the ledger of one company. Each claim is posted to it once."
        ),
    )
    book_name = forms.CharField(
        label=gettext_lazy("Name of the book"), max_length=200, required=False
    )
    book_key = forms.SlugField(
        label=gettext_lazy("Short name of the book"), max_length=63, required=False
    )
    currency = forms.CharField(
        label=gettext_lazy("Currency of the book"),
        max_length=3,
        required=False,
        initial="NOK",
        help_text=gettext_lazy("Three letters, for example NOK."),
    )
    year_start_month = forms.TypedChoiceField(
        label=gettext_lazy("Its accounting year begins in"),
        choices=list(MONTHS.items()),
        coerce=int,
        initial=1,
        required=False,
    )
    number_prefix = forms.CharField(
        label=gettext_lazy("Letters before its voucher numbers"),
        max_length=6,
        required=False,
        help_text=gettext_lazy("At most six letters, digits or hyphens."),
    )
    number_start = forms.IntegerField(
        label=gettext_lazy("Its first voucher number"),
        required=False,
        initial=1,
        min_value=1,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        help_text=gettext_lazy("Numbers start here in each accounting year."),
    )
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        types: Sequence[ConnectorType],
        books: Sequence[Book],
        *,
        draft: Integration | None = None,
        version: str = "",
        chosen: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data)
        self._draft = draft
        self._of("type").choices = [(one.type, one.title) for one in types]
        self._of("book").choices = [
            *((one.key, f"{one.name} ({one.key}, {one.currency})") for one in books),
            (NEW, _("A new book")),
        ]
        self.initial = _initial(types, books, draft, chosen) | {"version": version}
        if draft is not None:
            del self.fields["type"], self.fields["key"]
        for name in _FIELDS.values():
            self.fields[name].depends = True  # type: ignore[attr-defined]  # on the book above
        self.has_books = bool(books)
        if not books:
            self.fields["book"].widget = forms.HiddenInput()
            self.fields["book"].required = False

    def main(self) -> list[forms.BoundField]:
        """Return what is always asked for."""
        return [f for f in self.visible_fields() if f.name not in _FIELDS.values()]

    def new_book(self) -> list[forms.BoundField]:
        """Return what is asked of a new book."""
        return [self[name] for name in _FIELDS.values()]

    def start(self) -> NewIntegration | None:
        """Return what is to be begun, None when something of it cannot be used: it then says so."""
        try:
            return NewIntegration.model_validate(
                {
                    "key": self.cleaned_data["key"],
                    "name": self.cleaned_data["name"],
                    "type": self.cleaned_data["type"],
                    **self._book(),
                }
            )
        except ValidationError as error:
            self._explain(error, "")
            return None

    def chosen_book(self) -> str | NewBook | None:
        """Return the key of the chosen book or the new one; None when it cannot be used."""
        chosen = self._book()
        if "book" in chosen:
            return str(chosen["book"])
        try:
            return NewBook.model_validate(chosen["newBook"])
        except ValidationError as error:
            self._explain(error, "newBook.")
            return None

    def refuse(self, error: Refused) -> None:
        """Show the problems of a refusal, each at its field."""
        for problem in error.problems:
            field = _FIELDS.get(problem.field, problem.field)
            place = field if field in self.fields else None
            self.add_error(place, problem.text(get_language() or "nb"))

    def _book(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("book") not in (NEW, "", None):
            return {"book": given["book"]}
        return {
            "newBook": {
                "key": given["book_key"],
                "name": given["book_name"],
                "currency": given["currency"].upper(),
                "yearStartMonth": given["year_start_month"] or 1,
                "numberPrefix": given["number_prefix"],
                "numberStart": given["number_start"] or 1,
            }
        }

    def _explain(self, error: ValidationError, before: str) -> None:
        for fault in error.errors(include_url=False, include_input=False):
            field = before + ".".join(str(part) for part in fault["loc"])
            raised = fault.get("ctx", {}).get("error")
            problem = raised.problems[0].inside(field) if isinstance(raised, Refused) else None
            field = problem.field if problem else field
            problem = problem or fault_problem(fault, field) or Problem("value_not_usable")
            self.add_error(_FIELDS.get(field), problem.text(get_language() or "nb"))

    def _of(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        if not isinstance(field, forms.ChoiceField):
            raise TypeError(f"{name} is not a choice")
        return field


def _initial(
    types: Sequence[ConnectorType], books: Sequence[Book], draft: Integration | None, chosen: str
) -> dict[str, Any]:
    """Return what stands in the form at first: names that are free, so that most may stay."""
    taken = {one.key for kind in types for one, _state in kind.integrations}
    kind = next((one for one in types if one.type == chosen), types[0])
    word = kind.title.split()[-1].lower() if kind.title.isascii() else kind.type
    base = "".join(c if c.isalnum() else "-" for c in word)[:50]
    free = next(key for key in _numbered(base) if key not in taken)
    book_keys = {one.key for one in books}
    return {
        "type": kind.type if chosen else None,
        "name": draft.name if draft else "",
        "key": free if chosen else "",
        "book": draft.book.key if draft else (books[0].key if books else NEW),
        "book_key": next(key for key in _numbered("main") if key not in book_keys),
    }


def _numbered(base: str) -> list[str]:
    return [base, *(f"{base}-{number}" for number in range(2, 200))]


class RotateForm(Form):
    """A new secret in place of one, with others that change with it, and when each expires."""

    def __init__(
        self, secrets: Mapping[str, str], field: str, *, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data)
        self.field = field
        self._others = [name for name in secrets if name not in (field, CALLBACK_CREDENTIAL)]
        for name in (field, *self._others):
            self.fields[SECRET + name] = forms.CharField(
                label=_("New %(secret)s") % {"secret": inside(secrets[name])},
                required=name == field,
                strip=False,
                max_length=20_000,
                widget=SecretLines(attrs={"autocomplete": "off", "rows": 6})
                if name == "private_key"
                else forms.PasswordInput(attrs={"autocomplete": "off"}),
            )
            self.fields[EXPIRES + name] = expiry_field(secrets[name])

    def main(self) -> list[forms.BoundField]:
        """Return the fields of the secret that is asked for."""
        return [self[SECRET + self.field], self[EXPIRES + self.field]]

    def others(self) -> list[forms.BoundField]:
        """Return the fields of the other secrets of this system."""
        return [self[prefix + name] for name in self._others for prefix in (SECRET, EXPIRES)]

    @property
    def others_are_open(self) -> bool:
        """Return whether one of the others holds an error, so that they must not be folded."""
        return any(field.errors for field in self.others())

    def secrets(self) -> dict[str, NewSecret]:
        """Return the new secrets that were typed."""
        found = {}
        for name in (self.field, *self._others):
            if typed := self.cleaned_data.get(SECRET + name):
                day = self.cleaned_data.get(EXPIRES + name)
                expires = datetime.combine(day, time(), UTC) if day else None
                found[name] = NewSecret(str(typed), expires)
        return found

    def must_be_typed_again(self) -> None:
        """Say at each secret that was typed that it has to be typed again: it is not sent back."""
        for name in (self.field, *self._others):
            if self.data.get(SECRET + name) and SECRET + name not in self.errors:
                self.add_error(
                    SECRET + name,
                    _("Type it again: it was not saved, and a secret is never sent back."),
                )


class ConfirmForm(Form):
    """The last step: whether the book's present integration gives it up."""

    take_over = forms.BooleanField(required=False)

    def __init__(self, other: Integration | None, *, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        if other is None:
            del self.fields["take_over"]
            return
        names = {"other": other.name, "book": other.book.name}
        self.fields["take_over"].required = True
        self.fields["take_over"].label = (
            _("From now on this integration delivers to %(book)s, in place of %(other)s") % names
        )
        self.fields["take_over"].help_text = (
            _("What %(other)s has already taken stays with it; it gets nothing new.") % names
        )
