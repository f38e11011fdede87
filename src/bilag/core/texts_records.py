"""Sentences about records and their JSON, as code -> (bokmål, nynorsk, English).

The place (record, line, field) is told beside the sentence; no sentence repeats a number that could
be a person's.
"""

from bilag.core.texts_imports import IMPORT_TEXTS

_RECORD: dict[str, tuple[str, str, str]] = {
    "record_not_object": (
        "En post må være et JSON-objekt.",
        "Ein post må vere eit JSON-objekt.",
        "A record must be a JSON object.",
    ),
    "field_missing": (
        "Feltet mangler eller er tomt. Fyll det ut.",
        "Feltet manglar eller er tomt. Fyll det ut.",
        "The field is missing or empty. Fill it in.",
    ),
    "field_unknown": (
        "Feltet «{name}» finnes ikke. Rett navnet, eller legg opplysningen i «extra».",
        "Feltet «{name}» finst ikkje. Rett namnet, eller legg opplysninga i «extra».",
        "There is no field “{name}”. Correct the name, or put the value in “extra”.",
    ),
    "fields_too_many": (
        "Her er {length} felt; det finnes bare {maximum}. Send posten i vårt format.",
        "Her er {length} felt; det finst berre {maximum}. Send posten i vårt format.",
        "There are {length} fields here; only {maximum} exist. Send the record in our form.",
    ),
    "text_needed": (
        "Verdien må være en tekst i anførselstegn.",
        "Verdien må vere ein tekst i hermeteikn.",
        "The value must be a text in quotation marks.",
    ),
    "text_too_long": (
        "Teksten har {length} tegn; høyst {maximum} er tillatt. Kort den ned.",
        "Teksten har {length} teikn; høgst {maximum} er tillate. Kort han ned.",
        "The text has {length} characters; at most {maximum} are allowed. Shorten it.",
    ),
    "text_control_character": (
        "Teksten inneholder et usynlig styretegn. Skriv den på nytt uten det.",
        "Teksten inneheld eit usynleg styreteikn. Skriv han på nytt utan det.",
        "The text contains an invisible control character. Type it again without it.",
    ),
    "text_broken_character": (
        "Teksten inneholder et ødelagt tegn. Lagre kilden som UTF-8 og send den på nytt.",
        "Teksten inneheld eit øydelagt teikn. Lagre kjelda som UTF-8 og send ho på nytt.",
        "The text contains a broken character. Save the source as UTF-8 and send it again.",
    ),
    "identity_number": (
        "Feltet inneholder et fødselsnummer eller D-nummer. Slike numre lagres aldri her; fjern "
        "det og bruk innsenderens id fra appen.",
        "Feltet inneheld eit fødselsnummer eller D-nummer. Slike nummer blir aldri lagra her; "
        "fjern det og bruk innsendaren sin id frå appen.",
        "The field contains a national identity number. Such numbers are never stored here; remove "
        "it and use the claimant's id from the app.",
    ),
    "list_expected": (
        "Verdien må være en liste.",
        "Verdien må vere ei liste.",
        "The value must be a list.",
    ),
    "list_too_long": (
        "Her er {length} oppføringer; høyst {maximum} er tillatt. Del posten opp.",
        "Her er {length} oppføringar; høgst {maximum} er tillate. Del posten opp.",
        "There are {length} entries; at most {maximum} are allowed. Split the record.",
    ),
    "object_expected": (
        "Verdien må være et JSON-objekt.",
        "Verdien må vere eit JSON-objekt.",
        "The value must be a JSON object.",
    ),
    "flag_expected": (
        "Verdien må være true eller false.",
        "Verdien må vere true eller false.",
        "The value must be true or false.",
    ),
    "count_invalid": (
        "Verdien må være et helt tall fra 0 til {maximum}.",
        "Verdien må vere eit heilt tal frå 0 til {maximum}.",
        "The value must be a whole number from 0 to {maximum}.",
    ),
    "revision_invalid": (
        "Revisjonen må være et helt tall fra 1.",
        "Revisjonen må vere eit heilt tal frå 1.",
        "The revision must be a whole number from 1.",
    ),
    "amount_not_a_number": (
        "«{value}» er ikke et beløp. Skriv det som 1234.50, som tekst eller tall.",
        "«{value}» er ikkje eit beløp. Skriv det som 1234.50, som tekst eller tal.",
        "“{value}” is not an amount. Write it as 1234.50, as a text or a number.",
    ),
    "amount_too_many_digits": (
        "Beløpet «{value}» har flere enn 15 sifre. Rett det.",
        "Beløpet «{value}» har fleire enn 15 siffer. Rett det.",
        "The amount “{value}” has more than 15 digits. Correct it.",
    ),
    "amount_too_many_decimals": (
        "Beløpet «{value}» har flere enn 4 desimaler. Rund det av i kilden; det gjøres ikke her.",
        "Beløpet «{value}» har fleire enn 4 desimalar. Rund det av i kjelda; det blir ikkje gjort "
        "her.",
        "The amount “{value}” has more than 4 decimals. Round it at the source; we never do.",
    ),
    "hours_negative": (
        "Timetallet «{value}» er negativt. Skriv 0 eller mer.",
        "Timetalet «{value}» er negativt. Skriv 0 eller meir.",
        "The number of hours “{value}” is negative. Write 0 or more.",
    ),
    "rate_invalid": (
        "«{value}» er ikke en valutakurs. Skriv et tall over 0 med høyst 10 desimaler.",
        "«{value}» er ikkje ein valutakurs. Skriv eit tal over 0 med høgst 10 desimalar.",
        "“{value}” is not an exchange rate. Write a number above 0 with at most 10 decimals.",
    ),
    "date_invalid": (
        "«{value}» er ikke en dato. Skriv den som 2026-03-31.",
        "«{value}» er ikkje ein dato. Skriv han som 2026-03-31.",
        "“{value}” is not a date. Write it as 2026-03-31.",
    ),
    "date_out_of_range": (
        "Datoen {value} ligger utenfor {first} til {last}. Rett den.",
        "Datoen {value} ligg utanfor {first} til {last}. Rett han.",
        "The date {value} lies outside {first} to {last}. Correct it.",
    ),
    "moment_invalid": (
        "«{value}» er ikke et tidspunkt. Skriv det som 2026-03-31T14:30:00+02:00.",
        "«{value}» er ikkje eit tidspunkt. Skriv det som 2026-03-31T14:30:00+02:00.",
        "“{value}” is not a point in time. Write it as 2026-03-31T14:30:00+02:00.",
    ),
    "moment_zone_missing": (
        "Tidspunktet «{value}» mangler tidssone. Legg til Z eller +01:00.",
        "Tidspunktet «{value}» manglar tidssone. Legg til Z eller +01:00.",
        "The time “{value}” has no time zone. Add Z or +01:00.",
    ),
    "url_invalid": (
        "Adressen må begynne med https:// eller http://.",
        "Adressa må byrje med https:// eller http://.",
        "The address must begin with https:// or http://.",
    ),
    "sha256_invalid": (
        "SHA-256 må være 64 heksadesimale sifre med små bokstaver.",
        "SHA-256 må vere 64 heksadesimale siffer med små bokstavar.",
        "SHA-256 must be 64 hexadecimal digits in lower case.",
    ),
    "currency_unknown": (
        "«{value}» er ikke en valuta i bruk. Skriv ISO-koden med store bokstaver, som NOK.",
        "«{value}» er ikkje ein valuta i bruk. Skriv ISO-koden med store bokstavar, som NOK.",
        "“{value}” is not a currency in use. Write its ISO code in capitals, like NOK.",
    ),
    "category_unknown": (
        "«{value}» er ikke en kategori. Bruk en av: {allowed}.",
        "«{value}» er ikkje ein kategori. Bruk ein av: {allowed}.",
        "“{value}” is not a category. Use one of: {allowed}.",
    ),
    "status_unknown": (
        "«{value}» er ikke en status. Bruk en av: {allowed}.",
        "«{value}» er ikkje ein status. Bruk ein av: {allowed}.",
        "“{value}” is not a status. Use one of: {allowed}.",
    ),
    "source_system_other": (
        "Posten kommer fra {expected}, men oppgir et annet kildesystem. Fjern feltet eller rett "
        "det.",
        "Posten kjem frå {expected}, men gir opp eit anna kjeldesystem. Fjern feltet eller rett "
        "det.",
        "The record comes from {expected} but names another source system. Remove the field or "
        "correct it.",
    ),
    "lines_missing": (
        "Posten har ingen linjer. Legg til minst én linje med dato, type og beløp.",
        "Posten har ingen linjer. Legg til minst éi linje med dato, type og beløp.",
        "The record has no lines. Add at least one line with date, type and amount.",
    ),
    "total_not_sum": (
        "Totalen {total} er ikke summen av linjene, som er {sum}. Rett den ene eller den andre.",
        "Totalen {total} er ikkje summen av linjene, som er {sum}. Rett den eine eller den andre.",
        "The total {total} is not the sum of the lines, which is {sum}. Correct one or the other.",
    ),
    "total_too_large": (
        "Summen av linjene har flere enn {maximum} sifre. Del posten opp.",
        "Summen av linjene har fleire enn {maximum} siffer. Del posten opp.",
        "The sum of the lines has more than {maximum} digits. Split the record.",
    ),
    "honorarium_claimant": (
        "Et honorar må ha innsenderens id. Legg den til.",
        "Eit honorar må ha innsendaren sin id. Legg han til.",
        "An honorarium needs the claimant's id. Add it.",
    ),
    "not_approved": (
        "Posten har status {status} og er ikke tatt inn. Send den igjen når den er godkjent.",
        "Posten har status {status} og er ikkje teken inn. Send han igjen når han er godkjend.",
        "The record's status is {status}; it was not taken. Send it again once it is approved.",
    ),
    "other_content": (
        "Revisjon {revision} av denne posten finnes allerede med annet innhold, og en godkjent "
        "post endres aldri. Send rettelsen som revisjon {next}.",
        "Revisjon {revision} av denne posten finst allereie med anna innhald, og ein godkjend post "
        "blir aldri endra. Send rettinga som revisjon {next}.",
        "Revision {revision} of this record is already stored with other content, and an approved "
        "record is never changed. Send the correction as revision {next}.",
    ),
    "feature_excluded": (
        "Organisasjonen har valgt bort {feature} (excludedFeatures), fordi det gjøres et annet"
        " sted. Send det ikke hit, eller ta {feature} ut av listen.",
        "Organisasjonen har valt bort {feature} (excludedFeatures), fordi det blir gjort ein annan"
        " stad. Send det ikkje hit, eller ta {feature} ut av lista.",
        "The organization has excluded {feature} (excludedFeatures), for it is done elsewhere. Do"
        " not send it here, or take {feature} off the list.",
    ),
    "stale_revision": (
        "Revisjon {revision} er eldre enn revisjon {newest}, som allerede er tatt inn. Send en "
        "høyere revisjon.",
        "Revisjon {revision} er eldre enn revisjon {newest}, som allereie er teken inn. Send ein "
        "høgare revisjon.",
        "Revision {revision} is older than revision {newest}, which was already taken. Send a "
        "higher revision.",
    ),
}

