"""What a record must pass before it is posted: the integration's filters, and the declaration (I8).

A filter excludes, a missing declaration holds.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bilag.core.problem import Problem
from bilag.integrations.model import Filters
from bilag.mapping.dates import local_date
from bilag.mapping.paths import NOTHING, Content
from bilag.mapping.result import Excluded, Gaps, Missing


def compile_filters(filters: Filters) -> Callable[[Content], Missing | Excluded | None]:
    """Return a function that gives None for a record that is taken, or why it is not (C13).

    Both ends of the range of days belong to it; days are Oslo's. A record without the moment that
    the range is about is held, for nobody can tell.
    """
    categories = frozenset(filters.categories)
    first, last = filters.from_date, filters.to_date
    key = "approvedAt" if filters.date_field == "approved" else "createdAt"

    def gate(content: Content) -> Missing | Excluded | None:
        record, category = content["sourceId"], content["category"]
        if category not in categories:
            params = {"category": category}
            return Excluded(Problem("filter_category", "category", record=record, params=params))
        if first is None and last is None:
            return None
        moment = content.get(key)
        if moment is None:
            return Missing((Problem("filter_date_missing", key, record=record),))
        day = local_date(moment)
        for code, bound, outside in (
            ("filter_before", first, first is not None and day < first),
            ("filter_after", last, last is not None and day > last),
        ):
            if outside:
                params = {"day": str(day), "bound": str(bound)}
                return Excluded(Problem(code, key, record=record, params=params))
        return None

    return gate


def check_declaration(content: Content, required: Mapping[str, Any], gaps: Gaps) -> None:
    """List what an honorarium lacks; `required` is the organization's declaration (I8).

    Without a recorded sign-off nothing is posted, whatever the record carries.
    """
    signed_off = all(
        required.get(key) for key in ("templateId", "version", "signedOffBy", "signedOffAt")
    )
    if not signed_off:
        gaps.add("declaration_not_signed_off", "declaration")
    given = content.get("declaration", NOTHING)
    if not given:
        gaps.add("declaration_missing", "declaration")
    elif signed_off and any(given.get(k) != str(required[k]) for k in ("templateId", "version")):
        gaps.add(
            "declaration_version",
            "declaration.version",
            required=f"{required['templateId']} {required['version']}",
            found=f"{given.get('templateId')} {given.get('version')}",
        )
