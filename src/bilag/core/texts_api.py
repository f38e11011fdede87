"""Sentences of the HTTP API, as code -> (bokmål, nynorsk, English).

`api_title_<status>` is the short title of every answer with that HTTP status.
"""

_TITLES: dict[str, tuple[str, str, str]] = {
    "api_title_400": (
        "Forespørselen kan ikke leses",
        "Førespurnaden kan ikkje lesast",
        "The request cannot be read",
    ),
    "api_title_401": ("Ikke pålogget", "Ikkje pålogga", "Not signed in"),
    "api_title_403": ("Ikke tillatt", "Ikkje tillate", "Not permitted"),
    "api_title_404": ("Finnes ikke", "Finst ikkje", "Not found"),
    "api_title_405": (
        "Metoden brukes ikke her",
        "Metoden blir ikkje brukt her",
        "The method is not used here",
    ),
    "api_title_409": (
        "Passer ikke med det som står her",
        "Passar ikkje med det som står her",
        "Conflicts with what stands here",
    ),
    "api_title_411": ("Lengden mangler", "Lengda manglar", "The length is missing"),
    "api_title_413": ("For stor", "For stor", "Too large"),
    "api_title_415": (
        "Innholdstypen brukes ikke her",
        "Innhaldstypen blir ikkje brukt her",
        "The content type is not used here",
    ),
    "api_title_422": (
        "Innholdet kan ikke brukes",
        "Innhaldet kan ikkje brukast",
        "The content cannot be used",
    ),
    "api_title_429": ("For mange forsøk", "For mange forsøk", "Too many attempts"),
    "api_title_500": ("Feil hos oss", "Feil hos oss", "A fault on our side"),
    "api_title_503": (
        "Ikke tilgjengelig nå",
        "Ikkje tilgjengeleg no",
        "Not available now",
    ),
}

