"""From the JSON form of a record to a Record, or to everything that is wrong with it.

Pure; the fields and limits are written in docs/records.md. Zero and negative sums are no faults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from bilag.core.money import CURRENCIES, DIGITS_MAX, amount_text
from bilag.core.problem import Problem
from bilag.core.record import CATEGORIES, Declaration, Receipt, Record, RecordLine
from bilag.records import fields
from bilag.records.fields import FieldError, Reader, shown

STATUSES: Final = ("approved", "paid", "pending", "rejected", "withdrawn")
_TAKEN = ("approved", "paid")
_UNKNOWN_MAX = 50  # unknown fields listed one by one; beyond that the object is something else
_SUM_LIMIT = 10**DIGITS_MAX


@dataclass(frozen=True, slots=True)
class NotApproved:
    """A record that is pending or rejected: counted and answered, never stored (I4)."""

    source_system: str
    source_id: str
    status: str

    def problem(self) -> Problem:
        """Return the answer to whoever sent it."""
        return Problem("not_approved", "status", None, self.source_id, {"status": self.status})


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An approval that was taken back (I7); `at` is None where the app does not say when."""

    source_system: str
    source_id: str
    at: datetime | None = None
    by: str = ""


Validated = Record | Withdrawal | NotApproved | list[Problem]


def validate(raw: object, *, today: date, source_system: str) -> Validated:
    """Return the record, a withdrawal, a record not approved, or all problems found; never raises.

    `source_system` is who delivers; a record may name it too, and must name one when it is "".
    """
    if not isinstance(raw, dict):
        return [Problem("record_not_object")]
    check = _Check(today)
    head = check.read(raw, "sourceSystem", fields.read_code) or source_system
    if source_system and head != source_system:
        check.add("source_system_other", "sourceSystem", expected=source_system)
    if not head:
        check.add("field_missing", "sourceSystem")
    source_id = check.read(raw, "sourceId", fields.read_id)
    check.name_record(source_id or "")
    if not source_id and not check.has_fault("sourceId"):
        check.add("field_missing", "sourceId")
    status = check.read(raw, "status", _read_status) or "approved"
    if status in _TAKEN:
        return _approved(raw, head, source_id or "", status, check)
    withdrawal = Withdrawal(
        head,
        source_id or "",
        check.read(raw, "withdrawnAt", fields.read_moment) if status == "withdrawn" else None,
        check.read(raw, "withdrawnBy", fields.read_name) or "" if status == "withdrawn" else "",
    )
    if check.found:
        return check.found
    return withdrawal if status == "withdrawn" else NotApproved(head, withdrawal.source_id, status)


class _Check:
    """The faults of one record in the order in which they are met; `at` says where we are."""

    __slots__ = ("found", "last_day", "line", "paths", "prefix", "record")

    def __init__(self, today: date) -> None:
        self.found: list[Problem] = []
        self.paths: set[str] = set()
        self.last_day = today + fields.DAYS_AHEAD
        self.record = ""
        self.prefix = ""
        self.line: int | None = None

    def at(self, prefix: str = "", line: int | None = None) -> None:
        """Name the place that later faults belong to: `lines[2].` and its line, from 1."""
        self.prefix, self.line = prefix, line

    def name_record(self, source_id: str) -> None:
        """Name the record in every fault, those already found included."""
        self.record = source_id
        self.found = [Problem(p.code, p.field, p.line, source_id, p.params) for p in self.found]

    def add(self, code: str, key: str, **params: str) -> None:
        """List a fault of the field `key` at the present place."""
        path = self.prefix + key
        self.paths.add(path)
        self.found.append(Problem(code, path, self.line, self.record, params))

    def has_fault(self, key: str) -> bool:
        """Return whether a fault is listed for exactly this path."""
        return key in self.paths

    def read(self, source: Mapping[str, Any], key: str, reader: Reader) -> Any:
        """Return the clean value of one field, or None when it is absent, empty or faulty."""
        value = source.get(key)
        if value is None or value == "":
            return None
        try:
            return reader(value, self.last_day)
        except FieldError as fault:
            self.add(fault.code, key, **fault.params)
            return None

    def read_all(
        self, source: Mapping[str, Any], table: Mapping[str, tuple[str, Reader]]
    ) -> dict[str, Any]:
        """Return the clean values of all fields of `table` that are there, by attribute name.

        Lists fields that the table does not know by their name.
        """
        clean: dict[str, Any] = {}
        last_day = self.last_day
        if len(source) > len(table) + _UNKNOWN_MAX:
            self.add("fields_too_many", "", maximum=str(len(table)), length=str(len(source)))
            return clean
        for key, value in source.items():
            entry = table.get(key)
            if entry is None:
                self.add("field_unknown", shown(key), name=shown(key))
            elif value is not None and value != "":
                try:
                    clean[entry[0]] = entry[1](value, last_day)
                except FieldError as fault:
                    self.add(fault.code, key, **fault.params)
        return clean

    def require(self, clean: Mapping[str, Any], needed: Mapping[str, str]) -> None:
        """List each needed field (attribute -> name) that is missing or empty and not faulty."""
        for attribute, key in needed.items():
            if clean.get(attribute) in (None, "") and not self.has_fault(self.prefix + key):
                self.add("field_missing", key)


