"""The page: one file, safe text, and a viewer that works in a real browser."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from markupsafe import escape

from spgen_lit.pictures.page import NARROWEST, WIDEST, PageEntry, picture_side, write_page
from spgen_lit.scanpath import Scanpath

SIZE = (400, 300)
PLACES = [(100, 75), (300, 75), (200, 225)]
SECONDS = [0.3, 0.5, 0.4]
END = 0.3 + 0.5 + 0.4 + 2 * 0.04
GREY = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)


def entry(name: str, people: int = 1) -> PageEntry:
    path = Scanpath(name, SIZE, np.divide(PLACES, SIZE), SECONDS)
    other = Scanpath(name, SIZE, np.divide(PLACES[::-1], SIZE), SECONDS, "P1")
    return PageEntry(name, SIZE, GREY, {"model": [path, other], "people": [other] * people})


def records(page: Path) -> list[dict[str, Any]]:
    found = re.findall(r'<script [^>]*class="entry"[^>]*>(.*?)</script>', page.read_text("utf-8"))
    return [json.loads(text) for text in found]


def test_page_holds_paths_and_pictures_and_leaves_no_other_file(tmp_path: Path) -> None:
    page = tmp_path / "new" / "index.html"
    write_page(page, [entry("a"), entry("b", people=0)], notes="N")
    assert [file.name for file in page.parent.iterdir()] == ["index.html"]
    first, second = records(page)
    assert [group["title"] for group in first["groups"]] == ["model", "people"]
    assert [group["title"] for group in second["groups"]] == ["model"]
    fixations = first["groups"][0]["paths"][0]["p"]
    assert [[x * 400, y * 300, d] for x, y, d in fixations] == [
        pytest.approx([*place, s]) for place, s in zip(PLACES, SECONDS, strict=True)
    ]
    text = page.read_text("utf-8")
    uri = re.search(r'id="picture-0">data:image/jpeg;base64,([^<]*)<', text)
    assert uri
    code = np.frombuffer(base64.b64decode(uri[1]), np.uint8)
    assert cv2.imdecode(code, cv2.IMREAD_COLOR).shape == GREY.shape


def test_names_cannot_break_out_and_nothing_points_outside(tmp_path: Path) -> None:
    nasty = "</script><script>alert(1)</script>\"'&"
    page = tmp_path / "p.html"
    write_page(page, [entry(nasty), entry("caf\udce9")], notes=nasty)
    text = page.read_text("utf-8")
    assert "<script>alert(1)" not in text
    assert f'<p id="notes">{escape(nasty)}</p>' in text
    assert records(page)[0]["name"] == nasty
    assert not re.search(r"""(src|href)=["'](?!data:)|https?://|url\(|@import""", text)


def test_a_page_with_hostile_names_runs_nothing_of_theirs(browser: Any, tmp_path: Path) -> None:
    names = [
        "</script><script>window.owned = 1</script>",
        "<img src=x onerror='window.owned = 1'>",
        "\"onmouseover='window.owned=1'",
        "javascript:window.owned=1",
    ]
    page = tmp_path / "index.html"
    write_page(page, [entry(name) for name in names], notes=names[1])
    browser.open(page)
    browser.wait("document.querySelector('.card img').naturalWidth > 0")
    browser.click(".card")
    browser.wait("document.querySelector('#viewer').open")
    assert browser.run("typeof window.owned") == "undefined"
    assert not browser.complaints()


def test_pictures_shrink_as_the_page_grows() -> None:
    sides = [picture_side(count) for count in (1, 50, 500, 10_000)]
    assert sides[0] == WIDEST
    assert sides == sorted(sides, reverse=True)
    assert sides[-1] == NARROWEST


def pixel(browser: Any, stage: int, place: tuple[int, int]) -> list[int]:
    """RGBA of a stage's canvas at a place given in px of the image."""
    found: list[int] = browser.run(
        f"""(() => {{
          const canvas = document.querySelectorAll('.stage canvas')[{stage}];
          const x = {place[0] / SIZE[0]} * canvas.width, y = {place[1] / SIZE[1]} * canvas.height;
          return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data];
        }})()"""
    )
    return found


def scrub(browser: Any, share: float) -> None:
    browser.run(
        f"(() => {{ const s = document.querySelector('#scrub'); s.value = {share} * 1000;"
        " s.dispatchEvent(new Event('input')); })()"
    )


def when(browser: Any) -> float:
    return float(browser.run("document.querySelector('#viewer').dataset.time"))


