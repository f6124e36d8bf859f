"""Rounds of chaos, as `make chaos` runs them: `python -m tests.chaos --help` tells the options."""

import argparse
import logging
import random
import sys

from tests.chaos.run import main

parser = argparse.ArgumentParser(prog="python -m tests.chaos")
parser.add_argument("--rounds", type=int, default=100)
parser.add_argument("--seed", type=int, default=None, help="drawn if it is not given")
parser.add_argument("--ledger", choices=["sqlite", "postgresql"], default="sqlite", help="one worker, or three")
parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
parser.add_argument("--keep", action="store_true", help="leave logs and ledgers behind")
parser.add_argument("--saturate", action="store_true", help="every round needs more calls than Xero's minute has")
given = parser.parse_args()
# A broker that is killed is no news here.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
sys.exit(main(given.rounds, seed, given.ledger, as_json=given.json, keep=given.keep, saturate=given.saturate))
