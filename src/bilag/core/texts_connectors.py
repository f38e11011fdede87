"""Sentences about accounting systems and the way to them, as code -> (bokmål, nynorsk, English).

`reason` is what the network or the system said, with secrets stripped; it is not translated.
"""

CONNECTOR_TEXTS: dict[str, tuple[str, str, str]] = {
    # The way there
    "connector.dns": (
        "Fant ikke navnet {host}. Se etter skrivefeil i adressen.",
        "Fann ikkje namnet {host}. Sjå etter skrivefeil i adressa.",
        "The name {host} was not found. Check the address for spelling mistakes.",
    ),
    "connector.refused": (
        "Ingen svarer på {host}. Sjekk adresse og port, og at systemet kjører.",
        "Ingen svarar på {host}. Sjekk adresse og port, og at systemet køyrer.",
        "Nothing answers at {host}. Check address and port, and that the system runs.",
    ),
    "connector.tls": (
        "Sertifikatet til {host} kan ikke godkjennes, så ingenting ble sendt. Sjekk adressen, "
        "eller be leverandøren fornye sertifikatet. ({reason})",
        "Sertifikatet til {host} kan ikkje godkjennast, så ingenting vart sendt. Sjekk adressa, "
        "eller be leverandøren fornye sertifikatet. ({reason})",
        "The certificate of {host} cannot be verified, so nothing was sent. Check the address, or "
        "ask the supplier to renew the certificate. ({reason})",
    ),
    "connector.not_tls": (
        "{host} svarer ikke med https, så ingenting ble sendt. Sjekk adresse og port.",
        "{host} svarar ikkje med https, så ingenting vart sendt. Sjekk adresse og port.",
        "{host} does not answer with https, so nothing was sent. Check address and port.",
    ),
    "connector.timeout": (
        "{host} ga ikke et fullstendig svar innen fristen. Spør leverandøren hvis det fortsetter.",
        "{host} gav ikkje eit fullstendig svar innan fristen. Spør leverandøren om det held fram.",
        "{host} gave no complete answer in time. Ask the supplier if it goes on.",
    ),
    "connector.private_address": (
        "{host} er en privat adresse, eller en adresse uten https. Bruk https, eller be den "
        "som drifter bilag, tillate adressen for organisasjonen.",
        "{host} er ei privat adresse, eller ei adresse utan https. Bruk https, eller be den "
        "som driftar bilag, tillate adressa for organisasjonen.",
        "{host} is a private address, or one without https. Use https, or ask the operator of "
        "bilag to allow the address for this organization.",
    ),
    "connector.too_large": (
        "Svaret fra {host} er altfor stort. Sjekk at adressen er et API og ikke en fil.",
        "Svaret frå {host} er altfor stort. Sjekk at adressa er eit API og ikkje ei fil.",
        "The answer of {host} is far too large. Check that the address is an API, not a file.",
    ),
    "connector.disconnected": (
        "{host} brøt forbindelsen før hele svaret kom. Spør leverandøren hvis det fortsetter.",
        "{host} braut sambandet før heile svaret kom. Spør leverandøren om det held fram.",
        "{host} cut the connection before the whole answer came. Ask the supplier if it goes on.",
    ),
    "connector.not_http": (
        "{host} svarer, men ikke slik et API gjør. Sjekk adresse og port.",
        "{host} svarar, men ikkje slik eit API gjer. Sjekk adresse og port.",
        "{host} answers, but not as an API does. Check address and port.",
    ),
    "connector.network": (
        "Forbindelsen til {host} feilet. Sjekk adressen, og spør den som drifter bilag. ({reason})",
        "Sambandet med {host} svikta. Sjekk adressa, og spør den som driftar bilag. ({reason})",
        "The connection to {host} failed. Check the address, and ask the operator of bilag. "
        "({reason})",
    ),
    "connector.late": (
        "Fristen for å sende gikk ut før noe ble sendt. Det sendes på nytt.",
        "Fristen for å sende gjekk ut før noko vart sendt. Det blir sendt på nytt.",
        "The time to send ran out before anything was written. It will be sent again.",
    ),
    # What it answered
    "connector.redirect": (
        "{host} viser videre til {target}. Vi følger ikke viderevisninger; skriv inn den "
        "endelige adressen.",
        "{host} viser vidare til {target}. Vi følgjer ikkje vidarevisingar; skriv inn den "
        "endelege adressa.",
        "{host} redirects to {target}. Redirects are not followed; enter the final address.",
    ),
    "connector.credentials_refused": (
        "Systemet godtar ikke innloggingen (HTTP {status}). Sjekk nøkkel, brukernavn og "
        "passord, og at de ikke er utløpt.",
        "Systemet godtek ikkje innlogginga (HTTP {status}). Sjekk nøkkel, brukarnamn og "
        "passord, og at dei ikkje har gått ut.",
        "The system does not accept the login (HTTP {status}). Check key, user name and "
        "password, and that they have not expired.",
    ),
    "connector.forbidden": (
        "Innloggingen er godtatt, men mangler rettigheter (HTTP {status}). Gi den tilgang til "
        "{path} i systemet.",
        "Innlogginga er godteken, men manglar rettar (HTTP {status}). Gje ho tilgang til {path} "
        "i systemet.",
        "The login is known but lacks rights (HTTP {status}). Give it access to {path} in the "
        "system.",
    ),
    "connector.nothing_there": (
        "{path} finnes ikke hos {host} (HTTP {status}). Sjekk adressen og stien.",
        "{path} finst ikkje hos {host} (HTTP {status}). Sjekk adressa og stien.",
        "There is no {path} at {host} (HTTP {status}). Check base address and path.",
    ),
    "connector.proxy": (
        "En mellomtjener krever innlogging (HTTP 407). Snakk med den som drifter bilag.",
        "Ein mellomtenar krev innlogging (HTTP 407). Snakk med den som driftar bilag.",
        "A proxy asks for a login (HTTP 407). Talk to the operator of bilag.",
    ),
    "connector.too_many": (
        "{host} tar ikke imot mer akkurat nå (HTTP {status}). Det går over av seg selv.",
        "{host} tek ikkje imot meir akkurat no (HTTP {status}). Det går over av seg sjølv.",
        "{host} takes no more right now (HTTP {status}). That passes by itself.",
    ),
    "connector.system_fault": (
        "{host} meldte en egen feil (HTTP {status}). Spør leverandøren hvis det fortsetter.",
        "{host} melde ein eigen feil (HTTP {status}). Spør leverandøren om det held fram.",
        "{host} reported a fault of its own (HTTP {status}). Ask the supplier if it goes on.",
    ),
    "connector.unexpected_status": (
        "{host} svarte HTTP {status}, som innstillingene ikke sier noe om. Sjekk adresse og "
        "innstillinger.",
        "{host} svara HTTP {status}, som innstillingane ikkje seier noko om. Sjekk adresse og "
        "innstillingar.",
        "{host} answered HTTP {status}, which the settings say nothing about. Check address "
        "and settings.",
    ),
    "connector.not_json": (
        "Svaret fra {path} er ikke JSON. Sjekk at adressen er et API og ikke en nettside.",
        "Svaret frå {path} er ikkje JSON. Sjekk at adressa er eit API og ikkje ei nettside.",
        "The answer of {path} is not JSON. Check that the address is an API, not a web page.",
    ),
    "connector.success_unproven": (
        "Systemet svarte HTTP {status}, men svaret beviser ikke at bilaget er mottatt: {missing}.",
        "Systemet svara HTTP {status}, men svaret prov ikkje at bilaget er motteke: {missing}.",
        "The system answered HTTP {status}, but the answer does not prove that it took the "
        "voucher: {missing}.",
    ),
    "connector.conflict": (
        "Systemet meldte en konflikt (HTTP 409); bilaget kan være postert fra før.",
        "Systemet melde ein konflikt (HTTP 409); bilaget kan vere postert frå før.",
        "The system reported a conflict (HTTP 409); the voucher may be posted already.",
    ),
    # Login
    "connector.secret_missing": (
        "{secret} mangler. Legg den inn under pålogging.",
        "{secret} manglar. Legg han inn under pålogging.",
        "{secret} is missing. Enter it under login.",
    ),
    "connector.secret_unusable": (
        "{secret} har linjeskift eller tegn som ikke kan sendes. Lim den inn på nytt.",
        "{secret} har linjeskift eller teikn som ikkje kan sendast. Lim han inn på nytt.",
        "{secret} holds a line break or a sign that cannot be sent. Paste it again.",
    ),
    "connector.token_refused": (
        "Innloggingstjenesten avviste klienten (HTTP {status}). Sjekk klient-id og scope, og "
        "at klienthemmeligheten er riktig og ikke utløpt.",
        "Innloggingstenesta avviste klienten (HTTP {status}). Sjekk klient-id og scope, og at "
        "klientløyndommen er rett og ikkje har gått ut.",
        "The token address refused the client (HTTP {status}). Check client id and scope, and "
        "that the client secret is right and has not expired.",
    ),
    "connector.token_missing": (
        "Svaret fra {host} har ingen access_token. Sjekk adressen for token.",
        "Svaret frå {host} har ingen access_token. Sjekk adressa for token.",
        "The answer of {host} holds no access_token. Check the token address.",
    ),
    "connector.token_expired": (
        "Innloggingen gikk ut underveis. Det hentes en ny.",
        "Innlogginga gjekk ut undervegs. Ei ny blir henta.",
        "The login expired on the way. A new one is fetched.",
    ),
    # Company
    "connector.company_unreadable": (
        "Svaret fra {path} har ingen firma-id der innstillingene sier ({pointer}). Sjekk "
        "innstillingene for firma.",
        "Svaret frå {path} har ingen firma-id der innstillingane seier ({pointer}). Sjekk "
        "innstillingane for firma.",
        "The answer of {path} holds no company id where the settings say ({pointer}). Check "
        "the settings of the company.",
    ),
    "connector.wrong_company": (
        "Innloggingen gir tilgang til firma {found}, men innstillingene venter {expected}, så "
        "ingenting blir sendt. Rett innstillingene, eller bruk en innlogging til riktig firma.",
        "Innlogginga gjev tilgang til firma {found}, men innstillingane ventar {expected}, så "
        "ingenting blir sendt. Rett innstillingane, eller bruk ei innlogging til rett firma.",
        "The login reaches company {found}, but the settings expect {expected}, so nothing is "
        "sent. Mend the settings, or use a login to the right company.",
    ),
    # Look-up
    "connector.hit_unreadable": (
        "Svaret på oppslaget kan ikke leses: {missing}. Sjekk innstillingene for oppslag.",
        "Svaret på oppslaget kan ikkje lesast: {missing}. Sjekk innstillingane for oppslag.",
        "The answer to the look-up cannot be read: {missing}. Check the settings of the look-up.",
    ),
    "connector.other_reference": (
        "Oppslaget på {reference} ga et bilag med en annen referanse ({other}). Søket velger "
        "ikke etter referanse; sjekk innstillingene for oppslag.",
        "Oppslaget på {reference} gav eit bilag med ein annan referanse ({other}). Søket vel "
        "ikkje etter referanse; sjekk innstillingane for oppslag.",
        "The look-up of {reference} gave a voucher with another reference ({other}). The "
        "search does not select by reference; check the settings of the look-up.",
    ),
    "connector.no_look_up": (
        "Innstillingene har ikke noe oppslag.",
        "Innstillingane har ikkje noko oppslag.",
        "The settings hold no look-up.",
    ),
    "connector.made_up_found": (
        "Oppslaget fant en referanse som ikke finnes. Sjekk stien og feltet for referansen.",
        "Oppslaget fann ein referanse som ikkje finst. Sjekk stien og feltet for referansen.",
        "The look-up found a reference that does not exist. Check its path and reference field.",
    ),
    "connector.known_not_found": (
        "Oppslaget fant ikke {reference}, som er postert. Sjekk stien og feltet for referansen.",
        "Oppslaget fann ikkje {reference}, som er postert. Sjekk stien og feltet for referansen.",
        "The look-up did not find {reference}, which is posted. Check its path and reference "
        "field.",
    ),
    # A check that went well
    "connector.check_passed": (
        "Forbindelsen virker, og oppslag på referanse er bevist.",
        "Sambandet verkar, og oppslag på referanse er prova.",
        "The connection works, and look-up by reference is proven.",
    ),
    "connector.check_look_up_unproven": (
        "Forbindelsen virker. Oppslag på referanse er ikke bevist før et bilag er postert.",
        "Sambandet verkar. Oppslag på referanse er ikkje prova før eit bilag er postert.",
        "The connection works. Look-up by reference is not proven until a voucher is posted.",
    ),
    "connector.check_no_look_up": (
        "Forbindelsen virker. Uten oppslag må en person avgjøre når et svar blir borte.",
        "Sambandet verkar. Utan oppslag må ein person avgjere når eit svar blir borte.",
        "The connection works. Without a look-up a person has to decide when an answer is lost.",
    ),
    "connector.check_login_unproven": (
        "{host} svarer, men innloggingen er ikke prøvd: verken firma eller oppslag er satt opp.",
        "{host} svarar, men innlogginga er ikkje prøvd: verken firma eller oppslag er sett opp.",
        "{host} answers, but the login was not tried: neither company nor look-up is set up.",
    ),
    "connector.list_late": (
        "Ikke hentet: tiden for testen var ute.",
        "Ikkje henta: tida for testen var ute.",
        "Not fetched: the time for the test was up.",
    ),
    "connector.list_unread": (
        "Ikke hentet. ({reason})",
        "Ikkje henta. ({reason})",
        "Not fetched. ({reason})",
    ),
}
