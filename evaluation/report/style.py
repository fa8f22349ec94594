"""The page's style sheet: one column, readable on a phone, light and dark."""

CSS = """
:root { --ink:#1d2433; --soft:#5b6478; --line:#dfe3ea; --paper:#ffffff; --card:#f6f7f9; --accent:#1f6feb;
    --good:#0a7f5a;
  color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink:#e8ebf2; --soft:#a3acbf; --line:#343b4a; --paper:#12161f;
  --card:#1b212d; --accent:#7cb0ff; --good:#58d3a6; } }
* { box-sizing: border-box; }
body { margin:0; background:var(--paper); color:var(--ink); -webkit-text-size-adjust:100%;
  font:17px/1.6 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width:1020px; margin:0 auto; padding:56px 24px 96px; }
h1 { font-size:clamp(1.75rem, 1.2rem + 2.6vw, 2.75rem); line-height:1.15; letter-spacing:-.022em; margin:0 0 18px; }
h2 { font-size:1.35rem; letter-spacing:-.01em; margin:64px 0 6px; }
h3 { font-size:1.02rem; margin:34px 0 0; }
a { color:var(--accent); }
.toc ol { padding-left:1.4em; margin:22px 0; line-height:1.9; } .toc small { color:var(--soft); }
p { margin:10px 0; max-width:70ch; }
.eyebrow { color:var(--accent); font-size:.85rem; font-weight:600; letter-spacing:.04em; margin:0 0 10px;
  overflow-wrap:anywhere; }
.lead { font-size:1.16rem; color:var(--ink); max-width:62ch; }
.soft, figcaption, .tiles span { color:var(--soft); }
.tiles { display:grid; grid-template-columns:repeat(auto-fit, minmax(260px, 1fr)); gap:12px; margin:34px 0 0; }
.tiles div { background:var(--card); border-radius:14px; padding:16px 18px; }
.tiles b { display:block; white-space:nowrap; font-size:1.75rem; line-height:1.2; letter-spacing:-.02em;
    font-variant-numeric:tabular-nums; }
.tiles span { display:block; font-size:.86rem; line-height:1.4; margin-top:4px; }
.scroll { overflow-x:auto; margin:18px 0; }
table { border-collapse:collapse; width:100%; font-size:.92rem; font-variant-numeric:tabular-nums; }
th, td { text-align:right; padding:9px 12px; border-bottom:1px solid var(--line); white-space:nowrap;
    vertical-align:top; }
th { color:var(--soft); font-weight:600; font-size:.82rem; line-height:1.3; vertical-align:bottom; }
th:first-child, td:first-child { text-align:left; padding-left:0; white-space:normal; min-width:11.5em; }
table.prose :is(th, td):last-child { text-align:left; white-space:normal; min-width:17em; }
tr.ours td { font-weight:600; } tr.ours td:first-child { color:var(--accent); }
tr.total td { font-weight:600; border-bottom:0; }
td small { display:block; color:var(--soft); font-weight:400; font-size:.8rem; }
figure { margin:22px 0 0; }
figure img { display:block; width:100%; height:auto; border-radius:14px; background:#fff; padding:8px;
    border:1px solid var(--line); }
figure.narrow img { max-width:640px; }
figure .scroll { margin:0; }
figcaption { font-size:.93rem; max-width:74ch; margin-top:10px; }
svg.flow { width:100%; height:auto; margin:16px 0 4px; } svg.tall { display:none; max-width:420px; }
svg .box { fill:var(--card); stroke:var(--line); } svg .arrow { fill:none; stroke:var(--accent); stroke-width:2;
  stroke-linecap:round; stroke-linejoin:round; }
svg text { text-anchor:middle; fill:var(--ink); font-family:inherit; } svg .name { font-size:15px; font-weight:650; }
svg .note { font-size:12px; fill:var(--soft); } dl { display:grid;
    grid-template-columns:minmax(120px, max-content) 1fr; gap:6px 22px; font-size:.92rem;
  margin:18px 0; }
dt { color:var(--soft); } dd { margin:0; overflow-wrap:anywhere; }
pre { background:var(--card); border-radius:12px; padding:14px 18px; overflow-x:auto; font-size:.86rem;
  line-height:1.5; }
details { margin-top:16px; } summary { cursor:pointer; color:var(--accent); font-weight:600; }
@media (max-width:640px) { body { font-size:16px; } main { padding:32px 18px 64px; } h2 { margin-top:48px; }
  figure.wide img { width:720px; max-width:none; }
  svg.wide { display:none; } svg.tall { display:block; } .tiles { grid-template-columns:1fr 1fr; }
  .tiles b { font-size:1.45rem; } dl { grid-template-columns:1fr; gap:0; } dd { margin-bottom:8px; }
  th:first-child, td:first-child { position:sticky; left:0; background:var(--paper); min-width:8.6em;
    max-width:8.6em; } }
@media print { .tiles div, pre { border:1px solid var(--line); } figure { break-inside:avoid; } }
"""
