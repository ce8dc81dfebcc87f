"""How the page looks, on a screen and on paper."""

CSS = """
:root { --ink: #1d2430; --quiet: #5d6878; --rule: #d9dee6; --good: #1c7c4a; --warn: #a15c00; --blue: #2158a0 }
* { box-sizing: border-box }
body { margin: 0; background: #fff; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
main { max-width: 1000px; margin: 0 auto; padding: 32px 28px 48px }
header { display: flex; justify-content: space-between; align-items: baseline; gap: 24px }
h1 { font-size: 26px; line-height: 1.25; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 17px; margin: 34px 0 10px; padding-bottom: 5px; border-bottom: 1px solid var(--rule) }
h3 { font-size: 14px; margin: 14px 0 6px; font-weight: 600 }
p { margin: 6px 0 }
.brand { color: var(--quiet); white-space: nowrap; font-size: 13px }
.sub { color: var(--quiet); margin: 2px 0 18px }
.verdict { border-left: 5px solid var(--good); background: #f1f8f4; padding: 12px 16px; border-radius: 0 6px 6px 0 }
.verdict.warn { border-color: var(--warn); background: #fdf6ea }
.verdict b { display: block; font-size: 18px }
.verdict b::first-letter { text-transform: uppercase }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 16px 0 0 }
.tile { border: 1px solid var(--rule); border-radius: 6px; padding: 10px 12px }
.tile span { display: block; color: var(--quiet); font-size: 12.5px; line-height: 1.35 }
.tile strong { font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums }
.pictures { display: grid; gap: 8px; margin-bottom: 12px }
figure { margin: 0 }
figure img { width: 100%; display: block; background: #eee; border-radius: 3px }
.pixels { image-rendering: pixelated }
figcaption { color: var(--quiet); font-size: 12.5px; padding-top: 2px }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 28px; align-items: start }
.maps { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; max-width: 460px }
.maps img { border: 1px solid var(--rule) }
svg { width: 100%; height: auto; display: block }
svg .grid { stroke: #e9edf2 } svg .axis { stroke: #8b95a3 }
svg .tick { font-size: 11px; fill: var(--quiet) } svg .label { font-size: 12px; fill: var(--ink) }
svg.mask { max-width: 100%; margin: 6px 0 }
.hidden { fill: var(--blue) } .centre { fill: #d0411e } .free { fill: #eef1f5 }
.legend { font-size: 12.5px; color: var(--quiet); display: flex; flex-wrap: wrap; gap: 2px 18px; padding-left: 58px }
.legend span { white-space: nowrap }
.legend i { display: inline-block; width: 22px; margin-right: 6px; vertical-align: middle }
.scale { font-size: 12.5px; color: var(--quiet) }
table { border-collapse: collapse; min-width: 420px; font-size: 13.5px; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 3px 14px 3px 0; vertical-align: top; border-bottom: 1px solid #eef1f5 }
th { font-weight: 600 } td:first-child { color: var(--quiet); white-space: nowrap }
table.wide { width: 100% } td { overflow-wrap: anywhere }
footer { margin-top: 36px; color: var(--quiet); font-size: 12.5px }
@media (max-width: 640px) { .tiles, .two { grid-template-columns: 1fr 1fr } .two { display: block } }
@media print {
  main { max-width: none; padding: 0 } body { font-size: 12.5px }
  h2 { break-after: avoid } .tile, figure, .two > div, tr { break-inside: avoid }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact }
}
"""
