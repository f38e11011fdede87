"""Runs npm's OpenID Connect provider (`oidc-provider`), and signs in at it as a person does."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import requests

FOLDER = Path(__file__).parent / "provider"
SECRET = "canary-secret-of-the-provider"
CALLBACK = "http://localhost/account/oidc/federation/callback/"
_PATIENCE_SECONDS = 30


@contextmanager
def running_provider() -> Iterator[str]:
    """Install the provider by its lock file, run it for the block, and yield its issuer."""
    path = f"{os.environ['PATH']}:{Path(sys.executable).parent}"
    npm, node = shutil.which("npm", path=path), shutil.which("node", path=path)
    assert npm, "npm is needed"
    assert node, "node is needed"
    if not (FOLDER / "node_modules" / ".package-lock.json").exists():
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=FOLDER, check=True, capture_output=True)
    with subprocess.Popen(
        [node, "server.mjs", SECRET, CALLBACK],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait(_PATIENCE_SECONDS)


def sign_in_there(address: str, account: str) -> str:
    """Sign in at the provider and consent, as its pages ask; returns the address it sends back to.

    The account `name+address` has that e-mail address.
    """
    person = requests.Session()
    answer = person.get(address, allow_redirects=False)
    for _ in range(20):
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["Location"])
            if target.startswith(CALLBACK):
                person.close()
                return target
            answer = person.get(target, allow_redirects=False)
            continue
        form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
        assert form, answer.text
        prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
        assert prompt, answer.text
        fields = {"prompt": prompt[1], "login": account, "password": "anything"}
        answer = person.post(urljoin(answer.url, form[1]), fields, allow_redirects=False)
    raise AssertionError(f"the provider does not come to an end: {answer.url}")