def _one_of(code: str, allowed: frozenset[str] | tuple[str, ...], names: bool = False) -> Reader:
    def read(value: Any, last_day: date) -> str:
        if not isinstance(value, str) or value not in allowed:
            known = {"allowed": ", ".join(sorted(allowed))} if names else {}
            raise FieldError(code, value=shown(value), **known)
        return value

    return read


def _read_nothing(value: Any, last_day: date) -> None:
    return None


def _read_list(value: Any, last_day: date) -> list[Any]:
    if not isinstance(value, list):
        raise FieldError("list_expected")
    if len(value) > fields.LINES_MAX:
        raise FieldError("list_too_long", maximum=str(fields.LINES_MAX), length=str(len(value)))
    return value


def _read_object(value: Any, last_day: date) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FieldError("object_expected")
    return value


_read_status = _one_of("status_unknown", STATUSES, names=True)
_read_currency = _one_of("currency_unknown", CURRENCIES)

# JSON name -> (attribute, reader); what is not in the table is refused by name.
_HEADER: Final[dict[str, tuple[str, Reader]]] = {
    "sourceSystem": ("", _read_nothing),
    "sourceId": ("", _read_nothing),
    "status": ("", _read_nothing),
    "revision": ("revision", fields.read_revision),
    "category": ("category", _one_of("category_unknown", CATEGORIES, names=True)),
    "currency": ("currency", _read_currency),
    "claimant": ("claimant", _read_object),
    "approvedBy": ("approved_by", fields.read_name),
    "approvedAt": ("approved_at", fields.read_moment),
    "createdAt": ("created_at", fields.read_moment),
    "lines": ("lines", _read_list),
    "receipts": ("receipts", _read_list),
    "declaration": ("declaration", _read_object),
    "extra": ("extra", _read_object),
    "text": ("text", fields.read_text),
    "total": ("total", fields.read_amount),
    "costCentre": ("cost_centre", fields.read_code),
    "project": ("project", fields.read_code),
    "paid": ("paid", fields.read_flag),
    "exchangeRate": ("exchange_rate", fields.read_rate),
    "exchangeRateDate": ("exchange_rate_date", fields.read_date),
    "participants": ("participants", fields.read_count),
    "hours": ("hours", fields.read_hours),
}
_LINE: Final[dict[str, tuple[str, Reader]]] = {
    "date": ("date", fields.read_date),
    "type": ("type", fields.text_reader(fields.ID_MAX)),
    "amount": ("amount", fields.read_amount),
    "text": ("text", fields.read_text),
    "quantity": ("quantity", fields.read_amount),
    "unit": ("unit", fields.read_code),
    "rate": ("rate", fields.read_amount),
    "vatCode": ("vat_code", fields.read_code),
    "costCentre": ("cost_centre", fields.read_code),
    "project": ("project", fields.read_code),
    "bookAmount": ("book_amount", fields.read_amount),
}
_CLAIMANT: Final[dict[str, tuple[str, Reader]]] = {
    "id": ("id", fields.read_id),
    "name": ("name", fields.read_name),
}
_RECEIPT: Final[dict[str, tuple[str, Reader]]] = {
    "id": ("id", fields.read_id),
    "fileName": ("file_name", fields.read_name),
    "url": ("url", fields.read_url),
    "sha256": ("sha256", fields.read_sha256),
}
_DECLARATION: Final[dict[str, tuple[str, Reader]]] = {
    "templateId": ("template_id", fields.read_id),
    "version": ("version", fields.read_code),
    "acknowledgedAt": ("acknowledged_at", fields.read_moment),
}
_NEEDED: Final = {
    "category": "category",
    "currency": "currency",
    "approved_by": "approvedBy",
    "approved_at": "approvedAt",
}
_LINE_NEEDED: Final = {"date": "date", "type": "type", "amount": "amount"}


