"""Which fields of an import item the mapping may fill, besides those the settings fill (C8).

Xledger documents no lengths and requires none of them (facts, section 6), so none are claimed.
"""

from bilag.connectors.xledger.body import REFERENCES, TEXTS
from bilag.connectors.xledger.settings import COST_CENTRE, PROJECT, XledgerSettings
from bilag.core.target_field import Kind, TargetField, TargetFields

_DATES = frozenset({"discountDate", "dueDate", "invoiceDate"})
_NUMBERS = frozenset({"quantity", "quantity2", "quantity3"})


def fields_of(settings: XledgerSettings) -> TargetFields:
    """Return texts and references by Xledger's names, and dimensions by the names they were given.

    Each line repeats the voucher's fields, so every field may stand in any section.
    """
    rules = settings.vouchers
    taken = set(settings.slots)
    taken |= {"invoiceNumber"} if rules.invoice_number == "reference" else set()
    taken |= {"invoiceDate"} if rules.invoice_date == "posting_date" else set()
    dimensions = [
        TargetField(ours, f"{ours} ({theirs})", "code")
        for theirs, ours in settings.slots.items()
        if ours not in (COST_CENTRE, PROJECT)
    ]
    named = [
        TargetField(name, f"field.{name}", _kind(name))
        for name in sorted((TEXTS | REFERENCES) - taken)
    ]
    return TargetFields((*dimensions, *named), open=False)


def _kind(name: str) -> Kind:
    if name in _DATES:
        return "date"
    if name in _NUMBERS:
        return "number"
    return "code" if name in REFERENCES else "text"
