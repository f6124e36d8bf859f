"""The pipeline: Faust agents, the ledger, the sender and the command line."""
