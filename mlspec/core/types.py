"""The types of columns, by what their values are like."""

TEXTS = frozenset({"string", "category", "text"})
"""Their values are text."""
NUMBERS = frozenset({"integer", "number"})
TIMES = frozenset({"date", "datetime"})
