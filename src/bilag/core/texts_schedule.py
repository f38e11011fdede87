"""Sentences about schedules (C14), as code -> (bokmål, nynorsk, English).

Those of the first table are put together to one sentence, those of the second are problems.
"""

_WORDS: dict[str, tuple[str, str, str]] = {
    "schedule_on_approval": (
        "Når noe er godkjent",
        "Når noko er godkjent",
        "When something is approved",
    ),
    "schedule_manual": (
        "Bare når noen ber om det",
        "Berre når nokon ber om det",
        "Only when somebody asks for it",
    ),
    "schedule_at": ("kl. {times}", "kl. {times}", "at {times}"),
    "schedule_every_day": ("hver dag", "kvar dag", "every day"),
    "schedule_every_day_in": (
        "hver dag i {months}",
        "kvar dag i {months}",
        "every day in {months}",
    ),
    "schedule_weekdays": ("hver {days}", "kvar {days}", "every {days}"),
    "schedule_in_months": ("{days} i {months}", "{days} i {months}", "{days} in {months}"),
    "schedule_working_days": (
        "mandag til fredag",
        "måndag til fredag",
        "Monday to Friday",
    ),
    "schedule_month_day": (
        "den {days}. i hver måned",
        "den {days}. i kvar månad",
        "on day {days} of every month",
    ),
    "schedule_month_day_or_last": (
        "den {days}. i hver måned, eller siste dag der måneden er kortere,",
        "den {days}. i kvar månad, eller siste dag der månaden er kortare,",
        "on day {days} of every month, or on the last day of a shorter one,",
    ),
    "schedule_month_days": (
        "den {days} i hver måned",
        "den {days} i kvar månad",
        "on day {days} of every month",
    ),
    "schedule_month_days_in": (
        "den {days} i {months}",
        "den {days} i {months}",
        "on day {days} of {months}",
    ),
    "schedule_where_there": (
        "(der datoen finnes)",
        "(der datoen finst)",
        "(where there is such a day)",
    ),
    "schedule_last_day": (
        "siste dag i hver måned",
        "siste dag i kvar månad",
        "on the last day of every month",
    ),
    "schedule_last_day_in": (
        "siste dag i {months}",
        "siste dag i {months}",
        "on the last day of {months}",
    ),
    "schedule_last_working_day": (
        "siste dag fra mandag til fredag i hver måned",
        "siste dag frå måndag til fredag i kvar månad",
        "on the last Monday-to-Friday day of every month",
    ),
    "schedule_last_working_day_in": (
        "siste dag fra mandag til fredag i {months}",
        "siste dag frå måndag til fredag i {months}",
        "on the last Monday-to-Friday day of {months}",
    ),
    "schedule_nth_weekday": (
        "{nth} {weekday} i hver måned",
        "{nth} {weekday} i kvar månad",
        "on the {nth} {weekday} of every month",
    ),
    "schedule_nth_weekday_in": (
        "{nth} {weekday} i {months}",
        "{nth} {weekday} i {months}",
        "on the {nth} {weekday} of {months}",
    ),
    "schedule_every_minute": ("hvert minutt", "kvart minutt", "every minute"),
    "schedule_every_minutes": (
        "hvert {step}. minutt",
        "kvart {step}. minutt",
        "every {step} minutes",
    ),
    "schedule_every_hour": ("hver time", "kvar time", "every hour"),
    "schedule_between": (
        "fra kl. {first} til kl. {last}",
        "frå kl. {first} til kl. {last}",
        "from {first} to {last}",
    ),
    "schedule_expression": (
        "etter cron-uttrykket {expression}",
        "etter cron-uttrykket {expression}",
        "by the cron expression {expression}",
    ),
    "schedule_pause_once": (
        "Pause fra {start} til {end}",
        "Pause frå {start} til {end}",
        "Paused from {start} to {end}",
    ),
    "schedule_pause_days": (
        "Pause fra og med den {first}. til og med den {last}. i hver måned",
        "Pause frå og med den {first}. til og med den {last}. i kvar månad",
        "Paused from day {first} through day {last} of every month",
    ),
    "schedule_pause_days_over": (
        "Pause fra og med den {first}. til og med den {last}. i neste måned, hver måned",
        "Pause frå og med den {first}. til og med den {last}. i neste månad, kvar månad",
        "Paused from day {first} of every month through day {last} of the next",
    ),
    "sync_pause_window": (
        "Pause i planen til {until}. Det som venter, sendes etterpå.",
        "Pause i planen til {until}. Det som ventar, blir sendt etterpå.",
        "The schedule pauses until {until}. What waits is sent afterwards.",
    ),
}