_REQUEST: dict[str, tuple[str, str, str]] = {
    "token_not_valid": (
        "Send et gyldig token som «Authorization: Bearer bilag_…». Det kan være utløpt eller"
        " trukket tilbake.",
        "Send eit gyldig token som «Authorization: Bearer bilag_…». Det kan vere utgått eller"
        " trekt tilbake.",
        "Send a valid token as “Authorization: Bearer bilag_…”. It may have expired or been"
        " revoked.",
    ),
    "scope_missing": (
        "Tokenet mangler tilgangen {scope}. Bruk et token som har den.",
        "Tokenet manglar tilgangen {scope}. Bruk eit token som har han.",
        "The token lacks the scope {scope}. Use a token that has it.",
    ),
    "attempts_too_many": (
        "For mange tokener herfra var ugyldige. Vent {seconds} sekunder, og send et gyldig token.",
        "For mange token herfrå var ugyldige. Vent {seconds} sekund, og send eit gyldig token.",
        "Too many tokens from here were not valid. Wait {seconds} seconds, and send a valid one.",
    ),
    "role_without_scope": (
        "Rollen din i denne organisasjonen gir ikke tilgangen {scope}. Spør en administrator.",
        "Rolla di i denne organisasjonen gir ikkje tilgangen {scope}. Spør ein administrator.",
        "Your role in this organization does not give the scope {scope}. Ask an administrator.",
    ),
    "member_of_none": (
        "Du er ikke medlem av denne organisasjonen her. Be en administrator om å bli lagt til.",
        "Du er ikkje medlem av denne organisasjonen her. Be ein administrator om å bli lagd til.",
        "You are not a member of this organization here. Ask an administrator to be added.",
    ),
    "organization_not_named": (
        "Du er medlem av flere organisasjoner. Send Bilag-Organization med én av: {slugs}.",
        "Du er medlem av fleire organisasjonar. Send Bilag-Organization med éin av: {slugs}.",
        "You are a member of several organizations. Send Bilag-Organization with one of: {slugs}.",
    ),
    "issuer_unavailable": (
        "Innloggingen kan ikke kontrolleres akkurat nå. Send det samme på nytt om litt; det er"
        " trygt.",
        "Innlogginga kan ikkje kontrollerast akkurat no. Send det same på nytt om litt; det er"
        " trygt.",
        "The sign-in cannot be checked just now. Send the same again shortly; that is safe.",
    ),
    "resource_unknown": (
        "Det finnes ikke noe slikt her. Kontroller adressen og id-en.",
        "Det finst ikkje noko slikt her. Kontroller adressa og id-en.",
        "There is no such thing here. Check the address and the id.",
    ),
    "method_not_allowed": (
        "Bruk en av metodene {allowed} på denne adressen.",
        "Bruk ein av metodane {allowed} på denne adressa.",
        "Use one of the methods {allowed} on this address.",
    ),
    "request_malformed": (
        "Forespørselen er ikke gyldig HTTP for denne tjenesten. Kontroller adresse og hoder.",
        "Førespurnaden er ikkje gyldig HTTP for denne tenesta. Kontroller adresse og hovud.",
        "The request is not valid HTTP for this service. Check address and headers.",
    ),
    "host_not_allowed": (
        "Tjenesten svarer ikke på vertsnavnet «{host}». Bruk et annet, eller legg det til i "
        "BILAG_ALLOWED_HOSTS.",
        "Tenesta svarer ikkje på vertsnamnet «{host}». Bruk eit anna, eller legg det til i "
        "BILAG_ALLOWED_HOSTS.",
        "This service does not answer to the host name “{host}”. Use another, or add it to "
        "BILAG_ALLOWED_HOSTS.",
    ),
    "content_type_unknown": (
        "Send innholdet som {allowed}, uten komprimering.",
        "Send innhaldet som {allowed}, utan komprimering.",
        "Send the content as {allowed}, without compression.",
    ),
    "length_missing": (
        "Send Content-Length; innhold i biter uten lengde tas ikke imot.",
        "Send Content-Length; innhald i bitar utan lengd blir ikkje teke imot.",
        "Send Content-Length; content in chunks without a length is not taken.",
    ),
    "body_too_large": (
        "Innholdet er større enn {maximum} byte. Del det opp; ingenting er tatt inn.",
        "Innhaldet er større enn {maximum} byte. Del det opp; ingenting er teke inn.",
        "The content is larger than {maximum} bytes. Split it; nothing was taken.",
    ),
    "lines_too_many": (
        "Innholdet har flere enn {maximum} linjer. Del det opp; ingenting er tatt inn.",
        "Innhaldet har fleire enn {maximum} linjer. Del det opp; ingenting er teke inn.",
        "The content has more than {maximum} lines. Split it; nothing was taken.",
    ),
    "body_incomplete": (
        "Innholdet sluttet etter {received} av {announced} byte. Send det på nytt; ingenting er"
        " tatt inn.",
        "Innhaldet slutta etter {received} av {announced} byte. Send det på nytt; ingenting er"
        " teke inn.",
        "The content ended after {received} of {announced} bytes. Send it again; nothing was"
        " taken.",
    ),
    "problems_several": (
        "{count} ting må rettes; de står i listen «problems».",
        "{count} ting må rettast; dei står i lista «problems».",
        "{count} things must be corrected; they stand in the list “problems”.",
    ),
    "cursor_not_valid": (
        "Pekeren er ikke en av våre. Bruk adressen i «next» slik den er.",
        "Peikaren er ikkje ein av våre. Bruk adressa i «next» slik ho er.",
        "The cursor is not one of ours. Use the address in “next” as it is.",
    ),
    "server_fault": (
        "Noe gikk galt hos oss. Prøv igjen; skjer det igjen, meld fra med {request}.",
        "Noko gjekk gale hos oss. Prøv igjen; skjer det igjen, meld frå med {request}.",
        "Something went wrong on our side. Try again; if it happens again, report {request}.",
    ),
    "database_unavailable": (
        "Databasen svarer ikke akkurat nå. Send det samme på nytt om litt; det er trygt.",
        "Databasen svarar ikkje akkurat no. Send det same på nytt om litt; det er trygt.",
        "The database does not answer just now. Send the same again shortly; that is safe.",
    ),
    "keys_unavailable": (
        "Nøklene til hemmelighetene kan ikke nås akkurat nå. Send det samme på nytt om litt; det er"
        " trygt.",
        "Nøklane til løyndomane kan ikkje nåast akkurat no. Send det same på nytt om litt; det er"
        " trygt.",
        "The keys of the secrets cannot be reached just now. Send the same again shortly; that is"
        " safe.",
    ),
    "export_state": (
        "Eksporten står som {state}; da kan dette ikke gjøres.",
        "Eksporten står som {state}; då kan dette ikkje gjerast.",
        "The export stands as {state}; in that state this cannot be done.",
    ),
}

_IDEMPOTENCY: dict[str, tuple[str, str, str]] = {
    "idempotency_key_not_valid": (
        "Idempotency-Key må være 1 til {maximum} synlige ASCII-tegn uten mellomrom.",
        "Idempotency-Key må vere 1 til {maximum} synlege ASCII-teikn utan mellomrom.",
        "Idempotency-Key must be 1 to {maximum} visible ASCII characters without spaces.",
    ),
    "idempotency_key_reused": (
        "Denne Idempotency-Key er brukt på en annen forespørsel. Bruk en ny nøkkel.",
        "Denne Idempotency-Key er brukt på ein annan førespurnad. Bruk ein ny nøkkel.",
        "This Idempotency-Key was used for another request. Use a new key.",
    ),
    "idempotency_in_progress": (
        "Den samme forespørselen behandles nå. Prøv igjen om litt for å få svaret.",
        "Den same førespurnaden blir handsama no. Prøv igjen om litt for å få svaret.",
        "The same request is being worked on. Try again shortly to get its answer.",
    ),
}

