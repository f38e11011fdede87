"""Sentences about syncs that people ask for (O3), as code -> (nb, nn, en)."""

SYNC_TEXTS: dict[str, tuple[str, str, str]] = {
    "sync_under_way": (
        "{integration} synkroniseres nå. {actor} ba om det {at}. Vent til det er ferdig, eller"
        " stopp det.",
        "{integration} blir synkronisert no. {actor} bad om det {at}. Vent til det er ferdig, eller"
        " stopp det.",
        "{integration} is being synced now. {actor} asked for it at {at}. Wait until it has ended,"
        " or stop it.",
    ),
    "sync_under_way_schedule": (
        "{integration} synkroniseres nå, etter tidsplanen, siden {at}. Vent til det er ferdig.",
        "{integration} blir synkronisert no, etter tidsplanen, sidan {at}. Vent til det er ferdig.",
        "{integration} is being synced now, by its schedule, since {at}. Wait until it has ended.",
    ),
    "sync_under_way_engine": (
        "{integration} synkroniseres nå av seg selv, siden {at}. Vent til det er ferdig.",
        "{integration} blir synkronisert no av seg sjølv, sidan {at}. Vent til det er ferdig.",
        "{integration} is being synced now, by itself, since {at}. Wait until it has ended.",
    ),
    "sync_disabled": (
        "{integration} er slått av. Slå den på først; det som venter, blir i køen.",
        "{integration} er slått av. Slå han på først; det som ventar, blir i køen.",
        "{integration} is switched off. Switch it on first; what waits stays in the queue.",
    ),
    "sync_stopped_by_error": (
        "{integration} er stoppet av en feil: {message} Rett det, og test forbindelsen.",
        "{integration} er stoppa av ein feil: {message} Rett det, og test sambandet.",
        "{integration} is stopped by an error: {message} Mend it, and test the connection.",
    ),
    "sync_not_answering": (
        "Systemet svarer ikke. Det prøves igjen av seg selv {at}; ingenting er tapt.",
        "Systemet svarar ikkje. Det blir prøvd igjen av seg sjølv {at}; ingenting er tapt.",
        "The system does not answer. It is tried again by itself at {at}; nothing is lost.",
    ),
    "sync_asked_to_wait": (
        "Systemet ba oss vente til {at}. Da går det videre av seg selv.",
        "Systemet bad oss vente til {at}. Då går det vidare av seg sjølv.",
        "The system asked us to wait until {at}. Then it goes on by itself.",
    ),
    "sync_stopped": (
        "{actor} stoppet synkroniseringen. Det som ikke var sendt, venter fortsatt.",
        "{actor} stoppa synkroniseringa. Det som ikkje var sendt, ventar framleis.",
        "{actor} stopped the sync. What had not been sent still waits.",
    ),
    "sync_interrupted": (
        "Synkroniseringen ble avbrutt før den var ferdig. Tallene er det den rakk. Det som var"
        " underveis, slås opp før noe sendes på nytt, og resten går med neste synkronisering.",
        "Synkroniseringa vart avbroten før ho var ferdig. Tala er det ho rakk. Det som var"
        " undervegs, blir slått opp før noko blir sendt på nytt, og resten går med neste"
        " synkronisering.",
        "The sync was broken off before it had ended. The counts are what it reached. What was"
        " under way is looked up before anything is sent again, and the rest goes with the next"
        " sync.",
    ),
    "sync_has_ended": (
        "Synkroniseringen er ferdig, eller er stoppet alt.",
        "Synkroniseringa er ferdig, eller er stoppa alt.",
        "The sync has ended, or was stopped already.",
    ),
}
