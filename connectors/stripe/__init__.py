"""Stripe: charges and refunds, heard by webhook."""
