"""Law: the image is made of what is here, keeps all in its volume, and knows the settings."""

import re

from dogwatch.config import VARIABLES
from tests.laws.house import ROOT, nothing

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
SENT = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").split() if line[0] == "!"}


def test_the_image_is_made_of_what_is_here() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY ([^-].*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == SENT
    nothing(source for source in copied if not (ROOT / source).exists())


def test_the_image_knows_the_settings() -> None:
    settings = dict(re.findall(r"\b(DOGWATCH_\w+)=(\S+)", DOCKERFILE))
    assert settings.keys() - VARIABLES == set()
    assert f"VOLUME {settings['DOGWATCH_DATA']}\n" in DOCKERFILE
    assert f"EXPOSE {settings['DOGWATCH_LISTEN'].rpartition(':')[2]}\n" in DOCKERFILE
