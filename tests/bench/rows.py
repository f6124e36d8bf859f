"""A figure, its rival or limit, and whether its goal was met: one row of the table and of `results.json`."""

from typing import TypedDict


class Row(TypedDict):
    """`against` names the rival or the limit, `against_value` is its figure in the same unit, `ratio` is value ÷
    against_value. `goal` is what was wanted of the ratio, or of the value where the unit says so."""

    figure: str
    value: float
    unit: str
    against: str | None
    against_value: float | None
    ratio: float | None
    goal: float | None
    met: bool | None


def compared(
    figure: str,
    value: float,
    unit: str,
    against: str,
    against_value: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    """A figure whose ratio to a rival's has a goal, or none."""
    ratio = value / against_value
    return _row(figure, value, unit, against, against_value, ratio, _Goal(ratio, at_least, at_most))


def measured(
    figure: str,
    value: float,
    unit: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    limit: tuple[str, float] | None = None,
) -> Row:
    """A figure whose own value has a goal, or none. `limit`: what is the most that there could be."""
    against, most = limit if limit is not None else (None, None)
    ratio = value / most if most else None
    return _row(figure, value, unit, against, most, ratio, _Goal(value, at_least, at_most))


class _Goal:
    def __init__(self, reached: float, at_least: float | None, at_most: float | None) -> None:
        self.value = at_least if at_least is not None else at_most
        self.met: bool | None = None
        if at_least is not None:
            self.met = reached >= at_least
        elif at_most is not None:
            self.met = reached <= at_most


def _row(
    figure: str,
    value: float,
    unit: str,
    against: str | None,
    against_value: float | None,
    ratio: float | None,
    goal: _Goal,
) -> Row:
    return Row(
        figure=figure,
        value=round(value, 3),
        unit=unit,
        against=against,
        against_value=None if against_value is None else round(against_value, 3),
        ratio=None if ratio is None else round(ratio, 3),
        goal=goal.value,
        met=goal.met,
    )


def line(row: Row) -> str:
    """The row as a line of the table."""
    against = "" if row["against"] is None else f"{row['against_value']:,.4g} {row['against']}"
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    goal = "" if row["goal"] is None else f"{row['goal']:,g}"
    verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
    return f"{row['figure']:<34} {row['value']:>10,.4g} {row['unit']:<22} {against:<44} {ratio:>6} {goal:>7} {verdict}"


HEAD = f"{'figure':<34} {'value':>10} {'unit':<22} {'against':<44} {'ratio':>6} {'goal':>7} met"
