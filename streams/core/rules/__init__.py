"""The rules: what an event means for the books. One visible table, event type → function."""

from streams.core.rules.table import RULES, Rule, commands_for

__all__ = ["RULES", "Rule", "commands_for"]
