"""The pauses of a schedule (C14), such as the month's end: times in which nothing fresh is sent."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from pydantic import ValidationError

from bilag.core.problem import Refused
from bilag.core.schedule_words import pause_words
from bilag.integrations.timetable import Pause
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.forms import PlaceForm, day_input
from bilag.portal.sending.panel import panel_of
from bilag.portal.sending.places import unknown_is_not_found


def _clock_input() -> forms.TextInput:
    return forms.TextInput(attrs={"type": "time"})


class PauseForm(PlaceForm):
    """A pause: once, or on days of every month."""

    kind = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=(
            ("once", gettext_lazy("Once: from one day to another")),
            ("monthly", gettext_lazy("Every month: from one day of the month to another")),
        ),
        widget=forms.RadioSelect,
    )
    from_date = forms.DateField(
        label=gettext_lazy("Once: from this day"), required=False, widget=day_input()
    )
    from_time = forms.TimeField(
        label=gettext_lazy("Once: from this time of day"),
        help_text=gettext_lazy("Without one the whole first day is in the pause."),
        required=False,
        widget=_clock_input(),
    )
    to_date = forms.DateField(
        label=gettext_lazy("Once: to this day"), required=False, widget=day_input()
    )
    to_time = forms.TimeField(
        label=gettext_lazy("Once: to this time of day"),
        help_text=gettext_lazy("Without one the whole last day is in the pause."),
        required=False,
        widget=_clock_input(),
    )
    from_day = forms.IntegerField(
        label=gettext_lazy("Every month: from this day"),
        help_text=gettext_lazy("1 to 31. In a shorter month it is the last day."),
        required=False,
        min_value=1,
        max_value=31,
    )
    to_day = forms.IntegerField(
        label=gettext_lazy("Every month: to this day"),
        help_text=gettext_lazy("A smaller one is in the next month: 28 to 3 is the month's end."),
        required=False,
        min_value=1,
        max_value=31,
    )

    def pause(self) -> Pause | None:
        """Return the pause; None, with errors, where something is missing."""
        if not self.is_valid():
            return None
        once = self.cleaned_data["kind"] == "once"
        for name in ("from_date", "to_date") if once else ("from_day", "to_day"):
            if not self.cleaned_data.get(name):
                self.add_error(name, _("Fill this in."))
        if self.errors:
            return None
        if not once:
            days = {name: self.cleaned_data[name] for name in ("from_day", "to_day")}
            return self.read(Pause, days)
        return self.read(Pause, {"from": self._moment("from"), "to": self._moment("to")})

    def _moment(self, end: str) -> str:
        day, clock = self.cleaned_data[f"{end}_date"], self.cleaned_data[f"{end}_time"]
        return f"{day.isoformat()}T{clock:%H:%M}" if clock else str(day.isoformat())


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def pauses(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """List the pauses of an integration, and add one."""
    with unknown_is_not_found():
        timed = desk.integrations.timed(key)
    form = PauseForm(request.POST if request.method == "POST" else None, initial={"kind": "once"})
    pause = form.pause() if request.method == "POST" else None
    if pause is not None:
        try:
            desk.integrations.add_pause(key, pause)
        except Refused as error:
            form.refuse(error)
        except ValidationError:  # there are as many as there may be
            form.add_error(None, _("There are too many pauses. Remove one that is over."))
        else:
            told = pause_words(pause.timed(), desk.language)
            say(request, _("Added: %(pause)s.") % {"pause": told})
            return redirect("sending:pauses", desk.organization.slug, key)
    stored = timed.integration.delivery.schedule.pauses
    context: dict[str, Any] = {
        "integration": timed.integration,
        "panel": panel_of(timed, desk.language),
        "pauses": [
            (pause_words(one.timed(), desk.language), one.model_dump_json(by_alias=True))
            for one in stored
        ],
        "form": form,
    }
    return render(request, "sending/pauses.html", context)


@require_POST
@organization_page("admin")
def remove(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Take one pause out of the schedule; the rest stays as it is."""
    try:
        pause = Pause.model_validate_json(request.POST.get("pause", ""))
    except (ValidationError, Refused):
        raise Http404 from None
    with unknown_is_not_found():
        desk.integrations.remove_pause(key, pause)
    told = pause_words(pause.timed(), desk.language)
    say(request, _("Removed: %(pause)s.") % {"pause": told})
    return redirect("sending:pauses", desk.organization.slug, key)
