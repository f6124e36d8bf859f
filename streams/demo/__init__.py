"""A day of a shop, end to end, into a sandbox of Xero: the example, the proof and the first thing a new user sees."""
