"""Sentences about imported files and their profiles, as code -> (bokmål, nynorsk, English).

The place (row and column, or the key of the profile) is told beside the sentence.
"""

_FILE: dict[str, tuple[str, str, str]] = {
    "file_no_columns": (
        "Filen har ingen linje med kolonnenavn. Sett skilletegn og anførselstegn i profilen.",
        "Fila har inga linje med kolonnenamn. Set skiljeteikn og hermeteikn i profilen.",
        "The file has no line of column names. Set the delimiter and the quote in the profile.",
    ),
    "file_column_missing": (
        "Kolonnen som profilen bruker, finnes ikke i filen. Filen har: {found}.",
        "Kolonnen som profilen bruker, finst ikkje i fila. Fila har: {found}.",
        "The column that the profile uses is not in the file. The file has: {found}.",
    ),
    "file_column_twice": (
        "Kolonnen står to ganger i filen. Gi den ene et annet navn.",
        "Kolonnen står to gonger i fila. Gi den eine eit anna namn.",
        "The column stands twice in the file. Give one of them another name.",
    ),
    "file_without_rows": (
        "Filen er {kind} og har ingen rader. Eksporter den som NDJSON, CSV eller .xlsx.",
        "Fila er {kind} og har ingen rader. Eksporter ho som NDJSON, CSV eller .xlsx.",
        "The file is {kind} and has no rows. Export it as NDJSON, CSV or .xlsx.",
    ),
    "file_not_ndjson": (
        "Filen er ikke NDJSON: ingen av de første linjene er et JSON-objekt. Skriv én post per "
        "linje, eller gi en profil for CSV eller .xlsx.",
        "Fila er ikkje NDJSON: ingen av dei første linjene er eit JSON-objekt. Skriv éin post per "
        "linje, eller gi ein profil for CSV eller .xlsx.",
        "The file is not NDJSON: none of its first lines is a JSON object. Write one record a "
        "line, or give a profile for CSV or .xlsx.",
    ),
    "file_json_document": (
        "Filen er ett JSON-dokument over flere linjer. Skriv én post per linje (NDJSON).",
        "Fila er eitt JSON-dokument over fleire linjer. Skriv éin post per linje (NDJSON).",
        "The file is one JSON document over several lines. Write one record a line (NDJSON).",
    ),
    "file_not_workbook": (
        "Filen er ingen Excel-arbeidsbok. Lagre den som .xlsx, eller rett «format» i profilen.",
        "Fila er inga Excel-arbeidsbok. Lagre ho som .xlsx, eller rett «format» i profilen.",
        "The file is no Excel workbook. Save it as .xlsx, or correct “format” in the profile.",
    ),
    "file_old_workbook": (
        "Filen er i Excels gamle format (.xls). Åpne den i Excel og lagre den som .xlsx.",
        "Fila er i det gamle formatet til Excel (.xls). Opne ho i Excel og lagre ho som .xlsx.",
        "The file is in Excel's old format (.xls). Open it in Excel and save it as .xlsx.",
    ),
    "file_locked": (
        "Arbeidsboken er låst med et passord. Åpne den, fjern passordet og lagre den på nytt.",
        "Arbeidsboka er låst med eit passord. Opne ho, fjern passordet og lagre ho på nytt.",
        "The workbook is locked with a password. Open it, remove the password and save it again.",
    ),
    "file_broken": (
        "Arbeidsboken er skadet og kan ikke leses. Åpne den i et regneark og lagre den på nytt "
        "som .xlsx.",
        "Arbeidsboka er skadd og kan ikkje lesast. Opne ho i eit rekneark og lagre ho på nytt som "
        ".xlsx.",
        "The workbook is damaged and cannot be read. Open it in a spreadsheet program and save it "
        "again as .xlsx.",
    ),
    "file_too_large_unpacked": (
        "Pakket ut er arbeidsboken større enn {maximum} MiB, eller en del av den større enn "
        "{part} MiB. Del den opp, eller lagre arket som CSV.",
        "Pakka ut er arbeidsboka større enn {maximum} MiB, eller ein del av ho større enn "
        "{part} MiB. Del ho opp, eller lagre arket som CSV.",
        "Unpacked, the workbook is larger than {maximum} MiB, or a part of it larger than {part} "
        "MiB. Split it, or save the sheet as CSV.",
    ),
    "file_no_sheet": (
        "Arbeidsboken har ikke noe ark «{name}» som kan leses. Den har: {found}. Rett «sheet» i "
        "profilen.",
        "Arbeidsboka har ikkje noko ark «{name}» som kan lesast. Ho har: {found}. Rett «sheet» i "
        "profilen.",
        "The workbook has no sheet “{name}” that can be read. It has: {found}. Correct “sheet” in "
        "the profile.",
    ),
    "sheet_no_columns": (
        "Rad {row} i arket «{sheet}» har ingen kolonnenavn. Sett «sheet» og «headerRow» i "
        "profilen.",
        "Rad {row} i arket «{sheet}» har ingen kolonnenamn. Set «sheet» og «headerRow» i profilen.",
        "Row {row} of the sheet “{sheet}” has no column names. Set “sheet” and “headerRow” in the "
        "profile.",
    ),
    "sheet_merged": (
        "Arket har flere enn {maximum} sammenslåtte områder. Del cellene opp igjen.",
        "Arket har fleire enn {maximum} samanslåtte område. Del cellene opp att.",
        "The sheet has more than {maximum} merged ranges. Unmerge the cells.",
    ),
    "cell_error": (
        "Cellen viser feilen {value}. Rett formelen, eller skriv verdien.",
        "Cella viser feilen {value}. Rett formelen, eller skriv verdien.",
        "The cell shows the error {value}. Correct the formula, or write the value.",
    ),
    "cell_not_calculated": (
        "Formelen i cellen har ikke noe lagret resultat. Åpne filen i et regneark og lagre den på "
        "nytt, eller skriv verdien.",
        "Formelen i cella har ikkje noko lagra resultat. Opne fila i eit rekneark og lagre ho på "
        "nytt, eller skriv verdien.",
        "The formula in the cell has no stored result. Open the file in a spreadsheet program and "
        "save it again, or write the value.",
    ),
    "cell_merged": (
        "Cellen er en del av de sammenslåtte cellene {range}. Del dem opp og skriv verdien på "
        "hver rad.",
        "Cella er ein del av dei samanslåtte cellene {range}. Del dei opp og skriv verdien på kvar "
        "rad.",
        "The cell is part of the merged cells {range}. Unmerge them and write the value in each "
        "row.",
    ),
    "row_quotes": (
        "Anførselstegnene på raden går ikke opp. Skriv dem dobbelt inne i en celle, eller fjern "
        "dem.",
        "Hermeteikna på rada går ikkje opp. Skriv dei dobbelt inne i ei celle, eller fjern dei.",
        "The quotation marks of the row do not match. Double them inside a cell, or remove them.",
    ),
    "row_too_long": (
        "Raden har flere enn {maximum} tegn. Mangler det et anførselstegn? Raden er "
        "kortet ned her.",
        "Rada har fleire enn {maximum} teikn. Manglar det eit hermeteikn? Rada er korta ned her.",
        "The row has more than {maximum} characters. Is a quotation mark missing? The row is cut "
        "short here.",
    ),
    "row_cells": (
        "Raden har {found} celler, men filen har {expected} kolonner. Rett skilletegnene.",
        "Rada har {found} celler, men fila har {expected} kolonnar. Rett skiljeteikna.",
        "The row has {found} cells, but the file has {expected} columns. Correct the delimiters.",
    ),
    "row_encoding": (
        "Raden inneholder byte som ikke er {encoding}. Sett riktig «encoding» i profilen.",
        "Rada inneheld byte som ikkje er {encoding}. Set rett «encoding» i profilen.",
        "The row contains bytes that are not {encoding}. Set the right “encoding” in the profile.",
    ),
    "row_without_claim": (
        "Raden sier ikke hvilket krav den hører til. Fyll ut kolonnen.",
        "Rada seier ikkje kva krav ho høyrer til. Fyll ut kolonnen.",
        "The row does not say which claim it belongs to. Fill in the column.",
    ),
    "row_kept_out": (
        "Raden er i orden, men kravet holdes utenfor til rad {row} er rettet.",
        "Rada er i orden, men kravet blir halde utanfor til rad {row} er retta.",
        "The row is in order, but its claim is kept out until row {row} is corrected.",
    ),
    "claim_too_long": (
        "Kravet har flere enn {maximum} rader. Del det opp.",
        "Kravet har fleire enn {maximum} rader. Del det opp.",
        "The claim has more than {maximum} rows. Split it.",
    ),
    "cells_disagree": (
        "«{value}» er noe annet enn «{first}» på rad {first_row} i samme krav. Gjør dem like, "
        "eller sett «rows» i profilen til first eller join.",
        "«{value}» er noko anna enn «{first}» på rad {first_row} i same krav. Gjer dei like, "
        "eller set «rows» i profilen til first eller join.",
        "“{value}” differs from “{first}” in row {first_row} of the same claim. Make them equal, "
        "or set “rows” in the profile to first or join.",
    ),
    "cell_amount": (
        "«{value}» er ikke et beløp slik profilen skriver beløp. Rett cellen, eller «amounts» i "
        "profilen.",
        "«{value}» er ikkje eit beløp slik profilen skriv beløp. Rett cella, eller «amounts» i "
        "profilen.",
        "“{value}” is not an amount as the profile writes amounts. Correct the cell, or “amounts” "
        "in the profile.",
    ),
    "cell_date": (
        "«{value}» er ikke en dato slik profilen skriver datoer. Rett cellen, eller «dates» i "
        "profilen.",
        "«{value}» er ikkje ein dato slik profilen skriv datoar. Rett cella, eller «dates» i "
        "profilen.",
        "“{value}” is not a date as the profile writes dates. Correct the cell, or “dates” in the "
        "profile.",
    ),
    "cell_not_in_table": (
        "«{value}» står ikke i verditabellen. Legg den til i profilen, eller sett «default».",
        "«{value}» står ikkje i verditabellen. Legg han til i profilen, eller set «default».",
        "“{value}” is not in the value table. Add it to the profile, or set “default”.",
    ),
    "cell_not_scalar": (
        "Verdien er en liste eller et objekt. En profil leser bare tekster og tall.",
        "Verdien er ei liste eller eit objekt. Ein profil les berre tekstar og tal.",
        "The value is a list or an object. A profile reads texts and numbers only.",
    ),
}

