"""The demo's own home: a temporary folder with copies of the tenant files, and the secrets of its sources."""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from streams.demo.doors import COMPANY, DATABASE_URL, SHOPIFY_API, open_doors
from streams.demo.expected import UNTAXED, Circumstances

TENANT: Final = "uk"
IRISH: Final = "ie"
UNKNOWN_RATE: Final = "5"
_PREFIXES: Final = ("invoice", "credit_note")


@dataclass(frozen=True, slots=True)
class Credential:
    """How a source proves itself: it signs with `secret`, or shows it as a token."""

    variable: str
    secret: str
    signs: bool


@dataclass(frozen=True, slots=True)
class Home:
    """`forgotten` is the line of the tenant file that the demo's copy lacks; `shop_url` is where the API of the Shopify
    shop answers, and `shop_token` opens it."""

    folder: Path
    credentials: Mapping[str, Credential]
    forgotten: str
    shop_url: str
    shop_token: str

    @property
    def tenants(self) -> Path:
        return self.folder / "tenants"

    @property
    def tenant_file(self) -> Path:
        return self.tenants / f"{TENANT}.yaml"

    @property
    def database(self) -> Path:
        """The company's own."""
        return self.folder / "company.db"

    def variables(self) -> dict[str, str]:
        """The environment that the sources name: their secrets, and where the company's database is."""
        return {
            **{credential.variable: credential.secret for credential in self.credentials.values()},
            SHOPIFY_API: self.shop_token,
            DATABASE_URL: f"sqlite:///{self.database}",
        }

    def document(self, tenant: str = TENANT) -> Mapping[str, Any]:
        """An organisation's file as it stands."""
        return _read(self.tenants / f"{tenant}.yaml")

    def circumstances(
        self, refused_by_xero: frozenset[tuple[str, str]], *, mended: bool, tenant: str = TENANT
    ) -> Circumstances:
        """What the oracle must know of an organisation beside what was sent."""
        numbers = self.document(tenant)["numbers"]
        return Circumstances(
            prefixes={(source, kind): row[kind] for source, row in numbers.items() for kind in _PREFIXES},
            unmapped_rates=frozenset() if mended else frozenset({UNKNOWN_RATE}),
            refused_by_xero=refused_by_xero,
        )

    def rates(self, tenant: str = TENANT) -> dict[str, str]:
        """The percentage of each tax type on sales of an organisation."""
        taxes = self.document(tenant)["taxes"]
        return {taxes["untaxed"]["type"]: UNTAXED, **{row["type"]: row["percent"] for row in taxes["rates"]}}

    def mend(self) -> None:
        """Give the tenant file the rate that it lacks, as a person would."""
        text = self.tenant_file.read_text(encoding="utf-8")
        self.tenant_file.write_text(text.replace("  rates:\n", f"  rates:\n{self.forgotten}\n", 1), encoding="utf-8")


def prepare(folder: Path, tenants: Path, new_secret: Callable[[], str], shop_url: str) -> Home:
    """Copy the tenant files of `tenants` into `folder`, less one tax rate and with the demo's own doors, and make up
    the sources' secrets. Raises ValueError for files that are built otherwise than ours."""
    copies = folder / "tenants"
    shutil.copytree(tenants, copies)
    tenant_file = copies / f"{TENANT}.yaml"
    text = tenant_file.read_text(encoding="utf-8")
    found = re.search(rf'^ *- .*percent: "{UNKNOWN_RATE}".*$', text, re.MULTILINE)
    if found is None:
        raise ValueError(f'{tenant_file} has no line with percent: "{UNKNOWN_RATE}": restore deploy/tenants')
    tenant_file.write_text(text.replace(found[0] + "\n", "", 1), encoding="utf-8")
    open_doors(copies / "sources.yaml", tenant_file, shop_url)
    sources = _read(copies / "sources.yaml")["sources"]
    credentials = {name: _credential(source, new_secret()) for name, source in sources.items() if name != COMPANY}
    return Home(folder, credentials, found[0], shop_url, new_secret())


def _credential(source: Mapping[str, Any], secret: str) -> Credential:
    signs = "secrets" in source
    [reference] = source["secrets" if signs else "tokens"]
    return Credential(reference["env"], secret, signs)


def _read(file: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content
