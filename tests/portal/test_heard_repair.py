"""What is heard where claims are mended, synced and controlled; the scripts are in `heard/`.

Claims are really sent to a sandbox; each walk ends with what stands in its ledger and in the log.
"""

import pytest
from django.utils.translation import ngettext, override
from playwright.sync_api import Browser

from bilag.portal.templatetags.portal import state_name
from tests.portal.heard_stage import MAPPING, SAME, Walked, open_walk
from tests.portal.live import Live
from tests.portal.walking import LANGUAGES, Walk, listening, said

# The second claim is answered so late that the page tells of the first one meanwhile.
_SLOW = {"kind": "slow", "seconds": 14.0, "at": [2]}


def counted(language: str, count: int, state: str) -> str:
    """Return what a link is called that says how many claims are in a state."""
    with override(language):
        return f"{count} {state_name(state)}"


def _doubtful_and_refused(live: Live, language: str) -> tuple[Walked, str]:
    """Leave a claim whose answer was lost, and two whose cost centre the ledger does not know."""
    centre = f"9{LANGUAGES.index(language)}17"
    own = open_walk(
        live, "reparasjon", "Reparasjonslaget", language,
        {**MAPPING, "costCentres": {"codes": {"17": centre, "18": "100"}}},
        requestTimeoutSeconds=1.0, sendWithinSeconds=1.0, settleSeconds=0.2,
    )  # fmt: skip
    own.sandbox.faults({"kind": "lost_answer", "at": [1]})
    own.hand_over(f"T-017-{language}", cost_centre="18")
    own.sync()
    own.until(lambda: set(own.states().values()) == {"needs_review"} and own.at_rest())
    own.sandbox.clear_faults()
    own.hand_over(f"T-018-{language}", f"T-019-{language}", cost_centre="17")
    own.sync()
    own.until(lambda: list(own.states().values()).count("failed") == 2 and own.at_rest())
    own.until(lambda: bool(own.query("SELECT 1 FROM alerts")))
    return own, centre


@pytest.mark.parametrize("language", LANGUAGES)
def test_repairing(browser: Browser, live: Live, language: str) -> None:
    """What was refused is retried by its cause, what is in doubt is decided with the evidence."""
    own, centre = _doubtful_and_refused(live, language)
    doubtful, *refused = (f"T-0{number}-{language}" for number in (17, 18, 19))
    with listening(browser, live, "repairing", language, own.visitor, *SAME) as (listener, window):
        walk = Walk(listener, window, language)
        listener.open(own.address)
        listener.read()
        walk.skip()
        walk.follow(counted(language, 2, "failed") + ", Regnskap")
        with override(language):
            both = ngettext(
                "The claim of cause %(number)s", "The %(n)s claims of cause %(number)s", 2
            )
        walk.follow(both % {"n": 2, "number": 1})
        own.sandbox.add_master_data(costCentres={centre: "Hamar"})
        walk.follow("All causes of failed claims")
        walk.send("Retry all claims of cause %(number)s", number=1)
        walk.back_to("Claims in doubt")
        walk.follow(doubtful)
        walk.follow("It is booked there")
        walk.fill(voucher_number="B-4711")
        walk.send("Note claim %(id)s as booked", id=doubtful)
        listener.press("Tab")
        listener.press("Enter")
        assert said(language, "Reason") in listener.focus
        listener.type("Funnet i hovedboken")
        walk.send("Note claim %(id)s as booked", id=doubtful)
        own.until(lambda: set(own.states().values()) == {"exported"} and own.at_rest())
        walk.back_to("Claims")
        walk.follow(f"{doubtful} , Regnskap")
    assert own.booked(doubtful, *refused) == {doubtful: 1, refused[0]: 1, refused[1]: 1}
    ((retried,),) = own.query("SELECT detail FROM change_logs WHERE event = 'export.retried'")
    assert len(retried["exports"]) == 2
    ((actor, decided),) = own.query(
        "SELECT actor, detail FROM change_logs WHERE event = 'export.decided'"
    )
    assert actor == f"user {own.visitor.email}"
    assert (decided["decision"], decided["voucherNumber"]) == ("exported", "B-4711")
    assert decided["reason"] == "Funnet i hovedboken"


@pytest.mark.parametrize("language", LANGUAGES)
def test_syncing_now(browser: Browser, live: Live, language: str) -> None:
    """A sync is confirmed with its count, told of while it runs, and its result is read."""
    own = open_walk(live, "synkronisering", "Synklaget", language, sendWithinSeconds=60.0)
    ids = [f"S-0{number}-{language}" for number in (17, 18, 19)]
    own.hand_over(*ids)
    own.sandbox.faults(_SLOW)
    with listening(browser, live, "sync-now", language, own.visitor, *SAME) as (listener, window):
        walk = Walk(listener, window, language)
        listener.open(own.address)
        listener.read()
        walk.skip()
        walk.follow("Sync %(name)s now", name="Regnskap")
        with live.without_worker():
            walk.send("Sync %(name)s now", name="Regnskap")
        listener.wait(20)
        listener.read()
        listener.wait(30)
        listener.read()
    own.sandbox.clear_faults()
    assert own.booked(*ids) == dict.fromkeys(ids, 1)
    ((actor, outcome),) = own.query("SELECT actor, outcome FROM sync_requests")
    assert (actor, outcome) == (f"user {own.visitor.email}", "ok")


@pytest.mark.parametrize("language", LANGUAGES)
def test_controlling(browser: Browser, live: Live, language: str) -> None:
    """The sums of a period are heard and sealed; one claim is found in the audit log."""
    own = open_walk(live, "kontroll", "Kontrollaget", language)
    ids = [f"K-0{number}-{language}" for number in (17, 18, 19)]
    own.hand_over(*ids)
    own.sync()
    own.until(lambda: set(own.states().values()) == {"exported"} and own.at_rest())
    same = (*SAME, (r'^(\s*)"\d+"$', r'\1"NUMBER"'))
    with listening(browser, live, "control", language, own.visitor, *same) as (listener, window):
        walk = Walk(listener, window, language)
        listener.open(own.address)
        walk.follow("Control report")
        for field, day in (("first", "01"), ("last", "30")):
            listener.to(f"#{field}")
            # the browser itself is in English here: its date fields begin with the month
            listener.type(f"11{day}2026")
        walk.send("Show the period")
        walk.send("Make the report for printing")
        walk.back_to("Audit log")
        listener.to("disclosure button")
        listener.press("Enter")
        walk.fill(record=ids[0])
        walk.send("Show")
    assert own.booked(*ids) == dict.fromkeys(ids, 1)
    ((actor, made),) = own.query(
        "SELECT actor, detail FROM change_logs WHERE event = 'control_report.made'"
    )
    assert actor == f"user {own.visitor.email}"
    assert made["hash"]
