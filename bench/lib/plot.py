"""plot.py - line and bar charts as SVG text; colours come from the page's style sheet"""
import html
import math

from table import number

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 16, 48
SERIES = 6  # colours the style sheet has


def short(value):
    """1500000 is 1.5 M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.4g} {unit}"
    return f"{value:.4g}"


class Axis:
    """Maps values to pixels, straight or by their logarithm."""

    def __init__(self, low, high, start, end, log=False, whole=True):
        """whole: a logarithmic axis begins and ends at a power of ten."""
        if log:
            low, high = max(low, 1e-9), max(high, 1e-9)
        if log and whole:
            low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
        if low == high:
            high = low * 10 if log else low + 1
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, log

    def at(self, value):
        if self.log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0 ** e for e in range(first, last + 1)]
        step = 10 ** math.floor(math.log10((self.high - self.low) / 4))
        while (self.high - self.low) / step > 6:
            step *= 2 if (self.high - self.low) / step <= 12 else 5
        first = math.ceil(self.low / step)
        return [n * step for n in range(first, int(self.high / step + 1e-9) + 1)]


def _text(x, y, words, anchor="middle", style="tick"):
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(words)}</text>'


def _line(x1, y1, x2, y2, style):
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _svg(parts, height, title):
    return (f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(title)}">'
            + "".join(parts) + "</svg>")


def _frame(x, y, x_title, y_title, x_labels):
    parts = []
    for tick in y.ticks():
        parts += [_line(LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick), "grid"),
                  _text(LEFT - 8, y.at(tick) + 4, short(tick), "end")]
    for value, words in x_labels or [(t, short(t)) for t in x.ticks()]:
        parts += [_line(x.at(value), TOP, x.at(value), HEIGHT - BOTTOM, "grid"),
                  _text(x.at(value), HEIGHT - BOTTOM + 18, words)]
    parts += [_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_title, style="axis"),
              f'<text class="axis" transform="translate(16 {HEIGHT / 2:.0f}) rotate(-90)" '
              f'text-anchor="middle">{html.escape(y_title)}</text>']
    return parts


def legend(names):
    items = [f'<li><span class="key s{i % SERIES}"></span>{html.escape(n)}</li>' for i, n in enumerate(names)]
    return f'<ul class="legend">{"".join(items)}</ul>'


def lines(title, series, x_title, y_title, x_log=False, y_log=False, x_labels=None, bound=None):
    """series: [(name, [(x, y), ...])]. bound: a horizontal line with its name, (y, name)."""
    points = [p for _, s in series for p in s]
    if not points:
        return ""
    highest = max([p[1] for p in points] + ([bound[0]] if bound else []))
    lowest = min(p[1] for p in points) if y_log else 0
    x = Axis(min(p[0] for p in points), max(p[0] for p in points), LEFT, WIDTH - RIGHT, x_log,
             whole=not x_labels)
    y = Axis(lowest, highest * (1 if y_log else 1.08), HEIGHT - BOTTOM, TOP, y_log)
    parts = _frame(x, y, x_title, y_title, x_labels)
    if bound:
        parts += [_line(LEFT, y.at(bound[0]), WIDTH - RIGHT, y.at(bound[0]), "bound"),
                  _text(LEFT + 6, y.at(bound[0]) - 5, bound[1], "start")]
    for i, (name, s) in enumerate(series):
        path = " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in s)
        parts.append(f'<polyline class="line s{i % SERIES}" points="{path}"/>')
        if len(s) <= 24:
            parts += [f'<circle class="dot s{i % SERIES}" cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="3">'
                      f"<title>{html.escape(name)}: {short(a)}, {short(b)}</title></circle>" for a, b in s]
    return legend([n for n, _ in series]) + _svg(parts, HEIGHT, title)


def bars(title, rows, unit, bounds=None):
    """rows: [(name, value)]; bounds: {name: target}, marked on the bar's line."""
    if not rows:
        return ""
    bounds = bounds or {}
    pitch, name_width = 26, 210
    height = TOP + pitch * len(rows) + 8
    top = max([v for _, v in rows] + [bounds[n] for n, _ in rows if n in bounds])
    x = Axis(0, top * 1.25, name_width, WIDTH - RIGHT)
    parts = []
    for i, (name, value) in enumerate(rows):
        y = TOP + i * pitch
        parts += [_text(name_width - 8, y + 14, name, "end"),
                  f'<rect class="bar" x="{name_width}" y="{y + 2}" width="{x.at(value) - name_width:.1f}" '
                  'height="16" rx="2"/>',
                  _text(x.at(value) + 6, y + 14, f"{number(value)} {unit}", "start")]
        if name in bounds:
            parts.append(_line(x.at(bounds[name]), y - 1, x.at(bounds[name]), y + 21, "bound"))
    return _svg(parts, height, title)
