"""Sessions do not leak: two hundred of them opened and closed leave the server as large as it was."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest
from diffmp_app.state.choices import TABS
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from tests.app.served import serve

SESSIONS = 200
WARM_UP = 24
GROWTH = 0.05
"""Part of its memory that the server may grow by."""
SHORT_LIVED = ("--unused-session-lifetime", "500", "--check-unused-sessions", "250", "--warm")
"""Sessions that nobody looks at are dropped at once, not after a quarter of a minute."""


async def visit(url: str, number: int) -> None:
    """Open the page at one of its tabs as a browser does, take the document over the websocket, and leave."""
    query = urlencode({"tab": TABS[number % len(TABS)], "level": number % 30})
    page = await AsyncHTTPClient().fetch(f"{url}?{query}", request_timeout=60)
    token = re.search(r'"token":"([^"]+)"', page.body.decode())
    assert token
    socket = await websocket_connect(f"{url.replace('http', 'ws', 1)}/ws", subprotocols=["bokeh", token[1]])
    await _receive(socket, "ACK")
    for part in ({"msgid": str(number), "msgtype": "PULL-DOC-REQ"}, {}, {}):
        await socket.write_message(json.dumps(part))
    assert json.loads(await _receive(socket, "PULL-DOC-REPLY"))["doc"]["roots"]
    socket.close()


async def _receive(socket, kind: str) -> str:
    """The content of the next message of a kind: its third part after its header."""
    while True:
        part = await asyncio.wait_for(socket.read_message(), 60)
        assert part is not None
        if isinstance(part, str) and f'"msgtype":"{kind}"' in part.replace(" ", ""):
            await socket.read_message()
            return await socket.read_message()


async def visit_all(url: str, numbers: range) -> None:
    """One visit after the other."""
    for number in numbers:
        await visit(url, number)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_sessions_leave_no_trace(experiment_folder: Path, small_folder: Path):
    with serve([experiment_folder, small_folder], *SHORT_LIVED) as server:
        process = psutil.Process(server.process.pid)
        asyncio.run(visit_all(server.url, range(WARM_UP)))
        before = process.memory_info().rss
        asyncio.run(visit_all(server.url, range(SESSIONS)))
        time.sleep(2)  # the last sessions are dropped
        growth = process.memory_info().rss / before - 1
        assert growth < GROWTH, f"the server has grown by {growth:.1%} over {SESSIONS} sessions"
