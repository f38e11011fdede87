"""The words of the tables in bokmål, nynorsk and English, and amounts as people write them.

State words are those of the portal; an amount shows two decimals, and more only where it has them.
"""

from collections.abc import Sequence
from decimal import Decimal

from babel.numbers import format_decimal

from bilag.core.clock import utc_now
from bilag.core.texts import LANGUAGES
from bilag.integrations.vault import CredentialDescription

# key -> (nb, nn, en)
_WORDS = {
    "approved": ("godkjent", "godkjent", "approved"),
    "exported": ("bokført", "bokført", "exported"),
    "accepted": (
        "mottatt, ikke bokført ennå",
        "motteke, ikkje bokført enno",
        "accepted, not booked yet",
    ),
    "pending": ("venter", "ventar", "pending"),
    "sending": ("sendes", "blir sendt", "sending"),
    "failed": ("avvist", "avvist", "failed"),
    "in_doubt": ("usikkert utfall", "usikkert utfall", "in doubt"),
    "needs_review": ("må vurderes", "må vurderast", "needs review"),
    "held": ("holdt tilbake", "halde tilbake", "held"),
    "excluded": ("utelatt", "utelaten", "excluded"),
    "cancelled": ("avbrutt", "avbroten", "cancelled"),
    "superseded": ("erstattet", "erstatta", "superseded"),
    "reversed": ("tilbakeført", "tilbakeført", "reversed"),
    "difference": ("differanse", "differanse", "difference"),
    "forced": ("sendt på nytt", "sendt på nytt", "forced again"),
    "reversal": ("tilbakeføringer", "tilbakeføringar", "reversals"),
    "state": ("tilstand", "tilstand", "state"),
    "claims": ("krav", "krav", "claims"),
    "sum": ("sum", "sum", "sum"),
    "nothing": ("ingenting er kommet inn", "ingenting er kome inn", "nothing has come in"),
    "apart": ("utenom summen", "utanom summen", "apart from the sum"),
    "active": ("aktiv", "aktiv", "active"),
    "disabled": ("slått av", "slått av", "disabled"),
    "error": ("feil", "feil", "error"),
    "breaker": ("sikringen er åpen", "sikringa er open", "circuit breaker open"),
    "paused": ("venter på systemet", "ventar på systemet", "paused by the system"),
    "pause_window": ("pause i planen til", "pause i planen til", "schedule pauses until"),
    "next_run": ("neste kjøring", "neste køyring", "next run"),
    "old_route": ("tidligere vei", "tidlegare veg", "former route"),
    "last_sync": ("sist synkronisert", "sist synkronisert", "last sync"),
    "sync_partly": ("noe gikk ikke gjennom", "noko gjekk ikkje gjennom", "some did not go through"),
    "sync_paused": ("systemet ba oss vente", "systemet bad oss vente", "the system asked to wait"),
    "sync_pause_window": ("pause i planen", "pause i planen", "pause of the schedule"),
    "sync_stopped": ("stoppet", "stoppa", "stopped"),
    "sync_breaker": ("sikringen er åpen", "sikringa er open", "circuit breaker open"),
    "sync_misconfigured": ("stoppet av feil", "stoppa av feil", "stopped by an error"),
    "sync_disabled": ("slått av", "slått av", "disabled"),
    "sync_interrupted": ("avbrutt", "avbroten", "interrupted"),
    "never": ("aldri", "aldri", "never"),
    "integration": ("integrasjon", "integrasjon", "integration"),
    "claim": ("krav", "krav", "claim"),
    "category": ("kategori", "kategori", "category"),
    "amount": ("beløp", "beløp", "amount"),
    "voucher": ("bilag", "bilag", "voucher"),
    "finding": ("funn", "funn", "finding"),
    "reference": ("referanse", "referanse", "reference"),
    "since": ("siden", "sidan", "since"),
    "expense": ("utlegg", "utlegg", "expense"),
    "mileage": ("kjøring", "køyring", "mileage"),
    "honorarium": ("honorar", "honorar", "honorarium"),
    "activity": ("aktivitet", "aktivitet", "activity"),
    "mapping": ("tilordning", "tilordning", "mapping"),
    "not saved": ("ikke lagret", "ikkje lagra", "not saved"),
    "waiting_records": ("krav som venter", "krav som ventar", "waiting claims"),
    "vouchers": ("bilag som ville bli ført", "bilag som ville bli ført", "vouchers to post"),
    "sent_again": ("sendes uendret på nytt", "blir sendt uendra på nytt", "sent again unchanged"),
    "moved": ("flyttet til åpen dag", "flytta til open dag", "moved to an open day"),
    "claims_in": ("krav i", "krav i", "claims in"),
    "posting_dates": ("bokføringsdatoer", "bokføringsdatoar", "posting dates"),
    "accounting_year": ("bilag i regnskapsåret", "bilag i rekneskapsåret", "vouchers in the year"),
    "account": ("konto", "konto", "account"),
    "cost_centre": ("kostnadssted", "kostnadsstad", "cost centre"),
    "project": ("prosjekt", "prosjekt", "project"),
    "vat_code": ("mva-kode", "mva-kode", "VAT code"),
    "lines": ("linjer", "linjer", "lines"),
    "debit": ("debet", "debet", "debit"),
    "credit": ("kredit", "kredit", "credit"),
    "net": ("netto", "netto", "net"),
    "without": ("uten", "utan", "none"),
    "ok": ("ok", "ok", "ok"),
    "not_ok": ("IKKE OK", "IKKJE OK", "NOT OK"),
    "company": ("firma", "firma", "company"),
    "accounts": ("kontoer", "kontoar", "ledger accounts"),
    "cost_centres": ("kostnadssteder", "kostnadsstader", "cost centres"),
    "more": ("minst", "minst", "at least"),
    "confirmed": ("stemmer", "stemmer", "confirmed"),
    "contradicted": ("finnes ikke", "finst ikkje", "not there"),
    "offered": ("finnes, ikke i bruk", "finst, ikkje i bruk", "there, not used"),
    "unknown": ("ukjent", "ukjent", "unknown"),
    "error_cleared": (
        "feilen er opphevet, og leveringen fortsetter",
        "feilen er oppheva, og leveringa held fram",
        "the error is cleared; delivery goes on",
    ),
    "warning": ("advarsel", "åtvaring", "warning"),
    "expired": ("er utløpt", "er utgått", "has expired"),
    "expires": ("utløper", "går ut", "expires"),
    "days_left": ("dager igjen", "dagar att", "days left"),
}
_LOCALES = {"nb": "nb_NO", "nn": "nn_NO", "en": "en_GB"}


