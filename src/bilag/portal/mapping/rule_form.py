"""One rule as a form: where its value comes from, then each step (C10).

Form and rule say the same: a rule read into the form and back is the rule that it was. Parts of
`firstNonEmpty` and `join` are rules of their own and stay as they are here.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from bilag.mapping.document import PARTS_MAX, TEXT_MAX
from bilag.mapping.paths import EXTRA, LINE_PATHS, RECORD_PATHS, VOUCHER_PATHS
from bilag.mapping.words import path_name
from bilag.portal.forms import Form

Rule = dict[str, Any]
WITH_PARTS = ("firstNonEmpty", "join")
_DATES = ("iso", "DD.MM.YYYY", "epoch")
_SOURCES = (
    ("from", gettext_lazy("a field of the app")),
    ("constant", gettext_lazy("always the same text")),
    ("template", gettext_lazy("a text with fields in it")),
    ("firstNonEmpty", gettext_lazy("the first of several parts that is not empty")),
    ("join", gettext_lazy("several parts joined")),
)
_OWN_FIELDS_MAX = 7


def path_choices(section: str, own_fields: Iterable[str] = ()) -> list[tuple[str, Any]]:
    """Return what a rule of this section may read, in groups; at most 50 with the app's own."""
    language = get_language() or "nb"

    def named(paths: Iterable[str]) -> list[tuple[str, str]]:
        return [(path, path_name(path, language)) for path in paths]

    groups: list[tuple[str, Any]] = [("", "–")]
    if section in ("line", "lineText"):
        groups.append((_("The line"), named(LINE_PATHS)))
    groups += [(_("The claim"), named(RECORD_PATHS)), (_("The voucher"), named(VOUCHER_PATHS))]
    if own := list(own_fields)[:_OWN_FIELDS_MAX]:
        groups.append((_("The app's own fields"), named(own)))
    return groups


def _text(maximum: int, **attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "maxlength": str(maximum), **attributes})


def _lines(maximum: int, rows: int) -> forms.Textarea:
    # An input would drop the line breaks that a text may have.
    return forms.Textarea(
        attrs={"autocomplete": "off", "maxlength": str(maximum), "rows": str(rows)}
    )