def test_the_viewer_opens_plays_scrubs_and_switches_layers(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    write_page(page, [entry(f"image {k}") for k in range(12)])
    browser.size(1100, 700)
    browser.open(page)
    browser.wait("document.querySelector('.card img').naturalWidth > 0")
    loaded = browser.run("[...document.querySelectorAll('.card img')].filter(i => i.src).length")
    assert 0 < loaded <= 12

    # A path of a second would be over before a busy machine looks at it.
    browser.run("document.querySelector('#speed').value = '0.25'")
    browser.click(".card")
    browser.wait("document.querySelector('#viewer').open")
    assert browser.run("document.querySelectorAll('.stage').length") == 2
    assert browser.run("document.querySelector('#play').textContent") == "pause"
    earlier = when(browser)
    browser.wait(f"document.querySelector('#viewer').dataset.time > {earlier + 0.2}")
    browser.click("#play")
    browser.wait("document.querySelector('#viewer').dataset.playing === 'false'")
    paused = when(browser)
    time.sleep(0.15)
    assert when(browser) == paused

    scrub(browser, 0.1)
    assert when(browser) == pytest.approx(0.1 * END, abs=0.01)
    assert [pixel(browser, 0, place)[3] > 0 for place in PLACES] == [True, False, False]
    assert [pixel(browser, 1, place)[3] > 0 for place in PLACES] == [False, False, True]
    scrub(browser, 1)
    assert [pixel(browser, 0, place)[3] > 0 for place in PLACES] == [True, True, True]

    blank = (20, 280)
    assert pixel(browser, 0, blank)[3] == 0
    browser.click("#trail")
    assert [pixel(browser, 0, place)[3] > 0 for place in PLACES] == [False, False, True]
    browser.click("#density")
    warm = pixel(browser, 0, PLACES[0])
    assert warm[3] > 100
    assert warm[0] > warm[2]
    browser.click("#density")
    assert pixel(browser, 0, PLACES[0])[3] == 0

    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]


HOSTILE = [
    "\"'><img src=x onerror=\"document.title='hit'\">",
    "</script><script>document.title='hit'</script><!--",
    "\U0001f600 שלום &amp; 100% #2 ?q=1 \\u003c @SCRIPT@",
]


def test_keys_move_step_and_close_whatever_the_names(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / '50% #1 ?x "y" <z>' / "index.html"
    write_page(page, [entry(name) for name in HOSTILE], notes=HOSTILE[1], warning=HOSTILE[0])
    browser.size(390, 800, phone=True)
    browser.open(page)
    browser.run("document.querySelector('#speed').value = '0.25'")
    browser.click(".card")
    browser.wait("document.querySelector('#viewer').dataset.playing === 'true'")
    browser.key(" ")
    browser.wait("document.querySelector('#viewer').dataset.playing === 'false'")
    browser.key("Home")
    assert when(browser) == 0
    browser.key(".")
    assert when(browser) == pytest.approx(SECONDS[0])
    browser.key("End")
    assert when(browser) == pytest.approx(END, abs=0.001)
    browser.key(",")
    assert when(browser) == pytest.approx(0.3 + 0.04 + 0.5)
    browser.key("d")
    assert browser.run("document.querySelector('#density').checked")
    browser.key("ArrowDown")
    chips = "[...document.querySelectorAll('.stage')[0].querySelectorAll('.chips button')]"
    assert browser.run(f"{chips}.findIndex(b => b.getAttribute('aria-pressed') == 'true')") == 1
    browser.key("ArrowLeft")
    assert browser.run("document.querySelector('#viewer').dataset.index") == "2"
    assert browser.run("document.querySelector('#name').textContent").startswith(HOSTILE[2])
    assert browser.run("[...document.querySelectorAll('.card')].map(c => c.title)") == HOSTILE
    assert browser.run("document.querySelector('#notes').textContent") == HOSTILE[1]
    assert browser.run("document.title") == "Scanpaths"
    browser.key("+")
    assert browser.run("document.querySelector('#speed').value") == "0.5"
    wide = browser.run("document.documentElement.scrollWidth <= innerWidth")
    boxes = browser.run(
        "[...document.querySelectorAll('.stage, #play, #scrub, #close')].every(e => {"
        " const b = e.getBoundingClientRect();"
        " return b.width > 20 && b.right <= innerWidth + 1 && b.bottom <= innerHeight + 1; })"
    )
    assert wide
    assert boxes
    browser.key("Escape")
    browser.wait("!document.querySelector('#viewer').open")
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]
