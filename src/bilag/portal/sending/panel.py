"""How an integration sends, in a few words, for the page that shows all of it."""

from dataclasses import dataclass

from bilag.core.schedule_words import pause_words, words
from bilag.delivery.configured import Timed
from bilag.portal.scope import Desk
from bilag.portal.sending.words import moment_words


@dataclass(frozen=True, slots=True)
class Panel:
    """State, schedule in words, next run, pauses; texts are empty where there is nothing."""

    key: str
    name: str
    enabled: bool
    schedule: str
    next_run: str
    paused_until: str
    pauses: tuple[str, ...]


def panel_of(timed: Timed, language: str) -> Panel:
    """Return the panel of an integration, in `nb`, `nn` or `en`."""
    one, zone = timed.integration, timed.schedule.zone
    return Panel(
        key=one.key,
        name=one.name,
        enabled=one.enabled,
        schedule=words(timed.schedule, language),
        next_run=moment_words(timed.next_run_at, zone) if timed.next_run_at else "",
        paused_until=moment_words(timed.paused_until, zone) if timed.paused_until else "",
        pauses=tuple(pause_words(pause, language) for pause in timed.schedule.pauses),
    )


def read_panel(desk: Desk, key: str) -> Panel:
    """Return the panel of an integration by its key; raises LookupError for an unknown one."""
    return panel_of(desk.integrations.timed(key), desk.language)
