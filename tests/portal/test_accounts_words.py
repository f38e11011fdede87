"""What the libraries say on our pages is said in the person's language; tables are as told."""

import pytest
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.test import Client
from django.utils import translation

from bilag.portal.accounts.borrowed import SENTENCES
from tests.portal.people import FACTORS, LOGIN, Human, invite, text_of
from tests.portal.stage import Portal

WORDS = {
    "nb": ("E-postadressen eller passordet er feil.", "For mange mislykkede", "Feil kode.",
           "for likt e-postadressen", "vanlig", "minst 12 tegn"),
    "nn": ("E-postadressa eller passordet er feil.", "For mange mislykka", "Feil kode.",
           "for likt e-postadressa", "vanleg", "minst 12 teikn"),
    "en": ("The email address and/or password", "Too many failed", "Incorrect code.",
           "too similar to the e-mail address", "too common", "at least 12 characters"),
}  # fmt: skip


@pytest.mark.parametrize("language", WORDS)
def test_the_libraries_speak_the_persons_language(portal: Portal, language: str) -> None:
    wrong, often, code, alike, common, short = WORDS[language]
    browser = Client(SERVER_NAME="localhost", headers={"accept-language": language})
    for number in range(6):
        page = text_of(browser.post(LOGIN, {"login": "x@example.org", "password": "x"}))
        assert (wrong if number < 5 else often) in page
    browser.get(invite(portal, "v017@example.org"))
    for password, said in (("v017@example.org", alike), ("password1234", common), ("a", short)):
        form = {"password1": password, "password2": password}
        assert said in text_of(browser.post("/account/invitation/", form))
    human = Human("v017@example.org", browser)
    human.accept(invite(portal, "v017@example.org"))
    page = text_of(browser.post("/account/2fa/totp/activate/", {"code": "000000"}))
    assert code in page
    assert f'<html lang="{language}"' in page
    assert browser.get("/o/alice/")["Location"] == FACTORS


def test_what_is_borrowed_is_still_said() -> None:
    """A sentence that a new version words otherwise would be said in English again."""
    with translation.override("en"):
        said = {
            str(sentence)
            for adapter in (DefaultAccountAdapter, DefaultMFAAdapter)
            for sentence in adapter.error_messages.values()
        }
    elsewhere = {one for one in SENTENCES if one not in said}
    assert elsewhere == {
        "You must type the same password each time.",
        "The password is too similar to the %(verbose_name)s.",
        "Use your password",
        "Use authenticator app or code",
        "Use a security key",
    }


def test_the_migrations_make_the_tables_that_the_models_tell() -> None:
    loader = MigrationLoader(None)
    with translation.override(None):  # names of fields are not told in a language
        models = ProjectState.from_apps(apps)
        changes = MigrationAutodetector(loader.project_state(), models).changes(graph=loader.graph)
    assert "portal_accounts" not in changes
