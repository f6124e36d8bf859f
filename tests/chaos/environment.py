"""The settings of a site's processes: those of the environment, as for every worker and receiver."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from streams.demo.processes import free_port
from tests.chaos import doors
from tests.chaos.processes import ROOT
from tests.chaos.rig import Rig

_SOURCES: Final = ("shop-1", "shop-2", "crm-1", "jobs-1", "stripe-1")
# Xero's own time limit, and one that a round in real time can wait for.
PATIENT_S: Final = 30.0
HURRIED_S: Final = 2.0


def environment(rig: Rig, folder: Path, prefix: str, ledger: str, xero: Mapping[str, Any]) -> dict[str, str]:
    """This process's environment without any setting of ours, and the settings. `xero`: how to connect to it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LEDGERSTREAM_")}
    tenant_of = {row["currency"]: row["tenant_id"] for row in xero["organisations"]}
    secrets = {
        f"LEDGERSTREAM_SECRET_{source.replace('-', '_').upper()}": doors.secret_of(source) for source in _SOURCES
    }
    return {
        **inherited,
        "NO_COLOR": "1",
        "COLUMNS": "200",
        "KAFKA_BOOTSTRAP_SERVERS": rig.broker.bootstrap,
        "LEDGERSTREAM_TOPIC_PREFIX": prefix,
        "LEDGERSTREAM_CONSUMER_GROUP": f"{prefix}group",
        "LEDGERSTREAM_HOME": str(folder),
        "LEDGERSTREAM_LEDGER_URL": ledger,
        "LEDGERSTREAM_TENANTS": str(ROOT / "deploy" / "tenants"),
        "LEDGERSTREAM_XERO_API_URL": xero["api_url"],
        "LEDGERSTREAM_XERO_IDENTITY_URL": xero["identity_url"],
        "LEDGERSTREAM_XERO_CLIENT_ID": xero["client_id"],
        "LEDGERSTREAM_XERO_CLIENT_SECRET": xero["client_secret"],
        "LEDGERSTREAM_XERO_TIMEOUT_S": f"{PATIENT_S:g}",
        "LEDGERSTREAM_METRICS_PORT": "0",
        "LEDGERSTREAM_RECEIVER_PORT": str(free_port()),
        "LEDGERSTREAM_TENANT_UK": tenant_of["GBP"],
        "LEDGERSTREAM_TENANT_IE": tenant_of["EUR"],
        **secrets,
    }
