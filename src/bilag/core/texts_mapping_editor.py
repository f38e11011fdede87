"""Problems met while a mapping is written or edited, as code -> (bokmål, nynorsk, English).

Each says what is wrong and what to do.
"""

MAPPING_EDITOR_TEXTS: dict[str, tuple[str, str, str]] = {
    "mapping_moved": (
        "Versjon {version} av tilordningen ble lagret av {by} {at} mens du arbeidet. "
        "Endringene dine er ikke tapt: se forskjellen, og legg dem oppå den nye versjonen "
        "eller forkast dem.",
        "Versjon {version} av tilordninga vart lagra av {by} {at} medan du arbeidde. "
        "Endringane dine er ikkje tapte: sjå skilnaden, og legg dei oppå den nye versjonen "
        "eller forkast dei.",
        "Version {version} of the mapping was saved by {by} at {at} while you were working. "
        "Your changes are not lost: look at the difference, and put them on top of the new "
        "version or discard them.",
    ),
    "mapping_version_unknown": (
        "Tilordningen har ingen versjon {version}. Velg en fra listen over versjoner.",
        "Tilordninga har ingen versjon {version}. Vel ein frå lista over versjonar.",
        "The mapping has no version {version}. Choose one from the list of versions.",
    ),
    "mapping_field_unknown": (
        "Regnskapssystemet har ikke feltet «{name}», eller innstillingene fyller det selv. "
        "Velg et felt fra listen, eller fjern raden.",
        "Rekneskapssystemet har ikkje feltet «{name}», eller innstillingane fyller det "
        "sjølve. Vel eit felt frå lista, eller fjern rada.",
        "The accounting system has no field “{name}”, or the settings fill it themselves. "
        "Choose a field from the list, or remove the row.",
    ),
    "mapping_field_reserved": (
        "Feltet «{name}» fylles av bilaget selv. Velg et annet felt, eller fjern raden.",
        "Feltet «{name}» blir fylt av bilaget sjølv. Vel eit anna felt, eller fjern rada.",
        "The field “{name}” is filled by the voucher itself. Choose another field, or remove "
        "the row.",
    ),
    "mapping_field_missing": (
        "Regnskapssystemet krever feltet «{name}», men ingenting fyller det. Legg det til, "
        "og velg hva det skal inneholde.",
        "Rekneskapssystemet krev feltet «{name}», men ingenting fyller det. Legg det til, og "
        "vel kva det skal innehalde.",
        "The accounting system requires the field “{name}”, but nothing fills it. Add it, "
        "and choose what it is to hold.",
    ),
    "mapping_field_twice": (
        "Feltet «{name}» er fylt to ganger. Behold én av radene.",
        "Feltet «{name}» er fylt to gonger. Behald éi av radene.",
        "The field “{name}” is filled twice. Keep one of the rows.",
    ),
    "mapping_value_too_long": (
        "Verdien til feltet «{name}» har {length} tegn, og regnskapssystemet tar høyst "
        "{maximum}. Kort den ned.",
        "Verdien til feltet «{name}» har {length} teikn, og rekneskapssystemet tek høgst "
        "{maximum}. Kort han ned.",
        "The value of the field “{name}” has {length} characters, and the accounting system "
        "takes at most {maximum}. Shorten it.",
    ),
    "mapping_may_be_too_long": (
        "Feltet «{name}» tar høyst {maximum} tegn, men verdien kan bli lengre. La den bli "
        "kuttet til {maximum} tegn.",
        "Feltet «{name}» tek høgst {maximum} teikn, men verdien kan bli lengre. La han bli "
        "kutta til {maximum} teikn.",
        "The field “{name}” takes at most {maximum} characters, but the value may be longer. "
        "Let it be cut to {maximum} characters.",
    ),
    "mapping_not_a_date_field": (
        "Feltet «{name}» skal være en dato. Velg et datofelt fra appen, eller gi et datoformat.",
        "Feltet «{name}» skal vere ein dato. Vel eit datofelt frå appen, eller gi eit datoformat.",
        "The field “{name}” is to be a date. Choose a date of the app, or give a date format.",
    ),
    "mapping_not_a_number_field": (
        "Feltet «{name}» skal være et tall. Velg et tallfelt fra appen, eller gi et tallformat.",
        "Feltet «{name}» skal vere eit tal. Vel eit talfelt frå appen, eller gi eit talformat.",
        "The field “{name}” is to be a number. Choose a number of the app, or give a number "
        "format.",
    ),
    "mapping_claimants_too_many": (
        "Tilordningen kan ha høyst {maximum} innsendere. Bruk mellomregningskontoen for resten.",
        "Tilordninga kan ha høgst {maximum} innsendarar. Bruk mellomrekningskontoen for resten.",
        "A mapping may hold at most {maximum} claimants. Use the clearing account for the rest.",
    ),
    "claimant_name_like": (
        "«{claimant}» ligner en e-postadresse. Bruk innsenderens id i appen, aldri navn "
        "eller e-post.",
        "«{claimant}» liknar ei e-postadresse. Bruk id-en til innsendaren i appen, aldri "
        "namn eller e-post.",
        "“{claimant}” looks like an e-mail address. Use the claimant's id in the app, never "
        "a name or e-mail address.",
    ),
    "mapping_account_signs": (
        "Kontoen «{code}» kan ikke brukes: den kan ha bokstaver, sifre og tegnene - . _ / : + & og "
        "ingen mellomrom. Skriv den slik den står i kontoplanen.",
        "Kontoen «{code}» kan ikkje brukast: han kan ha bokstavar, siffer og teikna - . _ / : + & "
        "og ingen mellomrom. Skriv han slik han står i kontoplanen.",
        "The account “{code}” cannot be used: it may hold letters, digits and the characters "
        "- . _ / : + & and no blanks. Write it as the chart of accounts has it.",
    ),
    "mapping_cost_centre_signs": (
        "Kostnadsstedet «{code}» kan ikke brukes: det kan ha bokstaver, sifre og tegnene "
        "- . _ / : + & og enkle mellomrom. Skriv det slik det står i regnskapssystemet.",
        "Kostnadsstaden «{code}» kan ikkje brukast: han kan ha bokstavar, siffer og teikna "
        "- . _ / : + & og enkle mellomrom. Skriv han slik han står i rekneskapssystemet.",
        "The cost centre “{code}” cannot be used: it may hold letters, digits and the characters "
        "- . _ / : + & and single blanks. Write it as the accounting system has it.",
    ),
    "mapping_project_signs": (
        "Prosjektet «{code}» kan ikke brukes: det kan ha bokstaver, sifre og tegnene "
        "- . _ / : + & og enkle mellomrom. Skriv det slik det står i regnskapssystemet.",
        "Prosjektet «{code}» kan ikkje brukast: det kan ha bokstavar, siffer og teikna "
        "- . _ / : + & og enkle mellomrom. Skriv det slik det står i rekneskapssystemet.",
        "The project “{code}” cannot be used: it may hold letters, digits and the characters "
        "- . _ / : + & and single blanks. Write it as the accounting system has it.",
    ),
    "mapping_vat_code_signs": (
        "Mva-koden «{code}» kan ikke brukes: den kan ha bokstaver, sifre og tegnene "
        "- . _ / : + & og enkle mellomrom. Skriv den slik den står i regnskapssystemet.",
        "Mva-koden «{code}» kan ikkje brukast: han kan ha bokstavar, siffer og teikna "
        "- . _ / : + & og enkle mellomrom. Skriv han slik han står i rekneskapssystemet.",
        "The VAT code “{code}” cannot be used: it may hold letters, digits and the characters "
        "- . _ / : + & and single blanks. Write it as the accounting system has it.",
    ),
    "mapping_preview_records": (
        "Velg fra én til {maximum} krav.",
        "Vel frå eitt til {maximum} krav.",
        "Choose one to {maximum} claims.",
    ),
}
