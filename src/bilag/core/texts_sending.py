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
}
