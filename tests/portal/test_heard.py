"""What is heard on the way through the pages by keyboard alone; the scripts are in `heard/`.

`make heard` writes them anew; a step that says nothing, or a focus without a name, fails.
"""

import pytest
from playwright.sync_api import Browser

from tests.portal.live import Live
from tests.portal.place import MAPPED, SECRET, WALKS
from tests.portal.visitors import PASSWORD, Visitor, code_now
from tests.portal.walking import LANGUAGES, Walk, listening, looked_at, said


@pytest.mark.parametrize("language", LANGUAGES)
def test_signing_in(browser: Browser, live: Live, language: str) -> None:
    """From the sign-in page, past a mistake, to the overview."""
    walker = live.place.people[f"walker-{language}"]
    nobody = Visitor("signed out")
    with listening(browser, live, "sign-in", language, nobody) as (listener, window):
        listener.open(f"{live.origin}/")
        listener.read()
        listener.to(f'button "{said(language, "Sign in")}"')
        listener.press("Enter")
        looked_at(window, language)
        listener.press("Tab")
        listener.press("Enter")
        listener.type(walker.email)
        listener.press("Tab")
        listener.type(PASSWORD, shown="PASSWORD")
        listener.press("Enter")
        listener.read()
        listener.to("textbox")
        listener.type(code_now(), shown="CODE")
        listener.press("Enter")
        listener.read()
        looked_at(window, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_connecting_xledger(browser: Browser, live: Live, language: str) -> None:
    """The whole wizard: from "Add integration" to a mapping, a schedule, and turned on."""
    walker = live.place.people[f"walker-{language}"]
    address = live.sandboxes["xledger"].url
    with listening(browser, live, "wizard-xledger", language, walker) as (listener, window):
        walk = Walk(listener, window, language)
        listener.open(f"{live.origin}/o/{WALKS[language]}/")
        listener.read()
        walk.follow("External integrations")
        walk.follow("Add integration")
        listener.to("#type")
        listener.press("ArrowDown")
        walk.fill(name="Xledger", key="xledger", book_name="Hovedbok")
        walk.send("Save and continue")
        listener.to("#secret.api_token")
        listener.type(SECRET, shown="SECRET")
        listener.to("disclosure button")
        listener.press("Enter")
        walk.fill(endpoint=f"{address}/graphql")
        walk.send("Save and continue")
        walk.send("Test the connection")
        walk.follow("Continue")
        walk.follow("Continue")
        _map_a_type(walk)
        walk.follow("Included data")
        walk.follow("Schedule")
        walk.follow("Confirm")
        walk.send("Turn %(name)s on", name="Xledger")
    (row,) = live.place.query(
        WALKS[language], "SELECT enabled, mapping_version FROM organization_integrations"
    )
    assert row == (True, 1)


def _map_a_type(walk: Walk) -> None:
    """The mapping editor: an expense type by its account, the counter-account, and saving."""
    listener = walk.listener
    walk.follow("Add an expense type")
    walk.fill(type="kollektivreise", account="7140")
    walk.send("Keep this")
    walk.follow("Change counter-account and lines")
    walk.fill(counterAccount="2990")
    walk.send("Keep this")
    walk.follow("See what saving does, and save")
    walk.send("Save the mapping")
    listener.read()


@pytest.mark.parametrize("language", LANGUAGES)
def test_mapping_a_field(browser: Browser, live: Live, language: str) -> None:
    """The mapping editor without a mouse: a field by drop-down, its rule, preview and saving."""
    slug = MAPPED[language]
    mapper = live.place.people[f"mapper-{language}"]
    with listening(browser, live, "mapping-editor", language, mapper) as (listener, window):
        walk = Walk(listener, window, language)
        listener.open(f"{live.origin}/o/{slug}/settings/integrations/rest/mapping")
        walk.skip()
        walk.follow("Fields")
        listener.to(f'button "{said(language, "Add a field of the voucher")}"')
        listener.press("Enter")
        listener.press("ArrowDown")
        listener.press("Tab")
        listener.type("dato")
        listener.press("Tab")
        listener.to(f'button "{said(language, "Keep these rows")}"')
        listener.press("Enter")
        listener.read()
        walk.skip()
        walk.follow("Preview")
        walk.follow("See what saving does, and save")
        walk.send("Save the mapping")
        walk.follow("Versions")
    editor = live.place.installation.mapping_editor_of(live.place.organizations[slug], "a test")
    assert "dato" in str(editor.working_copy("rest").document["header"])
