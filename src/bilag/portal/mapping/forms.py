"""The forms for postings, codes and claimants; codes are texts with suggestions from the server."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from bilag.mapping.document import CODE_MAX, TEXT_MAX
from bilag.portal.forms import Form

POSTING = ("account", "vatCode", "costCentre", "project", "counterAccount")
# Left out: the claim decides. An empty code: none, whatever the claim says.
_MAY_BE_NONE = ("vatCode", "costCentre", "project")


class CodeField(forms.CharField):
    """A code of the accounting system; `what` names the lists that are suggested from."""

    def __init__(self, what: str, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", CODE_MAX)
        kwargs.setdefault("required", False)
        widget = forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "data-suggest": what}
        )
        super().__init__(widget=widget, **kwargs)
        self.template_name = "mapping/code_field.html"
        self.what = what


def _decides(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=(
            ("claim", gettext_lazy("the claim decides")),
            ("none", gettext_lazy("none, whatever the claim says")),
            ("code", gettext_lazy("always this code:")),
        ),
    )


class PostingForm(Form):
    """Where an expense type is posted."""

    account = CodeField("account", label=gettext_lazy("Ledger account"), required=True)
    vatCode_from = _decides(gettext_lazy("VAT code"))  # noqa: N815  # as the document calls it
    vatCode = CodeField("vatCode", label=gettext_lazy("This VAT code"))  # noqa: N815
    costCentre_from = _decides(gettext_lazy("Cost centre"))  # noqa: N815
    costCentre = CodeField("costCentre", label=gettext_lazy("This cost centre"))  # noqa: N815
    project_from = _decides(gettext_lazy("Project"))
    project = CodeField("project", label=gettext_lazy("This project"))
    counterAccount = CodeField(  # noqa: N815
        "account",
        label=gettext_lazy("Counter-account"),
        help_text=gettext_lazy("Only where this type has another one than the rest."),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for the code where one is always taken."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        for name in _MAY_BE_NONE:
            if found.get(f"{name}_from") == "code" and not found.get(name):
                self.add_error(name, gettext_lazy("Write the code, or let the claim decide."))
        return found

    def posting(self) -> dict[str, str]:
        """Return the posting, once the form is valid."""
        values = self.cleaned_data
        found = {name: values[name] for name in ("account", "counterAccount") if values[name]}
        for name in _MAY_BE_NONE:
            decides = values[f"{name}_from"]
            if decides != "claim":
                found[name] = values[name] if decides == "code" else ""
        return found


class NewTypeForm(PostingForm):
    """A type that is not in any record yet."""

    type = forms.CharField(label=gettext_lazy("Expense type in the app"), max_length=TEXT_MAX)
    field_order = ("type",)


class DefaultForm(PostingForm):
    """Where one kind of record is posted when its expense type says nothing."""

    account = CodeField(
        "account",
        label=gettext_lazy("Ledger account"),
        help_text=gettext_lazy("Takes every expense type that has no row of its own."),
    )


class GeneralForm(Form):
    """What holds for the whole mapping."""

    counterAccount = CodeField(  # noqa: N815
        "account",
        label=gettext_lazy("Counter-account"),
        help_text=gettext_lazy("Where neither expense type nor kind of record names one."),
    )
    lines = forms.ChoiceField(
        label=gettext_lazy("Lines of a voucher"),
        choices=(
            ("each", gettext_lazy("a posting for each line of the claim")),
            ("grouped", gettext_lazy("one for each account, VAT code, cost centre and project")),
        ),
    )


class CodeForm(Form):
    """A code of the app and what the ledger calls it."""

    app_code = forms.CharField(label=gettext_lazy("Code in the app"), max_length=TEXT_MAX)
    code = CodeField("costCentre", label=gettext_lazy("Code in the ledger"), required=True)


class UnmappedForm(Form):
    """What becomes of codes that are not in the table."""

    unmapped = forms.ChoiceField(
        label=gettext_lazy("Codes that are not in the table"),
        choices=(
            ("pass", gettext_lazy("are used as they are")),
            ("held", gettext_lazy("hold the claim")),
        ),
    )


class ClaimantForm(Form):
    """A claimant and the party in the book."""

    claimant = forms.CharField(
        label=gettext_lazy("Id of the claimant in the app"),
        help_text=gettext_lazy("Never a name or an e-mail address."),
        max_length=TEXT_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    party = CodeField("party", label=gettext_lazy("Supplier, employee or subledger"), required=True)


class PayeesForm(Form):
    """What becomes of claims whose claimant has no party."""

    missingClaimant = forms.ChoiceField(  # noqa: N815
        label=gettext_lazy("Claims of claimants who are not in the list"),
        choices=(
            ("held", gettext_lazy("are held until somebody adds the claimant")),
            ("clearing", gettext_lazy("are posted to a clearing account")),
        ),
        widget=forms.RadioSelect,
    )
    clearingAccount = CodeField(  # noqa: N815
        "account",
        label=gettext_lazy("Clearing account"),
        help_text=gettext_lazy("For example 2990 for volunteers."),
    )
    expense = CodeField("account", label=gettext_lazy("Another one for expense claims"))
    mileage = CodeField(
        "account",
        label=gettext_lazy("Another one for mileage claims"),
        help_text=gettext_lazy("For example 2910, where employees claim mileage."),
    )
    honorarium = CodeField("account", label=gettext_lazy("Another one for driver honorariums"))
    activity = CodeField("account", label=gettext_lazy("Another one for activity records"))


class FileForm(Form):
    """A CSV of claimants."""

    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        help_text=gettext_lazy(
            "Columns claimant and party, separated by semicolon or comma, in UTF-8."
        ),
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )


def posting_initial(posting: Mapping[str, str]) -> dict[str, str]:
    """Return what the form shows of a posting."""
    found = {name: posting.get(name, "") for name in POSTING}
    for name in _MAY_BE_NONE:
        decides = "claim" if name not in posting else "code" if posting[name] else "none"
        found[f"{name}_from"] = decides
    return found
