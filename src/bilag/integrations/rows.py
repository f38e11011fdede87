"""A row of organization_integrations, joined with its book as `b`, and the integration it holds.

Reads and writes nothing; `store` and `drafts` make their statements with it.
"""

from collections.abc import Mapping
from typing import Any

from bilag.integrations.model import Book, Delivery, Filters, Integration

INTEGRATION_COLUMNS = """
i.id, i.organization_id, i.key, i.name, i.integration_type, i.enabled, i.is_route, i.settings,
i.filters, i.delivery, i.mapping_version, i.is_draft, b.id AS book_id, b.key AS book_key,
b.name AS book_name, b.currency, b.year_start_month, b.number_prefix, b.number_start,
b.rounding_account, b.closed_through
"""


def integration_of(row: Mapping[str, Any]) -> Integration:
    """Return the integration, with its book, of a row with INTEGRATION_COLUMNS."""
    return Integration(
        id=row["id"],
        organization_id=row["organization_id"],
        key=row["key"],
        name=row["name"],
        type=row["integration_type"],
        enabled=row["enabled"],
        is_route=row["is_route"],
        settings=row["settings"],
        filters=Filters.model_validate(row["filters"]),
        delivery=Delivery.model_validate(row["delivery"]),
        mapping_version=row["mapping_version"],
        book=Book(
            id=row["book_id"],
            organization_id=row["organization_id"],
            key=row["book_key"],
            name=row["book_name"],
            currency=row["currency"],
            year_start_month=row["year_start_month"],
            number_prefix=row["number_prefix"],
            number_start=row["number_start"],
            rounding_account=row["rounding_account"],
            closed_through=row["closed_through"],
        ),
        is_draft=row["is_draft"],
    )
