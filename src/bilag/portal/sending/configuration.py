"""The configuration as a file (C15): download, look an upload over, take it in, copy elsewhere."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bilag.core.problem import Problem, Refused
from bilag.delivery.configuration.apply import Change, digest
from bilag.delivery.configuration.read import UPLOAD_BYTES_MAX
from bilag.delivery.configuration.verbs import OrganizationConfiguration
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.forms import PlaceForm
from bilag.portal.sending.uploads import was_too_large
from bilag.tenants.members import Membership

# A select of more choices is slower to use than a text field.
_SELECT_MAX = 50
# Of the faults of a file so many are told; the rest is counted.
_FAULTS_SHOWN = 100

_KINDS: dict[str, Promise] = {
    "organization": gettext_lazy("Organization"),
    "book": gettext_lazy("Book"),
    "integration": gettext_lazy("Integration"),
    "mapping": gettext_lazy("Mapping of"),
}
_EVENTS: dict[str, Promise] = {
    "created": gettext_lazy("is made"),
    "changed": gettext_lazy("is changed"),
    "error_cleared": gettext_lazy("its error is cleared; the next sync looks again"),
}


class UploadForm(PlaceForm):
    """A file that was downloaded here, changed or not."""

    configuration = forms.FileField(
        label=gettext_lazy("Configuration file"),
        help_text=gettext_lazy("YAML, at most 1 MiB. Nothing is changed before you confirm it."),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".yaml,.yml,.json"}),
    )

    def text(self, *, too_large: bool) -> str | None:
        """Return what the file holds; None, with errors, where that is no text or too much."""
        sent = self.is_valid()
        uploaded = self.cleaned_data.get("configuration")
        if too_large or (uploaded is not None and uploaded.size > UPLOAD_BYTES_MAX):
            self.errors.clear()
            params = {"maximum": str(UPLOAD_BYTES_MAX)}
            self.refuse(Refused(Problem("upload_too_large", "configuration", params=params)))
            return None
        if not sent or uploaded is None:
            return None
        content: bytes = uploaded.read()
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.add_error("configuration", _("The file is not UTF-8 text. Save it as UTF-8."))
        return None


class CopyForm(PlaceForm):
    """Which integration, and where to."""

    integration = forms.ChoiceField(label=gettext_lazy("Integration"))
    organization = forms.CharField(
        label=gettext_lazy("To the organization"),
        help_text=gettext_lazy("You must be administrator there, too."),
        max_length=63,
    )
    replacing = forms.BooleanField(
        label=gettext_lazy("Replace what is there under the same key"), required=False
    )

    def __init__(
        self, integrations: list[tuple[str, str]], targets: list[Membership], *args: Any
    ) -> None:
        super().__init__(*args)
        cast(forms.ChoiceField, self.fields["integration"]).choices = integrations
        self._targets = {one.slug: one for one in targets}
        if len(targets) <= _SELECT_MAX:
            self.fields["organization"] = forms.ChoiceField(
                label=self.fields["organization"].label,
                help_text=self.fields["organization"].help_text,
                choices=[(one.slug, one.name) for one in targets],
            )

    def clean_organization(self) -> Membership:
        """Return the organization; one in which the person is no administrator is unknown."""
        found = self._targets.get(self.cleaned_data["organization"])
        if found is None:
            raise forms.ValidationError(
                _("You are not administrator of an organization of this name.")
            )
        return found


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def configuration(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Offer the file, and show what one that is uploaded would change."""
    form = UploadForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    text = form.text(too_large=was_too_large(request)) if request.method == "POST" else None
    if text is not None:
        try:
            changes = _verbs(desk).preview(text)
        except Refused as error:
            _show_faults(form, error, desk.language)
        else:
            return _look_over(request, text, changes)
    context = {"form": form, "targets": _targets(desk)}
    return render(request, "sending/configuration.html", context)


