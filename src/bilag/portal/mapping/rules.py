"""The page of one rule (C10): its source and steps, and live what it gives for sample records."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from bilag.core.problem import Refused
from bilag.core.texts import say as sentence
from bilag.delivery.mapping_desk import WorkingCopy
from bilag.mapping.document import PARTS_MAX
from bilag.mapping.parts import part_at
from bilag.mapping.words import part_name, path_name, rule_words
from bilag.portal.mapping.room import Room, open_room
from bilag.portal.mapping.rule_form import WITH_PARTS, Rule, RuleForm, initial_of
from bilag.portal.mapping.rule_places import TEXTS, RulePlace, parts_of, with_parts
from bilag.portal.numbers import whole
from bilag.portal.scope import Desk, announce, organization_page

_NEW_PART: Rule = {"from": "text"}


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def edit(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show one rule with what it gives, and keep what is posted in the working copy."""
    room = open_room(desk, key)
    copy = room.working()
    place, rule = _found(request, copy)
    samples = room.trial.path_samples(key)
    own = _own_fields(samples)
    page = partial(_page, request, room, copy, place, rule, samples)
    if request.method == "GET":
        return page(_form(place, rule, own), _values(room, place, rule))
    form = _form(place, rule, own, request.POST)
    if not form.is_valid():
        return page(form, [])
    given = form.rule()
    do, _colon, chosen = request.POST.get("do", "keep").partition(":")
    number = whole(chosen)
    if do == "try":
        return page(form, _values(room, place, given))
    given = _rearranged(given, do, number or 0)
    try:
        changed = room.editor.change(key, place.change(copy.document, given))
    except Refused as error:
        for problem in error.problems:
            form.add_error(None, f"{problem.field}: {problem.text(desk.language)}")
        return page(form, [])
    if do == "part":
        return room.go("rule", **place.inside(number or 1).address())
    if do != "keep" or bool(parts_of(given)) != bool(parts_of(rule)):
        return room.go("rule", **place.address())
    room.say_kept(request, changed)
    return room.go("rule", **place.outside().address()) if place.part else room.go("fields")


@require_POST
@organization_page("admin")
def value(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Return what the posted rule gives for the samples; nothing is kept."""
    room = open_room(desk, key)
    copy = room.working()
    place, rule = _found(request, copy)
    own = _own_fields(room.trial.path_samples(key))
    form = _form(place, rule, own, request.POST)
    values = _values(room, place, form.rule()) if form.is_valid() else []
    response = render(request, "mapping/values.html", {"values": values, "form": form})
    told = "|".join(one["said"] for one in values)
    if not values or told == request.POST.get("told", ""):
        return response
    return announce(response, _("Value: %(value)s") % {"value": values[0]["said"]})


def _found(request: HttpRequest, copy: WorkingCopy) -> tuple[RulePlace, Rule]:
    place = RulePlace.read(request.GET)
    rule = place.rule(copy.document) if place else None
    if place is None or rule is None:
        raise Http404
    return place, rule


def _form(
    place: RulePlace, rule: Rule, own: list[str], posted: Mapping[str, str] | None = None
) -> RuleForm:
    return RuleForm(
        posted, section=place.section, parts=rule, own_fields=own, initial=initial_of(rule, own)
    )


def _own_fields(samples: Mapping[str, str]) -> list[str]:
    return sorted(path for path in samples if path.startswith("extra."))


def _rearranged(rule: Rule, do: str, number: int) -> Rule:
    """Return the rule with a part added, taken out or moved up."""
    parts = parts_of(rule)
    if not parts:
        return rule
    if do == "add-part" and len(parts) < PARTS_MAX:
        return with_parts(rule, [*parts, dict(_NEW_PART)])
    if not 1 <= number <= len(parts):
        return rule
    if do == "remove-part" and len(parts) > 1:
        return with_parts(rule, [*parts[: number - 1], *parts[number:]])
    if do == "up-part" and number > 1:
        parts[number - 2 : number] = reversed(parts[number - 2 : number])
        return with_parts(rule, parts)
    return rule


def _values(room: Room, place: RulePlace, rule: Rule) -> list[dict[str, Any]]:
    """Return what a rule gives for each sample, as it is shown and said."""
    language = room.desk.language
    name = place.name or place.section
    try:
        found = room.trial.rule_values(room.key, place.section, name, rule)
    except Refused as error:
        return [{"said": one.text(language), "problem": True} for one in error.problems]
    return [
        {
            "sample": one.source_id,
            "kind": sentence(f"kind.{one.category}", language),
            "said": one.problem.text(language) if one.problem else one.value or _("empty"),
            "problem": one.problem is not None,
        }
        for one in found
    ]


def _page(
    request: HttpRequest,
    room: Room,
    copy: WorkingCopy,
    place: RulePlace,
    rule: Rule,
    samples: Mapping[str, str],
    form: RuleForm,
    values: list[dict[str, Any]],
) -> HttpResponse:
    language = room.desk.language
    target = room.editor.target_fields(copy.integration)
    known = None
    if place.section not in TEXTS:
        known = next((one for one in target.fields if one.name == place.name), None)
    whole = (place.section,) if place.section in TEXTS else (place.section, place.name)
    context = {
        "form": form,
        "place": place,
        "query": urlencode(place.address()),
        "heading": part_name(whole, language),
        "part": ".".join(map(str, place.part)),
        "is_there": part_at(copy.document, whole) is not None,
        "known": known,
        "parts": list(enumerate((rule_words(one, language) for one in parts_of(rule)), 1)),
        "has_parts": any(name in rule for name in WITH_PARTS),
        "outside": room.address("rule", **place.outside().address()) if place.part else "",
        "values": values,
        "samples": [(path, path_name(path, language), text) for path, text in samples.items()],
    }
    return room.shown(request, "rule", "fields", copy, context)