_JSON: dict[str, tuple[str, str, str]] = {
    "json_too_large": (
        "Posten er større enn {maximum} byte. Del den opp.",
        "Posten er større enn {maximum} byte. Del han opp.",
        "The record is larger than {maximum} bytes. Split it.",
    ),
    "json_not_utf8": (
        "Byte {position} er ikke UTF-8. Lagre teksten som UTF-8.",
        "Byte {position} er ikkje UTF-8. Lagre teksten som UTF-8.",
        "Byte {position} is not UTF-8. Save the text as UTF-8.",
    ),
    "json_invalid": (
        "Teksten er ikke gyldig JSON fra tegn {position}.",
        "Teksten er ikkje gyldig JSON frå teikn {position}.",
        "The text is not valid JSON from character {position} on.",
    ),
    "json_too_deep": (
        "Teksten er nøstet dypere enn {maximum} nivåer.",
        "Teksten er nøsta djupare enn {maximum} nivå.",
        "The text is nested more than {maximum} levels deep.",
    ),
    "json_number_too_long": (
        "Teksten inneholder et tall med tusenvis av sifre. Rett det.",
        "Teksten inneheld eit tal med tusenvis av siffer. Rett det.",
        "The text contains a number of thousands of digits. Correct it.",
    ),
    "json_not_finite": (
        "{name} er ikke et tall som kan bokføres. Rett det.",
        "{name} er ikkje eit tal som kan bokførast. Rett det.",
        "{name} is not a number that can be booked. Correct it.",
    ),
    "json_key_twice": (
        "Feltet «{name}» står to ganger i samme objekt. Fjern det ene.",
        "Feltet «{name}» står to gonger i same objekt. Fjern det eine.",
        "The field “{name}” stands twice in the same object. Remove one of them.",
    ),
}

RECORD_TEXTS: dict[str, tuple[str, str, str]] = {**_RECORD, **_JSON, **IMPORT_TEXTS}
