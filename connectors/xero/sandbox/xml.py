"""Xero's default answer format: a client that does not ask for JSON gets XML. Pure."""

from typing import Any, Final
from xml.sax.saxutils import escape

import orjson

from connectors.xero.sandbox.wire import JSON_TYPE, Reply

_SINGULAR: Final = {"Currencies": "Currency", "Addresses": "Address", "TaxRates": "TaxRate"}


def wants_xml(accept: str) -> bool:
    """Whether the Accept header leaves the choice to Xero, or asks for XML."""
    return "json" not in accept.lower()


def xml_reply(reply: Reply) -> Reply:
    """The same answer as XML; what is not JSON stays as it is."""
    if reply.content_type != JSON_TYPE:
        return reply
    payload = orjson.loads(reply.body)
    root = "Response" if "ProviderName" in payload else "ApiException"
    text = f'<?xml version="1.0" encoding="utf-8"?>{_element(root, payload)}'
    return Reply(reply.status, text.encode(), "text/xml; charset=utf-8", reply.headers)


def _element(name: str, value: Any) -> str:
    if isinstance(value, dict):
        inner = "".join(_element(key, item) for key, item in value.items())
    elif isinstance(value, list):
        singular = _SINGULAR.get(name, name.removesuffix("s"))
        inner = "".join(_element(singular, item) for item in value)
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = "" if value is None else escape(str(value))
    return f"<{name}>{inner}</{name}>"