_PROBLEMS: dict[str, tuple[str, str, str]] = {
    "schedule_at_missing": (
        "Utløseren {trigger} trenger et klokkeslett. Legg til {field}, for eksempel 07:00.",
        "Utløysaren {trigger} treng eit klokkeslett. Legg til {field}, til dømes 07:00.",
        "The trigger {trigger} needs a time of day. Add {field}, for example 07:00.",
    ),
    "schedule_weekdays_missing": (
        "Utløseren {trigger} trenger ukedager. Legg til {field}, for eksempel monday.",
        "Utløysaren {trigger} treng vekedagar. Legg til {field}, til dømes monday.",
        "The trigger {trigger} needs days of the week. Add {field}, for example monday.",
    ),
    "schedule_day_missing": (
        "Utløseren {trigger} trenger en dag i måneden. Legg til {field}, 1 til 31.",
        "Utløysaren {trigger} treng ein dag i månaden. Legg til {field}, 1 til 31.",
        "The trigger {trigger} needs a day of the month. Add {field}, 1 to 31.",
    ),
    "schedule_cron_missing": (
        "Utløseren {trigger} trenger et uttrykk. Legg til {field}, for eksempel 0 7 * * MON.",
        "Utløysaren {trigger} treng eit uttrykk. Legg til {field}, til dømes 0 7 * * MON.",
        "The trigger {trigger} needs an expression. Add {field}, for example 0 7 * * MON.",
    ),
    "schedule_unused": (
        "Utløseren {trigger} bruker ikke {field}. Fjern det, eller velg en annen utløser.",
        "Utløysaren {trigger} bruker ikkje {field}. Fjern det, eller vel ein annan utløysar.",
        "The trigger {trigger} does not use {field}. Remove it, or choose another trigger.",
    ),
    "schedule_time_not_valid": (
        "{value} er ikke et klokkeslett. Skriv det som 07:00, fra 00:00 til 23:59.",
        "{value} er ikkje eit klokkeslett. Skriv det som 07:00, frå 00:00 til 23:59.",
        "{value} is not a time of day. Write it as 07:00, from 00:00 to 23:59.",
    ),
    "schedule_zone_unknown": (
        "{zone} er ikke en kjent tidssone. Skriv den som Europe/Oslo.",
        "{zone} er ikkje ei kjend tidssone. Skriv ho som Europe/Oslo.",
        "{zone} is not a known time zone. Write it as Europe/Oslo.",
    ),
    "schedule_cron_fields": (
        "Et cron-uttrykk har fem felter: minutt, time, dag, måned og ukedag. Dette har {count}:"
        " {expression}",
        "Eit cron-uttrykk har fem felt: minutt, time, dag, månad og vekedag. Dette har {count}:"
        " {expression}",
        "A cron expression has five fields: minute, hour, day, month and weekday. This one has"
        " {count}: {expression}",
    ),
    "schedule_cron_minute": (
        "{value} er ikke et minutt i {expression}. Bruk 0 til 59, *, lister, a-b eller */n.",
        "{value} er ikkje eit minutt i {expression}. Bruk 0 til 59, *, lister, a-b eller */n.",
        "{value} is not a minute in {expression}. Use 0 to 59, *, lists, a-b or */n.",
    ),
    "schedule_cron_hour": (
        "{value} er ikke en time i {expression}. Bruk 0 til 23, *, lister, a-b eller */n.",
        "{value} er ikkje ein time i {expression}. Bruk 0 til 23, *, lister, a-b eller */n.",
        "{value} is not an hour in {expression}. Use 0 to 23, *, lists, a-b or */n.",
    ),
    "schedule_cron_day": (
        "{value} er ikke en dag i måneden i {expression}. Bruk 1 til 31, L for den siste, LW for"
        " den siste fra mandag til fredag, *, lister, a-b eller */n.",
        "{value} er ikkje ein dag i månaden i {expression}. Bruk 1 til 31, L for den siste, LW for"
        " den siste frå måndag til fredag, *, lister, a-b eller */n.",
        "{value} is not a day of the month in {expression}. Use 1 to 31, L for the last, LW for"
        " the last from Monday to Friday, *, lists, a-b or */n.",
    ),
    "schedule_cron_month": (
        "{value} er ikke en måned i {expression}. Bruk 1 til 12 eller JAN til DEC, *, lister, a-b"
        " eller */n.",
        "{value} er ikkje ein månad i {expression}. Bruk 1 til 12 eller JAN til DEC, *, lister, a-b"
        " eller */n.",
        "{value} is not a month in {expression}. Use 1 to 12 or JAN to DEC, *, lists, a-b or */n.",
    ),
    "schedule_cron_weekday": (
        "{value} er ikke en ukedag i {expression}. Bruk SUN til SAT eller 0 (søndag) til 7"
        " (søndag), MON#1 for den første, 5L for den siste fredagen, *, lister eller a-b.",
        "{value} er ikkje ein vekedag i {expression}. Bruk SUN til SAT eller 0 (søndag) til 7"
        " (søndag), MON#1 for den første, 5L for den siste fredagen, *, lister eller a-b.",
        "{value} is not a day of the week in {expression}. Use SUN to SAT or 0 (Sunday) to 7"
        " (Sunday), MON#1 for the first, 5L for the last Friday, *, lists or a-b.",
    ),
    "schedule_cron_never": (
        "{expression} inntreffer aldri. Ingen av månedene har en slik dag.",
        "{expression} hender aldri. Ingen av månadene har ein slik dag.",
        "{expression} never comes. None of its months has such a day.",
    ),
    "schedule_pause_incomplete": (
        "En pause har enten from og to, eller fromDay og toDay.",
        "Ein pause har anten from og to, eller fromDay og toDay.",
        "A pause has either from and to, or fromDay and toDay.",
    ),
    "schedule_pause_moment": (
        "{value} er ikke en dag eller et tidspunkt. Skriv 2026-12-20 eller 2026-12-20T16:00, i"
        " planens tidssone.",
        "{value} er ikkje ein dag eller eit tidspunkt. Skriv 2026-12-20 eller 2026-12-20T16:00, i"
        " tidssona til planen.",
        "{value} is not a day or a time. Write 2026-12-20 or 2026-12-20T16:00, in the schedule's"
        " time zone.",
    ),
    "schedule_pause_backwards": (
        "Pausen slutter {to}, før den begynner {from_}. Bytt dem om.",
        "Pausen sluttar {to}, før han begynner {from_}. Byt dei om.",
        "The pause ends at {to}, before it begins at {from_}. Change them round.",
    ),
    "schedule_always_paused": (
        "Pausene dekker hele måneden, så ingenting ville bli sendt. La minst én dag stå.",
        "Pausane dekkjer heile månaden, så ingenting ville bli sendt. Lat minst éin dag stå.",
        "The pauses cover the whole month, so nothing would ever be sent. Leave at least one day.",
    ),
}

SCHEDULE_TEXTS: dict[str, tuple[str, str, str]] = {**_WORDS, **_PROBLEMS}
