"""figure.py - one measured number with its runs, as programs print it and the table shows it"""
import statistics


class Figure:
    """value is the median of the runs; low and high are the least and the greatest of them."""

    def __init__(self, name, value, unit="", runs=1, low=None, high=None, invalid=""):
        self.name = name
        self.value = value
        self.unit = unit
        self.runs = runs
        self.low = value if low is None else low
        self.high = value if high is None else high
        self.invalid = invalid  # why it does not count, or empty

    @classmethod
    def of_runs(cls, name, unit, values, invalid=""):
        return cls(name, statistics.median(values), unit, len(values), min(values), max(values), invalid)


def parse(text):
    """The figures among the lines a benchmark program wrote (bench/figure/figure.h)."""
    found = []
    for line in text.splitlines():
        part = line.split("\t")
        if part[0] != "figure" or len(part) != 7:
            continue
        found.append(Figure(part[1], float(part[2]), part[3], int(part[4]), float(part[5]), float(part[6])))
    return found


def wanted(name, names):
    """True if the figure is named, or begins with one of the names, or nothing is named."""
    return not names or any(name == n or name.startswith(n + ".") for n in names)


def reaches(pattern, names):
    """True if a figure of this pattern ("parse.*", or a whole name) may be wanted."""
    if not pattern.endswith(".*"):
        return wanted(pattern, names)
    stem = pattern[:-2]
    return not names or any(
        n == stem or n.startswith(stem + ".") or stem.startswith(n + ".") for n in names)
