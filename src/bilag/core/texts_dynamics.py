"""Sentences about Microsoft Dynamics 365, as code -> (bokmål, nynorsk, English).

`message` is what the system said, in English and with secrets stripped; it is not translated.
"""

DYNAMICS_TEXTS: dict[str, tuple[str, str, str]] = {
    # Login in Entra
    "dynamics.client_refused": (
        "Entra avviste klienten (HTTP {status}). Sjekk klient-id, og at hemmeligheten er "
        "verdien og ikke id-en, og ikke utløpt.",
        "Entra avviste klienten (HTTP {status}). Sjekk klient-id, og at løyndommen er "
        "verdien og ikkje id-en, og ikkje har gått ut.",
        "Entra refused the client (HTTP {status}). Check the client id, and that the "
        "secret is its value, not its id, and has not expired.",
    ),
    "dynamics.client_unauthorized": (
        "Appen finnes ikke i Entra, eller har ikke lov til å logge inn slik (HTTP {status}). "
        "Sjekk klient-id, og gi appen programtillatelsen API.ReadWrite.All med samtykke fra "
        "administrator.",
        "Appen finst ikkje i Entra, eller har ikkje lov til å logge inn slik (HTTP {status}). "
        "Sjekk klient-id, og gje appen programløyvet API.ReadWrite.All med samtykke frå "
        "administrator.",
        "The app is not in Entra, or may not log in this way (HTTP {status}). Check the client "
        "id, and give the app the application permission API.ReadWrite.All with an "
        "administrator's consent.",
    ),
    "dynamics.scope_refused": (
        "Entra kjenner ikke det det bes om tilgang til (HTTP {status}). Sjekk scope og leietaker.",
        "Entra kjenner ikkje det det blir bede om tilgang til (HTTP {status}). Sjekk "
        "scope og leigetakar.",
        "Entra does not know what access is asked for (HTTP {status}). Check scope and tenant.",
    ),
    "dynamics.request_refused": (
        "Entra forstår ikke forespørselen om innlogging (HTTP {status}). Sjekk leietaker, "
        "klient-id og scope.",
        "Entra forstår ikkje førespurnaden om innlogging (HTTP {status}). Sjekk leigetakar, "
        "klient-id og scope.",
        "Entra does not understand the request to log in (HTTP {status}). Check tenant, client "
        "id and scope.",
    ),
    "dynamics.key_unusable": (
        "{secret} kan ikke brukes: {reason}. Lim inn privat nøkkel (RSA, uten passord) og "
        "sertifikat i PEM-format.",
        "{secret} kan ikkje brukast: {reason}. Lim inn privat nøkkel (RSA, utan passord) og "
        "sertifikat i PEM-format.",
        "{secret} cannot be used: {reason}. Paste the private key (RSA, without password) and its "
        "certificate in PEM form.",
    ),
    # Settings of the company
    "dynamics.company_missing": (
        "Innloggingen gir ikke tilgang til selskapet {expected}, men til: {found}. Rett navnet "
        "i innstillingene, eller gi appen tilgang.",
        "Innlogginga gjev ikkje tilgang til selskapet {expected}, men til: {found}. Rett "
        "namnet i innstillingane, eller gje appen tilgang.",
        "The login does not reach the company {expected}; it reaches: {found}. Mend the name "
        "in the settings, or give the app access.",
    ),
    "dynamics.dimension_missing": (
        "Selskapet har ikke dimensjonen {dimension}, men: {found}. Rett innstillingene for "
        "dimensjoner.",
        "Selskapet har ikkje dimensjonen {dimension}, men: {found}. Rett innstillingane for "
        "dimensjonar.",
        "The company has no dimension {dimension}; it has: {found}. Mend the settings of "
        "dimensions.",
    ),
    "dynamics.no_cost_centres": (
        "Innstillingene sier ikke hvilken dimensjon som er kostnadssted.",
        "Innstillingane seier ikkje kva for dimensjon som er kostnadsstad.",
        "The settings name no dimension for cost centres.",
    ),
    "dynamics.balancing_account": (
        "Kladden {journal} får motkonto {account}, og da ville hver linje bli postert to ganger. "
        "Fjern standard motkonto fra kladdemalen. Ingenting ble postert.",
        "Kladden {journal} får motkonto {account}, og då ville kvar linje bli postert to gonger. "
        "Fjern standard motkonto frå kladdemalen. Ingenting vart postert.",
        "The journal {journal} gets the balancing account {account}, so that each line would be "
        "posted twice over. Remove the default balancing account from the journal template. "
        "Nothing was posted.",
    ),
    "dynamics.journal_setting": (
        "Kladden {journal} har innstillingen {setting}, og da finner vi ikke igjen bilagene. Fjern "
        "den fra kladdemalen. Ingenting ble postert.",
        "Kladden {journal} har innstillinga {setting}, og då finn vi ikkje att bilaga. Fjern ho "
        "frå kladdemalen. Ingenting vart postert.",
        "The journal {journal} has the setting {setting}, under which vouchers would not be found "
        "again. Remove it from the journal template. Nothing was posted.",
    ),
    "dynamics.number_series": (
        "Nummerserien til kladden tar ikke imot våre bilagsnumre. Fjern nummerserien fra "
        "kladdemalen, eller tillat manuelle numre. ({message})",
        "Nummerserien til kladden tek ikkje imot bilagsnumra våre. Fjern nummerserien frå "
        "kladdemalen, eller tillat manuelle nummer. ({message})",
        "The journal's number series does not take our document numbers. Remove the number series "
        "from the journal template, or allow manual numbers. ({message})",
    ),
    # What stands in a journal
    "dynamics.stray_line": (
        "I kladden {journal} står linje {line} (bilag {document}), som ikke er vår. Ingenting "
        "blir postert før den er flyttet eller slettet i Business Central.",
        "I kladden {journal} står linje {line} (bilag {document}), som ikkje er vår. Ingenting "
        "blir postert før ho er flytta eller sletta i Business Central.",
        "In the journal {journal} stands line {line} (document {document}), which is not ours. "
        "Nothing is posted before it is moved or deleted in Business Central.",
    ),
    "dynamics.journal_altered": (
        "Kladden {journal} er ikke slik vi la den inn (linje {line}). Ingenting blir postert før "
        "noen har sett på den i Business Central.",
        "Kladden {journal} er ikkje slik vi la han inn (linje {line}). Ingenting blir postert før "
        "nokon har sett på han i Business Central.",
        "The journal {journal} is not as we put it there (line {line}). Nothing is posted before "
        "somebody has looked at it in Business Central.",
    ),
    "dynamics.not_taken_out": (
        "Det er ikke sikkert at alle våre linjer er borte fra {journal}.",
        "Det er ikkje sikkert at alle linjene våre er borte frå {journal}.",
        "It is not certain that all our lines are gone from {journal}.",
    ),
    "dynamics.left_as_draft": (
        "Lagt i kladden {journal} for regnskapsføreren, ikke postert.",
        "Lagt i kladden {journal} for rekneskapsføraren, ikkje postert.",
        "Left in the journal {journal} for the accountant, not posted.",
    ),
    # What the ledger shows
    "dynamics.in_job_queue": (
        "Business Central har tatt imot bilaget og posterer det senere med jobbkøen.",
        "Business Central har teke imot bilaget og posterer det seinare med jobbkøen.",
        "Business Central took the voucher and posts it later by the job queue.",
    ),
    "dynamics.not_in_ledger": (
        "Business Central svarte at bilaget er postert, men det står ikke i finanspostene under "
        "vårt nummer. Sjekk om kladdemalen har en egen nummerserie for postering.",
        "Business Central svara at bilaget er postert, men det står ikkje i finanspostane under "
        "nummeret vårt. Sjekk om kladdemalen har ein eigen nummerserie for postering.",
        "Business Central answered that the voucher is posted, but the general ledger does not "
        "show it under our number. Check whether the journal template has a posting number series.",
    ),
    "dynamics.posted_otherwise": (
        "Bilaget står i finanspostene fra før med beløp {found}, mens vi mente {meant}, eller det "
        "er postert flere ganger eller reversert.",
        "Bilaget står i finanspostane frå før med beløp {found}, medan vi meinte {meant}, eller "
        "det er postert fleire gonger eller reversert.",
        "The voucher stands in the general ledger already with the amount {found}, where we meant "
        "{meant}, or it was posted more than once or reversed.",
    ),
    "dynamics.posted_already": (
        "Allerede postert: {references}. Det kan ikke trekkes tilbake, bare reverseres.",
        "Allereie postert: {references}. Det kan ikkje trekkjast tilbake, berre reverserast.",
        "Already posted: {references}. It cannot be taken back, only reversed.",
    ),
    "dynamics.invoice_amount": (
        "Fakturaen ville blitt på {found} i stedet for {meant}. Sjekk mva-oppsettet på kontoene og "
        "leverandøren. Ingenting ble postert.",
        "Fakturaen ville blitt på {found} i staden for {meant}. Sjekk mva-oppsettet på kontoane og "
        "leverandøren. Ingenting vart postert.",
        "The invoice would be for {found} instead of {meant}. Check the VAT set-up of accounts and "
        "vendor. Nothing was posted.",
    ),
    "dynamics.known_not_found": (
        "Oppslaget fant ikke {reference}, som er postert. Sjekk selskap og rettigheter, og at "
        "postering ikke gir bilaget et annet nummer.",
        "Oppslaget fann ikkje {reference}, som er postert. Sjekk selskap og rettar, og at "
        "postering ikkje gjev bilaget eit anna nummer.",
        "The look-up did not find {reference}, which is posted. Check company and rights, and that "
        "posting gives the voucher no other number.",
    ),
    # Other answers
    "dynamics.refused": (
        "Business Central sa nei: {message}",
        "Business Central sa nei: {message}",
        "Business Central refused: {message}",
    ),
    "dynamics.read_refused": (
        "Business Central ga ikke det vi ba om: «{message}» Sjekk adresse, miljø, selskap og "
        "rettigheter.",
        "Business Central gav ikkje det vi bad om: «{message}» Sjekk adresse, miljø, selskap "
        "og rettar.",
        "Business Central did not give what was asked for: “{message}” Check address, "
        "environment, company and rights.",
    ),
    "dynamics.locked": (
        "En annen økt i Business Central holder de samme postene. Det prøves igjen senere.",
        "Ei anna økt i Business Central held dei same postane. Det blir prøvd igjen seinare.",
        "Another session in Business Central holds the same records. It will be tried again later.",
    ),
    "dynamics.unreadable": (
        "Svaret fra Business Central kan ikke leses. Sjekk adressen, og spør leverandøren hvis "
        "den er riktig.",
        "Svaret frå Business Central kan ikkje lesast. Sjekk adressa, og spør leverandøren om "
        "ho er rett.",
        "The answer of Business Central cannot be read. Check the address, and ask the "
        "supplier if it is right.",
    ),
}
