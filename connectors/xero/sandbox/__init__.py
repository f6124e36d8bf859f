"""A server that behaves like Xero's accounting API: for tests, demos, and anyone who integrates with Xero.

    sandbox = Sandbox()
    async with sandbox.serve() as address:
        ...  # address.api_url, address.identity_url, sandbox.credentials, sandbox.organisations[0].tenant_id

Behaviour follows Xero's documentation, its published recordings, and what clients in the field rely on; where those
disagree, `Switches` holds the position. It stands alone: it imports nothing of the product but `schemas.money`.
"""

from connectors.xero.sandbox.calls import CallRecord
from connectors.xero.sandbox.clock import Clock, ManualClock, SystemClock
from connectors.xero.sandbox.faults import Fault
from connectors.xero.sandbox.oauth import Credentials
from connectors.xero.sandbox.problems import SandboxError
from connectors.xero.sandbox.sandbox import Address, Options, Sandbox, SeededOrganisation, main_async, run_forever
from connectors.xero.sandbox.switches import Switches

__all__ = [
    "Address",
    "CallRecord",
    "Clock",
    "Credentials",
    "Fault",
    "ManualClock",
    "Options",
    "Sandbox",
    "SandboxError",
    "SeededOrganisation",
    "Switches",
    "SystemClock",
    "main_async",
    "run_forever",
]
