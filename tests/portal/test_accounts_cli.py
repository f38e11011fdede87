"""The operator's commands: the first administrator's link, starting over, global administrators."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import structlog

from bilag.app.cli import run
from bilag.app.cli_errors import safe_text
from bilag.app.serve import prepare
from bilag.app.sign_in_settings import SignInRefused, mail_settings, pages_address
from tests.portal.people import Human, is_signed_in, joined, new_browser, text_of
from tests.portal.stage import Portal

Bilag = Callable[..., tuple[int, str, str]]
GUEST = "v017@example.org"


@pytest.fixture
def bilag(
    portal: Portal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Bilag]:
    monkeypatch.setenv("BILAG_HOME", str(tmp_path))
    handlers, level = logging.root.handlers, logging.root.level

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(arguments)
        prepare(portal.stage.installation)  # the command's own is closed again
        return code, *capsys.readouterr()

    yield call
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def path_of(printed: str) -> str:
    assert printed.startswith("http://localhost:8080/account/")
    return printed.strip().removeprefix("http://localhost:8080")


def test_the_first_administrator_comes_in_by_a_link(portal: Portal, bilag: Bilag) -> None:
    code, printed, _ = bilag("invite", "alice", GUEST, "--role", "admin")
    assert code == 0
    human = Human(GUEST)
    human.accept(path_of(printed))
    human.set_up_app()
    assert human.browser.get("/o/alice/settings/members").status_code == 200
    assert bilag("invite", "alice", GUEST, "--role", "admin")[0] != 0, "a member is not invited"
    assert bilag("invite", "nowhere", GUEST, "--role", "admin")[0] != 0
    assert bilag("invite", "alice", "nobody", "--role", "admin")[0] != 0
    assert bilag("invite", "alice", GUEST)[0] == 2


def test_a_person_starts_over(portal: Portal, bilag: Bilag) -> None:
    human = joined(portal, GUEST)
    code, printed, said = bilag("reset-sign-in", GUEST.upper())
    assert code == 0
    assert "signed out everywhere" in said
    assert not is_signed_in(human.browser)
    form = new_browser().get(path_of(printed), follow=True)
    assert "Choose a new password" in text_of(form)
    code, printed, said = bilag("reset-sign-in", "nobody@example.org")
    assert (code != 0, printed) == (True, "")
    assert "nobody is known here" in said


def test_global_administrators_are_made_by_the_owner_only(
    portal: Portal, bilag: Bilag, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, printed, _ = bilag("global-admin", "add", GUEST.upper())
    assert code == 0
    link = path_of(printed)
    assert bilag("global-admin", "list")[1] == f"{GUEST}\n"
    assert bilag("global-admin", "add", GUEST)[1] == "", "an account is there already"
    browser = new_browser()
    form = browser.get(link, follow=True)
    new = "seventeen quiet ledgers"
    browser.post(form.context["action_url"], {"password1": new, "password2": new})
    Human(GUEST, browser).set_up_app()
    assert browser.get("/")["Location"] == "/admin-overview"
    assert bilag("global-admin", "remove", GUEST)[0] == 0
    assert bilag("global-admin", "list")[1] == ""
    monkeypatch.setenv("BILAG_DATABASE_OWNER_URL", portal.stage.database.application_url)
    assert bilag("global-admin", "add", GUEST)[0] != 0, "the application's role may not"
    with psycopg.connect(portal.stage.database.owner_url) as owner:
        assert owner.execute("SELECT * FROM global_admins").fetchall() == []


def test_the_address_of_the_pages_and_the_mail_server_are_read_strictly() -> None:
    assert pages_address({}) == ""
    assert pages_address({"BILAG_URL": "https://bilag.example.org/"}) == "https://bilag.example.org"
    for wrong in ("bilag.example.org", "ftp://bilag.example.org", "https://example.org/bilag"):
        with pytest.raises(SignInRefused, match="BILAG_URL"):
            pages_address({"BILAG_URL": wrong})
    found = mail_settings({"BILAG_SMTP_URL": "smtp://a%40b:p%2Fw@mail.example.org"})
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("a@b", "p/w")
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (
        587,
        True,
        False,
    )
    implicit = mail_settings({"BILAG_SMTP_URL": "smtps://mail.example.org"})
    assert (implicit["EMAIL_PORT"], implicit["EMAIL_USE_SSL"]) == (465, True)
    relay = mail_settings({"BILAG_SMTP_URL": "smtp://127.0.0.1:25"})
    assert relay["EMAIL_USE_TLS"] is False
    with pytest.raises(SignInRefused) as refused:
        mail_settings({"BILAG_SMTP_URL": "https://a:canary@mail.example.org"})
    assert "canary" not in str(refused.value)


def test_a_link_reaches_no_log() -> None:
    for secret, path in (
        ("x" * 40, "/account/invitation/{}/"),
        ("a-b-c", "/account/password/reset/key/{}/"),
    ):
        said = safe_text(f"Internal Server Error: {path.format(secret)}")
        assert secret not in said
        assert "[secret]" in said
