"""Our OData client against a server we did not write: odatapy, with a $metadata of our own.

It knows no Business Central; it proves that filters, pages and batches are OData as others read it.
"""

import io
import ipaddress
import threading
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from odatapy.edm.xml_io import XmlEdmProvider
from odatapy.server import OData
from odatapy.server.adapters import ODataWSGIApp
from odatapy.server.inmemory import InMemoryDataStore, InMemoryProcessor

from bilag.connectors.dynamics.business_central import BusinessCentralSettings
from bilag.connectors.dynamics.business_central.stop import Stop
from bilag.connectors.dynamics.business_central.wire import Wire, json_of
from bilag.connectors.dynamics.odata import (
    Operation,
    any_of,
    filtered,
    literal,
    number,
    starts_with,
)
from bilag.connectors.http import HttpClient, Permit
from bilag.connectors.interface import Session
from bilag.core.clock import running_seconds

METADATA = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
 <edmx:DataServices>
  <Schema Namespace="Test" xmlns="http://docs.oasis-open.org/odata/ns/edm">
   <EntityType Name="generalLedgerEntry">
    <Key><PropertyRef Name="entryNumber"/></Key>
    <Property Name="entryNumber" Type="Edm.Int32" Nullable="false"/>
    <Property Name="documentNumber" Type="Edm.String"/>
    <Property Name="description" Type="Edm.String"/>
    <Property Name="amount" Type="Edm.Decimal" Precision="19" Scale="4"/>
   </EntityType>
   <EntityContainer Name="Container">
    <EntitySet Name="generalLedgerEntries" EntityType="Test.generalLedgerEntry"/>
   </EntityContainer>
  </Schema>
 </edmx:DataServices>
</edmx:Edmx>"""
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
ENTRIES = "generalLedgerEntries"
MOUNT = "/BC/api/v2.0"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """A server with an empty entity set, on a free port of 127.0.0.1."""
    odata = OData.new_instance()
    handler = odata.create_handler(odata.create_service_metadata(XmlEdmProvider(METADATA)))
    handler.register(InMemoryProcessor(InMemoryDataStore()))
    serve = ODataWSGIApp(handler)

    def mounted(environ: dict[str, Any], start_response: Any) -> Any:
        environ["SCRIPT_NAME"] = MOUNT
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(MOUNT)
        # wsgiref gives an open socket: what reads it to its end would wait for ever.
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        return serve(environ, start_response)

    with make_server("127.0.0.1", 0, mounted, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/BC"
        server.shutdown()
        thread.join()


@pytest.fixture
async def wire(address: str) -> AsyncIterator[Wire]:
    """Our client, logged in by user name."""
    settings = BusinessCentralSettings.model_validate(
        {"baseUrl": address, "company": "x", "auth": "basic", "username": "BILAG"}
    )
    async with HttpClient(allowed=LOOPBACK, timeout_seconds=5.0) as http:
        yield Wire.of(Session(http, settings, {"password": "a-secret-of-a-test"}))


def permit() -> Permit:
    """Leave to write for a while."""
    return Permit(running_seconds() + 30, reusable=True)


def entry(key: int, document: str, amount: str = "125.5", text: str = "") -> dict[str, Any]:
    """One entry as it is written."""
    return {
        "entryNumber": key,
        "documentNumber": document,
        "description": text,
        "amount": number(Decimal(amount)),
    }


async def fill(wire: Wire, count: int) -> None:
    """Write entries with documents D0, D1, D2 in turn."""
    operations = [Operation("POST", ENTRIES, entry(i, f"D{i % 3}")) for i in range(count)]
    answers, _ = await wire.batch(operations, permit(), whole=False)
    assert all(answer is not None and answer.status == 201 for answer in answers)


async def test_a_decimal_comes_back_digit_by_digit(wire: Wire) -> None:
    body = json_of(entry(1, "D1", "99999999999.9999"))
    reply = await wire.write("POST", ENTRIES, permit(), body=body)
    (item,), _ = await wire.read_all(ENTRIES)
    assert reply.status == 201
    assert item["amount"] == Decimal("99999999999.9999")
    assert isinstance(item["amount"], Decimal)


async def test_filters_select_and_awkward_texts_are_quoted(wire: Wire) -> None:
    texts = ["D'1", "A&B=C", "50% + #1", "Bø, æ/å ?x=1", 'quote " here']
    for key, text in enumerate(texts):
        await wire.write("POST", ENTRIES, permit(), body=json_of(entry(key, text)))
    for key, text in enumerate(texts):
        found, _ = await wire.read_all(
            ENTRIES, filtered(f"documentNumber eq {literal(text)}", "entryNumber")
        )
        assert [item["entryNumber"] for item in found] == [key]
        assert "documentNumber" not in found[0]
    several, _ = await wire.read_all(ENTRIES, filtered(any_of("documentNumber", texts[1:3])))
    started, _ = await wire.read_all(ENTRIES, filtered(starts_with("documentNumber", "D'")))
    assert sorted(item["entryNumber"] for item in several) == [1, 2]
    assert [item["entryNumber"] for item in started] == [0]


async def test_every_page_is_read(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(wire, 25)
    monkeypatch.setattr("bilag.connectors.dynamics.business_central.wire.PAGE_ITEMS", 4)
    pages = 0
    original = HttpClient.request

    async def counted(self: HttpClient, *args: Any, **kwargs: Any) -> Any:
        nonlocal pages
        pages += 1
        return await original(self, *args, **kwargs)

    monkeypatch.setattr(HttpClient, "request", counted)
    found, _ = await wire.read_all(ENTRIES, filtered(any_of("documentNumber", ["D0", "D1"])))
    assert sorted(item["entryNumber"] for item in found) == [i for i in range(25) if i % 3 < 2]
    assert pages == 5


async def test_a_batch_stops_at_the_first_error_or_goes_on(wire: Wire) -> None:
    await fill(wire, 1)
    twice = [Operation("POST", ENTRIES, entry(key, "D9")) for key in (7, 0, 8)]
    stopped, _ = await wire.batch(twice, permit(), whole=True)
    assert [answer and answer.status for answer in stopped] == [201, 409, None]
    again = [Operation("POST", ENTRIES, entry(key, "D9")) for key in (9, 0, 10)]
    went_on, _ = await wire.batch(again, permit(), whole=False)
    assert [answer and answer.status for answer in went_on] == [201, 409, 201]
    assert went_on[1] is not None
    assert went_on[1].body["error"]["message"]


async def test_reading_inside_a_batch_gives_pages(wire: Wire) -> None:
    await fill(wire, 4)
    answers, _ = await wire.batch([Operation("GET", ENTRIES)], permit(), whole=False)
    assert answers[0] is not None
    assert len(answers[0].body["value"]) == 4


async def test_a_wrong_question_is_refused_in_words(wire: Wire) -> None:
    with pytest.raises(Stop) as stop:
        await wire.read_all(ENTRIES, filtered("nonsense eq 'x'"))
    assert stop.value.outcome.problem is not None
    assert stop.value.outcome.problem.code == "dynamics.read_refused"
    assert "nonsense" in stop.value.outcome.message
