"""Sample data for the demo: 400 claims of three organizations in Norwegian, some of them bad.

Made by code, the same every time; nobody in it exists. Amounts are in kroner unless they say so.
Of one organization all goes well; the others each have something that is mended in the portal.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Claim = dict[str, Any]

SOURCE_SYSTEM = "demo-app"
ZONE = ZoneInfo("Europe/Oslo")
CLAIMANTS = 40
CLAIMANT_WITHOUT_PARTY = "frivillig-999"
# HLF's mapping has a slip in it: the app's cost centre of honorariums is 500 in the ledger too.
COST_CENTRE, SLIP = "500", "510"
DECLARATION = {"templateId": "taushetserklæring", "version": "2026-1"}
# kroner for each kilometre, the state's rate of 2026 (5.30) and its supplement for a passenger
_KILOMETRE, _PASSENGER = Decimal("5.30"), Decimal("1.00")
# who signs in to the portal, as what, and where
PEOPLE = {
    "administrator@example.org": ("admin", ("blindeforbundet", "hlf", "nhf")),
    "accountant@example.org": ("accountant", ("hlf",)),
    "coordinator@example.org": ("coordinator", ("nhf",)),
}
_FIRST_DAY = date(2026, 2, 2)


class _Organization(NamedTuple):
    slug: str
    prefix: str
    ordinary: int


_ORGANIZATIONS = (
    _Organization("blindeforbundet", "BF", 144),
    _Organization("hlf", "HLF", 120),
    _Organization("nhf", "NHF", 113),
)

_EXPENSES = (
    ("kollektivreise", "Tog til samling på {place}", "Buss fra stasjonen"),
    ("servering", "Kaffe og rundstykker til medlemsmøte", "Frukt til kurskveld"),
    ("kontorrekvisita", "Papir og permer", "Etiketter til utsending"),
    ("porto", "Frimerker til innkalling", "Pakke med lydbøker"),
    ("lokalleie", "Leie av grendehuset på {place}", "Leie av prosjektor"),
    ("parkering", "Parkering ved sykehuset", "Bompenger"),
    ("gave", "Blomster til foredragsholder", "Kort"),
    ("telefon", "Kontantkort til likepersontelefonen", "Ladekabel"),
)
_PLACES = ("Hamar", "Bodø", "Ålesund", "Tønsberg", "Førde", "Røros", "Lillestrøm", "Båtsfjord")
_PURPOSES = ("Likepersonstreff", "Styremøte", "Kurs for nye frivillige", "Besøkstjeneste",
             "Turgruppa", "Lesegruppa for eldre", "Hørselens dag", "Vervekveld")  # fmt: skip
_COST_CENTRES = ("100", "200", "300", "400")
_PROJECTS = ("likeperson-26", "", "kurs-26")


def claims_of_all() -> dict[str, list[Claim]]:
    """Return the lines of each organization's file by slug: 400 claims and one withdrawal.

    The same on every call; the last ones of each file are those out of the ordinary.
    """
    return {
        organization.slug: [*_ordinary(organization), *_special(organization)]
        for organization in _ORGANIZATIONS
    }


def _ordinary(organization: _Organization) -> Iterator[Claim]:
    for number in range(1, organization.ordinary + 1):
        match number % 10:
            case 3 | 6:
                yield _mileage(organization, number)
            case 9:
                yield _honorarium(organization, number)
            case 5:
                yield _activity(organization, number)
            case _:
                yield _expense(organization, number)


def _claim(organization: _Organization, number: int, category: str, **fields: Any) -> Claim:
    person = 1 + (number * 7) % CLAIMANTS
    day = _FIRST_DAY + timedelta(days=(number * 3) % 240)
    approved = datetime(day.year, day.month, day.day, 9 + number % 8, number % 60, tzinfo=ZONE)
    return {
        "sourceSystem": SOURCE_SYSTEM,
        "sourceId": f"{organization.prefix}-2026-{number:04d}",
        "status": "approved",
        "category": category,
        "currency": "NOK",
        "claimant": {"id": f"frivillig-{person:03d}", "name": f"Frivillig {person:03d}"},
        "approvedBy": f"Koordinator {1 + number % 6:02d}",
        "approvedAt": (approved + timedelta(days=4)).isoformat(),
        "createdAt": (approved + timedelta(days=1)).isoformat(),
        "text": f"{_PURPOSES[number % len(_PURPOSES)]} {_place(number)}",
        "costCentre": _COST_CENTRES[number % len(_COST_CENTRES)],
        "lines": [],
        **fields,
    }


def _line(day: str, type_: str, amount: Decimal | str, text: str, **fields: str) -> Claim:
    return {"date": day, "type": type_, "amount": str(amount), "text": text, **fields}


def _expense(organization: _Organization, number: int) -> Claim:
    day = str(_FIRST_DAY + timedelta(days=(number * 3) % 240))
    lines = []
    for position in range(1 + number % 3):
        type_, first, other = _EXPENSES[(number + position) % len(_EXPENSES)]
        text = (other if position else first).format(place=_place(number))
        lines.append(_line(day, type_, _amount(number, position), text, vatCode="0"))
    claim = _claim(organization, number, "expense", lines=lines)
    claim["receipts"] = [{"id": f"kvittering-{number:04d}", "fileName": "kvittering.jpg"}]
    if project := _PROJECTS[number % len(_PROJECTS)]:
        claim["project"] = project
    return claim


def _mileage(organization: _Organization, number: int) -> Claim:
    day = str(_FIRST_DAY + timedelta(days=(number * 3) % 240))
    kilometres = Decimal(12 + number * 13 % 180)
    drive = {"quantity": str(kilometres), "unit": "km", "rate": str(_KILOMETRE)}
    text = f"Egen bil tur/retur {_place(number)}"
    lines = [_line(day, "kjøring", kilometres * _KILOMETRE, text, **drive)]
    if number % 4 == 0:
        passenger = {"quantity": str(kilometres), "unit": "km", "rate": str(_PASSENGER)}
        lines.append(_line(day, "passasjer", kilometres * _PASSENGER, "En passasjer", **passenger))
    return _claim(organization, number, "mileage", lines=lines)


def _honorarium(organization: _Organization, number: int) -> Claim:
    day = _FIRST_DAY + timedelta(days=(number * 3) % 240)
    amount = Decimal(350 + number % 5 * 100)
    lines = [_line(str(day), "sjåførhonorar", amount, f"Kjørte medlemmer til {_place(number)}")]
    acknowledged = {**DECLARATION, "acknowledgedAt": "2026-01-15T12:00:00+01:00"}
    return _claim(
        organization,
        number,
        "honorarium",
        lines=lines,
        declaration=acknowledged,
        costCentre=COST_CENTRE,
    )


def _activity(organization: _Organization, number: int) -> Claim:
    day = str(_FIRST_DAY + timedelta(days=(number * 3) % 240))
    text = f"Materiell til {_PURPOSES[number % len(_PURPOSES)].lower()}"
    lines = [_line(day, "aktivitet", _amount(number, 1), text)]
    took_part = {"participants": 4 + number % 25, "hours": f"{1 + number % 4}.5"}
    return _claim(organization, number, "activity", lines=lines, **took_part)


def _special(organization: _Organization) -> Iterator[Claim]:
    """Yield what is out of the ordinary, one after the other."""
    number = organization.ordinary

    def following(make: Any = _expense, **fields: Any) -> Claim:
        nonlocal number
        number += 1
        claim: Claim = {**make(organization, number), **fields}
        return claim

    day = "2026-09-18"
    if organization.slug == "hlf":
        # no account for this type: held until the mapping has one
        for _ in range(2):
            text = "Skrivetolk til årsmøte"
            yield following(lines=[_line(day, "tolketjeneste", "1850.00", text)])
    if organization.slug == "nhf":
        # not in the list of claimants: held until there is a supplier
        yield following(claimant={"id": CLAIMANT_WITHOUT_PARTY, "name": "Frivillig 999"})
    # sums to zero, negative (a credit), two accounting years, two currencies with a rate
    yield following(
        lines=[_line(day, "porto", "120.00", "Frimerker"), _line(day, "porto", "-120.00", "Retur")]
    )
    yield following(lines=[_line(day, "lokalleie", "-2400.00", "Tilbakebetalt depositum")])
    yield following(
        lines=[
            _line("2025-12-29", "kollektivreise", "312.00", "Romjulstreff, tog dit"),
            _line("2026-01-03", "kollektivreise", "312.00", "Romjulstreff, tog hjem"),
        ]
    )
    yield following(
        currency="EUR", exchangeRate="11.4250", exchangeRateDate=day, text="Konferanse i Brussel",
        lines=[_line(day, "kollektivreise", "86.40", "Tog fra flyplassen")],
    )  # fmt: skip
    yield from _refused_at_the_door(organization, following, day)


def _refused_at_the_door(organization: _Organization, following: Any, day: str) -> Iterator[Claim]:
    """Yield what never becomes an export: faults, claims not approved, an approval taken back."""
    yield following(lines=[_line(day, "porto", "tolv kroner", "Frimerker")])
    yield following(status="pending")
    if organization.slug != "nhf":
        return
    yield following(approvedAt="", text="Attestanten mangler")
    yield following(status="rejected")
    yield {
        "sourceSystem": SOURCE_SYSTEM,
        "sourceId": f"{organization.prefix}-2026-0001",
        "status": "withdrawn",
        "withdrawnAt": "2026-10-01T08:00:00+02:00",
        "withdrawnBy": "Koordinator 02",
    }


def _amount(number: int, position: int) -> Decimal:
    return Decimal(45 + number * 37 % 900 + position * 61) + Decimal(number * 17 % 100) / 100


def _place(number: int) -> str:
    return _PLACES[number % len(_PLACES)]


def claimants_csv() -> str:
    """Return the CSV file that gives each claimant a supplier number of the book."""
    rows = (f"frivillig-{person:03d};{50_000 + person}" for person in range(1, CLAIMANTS + 1))
    return "\n".join(("claimant;party", *rows)) + "\n"


_HEAD = """\
# What `bilag demo` set up. Change it, then: bilag apply demo.yaml
# That puts back what was changed in the portal since; the demo applies it only when it has changed.
"""

_SHARED = """\
  language: nb
  # the sandbox is on this machine; a real target needs no such leave
  allowedNetworks: ["127.0.0.0/8"]
