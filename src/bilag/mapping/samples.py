"""Sample records that ship with us, one for each category and one in another currency (C11).

Nobody in them exists. They use the expense types that the organization knows, where it has any.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bilag.core.record import CATEGORIES
from bilag.mapping.paths import Content

_APPROVED = "2026-03-04T09:30:00+00:00"
_CREATED = "2026-03-02T18:05:00+00:00"
_TYPES = {
    "expense": ("train", "parking"),
    "mileage": ("car",),
    "honorarium": ("honorarium",),
    "activity": ("visit",),
}


def sample_records(
    types: Mapping[str, Sequence[str]],
    categories: Sequence[str],
    declaration: Mapping[str, Any],
) -> list[Content]:
    """Return samples of the included categories, as records are stored.

    `types` are the expense types known for each category; `declaration` is the organization's.
    """
    made = {
        "expense": _expense(_two(types, "expense")),
        "mileage": _mileage(_two(types, "mileage")[0]),
        "honorarium": _honorarium(_two(types, "honorarium")[0], declaration),
        "activity": _activity(_two(types, "activity")[0]),
    }
    samples = [made[category] for category in CATEGORIES if category in categories]
    if "expense" in categories:
        samples.append(_abroad(_two(types, "expense")[0]))
    return samples


def _two(types: Mapping[str, Sequence[str]], category: str) -> tuple[str, str]:
    found = tuple(types.get(category) or _TYPES[category])
    return found[0], found[-1] if len(found) == 1 else found[1]


def _record(number: int, category: str, text: str, lines: list[Content], **more: Any) -> Content:
    return {
        "sourceSystem": "app",
        "sourceId": f"SAMPLE-{number:04d}",
        "revision": 1,
        "category": category,
        "currency": "NOK",
        "claimant": {"id": "volunteer-017", "name": "Volunteer 017"},
        "approvedBy": "coordinator-3",
        "approvedAt": _APPROVED,
        "createdAt": _CREATED,
        "text": text,
        "lines": lines,
        **more,
    }


def _expense(types: tuple[str, str]) -> Content:
    lines = [
        {"date": "2026-03-01", "type": types[0], "amount": "249.00", "text": "Train to Hamar"},
        {"date": "2026-03-01", "type": types[1], "amount": "84.50", "text": "Parking"},
    ]
    return _record(1, "expense", "Meeting in Hamar", lines)


def _mileage(type_: str) -> Content:
    line = {
        "date": "2026-03-02", "type": type_, "amount": "212.00", "text": "Oslo–Drammen",
        "quantity": "40", "unit": "km", "rate": "5.3",
    }  # fmt: skip
    return _record(2, "mileage", "Visit to a member", [line])


def _honorarium(type_: str, declaration: Mapping[str, Any]) -> Content:
    line = {"date": "2026-03-02", "type": type_, "amount": "400.00", "text": "Driving, two trips"}
    acknowledged = {
        "templateId": str(declaration.get("templateId") or "declaration"),
        "version": str(declaration.get("version") or "1"),
        "acknowledgedAt": "2026-01-15T12:00:00+00:00",
    }
    return _record(3, "honorarium", "Driver in week 10", [line], declaration=acknowledged)


def _activity(type_: str) -> Content:
    line = {"date": "2026-03-03", "type": type_, "amount": "150.00", "text": "Coffee for twelve"}
    return _record(4, "activity", "Reading group", [line], participants=12, hours="2.5")


def _abroad(type_: str) -> Content:
    line = {"date": "2026-02-27", "type": type_, "amount": "38.00", "text": "Tram in Helsinki"}
    return _record(
        5, "expense", "Nordic meeting", [line], currency="EUR", exchangeRate="11.4567",
        exchangeRateDate="2026-02-27",
    )  # fmt: skip
