"""Law: files and commit messages speak of the project alone."""

from tests.laws.house import ROOT, git, nothing

# Written apart, so that this file does not find itself.
FORBIDDEN = tuple(
    "".join(parts)
    for parts in (
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("py", "env"),
        ("/opt/", "wheels"),
        ("/opt/", "pypi"),
        ("py", "pi.org"),
        ("python", "hosted"),
        ("registry.", "npmjs"),
        ("deb.", "debian.org"),
        ("clau", "de"),
        ("anthro", "pic"),
        ("chat", "gpt"),
        ("co", "pilot"),
        ("language ", "model"),
        ("co-authored", "-by"),
    )
)
FOREIGN_TEXTS = {"LICENSE"}


def forbidden_in(text: str) -> list[str]:
    """Return the forbidden words that a text holds."""
    lowered = text.lower()
    return [word for word in FORBIDDEN if word in lowered]


def tracked() -> list[str]:
    """Return the files of the repository, apart from texts that are not ours."""
    return [
        name for name in git("ls-files", "-z").split("\0") if name and name not in FOREIGN_TEXTS
    ]


def test_files_speak_of_the_project_alone() -> None:
    texts = {n: (ROOT / n).read_text("utf-8", "replace") for n in tracked() if (ROOT / n).is_file()}
    nothing(f"{name}: {word}" for name, text in texts.items() for word in forbidden_in(text))


def test_commit_messages_speak_of_the_project_alone() -> None:
    nothing(forbidden_in(git("log", "--format=%B")))


def test_a_planted_word_is_seen() -> None:
    assert forbidden_in("see " + FORBIDDEN[0].upper() + "main") == [FORBIDDEN[0]]
