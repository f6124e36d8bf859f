"""The doors that the demo opens beside those of deploy/tenants: a Shopify shop, a company's database, Xero itself.

They are added to the demo's copy of the files as text, so that whoever looks at it finds the comments still there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

SHOPIFY: Final = "shopify-1"
COMPANY: Final = "erp-1"
XERO: Final = "xero-1"

# The variables that the sources name beside their secrets.
SHOPIFY_API: Final = "LEDGERSTREAM_SECRET_SHOPIFY_1_API"
DATABASE_URL: Final = "LEDGERSTREAM_SECRET_ERP_1"

_SOURCES: Final = """\
  # A Shopify shop: signed webhooks, and a sweep that finds what they lost (deploy/docs/shopify.md).
  {shopify}:
    connector: shopify
    secrets:
      - env: LEDGERSTREAM_SECRET_SHOPIFY_1
    api:
      url: {shop_url}
      token: {{env: {token}}}
      every_minutes: 60
  # A company's own database with an outbox (deploy/docs/outbox.md).
  {company}:
    connector: outbox
    database:
      url: {{env: {database}}}
      poll_s: 0.5
  # Xero itself: what people do there (deploy/docs/xero.md).
  {xero}:
    connector: xero
    secrets:
      - env: LEDGERSTREAM_SECRET_XERO_1
"""

# What the organisation's file gets, by the line that it comes after.
_TENANT: Final[Mapping[str, str]] = {
    "routes:": "  - source: {shopify}\n  - source: {company}\n",
    "payments:": '  - {{gateway: shopify_payments, currency: GBP, account: "092", source: {shopify}}}\n',
    "numbers:": (
        "  {shopify}: {{invoice: SH-, credit_note: SH-CN-}}\n  {company}: {{invoice: E1-, credit_note: E1-CN-}}\n"
    ),
    "contacts:": (
        "  {shopify}: {{policy: per_customer, channel_name: Shopify customers}}\n"
        "  {company}: {{policy: per_customer, channel_name: Trade customers}}\n"
    ),
}


def open_doors(sources: Path, tenant: Path, shop_url: str) -> None:
    """Add the three sources to the two files. Raises ValueError where the organisation's file is built otherwise."""
    names = {"shopify": SHOPIFY, "company": COMPANY, "xero": XERO}
    more = _SOURCES.format(**names, shop_url=shop_url, token=SHOPIFY_API, database=DATABASE_URL)
    sources.write_text(f"{sources.read_text(encoding='utf-8').rstrip()}\n{more}", encoding="utf-8")
    text = tenant.read_text(encoding="utf-8")
    for heading, lines in _TENANT.items():
        if text.count(f"\n{heading}\n") != 1:
            raise ValueError(f"{tenant} has not one line {heading!r}: restore deploy/tenants")
        text = text.replace(f"\n{heading}\n", f"\n{heading}\n{lines.format(**names)}", 1)
    tenant.write_text(text, encoding="utf-8")
