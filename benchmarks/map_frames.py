"""How smoothly the map of texts moves in a browser without a graphics card.

    python benchmarks/map_frames.py --json benchmarks/results/map-frames.json

A page of so many points is opened in headless Chromium, which draws by processor alone; the map is dragged
and then zoomed for a hundred frames each. 16.7 ms a frame is what a screen of 60 Hz asks for. Needs
playwright, and a chromium on the path.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import arguments, write

from rubricator.explore.map.points import MapColumn, MapPoints
from rubricator.explore.map.section import map_page

FRAMES = 100
WORDS = [
    "чайник",
    "мост",
    "ветер",
    "сапог",
    "письмо",
    "лодка",
    "окно",
    "снег",
    "чай",
    "билет",
    "забор",
    "улица",
]
RECORD = """() => { window.frames_ = []; let last = performance.now();
  const tick = now => { window.frames_.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick); }"""


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--points", nargs="+", type=int, default=[1_000, 10_000, 100_000])
    given = options.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("There is no chromium on this machine: install one.")
    rows = []
    for number in given.points:
        rows.append(measured(number, program))
        row = rows[-1]
        print(
            f"{number:>8,} points  {row['mebibytes']:5.1f} MiB, ready after {row['ready_seconds']:.1f} s"
            + "".join(
                f"   {move}: {row[move]['median_ms']:.1f} ms (p95 {row[move]['p95_ms']:.1f})"
                for move in ("drag", "zoom")
            ),
            flush=True,
        )
        write(given.json, {"rows": rows})


def measured(number: int, program: str) -> dict[str, Any]:
    """One page, dragged and zoomed."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        path = Path(folder) / "map.html"
        path.write_text(map_page(points(number)), encoding="utf-8")
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1300, "height": 1100})
        started = time.monotonic()
        page.goto(path.as_uri())
        page.wait_for_selector("canvas")
        ready = time.monotonic() - started
        box = page.locator("canvas").first.bounding_box()
        if box is None:
            sys.exit("The page shows no map.")
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.evaluate(RECORD)
        row: dict[str, Any] = {
            "points": number,
            "mebibytes": path.stat().st_size / 2**20,
            "ready_seconds": round(ready, 2),
        }
        page.mouse.move(x, y)
        page.mouse.down()
        row["drag"] = frames(page, lambda step: page.mouse.move(x + 2 * step, y + step))
        page.mouse.up()
        row["zoom"] = frames(page, lambda step: page.mouse.wheel(0, -40 if step % 20 < 10 else 40))
        browser.close()
    return row


def frames(page: Any, move: Any) -> dict[str, float]:
    """Times between frames while the map moves, milliseconds."""
    page.evaluate("() => { window.frames_ = []; }")
    for step in range(FRAMES):
        move(step)
        page.evaluate("() => new Promise(done => requestAnimationFrame(done))")
    found = np.array(page.evaluate("() => window.frames_"))
    return {
        "median_ms": round(float(np.median(found)), 1),
        "p95_ms": round(float(np.quantile(found, 0.95)), 1),
    }


def points(number: int) -> MapPoints:
    """Clouds of points with short texts."""
    rng = np.random.default_rng(1)
    group = rng.integers(0, 9, number)
    places = rng.normal(size=(9, 2))[group] * 4 + rng.normal(size=(number, 2))
    texts = [" ".join(WORDS[place] for place in rng.integers(0, len(WORDS), 10)) for _ in range(number)]
    column = MapColumn.of_names("category", [f"group {one}" for one in group.tolist()])
    ids = [str(one) for one in range(number)]
    return MapPoints(name="frames", positions=places, method="PCA", ids=ids, contents=texts, columns=[column])


if __name__ == "__main__":
    main()
