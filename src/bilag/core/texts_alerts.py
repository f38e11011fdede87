"""Sentences of alerts (O7) and of the e-mails about them, as code -> (bokmål, nynorsk, English).

`alert_<rule>` says what happened, `alert_next_<rule>` what to do about it.
"""

ALERT_TEXTS: dict[str, tuple[str, str, str]] = {
    "alert_refusal": (
        "{integration}: regnskapssystemet avviste {count} krav, blant dem {source_id}. {problem}",
        "{integration}: rekneskapssystemet avviste {count} krav, mellom dei {source_id}. {problem}",
        "{integration}: the accounting system refused {count} claims, {source_id} among them."
        " {problem}",
    ),
    "alert_next_refusal": (
        "Rett årsaken, og send kravene på nytt.",
        "Rett årsaka, og send krava på nytt.",
        "Correct the cause, then send the claims again.",
    ),
    "alert_failures_in_a_row": (
        "{integration}: {count} krav ({category}) har mislyktes {failures} ganger på rad, blant dem"
        " {source_id}. Siste svar: {message}",
        "{integration}: {count} krav ({category}) har mislukkast {failures} gonger på rad, mellom"
        " dei {source_id}. Siste svar: {message}",
        "{integration}: {count} claims ({category}) have failed {failures} times in a row,"
        " {source_id} among them. Last answer: {message}",
    ),
    "alert_next_failures_in_a_row": (
        "Se hva systemet svarte, og rett årsaken før kravene sendes igjen.",
        "Sjå kva systemet svara, og rett årsaka før krava blir sende igjen.",
        "Look at what the system answered, and correct the cause before the claims are sent again.",
    ),
    "alert_errors": (
        "{count} feil de siste 24 timene på krav som ikke har gått gjennom siden; grensen er"
        " {bound}.",
        "{count} feil dei siste 24 timane på krav som ikkje har gått gjennom sidan; grensa er"
        " {bound}.",
        "{count} errors in the last 24 hours of claims that have not gone through since;"
        " the bound is {bound}.",
    ),
    "alert_next_errors": (
        "Åpne oversikten og se hvilken integrasjon feilene kommer fra.",
        "Opne oversikta og sjå kva integrasjon feila kjem frå.",
        "Open the overview and see which integration the errors come from.",
    ),
    "alert_pending": (
        "{integration}: {count} krav venter; det eldste kunne ha gått for over {hours} timer"
        " siden.",
        "{integration}: {count} krav ventar; det eldste kunne ha gått for over {hours} timar"
        " sidan.",
        "{integration}: {count} claims are pending; the oldest could have gone over {hours} hours"
        " ago.",
    ),
    "alert_next_pending": (
        "Åpne oversikten: den sier hvorfor ingenting går.",
        "Opne oversikta: ho seier kvifor ingenting går.",
        "Open the overview: it says why nothing goes.",
    ),
    "alert_breaker": (
        "{integration}: sikringen er åpen, for systemet svarer ikke som det skal. {message}",
        "{integration}: sikringa er open, for systemet svarar ikkje som det skal. {message}",
        "{integration}: the circuit breaker is open, since the system does not answer as it should."
        " {message}",
    ),
    "alert_next_breaker": (
        "Ingenting går tapt: det prøves igjen av seg selv. Varer det ved, test forbindelsen.",
        "Ingenting går tapt: det blir prøvd igjen av seg sjølv. Varer det ved, test sambandet.",
        "Nothing is lost: it is tried again by itself. If it lasts, test the connection.",
    ),
    "alert_credential": (
        "{integration}: tilgangsnøkkelen {field} utløper {day}.",
        "{integration}: tilgangsnøkkelen {field} går ut {day}.",
        "{integration}: the credential {field} expires on {day}.",
    ),
    "alert_next_credential": (
        "Bytt nøkkelen før den dagen; den gamle brukes til den nye har virket.",
        "Byt nøkkelen før den dagen; den gamle blir brukt til den nye har verka.",
        "Rotate it before that day; the old one is used until the new one has worked.",
    ),
    "alert_other_company": (
        "{integration}: et annet firma svarte, så integrasjonen er stoppet. {message}",
        "{integration}: eit anna firma svara, så integrasjonen er stoppa. {message}",
        "{integration}: another company answered, so the integration is stopped. {message}",
    ),
    "alert_next_other_company": (
        "Ikke slå den på igjen før nøklene er de riktige: bilagene ville havnet hos et annet"
        " firma.",
        "Ikkje slå han på igjen før nøklane er dei rette: bilaga ville hamna hos eit anna firma.",
        "Do not start it again before the credentials are the right ones: the vouchers would go to"
        " another company.",
    ),
    "alert_stopped": (
        "{integration} er stoppet av en feil, og ingenting sendes. {message}",
        "{integration} er stoppa av ein feil, og ingenting blir sendt. {message}",
        "{integration} is stopped by an error, and nothing is sent. {message}",
    ),
    "alert_next_stopped": (
        "Rett feilen, og test forbindelsen: går testen bra, fortsetter leveringen.",
        "Rett feilen, og test sambandet: går testen bra, held leveringa fram.",
        "Correct the error and test the connection: when the test passes, delivery goes on.",
    ),
    "alert_warning": (
        "{integration}: {message}",
        "{integration}: {message}",
        "{integration}: {message}",
    ),
    "alert_next_warning": (
        "Det leveres fortsatt. Legg inn en ny tilgangsnøkkel.",
        "Det blir framleis levert. Legg inn ein ny tilgangsnøkkel.",
        "Delivery goes on. Enter a new credential.",
    ),
    "alert_silence": (
        "Det er ikke kommet noe nytt krav siden {day}: uvanlig lenge (over {days} dager).",
        "Det er ikkje kome noko nytt krav sidan {day}: uvanleg lenge (over {days} dagar).",
        "No new claim has arrived since {day}: unusually long (over {days} days).",
    ),
    "alert_next_silence": (
        "Se etter om appen fortsatt overfører det som er godkjent.",
        "Sjå etter om appen framleis overfører det som er godkjent.",
        "See whether the app still hands over what is approved.",
    ),
    "alert_at_failed": (
        "Mislykkede krav i {integration}",
        "Mislukka krav i {integration}",
        "Failed claims of {integration}",
    ),
    "alert_at_claim": ("Kravet {source_id}", "Kravet {source_id}", "The claim {source_id}"),
    "alert_at_claims": ("Alle krav", "Alle krav", "All claims"),
    "alert_at_integration": (
        "Integrasjonen {integration}",
        "Integrasjonen {integration}",
        "The integration {integration}",
    ),
    "alert_at_credential": (
        "Bytt tilgangsnøkkelen i {integration}",
        "Byt tilgangsnøkkelen i {integration}",
        "Rotate the credential of {integration}",
    ),
    "alert_at_overview": ("Oversikten", "Oversikta", "The overview"),
    "alert_at_all": ("Alle organisasjoner", "Alle organisasjonar", "All organizations"),
    "alert_mail_subject": (
        "{organization}: {count} nye varsler fra regnskapsleveringen",
        "{organization}: {count} nye varsel frå rekneskapsleveringa",
        "{organization}: {count} new alerts of the delivery to accounting",
    ),
    "alert_mail_next": (
        "Hva du kan gjøre: {next}",
        "Kva du kan gjere: {next}",
        "What to do: {next}",
    ),
    "alert_mail_link": (
        "{place}: {address}",
        "{place}: {address}",
        "{place}: {address}",
    ),
    "alert_mail_foot": (
        "Et varsel forsvinner av seg selv når årsaken er borte. Hvem som får e-post, bestemmer"
        " administratoren under Varsler.",
        "Eit varsel forsvinn av seg sjølv når årsaka er borte. Kven som får e-post, avgjer"
        " administratoren under Varsel.",
        "An alert goes away by itself when its cause is gone. Who gets e-mail is chosen by the"
        " administrator under Alerts.",
    ),
    "watch_number": (
        "Skriv et helt tall fra {minimum} til {maximum}.",
        "Skriv eit heilt tal frå {minimum} til {maximum}.",
        "Write a whole number from {minimum} to {maximum}.",
    ),
    "watch_role": (
        "Rollen {role} finnes ikke; velg blant {known}.",
        "Rolla {role} finst ikkje; vel mellom {known}.",
        "There is no role {role}; choose among {known}.",
    ),
    "watch_webhook_address": (
        "Skriv en fullstendig adresse som begynner med https://, uten brukernavn og passord.",
        "Skriv ei fullstendig adresse som begynner med https://, utan brukarnamn og passord.",
        "Write a complete address that begins with https://, without user name and password.",
    ),
    "watch_income_code": (
        "En inntektskode er inntil 100 bokstaver og sifre, uten mellomrom.",
        "Ein inntektskode er inntil 100 bokstavar og siffer, utan mellomrom.",
        "An income code is up to 100 letters and digits, without spaces.",
    ),
    "control_days": (
        "Fra-dagen {first} er etter til-dagen {last}. Bytt om.",
        "Frå-dagen {first} er etter til-dagen {last}. Byt om.",
        "The first day {first} is after the last day {last}. Swap them.",
    ),
    "control_long": (
        "Perioden er lengre enn {days} dager. Velg en kortere.",
        "Perioden er lengre enn {days} dagar. Vel ein kortare.",
        "The period is longer than {days} days. Choose a shorter one.",
    ),
    "wage_year": (
        "Skriv et år fra 2000 til 2999.",
        "Skriv eit år frå 2000 til 2999.",
        "Write a year from 2000 to 2999.",
    ),
    "wage_rate": (
        "Skriv et beløp i kroner fra 0 og opp, med høyst fire desimaler.",
        "Skriv eit beløp i kroner frå 0 og opp, med høgst fire desimalar.",
        "Write an amount in NOK from 0 up, with at most four decimals.",
    ),
    "wage_kind": (
        "{kind} er ikke en sats; velg blant {known}.",
        "{kind} er ikkje ein sats; vel mellom {known}.",
        "{kind} is not a rate; choose among {known}.",
    ),
}
