"""The map as a page: whole, escaped, asking nothing of anybody; and in a real browser."""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from browser import opened

from rubricator.explore.map import section as module
from rubricator.explore.map.points import MapColumn, MapLabel, MapPoints
from rubricator.explore.map.section import map_assets, map_page, map_policy, map_section
from rubricator.pages.page import write_page

STRANGE = "</script><img src=x onerror=alert(1)> \"кавычки\" 'и' <!-- {braces} & \\u2028 \u2028"
TEXTS = [
    "Команда выиграла кубок в добавленное время",
    "Вратарь отразил два пенальти и стал лучшим игроком",
    "Тренер доволен новичками и ждёт полуфинала",
    "Оркестр исполнил симфонию без дирижёра",
    "Выставка акварелей открылась в старой усадьбе",
    STRANGE,
]
# Three to the left, two to the right, the strange one alone above.
POSITIONS = np.array([[0, 0], [1, 0], [0, 1], [10, 0], [10, 1], [5, 9]], dtype=np.float64)
CATEGORIES = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1], [0, 0]], dtype=bool)


def points(**more):
    ids = ["a", "b", "c", "d", "e", "f&<"]
    columns = [
        MapColumn.of_groups("Category", ["Спорт", "Культура <i>"], CATEGORIES, nothing="no label"),
        MapColumn.of_names("Source", ["x", "x", "y", "y", "", "z"]),
        MapColumn.of_numbers("Agreement", np.array([0.9, 0.8, 0.7, np.nan, 0.2, 0.1])),
        MapColumn.of_times("Time", [datetime(2026, 5, day, tzinfo=UTC) for day in range(1, 6)] + [None]),
        MapColumn.of_names("Same everywhere", ["one"] * 6),
    ]
    labels = [MapLabel(title="Игры", x=0.3, y=0.3, texts=3)]
    given = {"columns": columns, "labels": labels, "ids": ids, "contents": TEXTS, "positions": POSITIONS}
    return MapPoints(name='Карта "а" <b>', method="PCA", **(given | more))


def data_of(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1])


def test_what_texts_hold_is_escaped():
    html = map_section(points())
    assert html.count("</script>") == 1
    assert "<img" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert data_of(html)["texts"][5] == STRANGE
    assert data_of(html)["ids"][5] == "f&<"


def test_columns_that_tell_nothing_apart_are_not_offered():
    assert [one["name"] for one in data_of(map_section(points()))["columns"]] == [
        "Category",
        "Source",
        "Agreement",
        "Time",
    ]
    assert data_of(map_section(points(columns=[])))["columns"] == []


def test_a_text_may_have_several_groups_or_none():
    category = data_of(map_section(points()))["columns"][0]
    assert category["groups"] == [0, 0, [0, 1], 1, 1, -1]


