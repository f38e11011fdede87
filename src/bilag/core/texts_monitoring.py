"""Sentences of the reconciliation (E13), as code -> (bokmål, nynorsk, English).

`reconcile_<kind>` says what was found, `reconcile_next_<kind>` what a person may do about it.
"""

MONITORING_TEXTS: dict[str, tuple[str, str, str]] = {
    "reconcile_missing": (
        "Vi har {reference} som bokført, men den finnes ikke i regnskapet. {message}",
        "Vi har {reference} som bokført, men han finst ikkje i rekneskapen. {message}",
        "We hold {reference} to be posted, but it is not in the ledger. {message}",
    ),
    "reconcile_next_missing": (
        "Finn ut i regnskapssystemet hvem som fjernet bilaget eller lot det ligge. Skal det stå"
        " der, send kravet på nytt med `bilag force-export`.",
        "Finn ut i rekneskapssystemet kven som fjerna bilaget eller let det liggje. Skal det"
        " stå der, send kravet på nytt med `bilag force-export`.",
        "Find out in the accounting system who removed the voucher or left it unbooked. If it"
        " shall stand there, send the claim again with `bilag force-export`.",
    ),
    "reconcile_doubled": (
        "Kravet med referanse {reference} står {hits} ganger i regnskapet.",
        "Kravet med referanse {reference} står {hits} gonger i rekneskapen.",
        "The claim with reference {reference} stands {hits} times in the ledger.",
    ),
    "reconcile_next_doubled": (
        "Reverser alle bilag unntatt ett i regnskapssystemet, og finn ut hvordan det andre kom"
        " dit.",
        "Reverser alle bilag unnateke eitt i rekneskapssystemet, og finn ut korleis det andre"
        " kom dit.",
        "Reverse all vouchers but one in the accounting system, and find out how the other came"
        " there.",
    ),
    "reconcile_altered": (
        "Bilag {voucher} ({reference}) er ikke slik vi sendte det: {difference}.",
        "Bilag {voucher} ({reference}) er ikkje slik vi sende det: {difference}.",
        "Voucher {voucher} ({reference}) is not as we sent it: {difference}.",
    ),
    "reconcile_next_altered": (
        "Sammenlign bilaget med kravet. Er endringen riktig, rett også tilordningen; er den"
        " ikke det, rett bilaget i regnskapssystemet.",
        "Samanlikn bilaget med kravet. Er endringa rett, rett òg tilordninga; er ho ikkje det,"
        " rett bilaget i rekneskapssystemet.",
        "Compare the voucher with the claim. If the change is right, correct the mapping as"
        " well; if not, correct the voucher in the accounting system.",
    ),
    "reconcile_reversed": (
        "Bilag {voucher} ({reference}) er reversert der av {reversed_by}.",
        "Bilag {voucher} ({reference}) er reversert der av {reversed_by}.",
        "Voucher {voucher} ({reference}) was reversed there by {reversed_by}.",
    ),
    "reconcile_next_reversed": (
        "Var reverseringen riktig, er det ikke mer å gjøre. Skal kravet likevel stå, send det"
        " på nytt med `bilag force-export`.",
        "Var reverseringa rett, er det ikkje meir å gjere. Skal kravet likevel stå, send det på"
        " nytt med `bilag force-export`.",
        "If the reversal was right, nothing is left to do. If the claim shall stand all the"
        " same, send it again with `bilag force-export`.",
    ),
    "reconcile_unexpected": (
        "Hos oss står {reference} som {state}, men den finnes i regnskapssystemet (bilag"
        " {voucher}). {message}",
        "Hos oss står {reference} som {state}, men han finst i rekneskapssystemet (bilag"
        " {voucher}). {message}",
        "With us {reference} stands as {state}, but it is in the accounting system (voucher"
        " {voucher}). {message}",
    ),
    "reconcile_next_unexpected": (
        "Ikke send kravet på nytt: det ville stå to ganger. Reverser bilaget der, eller la det"
        " stå og noter hvorfor.",
        "Ikkje send kravet på nytt: det ville stå to gonger. Reverser bilaget der, eller la det"
        " stå og noter kvifor.",
        "Do not send the claim again: it would stand twice. Reverse the voucher there, or let"
        " it stand and note why.",
    ),
    "reconcile_cannot_tell": (
        "Om {reference} står der, kan ikke sies: {message}",
        "Om {reference} står der, kan ikkje seiast: {message}",
        "Whether {reference} stands there cannot be told: {message}",
    ),
    "reconcile_next_cannot_tell": (
        "Ingenting er avgjort. Test forbindelsen (`bilag check-connection`), og avstem igjen.",
        "Ingenting er avgjort. Test sambandet (`bilag check-connection`), og avstem igjen.",
        "Nothing is decided. Test the connection (`bilag check-connection`) and reconcile again.",
    ),
    "reconcile_staged": (
        "Den ligger i importen der: enten venter den på bokføring, eller så er den bokført og"
        " slettet.",
        "Han ligg i importen der: anten ventar han på bokføring, eller så er han bokført og"
        " sletta.",
        "It lies in the import there: either it waits to be booked, or it was booked and deleted.",
    ),
    "reconcile_nothing": (
        "Ingenting å sammenligne: ingen bilag i perioden, eller de er bokført så nylig at systemet"
        " ikke er spurt ennå.",
        "Ingenting å samanlikne: ingen bilag i perioden, eller dei er bokførte så nyleg at systemet"
        " ikkje er spurt enno.",
        "Nothing to compare: no vouchers in these days, or booked so recently that the system is"
        " not asked yet.",
    ),
    "reconcile_no_look_up": (
        "{integration} kan ikke avstemmes: bilag kan ikke slå opp noe der, fordi innstillingene"
        " ikke har noe oppslag (lookUp), eller fordi oppslag er slått av. Sett opp et oppslag i"
        " innstillingene, eller sammenlign selv: kontrollrapporten har en liste over alle krav"
        " med referanse og bilagsnummer, og den holdes mot en liste fra regnskapssystemet.",
        "{integration} kan ikkje avstemmast: bilag kan ikkje slå opp noko der, fordi"
        " innstillingane ikkje har noko oppslag (lookUp), eller fordi oppslag er slått av. Set"
        " opp eit oppslag i innstillingane, eller samanlikn sjølv: kontrollrapporten har ei"
        " liste over alle krav med referanse og bilagsnummer, og ho blir halden mot ei liste frå"
        " rekneskapssystemet.",
        "{integration} cannot be reconciled: bilag can look nothing up there, because its"
        " settings hold no look-up (lookUp), or look-up is switched off. Set a look-up in its"
        " settings, or compare yourself: the control report has a list of all claims with"
        " reference and voucher number, to be held against a list from the accounting system.",
    ),
    "reconcile_unproven": (
        "oppslaget har aldri funnet noe bilag i dette systemet",
        "oppslaget har aldri funne noko bilag i dette systemet",
        "the look-up has never found any voucher in this system",
    ),
    "reconcile_by_amount": (
        "beløp {expected} her, {amount} der",
        "beløp {expected} her, {amount} der",
        "amount {expected} here, {amount} there",
    ),
    "reconcile_by_lines": (
        "bare her: {here}; bare der: {there}",
        "berre her: {here}; berre der: {there}",
        "only here: {here}; only there: {there}",
    ),
    "reconcile_went_silent": (
        "Avstemmingen ble avbrutt: systemet svarte ikke på {count} oppslag på rad. Siste svar:"
        " {message}",
        "Avstemminga vart avbroten: systemet svara ikkje på {count} oppslag på rad. Siste svar:"
        " {message}",
        "The reconciliation was broken off: the system answered none of {count} look-ups in a"
        " row. Last answer: {message}",
    ),
    "reconcile_days": (
        "Fra-dagen {first} er etter til-dagen {last}. Bytt om.",
        "Frå-dagen {first} er etter til-dagen {last}. Byt om.",
        "The first day {first} is after the last day {last}. Swap them.",
    ),
}
