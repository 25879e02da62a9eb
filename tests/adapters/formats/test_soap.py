"""SOAP 1.1 bodies: what stands inside Body, and faults."""

from __future__ import annotations

import pytest

from adapters.formats import Format, read, soap, write
from adapters.formats.format import ReplyFault
from schemas.findings import Rejected

SOAP = Format("soap", namespaces={"t": "urn:t"})

FAULT = b"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>
<faultcode>s:Client</faultcode><faultstring>bad record</faultstring></s:Fault></s:Body></s:Envelope>"""


def test_the_tree_is_what_stands_inside_body() -> None:
    """Headers are left alone."""
    written = write(SOAP, {"t:Save": {"t:record": {"名称": "测试"}}})
    assert written.content_type == "text/xml; charset=UTF-8"
    assert written.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:t">'
        "<soap:Body><t:Save><t:record><名称>测试</名称></t:record></t:Save></soap:Body></soap:Envelope>"
    )
    assert read(SOAP, written.body).tree == {"t:Save": {"t:record": {"名称": "测试"}}}


def test_a_fault_is_known_by_code_and_reason() -> None:
    """The code without its prefix."""
    assert soap.fault(read(SOAP, FAULT)) == ReplyFault("Client", "bad record")
    assert soap.fault(read(SOAP, write(SOAP, {"t:Fault": "x"}).body)) is None


def test_xml_that_is_no_soap_is_refused() -> None:
    """A plain document where an envelope is agreed."""
    with pytest.raises(Rejected, match=r"soap\.envelope"):
        read(SOAP, b"<html/>")