def test_the_policy_names_the_script_by_its_hash_and_nothing_else_may_run():
    html = map_page(points())
    script = re.search(r"<script>(.*?)</script>", str(map_assets()), re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="(.*?)">', html)[1]
    assert map_policy() == f"script-src 'sha256-{digest}'"
    assert policy.startswith("default-src 'none';")
    assert policy.endswith(map_policy())
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", str(map_assets()))


def test_the_note_says_what_a_layout_is_worth():
    assert "show little" in map_section(points())
    umap = MapPoints(name="", positions=np.zeros((1, 2)), method="UMAP", ids=["a"], contents=["б"])
    assert "show little" not in map_section(umap)


def test_of_very_many_points_some_are_drawn_and_it_is_said(monkeypatch):
    monkeypatch.setattr(module, "_MOST_POINTS", 4)
    html = map_section(points())
    assert len(data_of(html)["ids"]) == 4
    assert "So many of 6 are drawn" in html


def test_long_texts_are_cut_off_so_that_the_page_stays_small(monkeypatch):
    monkeypatch.setattr(module, "_CHARACTERS", 6 * 60)
    texts = data_of(map_section(points(contents=["слово " * 50] * 6)))["texts"]
    assert all(len(text) <= 62 and text.endswith("…") for text in texts)


@pytest.mark.parametrize("count", [0, 1])
def test_a_map_of_hardly_any_text_is_a_page_all_the_same(count):
    few = MapPoints(
        name="few", positions=np.zeros((count, 2)), method="PCA", ids=["a"] * count, contents=["б"] * count
    )
    assert len(data_of(map_page(few))["ids"]) == count


def test_rows_must_agree():
    with pytest.raises(ValueError, match="differ in length"):
        points(ids=["a"])


@pytest.mark.slow
def test_in_a_browser(tmp_path):
    """One browser for all of it: starting it takes longer than what is looked at."""
    path = tmp_path / "map.html"
    write_page(path, map_page(points(selectable=np.array([True, True, True, True, False, True]))))
    with opened(path) as page:
        page.wait_for_selector("section.map[data-ready]")
        part = {
            name: page.locator(f"[data-part={name}]")
            for name in ("over", "tip", "search", "lasso", "many", "take", "legend", "save", "said", "column")
        }
        box = part["over"].bounding_box()
        left = box["x"] + box["width"] * 0.5

        # hover
        place = where(page, 5)
        page.mouse.move(*place)
        assert "кавычки" in part["tip"].inner_text()
        assert part["tip"].locator("img").count() == 0

        # search, then all that is found
        part["search"].fill("ТРЕНЕР доволен")
        assert part["said"].inner_text() == "1 found"
        part["take"].click()
        assert part["many"].inner_text() == "1 text selected"
        part["search"].fill("")

        # a lasso around the left half, and its ids in a file
        part["lasso"].click()
        around(page, box["x"] + 2, box["y"] + 300, left - 60, box["y"] + box["height"] - 2)
        assert part["many"].inner_text() == "3 texts selected"
        with page.expect_download() as waiting:
            part["save"].click()
        assert waiting.value.path().read_text(encoding="utf-8") == "a\nb\nc\n"

        # the legend by keys; what is not shown cannot be selected
        part["legend"].locator("button").nth(1).focus()
        page.keyboard.press("Enter")
        around(page, box["x"] + 2, box["y"] + 2, box["x"] + box["width"] - 2, box["y"] + box["height"] - 2)
        assert part["many"].inner_text() == "2 texts selected", "c and d; e is not to be selected"

        # without a mouse
        part["over"].focus()
        page.keyboard.press("Escape")
        page.keyboard.press("n")
        assert part["said"].inner_text() in TEXTS
        page.keyboard.press("Enter")
        assert part["many"].inner_text() == "1 text selected"
        for name in ("Source", "Agreement", "Time"):
            part["column"].select_option(label=name)
        assert "2026-05-0" in part["legend"].inner_text()
        assert page.said == []
        assert page.asked == [path.as_uri()]


def where(page, row):
    """Where a point is on the screen while the whole map is shown."""
    return page.evaluate(
        """row => {
            const map = document.querySelector('section.map');
            const data = JSON.parse(map.querySelector('script').textContent);
            const bytes = Uint8Array.from(atob(data.xy), (sign) => sign.charCodeAt(0));
            const xy = new Uint16Array(bytes.buffer);
            const box = map.querySelector('[data-part=over]').getBoundingClientRect(), own = data.box;
            const wide = own.right - own.left, high = own.bottom - own.top;
            const k = 0.94 * Math.min(box.width / wide, box.height / high);
            return [box.left + (box.width - (own.left + own.right) * k) / 2 + xy[2 * row] * k,
                box.top + (box.height - (own.top + own.bottom) * k) / 2 + xy[2 * row + 1] * k];
        }""",
        row,
    )


def around(page, left, top, right, bottom):
    page.mouse.move(left, top)
    page.mouse.down()
    for place in ((left, bottom), (right, bottom), (right, top)):
        page.mouse.move(*place, steps=4)
    page.mouse.up()
