"""`python -m streams.cli`: the same as `ledgerstream`."""

from streams.cli import main

main()
