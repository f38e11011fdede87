"""The front page of the REST sandbox: what it is, the last vouchers it posted, and a search.

Plain HTML that a screen reader reads as a heading, a list of facts and one table.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from bilag.sandbox.ledger import Entry
from bilag.sandbox.rest.options import Options

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem;
  color: #1e2b3c; background: #fff }
table { border-collapse: collapse; width: 100% } caption { text-align: left; font-weight: 600 }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8a94a3 }
td.amount, th.amount { text-align: right; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto } .wide:focus-visible { outline: 3px solid #0b5fff }
"""
_COLUMNS = ("Id", "Voucher number", "Reference", "Posting date", "Text", "Currency", "Amount")


def front_page(
    options: Options, summary: Mapping[str, Any], entries: Iterable[Entry], reference: str = ""
) -> str:
    """Return the page; every value is escaped. `reference` is what the entries were searched by."""
    rows = "".join(_row(entry) for entry in entries)
    sought = escape(reference)
    caption = f"Reference {sought}" if sought else "The last 50 vouchers, newest first"
    heads = "".join(f'<th scope="col"{_class(name)}>{name}</th>' for name in _COLUMNS)
    table = (
        f'<div class="wide" role="region" aria-labelledby="last" tabindex="0"><table>'
        f'<caption id="last">{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        if rows
        else f"<p>No voucher {f'has the reference {sought}' if sought else 'is posted yet'}.</p>"
    )
    sums = ", ".join(f"{total} {currency}" for currency, total in summary["sums"].items())
    doubled = len(summary["duplicateReferences"])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox accounting system</title><style>{_STYLE}</style></head>
<body><main><h1>Sandbox accounting system</h1>
<p>This stands in for an accounting system with a JSON API. Nothing in it is real: it keeps a
ledger of its own, so that what was delivered can be seen from the other side.</p>
<ul><li>Company: {escape(options.company_name)} ({escape(options.company_id)})</li>
<li>Vouchers posted: {summary["count"]}</li>
<li>Posted more than once: {doubled}</li>
<li>Sum of debits: {escape(sums) or "none"}</li></ul>
<h2>Vouchers</h2>
<form role="search"><label for="reference">Reference</label>
<input id="reference" name="reference" value="{sought}"><button>Search</button></form>{table}
<p>As JSON: <a href="/_sandbox/ledger?summary=1">summary</a>,
<a href="/_sandbox/ledger?limit=50">entries</a>, <a href="/_sandbox/requests">requests</a>,
<a href="/_sandbox/faults">faults</a>.</p></main></body></html>"""


def _row(entry: Entry) -> str:
    names = ("id", "voucherNumber", "reference", "postingDate", "text", "currency", "amount")
    first, *rest = (escape(str(entry.get(name, ""))) for name in names)
    cells = "".join(
        f"<td{_class(column)}>{value}</td>"
        for column, value in zip(_COLUMNS[1:], rest, strict=True)
    )
    return f'<tr><th scope="row">{first}</th>{cells}</tr>'


def _class(column: str) -> str:
    return ' class="amount"' if column == "Amount" else ""
