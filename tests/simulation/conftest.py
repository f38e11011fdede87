"""The stage of the simulation: a sandbox without login, and an organization that posts to it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.sandboxes import SandboxProcess, start_sandbox
from tests.simulation.world import World, make_world


def rest_settings(
    url: str, *, look_up: bool = True, absent_statuses: Sequence[int] = (), **changes: Any
) -> dict[str, Any]:
    """Return settings of the Generic REST connector for a sandbox at `url`."""
    search = {
        "path": "/vouchers?reference={reference}",
        "hits": "/items",
        "reference": "/reference",
        "voucherNumber": "/voucherNumber",
        "absentStatuses": list(absent_statuses),
    }
    return {
        "baseUrl": url,
        "path": "/vouchers",
        "settleSeconds": 0.5,
        "success": {"voucherNumber": "/voucherNumber"},
        **({"lookUp": search} if look_up else {}),
        **changes,
    }


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    """A REST sandbox that takes every document without login and dedupes nothing."""
    with start_sandbox("rest", auth="none") as process:
        yield process


class MakeWorld(Protocol):
    """Sets up a world; keyword arguments go to `make_world`."""

    def __call__(
        self, *, look_up: bool = True, absent_statuses: Sequence[int] = (), **changes: Any
    ) -> World: ...


@pytest.fixture
def world_of(database: Any, sandbox: SandboxProcess, tmp_path: Path) -> Iterator[MakeWorld]:
    """Return a function that sets up the organization; its workers end with the test."""
    stack: list[Any] = []

    def make(*, look_up: bool = True, absent_statuses: Sequence[int] = (), **changes: Any) -> World:
        settings = rest_settings(
            sandbox.url, look_up=look_up, absent_statuses=absent_statuses,
            **changes.pop("settings", {}),
        )  # fmt: skip
        manager = make_world(
            database.application_url, database.owner_url, tmp_path, settings=settings, **changes
        )
        stack.append(manager)
        return manager.__enter__()

    yield make
    for manager in stack:
        manager.__exit__(None, None, None)


@pytest.fixture
def world(world_of: MakeWorld) -> World:
    """Return the usual world: look-up on, no idempotency key."""
    return world_of()
