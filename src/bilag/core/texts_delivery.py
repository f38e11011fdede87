"""Sentences about delivery, as code -> (bokmål, nynorsk, English)."""

DELIVERY_TEXTS: dict[str, tuple[str, str, str]] = {
    "refused": (
        "Regnskapssystemet avviste bilaget: {message}",
        "Rekneskapssystemet avviste bilaget: {message}",
        "The accounting system refused the voucher: {message}",
    ),
    "no_clear_answer": (
        "Bilaget ble sendt, men vi fikk ikke noe klart svar ({message}). Det slås opp i"
        " regnskapssystemet før noe mer skjer.",
        "Bilaget vart sendt, men vi fekk ikkje noko klart svar ({message}). Det blir slått opp i"
        " rekneskapssystemet før noko meir skjer.",
        "The voucher was sent, but no clear answer came back ({message}). It is looked up in the"
        " accounting system before anything else happens.",
    ),
    "refused_and_left": (
        "Regnskapssystemet tok imot bilaget, men avviste å bokføre det: {message} Radene ligger"
        " fortsatt i importen der. Slett dem der før du prøver igjen.",
        "Rekneskapssystemet tok imot bilaget, men avviste å bokføre det: {message} Radene ligg"
        " framleis i importen der. Slett dei der før du prøver igjen.",
        "The accounting system took the voucher, then refused to book it: {message} Its rows still"
        " lie in the import there. Delete them there before you retry.",
    ),
    "still_staged": (
        "Et tidligere forsøk med referanse {reference} ligger fortsatt i importen i"
        " regnskapssystemet, så ingenting ble sendt. Slett radene der og prøv igjen. {message}",
        "Eit tidlegare forsøk med referanse {reference} ligg framleis i importen i"
        " rekneskapssystemet, så ingenting vart sendt. Slett radene der og prøv igjen. {message}",
        "An earlier attempt with reference {reference} still lies in the import of the accounting"
        " system, so nothing was sent. Delete its rows there and retry. {message}",
    ),
    "staged_unknown": (
        "Referanse {reference} ligger som kladd i regnskapssystemet, men vi har ikke innsendingen"
        " den kom fra. Bokfør eller slett linjene der, og bestem hva som skal skje.",
        "Referanse {reference} ligg som kladd i rekneskapssystemet, men vi har ikkje innsendinga"
        " ho kom frå. Bokfør eller slett linjene der, og avgjer kva som skal skje.",
        "Reference {reference} lies as a draft in the accounting system, but we do not hold the"
        " submission that it came from. Post or delete its lines there, and decide what happens.",
    ),
    "staged_too_often": (
        "Referanse {reference} ligger som kladd i regnskapssystemet og ble ikke bokført på"
        " {attempts} forsøk. Se etter i kladden der, og bestem hva som skal skje.",
        "Referanse {reference} ligg som kladd i rekneskapssystemet og vart ikkje bokført på"
        " {attempts} forsøk. Sjå etter i kladden der, og avgjer kva som skal skje.",
        "Reference {reference} lies as a draft in the accounting system and was not posted in"
        " {attempts} attempts. Look at the draft there, and decide what shall happen.",
    ),
    "booking_overdue": (
        "Referanse {reference} har ligget i importen i regnskapssystemet i {hours} timer uten å bli"
        " bokført. Se etter der hva den venter på.",
        "Referanse {reference} har lege i importen i rekneskapssystemet i {hours} timar utan å bli"
        " bokført. Sjå etter der kva han ventar på.",
        "Reference {reference} has lain in the import of the accounting system for {hours} hours"
        " without being booked. Look there for what it waits for.",
    ),
    "gave_up": (
        "Gav opp etter {attempts} forsøk; bilaget er ikke bokført. Siste svar: {message}",
        "Gav opp etter {attempts} forsøk; bilaget er ikkje bokført. Siste svar: {message}",
        "Gave up after {attempts} attempts; the voucher was not posted. Last answer: {message}",
    ),
    "worker_lost": (
        "Arbeidsprosessen forsvant mens bilaget var underveis. Det slås opp i regnskapssystemet.",
        "Arbeidsprosessen forsvann medan bilaget var på veg. Det blir slått opp i"
        " rekneskapssystemet.",
        "The worker was lost while the voucher was under way. It is looked up in the accounting"
        " system.",
    ),
    "restored": (
        "Databasen er gjenopprettet fra sikkerhetskopi. Bilaget slås opp i regnskapssystemet før"
        " det eventuelt sendes.",
        "Databasen er gjenoppretta frå tryggingskopi. Bilaget blir slått opp i rekneskapssystemet"
        " før det eventuelt blir sendt.",
        "The database was restored from a backup. The voucher is looked up in the accounting system"
        " before it may be sent.",
    ),
    "late_answer": (
        "Et sent svar sier at et tidligere forsøk ble bokført. Kontroller i regnskapssystemet om"
        " bilaget står to ganger.",
        "Eit seint svar seier at eit tidlegare forsøk vart bokført. Kontroller i"
        " rekneskapssystemet om bilaget står to gonger.",
        "A late answer says that an earlier attempt was posted. Check in the accounting system"
        " whether the voucher stands there twice.",
    ),
    "cannot_look_up": (
        "Vi kan ikke slå opp i dette regnskapssystemet. Se etter referanse {reference} der og"
        " bestem hva som skal skje.",
        "Vi kan ikkje slå opp i dette rekneskapssystemet. Sjå etter referanse {reference} der og"
        " avgjer kva som skal skje.",
        "This accounting system cannot be looked up by us. Search it for reference {reference} and"
        " decide what shall happen.",
    ),
    "look_up_unproven": (
        "Oppslaget sier at referanse {reference} ikke finnes, men oppslaget har aldri funnet noe"
        " bilag i dette systemet. Kontroller selv.",
        "Oppslaget seier at referanse {reference} ikkje finst, men oppslaget har aldri funne noko"
        " bilag i dette systemet. Kontroller sjølv.",
        "The look-up says that reference {reference} does not exist, but it has never found any"
        " voucher in this system. Check for yourself.",
    ),
    "look_up_failed": (
        "Oppslaget lyktes ikke ({message}); det prøves igjen. Ingenting er avgjort.",
        "Oppslaget lukkast ikkje ({message}); det blir prøvd igjen. Ingenting er avgjort.",
        "The look-up did not succeed ({message}); it is tried again. Nothing is decided.",
    ),
    "found_twice": (
        "Referansen {reference} står {hits} ganger i regnskapssystemet. Reverser den ene der.",
        "Referansen {reference} står {hits} gonger i rekneskapssystemet. Reverser den eine der.",
        "Reference {reference} stands {hits} times in the accounting system. Reverse one of them"
        " there.",
    ),
    "not_booked": (
        "Regnskapssystemet tok imot bilaget, men det er ikke sett bokført innen fristen. Se etter"
        " referanse {reference} der og bestem hva som skal skje.",
        "Rekneskapssystemet tok imot bilaget, men det er ikkje sett bokført innan fristen. Sjå"
        " etter referanse {reference} der og avgjer kva som skal skje.",
        "The accounting system took the voucher, but it was not seen booked in time. Search it for"
        " reference {reference} and decide what shall happen.",
    ),
    "absent_too_often": (
        "Sendt {attempts} ganger uten at bilaget finnes i regnskapssystemet etterpå.",
        "Sendt {attempts} gonger utan at bilaget finst i rekneskapssystemet etterpå.",
        "Sent {attempts} times, and the voucher is not in the accounting system afterwards.",
    ),
    "correction_proposed": (
        "Kravet er alt eksportert. Denne nye revisjonen er et forslag til korreksjon.",
        "Kravet er alt eksportert. Denne nye revisjonen er eit framlegg til korreksjon.",
        "The claim was exported already. This newer revision is a proposed correction.",
    ),
    "waits_for_earlier": (
        "En eldre revisjon er underveis. Denne venter til utfallet er kjent.",
        "Ein eldre revisjon er på veg. Denne ventar til utfallet er kjent.",
        "An earlier revision is under way. This one waits until its outcome is known.",
    ),
    "reversal_proposed": (
        "Godkjenningen er trukket etter eksport. Dette er et forslag til reversering.",
        "Godkjenninga er trekt etter eksport. Dette er eit framlegg til reversering.",
        "The approval was withdrawn after export. This is a proposed reversal.",
    ),
    "approval_withdrawn": (
        "Godkjenningen er trukket; ingenting sendes.",
        "Godkjenninga er trekt; ingenting blir sendt.",
        "The approval was withdrawn; nothing is sent.",
    ),
    "decided": (
        "Avgjort av en person: {reason}",
        "Avgjort av ein person: {reason}",
        "Decided by a person: {reason}",
    ),
    "not_current": (
        "For denne utgaven av kravet sendes ingenting mer: den er annullert, eller en nyere utgave"
        " gjelder. Velg eksportert, avvist eller annullert.",
        "For denne utgåva av kravet blir ingenting meir sendt: ho er annullert, eller ei nyare"
        " utgåve gjeld. Vel eksportert, avvist eller annullert.",
        "Nothing more is sent for this generation of the claim: a newer generation stands, or it"
        " was cancelled. Choose exported, failed or cancelled.",
    ),
    "revised_in_doubt": (
        "En nyere revisjon av kravet er kommet. Hva som ble av denne, er avgjort uten oppslag, så"
        " den kan være bokført: søk i regnskapssystemet etter referansen og avgjør det på nytt. Den"
        " nyere venter så lenge.",
        "Ein nyare revisjon av kravet er komen. Kva som vart av denne, er avgjort utan oppslag, så"
        " ho kan vere bokført: søk i rekneskapssystemet etter referansen og avgjer det på nytt. Den"
        " nyare ventar så lenge.",
        "A newer revision of the claim has come. What became of this one was decided without a"
        " look-up, so it may be booked: search the accounting system for its reference and decide"
        " again. The newer one waits until then.",
    ),
    "newer_waits": (
        "En nyere revisjon av kravet venter på denne. Annuller den først hvis ingenting skal"
        " sendes; velg send på nytt hvis denne ikke står der, så sendes den nyere i stedet.",
        "Ein nyare revisjon av kravet ventar på denne. Annuller han først om ingenting skal"
        " sendast; vel send på nytt om denne ikkje står der, så blir den nyare send i staden.",
        "A newer revision of the claim waits for this one. Cancel that one first where nothing"
        " shall be sent; where this one is not there, choose to send again, and the newer one is"
        " sent instead.",
    ),
    "period_closed_wait": (
        "Bokføringsdatoen {day} ligger i en lukket periode (til og med {closed}), og det er bestemt"
        " at bilaget skal vente til den åpnes: {words}",
        "Bokføringsdatoen {day} ligg i ein lukka periode (til og med {closed}), og det er avgjort"
        " at bilaget skal vente til han blir opna: {words}",
        "The posting date {day} lies in a closed period (through {closed}), and it was decided that"
        " the voucher waits until it is opened: {words}",
    ),
    "several": (
        "{count} ting må rettes: {problems}",
        "{count} ting må rettast: {problems}",
        "{count} things must be corrected: {problems}",
    ),
    "cannot_be_built": (
        "Bilaget kan ikke uttrykkes for dette systemet: {message}",
        "Bilaget kan ikkje uttrykkjast for dette systemet: {message}",
        "The voucher cannot be expressed for this system: {message}",
    ),
    "settings_not_usable": (
        "Innstillingene til integrasjonen kan ikke brukes lenger, og ingenting sendes. Rett dem,"
        " og test forbindelsen.",
        "Innstillingane til integrasjonen kan ikkje brukast lenger, og ingenting blir sendt. Rett"
        " dei, og test sambandet.",
        "The settings of the integration cannot be used any more, and nothing is sent. Correct"
        " them and test the connection.",
    ),
    "mapping_not_usable": (
        "Tilordningen (versjon {version}) kan ikke brukes lenger, og ingenting sendes. Rett den,"
        " og test forbindelsen.",
        "Tilordninga (versjon {version}) kan ikkje brukast lenger, og ingenting blir sendt. Rett"
        " ho, og test sambandet.",
        "The mapping (version {version}) cannot be used any more, and nothing is sent. Correct it"
        " and test the connection.",
    ),
    "secrets_not_usable": (
        "Hemmelighetene til integrasjonen kan ikke åpnes, og ingenting sendes: {reason}. Test"
        " deretter forbindelsen.",
        "Løyndomane til integrasjonen kan ikkje opnast, og ingenting blir sendt: {reason}. Test"
        " deretter sambandet.",
        "The secrets of the integration cannot be opened, and nothing is sent: {reason}. Then test"
        " the connection.",
    ),
    "keys_unreachable": (
        "Hemmelighetene kan ikke åpnes nå, og ingenting sendes: {reason}. Det prøves igjen av seg"
        " selv.",
        "Løyndomane kan ikkje opnast no, og ingenting blir sendt: {reason}. Det blir prøvd igjen av"
        " seg sjølv.",
        "The secrets cannot be opened now, and nothing is sent: {reason}. It is tried again by"
        " itself.",
    ),
    "credential_fell_back": (
        "Den nye hemmeligheten ({fields}, satt av {by}) ble avvist før noe var sendt med den:"
        " {message} Den forrige er i bruk igjen. Sett en ny.",
        "Den nye løyndomen ({fields}, sett av {by}) vart avvist før noko var sendt med han:"
        " {message} Den førre er i bruk igjen. Set ein ny.",
        "The new secret ({fields}, set by {by}) was refused before anything was sent with it:"
        " {message} The one before it is in use again. Set a new one.",
    ),
    "connection_test_late": (
        "Testen ble ikke ferdig på ti sekunder. Sjekk adressen, og prøv igjen; spør leverandøren"
        " hvis det fortsetter.",
        "Testen vart ikkje ferdig på ti sekund. Sjekk adressa, og prøv igjen; spør leverandøren om"
        " det held fram.",
        "The test was not done within ten seconds. Check the address and try again; ask the"
        " supplier if it goes on.",
    ),
    "connection_tests_busy": (
        "Flere andre tester pågår. Prøv igjen om noen sekunder.",
        "Fleire andre testar er i gang. Prøv igjen om nokre sekund.",
        "Several other tests are under way. Try again in a few seconds.",
    ),
    "credential_check_failed": (
        "Hemmeligheten er ikke lagret, den gamle er fortsatt i bruk. Prøven sa: {message}",
        "Løyndomen er ikkje lagra, den gamle er framleis i bruk. Prøva sa: {message}",
        "The credential is not stored, the old one stays in use. The test said: {message}",
    ),
    "other_company": (
        "Påloggingen fører til selskap {found}, men denne integrasjonen posterer til {remembered}."
        " Rett opp påloggingen, og test forbindelsen.",
        "Pålogginga fører til selskap {found}, men denne integrasjonen posterer til {remembered}."
        " Rett opp pålogginga, og test sambandet.",
        "The credentials lead to company {found}, but this integration posts to {remembered}."
        " Correct the credentials and test the connection.",
    ),
    "no_route": (
        "Organisasjonen har ingen integrasjon som tar imot. Sett opp en (`bilag apply`) og send inn"
        " på nytt.",
        "Organisasjonen har ingen integrasjon som tek imot. Set opp ein (`bilag apply`) og send inn"
        " på nytt.",
        "The organization has no integration that takes records. Set one up (`bilag apply`) and"
        " send them again.",
    ),
}
