"""Ways to ping, to be copied: the address is real."""

from collections.abc import Iterator

CURL = "curl -fsS -m 10 --retry 5"
_SYSTEMD = """[Service]
Type=oneshot
ExecStartPre=-{curl} {url}/start
ExecStart=/usr/local/bin/your-command
ExecStopPost=-sh -c 'test "$$SERVICE_RESULT" = success && {curl} {url} || {curl} {url}/fail'
"""
_PHP = """<?php
$ping = stream_context_create(['http' => ['timeout' => 10]]);
@file_get_contents('{url}', false, $ping);
"""
_PYTHON = """from urllib.request import urlopen

urlopen("{url}", timeout=10)
"""
_GITHUB = """- name: Tell Dogwatch
  if: always()
  run: {curl} "{url}${{{{ job.status != 'success' && '/fail' || '' }}}}"
"""
_KUBERNETES = """args:
- sh
- -c
- your-command; s=$?; {curl} {url}/$s; exit $s
"""


def ways(url: str) -> Iterator[tuple[str, str]]:
    """Yield (where, what to write there) for an address to ping."""
    for word, text in (
        ("crontab", "0 2 * * * your-command; {curl} {url}/$?"),
        ("systemd", _SYSTEMD),
        ("Python", _PYTHON),
        ("PHP", _PHP),
        ("PowerShell", 'Invoke-RestMethod -TimeoutSec 10 "{url}"'),
        ("GitHub Actions", _GITHUB),
        ("Kubernetes", _KUBERNETES),
    ):
        yield word, text.format(url=url, curl=CURL).strip()
