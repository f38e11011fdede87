"""An e-mail about alerts, in the language of the organization, by Django's mail.

The mail server is the operator's (BILAG_SMTP_URL), so it is not one of the tenants' targets (X4).
"""

from collections.abc import Sequence

from django.core.mail import EmailMessage

from bilag.core.texts import say
from bilag.monitoring.alerts import Alert


def send_mail(
    recipient: str, organization: str, alerts: Sequence[Alert], language: str, link: str
) -> None:
    """Send one person what happened and what to do; plain text, one message for all alerts.

    Raises OSError or SMTPException when the server did not take it, ValueError for an address that
    no mail can be made out to.
    """
    subject = say("alert_mail_subject", language, organization=organization, count=str(len(alerts)))
    parts = [
        f"{one.text(language)}\n{say('alert_mail_next', language, next=one.next_step(language))}"
        for one in alerts
    ]
    if link:
        parts.append(say("alert_mail_link", language, address=link))
    parts.append(say("alert_mail_foot", language))
    message = EmailMessage(
        subject=" ".join(subject.split()),
        body="\n\n".join(parts),
        to=[recipient],
        headers={"Auto-Submitted": "auto-generated", "Content-Language": language},
    )
    message.send()
