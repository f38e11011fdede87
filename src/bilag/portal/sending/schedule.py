"""The schedule of an integration (C14): shown in words with its next runs before it is saved."""

import hashlib
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from bilag.core.clock import utc_now
from bilag.core.problem import Refused
from bilag.core.schedule import EXPRESSION_MAX, NEEDS, WEEKDAYS, ZONE_DEFAULT, upcoming
from bilag.core.schedule_words import pause_words, words
from bilag.delivery.configured import Timed
from bilag.integrations.timetable import Timetable, Trigger
from bilag.portal.scope import Desk, announce, organization_page, say
from bilag.portal.sending.forms import PlaceForm, faults
from bilag.portal.sending.panel import panel_of
from bilag.portal.sending.places import unknown_is_not_found
from bilag.portal.sending.words import moment_words

_TRIGGERS = (
    ("on_approval", gettext_lazy("On approval: when something is approved")),
    ("manual", gettext_lazy("Manual: only when somebody asks for it")),
    ("daily", gettext_lazy("Daily")),
    ("weekly", gettext_lazy("Weekly")),
    ("monthly", gettext_lazy("Monthly")),
    ("cron", gettext_lazy("Custom: a cron expression")),
)
_WEEKDAY_NAMES = (
    gettext_lazy("Monday"), gettext_lazy("Tuesday"), gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"), gettext_lazy("Friday"), gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)  # fmt: skip
# Suggested; every zone that the system knows is taken.
_ZONES = (
    ZONE_DEFAULT, "Europe/Stockholm", "Europe/Copenhagen", "Europe/Helsinki", "Europe/London",
    "Atlantic/Reykjavik", "Arctic/Longyearbyen", "UTC",
)  # fmt: skip


class ScheduleForm(PlaceForm):
    """When an integration sends; of the fields only those that the choice needs are read."""

    trigger = forms.ChoiceField(
        label=gettext_lazy("When records are sent"), choices=_TRIGGERS, widget=forms.RadioSelect
    )
    at = forms.CharField(
        label=gettext_lazy("Time of day"),
        help_text=gettext_lazy("For daily, weekly and monthly. Write it as 07:00."),
        required=False,
        max_length=5,
        widget=forms.TextInput(attrs={"type": "time"}),
    )
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Days of the week"),
        help_text=gettext_lazy("For weekly."),
        choices=list(zip(WEEKDAYS, _WEEKDAY_NAMES, strict=True)),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    day = forms.IntegerField(
        label=gettext_lazy("Day of the month"),
        help_text=gettext_lazy("For monthly, 1 to 31. In a shorter month it is the last day."),
        required=False,
        min_value=1,
        max_value=31,
    )
    cron = forms.CharField(
        label=gettext_lazy("Cron expression"),
        help_text=gettext_lazy(
            "For custom: minute, hour, day, month, weekday. For example 0 7 * * MON."
        ),
        required=False,
        max_length=EXPRESSION_MAX,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("For example Europe/Oslo."),
        max_length=EXPRESSION_MAX,
        widget=forms.TextInput(attrs={"list": "zones", "spellcheck": "false"}),
    )

    def wanted(self, now: Timetable) -> tuple[Trigger, Timetable] | None:
        """Return the schedule that was chosen, with the pauses of now; None, with errors."""
        if not self.is_valid():
            return None
        trigger: Trigger = self.cleaned_data["trigger"]
        for name in NEEDS[trigger]:
            if not self.cleaned_data[name]:
                self.add_error(name, _("Fill this in."))
        if self.errors:
            return None
        given = {name: self.cleaned_data[name] or None for name in NEEDS[trigger]}
        given["weekdays"] = given.get("weekdays") or ()
        values = {**given, "time_zone": self.cleaned_data["time_zone"], "pauses": now.pauses}
        timetable = self.read(Timetable, values)
        if timetable is None:
            return None
        try:
            timetable.timed(trigger)
        except Refused as error:
            self.refuse(error)
            return None
        return trigger, timetable


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def schedule(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show the schedule; say what another one would do; save what was shown."""
    with unknown_is_not_found():
        timed = desk.integrations.timed(key)
    now = timed.integration.delivery
    if request.method == "GET":
        initial = {**now.schedule.model_dump(), "trigger": now.trigger}
        return _page(request, desk, timed, ScheduleForm(initial=initial))
    form = ScheduleForm(request.POST)
    wanted = form.wanted(now.schedule)
    if wanted is None:
        if request.headers.get("HX-Request"):
            return faults(request, form)
        return _page(request, desk, timed, form)
    trigger, timetable = wanted
    digest = _digest(trigger, timetable)
    if request.POST.get("act") == "save" and request.POST.get("shown") == digest:
        panel = panel_of(desk.integrations.reschedule(key, trigger, timetable), desk.language)
        next_run = _(" Next run: %(when)s.") % {"when": panel.next_run} if panel.next_run else ""
        say(request, _("The schedule is saved: %(words)s.") % {"words": panel.schedule} + next_run)
        return redirect("sending:schedule", desk.organization.slug, key)
    shown = _shown(trigger, timetable, desk.language, digest)
    if request.headers.get("HX-Request"):
        answer = render(request, "sending/schedule_runs.html", {**shown, "desk": desk})
        return announce(answer, shown["words"])
    return _page(request, desk, timed, form, shown)


def _page(
    request: HttpRequest,
    desk: Desk,
    timed: Timed,
    form: ScheduleForm,
    shown: dict[str, Any] | None = None,
) -> HttpResponse:
    context = {
        "integration": timed.integration,
        "panel": panel_of(timed, desk.language),
        "form": form,
        "zones": _ZONES,
        **(shown or {}),
    }
    return render(request, "sending/schedule.html", context)


def _shown(trigger: Trigger, timetable: Timetable, language: str, digest: str) -> dict[str, Any]:
    found = timetable.timed(trigger)
    return {
        "words": words(found, language),
        "runs": [moment_words(run, found.zone) for run in upcoming(found, utc_now())],
        "pauses": [pause_words(pause, language) for pause in found.pauses],
        "digest": digest,
    }


def _digest(trigger: Trigger, timetable: Timetable) -> str:
    return hashlib.sha256(f"{trigger} {timetable.model_dump_json()}".encode()).hexdigest()