@require_GET
@organization_page("admin")
def file(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Answer with the configuration as a file."""
    name = f"{desk.organization.slug}.yaml"
    return HttpResponse(
        _verbs(desk).as_yaml(),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
@organization_page("admin")
def take_in(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take in what was looked over; where it would change something else, show that first."""
    text = request.POST.get("text", "")
    verbs = _verbs(desk)
    try:
        changes = verbs.take_in(text, request.POST.get("seen") or "-")
    except Refused as error:
        if any(problem.code == "upload_moved" for problem in error.problems):
            say(request, error.problems[0].text(desk.language), "warning")
            return _look_over(request, text, verbs.preview(text))
        form = UploadForm({}, {})
        form.is_valid()
        form.errors.clear()
        _show_faults(form, error, desk.language)
        context = {"form": form, "targets": _targets(desk)}
        return render(request, "sending/configuration.html", context)
    say(
        request,
        ngettext("%(count)s change is made.", "%(count)s changes are made.", len(changes))
        % {"count": len(changes)},
    )
    return redirect("sending:configuration", desk.organization.slug)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def copy(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Copy an integration to another organization of which the person is administrator."""
    integrations = [(one.key, one.name) for one, _state in desk.integrations.listed()
                    if not one.is_draft]  # fmt: skip
    targets = _targets(desk)
    posted = (request.POST,) if request.method == "POST" else ()
    form = CopyForm(integrations, targets, *posted)
    if request.method == "POST" and form.is_valid():
        target: Membership = form.cleaned_data["organization"]
        try:
            _verbs(desk).copy_to(
                target.organization_id, form.cleaned_data["integration"],
                replacing=form.cleaned_data["replacing"],
            )  # fmt: skip
        except Refused as error:
            form.add_error(None, " ".join(p.text(desk.language) for p in error.problems))
        else:
            told = _("%(integration)s is copied to %(organization)s and switched off there.")
            names = dict(integrations)
            name = names[form.cleaned_data["integration"]]
            say(request, told % {"integration": name, "organization": target.name})
            return redirect("sending:configuration", desk.organization.slug)
    return render(request, "sending/copy.html", {"form": form, "targets": targets})


def _look_over(request: HttpRequest, text: str, changes: list[Change]) -> HttpResponse:
    context = {"text": text, "seen": digest(changes), "changes": [_told(one) for one in changes]}
    return render(request, "sending/changes.html", context)


def _show_faults(form: UploadForm, error: Refused, language: str) -> None:
    """Show every fault with its place and line; nothing of what stood there."""
    for problem in error.problems[:_FAULTS_SHOWN]:
        line = _("line %(line)s: ") % {"line": problem.line} if problem.line else ""
        place = f"{problem.field}: " if problem.field else ""
        form.add_error("configuration", f"{line}{place}{problem.text(language)}")
    more = len(error.problems) - _FAULTS_SHOWN
    if more > 0:
        form.add_error("configuration", _("and %(number)s more") % {"number": more})


def _told(change: Change) -> dict[str, Any]:
    kind, event = change.event.split(".", 1)
    key = change.subject.rsplit(" ", 1)[-1]
    return {
        "subject": f"{_KINDS.get(kind, kind)} {key}",
        "event": _EVENTS.get(event, event),
        "fields": list(_fields(change.detail)),
    }


def _fields(detail: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each field with what it was and what it becomes."""
    for name, value in detail.items():
        if isinstance(value, dict):
            yield name, _plain(value.get("before")), _plain(value.get("after"))
    if "version" in detail:
        yield _("version"), str(detail["before"] or "–"), str(detail["version"])


def _plain(value: object) -> str:
    """Return a value of the audit log as people read it: a text without quotes, "–" for nothing."""
    try:
        read = json.loads(str(value))
    except ValueError:
        return str(value or "–")
    if read in (None, "", [], {}):
        return "–"
    return read if isinstance(read, str) else json.dumps(read, ensure_ascii=False)


def _targets(desk: Desk) -> list[Membership]:
    own = desk.organization.id
    return [
        one for one in desk.person.memberships
        if one.role == "admin" and one.organization_id != own
    ]  # fmt: skip


def _verbs(desk: Desk) -> OrganizationConfiguration:
    return desk.installation.configuration_of(desk.organization.id, desk.actor)
