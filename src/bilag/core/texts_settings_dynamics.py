"""What the settings of Business Central are called, as English -> (bokmål, nynorsk).

The English stands in the settings themselves, where a test looks for what is missing here.
"""

DYNAMICS_SETTING_TEXTS: dict[str, tuple[str, str]] = {
    "Microsoft Dynamics 365 Business Central": (
        "Microsoft Dynamics 365 Business Central",
        "Microsoft Dynamics 365 Business Central",
    ),
    "Posts vouchers in a general journal of one company, or leaves them as drafts.": (
        "Fører bilag i en finanskladd i ett selskap, eller lar dem ligge som utkast.",
        "Fører bilag i ein finanskladd i eitt selskap, eller lèt dei liggje som utkast.",
    ),
    "On your own server: https://host:7048/instance.": (
        "På egen server: https://host:7048/instance.",
        "På eigen tenar: https://host:7048/instance.",
    ),
    "Tenant": ("Leietaker (tenant)", "Leigetakar (tenant)"),
    "Directory id or domain of the organization in Entra.": (
        "Katalog-id eller domene for organisasjonen i Entra.",
        "Katalog-id eller domene for organisasjonen i Entra.",
    ),
    "For example Production; empty on your own server.": (
        "For eksempel Production; tomt på egen server.",
        "Til dømes Production; tomt på eigen tenar.",
    ),
    "API path": ("API-sti", "API-sti"),
    "Another one only for an API of your own.": (
        "En annen bare for et eget API.",
        "Ein annan berre for eit eige API.",
    ),
    "Company": ("Selskap", "Selskap"),
    "Its name or id, as expected.": (
        "Navnet eller id-en, som forventet.",
        "Namnet eller id-en, som venta.",
    ),
    "Certificate: private key and certificate in one PEM text. Basic: only on your own server,"
    " with a web service access key.": (
        "Sertifikat: privat nøkkel og sertifikat i én PEM-tekst. Brukernavn: bare på egen"
        " server, med tilgangsnøkkel for webtjenester.",
        "Sertifikat: privat nøkkel og sertifikat i éin PEM-tekst. Brukarnamn: berre på eigen"
        " tenar, med tilgangsnøkkel for webtenester.",
    ),
    "User name and access key": ("Brukernavn og tilgangsnøkkel", "Brukarnamn og tilgangsnøkkel"),
    "Certificate": ("Sertifikat", "Sertifikat"),
    "Login address": ("Påloggingsadresse", "Påloggingsadresse"),
    "Of Entra.": ("Til Entra.", "Til Entra."),
    "Of the app in Entra.": ("Til appen i Entra.", "Til appen i Entra."),
    "Asked for with the token.": (
        "Bes om sammen med tilgangsnøkkelen.",
        "Blir bede om saman med tilgangsnøkkelen.",
    ),
    "For basic login.": ("For pålogging med brukernavn.", "For pålogging med brukarnamn."),
    "What is made": ("Hva som lages", "Kva som blir laga"),
    "Journal: posted at once. Draft: left in the journal for the accountant. Purchase invoice:"
    " one for each voucher, on the vendor.": (
        "Kladd: bokføres med en gang. Utkast: blir liggende i kladden til regnskapsføreren."
        " Inngående faktura: én for hvert bilag, på leverandøren.",
        "Kladd: blir bokført med ein gong. Utkast: blir liggjande i kladden til"
        " rekneskapsføraren. Inngåande faktura: éin for kvart bilag, på leverandøren.",
    ),
    "Draft in the journal": ("Utkast i kladden", "Utkast i kladden"),
    "Journal, posted at once": ("Kladd, bokføres med en gang", "Kladd, blir bokført med ein gong"),
    "Purchase invoice": ("Inngående faktura", "Inngåande faktura"),
    "Journal template": ("Kladdemal", "Kladdemal"),
    "Empty: the first general journal template.": (
        "Tomt: den første malen for finanskladd.",
        "Tomt: den første malen for finanskladd.",
    ),
    "Vouchers a journal": ("Bilag per kladd", "Bilag per kladd"),
    "Posted together.": ("Bokføres samlet.", "Blir bokførte samla."),
    "What a line with a supplier or employee is posted to; G/L Account: to the ledger account"
    " of the line.": (
        "Hva en linje med leverandør eller ansatt føres på; hovedbokskonto: på linjens egen konto.",
        "Kva ei linje med leverandør eller tilsett blir ført på; hovudbokskonto: på linja sin"
        " eigen konto.",
    ),
    "Bank account": ("Bankkonto", "Bankkonto"),
    "Customer": ("Kunde", "Kunde"),
    "Employee": ("Ansatt", "Tilsett"),
    "Supplier": ("Leverandør", "Leverandør"),
    "The company's own currency; journal lines carry no other.": (
        "Selskapets egen valuta; kladdelinjer har ingen annen.",
        "Selskapet sin eigen valuta; kladdelinjer har ingen annan.",
    ),
    "Decimals": ("Desimaler", "Desimalar"),
    "How exact the company books an amount.": (
        "Hvor nøyaktig selskapet fører et beløp.",
        "Kor nøyaktig selskapet fører eit beløp.",
    ),
    "VAT codes": ("Mva-koder", "Mva-kodar"),
    "Send the VAT code as taxCode. Only with a partner who has tried that VAT is booked right;"
    " without it vouchers are posted gross.": (
        "Send mva-koden som taxCode. Bare med en partner som har prøvd at mva føres riktig;"
        " uten det føres bilag brutto.",
        "Send mva-koden som taxCode. Berre med ein partnar som har prøvd at mva blir ført"
        " rett; utan det blir bilag førte brutto.",
    ),
    "Job queue": ("Jobbkø", "Jobbkø"),
    "The company posts with the job queue (General Ledger Setup): what is taken is booked later.": (
        "Selskapet bokfører med jobbkøen (finansoppsett): det som er mottatt, bokføres senere.",
        "Selskapet bokfører med jobbkøen (finansoppsett): det som er motteke, blir bokført"
        " seinare.",
    ),
    "Lines with dimensions": ("Linjer med dimensjoner", "Linjer med dimensjonar"),
    "Send dimensions together with the line. They are read back and mended anyway.": (
        "Send dimensjoner sammen med linjen. De leses uansett tilbake og rettes.",
        "Send dimensjonar saman med linja. Dei blir uansett lesne tilbake og retta.",
    ),
    "Journal settings": ("Kladdinnstillinger", "Kladdinnstillingar"),
    "Path below the environment of an API of your own that lists journals with batchName,"
    " noSeries, postingNoSeries and postWithJobQueue; {company} is the company's id. Empty: not"
    " read.": (
        "Sti under miljøet til et eget API som lister kladder med batchName, noSeries,"
        " postingNoSeries og postWithJobQueue; {company} er selskapets id. Tomt: leses ikke.",
        "Sti under miljøet til eit eige API som listar kladdar med batchName, noSeries,"
        " postingNoSeries og postWithJobQueue; {company} er selskapet sin id. Tomt: blir ikkje"
        " lese.",
    ),
    "Time for a request": ("Tid for en forespørsel", "Tid for ein førespurnad"),
    "In seconds; empty: the run's.": (
        "I sekunder; tomt: den som gjelder for synkroniseringen.",
        "I sekund; tomt: den som gjeld for synkroniseringa.",
    ),
    "Time for posting": ("Tid for bokføring", "Tid for bokføring"),
    "For example AVDELING.": ("For eksempel AVDELING.", "Til dømes AVDELING."),
    "For example PROSJEKT.": ("For eksempel PROSJEKT.", "Til dømes PROSJEKT."),
    "Other fields": ("Andre felter", "Andre felt"),
    "External field names of the mapping, each with its dimension code.": (
        "Feltnavn i felttilordningen, hvert med sin dimensjonskode.",
        "Feltnamn i felttilordninga, kvart med dimensjonskoden sin.",
    ),
    "Private key": ("Privat nøkkel", "Privat nøkkel"),
    # why a value is refused
    "an address looks like https://api.businesscentral.dynamics.com/v2.0": (
        "en adresse ser ut som https://api.businesscentral.dynamics.com/v2.0",
        "ei adresse ser ut som https://api.businesscentral.dynamics.com/v2.0",
    ),
    "give only the path, for example api/v2.0": (
        "oppgi bare stien, for eksempel api/v2.0",
        "oppgi berre stien, til dømes api/v2.0",
    ),
    "give only the name itself, without slashes or signs of an address": (
        "oppgi bare selve navnet, uten skråstreker eller andre tegn fra en adresse",
        "oppgi berre sjølve namnet, utan skråstrekar eller andre teikn frå ei adresse",
    ),
    "the login in Entra needs a tenant and a client id": (
        "påloggingen i Entra trenger leietaker (tenant) og klient-id",
        "pålogginga i Entra treng leigetakar (tenant) og klient-id",
    ),
    "an environment needs its tenant": (
        "et miljø trenger sin leietaker (tenant)",
        "eit miljø treng leigetakaren (tenant) sin",
    ),
    "a purchase invoice is made on a vendor": (
        "en inngående faktura lages på en leverandør",
        "ein inngåande faktura blir laga på ein leverandør",
    ),
}
