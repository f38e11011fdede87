"""The steps in which an integration is set up: their order, names and addresses.

Some are pages of the wizard, some the pages of a finished integration; nothing is read here.
"""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

INTEGRATIONS = "/o/{slug}/settings/integrations"

# Each step with its name and where it stands below the integration.
_STEPS: Mapping[str, tuple[Promise, str]] = {
    "system": (_("System"), "setup/system"),
    "credentials": (_("Credentials"), "setup/credentials"),
    "test": (_("Test"), "setup/test"),
    "accounts": (_("Accounts and cost centres"), "setup/accounts"),
    "fields": (_("Field mapping"), "mapping"),
    "data": (_("Included data"), "data"),
    "schedule": (_("Schedule"), "schedule"),
    "confirm": (_("Confirm"), "setup/confirm"),
}


class Step(NamedTuple):
    """One step: its key, name and address, and whether it is the one that is shown."""

    key: str
    name: Promise
    address: str
    is_current: bool


def steps(slug: str, integration_key: str, current: str = "") -> list[Step]:
    """Return all steps of an integration, in order; raises KeyError for an unknown current one."""
    if current and current not in _STEPS:
        raise KeyError(current)
    home = f"{INTEGRATIONS.format(slug=slug)}/{integration_key}"
    return [
        Step(key, name, f"{home}/{place}", key == current) for key, (name, place) in _STEPS.items()
    ]


def step_named(slug: str, integration_key: str, step: str) -> Step:
    """Return a step by its key; raises KeyError for an unknown one."""
    return Step(step, _STEPS[step][0], step_address(slug, integration_key, step), False)


def step_address(slug: str, integration_key: str, step: str) -> str:
    """Return where a step is; raises KeyError for an unknown one."""
    return f"{INTEGRATIONS.format(slug=slug)}/{integration_key}/{_STEPS[step][1]}"


def next_step(slug: str, integration_key: str, step: str) -> str:
    """Return the address of the step that follows; of the last one, that of the integration."""
    keys = list(_STEPS)
    following = keys[keys.index(step) + 1 :]
    if not following:
        return f"{INTEGRATIONS.format(slug=slug)}/{integration_key}"
    return step_address(slug, integration_key, following[0])
