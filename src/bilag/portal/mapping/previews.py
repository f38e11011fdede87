"""The page of the preview (C11): records as they came in, as vouchers, and as they would go."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from bilag.core.dotted import dotted
from bilag.core.problem import Problem
from bilag.core.texts import say as sentence
from bilag.delivery.mapping_trial import PREVIEWED_MAX, Previewed
from bilag.mapping.words import path_name
from bilag.portal.mapping.room import open_room
from bilag.portal.scope import Desk, organization_page

_LINE_COLUMNS = ("date", "type", "amount", "text", "costCentre", "project", "vatCode")


@require_GET
@organization_page("admin", "accountant")
def show(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show our samples, or the claims that were chosen; in support mode only the samples."""
    room = open_room(desk, key)
    copy = room.working()
    choices = [] if desk.support else room.trial.claims_to_choose(key)
    wanted = list(dict.fromkeys(request.GET.getlist("claim")))
    # Who supports an organization needs no personal data of its claimants.
    chosen = [] if desk.support else wanted[:PREVIEWED_MAX]
    preview = room.trial.preview(key, chosen)
    language = desk.language
    context = {
        "records": [_shown(one, language) for one in preview.records],
        "preview": preview,
        "choices": [
            (source_id, state, sentence(f"kind.{category}", language), source_id in chosen)
            for source_id, state, category in choices
        ],
        "chosen": chosen,
        "too_many": len(wanted) > PREVIEWED_MAX,
        "maximum": PREVIEWED_MAX,
        "support": desk.support,
    }
    return room.shown(request, "preview", "preview", copy, context)


def _shown(one: Previewed, language: str) -> dict[str, Any]:
    values = list(_values(one.content, one.problems, language))
    marked = {problem for value in values for problem in value["problems"]}
    lines = [
        {
            "number": number,
            "cells": [str(line.get(name, "")) for name in _LINE_COLUMNS],
            "problems": [p.text(language) for p in one.problems if p.line == number],
        }
        for number, line in enumerate(one.content.get("lines", ()), 1)
    ]
    rest = [
        problem.text(language)
        for problem in one.problems
        if problem.line is None and problem.text(language) not in marked
    ]
    return {
        "one": one,
        "kind": sentence(f"kind.{one.content['category']}", language),
        "values": values,
        "columns": [path_name(f"line.{name}", language) for name in _LINE_COLUMNS],
        "lines": lines,
        "voucher": one.voucher,
        "body": one.body_text() if one.body else "",
        "problems": rest,
    }


def _values(
    content: dict[str, Any], problems: tuple[Problem, ...], language: str
) -> Iterator[dict[str, Any]]:
    """Yield what the app sent of the claim itself, each value with the problems at its field."""
    own = {name: value for name, value in content.items() if name not in ("lines", "receipts")}
    for path, value in dotted(own).items():
        yield {
            "name": path_name(path, language),
            "value": str(value),
            "problems": [p.text(language) for p in problems if p.field == path and p.line is None],
        }
