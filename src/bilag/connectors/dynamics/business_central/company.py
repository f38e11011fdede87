"""Finds the one company that the settings expect among those the login reaches.

Asked once a session, so that every address below it names a company that was seen.
"""

from bilag.connectors.dynamics.business_central.stop import stopped
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.dynamics.odata import Item, plain
from bilag.core.outcome import Company, Evidence, Misconfigured, RetryLater


async def company_path(wire: Wire, *, once_seconds: float | None = None) -> str:
    """Return `companies(id)`, asked for once a session; raises Stop when it is not there."""
    if wire.company is None:
        # Before the lock: whoever waits for a login that fails does not try it one by one.
        await wire.log_in(once_seconds)
    async with wire.company_lock:
        company = wire.company or await find_company(wire, once_seconds=once_seconds)
    return f"companies({company.id})"


async def find_company(wire: Wire, *, once_seconds: float | None = None) -> Company:
    """Ask for the companies and return the expected one; raises Stop."""
    items, evidence = await wire.read_all("companies", once_seconds=once_seconds)
    expected = wire.settings.company.strip().casefold()
    for item in items:
        names = [plain(item.get(name)) for name in ("id", "name", "displayName")]
        if expected in [name.strip().casefold() for name in names]:
            wire.company = Company(identifier(item, evidence), names[1] or names[2])
            return wire.company
    found = ", ".join(plain(item.get("name")) for item in items[:20])
    raise stopped(
        Misconfigured,
        "dynamics.company_missing",
        evidence,
        expected=wire.settings.company,
        found=wire.http.redact(found),
    )


def identifier(item: Item, evidence: Evidence) -> str:
    """Return the id of an item; raises Stop when it is none that an address can hold."""
    found = plain(item.get("id"))
    if not found or any(sign in found for sign in "()/?#'% "):
        raise stopped(RetryLater, "dynamics.unreadable", evidence, reason="an id is missing")
    return found
