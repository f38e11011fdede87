"""The example of docs/connectors.md: two organizations on the sandboxes of the two ledgers."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from tests.database.cli_place import Place
from tests.database.test_cli_commands import place  # noqa: F401 - a fixture
from tests.sandboxes import SandboxProcess, start_sandbox

EXAMPLES = Path(__file__).parents[2] / "examples"
CLAIMS, PROFILE = EXAMPLES / "claims-sample.csv", EXAMPLES / "claims-sample.yaml"
XLEDGER, BUSINESS_CENTRAL = "blindeforbundet-xledger", "hlf-business-central"
POSTED, HELD, EXCLUDED = 20, 1, 1


def test_the_example_delivers_to_both_ledgers(
    place: Place,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XLEDGER_API_TOKEN", "sandbox-token")
    monkeypatch.setenv("ENTRA_CLIENT_SECRET", "sandbox-client-secret")
    claims = shutil.copy(CLAIMS, place.home)  # what is bad would be written beside it
    # the check and the worker, one process here, would meet Xledger's limit and pause
    with (
        start_sandbox("xledger", burst_requests=1000) as xledger,
        start_sandbox("business-central") as central,
    ):
        example = (EXAMPLES / "two-ledgers.yaml").read_text(encoding="utf-8")
        for before, sandbox in (("8902", xledger), ("8903", central)):
            assert f"http://127.0.0.1:{before}" in example
            example = example.replace(f"http://127.0.0.1:{before}", sandbox.url)
        (place.home / "two-ledgers.yaml").write_text(example, encoding="utf-8")
        assert place.bilag("apply", place.home / "two-ledgers.yaml").code == 0
        for slug in (XLEDGER, BUSINESS_CENTRAL):
            assert place.bilag("check-connection", slug).code == 0
            taken = place.bilag("import", claims, "--organization", slug, "--profile", PROFILE)
            assert taken.code == 0
        assert place.bilag("worker", "--once").code == 0
        found = _states(place)
        # what Xledger has not booked yet is accepted
        posted = found.pop("exported") + found.pop("accepted", 0)
        assert (posted, found) == (2 * POSTED, {"held": 2 * HELD, "excluded": 2 * EXCLUDED})
        for sandbox in (xledger, central):
            _holds_every_claim_once(sandbox)
        assert len({entry["journal"] for entry in central.ledger()["entries"]}) == 1
        assert place.bilag("status").code == 1


def _states(place: Place) -> dict[str, int]:  # noqa: F811
    return dict(place.rows("SELECT state, count(*) FROM exports GROUP BY state"))


def _holds_every_claim_once(sandbox: SandboxProcess) -> None:
    summary = sandbox.ledger(summary=True)
    assert (summary["count"], summary["duplicateReferences"]) == (POSTED, {})
    assert Decimal(summary["sums"]["NOK"]) == Decimal("51279.50")
