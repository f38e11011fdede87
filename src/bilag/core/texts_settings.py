"""What the settings and secrets of accounting systems are called, in three languages.

Connectors write English titles and descriptions; what is not in here is said in English.
"""

from bilag.core.texts_settings_dynamics import DYNAMICS_SETTING_TEXTS
from bilag.core.texts_settings_rest import REST_SETTING_TEXTS
from bilag.core.texts_settings_xledger import XLEDGER_SETTING_TEXTS

_COMMON: dict[str, tuple[str, str]] = {
    "Base address": ("Grunnadresse", "Grunnadresse"),
    "Login": ("Pålogging", "Pålogging"),
    "Look-up": ("Oppslag", "Oppslag"),
    "Requests at once": ("Forespørsler samtidig", "Førespurnader samstundes"),
    "Settling time": ("Ventetid før oppslag", "Ventetid før oppslag"),
    "How many seconds after a lost answer a voucher may still appear.": (
        "Hvor mange sekunder etter et tapt svar et bilag fortsatt kan dukke opp.",
        "Kor mange sekund etter eit tapt svar eit bilag framleis kan dukke opp.",
    ),
    "Unknown": ("Ukjent", "Ukjent"),
    "OAuth2 client credentials": ("OAuth2 (client credentials)", "OAuth2 (client credentials)"),
    "User name": ("Brukernavn", "Brukarnamn"),
    "Token address": ("Tokenadresse", "Tokenadresse"),
    "Client id": ("Klient-id", "Klient-id"),
    "Scope": ("Omfang (scope)", "Omfang (scope)"),
    "Currency": ("Valuta", "Valuta"),
    "Ledger account": ("Hovedbokskonto", "Hovudbokskonto"),
    "Cost centre": ("Kostnadssted", "Kostnadsstad"),
    "Project": ("Prosjekt", "Prosjekt"),
    "Supplier or employee": ("Leverandør eller ansatt", "Leverandør eller tilsett"),
    "Environment": ("Miljø", "Miljø"),
    "Dimensions": ("Dimensjoner", "Dimensjonar"),
    "Password": ("Passord", "Passord"),
    "Client secret": ("Klienthemmelighet", "Klientløyndom"),
    "Callback secret": ("Hemmelighet for tilbakemeldinger", "Løyndom for tilbakemeldingar"),
    # why a value is refused
    "leave user name and password out of the address; they are secrets": (
        "ikke skriv brukernavn og passord i adressen; de er hemmeligheter",
        "ikkje skriv brukarnamn og passord i adressa; dei er løyndomar",
    ),
    "leave out everything from ? or # on": (
        "ta bort alt fra og med ? eller #",
        "ta bort alt frå og med ? eller #",
    ),
}

_ACRONYMS = {"api": "API", "hmac": "HMAC"}

SETTING_TEXTS: dict[str, tuple[str, str]] = {
    **REST_SETTING_TEXTS,
    **XLEDGER_SETTING_TEXTS,
    **DYNAMICS_SETTING_TEXTS,
    **_COMMON,
}


def in_language(text: str, language: str) -> str:
    """Return a connector's own text in `nb` or `nn`; in English for any other language."""
    if language not in ("nb", "nn") or text not in SETTING_TEXTS:
        return text
    return SETTING_TEXTS[text][0 if language == "nb" else 1]


def secret_title(field: str, language: str) -> str:
    """Return what a secret is called: `client_secret` is the client secret."""
    first, *others = field.split("_")
    words = [_ACRONYMS.get(first, first.capitalize()), *others]
    return in_language(" ".join(words), language)
