"""The desk: what operators and accountants ask of the ledger and decide about it, behind the command line's verbs."""
