"""What the forms of these pages share: problems at their fields, optional texts, lists of codes.

A problem of a verb names our own field (`fromDate`); the form's is `from_date`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from bilag.core.problem import Problem, Refused
from bilag.portal.forms import Form
from bilag.portal.scope import announce
from bilag.records.identity import has_identity_number

Model = TypeVar("Model", bound=BaseModel)
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


class PlaceForm(Form):
    """A form whose fields are named as the parts of a configuration are."""

    def refuse(self, error: Refused) -> None:
        """Show the problems of a refusal, each at its field."""
        super().refuse(Refused(*(_at_field(problem, self.fields) for problem in error.problems)))

    def read(self, model: type[Model], values: Mapping[str, Any]) -> Model | None:
        """Return the configuration that these values are; None, with errors, when it is not one."""
        try:
            return model.model_validate(values)
        except Refused as error:
            self.refuse(error)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                raised = fault.get("ctx", {}).get("error")
                place = ".".join(str(step) for step in fault["loc"])
                if isinstance(raised, Refused):
                    self.refuse(Refused(*(p.inside(place) for p in raised.problems)))
                else:
                    self.refuse(Refused(Problem("value_not_usable", place)))
        return None


def faults(request: HttpRequest, form: Form) -> HttpResponse:
    """Return what htmx puts into the page where a form cannot be used: its errors, read out."""
    told = [
        f"{form.fields[name].label}: {error}" if name in form.fields else str(error)
        for name, errors in form.errors.items()
        for error in errors
    ]
    answer = render(request, "sending/faults.html", {"form": form})
    return announce(answer, " ".join([_("Mend this before you go on"), *told]))


class FreeText(forms.CharField):
    """What people write freely, which may hold no national identity number (I9)."""

    def clean(self, value: Any) -> str:
        """Return the text without space around it."""
        text = str(super().clean(value)).strip()
        if has_identity_number(text):
            raise forms.ValidationError(_("Remove the national identity number from the text."))
        return text


class Codes(forms.CharField):
    """A list of codes, one a line; `clean` returns each once, in order."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "off"})

    def clean(self, value: Any) -> list[str]:
        """Return the codes."""
        lines = re.split(r"[\n;,]", str(super().clean(value)))
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


class ExactAmount(forms.CharField):
    """An amount as people write it, `1 249,50`; `clean` returns `1249.50`, or None."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def clean(self, value: Any) -> str | None:
        """Return the amount as a verb takes it, unchecked."""
        text = re.sub(r"[\s  ]", "", str(super().clean(value))).replace("−", "-")
        return text.replace(",", ".") or None


def day_input() -> forms.DateInput:
    """Return a field for a day, sent as 2026-01-31 whatever the language."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _at_field(problem: Problem, fields: Mapping[str, Any]) -> Problem:
    steps = problem.field.removeprefix("schedule.").split(".")
    name = _HUMP.sub("_", re.sub(r"\[.*", "", steps[0])).lower()
    return replace(problem, field=name if name in fields else problem.field)