class RuleForm(Form):
    """A rule; `own_fields` are `extra.` paths that records have."""

    source = forms.ChoiceField(
        label=gettext_lazy("The value is"), choices=_SOURCES, widget=forms.RadioSelect
    )
    path = forms.ChoiceField(label=gettext_lazy("Field of the app"), required=False)
    own_field = forms.CharField(
        label=gettext_lazy("The app's own field"),
        help_text=gettext_lazy(
            "Its name, when it is not in the list above: project code as projectCode."
        ),
        max_length=114,
        required=False,
        strip=False,
        widget=_text(114),
    )
    constant = forms.CharField(
        label=gettext_lazy("Text that is always the same"),
        max_length=TEXT_MAX,
        required=False,
        strip=False,
        widget=_lines(TEXT_MAX, 2),
    )
    template = forms.CharField(
        label=gettext_lazy("Text with fields"),
        help_text=gettext_lazy(
            "Fields stand in braces: {sourceId} {text}. Two braces, {{ and }}, are a brace itself."
        ),
        max_length=500,
        required=False,
        strip=False,
        widget=_lines(500, 2),
    )
    separator = forms.CharField(
        label=gettext_lazy("Between joined parts"),
        max_length=20,
        required=False,
        strip=False,
        widget=_lines(20, 1),
    )
    table = forms.CharField(
        label=gettext_lazy("Value table"),
        help_text=gettext_lazy(
            "One line for each value: the value, a semicolon, and what it becomes. A text with a"
            " semicolon in it stands in quotes."
        ),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": "6", "spellcheck": "false", "autocomplete": "off"}),
    )
    otherwise = forms.ChoiceField(
        label=gettext_lazy("When there is no value, or it is not in the table"),
        choices=(
            ("none", gettext_lazy("leave the field out; hold the claim if it is not in the table")),
            ("default", gettext_lazy("take this text:")),
        ),
    )
    default = forms.CharField(
        label=gettext_lazy("Text to take instead"),
        max_length=TEXT_MAX,
        required=False,
        strip=False,
        widget=_lines(TEXT_MAX, 2),
    )
    date = forms.ChoiceField(
        label=gettext_lazy("Write it as a date"),
        choices=(
            ("", gettext_lazy("no, leave it as it is")),
            ("iso", "2026-01-31 (ISO 8601)"),
            ("DD.MM.YYYY", "31.01.2026"),
            ("epoch", gettext_lazy("seconds since 1970")),
            ("own", gettext_lazy("in a format of your own")),
        ),
        required=False,
    )
    date_format = forms.CharField(
        label=gettext_lazy("Date format of your own"),
        help_text=gettext_lazy("YYYY, YY, MM and DD with . - / _ or space between."),
        max_length=20,
        required=False,
        strip=False,
        widget=_text(20),
    )
    number = forms.ChoiceField(
        label=gettext_lazy("Write it as a number"),
        choices=(
            ("", gettext_lazy("no, leave it as it is")),
            ("decimals", gettext_lazy("with decimals")),
            ("minor", gettext_lazy("in hundredths: 12.50 becomes 1250")),
        ),
        required=False,
    )
    decimals = forms.IntegerField(
        label=gettext_lazy("Decimals"),
        min_value=0,
        max_value=10,
        initial=2,
        required=False,
        widget=_text(2, inputmode="numeric"),
    )
    decimal_mark = forms.ChoiceField(
        label=gettext_lazy("Decimal mark"),
        choices=((".", gettext_lazy("full stop")), (",", gettext_lazy("comma"))),
        required=False,
    )
    case = forms.ChoiceField(
        label=gettext_lazy("Letters"),
        choices=(
            ("", gettext_lazy("as they are")),
            ("upper", gettext_lazy("upper case")),
            ("lower", gettext_lazy("lower case")),
        ),
        required=False,
    )
    truncate = forms.IntegerField(
        label=gettext_lazy("Cut to so many characters"),
        min_value=1,
        max_value=TEXT_MAX,
        required=False,
        widget=_text(4, inputmode="numeric"),
    )
    must = forms.BooleanField(
        label=gettext_lazy("Hold a claim that has no value here"), required=False
    )
    max_length = forms.IntegerField(
        label=gettext_lazy("Hold a claim whose value has more characters than"),
        min_value=1,
        max_value=TEXT_MAX,
        required=False,
        widget=_text(4, inputmode="numeric"),
    )

    def __init__(
        self,
        *args: Any,
        section: str,
        parts: Mapping[str, Any],
        own_fields: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._parts = [*(parts.get("firstNonEmpty") or parts.get("join") or ())]
        self._before = dict(parts)
        field = self.fields["path"]
        if isinstance(field, forms.ChoiceField):
            choices = path_choices(section, own_fields)
            unknown = self._before.get("from", "")
            if not unknown.startswith(EXTRA) and not is_choice(unknown, choices):
                choices.append((unknown, unknown))  # its fault is told; it is not dropped unseen
            field.choices = choices

    def clean(self) -> dict[str, Any]:
        """Check what belongs together."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("constant", "template", "separator", "default"):
            found[name] = (found.get(name) or "").replace("\r\n", "\n")
        if found.get("source") == "from":
            path, own = found.get("path"), found.get("own_field")
            if bool(path) == bool(own):
                self.add_error("path", _("Choose one field, or write the name of one of its own."))
        if found.get("date") == "own" and not found.get("date_format"):
            self.add_error("date_format", _("Write the date format."))
        try:
            found["rows"] = table_of(found.get("table") or "")
        except ValueError as error:
            self.add_error("table", str(error))
        return found

    def rule(self) -> Rule:
        """Return the rule, once the form is valid."""
        values = self.cleaned_data
        separator = {"separator": values["separator"]} if values["separator"] else {}
        rule = {**self._source(values), **separator, **_steps(values)}
        if self._before.get("table") == {}:
            rule.setdefault("table", {})  # an empty table holds every value; it is no missing one
        return rule

    def _source(self, values: Mapping[str, Any]) -> Rule:
        source = values["source"]
        if source == "from":
            return {"from": values["path"] or f"{EXTRA}{values['own_field']}"}
        if source in WITH_PARTS:
            # what was the whole value until now becomes the first part
            parts = self._parts or [_first_part(self._before)]
            return {source: parts[:PARTS_MAX]}
        return {source: values[source]}


def initial_of(rule: Mapping[str, Any], own_fields: Iterable[str] = ()) -> dict[str, Any]:
    """Return what the form shows of a rule."""
    source = next((name for name, _label in _SOURCES if name in rule), "from")
    path = str(rule.get("from", ""))
    own = path.startswith(EXTRA) and path not in list(own_fields)[:_OWN_FIELDS_MAX]
    number, date = rule.get("number"), str(rule.get("date", ""))
    return {
        "source": source,
        "path": "" if own else path,
        "own_field": path.removeprefix(EXTRA) if own else "",
        "constant": rule.get("constant", ""),
        "template": rule.get("template", ""),
        "separator": rule.get("separator", ""),
        "table": table_text(rule["table"]) if "table" in rule else "",
        "otherwise": "default" if "default" in rule else "none",
        "default": rule.get("default", ""),
        "date": date if date in ("", *_DATES) else "own",
        "date_format": "" if date in ("", *_DATES) else date,
        "number": "" if number is None else "minor" if number.get("minorUnits") else "decimals",
        "decimals": (number or {}).get("decimals", 2),
        "decimal_mark": (number or {}).get("decimalMark", "."),
        "case": rule.get("case", ""),
        "truncate": rule.get("truncate"),
        "must": rule.get("required", False),
        "max_length": rule.get("maxLength"),
    }


def table_text(table: Mapping[str, str]) -> str:
    """Return a value table as people write it: a line for each value."""
    written = io.StringIO()
    csv.writer(written, delimiter=";", lineterminator="\n").writerows(table.items())
    return written.getvalue()


def table_of(text: str) -> dict[str, str]:
    """Return the value table of a text; raises ValueError naming the line that cannot be read."""
    found: dict[str, str] = {}
    rows = csv.reader(io.StringIO(text.replace("\r\n", "\n")), delimiter=";", strict=True)
    try:
        for cells in rows:
            if not cells or cells == [""]:
                continue
            if len(cells) != 2:
                raise ValueError(
                    _("Line %(line)s: write the value, one semicolon, and what it becomes.")
                    % {"line": rows.line_num}
                )
            if cells[0] in found:
                raise ValueError(
                    _("Line %(line)s: the value stands there already.") % {"line": rows.line_num}
                )
            found[cells[0]] = cells[1]
    except csv.Error:
        raise ValueError(
            _("Line %(line)s: a quote has no partner.") % {"line": rows.line_num}
        ) from None
    return found


def is_choice(path: str, groups: Iterable[tuple[str, Any]]) -> bool:
    """Return whether a path is among grouped choices."""
    return any(
        path == name if isinstance(choices, str) else path in dict(choices)
        for name, choices in groups
    )


def _first_part(rule: Mapping[str, Any]) -> Rule:
    for name in ("from", "constant", "template"):
        if name in rule:
            return {name: rule[name]}
    return {"from": "text"}


def _steps(values: Mapping[str, Any]) -> Rule:
    rule: Rule = {}
    if values["rows"]:
        rule["table"] = values["rows"]
    if values["otherwise"] == "default":
        rule["default"] = values["default"]
    if values["date"]:
        rule["date"] = values["date_format"] if values["date"] == "own" else values["date"]
    if values["number"]:
        decimals = values["decimals"]
        rule["number"] = {
            "decimals": 2 if decimals is None else decimals,
            "decimalMark": values["decimal_mark"] or ".",
            "minorUnits": values["number"] == "minor",
        }
    for name, ours in (("case", "case"), ("truncate", "truncate"), ("max_length", "maxLength")):
        if values[name]:
            rule[ours] = values[name]
    if values["must"]:
        rule["required"] = True
    return rule
