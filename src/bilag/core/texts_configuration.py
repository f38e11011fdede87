"""Sentences about configuration, API tokens and targets, as code -> (bokmål, nynorsk, English).

None of them ever holds a secret: what was typed where a secret belongs is not repeated.
"""

CONFIGURATION_TEXTS: dict[str, tuple[str, str, str]] = {
    "file_unreadable": (
        "Filen {file} kan ikke leses: {reason}.",
        "Fila {file} kan ikkje lesast: {reason}.",
        "The file {file} cannot be read: {reason}.",
    ),
    "yaml_not_valid": (
        "Dette er ikke gyldig YAML: {reason}. Sjekk innrykk, kolon og anførselstegn på linjen.",
        "Dette er ikkje gyldig YAML: {reason}. Sjekk innrykk, kolon og hermeteikn på linja.",
        "This is not valid YAML: {reason}. Check indentation, colons and quotes on this line.",
    ),
    "key_twice": (
        "{key} står to ganger på samme sted; behold én.",
        "{key} står to gonger på same stad; behald éin.",
        "{key} stands twice in the same place; keep one.",
    ),
    "key_missing": (
        "Mangler; legg den til.",
        "Manglar; legg den til.",
        "Is missing; add it.",
    ),
    "key_unknown": (
        "Er ikke et kjent navn her; rett stavemåten eller fjern det.",
        "Er ikkje eit kjent namn her; rett skrivemåten eller fjern det.",
        "Is not a known name here; correct the spelling or remove it.",
    ),
    "text_expected": (
        "Her skal det stå tekst; sett verdien i anførselstegn.",
        "Her skal det stå tekst; set verdien i hermeteikn.",
        "This must be a text; put the value in quotes.",
    ),
    "value_not_valid": (
        "Verdien kan ikke brukes: {reason}",
        "Verdien kan ikkje brukast: {reason}",
        "The value cannot be used: {reason}",
    ),
    "entry_twice": (
        "{key} er brukt før i samme liste; gi hver sin nøkkel.",
        "{key} er brukt før i same liste; gi kvar sin nøkkel.",
        "{key} was used before in the same list; give each a key of its own.",
    ),
    "closed_day_not_valid": (
        "Siste lukkede dag må ligge mellom {first} og {last}.",
        "Siste lukka dag må liggje mellom {first} og {last}.",
        "The last closed day must lie between {first} and {last}.",
    ),
    "copy_exists": (
        "Organisasjonen har allerede {keys}. Bruk --replace for å skrive over, eller --integration"
        " for å velge en annen.",
        "Organisasjonen har allereie {keys}. Bruk --replace for å skrive over, eller --integration"
        " for å velje ein annan.",
        "The organization already has {keys}. Use --replace to write over it, or --integration to"
        " choose another.",
    ),
    "network_not_valid": (
        "{network} er ikke et nettverk; skriv det som 10.1.0.0/16 eller 127.0.0.1/32.",
        "{network} er ikkje eit nettverk; skriv det som 10.1.0.0/16 eller 127.0.0.1/32.",
        "{network} is not a network; write it as 10.1.0.0/16 or 127.0.0.1/32.",
    ),
    "currency_not_valid": (
        "{currency} er ikke en valutakode (ISO 4217), for eksempel NOK.",
        "{currency} er ikkje ein valutakode (ISO 4217), til dømes NOK.",
        "{currency} is not a currency code (ISO 4217), for example NOK.",
    ),
    "connector_unknown": (
        "{type} er ikke en kjent type integrasjon; kjente er {known}.",
        "{type} er ikkje ein kjend type integrasjon; kjende er {known}.",
        "{type} is not a known type of integration; known are {known}.",
    ),
    "secret_literal": (
        "En hemmelighet skal aldri stå i filen: skriv env:NAVN eller file:/sti i stedet,"
        " og bytt hemmeligheten hvis filen er delt med noen.",
        "Ein løyndom skal aldri stå i fila: skriv env:NAMN eller file:/sti i staden,"
        " og byt løyndomen om fila er delt med nokon.",
        "A secret must never stand in the file: write env:NAME or file:/path instead,"
        " and change the secret if the file was shared with anybody.",
    ),
    "secret_not_set": (
        "Miljøvariabelen {name} er ikke satt eller er tom; sett den før du kjører igjen.",
        "Miljøvariabelen {name} er ikkje sett eller er tom; set han før du køyrer igjen.",
        "The environment variable {name} is not set or is empty; set it before you run again.",
    ),
    "secret_file_empty": (
        "Filen {name} er tom; legg hemmeligheten i den.",
        "Fila {name} er tom; legg løyndomen i ho.",
        "The file {name} is empty; put the secret into it.",
    ),
    "configuration_check_failed": (
        "Prøven mot regnskapssystemet gikk ikke gjennom: {message}",
        "Prøva mot rekneskapssystemet gjekk ikkje gjennom: {message}",
        "The test against the accounting system did not pass: {message}",
    ),
    "secret_unknown": (
        "Dette er ikke en hemmelighet som {type} bruker; den bruker {known}.",
        "Dette er ikkje ein løyndom som {type} bruker; han bruker {known}.",
        "This is not a secret that {type} uses; it uses {known}.",
    ),
    "organization_unknown": (
        "Det finnes ingen organisasjon {slug} her.",
        "Det finst ingen organisasjon {slug} her.",
        "There is no organization {slug} here.",
    ),
    "book_unknown": (
        "Det finnes ingen bok {book} i organisasjonen; legg den til under books.",
        "Det finst inga bok {book} i organisasjonen; legg ho til under books.",
        "There is no book {book} in the organization; add it under books.",
    ),
    "two_routes": (
        "Både {first} og {second} er ruten til boken {book}; sett route: false på én av dem.",
        "Både {first} og {second} er ruta til boka {book}; set route: false på ei av dei.",
        "Both {first} and {second} are the route to book {book}; set route: false on one of them.",
    ),
    "route_taken": (
        "{other} er allerede ruten til boken {book}; sett route: false på den først.",
        "{other} er allereie ruta til boka {book}; set route: false på ho først.",
        "{other} already is the route to book {book}; set route: false on it first.",
    ),
    "book_in_use": (
        "Boken {book} har eksporter; valuta og regnskapsårets start kan ikke endres."
        " Lag en ny bok med en annen nøkkel.",
        "Boka {book} har eksportar; valuta og starten på rekneskapsåret kan ikkje endrast."
        " Lag ei ny bok med ein annan nøkkel.",
        "Book {book} has exports; its currency and the start of its accounting year cannot be"
        " changed. Make a new book with another key.",
    ),
    "integration_in_use": (
        "Integrasjonen {integration} har eksporter; type og bok kan ikke endres."
        " Lag en ny integrasjon med en annen nøkkel, og slå av denne.",
        "Integrasjonen {integration} har eksportar; type og bok kan ikkje endrast."
        " Lag ein ny integrasjon med ein annan nøkkel, og slå av denne.",
        "Integration {integration} has exports; its type and book cannot be changed."
        " Make a new integration with another key, and switch this one off.",
    ),
    "integration_has_history": (
        "Integrasjonen har vært i bruk og kan ikke slettes: historikken viser til den. Slå den av"
        " i stedet.",
        "Integrasjonen har vore i bruk og kan ikkje slettast: historikken viser til han. Slå han"
        " av i staden.",
        "The integration has been used and cannot be deleted: its history rests on it. Switch it"
        " off instead.",
    ),
    "draft_changed": (
        "{by} har endret dette oppsettet siden du åpnet siden. Det du skrev, står her fortsatt:"
        " se over, og lagre igjen for å la ditt gjelde.",
        "{by} har endra dette oppsettet sidan du opna sida. Det du skreiv, står her framleis: sjå"
        " over, og lagre igjen for å la ditt gjelde.",
        "{by} has changed this set-up since you opened the page. What you wrote still stands here:"
        " look through it, and save again to let yours count.",
    ),
    "integration_is_set_up": (
        "Integrasjonen {integration} er satt opp ferdig. Endre den på sidene dens.",
        "Integrasjonen {integration} er sett opp ferdig. Endre han på sidene hans.",
        "Integration {integration} is set up already. Change it on its own pages.",
    ),
    "secret_again": (
        "Skriv den inn på nytt: innstillingene fører til et annet sted enn før, og en lagret"
        " hemmelighet blir ikke med dit.",
        "Skriv han inn på nytt: innstillingane fører til ein annan stad enn før, og ein lagra"
        " løyndom blir ikkje med dit.",
        "Type it again: the settings lead to another place than before, and a stored secret does"
        " not follow.",
    ),
    "leads_elsewhere": (
        "Dette ville sende tilgangsnøklene til {integration} til et annet sted. Endre det på"
        " integrasjonens side, der de skrives inn på nytt.",
        "Dette ville sende tilgangsnøklane til {integration} til ein annan stad. Endre det på sida"
        " til integrasjonen, der dei blir skrivne inn på nytt.",
        "This would send the credentials of {integration} to another place. Change it on the page"
        " of the integration, where they are typed again.",
    ),
    "integration_key_of_none": (
        "En integrasjon kan ikke ha kortnavnet {key}: på den adressen settes nye opp. Velg et"
        " annet.",
        "Ein integrasjon kan ikkje ha kortnamnet {key}: på den adressa blir nye sette opp. Vel eit"
        " anna.",
        "An integration cannot have the short name {key}: new ones are set up at that address."
        " Choose another.",
    ),
    "integration_key_taken": (
        "Kortnavnet {key} er brukt av en annen integrasjon her. Velg et annet.",
        "Kortnamnet {key} er brukt av ein annan integrasjon her. Vel eit anna.",
        "The short name {key} is used by another integration here. Choose another.",
    ),
    "book_key_taken": (
        "Det finnes allerede en bok {key}. Velg den, eller et annet kortnavn.",
        "Det finst allereie ei bok {key}. Vel ho, eller eit anna kortnamn.",
        "There is a book {key} already. Choose it, or another short name.",
    ),
    "book_one_of_two": (
        "Velg enten en bok som finnes, eller en ny.",
        "Vel anten ei bok som finst, eller ei ny.",
        "Choose either a book that is there, or a new one.",
    ),
    "draft_not_entered": (
        "Innstillinger og tilgangsnøkler er ikke lagret ferdig. Fullfør dette steget.",
        "Innstillingar og tilgangsnøklar er ikkje lagra ferdig. Fullfør dette steget.",
        "Settings and credentials are not saved completely. Finish this step.",
    ),
    "draft_not_tested": (
        "Forbindelsen er ikke testet med disse innstillingene og tilgangsnøklene. Test den.",
        "Sambandet er ikkje testa med desse innstillingane og tilgangsnøklane. Test det.",
        "The connection was not tested with these settings and credentials. Test it.",
    ),
    "draft_without_mapping": (
        "Det er ikke bestemt hvilke kontoer kravene føres på. Lag felttilordningen.",
        "Det er ikkje bestemt kva kontoar krava blir førte på. Lag felttilordninga.",
        "It is not decided which accounts claims are posted to. Make the field mapping.",
    ),
    "settings_changed_meanwhile": (
        "Noen andre har endret innstillingene i mellomtiden. Ingenting er lagret: se over, og lagre"
        " igjen for å la dine gjelde.",
        "Nokon andre har endra innstillingane i mellomtida. Ingenting er lagra: sjå over, og lagre"
        " igjen for å la dine gjelde.",
        "Somebody else has changed the settings meanwhile. Nothing was saved: look through them,"
        " and save again to let yours count.",
    ),
    "settings_check_failed": (
        "Ingenting er endret, det gamle er fortsatt i bruk. Prøven sa: {message}",
        "Ingenting er endra, det gamle er framleis i bruk. Prøva sa: {message}",
        "Nothing was changed, the old stays in use. The test said: {message}",
    ),
    "integration_is_draft": (
        "Integrasjonen {integration} er ikke satt opp ferdig. Fullfør oppsettet; den slås på der.",
        "Integrasjonen {integration} er ikkje sett opp ferdig. Fullfør oppsettet; ho blir slått på"
        " der.",
        "Integration {integration} is not set up completely. Finish the set-up, which turns it on.",
    ),
    "target_unknown": (
        "{target} er ingen integrasjon her; velg en av: {known}.",
        "{target} er ingen integrasjon her; vel ein av: {known}.",
        "{target} is no integration here; choose one of: {known}.",
    ),
    "target_ambiguous": (
        "Organisasjonen har flere integrasjoner av typen {target}; velg en av: {known}.",
        "Organisasjonen har fleire integrasjonar av typen {target}; vel ein av: {known}.",
        "The organization has several integrations of type {target}; choose one of: {known}.",
    ),
    "claimants_header": (
        "{file} trenger en overskriftsrad med kolonnene {columns} (skilt med semikolon eller"
        " komma).",
        "{file} treng ei overskriftsrad med kolonnane {columns} (skilde med semikolon eller"
        " komma).",
        "{file} needs a header row with the columns {columns} (separated by semicolon or comma).",
    ),
    "claimants_incomplete": (
        "{file}: både claimant og party må være fylt ut på hver linje.",
        "{file}: både claimant og party må vere fylte ut på kvar linje.",
        "{file}: both claimant and party must be filled in on every line.",
    ),
    "claimants_repeated": (
        "{file}: innsenderen {claimant} står på flere linjer; behold én.",
        "{file}: innsendaren {claimant} står på fleire linjer; behald éi.",
        "{file}: the claimant {claimant} stands on several lines; keep one.",
    ),
    "claimants_address": (
        "{file}: «{claimant}» ligner en e-postadresse. Bruk innsenderens id i appen.",
        "{file}: «{claimant}» liknar ei e-postadresse. Bruk id-en til innsendaren i appen.",
        "{file}: “{claimant}” looks like an e-mail address. Use the claimant's id in the app.",
    ),
    "claimants_too_large": (
        "Filen er større enn {maximum} MB. Del den opp.",
        "Fila er større enn {maximum} MB. Del ho opp.",
        "The file is larger than {maximum} MB. Divide it.",
    ),
    "claimants_unreadable": (
        "{file}: linjen kan ikke leses, eller en celle går over flere linjer. Se etter et"
        " anførselstegn som mangler sin make.",
        "{file}: linja kan ikkje lesast, eller ei celle går over fleire linjer. Sjå etter eit"
        " hermeteikn som manglar maken sin.",
        "{file}: the line cannot be read, or a cell goes over several lines. Look for a quotation"
        " mark that lacks its other half.",
    ),
    "claimants_not_text": (
        "{file} er ikke tekst i UTF-8. Lagre regnearket som CSV i UTF-8.",
        "{file} er ikkje tekst i UTF-8. Lagre reknearket som CSV i UTF-8.",
        "{file} is not text in UTF-8. Save the sheet as CSV in UTF-8.",
    ),
    "limit_not_valid": (
        "Skriv et beløp i bokens valuta, fra 0 og opp, for eksempel 5000.",
        "Skriv eit beløp i valutaen til boka, frå 0 og opp, til dømes 5000.",
        "Write an amount in the book's currency, from 0 up, for example 5000.",
    ),
    "token_without_name": (
        "Gi tokenet et navn som sier hvem som bruker det.",
        "Gi tokenet eit namn som seier kven som bruker det.",
        "Give the token a name that says who uses it.",
    ),
    "token_scope_unknown": (
        "Det finnes ingen rettighet «{scope}». Bruk: {scopes}.",
        "Det finst ingen rett «{scope}». Bruk: {scopes}.",
        "There is no scope “{scope}”. Use: {scopes}.",
    ),
    "token_without_scope": (
        "Velg minst én av: {scopes}.",
        "Vel minst éin av: {scopes}.",
        "Choose at least one of: {scopes}.",
    ),
    "token_days": (
        "Et token varer fra 1 til {most} dager.",
        "Eit token varer frå 1 til {most} dagar.",
        "A token lasts from 1 to {most} days.",
    ),
    "token_made_already": (
        "Dette tokenet er allerede laget og kan ikke vises igjen. Avslutt det, og lag et nytt.",
        "Dette tokenet er alt laga og kan ikkje visast igjen. Avslutt det, og lag eit nytt.",
        "This token has been made already and cannot be shown again. End it, and make another.",
    ),
    "issuer_keys": (
        "Gi enten jwksUrl (adressen til offentlige nøkler) eller secret, ikke begge.",
        "Gi anten jwksUrl (adressa til offentlege nøklar) eller secret, ikkje begge.",
        "Give either jwksUrl (the address of public keys) or secret, not both.",
    ),
    "issuer_algorithms": (
        "{unknown} kan ikke brukes her. Bruk: {known}.",
        "{unknown} kan ikkje brukast her. Bruk: {known}.",
        "{unknown} cannot be used here. Use: {known}.",
    ),
    "issuer_secret_short": (
        "Hemmeligheten må ha minst {bytes} byte.",
        "Løyndomen må ha minst {bytes} byte.",
        "The secret must have at least {bytes} bytes.",
    ),
    "issuer_twice": (
        "Den samme utstederen står to ganger; behold én.",
        "Den same utferdaren står to gonger; behald éin.",
        "The same issuer stands twice; keep one.",
    ),
    "issuer_prefixes": (
        "Med flere utstedere må hver ha sin egen subjectPrefix, og ingen kan begynne likt.",
        "Med fleire utferdarar må kvar ha sin eigen subjectPrefix, og ingen kan byrje likt.",
        "With several issuers each needs a subjectPrefix of its own, and none may begin alike.",
    ),
}