def _approved(
    raw: dict[str, Any], source_system: str, source_id: str, status: str, check: _Check
) -> Record | list[Problem]:
    clean = check.read_all(raw, _HEADER)
    clean.pop("", None)
    check.require(clean, _NEEDED)
    total: Decimal | None = clean.pop("total", None)
    claimant = _part(clean.pop("claimant", {}), "claimant", _CLAIMANT, {}, check)
    honorarium = clean.get("category") == "honorarium"
    if honorarium and not claimant.get("id") and not check.has_fault("claimant.id"):
        check.add("honorarium_claimant", "claimant.id")
    if declaration := clean.pop("declaration", None):
        needed = {attribute: key for key, (attribute, _) in _DECLARATION.items()}
        declaration = _part(declaration, "declaration", _DECLARATION, needed, check)
    receipts = [
        _part(each, f"receipts[{n}]", _RECEIPT, {"id": "id"}, check)
        for n, each in enumerate(clean.pop("receipts", ()), start=1)
    ]
    extra = _extra(clean.pop("extra", {}), check)
    lines = _lines(clean.pop("lines", ()), total, clean.get("category"), check)
    if check.found:
        return check.found
    return Record(
        source_system=source_system,
        source_id=source_id,
        revision=clean.pop("revision", 1),
        claimant_id=claimant.get("id", ""),
        claimant_name=claimant.get("name", ""),
        paid=clean.pop("paid", False) or status == "paid",
        declaration=Declaration(**declaration) if declaration else None,
        receipts=tuple(Receipt(**each) for each in receipts),
        lines=tuple(RecordLine(**each) for each in lines),
        extra=extra,
        **clean,
    )


def _part(
    value: Any,
    path: str,
    table: Mapping[str, tuple[str, Reader]],
    needed: Mapping[str, str],
    check: _Check,
    line: int | None = None,
) -> dict[str, Any]:
    """Read one object inside the record; what is not an object is a fault of its own."""
    if not isinstance(value, dict):
        check.at("", line)
        check.add("object_expected", path)
        check.at()
        return {}
    check.at(path + ".", line)
    clean = check.read_all(value, table)
    check.require(clean, needed)
    check.at()
    return clean


def _extra(value: Mapping[str, Any], check: _Check) -> dict[str, str]:
    if len(value) > fields.EXTRA_MAX:
        length, maximum = str(len(value)), str(fields.EXTRA_MAX)
        check.add("list_too_long", "extra", maximum=maximum, length=length)
        return {}
    found: dict[str, str] = {}
    check.at("extra.")
    for key, text in value.items():
        try:
            name = fields.read_code(key, check.last_day)
            found[name] = fields.read_text(text, check.last_day)
        except FieldError as fault:
            check.add(fault.code, shown(key), **fault.params)
        else:
            if not name:
                check.add("field_missing", shown(key))
    check.at()
    return found


def _lines(
    values: Any, total: Decimal | None, category: str | None, check: _Check
) -> list[dict[str, Any]]:
    lines = [
        _part(each, f"lines[{n}]", _LINE, _LINE_NEEDED, check, n)
        for n, each in enumerate(values, start=1)
    ]
    if not lines and category != "activity" and not check.has_fault("lines"):
        check.add("lines_missing", "lines")
    amounts = [line["amount"] for line in lines if "amount" in line]
    if len(amounts) == len(lines) and not check.has_fault("lines"):
        found = sum(amounts, Decimal(0))
        if abs(found) >= _SUM_LIMIT:
            check.add("total_too_large", "total", maximum=str(DIGITS_MAX))
        elif total is not None and total != found:
            check.add("total_not_sum", "total", total=amount_text(total), sum=amount_text(found))
    return lines


# The names and readers that the profile of a file may fill, for its own checks.
FIELDS: Final[Mapping[str, Mapping[str, tuple[str, Reader]]]] = {
    "": _HEADER,
    "line": _LINE,
    "claimant": _CLAIMANT,
    "receipt": _RECEIPT,
    "declaration": _DECLARATION,
}
