"""The mapping editor in a real browser: every state of its pages, and a walk by keyboard alone."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bilag.delivery.mapping_editor import MappingEditor
from tests.portal.axe import axe, in_dark, in_forced_colours, narrow, structure
from tests.portal.browser import NARROW, WIDE, Window, open_window
from tests.portal.live import Live
from tests.portal.place import FILLED

KEY = "rest"
BASE = f"/o/{FILLED}/settings/integrations/{KEY}/mapping"
CENTRAL = f"/o/{FILLED}/settings/integrations/dynamics/mapping"
XLEDGER = f"/o/{FILLED}/settings/integrations/xledger/mapping"
STATES = (
    "/categories", "/categories?search=nothing-has-this", "/categories/type",
    "/categories/type?type=porto", "/categories/general", "/categories/default/mileage",
    "/categories/codes/costCentres", "/categories/codes/vatCodes/code?code=1",
    "/claimants", "/claimants/one", "/claimants/one?claimant=V017", "/claimants/payees",
    "/claimants/import", "/fields", "/fields?add=line", "/fields/rule?section=voucherText",
    "/fields/rule?section=lineText", "/fields/rule?section=lineText&part=1",
    "/fields/rule?section=header&name=forfall", "/versions", "/versions/compare?old=1&new=2",
    "/versions/1/restore", "/preview", "/unsaved", "/save",
)  # fmt: skip
# What the status region was told last.
_SAID = "#status p.ds-sr-only"
_OPEN = "document.querySelectorAll('main details').forEach(one => { one.open = true; })"


def editor(live: Live, subject: str = "admin@example.org") -> MappingEditor:
    verbs = live.place.installation
    return verbs.mapping_editor_of(live.place.organizations[FILLED], f"user {subject}")


@pytest.fixture(scope="module")
def edited(live: Live) -> Iterator[MappingEditor]:
    """A mapping with something of everything in it, saved twice, and changed again."""
    ours = editor(live)
    ours.discard(KEY)
    header = {
        "forfall": {"from": "voucher.postingDate", "date": "DD.MM.YYYY"},
        "merknad": {"join": [{"from": "sourceId"}, {"from": "text"}], "separator": ": "},
    }
    ours.change(KEY, {"header": header, "claimants": {"V017": "10017"}})
    ours.change(KEY, {"costCentres": {"codes": {"oslo": "210"}}, "vatCodes": {"codes": {"1": "3"}}})
    ours.save(KEY)
    ours.change(KEY, {"categories": {"porto": {"account": "6941"}}, "counterAccount": "2400"})
    ours.change(KEY, {"claimants": {"V018": "10018"}, "line": {"km": {"from": "line.quantity"}}})
    yield ours
    ours.discard(KEY)


def window_of(browser: Browser, live: Live, language: str = "en") -> Window:
    context = browser.new_context(
        locale=language, viewport=WIDE, color_scheme="light",
        reduced_motion="reduce",  # type: ignore[arg-type]
    )  # fmt: skip
    cookies = {**live.place.people["admin"].cookies(), "django_language": language}
    context.add_cookies([{"name": n, "value": v, "url": live.origin} for n, v in cookies.items()])
    return open_window(context, live.origin)


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_state_can_be_used_by_everybody(
    browser: Browser, live: Live, edited: MappingEditor, language: str
) -> None:
    window = window_of(browser, live, language)
    wrong: list[str] = []
    titles: dict[str, str] = {}
    states = [BASE + state for state in STATES]
    states += [XLEDGER + "/fields?add=header", CENTRAL + "/fields"] if language == "nb" else []
    for path in states:
        assert window.page.request.get(live.origin + path).status == 200, path
        window.go(path)
        window.page.evaluate(_OPEN)
        found = [*structure(window, language), *axe(window), *in_dark(window)]
        if language == "nb":
            found += in_forced_colours(window)
            _keep_pictures(window, path)
        found += [*narrow(window, thoroughly=language == "nb"), *window.mistakes()]
        title = window.page.title()
        # the same page of another integration has its title
        if (
            path.startswith(BASE)
            and titles.setdefault(title, path).split("?")[0] != path.split("?")[0]
        ):
            found.append(f'"{title}" is also the title of {titles[title]}')
        wrong += [f"{path}: {one}" for one in found]
    window.page.context.close()
    assert not wrong, "\n".join(wrong)


def test_a_field_is_mapped_by_keyboard_alone(
    browser: Browser, live: Live, edited: MappingEditor
) -> None:
    window = window_of(browser, live)
    page = window.page
    window.go(BASE + "/fields")
    _tab_to(page, "Add a field of the voucher")
    page.keyboard.press("Enter")
    page.wait_for_url("**/fields?add=header*")
    assert _focused(page) == "header-3-path", "the new row has the focus"
    page.keyboard.type("Posting date")
    page.keyboard.press("Tab")
    assert _focused(page) == "header-3-name"
    page.keyboard.type("reference")
    page.keyboard.press("Tab")
    expect(page.locator(_SAID)).to_contain_text("The mapping has 1 problem. The field “reference”")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("dato")
    page.keyboard.press("Tab")
    expect(page.locator(_SAID)).to_have_text("The mapping can be saved.")
    assert _focused_text(page).startswith("Change how row 4"), "nothing took the focus away"
    page.keyboard.press("Enter")
    page.wait_for_url("**/fields/rule?section=header&name=dato*")
    _tab_to(page, "", "id_date")
    page.keyboard.type("31.01")
    page.keyboard.press("Tab")
    expect(page.locator("#values")).to_contain_text("04.03.2026")
    expect(page.locator(_SAID)).to_have_text("Value: 04.03.2026")
    _tab_to(page, "Keep this rule")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/fields/rule" not in url)
    assert edited.working_copy(KEY).document["header"]["dato"] == {
        "from": "voucher.postingDate", "date": "DD.MM.YYYY",
    }  # fmt: skip
    edited.change(KEY, {"header": {"dato": None}})
    assert not window.mistakes()
    page.context.close()


@pytest.mark.parametrize("type_", ["?type=annet", ""], ids=["seen", "new"])
def test_a_code_is_suggested_and_its_name_said(
    browser: Browser, live: Live, edited: MappingEditor, type_: str
) -> None:
    window = window_of(browser, live)
    page = window.page
    window.go(BASE + "/categories/type" + type_)
    page.focus("#id_account")
    choices = page.locator("#id_account_choices option")
    expect(choices.first).to_be_attached()
    assert "7140 kollektivreise" in choices.all_text_contents(), "before anything is written"
    page.keyboard.type("7140")
    expect(page.locator("#id_account_name")).to_have_text("kollektivreise")
    expect(page.locator(_SAID)).to_have_text("7140: kollektivreise")
    assert _focused(page) == "id_account"
    assert not window.mistakes()
    page.context.close()


def test_a_field_of_the_app_is_dragged_onto_a_row(
    browser: Browser, live: Live, edited: MappingEditor
) -> None:
    window = window_of(browser, live)
    page = window.page
    window.go(BASE + "/fields")
    page.set_viewport_size({"width": 1280, "height": 2000})  # a drag must not begin with a scroll
    page.locator('[data-path="approvedAt"]').hover()
    page.mouse.down()
    page.locator("#header-0-path").hover()
    page.locator("#header-0-path").hover()  # two moves make it a drag
    page.mouse.up()
    assert page.input_value("#header-0-path") == "approvedAt"
    assert not window.mistakes()
    page.context.close()


def _tab_to(page: Page, text: str, id_: str = "") -> None:
    for _ in range(120):
        page.keyboard.press("Tab")
        if (id_ and _focused(page) == id_) or (text and _focused_text(page) == text):
            return
    raise AssertionError(f"{text or id_} cannot be reached by keyboard")


def _focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def _focused_text(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.replace(/\\s+/g, ' ').trim()"))


def _keep_pictures(window: Window, path: str) -> None:
    """Write pictures of a state, where BILAG_TEST_PICTURES names a folder for them."""
    folder = os.environ.get("BILAG_TEST_PICTURES")
    if not folder:
        return
    page: Any = window.page
    name = path.partition("/mapping")[2].strip("/").translate(str.maketrans("/?=&", "----"))
    page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=Path(folder) / f"{name}.dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(NARROW)
    page.screenshot(path=Path(folder) / f"{name}.320.png", full_page=True)
    page.set_viewport_size(WIDE)
