"""An e-mail about alerts, in the language of the organization, by Django's mail.

The mail server is the operator's (BILAG_SMTP_URL), so it is not one of the tenants' targets (X4).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.mail import EmailMessage

from bilag.core.texts import say
from bilag.monitoring.alerts import Alert
from bilag.monitoring.places import place_of


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom an e-mail goes to: in which role, of which organization, in which language.

    `portal` is the portal's own address, for links; without one there are none.
    """

    address: str
    role: str
    slug: str
    organization: str
    language: str
    portal: str


def send_mail(to: Reader, alerts: Sequence[Alert]) -> None:
    """Send one person what happened, what to do and where; plain text, one for all alerts.

    Raises OSError or SMTPException when the server did not take it, ValueError for an address that
    no mail can be made out to.
    """
    count = str(len(alerts))
    subject = say("alert_mail_subject", to.language, organization=to.organization, count=count)
    parts = [_part(to, one) for one in alerts]
    parts.append(say("alert_mail_foot", to.language))
    message = EmailMessage(
        subject=" ".join(subject.split()),
        body="\n\n".join(parts),
        to=[to.address],
        headers={"Auto-Submitted": "auto-generated", "Content-Language": to.language},
    )
    message.send()


def _part(to: Reader, one: Alert) -> str:
    next_step = say("alert_mail_next", to.language, next=one.next_step(to.language))
    lines = [one.text(to.language), next_step]
    if to.portal:
        place = place_of(one, to.slug, to.role, to.language)
        address = f"{to.portal}{place.path}"
        lines.append(say("alert_mail_link", to.language, place=place.name, address=address))
    return "\n".join(lines)