"""

# What each organization delivers to: the type, and what the sandbox of that type is set up with.
SYSTEMS = {
    "blindeforbundet": "xledger",
    "hlf": "business-central",
    "nhf": "rest",
}
PROJECTS = {project: project for project in _PROJECTS if project}

_SETTINGS = {
    "xledger": """\
      type: xledger
      settings:
        endpoint: {address}/graphql
        vouchers: {{jobLevel: {{dbSubId: 1}}}}
        dimensions: {{glObject1: project, glObject2: costCentre}}
        # the sandbox refuses a call as a whole; prove it on your tenant before you say so
        batches: {{documentsPerCall: 4, batchRule: atomic}}
        lookUp: {{stagedSearch: extIdentifier_in, postedSearch: extIdentifier_in, entryLines: true}}
        pace: {{settleSeconds: 1}}
      credentials: {{api_token: "file:sandbox-secret"}}
""",
    "business-central": """\
      type: dynamics_business_central
      settings:
        baseUrl: {address}/v2.0
        loginUrl: {address}
        tenant: 6f1d2c3b-0a4e-4d5f-8b6a-7c8d9e0f1a2b
        environment: Production
        company: Sandbox Organization
        clientId: 3c9a7e10-5b2d-4f68-9e41-d0c7a8b6f512
        dimensions: {{costCentre: AVDELING, project: PROSJEKT}}
      credentials: {{client_secret: "file:sandbox-secret"}}
