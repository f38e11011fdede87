"""Copies integrations, with the books they post to, to another organization (C15).

No secret is copied, and neither is what belongs to people: members, the sign-off of the declaration
and which claimant is which supplier. What is new there is switched off until somebody enables it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg

from bilag.core.problem import Problem, Refused
from bilag.delivery.destinations import Connectors, refuse_to_lead_elsewhere
from bilag.exports.filtered import follow_filters
from bilag.integrations.books import get_book, save_book
from bilag.integrations.model import Book, Integration, book_id, integration_id
from bilag.integrations.store import (
    get_integration,
    integration_by_target,
    list_integrations,
    lock_integrations,
    read_mapping,
    save_integration,
    save_mapping,
    stored,
)
from bilag.tenants.scope import organization_scope

Audit = Callable[[psycopg.Connection[Any], UUID, str, str, str, dict[str, Any]], None]

# What a mapping holds of one organization's own people.
_OF_PEOPLE = ("claimants",)


@dataclass(frozen=True, slots=True)
class Copied:
    """One thing that was copied: `book` or `integration`, its key, and whether it was there."""

    kind: str
    key: str
    replaced: bool


def copy_configuration(
    connection: psycopg.Connection[Any],
    source: UUID,
    target: UUID,
    *,
    key: str,
    replacing: bool,
    by: str,
    audit: Audit,
    connectors: Connectors | None = None,
) -> list[Copied]:
    """Copy one integration, or (without a key) all of them; all or nothing.

    A book that is there already stays as it is. Raises Refused for an unknown key, for a draft, and
    for an integration that is there already unless it is to be replaced; it then stays on or off.
    With `connectors`, none is replaced by what would lead its stored secrets elsewhere.
    """
    with connection.transaction():
        with organization_scope(connection, source):
            chosen = (
                [integration_by_target(connection, source, key)]
                if key
                else list_integrations(connection, source)
            )
            if drafts := [one.key for one in chosen if one.is_draft]:
                raise Refused(Problem("copy_draft", params={"integration": ", ".join(drafts)}))
            mappings = {
                one.key: read_mapping(connection, source, one.id, one.mapping_version)
                for one in chosen
            }
        copied: list[Copied] = []
        with organization_scope(connection, target):
            there = {one.key: one for one in lock_integrations(connection, target)}
            taken = sorted(there.keys() & {one.key for one in chosen})
            if taken and not replacing:
                raise Refused(Problem("copy_exists", params={"keys": ", ".join(taken)}))
            for one in chosen:
                book = get_book(connection, target, one.book.key)
                if book is None:
                    book = _new_book(one.book, target)
                    save_book(connection, book)
                    detail = {"copiedFrom": str(source)}
                    audit(connection, target, by, "book.created", f"book {book.key}", detail)
                    copied.append(Copied("book", book.key, replaced=False))
                if connectors is not None and (old := there.get(one.key)) is not None:
                    refuse_to_lead_elsewhere(connection, connectors, old, one)
                copied.append(
                    _copy(connection, one, mappings[one.key], book, by=by, audit=audit)
                )  # fmt: skip
    return copied


def _new_book(book: Book, target: UUID) -> Book:
    # which days are closed is for the accountant of that organization to say
    return replace(
        book, id=book_id(target, book.key), organization_id=target, closed_through=None
    )  # fmt: skip


def _copy(
    connection: psycopg.Connection[Any],
    one: Integration,
    mapping: dict[str, Any] | None,
    book: Book,
    *,
    by: str,
    audit: Audit,
) -> Copied:
    target = book.organization_id
    old = get_integration(connection, target, one.key)
    new = replace(
        one,
        id=integration_id(target, one.key),
        organization_id=target,
        enabled=old.enabled if old else False,
        is_route=old.is_route if old else one.is_route,
        mapping_version=old.mapping_version if old else 0,
        book=book,
        is_draft=old is not None and old.is_draft,
    )
    save_integration(connection, new)
    if old is not None and old.filters != new.filters:
        follow_filters(connection, new, actor=by)
    if mapping is not None:
        own = read_mapping(connection, target, new.id, new.mapping_version) or {}
        document = {name: value for name, value in mapping.items() if name not in _OF_PEOPLE}
        kept = {name: own[name] for name in _OF_PEOPLE if name in own}
        save_mapping(connection, target, new.id, {**document, **kept}, by)
    audit(
        connection, target, by, "integration.changed" if old else "integration.created",
        f"integration {one.key}",
        {
            "copiedFrom": str(one.organization_id),
            "settings": json.dumps(sorted(one.settings)),
            "delivery": json.dumps(stored(one.delivery), sort_keys=True),
        },
    )  # fmt: skip
    return Copied("integration", one.key, replaced=old is not None)
