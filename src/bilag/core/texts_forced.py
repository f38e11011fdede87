"""Sentences about forced re-exports (E12), as code -> (bokmål, nynorsk, English)."""

FORCED_TEXTS: dict[str, tuple[str, str, str]] = {
    "force_posted": (
        "Utgave {generation} ({state}) er bokført: bilag {voucher_number}, beløp {amount},"
        " referanse {reference}.",
        "Utgåve {generation} ({state}) er bokført: bilag {voucher_number}, beløp {amount},"
        " referanse {reference}.",
        "Generation {generation} ({state}) is posted: voucher {voucher_number}, amount"
        " {amount}, reference {reference}.",
    ),
    "force_reversed": (
        "Utgave {generation} ({state}) er bokført som bilag {voucher_number}, beløp {amount},"
        " og reversert av {reversed_by}. Referanse {reference}.",
        "Utgåve {generation} ({state}) er bokført som bilag {voucher_number}, beløp {amount},"
        " og reversert av {reversed_by}. Referanse {reference}.",
        "Generation {generation} ({state}) is posted as voucher {voucher_number}, amount"
        " {amount}, and reversed by {reversed_by}. Reference {reference}.",
    ),
    "force_doubled": (
        "Utgave {generation} ({state}) står {hits} ganger: først som bilag {voucher_number},"
        " beløp {amount}. Referanse {reference}.",
        "Utgåve {generation} ({state}) står {hits} gonger: først som bilag {voucher_number},"
        " beløp {amount}. Referanse {reference}.",
        "Generation {generation} ({state}) stands there {hits} times: first as voucher"
        " {voucher_number}, amount {amount}. Reference {reference}.",
    ),
    "force_staged": (
        "Utgave {generation} ({state}) ligger i importen der, men står ikke i hovedboken: enten"
        " venter den på bokføring, eller så er den bokført og slettet. Se etter der. Referanse"
        " {reference}.",
        "Utgåve {generation} ({state}) ligg i importen der, men står ikkje i hovudboka: anten"
        " ventar ho på bokføring, eller så er ho bokført og sletta. Sjå etter der. Referanse"
        " {reference}.",
        "Generation {generation} ({state}) lies in the import there, but not in the ledger: either"
        " it waits to be booked, or it was booked and then deleted. Look there. Reference"
        " {reference}.",
    ),
    "force_booking_refused": (
        "Utgave {generation} ({state}) ligger der, men ble ikke bokført: {message}. Referanse"
        " {reference}.",
        "Utgåve {generation} ({state}) ligg der, men vart ikkje bokført: {message}. Referanse"
        " {reference}.",
        "Generation {generation} ({state}) lies there, but was not booked: {message}. Reference"
        " {reference}.",
    ),
    "force_absent": (
        "Utgave {generation} ({state}) finnes ikke i regnskapssystemet. Referanse {reference}.",
        "Utgåve {generation} ({state}) finst ikkje i rekneskapssystemet. Referanse {reference}.",
        "Generation {generation} ({state}) is not in the accounting system. Reference {reference}.",
    ),
    "force_absent_unproven": (
        "Utgave {generation} ({state}) ble ikke funnet, men oppslaget har aldri funnet noe"
        " bilag i dette systemet. Se selv etter referanse {reference}.",
        "Utgåve {generation} ({state}) vart ikkje funnen, men oppslaget har aldri funne noko"
        " bilag i dette systemet. Sjå sjølv etter referanse {reference}.",
        "Generation {generation} ({state}) was not found, but the look-up has never found any"
        " voucher in this system. Search for reference {reference} yourself.",
    ),
    "force_cannot_tell": (
        "Om utgave {generation} ({state}) står der, kan ikke sies: {message} Se selv etter"
        " referanse {reference}.",
        "Om utgåve {generation} ({state}) står der, kan ikkje seiast: {message} Sjå sjølv etter"
        " referanse {reference}.",
        "Whether generation {generation} ({state}) stands there cannot be told: {message}"
        " Search for reference {reference} yourself.",
    ),
    "force_not_posted": (
        "Eksporten står som {state}. Bare det som er eksportert, mottatt eller reversert kan"
        " sendes på nytt med tvang; bruk ellers prøv igjen.",
        "Eksporten står som {state}. Berre det som er eksportert, motteke eller reversert kan"
        " sendast på nytt med tvang; bruk elles prøv igjen.",
        "The export stands as {state}. Only what is exported, accepted or reversed can be"
        " forced; retry anything else.",
    ),
    "force_not_current": (
        "Eksport {current} er den som gjelder for kravet nå. Velg den.",
        "Eksport {current} er den som gjeld for kravet no. Vel den.",
        "Export {current} is the one that counts for the claim now. Choose that one.",
    ),
    "force_under_way": (
        "Eksport {export} av samme krav er underveis ({state}). Vent til utfallet er kjent,"
        " eller avgjør det først.",
        "Eksport {export} av same krav er på veg ({state}). Vent til utfallet er kjent, eller"
        " avgjer det først.",
        "Export {export} of the same claim is under way ({state}). Wait until its outcome is"
        " known, or settle it first.",
    ),
    "force_waits": (
        "Eksport {export} av samme krav venter alt på godkjenning fra en annen person.",
        "Eksport {export} av same krav ventar alt på godkjenning frå ein annan person.",
        "Export {export} of the same claim already waits for another person's approval.",
    ),
    "force_withdrawn": (
        "Godkjenningen av kravet er trukket; det sendes ikke på nytt.",
        "Godkjenninga av kravet er trekt; det blir ikkje sendt på nytt.",
        "The approval of the claim was withdrawn; it is not sent again.",
    ),
    "force_reference_taken": (
        "Regnskapssystemet har alt et bilag med referansen {reference}, som den nye utgaven"
        " ville fått. Databasen kan være gjenopprettet; se på bilaget der.",
        "Rekneskapssystemet har alt eit bilag med referansen {reference}, som den nye utgåva"
        " ville fått. Databasen kan vere gjenoppretta; sjå på bilaget der.",
        "The accounting system already holds a voucher with reference {reference}, which the"
        " new generation would get. The database may have been restored; look at the voucher"
        " there.",
    ),
    "force_confirmation_old": (
        "Bekreftelsen er ugyldig eller for gammel. Se på nytt hva som står i regnskapssystemet,"
        " og bekreft det.",
        "Stadfestinga er ugyldig eller for gammal. Sjå på nytt kva som står i"
        " rekneskapssystemet, og stadfest det.",
        "The confirmation is not valid or too old. Look again at what stands in the accounting"
        " system, and confirm that.",
    ),
    "force_evidence_changed": (
        "Det som ble bekreftet, er ikke det som står i regnskapssystemet nå. Se på nytt, og"
        " bekreft eller be om det igjen.",
        "Det som vart stadfest, er ikkje det som står i rekneskapssystemet no. Sjå på nytt, og"
        " stadfest eller be om det igjen.",
        "What was confirmed is not what stands in the accounting system now. Look again, and"
        " confirm or ask for it anew.",
    ),
    "force_timeout": (
        "Regnskapssystemet svarte ikke innen {seconds} sekunder.",
        "Rekneskapssystemet svara ikkje innan {seconds} sekund.",
        "The accounting system did not answer within {seconds} seconds.",
    ),
    "waits_for_approval": (
        "Venter på en annen person: {actor} vil sende kravet på nytt ({reason}), og beløpet er"
        " over organisasjonens grense.",
        "Ventar på ein annan person: {actor} vil sende kravet på nytt ({reason}), og beløpet er"
        " over grensa til organisasjonen.",
        "Waits for another person: {actor} asked to send the claim again ({reason}), and its"
        " amount is above the organization's limit.",
    ),
    "force_needs_approval": (
        "Beløpet er over organisasjonens grense: en annen person må godkjenne.",
        "Beløpet er over grensa til organisasjonen: ein annan person må godkjenne.",
        "The amount is above the organization's limit: another person must approve.",
    ),
    "force_waits_not": (
        "Eksporten står som {state} og venter ikke på godkjenning.",
        "Eksporten står som {state} og ventar ikkje på godkjenning.",
        "The export stands as {state} and does not wait for approval.",
    ),
    "force_own_approval": (
        "En annen enn den som bad om det, må godkjenne.",
        "Ein annan enn den som bad om det, må godkjenne.",
        "Somebody else than the one who asked must approve.",
    ),
    "force_approval_by_token": (
        "Et API-token kan ikke godkjenne: en annen person enn den som bad om det, må logge inn og"
        " gjøre det.",
        "Eit API-token kan ikkje godkjenne: ein annan person enn den som bad om det, må logge inn"
        " og gjere det.",
        "An API token cannot approve: a person other than the one who asked must sign in and do"
        " it.",
    ),
    "no_look_up": (
        "Integrasjonen {integration} kan ikke slås opp i: systemet kan ikke søkes etter vår"
        " referanse, eller oppslag er slått av.",
        "Integrasjonen {integration} kan ikkje slåast opp i: systemet kan ikkje søkjast etter"
        " vår referanse, eller oppslag er slått av.",
        "Integration {integration} cannot be looked up in: its system cannot be searched by our"
        " reference, or look-up is switched off.",
    ),
    "look_up_failed_now": (
        "Oppslaget lyktes ikke: {message}",
        "Oppslaget lukkast ikkje: {message}",
        "The look-up did not succeed: {message}",
    ),
    "refusal_without_reason": (
        "Skriv i reason hvorfor det avslås.",
        "Skriv i reason kvifor det blir avslått.",
        "Write in reason why it is refused.",
    ),
}
