"""page.py - the figures as one HTML page that needs nothing else"""
import html

import plot
import table
from figure import Figure
from target import BY_NAME

STYLE = """
:root { --ink:#1c2024; --soft:#5b6570; --paper:#ffffff; --card:#f6f7f9; --rule:#dde1e6; --good:#1a7f43; --bad:#c0392b;
  --s0:#2463c9; --s1:#c9591d; --s2:#1f8a5b; --s3:#8a3fb3; --s4:#9a7b00; --s5:#c02a6b }
@media (prefers-color-scheme: dark) { :root { --ink:#e6e9ed; --soft:#98a2ad; --paper:#14171a; --card:#1d2125;
  --rule:#343a41; --good:#5cc98a; --bad:#f08070; --s0:#7aa9f5; --s1:#f29b66; --s2:#66cfa0; --s3:#cb97ea; --s4:#dcc35a;
  --s5:#f28bb8 } }
* { box-sizing:border-box }
body { margin:0; background:var(--paper); color:var(--ink); font:15px/1.5 system-ui, sans-serif }
main { max-width:1000px; margin:0 auto; padding:24px 20px 60px }
h1 { font-size:26px; margin:0 0 4px } h2 { font-size:18px; margin:36px 0 6px }
p { margin:4px 0 10px; color:var(--soft) }
dl { display:grid; grid-template-columns:max-content 1fr; gap:2px 16px; background:var(--card); padding:12px 16px;
  border-radius:6px } dt { color:var(--soft) } dd { margin:0 }
.wide { overflow-x:auto }
table { border-collapse:collapse; width:100%; font-variant-numeric:tabular-nums; font-size:14px }
th, td { text-align:left; padding:4px 10px; border-bottom:1px solid var(--rule); white-space:nowrap }
th { color:var(--soft); font-weight:600 } .n { text-align:right }
.met { color:var(--good); font-weight:600 } .missed, .invalid { color:var(--bad); font-weight:600 }
svg { width:100%; height:auto; display:block; background:var(--card); border-radius:6px; padding:4px }
.tick, .axis { fill:var(--soft); font:11px system-ui, sans-serif } .axis { font-size:12px }
.grid { stroke:var(--rule); stroke-width:1 } .bound { stroke:var(--bad); stroke-width:1.5; stroke-dasharray:5 4 }
.line { fill:none; stroke-width:2 } .bar { fill:var(--s0) }
.legend { list-style:none; margin:0 0 6px; padding:0; display:flex; flex-wrap:wrap; gap:4px 18px; color:var(--soft) }
.key { display:inline-block; width:14px; height:4px; margin-right:6px; vertical-align:middle }
""" + "".join(f".line.s{i} {{ stroke:var(--s{i}) }} .dot.s{i} {{ fill:var(--s{i}) }} "
              f".key.s{i} {{ background:var(--s{i}) }}\n" for i in range(plot.SERIES))

