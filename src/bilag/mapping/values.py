"""What single rules and paths give for a record, outside any voucher: live values in an editor.

Pure; a rule that gives no usable value says which problem a claim would have.
"""

from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.integrations.model import Book, Delivery
from bilag.mapping.amounts import read_costs
from bilag.mapping.dates import posting_date
from bilag.mapping.document import Rule
from bilag.mapping.paths import LINE_PATHS, NOTHING, RECORD_PATHS, VOUCHER_PATHS, Content, Facts
from bilag.mapping.transform import RuleError, compile_rule

# The longest sample value that is shown beside a path.
_SHOWN_MAX = 80


def facts_of(content: Content, reference: str, book: Book, delivery: Delivery) -> Facts:
    """Return what would be known of the record's voucher, were it taken whole."""
    costs = read_costs(content, book, 0)
    day = posting_date(delivery.posting_date, content["approvedAt"], costs.last, book, None)
    return Facts(
        reference, day, book.accounting_year(day), book.currency, costs.total, costs.original,
        costs.first, costs.last,
    )  # fmt: skip


def first_line(content: Content, book: Book) -> Content:
    """Return the first line of a record with the amount that it is posted with."""
    costs = read_costs(content, book, 0)
    if not costs.numbered:
        return NOTHING
    amount = costs.amounts[0]
    line = costs.numbered[0][1]
    return line if amount is None else {**line, "bookAmount": amount_text(amount)}


def value_of(rule: Rule, name: str, content: Content, line: Content, facts: Facts) -> str | Problem:
    """Return what a rule gives, or the problem that the claim would be held for.

    Raises DocumentError for a rule that `check_document` refuses.
    """
    try:
        return compile_rule(rule)(content, line, facts)
    except RuleError as error:
        return Problem(error.code, name, params={"name": name, **error.params})


def path_values(content: Content, line: Content, facts: Facts) -> dict[str, str]:
    """Return the value of every path that has one for this record, the app's own fields too."""
    readers = {**RECORD_PATHS, **VOUCHER_PATHS, **LINE_PATHS}
    found = {path: read(content, line, facts)[:_SHOWN_MAX] for path, read in readers.items()}
    found |= {
        f"extra.{name}": str(value)[:_SHOWN_MAX]
        for name, value in content.get("extra", NOTHING).items()
    }
    return {path: value for path, value in found.items() if value}
