"""Everything that touches an outside system: the ways in (receiver, sources) and Xero."""
