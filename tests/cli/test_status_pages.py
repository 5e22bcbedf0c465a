"""status-page against recorded answers."""

import json
from typing import Any

import pytest

from tests.cli.stub import Here, Stub

PAGE: dict[str, Any] = {
    "id": "p1", "slug": "shop", "title": "Shop status", "description": "", "public": True,
    "items": [
        {"name": "Website", "watch": "shop-web", "tag": None},
        {"name": "Payments", "watch": None, "tag": "pay"},
    ],
    "url": "https://dw.example/status/shop", "created_at": "2026-11-20T02:00:00Z",
    "updated_at": "2026-11-20T02:00:00Z",
}  # fmt: skip
POST: dict[str, Any] = {
    "id": "n1", "page_id": "p1", "title": "Payments fail", "impact": "major",
    "state": "investigating", "opened_at": "2026-11-20T02:00:00Z", "resolved_at": None,
    "updates": [],
}  # fmt: skip


@pytest.fixture
def shop(stub: Stub) -> Stub:
    """The stub with one page and one post."""
    stub.replies |= {
        "GET /api/v1/status-pages": (200, {"data": [PAGE], "next_cursor": None}),
        "POST /api/v1/status-pages": (201, PAGE),
        "GET /api/v1/status-pages/shop": (200, PAGE),
        "PATCH /api/v1/status-pages/shop": (200, PAGE),
        "DELETE /api/v1/status-pages/shop": (204, ""),
        "GET /api/v1/status-pages/shop/posts": (200, {"data": [POST], "next_cursor": None}),
        "POST /api/v1/status-pages/shop/posts": (201, POST),
        "PATCH /api/v1/status-posts/n1": (200, POST | {"state": "resolved"}),
    }
    return stub


def sent(stub: Stub) -> Any:
    return json.loads(stub.requests[-1].body)


def test_a_page_is_made_of_names(here: Here, shop: Stub) -> None:
    words = ("--slug", "shop", "--public", "--watch", "A = b=shop-web", "--tag", "Payments=pay")
    done = here("status-page", "add", "Shop status", *words)
    assert done.stdout == "https://dw.example/status/shop\n"
    assert sent(shop) == {
        "title": "Shop status", "description": "", "public": True, "slug": "shop",
        "items": [{"name": "A = b", "watch": "shop-web"}, {"name": "Payments", "tag": "pay"}],
    }  # fmt: skip
    assert here("status-page", "add", "x", "--watch", "shop-web").returncode == 2


def test_pages_are_listed_and_shown(here: Here, shop: Stub) -> None:
    assert here.json("status-page", "ls") == [PAGE]
    assert "public" in here("status-page", "ls").stdout.splitlines()[1]
    shown = here("status-page", "show", "shop").stdout
    assert "Website: shop-web" in shown
    assert "Payments: tag pay" in shown
    assert "Payments fail" in shown
    assert here.json("status-page", "show", "shop") == PAGE | {"posts": [POST]}


def test_a_page_is_changed_and_removed(here: Here, shop: Stub) -> None:
    here("status-page", "set", "shop", "--unlisted", "--title", "Shop")
    assert sent(shop) == {"title": "Shop", "public": False}
    here("status-page", "set", "shop", "--watch", "Website=web")
    assert sent(shop) == {"items": [{"name": "Website", "watch": "web"}]}
    assert here("status-page", "set", "shop").returncode == 2
    assert here("status-page", "rm", "shop", "--yes").stdout == "status page shop is deleted\n"


def test_incidents_are_posted_and_updated(here: Here, shop: Stub) -> None:
    done = here("status-page", "post", "shop", "Payments fail", "--text", "We look.")
    assert done.stdout == "Payments fail is post n1\n"
    assert sent(shop) == {
        "title": "Payments fail", "text": "We look.", "impact": "minor", "state": "investigating",
    }  # fmt: skip
    done = here("status-page", "update", "n1", "--state", "resolved", "--text", "Well.")
    assert done.stdout == "Payments fail: resolved\n"
    assert sent(shop) == {"state": "resolved", "text": "Well."}
    assert here("status-page", "update", "n1").returncode == 2
