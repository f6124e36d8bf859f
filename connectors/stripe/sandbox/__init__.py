"""A server that behaves like one account at Stripe: for tests, demos, and anyone who integrates with Stripe.

sandbox = StripeSandbox(secret="...", token="...")
async with sandbox.serve() as url:
    sandbox.deliveries.add("http://127.0.0.1:8080/v1/sources/stripe-1")
    sandbox.payments.charge(2400, metadata={"order_id": "1001"})
"""

from connectors.sandboxes.running import Options
from connectors.stripe.sandbox.book import NotPossible
from connectors.stripe.sandbox.sandbox import StripeSandbox, main_async

__all__ = ["NotPossible", "Options", "StripeSandbox", "main_async"]