""",
    "rest": """\
      type: rest
      settings:
        baseUrl: {address}
        path: /vouchers
        auth: {{kind: api_key}}
        success: {{externalReference: /id, voucherNumber: /voucherNumber}}
        # no lookUp: as with a system that cannot be searched, a person decides about a lost answer
        company: {{path: /company}}
        settleSeconds: 1
      credentials: {{api_key: "file:sandbox-secret"}}
""",
}
_INTEGRATION = """\
  integrations:
    - key: ledger
      name: Regnskapet
      book: main
{settings}\
      filters: {{categories: [{categories}]}}
      # short, so that a lost answer is resolved while you look on
      delivery:
        sendWithinSeconds: 2
        requestTimeoutSeconds: 3
        settleSeconds: 1
        retry: {{baseSeconds: 1, maximumSeconds: 10}}
      mapping:
        categories:
          kollektivreise: {{account: "7140"{vat}}}
          parkering: {{account: "7140"{vat}}}
          servering: {{account: "6860"{vat}}}
          kontorrekvisita: {{account: "6800"{vat}}}
          porto: {{account: "6940"{vat}}}
          lokalleie: {{account: "6300"{vat}}}
          gave: {{account: "7430"{vat}}}
          telefon: {{account: "6900"{vat}}}
          kjøring: {{account: "7100"}}
          passasjer: {{account: "7100"}}
          sjåførhonorar: {{account: "5330"}}
          aktivitet: {{account: "7798", costCentre: "200"}}
        counterAccount: "{counter}"
        {claimants}
{codes}"""
# a slip of the hand, for the portal to mend
_CODES = f"""\
        costCentres: {{codes: {{"{COST_CENTRE}": "{SLIP}"}}}}
