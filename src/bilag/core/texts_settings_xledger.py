"""What the settings of Xledger are called, as English -> (bokmål, nynorsk).

The English stands in the settings themselves, where a test looks for what is missing here.
"""

XLEDGER_SETTING_TEXTS: dict[str, tuple[str, str]] = {
    "Xledger": ("Xledger", "Xledger"),
    "Hands each voucher to the import of Xledger, and follows it until it is booked.": (
        "Leverer hvert bilag til importen i Xledger, og følger det til det er bokført.",
        "Leverer kvart bilag til importen i Xledger, og følgjer det til det er bokført.",
    ),
    "Demo (for trying out)": ("Demo (for utprøving)", "Demo (for utprøving)"),
    "Production": ("Produksjon", "Produksjon"),
    "Address": ("Adresse", "Adresse"),
    "Only where it is another than the environment's.": (
        "Bare hvis den er en annen enn miljøets.",
        "Berre om ho er ei anna enn den til miljøet.",
    ),
    "Expected entity": ("Forventet enhet", "Forventa eining"),
    "dbId or code of the company. Needed where the token reaches several.": (
        "Selskapets dbId eller kode. Trengs når nøkkelen når flere.",
        "dbId eller kode for selskapet. Trengst når nøkkelen når fleire.",
    ),
    "Vouchers": ("Bilag", "Bilag"),
    "Batches": ("Flere bilag om gangen", "Fleire bilag om gongen"),
    "Pace": ("Tempo", "Tempo"),
    "Master data": ("Grunndata", "Grunndata"),
    "An API token made in Xledger under System Access, GraphQL, API tokens. OAuth2 client"
    " credentials are not documented by Xledger: only where you were told so.": (
        "Et API-token laget i Xledger under System Access, GraphQL, API tokens. OAuth2 er ikke"
        " dokumentert av Xledger: bare når dere har fått beskjed om det.",
        "Eit API-token laga i Xledger under System Access, GraphQL, API tokens. OAuth2 er"
        " ikkje dokumentert av Xledger: berre når de har fått beskjed om det.",
    ),
    "API token": ("API-token", "API-token"),
    "For OAuth2. Not documented by Xledger.": (
        "For OAuth2. Ikke dokumentert av Xledger.",
        "For OAuth2. Ikkje dokumentert av Xledger.",
    ),
    "For OAuth2.": ("For OAuth2.", "For OAuth2."),
    "For OAuth2; may stay empty.": ("For OAuth2; kan stå tomt.", "For OAuth2; kan stå tomt."),
    "Word before an OAuth2 token": ("Ord foran et OAuth2-token", "Ord framfor eit OAuth2-token"),
    "In the Authorization header. Not documented by Xledger.": (
        "I hodet Authorization. Ikke dokumentert av Xledger.",
        "I hovudet Authorization. Ikkje dokumentert av Xledger.",
    ),
    "Vouchers in a call": ("Bilag per kall", "Bilag per kall"),
    "When one is refused": ("Når ett blir avvist", "Når eitt blir avvist"),
    "atomic: the whole call is refused; per_document: the others are taken. Not documented by"
    " Xledger: prove it on the tenant before you send several in one call.": (
        "Blir alle avvist, eller tas de andre imot? Ikke dokumentert av Xledger: prøv det på"
        " leietakeren før dere sender flere i ett kall.",
        "Blir alle avviste, eller blir dei andre tekne imot? Ikkje dokumentert av Xledger:"
        " prøv det på leigetakaren før de sender fleire i eitt kall.",
    ),
    "All are refused": ("Alle avvises", "Alle blir avviste"),
    "The others are taken": ("De andre tas imot", "Dei andre blir tekne imot"),
    "Code": ("Kode", "Kode"),
    "dbId": ("dbId", "dbId"),
    "Xledger's own id.": ("Xledgers egen id.", "Xledger sin eigen id."),
    "glObject1": ("glObject1", "glObject1"),
    "Set up in each tenant its own way": (
        "Satt opp på hver leietakers egen måte",
        "Sett opp på kvar leigetakar sin eigen måte",
    ),
    "glObject2": ("glObject2", "glObject2"),
    "glObject3": ("glObject3", "glObject3"),
    "glObject4": ("glObject4", "glObject4"),
    "glObject5": ("glObject5", "glObject5"),
    "project": ("project", "project"),
    "The field of that name.": ("Feltet med det navnet.", "Feltet med det namnet."),
    "xgl": ("xgl", "xgl"),
    "A predefined combination of dimensions.": (
        "En forhåndsdefinert kombinasjon av dimensjoner.",
        "Ein førehandsdefinert kombinasjon av dimensjonar.",
    ),
    "dbSubId": ("dbSubId", "dbSubId"),
    "Search of import items": ("Søk i importlinjer", "Søk i importlinjer"),
    "By a filter on extIdentifier (one or several at once), or by reading all that changed"
    " since we sent. Whether the filters exist is not documented; `check` tells.": (
        "Med filter på extIdentifier (én eller flere om gangen), eller ved å lese alt som er"
        " endret siden vi sendte. Om filtrene finnes, er ikke dokumentert; testen sier det.",
        "Med filter på extIdentifier (éin eller fleire om gongen), eller ved å lese alt som er"
        " endra sidan vi sende. Om filtera finst, er ikkje dokumentert; testen seier det.",
    ),
    "By extIdentifier, one at a time": (
        "Med extIdentifier, én om gangen",
        "Med extIdentifier, éin om gongen",
    ),
    "By extIdentifier, several at once": (
        "Med extIdentifier, flere om gangen",
        "Med extIdentifier, fleire om gongen",
    ),
    "By reading what has changed": ("Ved å lese det som er endret", "Ved å lese det som er endra"),
    "Search of journal entries": ("Søk i posteringer", "Søk i posteringar"),
    "As for import items.": ("Som for importlinjer.", "Som for importlinjer."),
    "Booked entries": ("Bokførte poster", "Bokførte postar"),
    "journalEntries hold extIdentifier; transactions only the text, so the text has to hold"
    " {reference}, and they are read back from the newest.": (
        "journalEntries har extIdentifier; transactions har bare teksten, så den må inneholde"
        " {reference}, og de leses bakover fra den nyeste.",
        "journalEntries har extIdentifier; transactions har berre teksten, så han må innehalde"
        " {reference}, og dei blir lesne bakover frå den nyaste.",
    ),
    "Read lines": ("Les linjer", "Les linjer"),
    "Account and cost centre of booked entries too, to find altered and reversed vouchers. That"
    " entries show account{code} is not documented.": (
        "Også konto og kostnadssted for bokførte poster, for å finne endrede og tilbakeførte"
        " bilag. At poster viser account{code}, er ikke dokumentert.",
        "Også konto og kostnadsstad for bokførte postar, for å finne endra og tilbakeførte"
        " bilag. At postar viser account{code}, er ikkje dokumentert.",
    ),
    "Link of an import error": ("Kobling for en importfeil", "Kopling for ein importfeil"),
    "Which field of glImportItemErrors holds the id of the import item. Not documented: compare"
    " one error in Xledger. none: errors are not read.": (
        "Hvilket felt i glImportItemErrors som har importlinjens id. Ikke dokumentert:"
        " sammenlign én feil i Xledger. Ingen: feil leses ikke.",
        "Kva felt i glImportItemErrors som har id-en til importlinja. Ikkje dokumentert:"
        " samanlikn éin feil i Xledger. Ingen: feil blir ikkje lesne.",
    ),
    "None": ("Ingen", "Ingen"),
    "Levels that are no errors": ("Nivåer som ikke er feil", "Nivå som ikkje er feil"),
    "Codes of errorLevel that do not stop booking. The codes are not documented.": (
        "Koder i errorLevel som ikke stopper bokføring. Kodene er ikke dokumentert.",
        "Kodar i errorLevel som ikkje stoppar bokføring. Kodane er ikkje dokumenterte.",
    ),
    "Booked items stay": ("Bokførte linjer blir stående", "Bokførte linjer blir ståande"),
    "Whether items stay in glImportItems once booked is not documented. Off: what is booked and"
    " still waiting there counts as waiting, since a second copy may.": (
        "Om linjer blir stående i glImportItems når de er bokført, er ikke dokumentert. Av:"
        " det som er bokført og fortsatt venter der, regnes som ventende, for det kan være en"
        " kopi til.",
        "Om linjer blir ståande i glImportItems når dei er bokførte, er ikkje dokumentert. Av:"
        " det som er bokført og framleis ventar der, blir rekna som ventande, for det kan vere"
        " ein kopi til.",
    ),
    "Items can be removed": ("Linjer kan fjernes", "Linjer kan fjernast"),
    "The tenant has removeGLImportItems. Not documented; `check` tells.": (
        "Leietakeren har removeGLImportItems. Ikke dokumentert; testen sier det.",
        "Leigetakaren har removeGLImportItems. Ikkje dokumentert; testen seier det.",
    ),
    "Entities searched": ("Enheter det søkes i", "Einingar det blir søkt i"),
    "Sent as ownerSet. Needed where vouchers go to another entity than the token's; what each"
    " value covers is not documented.": (
        "Sendes som ownerSet. Trengs når bilag går til en annen enhet enn nøkkelens; hva hver"
        " verdi dekker, er ikke dokumentert.",
        "Blir sendt som ownerSet. Trengst når bilag går til ei anna eining enn den nøkkelen er"
        " laga i; kva kvar verdi dekkjer, er ikkje dokumentert.",
    ),
    "Not sent": ("Sendes ikke", "Blir ikkje sendt"),
    "Pages at most": ("Sider på det meste", "Sider på det meste"),
    "Of 1,000 rows. A search that is not through by then decides nothing.": (
        "Med 1 000 rader. Et søk som ikke er ferdig da, avgjør ingenting.",
        "Med 1 000 rader. Eit søk som ikkje er ferdig då, avgjer ingenting.",
    ),
    "Object kind of cost centres": (
        "Objekttype for kostnadssteder",
        "Objekttype for kostnadsstader",
    ),
    "Its dbId. Empty: the object kind that is called so.": (
        "Dens dbId. Tomt: objekttypen som heter det.",
        "dbId-en. Tomt: objekttypen som heiter det.",
    ),
    "Object kind of VAT codes": ("Objekttype for mva-koder", "Objekttype for mva-kodar"),
    "Its dbId.": ("Dens dbId.", "dbId-en."),
    "Requests": ("Forespørsler", "Førespurnader"),
    "At most so many in the time below.": (
        "Høyst så mange i tiden nedenfor.",
        "Høgst så mange i tida nedanfor.",
    ),
    "Seconds": ("Sekunder", "Sekund"),
    "Xledger's limit is not documented.": (
        "Xledgers grense er ikke dokumentert.",
        "Grensa til Xledger er ikkje dokumentert.",
    ),
    "Time for an answer": ("Tid for et svar", "Tid for eit svar"),
    "Shorter than the integration's own; 0: the integration's own.": (
        "Kortere enn integrasjonens egen; 0: integrasjonens egen.",
        "Kortare enn den integrasjonen har; 0: den integrasjonen har.",
    ),
    "Transaction source": ("Transaksjonskilde", "Transaksjonskjelde"),
    "Its code. Xledger's example has GL; the code for expenses is not documented: read it off a"
    " posted expense voucher, or ask Xledger.": (
        "Koden. Xledgers eksempel har GL; koden for utlegg er ikke dokumentert: les den av et"
        " ført utleggsbilag, eller spør Xledger.",
        "Koden. Dømet til Xledger har GL; koden for utlegg er ikkje dokumentert: les han av"
        " eit ført utleggsbilag, eller spør Xledger.",
    ),
    "Job level": ("Jobbnivå", "Jobbnivå"),
    "What the values mean is not documented: ask Xledger which one books. Its example has"
    " dbSubId 1. Left out unless you say so.": (
        "Hva verdiene betyr, er ikke dokumentert: spør Xledger hvilken som bokfører."
        " Eksempelet har dbSubId 1. Utelates hvis dere ikke sier noe.",
        "Kva verdiane betyr, er ikkje dokumentert: spør Xledger kva for ein som bokfører."
        " Dømet har dbSubId 1. Blir utelaten om de ikkje seier noko.",
    ),
    "Import definition": ("Importdefinisjon", "Importdefinisjon"),
    "Each tenant has its own.": ("Hver leietaker har sin egen.", "Kvar leigetakar har sin eigen."),
    "Owner": ("Eier", "Eigar"),
    "The entity vouchers are created in. Empty: the one the token was made in.": (
        "Enheten bilag opprettes i. Tomt: den som nøkkelen er laget i.",
        "Eininga bilag blir oppretta i. Tomt: den som nøkkelen er laga i.",
    ),
    "Registration number (trRegNumber)": (
        "Registreringsnummer (trRegNumber)",
        "Registreringsnummer (trRegNumber)",
    ),
    "Shared by the lines of a voucher, made of our voucher number, or of year and number"
    " (2026000017) where numbers start again each year. How large it may be, and whether"
    " Xledger refuses one that is taken, is not documented.": (
        "Felles for linjene i et bilag, laget av vårt bilagsnummer, eller av år og nummer"
        " (2026000017) der numrene begynner på nytt hvert år. Hvor stort det kan være, og om"
        " Xledger avviser et som er brukt, er ikke dokumentert.",
        "Felles for linjene i eit bilag, laga av bilagsnummeret vårt, eller av år og nummer"
        " (2026000017) der numra byrjar på nytt kvart år. Kor stort det kan vere, og om"
        " Xledger avviser eit som er brukt, er ikkje dokumentert.",
    ),
    "Our voucher number": ("Vårt bilagsnummer", "Bilagsnummeret vårt"),
    "Year and number": ("År og nummer", "År og nummer"),
    "Amount fields": ("Beløpsfelter", "Beløpsfelt"),
    "Xledger's example fills both. Amounts are written as text, debit positive.": (
        "Xledgers eksempel fyller begge. Beløp skrives som tekst, debet positivt.",
        "Dømet til Xledger fyller begge. Beløp blir skrivne som tekst, debet positivt.",
    ),
    "Both": ("Begge", "Begge"),
    "Write the currency": ("Skriv valutaen", "Skriv valutaen"),
    "Only where vouchers are in other currencies than the entity's.": (
        "Bare når bilag er i andre valutaer enn enhetens.",
        "Berre når bilag er i andre valutaer enn den til eininga.",
    ),
    "Invoice number": ("Fakturanummer", "Fakturanummer"),
    "Our reference once more, to be found by; or left out.": (
        "Vår referanse en gang til, til å finne igjen med; eller utelatt.",
        "Referansen vår ein gong til, til å finne igjen med; eller utelaten.",
    ),
    "Invoice date": ("Fakturadato", "Fakturadato"),
    "The posting date": ("Bokføringsdatoen", "Bokføringsdatoen"),
    "Text": ("Tekst", "Tekst"),
    "Of a line, with {reference}, {text} (the line's, or else the voucher's), {voucherText},"
    " {number}, {sourceId}. Posted entries may show nothing else to find our reference by.": (
        "For en linje, med {reference}, {text} (linjens, ellers bilagets), {voucherText},"
        " {number}, {sourceId}. Bokførte poster viser kanskje ikke annet å finne referansen"
        " vår med.",
        "For ei linje, med {reference}, {text} (teksten til linja, elles til bilaget),"
        " {voucherText}, {number}, {sourceId}. Bokførte postar viser kanskje ikkje anna å"
        " finne referansen vår med.",
    ),
    "Longest text": ("Lengste tekst", "Lengste tekst"),
    "A longer one is cut at its end; 0: never. Xledger's limit is not documented.": (
        "En lengre kuttes på slutten; 0: aldri. Xledgers grense er ikke dokumentert.",
        "Ein lengre blir kutta på slutten; 0: aldri. Grensa til Xledger er ikkje dokumentert.",
    ),
    "VAT": ("Mva", "Mva"),
    "The VAT code goes into taxRule, or none is taken.": (
        "Mva-koden settes i taxRule, eller ingen tas imot.",
        "Mva-koden blir sett i taxRule, eller ingen blir teken imot.",
    ),
    "No VAT": ("Ingen mva", "Inga mva"),
    "In taxRule": ("I taxRule", "I taxRule"),
    "Accounts with a subledger": ("Kontoer med reskontro", "Kontoar med reskontro"),
    "Which lines carry the supplier or employee as subledger; empty: each line that has one.": (
        "Hvilke linjer som bærer leverandøren eller den ansatte som reskontro; tomt: alle"
        " linjer som har en.",
        "Kva linjer som ber leverandøren eller den tilsette som reskontro; tomt: alle linjer"
        " som har ein.",
    ),
    # why a value is refused
    "an address looks like https://www.xledger.net/graphql": (
        "en adresse ser ut som https://www.xledger.net/graphql",
        "ei adresse ser ut som https://www.xledger.net/graphql",
    ),
    "give the code or the dbId, not both": (
        "oppgi koden eller dbId, ikke begge",
        "oppgi koden eller dbId, ikkje begge",
    ),
    "give dbId or dbSubId, not both": (
        "oppgi dbId eller dbSubId, ikke begge",
        "oppgi dbId eller dbSubId, ikkje begge",
    ),
    "write {reference}, {text} ... with both braces": (
        "skriv {reference}, {text} ... med begge klammer",
        "skriv {reference}, {text} ... med begge klammar",
    ),
    "where texts are cut, put {reference} before everything that varies": (
        "når tekster kuttes, må {reference} stå foran alt som varierer",
        "når tekstar blir kutta, må {reference} stå framfor alt som varierer",
    ),
    "several vouchers in a call need a batch rule that was proven on the tenant": (
        "flere bilag i ett kall krever en regel som er prøvd på leietakeren",
        "fleire bilag i eitt kall krev ein regel som er prøvd på leigetakaren",
    ),
    "with a currency only invoiceAmount is right: amount is in the entity's currency": (
        "med valuta er bare invoiceAmount riktig: amount er i enhetens valuta",
        "med valuta er berre invoiceAmount rett: amount er i valutaen til eininga",
    ),
    "transactions are found by {reference} in the text of a line": (
        "transactions finnes igjen med {reference} i linjeteksten",
        "transactions blir funne igjen med {reference} i linjeteksten",
    ),
    "transactions hold no extIdentifier to search by": (
        "transactions har ingen extIdentifier å søke med",
        "transactions har ingen extIdentifier å søkje med",
    ),
    "the lines are read from journalEntries, not from transactions": (
        "linjene leses fra journalEntries, ikke fra transactions",
        "linjene blir lesne frå journalEntries, ikkje frå transactions",
    ),
}
