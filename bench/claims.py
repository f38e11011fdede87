"""Claims to measure with: made from their number, so that every run sends the same ones.

Three lines each, four fifths of them expense claims; about 1 KB of JSON at the accounting system.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

EXPENSE_TYPES = ("travel", "food", "materials", "rent", "parking")
COST_CENTRES = ("100", "200", "300", "400")
PROJECTS = ("P10", "P20", "P30")
VOLUNTEERS = 997
_FIRST_DAY = date(2026, 1, 1)
_DAYS = 300


def claim(number: int) -> dict[str, Any]:
    """Return the approved claim of a number as the app sends it: amounts as decimal strings."""
    day = _FIRST_DAY + timedelta(days=number % _DAYS)
    person = number % VOLUNTEERS
    mileage = number % 5 == 4
    return {
        "sourceSystem": "bench",
        "sourceId": f"claim-{number:09d}",
        "revision": 1,
        "category": "mileage" if mileage else "expense",
        "currency": "NOK",
        "claimant": {"id": volunteer(person), "name": f"Volunteer {person:03d}"},
        "approvedBy": f"coordinator-{number % 7}",
        "approvedAt": f"{day.isoformat()}T12:00:00+00:00",
        "text": f"Local group meeting {number % 89}, travel and food for the participants",
        "costCentre": COST_CENTRES[number % len(COST_CENTRES)],
        "project": PROJECTS[number % len(PROJECTS)],
        "lines": [_line(number, part, day, mileage) for part in range(3)],
    }


def claims(first: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield `count` claims from the number `first` on."""
    return (claim(number) for number in range(first, first + count))


def volunteer(person: int) -> str:
    """Return the app's id of a person."""
    return f"V{person:03d}"


def _line(number: int, part: int, day: date, mileage: bool) -> dict[str, Any]:
    ore = 10_000 + (number * 37 + part * 1_301) % 90_000
    line = {
        "date": day.isoformat(),
        "type": "mileage" if mileage else EXPENSE_TYPES[(number + part) % len(EXPENSE_TYPES)],
        "amount": f"{ore // 100}.{ore % 100:02d}",
        "text": f"Item {part + 1} of claim {number}, bought for the meeting of the local group",
    }
    if mileage:
        # 3.50 a kilometre, so that quantity times rate is the amount to the øre
        kilometres = 10 + (number + part) % 200
        line |= {
            "quantity": str(kilometres),
            "unit": "km",
            "rate": "3.50",
            "amount": f"{kilometres * 350 // 100}.{kilometres * 350 % 100:02d}",
        }
    return line
