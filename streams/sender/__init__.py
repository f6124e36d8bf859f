"""The sender: ledger → plan → Xero → ledger, a task for each organisation (design section 7)."""