"""


def _members(slug: str) -> str:
    found = ((email, role) for email, (role, slugs) in PEOPLE.items() if slug in slugs)
    return "".join(f"    - {{subject: {email}, role: {role}}}\n" for email, role in found)


def configuration(addresses: Mapping[str, str]) -> str:
    """Return the YAML file that `bilag apply` is given; `addresses` are the sandboxes' by slug."""
    every = "expense, mileage, honorarium, activity"
    clearing = 'missingClaimant: clearing\n        clearingAccount: "2990"'
    listed = "claimants: file:claimants.csv"
    parts = [_HEAD, "organizations:\n"]
    for slug, name, prefix, categories, counter, claimants in (
        ("blindeforbundet", "Norges Blindeforbund", "BF", "expense, mileage, honorarium", "2990",
         clearing),
        ("hlf", "HLF Hørselshemmedes Landsforbund", "HLF", every, "2990", clearing),
        ("nhf", "Norges Handikapforbund", "NHF", every, "2910", listed),
    ):  # fmt: skip
        parts.append(
            f"- slug: {slug}\n  name: {name}\n{_SHARED}"
            f"  declaration:\n    templateId: {DECLARATION['templateId']}\n"
            f'    version: "{DECLARATION["version"]}"\n'
            "    signedOffBy: Styreleder\n    signedOffAt: 2026-01-10\n"
            f"  members:\n{_members(slug)}"
            f"  books:\n    - {{key: main, name: Hovedbok, currency: NOK, numberPrefix: {prefix},"
            ' roundingAccount: "7740"}\n'
        )
        parts.append(
            _INTEGRATION.format(
                settings=_SETTINGS[SYSTEMS[slug]].format(address=addresses[slug]),
                # journals of Business Central carry no VAT code: posted gross, without one
                vat=', vatCode: ""' if SYSTEMS[slug] == "business-central" else "",
                categories=categories,
                counter=counter,
                claimants=claimants,
                codes=_CODES if slug == "hlf" else "",
            )
        )
    return "".join(parts)
