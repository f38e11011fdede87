"""Sentences about Xledger, as code -> (bokmål, nynorsk, English).

`reason` is Xledger's own text, with secrets stripped; it is not translated.
"""

XLEDGER_TEXTS: dict[str, tuple[str, str, str]] = {
    "xledger.limit": (
        "Xledger tar ikke imot mer akkurat nå ({limit}). Det kan prøves igjen om {seconds} "
        "sekunder.",
        "Xledger tek ikkje imot meir akkurat no ({limit}). Det kan prøvast igjen om {seconds} "
        "sekund.",
        "Xledger takes no more right now ({limit}). It can be tried again in {seconds} seconds.",
    ),
    "xledger.login_refused": (
        "Xledger godtar ikke innloggingen (HTTP {status}): «{reason}» Sjekk at API-tokenet er "
        "riktig og ikke utløpt, og at det har tilgang til det som brukes.",
        "Xledger godtek ikkje innlogginga (HTTP {status}): «{reason}» Sjekk at API-tokenet er "
        "rett og ikkje har gått ut, og at det har tilgang til det som blir brukt.",
        "Xledger does not accept the login (HTTP {status}): “{reason}” Check that the API "
        "token is right and has not expired, and that its scopes cover what is used.",
    ),
    "xledger.schema_differs": (
        "Xledger kjenner ikke et felt som innstillingene bruker: «{reason}» Rett "
        "innstillingene; forbindelsestesten viser hva denne kunden har.",
        "Xledger kjenner ikkje eit felt som innstillingane bruker: «{reason}» Rett "
        "innstillingane; sambandstesten viser kva denne kunden har.",
        "Xledger does not know a field that the settings use: “{reason}” Mend the settings; "
        "the connection test shows what this tenant has.",
    ),
    "xledger.fault": (
        "Xledger svarte med en feil: «{reason}» Spør Xledger hvis det fortsetter.",
        "Xledger svara med ein feil: «{reason}» Spør Xledger om det held fram.",
        "Xledger answered with an error: “{reason}” Ask Xledger if it goes on.",
    ),
    "xledger.unreadable": (
        "{host} svarer ikke slik Xledgers GraphQL gjør. Sjekk adressen, og spør Xledger hvis "
        "den er riktig.",
        "{host} svarar ikkje slik Xledgers GraphQL gjer. Sjekk adressa, og spør Xledger om ho "
        "er rett.",
        "{host} does not answer as Xledger's GraphQL does. Check the address, and ask Xledger "
        "if it is right.",
    ),
    "xledger.part_taken": (
        "Xledger tok bare {taken} av {sent} linjer, eller meldte feil på linjer den tok.",
        "Xledger tok berre {taken} av {sent} linjer, eller melde feil på linjer han tok.",
        "Xledger took only {taken} of {sent} lines, or reported an error on lines it took.",
    ),
    "xledger.too_many_pages": (
        "{name} i Xledger har mer enn {pages} sider, så søket ble ikke fullført. Bruk et filter på "
        "extIdentifier der kunden har det, eller tillat flere sider.",
        "{name} i Xledger har meir enn {pages} sider, så søket vart ikkje fullført. Bruk eit "
        "filter på extIdentifier der kunden har det, eller tillat fleire sider.",
        "{name} in Xledger has more than {pages} pages, so the search was not finished. Use a "
        "filter on extIdentifier where the tenant has it, or allow more pages.",
    ),
    "xledger.several_entities": (
        "Tokenet når flere firma: {found}. Skriv i innstillingene hvilket som er ventet.",
        "Tokenet når fleire firma: {found}. Skriv i innstillingane kva for eit som er venta.",
        "The token reaches several entities: {found}. Name the expected one in the settings.",
    ),
    "xledger.settings_contradicted": (
        "Innstillingene bruker noe som Xledger hos denne kunden ikke har: {settings}. Rett "
        "innstillingene.",
        "Innstillingane bruker noko som Xledger hos denne kunden ikkje har: {settings}. Rett "
        "innstillingane.",
        "The settings use what the tenant's Xledger does not have: {settings}. Mend the settings.",
    ),
    "xledger.cost_centre_kind": (
        "Velg hvilken objekttype som er kostnadssted (masterData.costCentreKind). Xledger har: "
        "{found}.",
        "Vel kva for objekttype som er kostnadsstad (masterData.costCentreKind). Xledger har: "
        "{found}.",
        "Choose the object kind that holds cost centres (masterData.costCentreKind). Xledger "
        "has: {found}.",
    ),
    "xledger.no_removal": (
        "Innstillingene sier ikke at Xledger hos denne kunden kan fjerne importlinjer. Fjern dem "
        "i Xledger.",
        "Innstillingane seier ikkje at Xledger hos denne kunden kan fjerne importlinjer. Fjern "
        "dei i Xledger.",
        "The settings do not say that the tenant's Xledger can remove import items. Remove them "
        "in Xledger.",
    ),
    "xledger.not_removed": (
        "{reference} er ikke fjernet fra Xledger ({state}).",
        "{reference} er ikkje fjerna frå Xledger ({state}).",
        "{reference} was not removed from Xledger ({state}).",
    ),
}
