"""Sentences of the audit log: its verification and retention, as code -> (nb, nn, en).

They name rows as the database does, so that whoever looks into a fault finds them.
"""

AUDIT_TEXTS: dict[str, tuple[str, str, str]] = {
    "audit_changed": (
        "Rad {row} i {table} er endret etter at den ble skrevet (ledd {link}, plass {place}, {at};"
        " {about}).",
        "Rad {row} i {table} er endra etter at ho blei skriven (ledd {link}, plass {place}, {at};"
        " {about}).",
        "Row {row} of {table} was changed after it was written (link {link}, place {place}, {at};"
        " {about}).",
    ),
    "audit_answer_changed": (
        "Svaret i rad {row} i {table} er ikke det som ble skrevet (ledd {link}, plass {place},"
        " {at}; {about}).",
        "Svaret i rad {row} i {table} er ikkje det som blei skrive (ledd {link}, plass {place},"
        " {at}; {about}).",
        "The answer in row {row} of {table} is not the one that was written (link {link}, place"
        " {place}, {at}; {about}).",
    ),
    "audit_payload_changed": (
        "Det som ble sendt, rad {submission} i submissions, er ikke lenger det som rad {row} i"
        " {table} viser til (ledd {link}, {at}; {about}).",
        "Det som blei sendt, rad {submission} i submissions, er ikkje lenger det som rad {row} i"
        " {table} viser til (ledd {link}, {at}; {about}).",
        "What was sent, row {submission} of submissions, is no longer what row {row} of {table}"
        " refers to (link {link}, {at}; {about}).",
    ),
    "audit_payload_missing": (
        "Det som ble sendt, rad {submission} i submissions, er slettet, men rad {row} i {table}"
        " viser til den (ledd {link}, {at}; {about}).",
        "Det som blei sendt, rad {submission} i submissions, er sletta, men rad {row} i {table}"
        " viser til det (ledd {link}, {at}; {about}).",
        "What was sent, row {submission} of submissions, was deleted, though row {row} of {table}"
        " refers to it (link {link}, {at}; {about}).",
    ),
    "audit_deleted": (
        "Ledd {link} har mistet rad nummer {place} av {rows} i {table} ({at}): den er slettet.",
        "Ledd {link} har mista rad nummer {place} av {rows} i {table} ({at}): ho er sletta.",
        "Link {link} has lost row number {place} of {rows} in {table} ({at}): it was deleted.",
    ),
    "audit_deleted_set": (
        "Ledd {link} har mistet alle sine {rows} rader i {table}: de er slettet, og ingen"
        " oppbevaringsregel har gjort det.",
        "Ledd {link} har mista alle sine {rows} rader i {table}: dei er sletta, og ingen"
        " oppbevaringsregel har gjort det.",
        "Link {link} has lost all of its {rows} rows in {table}: they were deleted, and not by"
        " retention.",
    ),
    "audit_inserted": (
        "Rad {row} i {table} hører ikke til det som ble skrevet (ledd {link}, plass {place}, {at};"
        " {about}): den er satt inn senere.",
        "Rad {row} i {table} høyrer ikkje til det som blei skrive (ledd {link}, plass {place},"
        " {at}; {about}): ho er sett inn seinare.",
        "Row {row} of {table} is not among what was written (link {link}, place {place}, {at};"
        " {about}): it was inserted later.",
    ),
    "audit_reordered": (
        "Rad {row} i {table} står ikke på den plassen den ble skrevet på (ledd {link}, plass"
        " {place}, {at}; {about}): rekkefølgen er endret.",
        "Rad {row} i {table} står ikkje på den plassen ho blei skriven på (ledd {link}, plass"
        " {place}, {at}; {about}): rekkjefølgja er endra.",
        "Row {row} of {table} does not stand where it was written (link {link}, place {place},"
        " {at}; {about}): the order was changed.",
    ),
    "audit_replaced": (
        "Av de {rows} radene i ledd {link} i {table} ({row} til {last}, {at}) er minst én endret,"
        " og sjekksummen i raden er laget på nytt. Sammenlign dem med en sikkerhetskopi.",
        "Av dei {rows} radene i ledd {link} i {table} ({row} til {last}, {at}) er minst éi endra,"
        " og sjekksummen i rada er laga på nytt. Samanlikn dei med ein tryggingskopi.",
        "Of the {rows} rows of link {link} in {table} ({row} to {last}, {at}) at least one was"
        " changed and its hash made anew. Compare them with a backup.",
    ),
    "audit_link_deleted": (
        "Ledd {link} mangler i audit_links; neste er {found}. Leddet er slettet.",
        "Ledd {link} manglar i audit_links; neste er {found}. Leddet er sletta.",
        "Link {link} is missing in audit_links; the next one is {found}. It was deleted.",
    ),
    "audit_link_changed": (
        "Ledd {link} i audit_links er endret etter at det ble skrevet.",
        "Ledd {link} i audit_links er endra etter at det blei skrive.",
        "Link {link} of audit_links was changed after it was written.",
    ),
    "audit_truncated": (
        "Loggen slutter med ledd {last}, men audit_heads kjenner ledd {known}: de nyeste er"
        " slettet, fra og med ledd {link}.",
        "Loggen sluttar med ledd {last}, men audit_heads kjenner ledd {known}: dei nyaste er"
        " sletta, frå og med ledd {link}.",
        "The log ends with link {last}, though audit_heads knows link {known}: the newest ones were"
        " deleted, from link {link} on.",
    ),
    "audit_head_changed": (
        "audit_heads er endret: den viser til ledd {known}, men loggen slutter med ledd {last}, og"
        " sjekksummene er ikke like.",
        "audit_heads er endra: han viser til ledd {known}, men loggen sluttar med ledd {last}, og"
        " sjekksummane er ikkje like.",
        "audit_heads was changed: it refers to link {known}, though the log ends with link {last},"
        " or the hashes differ.",
    ),
    "audit_truncated_anchor": (
        "Loggen slutter med ledd {last}, men et anker fra {anchored} kjenner ledd {known}: de"
        " nyeste er slettet, fra og med ledd {link}. Databasen er ikke gjenopprettet siden"
        " ankeret.",
        "Loggen sluttar med ledd {last}, men eit anker frå {anchored} kjenner ledd {known}: dei"
        " nyaste er sletta, frå og med ledd {link}. Databasen er ikkje gjenoppretta sidan ankeret.",
        "The log ends with link {last}, though an anchor of {anchored} knows link {known}: the"
        " newest ones were deleted, from link {link} on. The database was not restored since then.",
    ),
    "audit_truncated_since": (
        "Loggen slutter med ledd {last}, men et anker fra {anchored} kjenner ledd {known}, og det"
        " fantes da databasen ble gjenopprettet ({restored}): de nyeste er slettet siden, fra og"
        " med ledd {link}.",
        "Loggen sluttar med ledd {last}, men eit anker frå {anchored} kjenner ledd {known}, og det"
        " fanst då databasen blei gjenoppretta ({restored}): dei nyaste er sletta sidan, frå og"
        " med ledd {link}.",
        "The log ends with link {last}, though an anchor of {anchored} knows link {known}, which"
        " was there when the database was restored ({restored}): the newest ones were deleted since"
        " then, from link {link} on.",
    ),
    "audit_restore_not_noted": (
        "Loggen slutter med ledd {last}, men et anker fra {anchored} kjenner ledd {known}."
        " Databasen sier at den er gjenopprettet (epoke {epoch}), men det er ikke notert utenfor"
        " den. Hvis dere gjenopprettet den, kjør `bilag restored` her; hvis ikke, er ledd {link} og"
        " det som fulgte, slettet.",
        "Loggen sluttar med ledd {last}, men eit anker frå {anchored} kjenner ledd {known}."
        " Databasen seier at han er gjenoppretta (epoke {epoch}), men det er ikkje notert utanfor"
        " han. Om de gjenoppretta han, køyr `bilag restored` her; om ikkje, er ledd {link} og det"
        " som følgde, sletta.",
        "The log ends with link {last}, though an anchor of {anchored} knows link {known}. The"
        " database says that it was restored (epoch {epoch}), but no note of that stands outside"
        " it. If you restored it, run `bilag restored` here; if not, link {link} and what followed"
        " were deleted.",
    ),
    "audit_rewritten": (
        "Loggen er skrevet på nytt fra og med ledd {link}: et anker fra {anchored} har en annen"
        " sjekksum for ledd {known}. Til og med ledd {agreed} stemmer den med ankrene.",
        "Loggen er skriven på nytt frå og med ledd {link}: eit anker frå {anchored} har ein annan"
        " sjekksum for ledd {known}. Til og med ledd {agreed} stemmer han med ankera.",
        "The log was written anew from link {link} on: an anchor of {anchored} has another hash for"
        " link {known}. Up to link {agreed} it agrees with the anchors.",
    ),
    "audit_foreign": (
        "Et anker fra {anchored} hører til en annen installasjon enn denne databasen. Er databasen"
        " ny, flytt de gamle ankrene bort; ellers er den byttet ut.",
        "Eit anker frå {anchored} høyrer til ein annan installasjon enn denne databasen. Er"
        " databasen ny, flytt dei gamle ankera bort; elles er han bytt ut.",
        "An anchor of {anchored} belongs to another installation than this database. If the"
        " database is new, move the old anchors away; otherwise it was exchanged.",
    ),
    "audit_erased_early": (
        "Ledd {link} sier at {actor} slettet det som er eldre enn {before}, og gjorde det {at}: det"
        " er tidligere enn oppbevaringsreglene tillater.",
        "Ledd {link} seier at {actor} sletta det som er eldre enn {before}, og gjorde det {at}: det"
        " er tidlegare enn oppbevaringsreglane tillèt.",
        "Link {link} says that {actor} erased what is older than {before}, and did so at {at}: that"
        " is earlier than the rules of retention allow.",
    ),
    "audit_erased_unclear": (
        "Ledd {link} ({actor}, {at}) gir seg ut for å være skrevet av oppbevaringen, men den"
        " skriver ikke slike: det mangler noe i det, det viser til seg selv, eller tiden er ikke"
        " kommet ennå. Det unnskylder ingen rader som mangler.",
        "Ledd {link} ({actor}, {at}) gir seg ut for å vere skrive av oppbevaringa, men ho skriv"
        " ikkje slike: det manglar noko i det, det viser til seg sjølv, eller tida er ikkje komen"
        " enno. Det unnskylder ingen rader som manglar.",
        "Link {link} ({actor}, {at}) claims to be written by retention, which writes no such note:"
        " something is missing in it, it refers to itself, or its time has not come yet. It excuses"
        " no missing row.",
    ),
    "audit_erased_young": (
        "Ledd {link} sier at {actor} slettet det som er eldre enn {before} (til og med ledd"
        " {through}, {at}), men ledd {witness} er skrevet senere enn det. Det var ikke"
        " oppbevaringen, og det unnskylder ingen rader som mangler.",
        "Ledd {link} seier at {actor} sletta det som er eldre enn {before} (til og med ledd"
        " {through}, {at}), men ledd {witness} er skrive seinare enn det. Det var ikkje"
        " oppbevaringa, og det unnskylder ingen rader som manglar.",
        "Link {link} says that {actor} erased what is older than {before} (up to link {through},"
        " {at}), though link {witness} was written later than that. It was not retention, and it"
        " excuses no missing row.",
    ),
    "audit_erased_counts": (
        "Ledd {link} sier at {actor} slettet {attempts} forsøk og {changes} endringer (til og med"
        " ledd {through}, {at}), men leddene hadde ikke så mange. Det var ikke oppbevaringen, og"
        " det unnskylder ingen rader som mangler.",
        "Ledd {link} seier at {actor} sletta {attempts} forsøk og {changes} endringar (til og med"
        " ledd {through}, {at}), men ledda hadde ikkje så mange. Det var ikkje oppbevaringa, og"
        " det unnskylder ingen rader som manglar.",
        "Link {link} says that {actor} erased {attempts} attempts and {changes} changes (up to link"
        " {through}, {at}), but that is not what the links held. It was not retention, and it"
        " excuses no missing row.",
    ),
    "audit_erased_gap": (
        "Ledd {link} sier at {actor} slettet det som er eldre enn {before} (til og med ledd"
        " {through}, {at}), men ledd {witness} er borte mens eldre står igjen. Oppbevaringen"
        " begynner med de eldste: noen andre har slettet det.",
        "Ledd {link} seier at {actor} sletta det som er eldre enn {before} (til og med ledd"
        " {through}, {at}), men ledd {witness} er borte medan eldre står att. Oppbevaringa"
        " byrjar med dei eldste: nokon andre har sletta det.",
        "Link {link} says that {actor} erased what is older than {before} (up to link {through},"
        " {at}), but link {witness} is gone while older ones are there. Retention begins with the"
        " oldest: somebody else deleted it.",
    ),
    "audit_erased": (
        "Det som er eldre enn {before} (til og med ledd {through}), ble slettet etter reglene"
        " {at} av {actor}; leddene står igjen.",
        "Det som er eldre enn {before} (til og med ledd {through}), blei sletta etter reglane"
        " {at} av {actor}; ledda står att.",
        "What is older than {before} (up to link {through}) was erased by retention at {at} by"
        " {actor}; the links are still there.",
    ),
    "audit_restored": (
        "Databasen ble gjenopprettet fra sikkerhetskopi ({restored}, epoke {epoch}). Ankeret fra"
        " {anchored} og senere kjenner ledd {known} til {newest} fra før gjenopprettingen; de"
        " finnes ikke lenger. Det er ikke avkorting: alt uferdig ble slått opp i"
        " regnskapssystemet.",
        "Databasen blei gjenoppretta frå tryggingskopi ({restored}, epoke {epoch}). Ankeret frå"
        " {anchored} og seinare kjenner ledd {known} til {newest} frå før gjenopprettinga; dei"
        " finst ikkje lenger. Det er ikkje avkorting: alt uferdig blei slått opp i"
        " rekneskapssystemet.",
        "The database was restored from a backup ({restored}, epoch {epoch}). The anchor of"
        " {anchored} and later ones know links {known} to {newest} from before it; they are no"
        " longer there. That is no truncation: all that was open was looked up in the accounting"
        " system.",
    ),
    "claim_erased": (
        "Kravet er behandlet før, og innholdet er slettet fordi oppbevaringstiden er ute. Det"
        " bokføres ikke på nytt. Er det et nytt krav, må det ha en ny id.",
        "Kravet er handsama før, og innhaldet er sletta fordi oppbevaringstida er ute. Det blir"
        " ikkje bokført på nytt. Er det eit nytt krav, må det ha ein ny id.",
        "The claim was dealt with before, and its content erased since its time is over. It is not"
        " booked again. If it is a new claim, it needs a new id.",
    ),
    "retention_years": (
        "Velg mellom 5 og 100 år etter regnskapsåret; bokføringsloven krever minst fem.",
        "Vel mellom 5 og 100 år etter rekneskapsåret; bokføringslova krev minst fem.",
        "Choose between 5 and 100 years after the accounting year; the law asks for five at least.",
    ),
    "retention_clock": (
        "Klokka på maskinen sier {now}, men det nyeste i revisjonsloggen er fra {newest}, over"
        " {days} dager før. Ingenting er slettet. Rett klokka; går den rett, kjør igjen med"
        " --clock-is-right.",
        "Klokka på maskina seier {now}, men det nyaste i revisjonsloggen er frå {newest}, over"
        " {days} dagar før. Ingenting er sletta. Rett klokka; går ho rett, køyr på nytt med"
        " --clock-is-right.",
        "The clock of this machine says {now}, but the newest line of the audit log is of {newest},"
        " more than {days} days before. Nothing is erased. Set the clock right; if it is right, run"
        " it again with --clock-is-right.",
    ),
    "retention_reason": (
        "Skriv hvorfor ingenting skal slettes.",
        "Skriv kvifor ingenting skal slettast.",
        "Say why nothing may be erased.",
    ),
}
