"""Our documents as HTML: what they use, and nothing that gets out of its place."""

import re

import pytest

from dogwatch.core.markdown import anchor, html, title


def told(text: str) -> str:
    return html(text, lambda address: "" if address.startswith("../") else address)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# A `b` c", '<h1 id="a-b-c">A <code>b</code> c</h1>'),
        ("one\ntwo", "<p>one two</p>"),
        ("- a\n  b\n- **c**", "<ul><li>a b</li><li><strong>c</strong></li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("```sh\n<a> **b**\n```", '<pre tabindex="0"><code>&lt;a&gt; **b**</code></pre>'),
        ("[a `b`](c.md#d)", '<p><a href="c.md#d">a <code>b</code></a></p>'),
        ("[a](../c.md)", "<p>a</p>"),
        ("*a* <script>", "<p><em>a</em> &lt;script&gt;</p>"),
        ("`[a](b)` 2 * 3 * 4", "<p><code>[a](b)</code> 2 * 3 * 4</p>"),
    ],
)
def test_what_our_documents_use(text: str, shown: str) -> None:
    assert told(text) == shown


def test_tables_have_heads_and_pipes() -> None:
    shown = told("| a | b |\n|---|---|\n| `x` | y \\| z |")
    assert re.sub(r"<[^>]*>", "/", shown).split("/") != []
    assert '<th scope="col">a</th>' in shown
    assert "<td><code>x</code></td><td>y | z</td>" in shown


def test_titles_and_anchors() -> None:
    assert title("text\n# The `name`\n") == "The name"
    assert anchor("What, and how?") == "what-and-how"
