"""The front page of the Business Central sandbox: what it is, and the last vouchers it posted.

The table is the REST sandbox's; only the words around it differ.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bilag.sandbox.business_central.options import Options
from bilag.sandbox.ledger import Entry
from bilag.sandbox.rest import Options as RestOptions
from bilag.sandbox.rest.page import front_page as rest_page


def front_page(options: Options, summary: Mapping[str, Any], entries: Iterable[Entry]) -> str:
    """Return the page; every value of the ledger is escaped."""
    company = RestOptions(company_id=options.company_id, company_name=options.company_name)
    return rest_page(company, summary, entries).replace(
        "an accounting system with a JSON API", "Dynamics 365 Business Central, API v2.0"
    )
