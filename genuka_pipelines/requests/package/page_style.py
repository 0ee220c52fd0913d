"""How the page looks: on a screen by day and by night, on a telephone, and on paper."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--page:#fff;--card:#f6f8fa;--mark:#0b6e4f}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--line:#30363d;--page:#0d1117;--card:#161b22;
--mark:#4cc38a}}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:62rem;margin:0 auto;
padding:1.5rem 1rem 4rem}
input[name=language]{position:absolute;opacity:0}
label{display:inline-block;padding:.2rem .9rem;border:1px solid var(--line);border-radius:1rem;margin-right:.4rem;
cursor:pointer;color:var(--soft)}
input:checked+label{background:var(--mark);border-color:var(--mark);color:var(--page)}
input:focus-visible+label{outline:2px solid var(--ink);outline-offset:2px}
#fr:checked~main [lang=en],#en:checked~main [lang=fr]{display:none}
header{margin:1.5rem 0 2rem}.from{margin:0;color:var(--mark);font-weight:600;letter-spacing:.02em}
h1{font-size:2.2rem;line-height:1.2;margin:.2rem 0 .8rem}.lead{font-size:1.1rem;max-width:46rem}
h2{font-size:1.45rem;margin:0 0 .5rem}h3{font-size:1.05rem;margin:1.8rem 0 .3rem}
section{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:1.5rem}
nav{background:var(--card);border-radius:.7rem;padding:1rem 1.3rem}nav h2{font-size:1.1rem}
nav ul{columns:20rem;margin:.3rem 0}a{color:var(--mark)}small,.soft,summary{color:var(--soft);font-weight:400}
.soft,details{font-size:.92rem}code,pre{font-family:ui-monospace,monospace;font-size:.92em}ul{padding-left:1.2rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:.4rem 2rem;margin:1rem 0}
.facts ul{margin:0}.facts .wide{grid-column:1/-1}.wide ul{columns:26rem}li{break-inside:avoid}
dt{color:var(--soft);font-size:.85rem}dd{margin:0 0 .5rem}
article{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.8rem 1rem .3rem;margin:.6rem 0;
break-inside:avoid}
article dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.1rem 1.5rem;margin:0}
.value{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}pre.value{margin:0}
table{border-collapse:collapse}th,td{text-align:left;padding:.3rem 1.5rem .3rem 0;border-bottom:1px solid var(--line)}
@media print{body{max-width:none;padding:0;font-size:11pt}label{display:none}article{border-color:#bbb}}
"""