_CALLBACK: dict[str, tuple[str, str, str]] = {
    "callback_not_configured": (
        "Denne integrasjonen har ingen hemmelighet for tilbakekall, så ingen kan melde status hit.",
        "Denne integrasjonen har ingen løyndom for tilbakekall, så ingen kan melde status hit.",
        "This integration has no callback secret, so nobody can report a status here.",
    ),
    "callback_secret_weak": (
        "Hemmeligheten er for kort eller ikke gyldig base64. Bruk minst {bytes} byte.",
        "Løyndomen er for kort eller ikkje gyldig base64. Bruk minst {bytes} byte.",
        "The secret is too short, or not valid base64. Use at least {bytes} bytes.",
    ),
    "callback_signature_not_valid": (
        "Signaturen stemmer ikke. Signer «id.tidspunkt.innhold» med hemmeligheten (HMAC-SHA256).",
        "Signaturen stemmer ikkje. Signer «id.tidspunkt.innhald» med løyndomen (HMAC-SHA256).",
        "The signature does not match. Sign “id.timestamp.body” with the secret (HMAC-SHA256).",
    ),
    "callback_too_old": (
        "Tidspunktet i webhook-timestamp er mer enn {minutes} minutter fra vår klokke.",
        "Tidspunktet i webhook-timestamp er meir enn {minutes} minutt frå vår klokke.",
        "The time in webhook-timestamp is more than {minutes} minutes from our clock.",
    ),
    "callback_replayed": (
        "Denne meldingen (webhook-id) er mottatt før.",
        "Denne meldinga (webhook-id) er motteken før.",
        "This message (webhook-id) was received before.",
    ),
}

_VALUES: dict[str, tuple[str, str, str]] = {
    "value_missing": ("Mangler; legg den til.", "Manglar; legg den til.", "Is missing; add it."),
    "value_unknown": (
        "Er ikke et kjent navn her; rett stavemåten eller fjern det.",
        "Er ikkje eit kjent namn her; rett skrivemåten eller fjern det.",
        "Is not a known name here; correct the spelling or remove it.",
    ),
    "value_text_needed": ("Må være en tekst.", "Må vere ein tekst.", "Must be a text."),
    "value_text_long": (
        "Kan ha høyst {maximum} tegn.",
        "Kan ha høgst {maximum} teikn.",
        "May have at most {maximum} characters.",
    ),
    "value_empty": ("Kan ikke være tom.", "Kan ikkje vere tom.", "May not be empty."),
    "value_characters": (
        "Inneholder tegn som ikke kan brukes her.",
        "Inneheld teikn som ikkje kan brukast her.",
        "Contains characters that cannot be used here.",
    ),
    "value_number_needed": (
        "Må være et helt tall.",
        "Må vere eit heilt tal.",
        "Must be a whole number.",
    ),
    "value_number_small": (
        "Kan ikke være mindre enn {minimum}.",
        "Kan ikkje vere mindre enn {minimum}.",
        "May not be less than {minimum}.",
    ),
    "value_number_large": (
        "Kan ikke være større enn {maximum}.",
        "Kan ikkje vere større enn {maximum}.",
        "May not be greater than {maximum}.",
    ),
    "value_one_of": (
        "Må være en av: {allowed}.",
        "Må vere ein av: {allowed}.",
        "Must be one of: {allowed}.",
    ),
    "value_list_needed": ("Må være en liste.", "Må vere ei liste.", "Must be a list."),
    "value_list_long": (
        "Kan ha høyst {maximum} oppføringer.",
        "Kan ha høgst {maximum} oppføringar.",
        "May have at most {maximum} entries.",
    ),
    "value_object_needed": (
        "Må være et JSON-objekt.",
        "Må vere eit JSON-objekt.",
        "Must be a JSON object.",
    ),
    "value_uuid_needed": ("Må være en UUID.", "Må vere ein UUID.", "Must be a UUID."),
    "value_not_usable": (
        "Verdien kan ikke brukes her.",
        "Verdien kan ikkje brukast her.",
        "The value cannot be used here.",
    ),
}

API_TEXTS: dict[str, tuple[str, str, str]] = {
    **_TITLES,
    **_REQUEST,
    **_IDEMPOTENCY,
    **_CALLBACK,
    **_VALUES,
}
