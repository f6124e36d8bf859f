"""Which organisations are listened to: all, as soon as sources.yaml has a source of the connector `xero`.

The configuration is that of the start: who adds or removes that source starts the workers again.
"""

from collections.abc import Sequence
from datetime import timedelta

from streams.core.tenants import Tenants
from streams.ledger.listening import Organisation


def listened(configuration: Tenants) -> Sequence[Organisation]:
    """Each organisation with the source that speaks for it; of several such sources it is the first."""
    source = next(iter(of_xero(configuration)), None)
    if source is None:
        return ()
    return [
        Organisation(
            tenant=name,
            xero_tenant_id=tenant.file.xero_tenant_id,
            source=source,
            every=timedelta(minutes=tenant.file.xero_sweep_minutes),
            zone=tenant.zone,
        )
        for name, tenant in configuration.tenants.items()
    ]


def of_xero(configuration: Tenants) -> Sequence[str]:
    """The sources that send webhooks of Xero."""
    return [name for name, one in configuration.sources.items() if one.connector == "xero"]
