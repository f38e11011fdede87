"""Sentences about mapping, as code -> (bokmål, nynorsk, English).

First what holds or excludes a record, then what is wrong with a mapping document (`mapping_...`).
"""

MAPPING_TEXTS: dict[str, tuple[str, str, str]] = {
    "type_not_mapped": (
        "Utgiftstypen «{type}» har ingen konto. Legg den til i kategoritilordningen.",
        "Utgiftstypen «{type}» har ingen konto. Legg han til i kategoritilordninga.",
        "The expense type “{type}” has no account. Add it to the category mapping.",
    ),
    "claimant_not_mapped": (
        "Innsenderen «{claimant}» er ikke koblet til en leverandør eller ansatt. Legg til "
        "koblingen, eller velg at slike krav skal føres mot en mellomregningskonto.",
        "Innsendaren «{claimant}» er ikkje kopla til ein leverandør eller tilsett. Legg til "
        "koplinga, eller vel at slike krav skal førast mot ein mellomrekningskonto.",
        "The claimant “{claimant}” is not linked to a supplier or employee. Add the link, or "
        "choose to post such claims against a clearing account.",
    ),
    "counter_account_missing": (
        "Utgiftstypen «{type}» har ingen motkonto. Sett motkonto på utgiftstypen, på kategorien "
        "eller for hele tilordningen.",
        "Utgiftstypen «{type}» har ingen motkonto. Set motkonto på utgiftstypen, på kategorien "
        "eller for heile tilordninga.",
        "The expense type “{type}” has no counter-account. Set one on the expense type, on the "
        "category or for the whole mapping.",
    ),
    "clearing_account_missing": (
        "Innsenderen er ikke koblet, og kategorien «{category}» har ingen mellomregningskonto. "
        "Sett en mellomregningskonto, eller koble innsenderen til en leverandør eller ansatt.",
        "Innsendaren er ikkje kopla, og kategorien «{category}» har ingen mellomrekningskonto. "
        "Set ein mellomrekningskonto, eller kople innsendaren til ein leverandør eller tilsett.",
        "The claimant is not linked, and the category “{category}” has no clearing account. Set a "
        "clearing account, or link the claimant to a supplier or employee.",
    ),
    "cost_centre_not_mapped": (
        "Kostnadsstedet «{code}» finnes ikke i tilordningen. Legg det til under kostnadssteder.",
        "Kostnadsstaden «{code}» finst ikkje i tilordninga. Legg han til under kostnadsstader.",
        "The cost centre “{code}” is not in the mapping. Add it to the cost centres.",
    ),
    "project_not_mapped": (
        "Prosjektet «{code}» finnes ikke i tilordningen. Legg det til under prosjekter.",
        "Prosjektet «{code}» finst ikkje i tilordninga. Legg det til under prosjekt.",
        "The project “{code}” is not in the mapping. Add it to the projects.",
    ),
    "vat_code_not_mapped": (
        "Mva-koden «{code}» finnes ikke i tilordningen. Legg den til under mva-koder.",
        "Mva-koden «{code}» finst ikkje i tilordninga. Legg han til under mva-kodar.",
        "The VAT code “{code}” is not in the mapping. Add it to the VAT codes.",
    ),
    "vat_not_carried": (
        "Linjen har mva-kode «{code}», men denne integrasjonen kan ikke overføre mva-koder. Sett "
        "tom mva-kode på utgiftstypen dersom linjen skal føres uten mva-kode.",
        "Linja har mva-kode «{code}», men denne integrasjonen kan ikkje overføre mva-kodar. Set "
        "tom mva-kode på utgiftstypen dersom linja skal førast utan mva-kode.",
        "The line has VAT code “{code}”, but this integration cannot carry VAT codes. Set an "
        "empty VAT code on the expense type if the line is to be posted without one.",
    ),
    "no_book_amount": (
        "Beløpet er i {currency}, og både kurs og beløp i regnskapets valuta mangler. Legg inn "
        "kurs på kravet eller beløp i regnskapets valuta på linjen i appen, og send ny revisjon.",
        "Beløpet er i {currency}, og både kurs og beløp i valutaen til rekneskapen manglar. Legg "
        "inn kurs på kravet eller beløp i valutaen til rekneskapen på linja i appen, og send ny "
        "revisjon.",
        "The amount is in {currency}, and neither an exchange rate nor an amount in the ledger's "
        "currency is given. Add the rate to the claim or the amount to the line in the app, and "
        "send a new revision.",
    ),
    "amount_too_large": (
        "Beløpet er for stort for regnskapet (mer enn 13 siffer før komma). Rett beløpet eller "
        "kursen i appen, og send ny revisjon.",
        "Beløpet er for stort for rekneskapen (meir enn 13 siffer før komma). Rett beløpet eller "
        "kursen i appen, og send ny revisjon.",
        "The amount is too large for a ledger (more than 13 digits before the decimal point). "
        "Correct the amount or the rate in the app, and send a new revision.",
    ),
    "rounding_account": (
        "Avrunding til hele øre gir en differanse på {residue}, og regnskapet har ingen "
        "avrundingskonto. Sett avrundingskonto på regnskapet.",
        "Avrunding til heile øre gir ein differanse på {residue}, og rekneskapen har ingen "
        "avrundingskonto. Set avrundingskonto på rekneskapen.",
        "Rounding to whole øre leaves a difference of {residue}, and the book has no rounding "
        "account. Set a rounding account on the book.",
    ),
    "rounding_too_large": (
        "Avrunding til hele øre gir en differanse på {residue}, som er mer enn ett øre. Rett "
        "beløpene til hele øre i appen, og send ny revisjon.",
        "Avrunding til heile øre gir ein differanse på {residue}, som er meir enn eitt øre. Rett "
        "beløpa til heile øre i appen, og send ny revisjon.",
        "Rounding to whole øre leaves a difference of {residue}, which is more than one øre. "
        "Correct the amounts to whole øre in the app, and send a new revision.",
    ),
    "two_accounting_years": (
        "Kostnadene ligger i to regnskapsår ({first} til {last}), og integrasjonen tar dem ikke "
        "som ett bilag. Velg ett bilag for slike krav, eller del kravet i appen.",
        "Kostnadene ligg i to rekneskapsår ({first} til {last}), og integrasjonen tek dei ikkje "
        "som eitt bilag. Vel eitt bilag for slike krav, eller del kravet i appen.",
        "The costs lie in two accounting years ({first} to {last}), and the integration does not "
        "take them as one voucher. Choose one voucher for such claims, or split the claim in the "
        "app.",
    ),
    "period_closed": (
        "Bokføringsdatoen {day} ligger i en lukket periode: regnskapet er lukket til og med "
        "{closed}. Åpne perioden igjen, eller velg at slike bilag føres på første åpne dag.",
        "Bokføringsdatoen {day} ligg i ein lukka periode: rekneskapen er lukka til og med "
        "{closed}. Opne perioden att, eller vel at slike bilag blir førte på første opne dag.",
        "The posting date {day} lies in a closed period: the book is closed through {closed}. Open "
        "the period again, or choose that such vouchers are posted on the first open day.",
    ),
    "period_closed_ask": (
        "Bokføringsdatoen {day} ligger i en lukket periode: regnskapet er lukket til og med "
        "{closed}. Bestem om bilaget skal føres på første åpne dag ({open}) eller fortsatt vente.",
        "Bokføringsdatoen {day} ligg i ein lukka periode: rekneskapen er lukka til og med "
        "{closed}. Avgjer om bilaget skal førast på første opne dag ({open}) eller framleis vente.",
        "The posting date {day} lies in a closed period: the book is closed through {closed}. "
        "Decide whether the voucher is posted on the first open day ({open}) or keeps waiting.",
    ),
    "period_closed_moves": (
        "Bokføringsdatoen {day} ligger i en lukket periode: regnskapet er lukket til og med "
        "{closed}. Bilaget føres på første åpne dag ({open}), med den opprinnelige datoen i "
        "teksten.",
        "Bokføringsdatoen {day} ligg i ein lukka periode: rekneskapen er lukka til og med "
        "{closed}. Bilaget blir ført på første opne dag ({open}), med den opphavlege datoen i "
        "teksten.",
        "The posting date {day} lies in a closed period: the book is closed through {closed}. The "
        "voucher is posted on the first open day ({open}), with the original date in its text.",
    ),
    "mapping_original_date": (
        "opprinnelig dato {date}",
        "opphavleg dato {date}",
        "original date {date}",
    ),
    "part_without_lines": (
        "Bilaget gjelder regnskapsåret {year}, men kravet har ingen kostnader i det året. "
        "Kontroller når regnskapsåret begynner, og avbryt bilaget dersom det ikke skal føres.",
        "Bilaget gjeld rekneskapsåret {year}, men kravet har ingen kostnader i det året. "
        "Kontroller når rekneskapsåret byrjar, og avbryt bilaget dersom det ikkje skal førast.",
        "The voucher is for the accounting year {year}, but the claim has no costs in that year. "
        "Check when the accounting year starts, and cancel the voucher if it is not to be posted.",
    ),
    "declaration_not_signed_off": (
        "Honorarer holdes tilbake til en administrator har registrert at organisasjonen skriftlig "
        "har godkjent taushetserklæringen. Registrer godkjenningen i innstillingene.",
        "Honorar blir haldne tilbake til ein administrator har registrert at organisasjonen "
        "skriftleg har godkjent teieplikterklæringa. Registrer godkjenninga i innstillingane.",
        "Honorariums are held until an administrator has recorded the organization's written "
        "sign-off of the confidentiality declaration. Record the sign-off in the settings.",
    ),
    "declaration_missing": (
        "Honoraret mangler bekreftet taushetserklæring. Be sjåføren bekrefte erklæringen i appen, "
        "og send ny revisjon.",
        "Honoraret manglar stadfesta teieplikterklæring. Be sjåføren stadfeste erklæringa i "
        "appen, og send ny revisjon.",
        "The honorarium has no acknowledged confidentiality declaration. Ask the driver to "
        "acknowledge it in the app, and send a new revision.",
    ),
    "declaration_version": (
        "Taushetserklæringen som er bekreftet ({found}), er ikke den som kreves ({required}). Be "
        "sjåføren bekrefte gjeldende erklæring i appen, og send ny revisjon.",
        "Teieplikterklæringa som er stadfesta ({found}), er ikkje den som krevst ({required}). Be "
        "sjåføren stadfeste den gjeldande erklæringa i appen, og send ny revisjon.",
        "The declaration that was acknowledged ({found}) is not the one required ({required}). "
        "Ask the driver to acknowledge the current one in the app, and send a new revision.",
    ),
    "zero_sum": (
        "Summen er null, så det er ingenting å føre.",
        "Summen er null, så det er ingenting å føre.",
        "The sum is zero, so there is nothing to post.",
    ),
    "filter_category": (
        "Integrasjonen tar ikke med kategorien «{category}». Endre utvalget dersom den skal med.",
        "Integrasjonen tek ikkje med kategorien «{category}». Endre utvalet dersom han skal med.",
        "The integration does not include the category “{category}”. Change the filter if it "
        "should.",
    ),
    "filter_before": (
        "Datoen {day} er før første dag i utvalget ({bound}). Endre utvalget dersom kravet skal "
        "med.",
        "Datoen {day} er før første dag i utvalet ({bound}). Endre utvalet dersom kravet skal med.",
        "The date {day} is before the first day of the filter ({bound}). Change the filter if the "
        "claim should be included.",
    ),
    "filter_after": (
        "Datoen {day} er etter siste dag i utvalget ({bound}). Endre utvalget dersom kravet skal "
        "med.",
        "Datoen {day} er etter siste dag i utvalet ({bound}). Endre utvalet dersom kravet skal "
        "med.",
        "The date {day} is after the last day of the filter ({bound}). Change the filter if the "
        "claim should be included.",
    ),
    "filter_date_missing": (
        "Utvalget går etter opprettet dato, men kravet har ingen. La utvalget gå etter "
        "godkjenningsdato, eller send datoen fra appen i en ny revisjon.",
        "Utvalet går etter oppretta dato, men kravet har ingen. La utvalet gå etter "
        "godkjenningsdato, eller send datoen frå appen i ein ny revisjon.",
        "The filter goes by the date of creation, but the claim has none. Filter by the date of "
        "approval, or send the date from the app in a new revision.",
    ),
    "field_required": (
        "Feltet «{name}» må ha en verdi, men kravet gir ingen. Fyll ut kravet i appen, eller gi "
        "feltet en standardverdi i felttilordningen.",
        "Feltet «{name}» må ha ein verdi, men kravet gir ingen. Fyll ut kravet i appen, eller gi "
        "feltet ein standardverdi i felttilordninga.",
        "The field “{name}” needs a value, but the claim gives none. Complete the claim in the "
        "app, or give the field a default in the field mapping.",
    ),
    "field_too_long": (
        "Feltet «{name}» får {length} tegn og tar høyst {maximum}. Kort ned teksten i appen, "
        "eller la felttilordningen forkorte den.",
        "Feltet «{name}» får {length} teikn og tek høgst {maximum}. Kort ned teksten i appen, "
        "eller la felttilordninga forkorte han.",
        "The field “{name}” gets {length} characters and takes at most {maximum}. Shorten the "
        "text in the app, or let the field mapping truncate it.",
    ),
    "value_not_in_table": (
        "Verdien «{value}» finnes ikke i tabellen for feltet «{name}». Legg den til, eller gi "
        "tabellen en standardverdi.",
        "Verdien «{value}» finst ikkje i tabellen for feltet «{name}». Legg han til, eller gi "
        "tabellen ein standardverdi.",
        "The value “{value}” is not in the table of the field “{name}”. Add it, or give the table "
        "a default.",
    ),
    "value_not_a_date": (
        "Feltet «{name}» skal være en dato, men verdien er «{value}». Rett verdien i appen, eller "
        "velg en annen kilde i felttilordningen.",
        "Feltet «{name}» skal vere ein dato, men verdien er «{value}». Rett verdien i appen, "
        "eller vel ei anna kjelde i felttilordninga.",
        "The field “{name}” is to be a date, but the value is “{value}”. Correct the value in the "
        "app, or choose another source in the field mapping.",
    ),
    "value_not_a_number": (
        "Feltet «{name}» skal være et tall, men verdien er «{value}». Rett verdien i appen, eller "
        "velg en annen kilde i felttilordningen.",
        "Feltet «{name}» skal vere eit tal, men verdien er «{value}». Rett verdien i appen, eller "
        "vel ei anna kjelde i felttilordninga.",
        "The field “{name}” is to be a number, but the value is “{value}”. Correct the value in "
        "the app, or choose another source in the field mapping.",
    ),
    "mapping_account_empty": (
        "Kontoen er tom. Skriv kontoen som utgiftstypen skal føres på, eller fjern utgiftstypen.",
        "Kontoen er tom. Skriv kontoen som utgiftstypen skal førast på, eller fjern utgiftstypen.",
        "The account is empty. Write the account that the expense type is posted to, or remove "
        "the expense type.",
    ),
    "mapping_key_empty": (
        "En linje i tabellen mangler navn. Skriv utgiftstypen eller innsenderens id, eller fjern "
        "linjen.",
        "Ei linje i tabellen manglar namn. Skriv utgiftstypen eller id-en til innsendaren, eller "
        "fjern linja.",
        "A row of the table has no name. Write the expense type or the claimant's id, or remove "
        "the row.",
    ),
    "mapping_no_accounts": (
        "Ingen utgiftstype har konto, så alle krav ville bli holdt tilbake. Legg til minst én "
        "utgiftstype, eller en standardkonto for en kategori.",
        "Ingen utgiftstype har konto, så alle krav ville bli haldne tilbake. Legg til minst éin "
        "utgiftstype, eller ein standardkonto for ein kategori.",
        "No expense type has an account, so every claim would be held. Add at least one expense "
        "type, or a default account for a category.",
    ),
    "mapping_party_empty": (
        "Innsenderen er ikke koblet til noe. Skriv leverandør- eller ansattnummeret, eller fjern "
        "innsenderen.",
        "Innsendaren er ikkje kopla til noko. Skriv leverandør- eller tilsettnummeret, eller "
        "fjern innsendaren.",
        "The claimant is linked to nothing. Write the supplier or employee number, or remove the "
        "claimant.",
    ),
    "mapping_clearing_account": (
        "Krav fra innsendere som ikke er koblet, skal føres mot en mellomregningskonto, men "
        "kategorien «{category}» har ingen. Sett en mellomregningskonto, for eksempel 2990.",
        "Krav frå innsendarar som ikkje er kopla, skal førast mot ein mellomrekningskonto, men "
        "kategorien «{category}» har ingen. Set ein mellomrekningskonto, til dømes 2990.",
        "Claims of claimants who are not linked go to a clearing account, but the category "
        "“{category}” has none. Set a clearing account, for example 2990.",
    ),
    "mapping_counter_account": (
        "Krav i kategorien «{category}» har ingen motkonto. Sett motkonto for hele tilordningen, "
        "for kategorien eller for hver utgiftstype.",
        "Krav i kategorien «{category}» har ingen motkonto. Set motkonto for heile tilordninga, "
        "for kategorien eller for kvar utgiftstype.",
        "Claims of the category “{category}” have no counter-account. Set one for the whole "
        "mapping, for the category or for each expense type.",
    ),
    "mapping_vat_not_carried": (
        "Denne integrasjonen kan ikke overføre mva-koder, men her står «{code}». Fjern mva-koden, "
        "eller bruk en integrasjon som kan overføre den.",
        "Denne integrasjonen kan ikkje overføre mva-kodar, men her står «{code}». Fjern "
        "mva-koden, eller bruk ein integrasjon som kan overføre han.",
        "This integration cannot carry VAT codes, but “{code}” is given. Remove the VAT code, or "
        "use an integration that can carry it.",
    ),
    "mapping_one_source": (
        "Feltet må ha nøyaktig én kilde. Velg én av from, constant, template, firstNonEmpty og "
        "join.",
        "Feltet må ha nøyaktig éi kjelde. Vel éi av from, constant, template, firstNonEmpty og "
        "join.",
        "The field needs exactly one source. Choose one of from, constant, template, "
        "firstNonEmpty and join.",
    ),
    "mapping_template": (
        "Malen har en krøllparentes uten make. Skriv {{navn}} rundt et felt, og dobbel "
        "krøllparentes for selve tegnet.",
        "Malen har ein krøllparentes utan make. Skriv {{namn}} rundt eit felt, og dobbel "
        "krøllparentes for sjølve teiknet.",
        "The template has a brace without its partner. Write {{name}} around a field, and a "
        "double brace for the character itself.",
    ),
    "mapping_too_deep": (
        "Regelen har for mange nivåer inni hverandre. Bruk høyst tre.",
        "Regelen har for mange nivå inni kvarandre. Bruk høgst tre.",
        "The rule is nested too deeply. Use at most three levels.",
    ),
    "mapping_date_format": (
        "Datoformatet «{format}» kan ikke brukes. Velg iso, epoch, eller sett sammen YYYY, YY, MM "
        "og DD med punktum, bindestrek, skråstrek, understrek eller mellomrom.",
        "Datoformatet «{format}» kan ikkje brukast. Vel iso, epoch, eller set saman YYYY, YY, MM "
        "og DD med punktum, bindestrek, skråstrek, understrek eller mellomrom.",
        "The date format “{format}” cannot be used. Choose iso, epoch, or combine YYYY, YY, MM "
        "and DD with full stop, hyphen, slash, underscore or space.",
    ),
    "mapping_no_number_yet": (
        "Bilagsnummeret kan ikke brukes i en tilordning: det tildeles først når bilaget sendes, "
        "og integrasjonen tar det med. Bruk voucher.reference, som er fast fra første stund.",
        "Bilagsnummeret kan ikkje brukast i ei tilordning: det blir først tildelt når bilaget "
        "blir sendt, og integrasjonen tek det med. Bruk voucher.reference, som er fast frå første "
        "stund.",
        "The voucher number cannot be used in a mapping: it is allotted when the voucher is sent, "
        "and the integration adds it. Use voucher.reference, which is fixed from the start.",
    ),
    "mapping_unknown_path": (
        "Feltet «{path}» finnes ikke. Velg et felt fra listen; egne felter fra appen skrives "
        "extra.navn.",
        "Feltet «{path}» finst ikkje. Vel eit felt frå lista; eigne felt frå appen blir skrivne "
        "extra.namn.",
        "There is no field “{path}”. Choose one from the list; the app's own fields are written "
        "extra.name.",
    ),
    "mapping_line_path": (
        "Feltet «{path}» hører til en linje og kan ikke brukes for hele bilaget eller motposten. "
        "Flytt regelen til linjene, eller velg et felt fra kravet.",
        "Feltet «{path}» høyrer til ei linje og kan ikkje brukast for heile bilaget eller "
        "motposten. Flytt regelen til linjene, eller vel eit felt frå kravet.",
        "The field “{path}” belongs to a line and cannot be used for the whole voucher or the "
        "counter-posting. Move the rule to the lines, or choose a field of the claim.",
    ),
    "mapping_shape": (
        "Verdien har feil form eller er utenfor grensene. Se beskrivelsen av feltet.",
        "Verdien har feil form eller er utanfor grensene. Sjå skildringa av feltet.",
        "The value has the wrong shape or is out of bounds. See the description of the field.",
    ),
    "mapping_unknown_key": (
        "Feltet finnes ikke i en tilordning. Kontroller skrivemåten, eller fjern det.",
        "Feltet finst ikkje i ei tilordning. Kontroller skrivemåten, eller fjern det.",
        "A mapping has no such key. Check the spelling, or remove it.",
    ),
    "mapping_not_text": (
        "Verdien skal være tekst. Sett koder i anførselstegn, ellers kan nuller foran gå tapt.",
        "Verdien skal vere tekst. Set kodar i hermeteikn, elles kan nullar framfor gå tapt.",
        "The value must be text. Put codes in quotes, or leading zeros may be lost.",
    ),
    "mapping_choice": (
        "Verdien kan ikke brukes her. Velg en av: {choices}.",
        "Verdien kan ikkje brukast her. Vel ein av: {choices}.",
        "The value cannot be used here. Choose one of: {choices}.",
    ),
    "mapping_too_long": (
        "Verdien er for lang. Grensen er {maximum}.",
        "Verdien er for lang. Grensa er {maximum}.",
        "The value is too long. The limit is {maximum}.",
    ),
}