_PROFILE: dict[str, tuple[str, str, str]] = {
    "profile_too_large": (
        "Profilen er større enn {maximum} byte.",
        "Profilen er større enn {maximum} byte.",
        "The profile is larger than {maximum} bytes.",
    ),
    "profile_yaml": (
        "Profilen er ikke gyldig YAML på linje {row}: {reason}.",
        "Profilen er ikkje gyldig YAML på linje {row}: {reason}.",
        "The profile is not valid YAML in line {row}: {reason}.",
    ),
    "profile_not_mapping": (
        "Profilen må bestå av nøkler med verdier, som «name: …».",
        "Profilen må vere sett saman av nøklar med verdiar, som «name: …».",
        "The profile must consist of keys with values, like “name: …”.",
    ),
    "profile_key_missing": (
        "Nøkkelen mangler i profilen.",
        "Nøkkelen manglar i profilen.",
        "The key is missing from the profile.",
    ),
    "profile_key_unknown": (
        "Profiler har ingen slik nøkkel. Rett navnet.",
        "Profilar har ingen slik nøkkel. Rett namnet.",
        "Profiles have no such key. Correct its name.",
    ),
    "profile_not_allowed": (
        "Verdien må være en av: {allowed}.",
        "Verdien må vere ein av: {allowed}.",
        "The value must be one of: {allowed}.",
    ),
    "profile_list": (
        "Verdien må være en liste, som [Krav, Dato].",
        "Verdien må vere ei liste, som [Krav, Dato].",
        "The value must be a list, like [Claim, Date].",
    ),
    "profile_value": (
        "Verdien passer ikke her: {reason}.",
        "Verdien passar ikkje her: {reason}.",
        "The value does not fit here: {reason}.",
    ),
    "profile_one_origin": (
        "Et felt får verdien sin fra nøyaktig én av column, constant, template og rule.",
        "Eit felt får verdien sin frå nøyaktig éin av column, constant, template og rule.",
        "A field gets its value from exactly one of column, constant, template and rule.",
    ),
    "profile_table_without_column": (
        "En verditabell (table) trenger en kolonne (column).",
        "Ein verditabell (table) treng ein kolonne (column).",
        "A value table (table) needs a column (column).",
    ),
    "profile_template": (
        "Malen nevner ingen kolonne. Skriv kolonnenavn i klammer: «{{column}}».",
        "Malen nemner ingen kolonne. Skriv kolonnenamn i klammer: «{{column}}».",
        "The template names no column. Write column names in braces: “{{column}}”.",
    ),
    "profile_thousands": (
        "Tusenskilletegn kan ikke være desimaltegnet, en bokstav, et siffer, minus eller parentes.",
        "Tusenskiljeteikn kan ikkje vere desimalteiknet, ein bokstav, eit siffer, minus eller "
        "parentes.",
        "What groups thousands cannot be the decimal sign, a letter, a digit, minus or a bracket.",
    ),
    "profile_time_zone": (
        "«{value}» er ikke en tidssone. Skriv den som Europe/Oslo.",
        "«{value}» er ikkje ei tidssone. Skriv ho som Europe/Oslo.",
        "“{value}” is not a time zone. Write it as Europe/Oslo.",
    ),
    "profile_date_pattern": (
        "«{value}» er ikke et datomønster. Bruk DD, MM og YYYY én gang hver, ISO eller epoch.",
        "«{value}» er ikkje eit datomønster. Bruk DD, MM og YYYY éin gong kvar, ISO eller epoch.",
        "“{value}” is not a date pattern. Use DD, MM and YYYY once each, ISO or epoch.",
    ),
    "profile_field_unknown": (
        "Vi har ikke noe felt «{name}». Feltene står i docs/records.md.",
        "Vi har ikkje noko felt «{name}». Felta står i docs/records.md.",
        "We have no field “{name}”. The fields are listed in docs/records.md.",
    ),
    "profile_field_missing": (
        "Feltet «{name}» må ha en kolonne, en konstant eller en mal.",
        "Feltet «{name}» må ha ein kolonne, ein konstant eller ein mal.",
        "The field “{name}” needs a column, a constant or a template.",
    ),
    "profile_rule": (
        "En regel kan bare brukes for approvedAt, ikke for «{name}».",
        "Ein regel kan berre brukast for approvedAt, ikkje for «{name}».",
        "A rule can be used for approvedAt only, not for “{name}”.",
    ),
    "profile_rows_of_line": (
        "«{name}» hører til hver rad for seg; «rows» gjelder felt for hele kravet.",
        "«{name}» høyrer til kvar rad for seg; «rows» gjeld felt for heile kravet.",
        "“{name}” belongs to each row by itself; “rows” is for fields of the whole claim.",
    ),
    "profile_join": (
        "«{name}» er ingen tekst, så radene kan ikke settes sammen. Bruk same eller first.",
        "«{name}» er ingen tekst, så radene kan ikkje setjast saman. Bruk same eller first.",
        "“{name}” is not a text, so its rows cannot be joined. Use same or first.",
    ),
    "profile_constant": (
        "«{value}» kan ikke leses som «{name}» slik profilen skriver beløp og datoer.",
        "«{value}» kan ikkje lesast som «{name}» slik profilen skriv beløp og datoar.",
        "“{value}” cannot be read as “{name}” as the profile writes amounts and dates.",
    ),
}

IMPORT_TEXTS: dict[str, tuple[str, str, str]] = {**_FILE, **_PROFILE}
