"""Sentences about what is sent: filters, features, the declaration, as code -> (nb, nn, en)."""

SENDING_TEXTS: dict[str, tuple[str, str, str]] = {
    "filter_no_category": (
        "Velg minst én kategori. Skal ingenting sendes, slår du av integrasjonen i stedet.",
        "Vel minst éin kategori. Skal ingenting sendast, slår du av integrasjonen i staden.",
        "Choose at least one category. If nothing shall be sent, switch the integration off"
        " instead.",
    ),
    "filter_range_backwards": (
        "Slutten ligger før begynnelsen; bytt om på de to, eller la den ene være tom.",
        "Slutten ligg før byrjinga; byt om på dei to, eller la den eine vere tom.",
        "The end lies before the beginning; swap the two, or leave one of them empty.",
    ),
    "filter_amount_not_valid": (
        "Skriv et beløp i bokens valuta, for eksempel 100 eller 249.50.",
        "Skriv eit beløp i valutaen til boka, til dømes 100 eller 249.50.",
        "Write an amount in the book's currency, for example 100 or 249.50.",
    ),
    "filter_paid": (
        "Kravet er alt utbetalt i appen, og integrasjonen tar bare med det som ikke er det. Endre"
        " utvalget dersom det skal med.",
        "Kravet er alt utbetalt i appen, og integrasjonen tek berre med det som ikkje er det. Endre"
        " utvalet dersom det skal med.",
        "The claim is paid in the app already, and the integration includes only what is not."
        " Change the filter if it should be included.",
    ),
    "filter_not_paid": (
        "Appen sier ikke at kravet er utbetalt, og integrasjonen tar bare med det som er det. Endre"
        " utvalget dersom det skal med.",
        "Appen seier ikkje at kravet er utbetalt, og integrasjonen tek berre med det som er det."
        " Endre utvalet dersom det skal med.",
        "The app does not say that the claim is paid, and the integration includes only what is."
        " Change the filter if it should be included.",
    ),
    "filter_amount_below": (
        "Kravet er på {amount} {currency}, under det minste beløpet i utvalget ({bound}). Endre"
        " utvalget dersom det skal med.",
        "Kravet er på {amount} {currency}, under det minste beløpet i utvalet ({bound}). Endre"
        " utvalet dersom det skal med.",
        "The claim is {amount} {currency}, below the smallest amount of the filter ({bound})."
        " Change the filter if it should be included.",
    ),
    "filter_amount_above": (
        "Kravet er på {amount} {currency}, over det største beløpet i utvalget ({bound}). Endre"
        " utvalget dersom det skal med.",
        "Kravet er på {amount} {currency}, over det største beløpet i utvalet ({bound}). Endre"
        " utvalet dersom det skal med.",
        "The claim is {amount} {currency}, above the largest amount of the filter ({bound})."
        " Change the filter if it should be included.",
    ),
    "filter_amount_unknown": (
        "Utvalget går etter beløp i {book}, men kravet er i {currency} og har ingen kurs. Send"
        " kursen fra appen i en ny revisjon, eller ta beløpet ut av utvalget.",
        "Utvalet går etter beløp i {book}, men kravet er i {currency} og har ingen kurs. Send"
        " kursen frå appen i ein ny revisjon, eller ta beløpet ut av utvalet.",
        "The filter goes by amounts in {book}, but the claim is in {currency} and has no rate. Send"
        " the rate from the app in a new revision, or take the amount out of the filter.",
    ),
    "filter_cost_centre": (
        "Kostnadsstedet {code} er ikke med i utvalget. Ta det med, eller rett kravet i appen.",
        "Kostnadsstaden {code} er ikkje med i utvalet. Ta han med, eller rett kravet i appen.",
        "The cost centre {code} is not in the filter. Add it, or correct the claim in the app.",
    ),
    "filter_cost_centre_none": (
        "Utvalget går etter kostnadssted, men kravet har ikke noe her. Fyll det ut i appen, eller"
        " ta kostnadssted ut av utvalget.",
        "Utvalet går etter kostnadsstad, men kravet har ingen her. Fyll han ut i appen, eller ta"
        " kostnadsstad ut av utvalet.",
        "The filter goes by cost centre, but the claim has none here. Fill it in in the app, or"
        " take the cost centres out of the filter.",
    ),
    "filter_project": (
        "Prosjektet {code} er ikke med i utvalget. Ta det med, eller rett kravet i appen.",
        "Prosjektet {code} er ikkje med i utvalet. Ta det med, eller rett kravet i appen.",
        "The project {code} is not in the filter. Add it, or correct the claim in the app.",
    ),
    "filter_project_none": (
        "Utvalget går etter prosjekt, men kravet har ikke noe her. Fyll det ut i appen, eller ta"
        " prosjekt ut av utvalget.",
        "Utvalet går etter prosjekt, men kravet har ikkje noko her. Fyll det ut i appen, eller ta"
        " prosjekt ut av utvalet.",
        "The filter goes by project, but the claim has none here. Fill it in in the app, or take"
        " the projects out of the filter.",
    ),
    "feature_not_valid": (
        "Skriv hva som er utelatt, med høyst {maximum} tegn, for eksempel medlemskap.",
        "Skriv kva som er utelate, med høgst {maximum} teikn, til dømes medlemskap.",
        "Write what is excluded, in at most {maximum} characters, for example membership.",
    ),
    "sign_off_in_future": (
        "Dagen har ikke vært ennå. Skriv dagen erklæringen ble godkjent.",
        "Dagen har ikkje vore enno. Skriv dagen erklæringa blei godkjend.",
        "That day has not come yet. Write the day on which the declaration was signed off.",
    ),
    "yaml_too_much": (
        "Filen har for mange verdier, eller viser til seg selv så mange ganger. Del den opp.",
        "Fila har for mange verdiar, eller viser til seg sjølv så mange gonger. Del ho opp.",
        "The file has too many values, or refers to itself so often. Divide it.",
    ),
    "upload_too_large": (
        "Filen er for stor; høyst {maximum} byte. Har den mange innsendere, kan de importeres for"
        " seg.",
        "Fila er for stor; høgst {maximum} byte. Har ho mange innsendarar, kan dei importerast for"
        " seg.",
        "The file is too large; at most {maximum} bytes. If it has many claimants, import them"
        " separately.",
    ),
    "upload_empty": (
        "Filen sier ingenting om organisasjonen. Last ned filen her, endre den, og last den opp.",
        "Fila seier ingenting om organisasjonen. Last ned fila her, endre ho, og last ho opp.",
        "The file says nothing about the organization. Download the file here, change it, and"
        " upload it.",
    ),
    "upload_other": (
        "Filen kan bare gjelde denne organisasjonen ({slug}). Fjern det som gjelder andre; en"
        " integrasjon kan kopieres til en annen organisasjon i stedet.",
        "Fila kan berre gjelde denne organisasjonen ({slug}). Fjern det som gjeld andre; ein"
        " integrasjon kan kopierast til ein annan organisasjon i staden.",
        "The file may be about this organization ({slug}) only. Remove what is about others; an"
        " integration can be copied to another organization instead.",
    ),
    "upload_credentials": (
        "Tilgangsnøkler tas ikke imot i en fil. Fjern «credentials», og skriv dem inn på"
        " integrasjonens side; sto en hemmelighet i filen, må den byttes.",
        "Tilgangsnøklar blir ikkje tekne imot i ei fil. Fjern «credentials», og skriv dei inn på"
        " sida til integrasjonen; stod ein løyndom i fila, må han bytast.",
        "Credentials are not taken from a file. Remove “credentials”, and enter them on the"
        " integration's page; if a secret stood in the file, change it.",
    ),
    "upload_file_reference": (
        "En fil som lastes opp, kan ikke vise til andre filer. Skriv innholdet her.",
        "Ei fil som blir lasta opp, kan ikkje vise til andre filer. Skriv innhaldet her.",
        "A file that is uploaded cannot refer to other files. Write the content here.",
    ),
    "upload_members": (
        "Medlemmer endres ikke med en fil. Fjern «members», og bruk siden for medlemmer.",
        "Medlemmer blir ikkje endra med ei fil. Fjern «members», og bruk sida for medlemmer.",
        "Members are not changed by a file. Remove “members”, and use the page of members.",
    ),
    "upload_networks": (
        "Hvilke private nettverk som kan nås, bestemmer den som drifter bilag. Fjern"
        " «allowedNetworks», og be om det der.",
        "Kva private nettverk som kan nåast, avgjer den som driftar bilag. Fjern"
        " «allowedNetworks», og be om det der.",
        "Which private networks may be reached is for whoever operates bilag to say. Remove"
        " “allowedNetworks”, and ask for it there.",
    ),
    "upload_draft": (
        "Denne integrasjonen er ikke satt opp ferdig, og slås ikke på med en fil. Fullfør oppsettet"
        " på integrasjonens side, eller bruk et annet kortnavn i filen.",
        "Denne integrasjonen er ikkje sett opp ferdig, og blir ikkje slått på med ei fil. Fullfør"
        " oppsettet på sida til integrasjonen, eller bruk eit anna kortnamn i fila.",
        "This integration is not set up completely, and a file does not turn it on. Finish the"
        " set-up on its page, or use another short name in the file.",
    ),
    "copy_draft": (
        "{integration} er ikke satt opp ferdig, og kan ikke kopieres. Fullfør oppsettet først.",
        "{integration} er ikkje sett opp ferdig, og kan ikkje kopierast. Fullfør oppsettet først.",
        "{integration} is not set up completely and cannot be copied. Finish the set-up first.",
    ),
    "upload_moved": (
        "Noe er endret siden du så gjennom endringene. Se gjennom dem på nytt.",
        "Noko er endra sidan du såg gjennom endringane. Sjå gjennom dei på nytt.",
        "Something has changed since you looked the changes over. Look them over again.",
    ),
    "copy_to_itself": (
        "Velg en annen organisasjon enn denne.",
        "Vel ein annan organisasjon enn denne.",
        "Choose another organization than this one.",
    ),
}
