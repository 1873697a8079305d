"""How a page looks: one style sheet, with the colours as variables that drawings use as well."""

STYLE = """\
:root {
  --page: #fcfcfb; --panel: #ffffff; --text: #1d2226; --soft: #5c666e; --line: #d9dee2; --grid: #e8ecef;
  --mark: #0b7285; --mark-soft: #0b728533; --other: #b3541e;
  --bad: #b3261e; --warn: #8a5a00; --unsure: #5b5fa8; --good: #1d6f42;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181b; --panel: #1b2126; --text: #e4e8eb; --soft: #9eaab3; --line: #36414a; --grid: #2a333a;
    --mark: #4fc3d7; --mark-soft: #4fc3d740; --other: #f0a36b;
    --bad: #ff8a80; --warn: #ffcc66; --unsure: #aab0ff; --good: #7fd6a4;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 0 0 .4rem; display: flex; gap: .6rem; align-items: baseline; flex-wrap: wrap; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
.lead { font-size: 1.1rem; }
.note, figcaption, caption { color: var(--soft); font-size: .9rem; }
.card { background: var(--panel); border: 1px solid var(--line); border-left: 5px solid var(--soft);
  border-radius: 6px; padding: .9rem 1.1rem .5rem; margin: 0 0 1rem; }
.card.bad { border-left-color: var(--bad); } .card.warn { border-left-color: var(--warn); }
.card.unsure { border-left-color: var(--unsure); } .card.good { border-left-color: var(--good); }
.badge { font-size: .78rem; font-weight: 600; padding: .05rem .5rem; border: 1px solid; border-radius: 1rem;
  color: var(--soft); white-space: nowrap; }
.badge.bad { color: var(--bad); } .badge.warn { color: var(--warn); }
.badge.unsure { color: var(--unsure); } .badge.good { color: var(--good); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1.2rem; margin: .5rem 0 .8rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: .5rem 0 1rem; }
.wide:focus-visible { outline: 2px solid var(--mark); }
table { border-collapse: collapse; min-width: 100%; font-size: .94rem; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .38rem .9rem .38rem 0; border-bottom: 1px solid var(--grid); }
thead th { color: var(--soft); font-weight: 600; border-bottom-color: var(--line); white-space: nowrap; }
tbody th { font-weight: 500; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.number { text-align: right; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem 2rem; }
figure { margin: .5rem 0 1rem; } figcaption { margin-top: .3rem; }
svg { display: block; max-width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
svg .soft { fill: var(--soft); }
svg .axis { stroke: var(--line); } svg .grid-line { stroke: var(--grid); }
svg .bar { fill: var(--mark); } svg .bar-soft { fill: var(--mark-soft); }
svg .rule { stroke: var(--other); stroke-width: 2; stroke-dasharray: 5 3; }
svg .reach { stroke: var(--mark); stroke-width: 2; } svg .dot { fill: var(--mark); }
svg .curve { fill: none; stroke: var(--mark); stroke-width: 2; }
@media print { body { background: none; } .card { break-inside: avoid; } }
"""