SCALE = (("10k", 1e4), ("1m", 1e6), ("10m", 1e7))
NINES = ((0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %"), (0.99999, "99.999 %"))


def figures(content):
    """Figure objects of a results file."""
    found = []
    for name, value in content["figures"].items():
        low, high = content.get("spread", {}).get(name, [value, value])
        found.append(Figure(name, value, content.get("units", {}).get(name, ""), 1 if low == high else 2, low, high,
                            content.get("why_invalid", {}).get(name, "")))
    return found


def _table(found):
    lines = ["<div class=wide><table>",
             "<tr><th>figure<th class=n>value<th>unit<th class=n>spread<th>target<th>verdict</tr>"]
    for f in found:
        name, value, unit, spread, target, verdict = map(html.escape, table.row(f))
        why = html.escape(f.invalid or (BY_NAME[f.name].reason if f.name in BY_NAME else ""))
        lines.append(f'<tr title="{why}"><td>{name}<td class=n>{value}<td>{unit}<td class=n>{spread}<td>{target}'
                     f'<td class="{verdict}">{verdict}</tr>')
    return "".join(lines) + "</table></div>"


def _machine(content):
    rows = dict(content.get("machine", {}))
    rows["commit"] = content.get("commit", "unknown")
    cell = lambda v: html.escape(", ".join(v) if isinstance(v, list) else str(v))
    return "<dl>" + "".join(f"<dt>{html.escape(k)}<dd>{cell(v)}" for k, v in rows.items()) + "</dl>"


def _tail(histogram):
    """(1 / (1 - share of messages that were faster), microseconds), rising."""
    total, seen, points = sum(n for _, n in histogram), 0, []
    for us, n in sorted(histogram):
        seen += n
        if n and seen < total:
            points.append((total / (total - seen), max(us, 0.1)))
        elif n:
            points.append((float(total), max(us, 0.1)))
    return [p for p in points if p[0] >= 1]


def _latency(blasts):
    # Of the repeats at a rate the first stands for all.
    runs = {r["of_max"]: r for r in reversed(blasts.get("call", {}).get("then", []))}
    series = [(words, _tail(runs[share]["histogram"]))
              for share, words in ((0.5, "at half the maximum"), (1, "at the maximum"), (2, "at twice the maximum"))
              if runs.get(share, {}).get("histogram")]
    series = [s for s in series if s[1]]
    most = max((p[0] for _, s in series for p in s), default=10)
    labels = [(1 / (1 - share), words) for share, words in NINES if 1 / (1 - share) <= most]
    return plot.lines("latency by percentile", series, "share of messages that were faster", "microseconds",
                      x_log=True, y_log=True, x_labels=labels)


def _stairs(blasts):
    parts = []
    for name, b in blasts.items():
        stairs = sorted(b.get("stairs") or [], key=lambda s: s["rate"])
        if len(stairs) < 2:
            continue
        achieved = [("achieved", [(s["rate"], s["achieved"]) for s in stairs]),
                    ("offered", [(s["rate"], s["rate"]) for s in stairs])]
        slow = [("p99", [(s["rate"], max(s["p99_us"], 0.1)) for s in stairs])]
        parts += [f"<h3>{html.escape(name)}</h3>",
                  plot.lines(f"{name}: achieved rate", achieved, "offered a second", "achieved a second"),
                  plot.lines(f"{name}: p99", slow, "offered a second", "p99, microseconds", y_log=True)]
    return "".join(parts)


def _cycles(found):
    rows = [(f.name.removesuffix(".cycles"), f.value) for f in found
            if f.name.endswith(".cycles") and f.name.split(".")[0] in ("worker", "parse", "emit")]
    bounds = {n.removesuffix(".cycles"): t.bound for n, t in BY_NAME.items() if n.endswith(".cycles")}
    return plot.bars("cycles by stage", sorted(rows), "cycles", bounds)


def _scale(found):
    by_name = {f.name: f.value for f in found}
    series = []
    for stem, words in (("table.lookup.cycles", "by identity and flow"), ("table.user.cycles", "by user's hash")):
        points = [(users, by_name[f"{stem}.{suffix}"]) for suffix, users in SCALE if f"{stem}.{suffix}" in by_name]
        if len(points) > 1:
            series.append((words, points))
    return plot.lines("cycles of a look-up by registered users", series, "registered users", "cycles", x_log=True)


SECTIONS = (
    ("Latency", "From the time a message was due to the time its answer came, over memif; the tail is to the right.",
     lambda found, blasts: _latency(blasts)),
    ("Staircase", "Each point is a rate that was offered for some seconds.", lambda found, blasts: _stairs(blasts)),
    ("Cycles by stage", "TSC cycles a message; the dashed mark is the target.", lambda found, blasts: _cycles(found)),
    ("Scale", "Look-ups of users drawn at random, in bursts of 32.", lambda found, blasts: _scale(found)),
)


def make(content, blasts):
    """content: a results file. blasts: {name: what saker-blast found}."""
    found = figures(content)
    verdicts = [table.row(f)[-1] for f in found]
    parts = ["<!doctype html><html lang=en><meta charset=utf-8>",
             "<meta name=viewport content='width=device-width, initial-scale=1'><title>Saker: benchmarks</title>",
             f"<style>{STYLE}</style><main><h1>Saker: benchmarks</h1>",
             f"<p>{len(found)} figures; of those with a target {verdicts.count('met')} met, "
             f"{verdicts.count('missed')} missed, {verdicts.count('invalid')} invalid.</p>", _machine(content),
             "<h2>Figures</h2>", _table(found)]
    for title, words, draw in SECTIONS:
        drawn = draw(found, blasts)
        if drawn:
            parts.append(f"<h2>{title}</h2><p>{words}</p>{drawn}")
    return "".join(parts) + "</main></html>\n"


def _virtual(machine):
    return "virtual, " if machine.get("hypervisor") else ""


def results(content):
    """The text of bench/results.md up to the account of what was tried."""
    machine = content["machine"]
    simd = ", ".join(machine["simd"])
    return (f"{machine['cpu']}, {machine['cores']} cores, {_virtual(machine)}TSC {machine['tsc_ghz']} GHz, {simd}; "
            f"memory {machine['memory']}, huge pages {machine['hugepages']}; Linux {machine['kernel']}; "
            f"{machine['date']}; commit {content['commit']}.\n\n{table.markdown(figures(content))}\n")
