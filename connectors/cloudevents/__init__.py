"""Producers that speak CloudEvents: how their requests are read, and what becomes a record."""
