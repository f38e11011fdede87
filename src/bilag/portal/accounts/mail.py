"""E-mails about coming in; without a mail server (BILAG_SMTP_URL) nothing is sent.

Failure policy: one try while the person waits. What was not sent is told, and the link is shown.
"""

from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation


def can_mail() -> bool:
    """Return whether a mail server is set up."""
    return bool(settings.MAIL)


def mail(template: str, address: str, language: str, context: dict[str, Any]) -> str:
    """Send an e-mail of `accounts/email/`; returns what went wrong, or an empty text."""
    with translation.override(language):
        subject = render_to_string(f"accounts/email/{template}_subject.txt", context).strip()
        text = render_to_string(f"accounts/email/{template}_message.txt", context)
    try:
        send_mail(" ".join(subject.split()), text, settings.DEFAULT_FROM_EMAIL, [address])
    except (SMTPException, OSError, ValueError) as error:
        # a ValueError: the mail library can make nothing out to such an address
        return type(error).__name__
    return ""
