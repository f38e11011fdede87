"""The verbs for credentials (C4, C5): what may be shown of them, and a new one for an old one.

A new one is tried against the live system before it is stored; reading one back is not offered.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from bilag.connectors.interface import Connector
from bilag.core.outcome import ConnectionReport
from bilag.core.problem import Problem, Refused
from bilag.delivery.connection_test import ConnectionTests
from bilag.exports.audit import record_change
from bilag.integrations.callback_secret import callback_key
from bilag.integrations.keys import Vault
from bilag.integrations.model import Integration
from bilag.integrations.runtime import clear_error
from bilag.integrations.store import (
    integration_by_target,
    list_integrations,
    lock_integrations,
)
from bilag.integrations.vault import (
    CALLBACK_CREDENTIAL,
    CredentialDescription,
    describe_credentials,
    put_credential,
)
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A credential to be set, in clear; `repr` does not show it."""

    secret: str = field(repr=False)
    expires_at: datetime | None = None


class Credentials:
    """The verbs for one organization; every call opens its own tenant scope."""

    def __init__(
        self,
        pool: Pool,
        connectors: Mapping[str, Connector[Any]],
        vault: Vault,
        organization_id: UUID,
        *,
        actor: str,
    ) -> None:
        self._pool = pool
        self._connectors = connectors
        self._vault = vault
        self._organization_id = organization_id
        self._actor = actor
        self._tests = ConnectionTests(pool, connectors, vault, organization_id, actor=actor)

    def describe(
        self, target_system: str = ""
    ) -> list[tuple[Integration, list[CredentialDescription]]]:
        """Return each integration with what may be shown of its credentials.

        Raises Refused when `target_system` names no integration.
        """
        with self._scope() as connection:
            chosen = (
                [integration_by_target(connection, self._organization_id, target_system)]
                if target_system
                else list_integrations(connection, self._organization_id)
            )
            return [
                (one, describe_credentials(connection, self._organization_id, one.id))
                for one in chosen
            ]

    def replace(
        self,
        target_system: str,
        new: Mapping[str, NewSecret],
        *,
        test: bool = True,
        language: str = "en",
    ) -> ConnectionReport | None:
        """Try new credentials and put them in place of the old, which stay in reserve.

        Returns the report of the test, None without one: a draft has a step of its own for it.
        Raises Refused, with nothing stored, when the integration has no such field or the test does
        not pass. Secrets that belong together (a user's name and password) are given together.
        """
        with self._scope() as connection:
            integration = integration_by_target(connection, self._organization_id, target_system)
        refuse_unknown_secrets(self._connectors.get(integration.type), integration, new)
        report = None
        if test and not integration.is_draft:
            secrets = {name: one.secret for name, one in new.items()}
            report = self._tests.try_with(integration, secrets=secrets, language=language)
            if not report.ok:
                said = report.problem.text(language) if report.problem else report.message
                raise Refused(Problem("credential_check_failed", params={"message": said}))
        with self._scope() as connection:
            (now,) = lock_integrations(connection, self._organization_id, integration.id)
            if (now.settings, now.is_draft) != (integration.settings, integration.is_draft):
                raise Refused(Problem("settings_changed_meanwhile"))
            for name, one in sorted(new.items()):
                put_credential(
                    connection, self._vault, self._organization_id, integration.id, name,
                    one.secret, self._actor, one.expires_at, keep_old=not integration.is_draft,
                )  # fmt: skip
                expires = one.expires_at.date().isoformat() if one.expires_at else ""
                self._note(
                    connection, "credential.set", f"credential {integration.key}.{name}",
                    {"expires": expires, "tested": report is not None},
                )  # fmt: skip
            # What stopped it may be mended; each sync looks again before it sends anything.
            if clear_error(connection, integration.id):
                subject = f"integration {integration.key}"
                self._note(connection, "integration.error_cleared", subject, {})
        return report

    def _note(
        self,
        connection: psycopg.Connection[Any],
        event: str,
        subject: str,
        detail: dict[str, Any],
    ) -> None:
        record_change(connection, self._organization_id, self._actor, event, subject, detail)

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection


def refuse_unknown_secrets(
    connector: Connector[Any] | None, integration: Integration, new: Mapping[str, NewSecret]
) -> None:
    """Raise Refused naming each field that is not a secret of this kind of system.

    A callback secret that anybody could guess is refused as well.
    """
    known = (*(connector.secret_fields if connector else ()), CALLBACK_CREDENTIAL)
    params = {"type": integration.type, "known": ", ".join(known)}
    if unknown := sorted(set(new) - set(known)):
        raise Refused(*(Problem("secret_unknown", name, params=params) for name in unknown))
    if CALLBACK_CREDENTIAL in new:
        callback_key(new[CALLBACK_CREDENTIAL].secret)
