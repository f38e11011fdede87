"""Sentences about people, invitations and roles, as code -> (bokmål, nynorsk, English)."""

PEOPLE_TEXTS: dict[str, tuple[str, str, str]] = {
    "email_not_valid": (
        "Skriv en e-postadresse, for eksempel navn@eksempel.no.",
        "Skriv ei e-postadresse, til dømes namn@eksempel.no.",
        "Enter an e-mail address, for example name@example.org.",
    ),
    "member_already": (
        "{email} er allerede med i organisasjonen. Endre rollen i listen i stedet.",
        "{email} er allereie med i organisasjonen. Endre rolla i lista i staden.",
        "{email} already belongs to the organization. Change the role in the list instead.",
    ),
    "member_unknown": (
        "{email} er ikke med i organisasjonen.",
        "{email} er ikkje med i organisasjonen.",
        "{email} does not belong to the organization.",
    ),
    "last_admin": (
        "{email} er den siste administratoren. Gjør en annen til administrator først.",
        "{email} er den siste administratoren. Gjer ein annan til administrator først.",
        "{email} is the last administrator. Make somebody else an administrator first.",
    ),
    "role_not_valid": (
        "Velg en rolle: {roles}.",
        "Vel ei rolle: {roles}.",
        "Choose a role: {roles}.",
    ),
    "invitation_unknown": (
        "Invitasjonen finnes ikke lenger: den er godtatt eller trukket tilbake.",
        "Invitasjonen finst ikkje lenger: han er godteken eller trekt tilbake.",
        "The invitation is no longer there: it was accepted or withdrawn.",
    ),
    "invitation_ended": (
        "Lenken kan ikke brukes lenger: den er brukt, trukket tilbake eller eldre enn {days}"
        " dager. Be en administrator om en ny.",
        "Lenkja kan ikkje brukast lenger: ho er brukt, trekt tilbake eller eldre enn {days}"
        " dagar. Be ein administrator om ei ny.",
        "The link can no longer be used: it was used, withdrawn, or is older than {days} days."
        " Ask an administrator for a new one.",
    ),
    "invitation_for_another": (
        "Invitasjonen gjelder en annen e-postadresse enn den du er logget inn med. Logg ut og åpne"
        " lenken på nytt.",
        "Invitasjonen gjeld ei anna e-postadresse enn den du er logga inn med. Logg ut og opne"
        " lenkja på nytt.",
        "The invitation is for another e-mail address than the one you are signed in with. Sign"
        " out and open the link again.",
    ),
    "mail_failed": (
        "E-posten ble ikke sendt ({reason}). Gi lenken videre selv.",
        "E-posten vart ikkje send ({reason}). Gi lenkja vidare sjølv.",
        "The e-mail was not sent ({reason}). Hand the link over yourself.",
    ),
}
