"""What the settings of a REST API are called, as English -> (bokmål, nynorsk).

The English stands in the settings themselves, where a test looks for what is missing here.
"""

REST_SETTING_TEXTS: dict[str, tuple[str, str]] = {
    "Another system with a REST API": (
        "Et annet system med REST-API",
        "Eit anna system med REST-API",
    ),
    "Sends each voucher as JSON to a system without a connector of its own.": (
        "Sender hvert bilag som JSON til et system uten egen kobling.",
        "Sender kvart bilag som JSON til eit system utan eiga kopling.",
    ),
    "https://api.example.com/v1": ("https://api.example.com/v1", "https://api.example.com/v1"),
    "Method": ("Metode", "Metode"),
    "Path": ("Sti", "Sti"),
    "Where a voucher goes; may hold {reference}.": (
        "Hvor et bilag sendes; kan inneholde {reference}.",
        "Kvar eit bilag blir sendt; kan innehalde {reference}.",
    ),
    "Fixed headers": ("Faste hoder", "Faste hovud"),
    "Sent with each request; no secrets.": (
        "Sendes med hver forespørsel; ingen hemmeligheter.",
        "Blir sende med kvar førespurnad; ingen løyndomar.",
    ),
    "Idempotency header": ("Idempotenshode", "Idempotenshovud"),
    "Carries our reference, if the system takes one.": (
        "Bærer vår referanse, hvis systemet tar imot en.",
        "Ber referansen vår, om systemet tek imot ein.",
    ),
    "Honours the key": ("Respekterer nøkkelen", "Respekterer nøkkelen"),
    "The system posts a key once however often it is sent. Your word counts: a voucher without"
    " an answer is then sent again.": (
        "Systemet fører en nøkkel én gang uansett hvor ofte den sendes. Ditt ord gjelder: et"
        " bilag uten svar sendes da på nytt.",
        "Systemet fører ein nøkkel éin gong same kor ofte han blir send. Ditt ord gjeld: eit"
        " bilag utan svar blir då sendt på nytt.",
    ),
    "HTTP 409 means": ("HTTP 409 betyr", "HTTP 409 betyr"),
    "Accepted: it has this reference already.": (
        "Godtatt: systemet har denne referansen fra før.",
        "Godteke: systemet har denne referansen frå før.",
    ),
    "Accepted": ("Godtatt", "Godteke"),
    "Refused": ("Avvist", "Avvist"),
    "Body": ("Innhold", "Innhald"),
    "Success": ("Vellykket", "Vellukka"),
    "Refusals": ("Avvisninger", "Avvisingar"),
    "Company": ("Selskap", "Selskap"),
    "How many may wait for an answer.": (
        "Hvor mange som kan vente på svar.",
        "Kor mange som kan vente på svar.",
    ),
    "Foreign currency": ("Utenlandsk valuta", "Utanlandsk valuta"),
    "The system takes vouchers in any currency.": (
        "Systemet tar bilag i alle valutaer.",
        "Systemet tek bilag i alle valutaer.",
    ),
    "How the system knows that it is you.": (
        "Hvordan systemet vet at det er dere.",
        "Korleis systemet veit at det er de.",
    ),
    "API key in a header": ("API-nøkkel i et hode", "API-nøkkel i eit hovud"),
    "User name and password": ("Brukernavn og passord", "Brukarnamn og passord"),
    "Token that does not expire": ("Nøkkel som ikke utløper", "Nøkkel som ikkje går ut"),
    "Signature with a shared key (HMAC)": (
        "Signatur med felles nøkkel (HMAC)",
        "Signatur med felles nøkkel (HMAC)",
    ),
    "No login": ("Ingen pålogging", "Inga pålogging"),
    "API key header": ("Hode for API-nøkkel", "Hovud for API-nøkkel"),
    "The header that carries the API key.": (
        "Hodet som bærer API-nøkkelen.",
        "Hovudet som ber API-nøkkelen.",
    ),
    "For user name and password.": ("For brukernavn og passord.", "For brukarnamn og passord."),
    "Where OAuth2 access tokens are fetched.": (
        "Hvor OAuth2-tilgangsnøkler hentes.",
        "Kvar OAuth2-tilgangsnøklar blir henta.",
    ),
    "The OAuth2 client.": ("OAuth2-klienten.", "OAuth2-klienten."),
    "Asked for with the token; may be empty.": (
        "Bes om sammen med nøkkelen; kan være tomt.",
        "Blir bede om saman med nøkkelen; kan vere tomt.",
    ),
    "Audience": ("Mottaker (audience)", "Mottakar (audience)"),
    "Only where the system asks for one.": (
        "Bare der systemet krever det.",
        "Berre der systemet krev det.",
    ),
    "Client login": ("Klientpålogging", "Klientpålogging"),
    "Where client id and secret are sent.": (
        "Hvor klient-id og hemmelighet sendes.",
        "Kvar klient-id og løyndom blir sende.",
    ),
    "In the body": ("I innholdet", "I innhaldet"),
    "In a header": ("I et hode", "I eit hovud"),
    "Signature header": ("Signaturhode", "Signaturhovud"),
    "Carries the HMAC-SHA256 in hex.": (
        "Bærer HMAC-SHA256 i heksadesimal.",
        "Ber HMAC-SHA256 i heksadesimal.",
    ),
    "Time stamp header": ("Tidsstempelhode", "Tidsstempelhovud"),
    "Seconds since 1970, signed too.": (
        "Sekunder siden 1970, også signert.",
        "Sekund sidan 1970, også signert.",
    ),
    "Signed text": ("Signert tekst", "Signert tekst"),
    "What is signed; may hold {timestamp}, {method}, {path} and {body}.": (
        "Det som signeres; kan inneholde {timestamp}, {method}, {path} og {body}.",
        "Det som blir signert; kan innehalde {timestamp}, {method}, {path} og {body}.",
    ),
    "Signature prefix": ("Signaturprefiks", "Signaturprefiks"),
    "Written before the signature.": (
        "Skrives foran signaturen.",
        "Blir skrive framfor signaturen.",
    ),
    "Amounts": ("Beløp", "Beløp"),
    'As text ("125.5") or as an exact number (125.5).': (
        "Som tekst («125.5») eller som eksakt tall (125.5).",
        "Som tekst («125.5») eller som eksakt tal (125.5).",
    ),
    "As a number": ("Som tall", "Som tal"),
    "As text": ("Som tekst", "Som tekst"),
    "Names": ("Navn", "Namn"),
    "What the system calls our fields.": (
        "Hva systemet kaller feltene våre.",
        "Kva systemet kallar felta våre.",
    ),
    "Known fields": ("Kjente felter", "Kjende felt"),
    "What the system has besides, so that the field mapping can be checked.": (
        "Det systemet har i tillegg, så felttilordningen kan kontrolleres.",
        "Det systemet har i tillegg, så felttilordninga kan kontrollerast.",
    ),
    "Booked": ("Bokført", "Bokført"),
    "Booked field": ("Felt for bokført", "Felt for bokført"),
    "Empty: what is accepted counts as booked at once.": (
        "Tomt: det som er godtatt, regnes straks som bokført.",
        "Tomt: det som er godteke, blir straks rekna som bokført.",
    ),
    "Booked value": ("Verdi for bokført", "Verdi for bokført"),
    "Its value once booked; empty: any value but null.": (
        "Verdien når det er bokført; tomt: enhver verdi unntatt null.",
        "Verdien når det er bokført; tomt: alle verdiar unntatt null.",
    ),
    "For example /company.": ("For eksempel /company.", "Til dømes /company."),
    "Company id": ("Selskaps-id", "Selskaps-id"),
    "Company name": ("Selskapsnavn", "Selskapsnamn"),
    "Expected company": ("Forventet selskap", "Forventa selskap"),
    "Its id; empty: any company.": (
        "Id-en; tomt: hvilket som helst selskap.",
        "Id-en; tomt: kva selskap som helst.",
    ),
    "Where the reason stands; the first that is there counts.": (
        "Hvor begrunnelsen står; den første som finnes, gjelder.",
        "Kvar grunngivinga står; den første som finst, gjeld.",
    ),
    "HTTP statuses that say: refused, nothing posted. Empty: every 4xx but 401, 403, 404, 405,"
    " 407, 408, 409, 425 and 429. Listed here: every other one is in doubt.": (
        "HTTP-statuser som sier: avvist, ingenting ført. Tomt: alle 4xx unntatt 401, 403, 404,"
        " 405, 407, 408, 409, 425 og 429. Står noen her, er alle andre usikre.",
        "HTTP-statusar som seier: avvist, ingenting ført. Tomt: alle 4xx unntatt 401, 403,"
        " 404, 405, 407, 408, 409, 425 og 429. Står nokon her, er alle andre usikre.",
    ),
    "Message": ("Melding", "Melding"),
    "Field": ("Felt", "Felt"),
    "Where the field's name stands, for example lines[1].costCentre.": (
        "Hvor navnet på feltet står, for eksempel lines[1].costCentre.",
        "Kvar namnet på feltet står, til dømes lines[1].costCentre.",
    ),
    "Line": ("Linje", "Linje"),
    "Where a line stands.": ("Hvor en linje står.", "Kvar ei linje står."),
    "Errors by field": ("Feil per felt", "Feil per felt"),
    "An object with a message for each field.": (
        "Et objekt med en melding for hvert felt.",
        "Eit objekt med ei melding for kvart felt.",
    ),
    "First line": ("Første linje", "Første linje"),
    "How the system counts its first line.": (
        "Hvordan systemet teller sin første linje.",
        "Korleis systemet tel den første linja si.",
    ),
    "Sentences": ("Setninger", "Setningar"),
    "Messages that name a field, with {field}, {value} and {line} in their places.": (
        "Meldinger som navngir et felt, med {field}, {value} og {line} på sine plasser.",
        "Meldingar som nemner eit felt, med {field}, {value} og {line} på plassane sine.",
    ),
    "Field names": ("Feltnavn", "Feltnamn"),
    "Their names beside ours, where they differ from the names in the body.": (
        "Deres navn ved siden av våre, der de er andre enn navnene i innholdet.",
        "Namna deira ved sida av våre, der dei er andre enn namna i innhaldet.",
    ),
    "For example /vouchers?reference={reference}.": (
        "For eksempel /vouchers?reference={reference}.",
        "Til dømes /vouchers?reference={reference}.",
    ),
    "Answered": ("Besvart", "Svara"),
    "Statuses of an answer with hits in it.": (
        "Statuser for et svar med treff i.",
        "Statusar for eit svar med treff i.",
    ),
    "Not there": ("Finnes ikke", "Finst ikkje"),
    "Statuses that say it does not exist, such as 404.": (
        "Statuser som sier at det ikke finnes, som 404.",
        "Statusar som seier at det ikkje finst, som 404.",
    ),
    "Hits": ("Treff", "Treff"),
    "Where the list of hits, or the one hit, stands.": (
        "Hvor listen over treff, eller det ene treffet, står.",
        "Kvar lista over treff, eller det eine treffet, står.",
    ),
    "Our reference": ("Vår referanse", "Referansen vår"),
    "Where a hit holds our reference.": (
        "Hvor vår referanse står i et treff.",
        "Kvar referansen vår står i eit treff.",
    ),
    "Their reference": ("Deres referanse", "Referansen deira"),
    "Where a hit holds its own id.": (
        "Hvor id-en står i et treff.",
        "Kvar id-en står i eit treff.",
    ),
    "Their voucher number": ("Deres bilagsnummer", "Bilagsnummeret deira"),
    "In a hit.": ("I et treff.", "I eit treff."),
    "Amount": ("Beløp", "Beløp"),
    "In a hit; compared with ours.": (
        "I et treff; sammenlignes med vårt.",
        "I eit treff; blir samanlikna med vårt.",
    ),
    "Lines": ("Linjer", "Linjer"),
    "In a hit, under the names of the body; compared with ours.": (
        "I et treff, under navnene i innholdet; sammenlignes med våre.",
        "I eit treff, under namna i innhaldet; blir samanlikna med våre.",
    ),
    "Reversed by": ("Tilbakeført av", "Tilbakeført av"),
    "Where a hit names the voucher that reversed it.": (
        "Hvor et treff navngir bilaget som tilbakeførte det.",
        "Kvar eit treff nemner bilaget som tilbakeførte det.",
    ),
    "Reference": ("Referanse", "Referanse"),
    "Voucher number": ("Bilagsnummer", "Bilagsnummer"),
    "Posting date": ("Bokføringsdato", "Bokføringsdato"),
    "Text of the voucher": ("Bilagstekst", "Bilagstekst"),
    "Category": ("Kategori", "Kategori"),
    "Id of the claim": ("Kravets id", "Id-en til kravet"),
    "Text of a line": ("Linjetekst", "Linjetekst"),
    "VAT code": ("Mva-kode", "Mva-kode"),
    "Statuses": ("Statuser", "Statusar"),
    "HTTP statuses of success.": ("HTTP-statuser for vellykket.", "HTTP-statusar for vellukka."),
    "Answer": ("Svar", "Svar"),
    "JSON, or nothing at all (HTTP 204).": (
        "JSON, eller ingenting (HTTP 204).",
        "JSON, eller ingenting (HTTP 204).",
    ),
    "Nothing": ("Ingenting", "Ingenting"),
    "JSON": ("JSON", "JSON"),
    "Proof field": ("Bevisfelt", "Provfelt"),
    "A field that has to be there; may stay empty.": (
        "Et felt som må finnes; kan stå tomt.",
        "Eit felt som må finnast; kan stå tomt.",
    ),
    "Proof value": ("Bevisverdi", "Provverdi"),
    "The value the proof field must have.": (
        "Verdien som bevisfeltet må ha.",
        "Verdien som provfeltet må ha.",
    ),
    "Where the answer holds the system's own id.": (
        "Hvor systemets egen id står i svaret.",
        "Kvar systemet sin eigen id står i svaret.",
    ),
    "Where it holds the voucher number, if it does.": (
        "Hvor bilagsnummeret står, hvis det gjør det.",
        "Kvar bilagsnummeret står, om det gjer det.",
    ),
    "API key": ("API-nøkkel", "API-nøkkel"),
    "Bearer token": ("Tilgangsnøkkel (bearer token)", "Tilgangsnøkkel (bearer token)"),
    "HMAC key": ("Signeringsnøkkel (HMAC)", "Signeringsnøkkel (HMAC)"),
    # why a value is refused
    "an address looks like https://api.example.com/v1": (
        "en adresse ser ut som https://api.example.com/v1",
        "ei adresse ser ut som https://api.example.com/v1",
    ),
    "give only the part after the base address, for example /vouchers": (
        "oppgi bare delen etter grunnadressen, for eksempel /vouchers",
        "oppgi berre delen etter grunnadressa, til dømes /vouchers",
    ),
    "the only placeholder is {reference}": (
        "den eneste plassholderen er {reference}",
        "den einaste plasshaldaren er {reference}",
    ),
    "user name and password: the user name is missing": (
        "brukernavn og passord: brukernavnet mangler",
        "brukarnamn og passord: brukarnamnet manglar",
    ),
    "OAuth2 client credentials need a token address and a client id": (
        "OAuth2 trenger en tokenadresse og en klient-id",
        "OAuth2 treng ei tokenadresse og ein klient-id",
    ),
    "the signed text has to hold {body}": (
        "den signerte teksten må inneholde {body}",
        "den signerte teksten må innehalde {body}",
    ),
    "name a proof field or where their reference stands: a status alone proves nothing (a login"
    " page answers 200 too)": (
        "oppgi et bevisfelt eller hvor deres referanse står: en status alene beviser ingenting"
        " (en påloggingsside svarer også 200)",
        "oppgi eit provfelt eller kvar referansen deira står: ein status åleine provar"
        " ingenting (ei påloggingsside svarar også 200)",
    ),
    "the path of the look-up has to hold {reference}": (
        "stien for oppslaget må inneholde {reference}",
        "stien for oppslaget må innehalde {reference}",
    ),
    "a status cannot mean both found and not there": (
        "en status kan ikke bety både funnet og ikke funnet",
        "ein status kan ikkje bety både funne og ikkje funne",
    ),
    "a key can be honoured only where it is sent: name the idempotency header, or use PUT with"
    " {reference} in the path": (
        "en nøkkel kan bare respekteres der den sendes: oppgi idempotenshodet, eller bruk PUT"
        " med {reference} i stien",
        "ein nøkkel kan berre respekterast der han blir send: oppgi idempotenshovudet, eller"
        " bruk PUT med {reference} i stien",
    ),
}
