"""The catalogue of sentences for people: every code in bokmål, nynorsk and English.

A test fails on a missing language or on placeholders that differ between the three.
"""

import re

from bilag.core.texts_alerts import ALERT_TEXTS
from bilag.core.texts_api import API_TEXTS
from bilag.core.texts_audit import AUDIT_TEXTS
from bilag.core.texts_configuration import CONFIGURATION_TEXTS
from bilag.core.texts_connectors import CONNECTOR_TEXTS
from bilag.core.texts_delivery import DELIVERY_TEXTS
from bilag.core.texts_dynamics import DYNAMICS_TEXTS
from bilag.core.texts_fields import FIELD_TEXTS
from bilag.core.texts_forced import FORCED_TEXTS
from bilag.core.texts_mapping import MAPPING_TEXTS
from bilag.core.texts_mapping_editor import MAPPING_EDITOR_TEXTS
from bilag.core.texts_mapping_words import MAPPING_WORDS
from bilag.core.texts_monitoring import MONITORING_TEXTS
from bilag.core.texts_people import PEOPLE_TEXTS
from bilag.core.texts_records import RECORD_TEXTS
from bilag.core.texts_schedule import SCHEDULE_TEXTS
from bilag.core.texts_sending import SENDING_TEXTS
from bilag.core.texts_sync import SYNC_TEXTS
from bilag.core.texts_xledger import XLEDGER_TEXTS

LANGUAGES = ("nb", "nn", "en")

# code -> (nb, nn, en)
CATALOGUE: dict[str, tuple[str, str, str]] = {
    **RECORD_TEXTS,
    **MAPPING_TEXTS,
    **MAPPING_EDITOR_TEXTS,
    **MAPPING_WORDS,
    **FIELD_TEXTS,
    **DELIVERY_TEXTS,
    **FORCED_TEXTS,
    **MONITORING_TEXTS,
    **ALERT_TEXTS,
    **CONNECTOR_TEXTS,
    **CONFIGURATION_TEXTS,
    **SCHEDULE_TEXTS,
    **AUDIT_TEXTS,
    **SENDING_TEXTS,
    **SYNC_TEXTS,
    **API_TEXTS,
    **PEOPLE_TEXTS,
    **DYNAMICS_TEXTS,
    **XLEDGER_TEXTS,
}


def say(code: str, language: str = "en", /, **params: str) -> str:
    """Return the sentence of `code` with its placeholders filled; an unknown code says itself.

    An unknown language gives English; a missing parameter stays visible as its placeholder.
    """
    sentences = CATALOGUE.get(code)
    if sentences is None:
        return code
    index = LANGUAGES.index(language) if language in LANGUAGES else LANGUAGES.index("en")
    if LANGUAGES[index] != "en":
        params = {name: _day_first(name, text) for name, text in params.items()}
    return sentences[index].format_map(_Params(params))


# Days that we tell, never what somebody wrote; as Norwegians write them.
_DAYS = frozenset({"day", "closed", "open", "first", "last", "at", "until", "start", "end"})
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?= |$)")


def _day_first(name: str, text: str) -> str:
    return _DAY.sub(r"\3.\2.\1", text) if name in _DAYS else text


class _Params(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
