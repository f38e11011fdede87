"""Whole numbers as addresses, hidden fields and buttons carry them.

What somebody else has written there may be anything; it is a number only as we write one.
"""

import re

# Eighteen digits fit the database's numbers; `isdigit` takes digits that `int` does not.
_WHOLE = re.compile(r"[0-9]{1,18}")


def whole(text: str) -> int | None:
    """Return the number that a text is, or None; nothing that a text holds is a fault of ours."""
    return int(text) if _WHOLE.fullmatch(text) else None
