"""Two organizations for tests: Alice's, and Charlie's, who is an outsider and must see nothing."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from bilag.integrations.books import save_book
from bilag.integrations.model import (
    Book,
    Delivery,
    Filters,
    Integration,
    book_id,
    integration_id,
    organization_id,
)
from bilag.integrations.store import save_integration
from bilag.tenants.organizations import Organization, save_organization
from bilag.tenants.scope import organization_scope, organization_scope_async

ALICE = organization_id("alice")
CHARLIE = organization_id("charlie")
LEDGER = integration_id(ALICE, "ledger")


@contextmanager
def scope(url: str, organization: UUID) -> Iterator[psycopg.Connection[Any]]:
    """A connection inside the organization's scope, committed at the end."""
    with (
        psycopg.connect(url, autocommit=True) as connection,
        organization_scope(connection, organization),
    ):
        yield connection


@asynccontextmanager
async def scope_async(url: str, organization: UUID) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """The same as the worker sees it."""
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
        organization_scope_async(connection, organization),
    ):
        yield connection


def a_book(organization: UUID = ALICE, key: str = "main", **changes: Any) -> Book:
    """A book in NOK."""
    return Book(book_id(organization, key), organization, key, "Main book", "NOK", **changes)


def an_integration(organization: UUID = ALICE, key: str = "ledger", **changes: Any) -> Integration:
    """A REST integration, the route to the organization's main book."""
    fields: dict[str, Any] = {
        "name": "Ledger",
        "type": "rest",
        "enabled": True,
        "is_route": True,
        "settings": {"baseUrl": "https://ledger.example.com"},
        "filters": Filters(),
        "delivery": Delivery(),
        "mapping_version": 0,
        "book": a_book(organization),
        **changes,
    }
    return Integration(integration_id(organization, key), organization, key, **fields)


def two_organizations(url: str) -> None:
    """Make Alice's and Charlie's organization, each with a book and an integration `ledger`."""
    for organization, slug in ((ALICE, "alice"), (CHARLIE, "charlie")):
        with scope(url, organization) as connection:
            save_organization(connection, Organization(organization, slug, slug.title()))
            save_book(connection, a_book(organization))
            save_integration(connection, an_integration(organization))


def switched_off(one: Integration) -> Integration:
    """Return an integration as it is while nothing is sent (C6)."""
    return replace(one, enabled=False)
