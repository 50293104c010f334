"""The page for more than oneself: a name and a password are asked for, on a page that fetches nothing from outside."""

from __future__ import annotations

import http.cookiejar
import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from diffmp_core.cli.dashboard import check_passwords
from diffmp_core.errors import DiffmpError
from tests.app.served import free_port, wait_until_served

WORD = "A word & more"


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"Ann": ""}', '{"Ann": 7}', "secret"])
def test_a_file_without_names_and_passwords_is_refused(tmp_path: Path, content: str | None):
    file = tmp_path / "people.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(DiffmpError, match="names and passwords"):
        check_passwords(file)


def test_a_name_and_a_password_open_the_page(tmp_path: Path, small_folder: Path):
    file, port = tmp_path / "people.json", free_port()
    file.write_text(json.dumps({"Ann": WORD}))
    command = [sys.executable, "-m", "diffmp_core", "serve", str(small_folder), "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--basic-auth", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    person = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(path: str, **fields: str) -> tuple[str, str]:
        with person.open(url + path, urllib.parse.urlencode(fields).encode() if fields else None, timeout=60) as answer:
            return answer.url, answer.read().decode()

    try:
        wait_until_served(f"{url}/login", server)
        where, page = ask("/main")
        assert "/login" in where
        assert re.findall(r"(?:https?:)?//[\w.]+", page) == []
        assert "<b>" not in ask("/login?error=<b>no</b>")[1]
        where, page = ask("/login", username="Ann", password=WORD.lower())
        assert "Invalid username or password!" in page
        assert '"token"' not in page
        ask("/login", username="Ann", password=WORD)
        where, page = ask("/main")
        assert where.endswith("/main")
        assert '"token"' in page
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


class Unmoved(urllib.request.HTTPRedirectHandler):
    """Follows nobody."""

    def redirect_request(self, *_: object) -> None:
        """Nowhere."""


@pytest.mark.parametrize(("asked", "sent"), [("/?tab=Maps&level=3", "./main?tab=Maps&level=3"), ("/", "./main")])
def test_the_servers_own_address_keeps_what_it_asks_for(address: str, asked: str, sent: str):
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.build_opener(Unmoved).open(address.removesuffix("/main") + asked, timeout=60)
    assert told.value.code == 302
    assert told.value.headers["Location"] == sent


@pytest.mark.slow
@pytest.mark.parametrize(("address", "options"), [("127.0.0.1", ["--prefix", "lab/diffmp/"]), ("::1", [])])
def test_the_address_that_is_printed_leads_to_the_page_and_no_other_name_does(
    address: str, options: list[str], small_folder: Path
):
    port = free_port()
    command = [sys.executable, "-m", "diffmp_core", "serve", str(small_folder), "--port", str(port), *options]
    server = subprocess.Popen([*command, "--address", address], stderr=subprocess.PIPE, text=True)
    try:
        ready = next(line for line in server.stderr if "ready at" in line)
        url = re.search(r"http://\S+", ready)[0]
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert '"token"' in answer.read().decode()
            assert answer.url == f"{url}/main"
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(urllib.request.Request(url, headers={"Host": f"evil.example:{port}"}), timeout=60)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
