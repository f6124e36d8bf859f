"""Shopify: orders, payments, refunds, customers and disputes, heard by webhook and swept by its GraphQL API."""
