"""Takes secrets out of texts before they are stored, logged or shown.

Known secrets go in every spelling an answer may echo; what merely looks like one goes too.
"""

import base64
import json
import re
from collections import deque
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

SECRET_CHARACTERS_MIN = 4
# Failure policy: of tokens only the newest 20 are known, or a session of many days would grow
# slower with each; an older one is still taken out by its looks.
PASSING_SECRETS_MAX = 20
_PUT_IN = "[secret]"

_NAMES = r"""bearer|basic|token|api[-_ ]?key|authorization|client[-_]secret|password|secret
    |access_token|refresh_token|id_token|assertion|client_assertion"""
_ASSIGNED = re.compile(
    rf"""(?ix) (?P<name> \b(?:{_NAMES})\b ["']? \s*[:=]\s* )
    (?: "(?:[^"\\]|\\.)*" | '[^']*' | (?:(?:bearer|basic|token)\s+)? [^\s,;&"'<>}}\])]{{4,}} )"""
)
_STEMS = ("bearer", "basic", "token", "key", "auth", "secret", "password", "assertion")
# A word alone is no secret ("token expired"): it has to hold a digit, or be very long.
_SPOKEN = re.compile(
    r"(?i)(?P<name>\b(?:bearer|basic|token)\s+)"
    r"(?:(?=[a-z+/._~=-]*\d)[\w+/.~=-]{8,}|[\w+/.~=-]{32,})"
)


class Redactor:
    """Strips known secrets and anything that looks like one from texts of other systems."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._kept: set[str] = set()
        self._passing: deque[str] = deque(maxlen=PASSING_SECRETS_MAX)
        self._spellings: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str, *, passing: bool = False) -> None:
        """Strip this secret from every later text; a `passing` one (a token) only for a while.

        Secrets shorter than 4 characters are left alone: they would blot out ordinary words.
        """
        if len(secret) < SECRET_CHARACTERS_MIN or secret in self._spellings:
            return
        if passing:
            self._passing.append(secret)
        else:
            self._kept.add(secret)
        known = {spelling for s in (*self._kept, *self._passing) for spelling in _spellings(s)}
        self._spellings = sorted(known, key=lambda spelling: (-len(spelling), spelling))

    def __call__(self, text: str) -> str:
        """Return the text with each secret replaced by `[secret]`."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, _PUT_IN)
        lower = text.lower()
        # Plain searches spare most answers two slow patterns.
        if not any(stem in lower for stem in _STEMS):
            return text
        return _SPOKEN.sub(_keep_name, _ASSIGNED.sub(_keep_name, text))


def _spellings(secret: str) -> set[str]:
    """Return how a secret may come back: as it is, JSON- or URL-escaped, or in base64."""
    escaped = quote(secret, safe="")
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        secret.replace("/", "\\/"),
        escaped,
        quote_plus(secret),
        re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), escaped),
        base64.b64encode(secret.encode()).decode(),
    }


def _keep_name(found: re.Match[str]) -> str:
    return found["name"] + _PUT_IN
