"""A server that behaves like one shop at Shopify: for tests, demos, and anyone who integrates with Shopify.

sandbox = ShopifySandbox(secret="...", token="...")
async with sandbox.serve() as url:
    sandbox.deliveries.subscribe("orders/create", "http://127.0.0.1:8080/v1/sources/shop-1")
    sandbox.shop.place({"MUG-BLUE": 2})
"""

from connectors.sandboxes.running import Options
from connectors.shopify.sandbox.sandbox import TOPICS, ShopifySandbox, main_async
from connectors.shopify.sandbox.shop import NotPossible, Shop

__all__ = ["TOPICS", "NotPossible", "Options", "Shop", "ShopifySandbox", "main_async"]
