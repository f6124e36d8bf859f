"""A folder of configuration that is right, small enough to be read whole, for tests that make one thing wrong."""

from collections.abc import Mapping
from pathlib import Path

from streams import tenants
from streams.core.tenants import Tenants

ENVIRON: Mapping[str, str] = {
    "TENANT_UK": "xero-uk",
    "SECRET_SHOP": "hush",
    "SECRET_STRIPE": "hush too",
    "SECRET_XERO": "hush as well",
    "EMPTY": "",
}

FILES: Mapping[str, str] = {
    "sources.yaml": """\
version: 1
sources:
  shop-1:
    connector: cloudevents
    secrets:
      - env: SECRET_SHOP
  stripe-1:
    connector: stripe
    gateway: stripe
    order_source: shop-1
    secrets:
      - env: SECRET_STRIPE
""",
    "uk.yaml": """\
version: 1
# One organisation.
xero_tenant_id: ${TENANT_UK}
time_zone: Europe/London
base_currency: GBP
routes:
  - source: shop-1
    currencies: [GBP]
  - source: stripe-1
    currencies: [GBP]
accounts:
  goods: "0200"
taxes:
  rates:
    - {type: OUTPUT2, percent: "20"}
    - {type: ZERORATEDOUTPUT, percent: "0"}
  codes:
    exempt: {type: EXEMPTOUTPUT, percent: "0"}
  untaxed: {type: NONE, percent: "0"}
payments:
  - {gateway: stripe, currency: GBP, account: "091"}
numbers:
  shop-1: {invoice: S1-, credit_note: S1-CN-}
contacts:
  shop-1: {channel_name: Shop 1 customers}
""",
    "ie.yaml": """\
version: 1
# One organisation.
xero_tenant_id: xero-ie
time_zone: Europe/Dublin
base_currency: EUR
routes:
  - source: shop-1
    currencies: [EUR]
accounts: {goods: "200"}
taxes:
  rates: [{type: OUTPUT3, percent: "23"}]
  untaxed: {type: NONE, percent: "0"}
numbers:
  shop-1: {invoice: E1-, credit_note: E1-CN-}
contacts:
  shop-1: {channel_name: Shop 1 customers}
""",
}


def write(folder: Path, **changed: str) -> Path:
    """The files in a folder; `changed` has another text for one of them by its name without ending."""
    for name, text in {**FILES, **{f"{name}.yaml": text for name, text in changed.items()}}.items():
        (folder / name).write_text(text)
    return folder


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """One file with one place changed."""
    text = FILES[f"{file}.yaml"]
    assert text.count(old) >= 1, f"{old!r} is not in {file}.yaml"
    return {file: text.replace(old, new, 1)}


def load(folder: Path, **changes: str) -> Tenants:
    return tenants.load(write(folder, **changes), ENVIRON)


def problems(folder: Path, **changes: str) -> list[str]:
    """What is wrong with the files, by line, without the folder's name."""
    try:
        load(folder, **changes)
    except tenants.TenantFilesError as error:
        return str(error).replace(f"{folder}/", "").splitlines()
    return []
