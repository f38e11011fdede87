"""Ways to log in, what Entra says no with, master data, and what a check finds in the settings.

The certificate is made for the test; no secret of it is sent.
"""

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.core.outcome import Accepted, Misconfigured, ReferenceItem
from tests.conformance.business_central import (
    CLIENT,
    SECRET,
    TENANT,
    harness_of,
    settings_of,
    start_business_central,
)
from tests.conformance.suite import Harness, sandbox_fixture
from tests.sandboxes import SandboxProcess, start_sandbox

sandbox = sandbox_fixture(start_business_central)


def certified() -> tuple[str, str]:
    """A private key with its certificate, and the certificate alone, both as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bilag test")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(day)
        .not_valid_after(day + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return secret + public, public


async def test_a_certificate_logs_in_and_another_one_does_not(tmp_path: Path) -> None:
    pem, public = certified()
    file = tmp_path / "certificate.pem"
    file.write_text(public)
    with start_sandbox(
        "business-central", tenant=TENANT, client_id=CLIENT, certificate=str(file)
    ) as running:
        harness = replace(harness_of(running, auth="certificate"), secrets={"private_key": pem})
        async with harness.session() as session:
            outcome = await harness.send(session, harness.submission())
        other = replace(harness, secrets={"private_key": certified()[0]})
        async with other.session() as session:
            refused = await other.connector.check(session)
        for broken in ("no key", public, pem.replace(public, certified()[1])):
            without = replace(harness, secrets={"private_key": broken})
            async with without.session() as session:
                said = await without.send(session, without.submission(2))
            assert isinstance(said, Misconfigured)
            assert said.problem is not None
            assert said.problem.code == "dynamics.key_unusable"
    assert isinstance(outcome, Accepted)
    assert not refused.ok
    assert refused.problem is not None
    assert refused.problem.code == "dynamics.client_refused"


async def test_user_name_and_access_key_are_sent_as_they_are(sandbox: SandboxProcess) -> None:
    changes = {"auth": "basic", "username": "BILAG", "environment": "", "tenant": ""}
    harness = replace(harness_of(sandbox, **changes), secrets={"password": SECRET})
    async with harness.session() as session:
        token = await Wire.of(session).log_in()
        harness.sandbox.set(application="disabled")
        report = await harness.connector.check(session)
        assert SECRET not in session.http.redact(token.header)
    assert token.header.startswith("Basic ")
    assert not report.ok


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"clientId": "99999999-5b2d-4f68-9e41-d0c7a8b6f512"}, "dynamics.client_unauthorized"),
        ({"scope": "https://other.example.com/.default"}, "dynamics.scope_refused"),
        ({"scope": "nothing"}, "dynamics.scope_refused"),
    ],
)
async def test_entra_refusals_are_told_by_their_code(
    sandbox: SandboxProcess, changes: dict[str, Any], code: str
) -> None:
    harness = harness_of(sandbox, **changes)
    async with harness.session() as session:
        outcome = await harness.send(session, harness.submission())
        report = await harness.connector.check(session)
    assert isinstance(outcome, Misconfigured)
    assert outcome.problem is not None
    assert outcome.problem.code == code
    assert report.problem is not None
    assert report.problem.code == code


async def test_an_expired_secret_and_a_missing_right_stop_the_integration(
    sandbox: SandboxProcess,
) -> None:
    for option in ({"secret_expired": True}, {"application": "no_permission"}):
        harness = harness_of(sandbox)
        sandbox.set(**option)
        async with harness.session() as session:
            outcome = await harness.send(session, harness.submission())
        assert isinstance(outcome, Misconfigured)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"company": "Another Organization"}, "dynamics.company_missing"),
        ({"dimensions": {"costCentre": "KOSTSTED"}}, "dynamics.dimension_missing"),
        ({"environment": "Test"}, "dynamics.read_refused"),
    ],
)
async def test_a_check_names_the_setting_that_breaks_us(
    sandbox: SandboxProcess, changes: dict[str, Any], code: str
) -> None:
    harness = harness_of(sandbox, **changes)
    async with harness.session() as session:
        report = await harness.connector.check(session)
    assert not report.ok
    assert report.problem is not None
    assert report.problem.code == code, report.message


async def test_the_company_may_be_named_by_its_id(sandbox: SandboxProcess) -> None:
    harness = harness_of(sandbox, company="A1B2C3D4-1111-4222-8333-444455556666")
    async with harness.session() as session:
        report = await harness.connector.check(session)
    assert report.ok
    assert report.company_name == "Sandbox Organization"


async def read_all(harness: Harness, kind: str) -> list[ReferenceItem]:
    """Master data of a kind."""
    async with harness.session() as session:
        return [item async for item in harness.connector.reference_data(kind, session)]


async def test_master_data_is_read_page_by_page(sandbox: SandboxProcess) -> None:
    harness = harness_of(sandbox)
    sandbox.set(page_size=3, blocked_accounts="7350")
    accounts = {one.code: one for one in await read_all(harness, "accounts")}
    centres = await read_all(harness, "cost_centres")
    periods = {one.code: one.usable for one in await read_all(harness, "periods")}
    kinds = {kind: await read_all(harness, kind) for kind in harness.connector.reference_kinds
             if kind != "projects"}  # fmt: skip
    assert accounts["7140"].usable
    assert not accounts["7350"].usable
    assert not accounts["7999"].usable
    assert ("200", "Volunteers") in [(one.code, one.name) for one in centres]
    assert (periods["2025-01-01"], periods["2026-03-01"]) == (False, True)
    assert all(kinds.values())
    assert {one.code for one in await read_all(harness, "projects")} == {"P100", "P200"}
    assert sandbox.requests()["paths"]["GET /accounts"] > 5


async def test_master_data_that_cannot_be_read_says_why(sandbox: SandboxProcess) -> None:
    harness = harness_of(sandbox, dimensions={})
    with pytest.raises(ValueError, match="no dimension for cost centres"):
        await read_all(harness, "cost_centres")
    with pytest.raises(ValueError, match="none of"):
        await read_all(harness, "nonsense")
    sandbox.faults({"kind": "error_before", "on": "read"})
    with pytest.raises(ValueError, match="fault of its own"):
        await read_all(harness, "accounts")


def test_the_harness_fits_what_customers_have() -> None:
    """The addresses are those of the real service."""
    real = settings_of("https://api.businesscentral.dynamics.com")
    assert real.api_root == (
        f"https://api.businesscentral.dynamics.com/v2.0/{TENANT}/Production/api/v2.0"
    )
