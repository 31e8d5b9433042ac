"""table.py - the figures as one table, for a terminal and for bench/results.md"""
from target import BY_NAME, verdict

HEAD = ("figure", "value", "unit", "spread", "target", "verdict")


def number(value):
    """Whole from a thousand on, with thousands apart; else four digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def row(figure):
    target = BY_NAME.get(figure.name)
    spread = f"{number(figure.low)}..{number(figure.high)}" if figure.runs > 1 else "-"
    return (figure.name, number(figure.value), figure.unit, spread,
            f"{target.comparison} {number(target.bound)}" if target else "-", verdict(figure))


def text(figures):
    rows = [HEAD] + [row(f) for f in figures]
    width = [max(len(r[i]) for r in rows) for i in range(len(HEAD))]
    right = (1, 3)
    lines = []
    for at, r in enumerate(rows):
        cells = [c.rjust(width[i]) if i in right else c.ljust(width[i]) for i, c in enumerate(r)]
        lines.append("  ".join(cells).rstrip())
        if at == 0:
            lines.append("-" * (sum(width) + 2 * (len(width) - 1)))
    lines += [f"invalid: {f.name}: {f.invalid}" for f in figures if f.invalid]
    return "\n".join(lines)


def markdown(figures):
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---:|---|---:|---|---|"]
    lines += ["| " + " | ".join(row(f)) + " |" for f in figures]
    invalid = [f"* `{f.name}` is invalid: {f.invalid}" for f in figures if f.invalid]
    lines += [""] * bool(invalid) + invalid
    return "\n".join(lines)
