"""Xero: the client side of the books, and a sandbox that behaves like them."""
