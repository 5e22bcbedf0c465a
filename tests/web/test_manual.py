"""The manual: every file of `docs/` as a page, and every link of one leads somewhere."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import cast
from urllib.parse import urldefrag, urljoin

import pytest
from fastapi import FastAPI

from dogwatch.web import manual
from dogwatch.web.pings import App
from tests.web.asgi_client import Answer, Client

HERE = Path(__file__).parents[2]
LINK = re.compile(r'<a href="([^"]*)"')
ELSEWHERE = ("https://", "/api/v1/")


@pytest.fixture(scope="module")
def web() -> Client:
    """A client of the manual alone."""
    app = FastAPI(openapi_url=None)
    manual.install(app)
    return Client(cast("App", app))


def page(web: Client, address: str) -> Answer:
    answer = web.get(address)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer


def test_every_file_has_a_page_and_the_first_one_names_it(web: Client) -> None:
    files = {str(one.relative_to(HERE / "docs")) for one in (HERE / "docs").rglob("*.md")}
    assert set(manual.chapters().values()) == files
    assert manual.chapters()["dialects"] == "dialects/README.md"
    first = page(web, "/docs").text
    for name in manual.chapters():
        assert f'<a href="docs/{name}">' in first


@pytest.mark.parametrize("name", ["", *manual.chapters()])
def test_every_link_leads_somewhere(web: Client, name: str) -> None:
    address = f"/docs/{name}" if name else "/docs"
    for href in LINK.findall(page(web, address).text):
        target, place = urldefrag(urljoin(address, href))
        if target != "/" and not target.startswith(ELSEWHERE):
            assert f'id="{place}"' in page(web, target).text or not place, href


def test_a_page_is_the_file_and_nothing_of_it_is_run(web: Client) -> None:
    text = page(web, "/docs/pings").text
    assert "<title>Pings – Dogwatch</title>" in text
    assert '<h1 id="pings">Pings</h1>' in text
    assert "<table>" in page(web, "/docs/states").text
    assert "<script" not in text


def test_links_go_by_the_address_that_the_reader_has(web: Client) -> None:
    assert "127.0.0.1:8000/api" not in "".join(LINK.findall(page(web, "/docs/files").text))
    assert '<a href="../api/v1/docs">' in page(web, "/docs/files").text
    assert '<a href="../../docs">' in page(web, "/docs/dialects/cronium").text
    assert web.get("/api").headers["location"] == "api/v1/docs"


@pytest.mark.parametrize("name", ["nothing", "../README", "pings.md", "pictures/now.png", "/pings"])
def test_there_is_nothing_else(web: Client, name: str) -> None:
    assert web.get(f"/docs/{name}").status == 404


def test_the_package_carries_all_that_the_program_reads(tmp_path: Path) -> None:
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, *words, "--wheel-dir", str(tmp_path), str(HERE)], check=True)
    carried = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    source = HERE / "src"
    read = {
        str(one.relative_to(source))
        for one in source.rglob("*")
        if one.is_file() and "__pycache__" not in one.parts
    }
    docs = {f"dogwatch/docs/{path}" for path in manual.chapters().values()}
    assert not (read | docs) - carried
