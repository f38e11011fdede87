"""Finds Norwegian national identity numbers in text, so that none is ever stored (I9).

Eleven digits as a token of their own, or six and five with a space, dot or hyphen between them,
with both check digits right; D-numbers and synthetic test numbers (month + 40, + 80) included.
"""

import re
from typing import Final

from stdnum.no.fodselsnummer import calc_check_digit1, calc_check_digit2

_CANDIDATE = re.compile(
    r"(?<![^\W_])([0-9]{6})[ .\-\u00a0\u2009\u2010\u2011\u2013\u202f]?([0-9]{5})(?![^\W_])"
)
REMOVED: Final = "[identity number removed]"
# Most texts have no five digits in a row; this search is several times cheaper than the other.
_FIVE_DIGITS = re.compile(r"[0-9]{5}")


def has_identity_number(text: str) -> bool:
    """Return whether the text holds a national identity number, or says that one was cut out.

    By chance one number of eleven digits in 500 is taken for one.
    """
    return REMOVED in text or (
        bool(_FIVE_DIGITS.search(text)) and any(map(_is_identity_number, _CANDIDATE.finditer(text)))
    )


def without_identity_numbers(text: str) -> str:
    """Return the text with `[identity number removed]` in the place of each such number.

    What was cut is refused again until a person has written what belongs there.
    """
    if not _FIVE_DIGITS.search(text):
        return text
    return _CANDIDATE.sub(lambda m: REMOVED if _is_identity_number(m) else m[0], text)


def _is_identity_number(match: re.Match[str]) -> bool:
    number = match[1] + match[2]
    day, month = int(number[:2]), int(number[2:4])
    if not (1 <= (day - 40 if day > 40 else day) <= 31 and 1 <= month % 40 <= 12):
        return False
    return bool(number[9] == calc_check_digit1(number) and number[10] == calc_check_digit2(number))