def word(key: str, language: str) -> str:
    """Return the word in `nb`, `nn` or `en`; a word that is not known says itself."""
    words = _WORDS.get(key)
    return words[LANGUAGES.index(language)] if words else key


def notices(warning: str, credentials: Sequence[CredentialDescription], language: str) -> list[str]:
    """Return the warning, and each credential that has expired or soon will, as lines."""
    lines = [f"{word('warning', language)}: {warning}"] if warning else []
    now = utc_now()
    return lines + [
        f"{word('warning', language)}: {one.field} {expiry(one, language)}"
        for one in credentials
        if one.expires_soon(now)
    ]


def expiry(one: CredentialDescription, language: str) -> str:
    """Return when a credential expires, with the days that are left; empty without a date."""
    left = one.days_left(utc_now())
    if left is None or one.expires_at is None:
        return ""
    day = f"{one.expires_at:%Y-%m-%d}"
    if left < 0:
        return f"{word('expired', language)} ({day})"
    return f"{word('expires', language)} {day} ({left} {word('days_left', language)})"


def amount(value: Decimal, language: str) -> str:
    """Return an amount with grouped digits and at least two decimals, never rounded."""
    return str(format_decimal(value, "#,##0.00##", locale=_LOCALES[language]))


def plain_amount(value: Decimal) -> str:
    """Return an amount for programs: `1234.50`, at least two decimals, never rounded."""
    whole = f"{value:.4f}"
    return whole[:-2] if whole.endswith("00") else whole
