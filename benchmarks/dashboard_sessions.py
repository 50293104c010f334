"""Many readers at once without a browser: sessions over websockets that move a slider and wait for the picture."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import numpy as np
from dashboard_window import PATIENCE_S, Server
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

READERS = 20
ROUNDS = 5
PAUSE_S = 1.0
"""A reader at leisure moves a slider once in this time."""
LARGEST = 2**27
"""Bytes of a message that are taken."""
QUEUE_SLIDER = "Warm or cool [K]"
Arrived = Callable[[dict[str, Any], int], bool]


class Reader:
    """One session. ``sliders`` are the ids of its sliders' models by the first word of their label."""

    def __init__(self, socket: WebSocketClientConnection, frames: asyncio.Queue[str | bytes | None]) -> None:
        """``frames`` gets every frame at once: a socket whose frames wait answers no ping, and is closed."""
        self.sliders: dict[str, str] = {}
        self._socket, self._frames, self._numbers = socket, frames, itertools.count()

    @classmethod
    async def open(cls, address: str) -> Reader:
        """Open the page as a browser does and take its document; a live tab is built when that is done."""
        page = await AsyncHTTPClient().fetch(address, request_timeout=PATIENCE_S)
        token = re.search(r'"token":"([^"]+)"', page.body.decode())
        if token is None:
            raise SystemExit(f"no session at {address}")
        where = address.partition("?")[0].replace("http", "ws", 1)
        frames: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        socket = await websocket_connect(
            f"{where}/ws",
            subprotocols=["bokeh", token[1]],
            max_message_size=LARGEST,
            on_message_callback=frames.put_nowait,
        )
        reader = cls(socket, frames)
        for _ in (
            "header",
            "metadata",
            "content",
        ):  # of the acknowledgement; what is asked before it closes the session
            await reader._frame()
        await reader._send("PULL-DOC-REQ", {})
        await reader.until(lambda content, _: "doc" in content)
        await reader._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": DOCUMENT_READY})
        return reader

    async def move(self, slider: str, value: float, arrived: Arrived) -> float:
        """Move a slider; milliseconds until a message that counts as the answer."""
        start = time.perf_counter()
        await self._patch(
            {"kind": "ModelChanged", "model": {"id": self.sliders[slider]}, "attr": "value", "new": value}
        )
        await self.until(arrived)
        return 1e3 * (time.perf_counter() - start)

    async def until(self, arrived: Arrived) -> None:
        """Read messages until one counts; each is its content and its size with buffers [bytes]."""
        while True:
            header = json.loads(await self._frame())
            await self._frame()
            text = await self._frame()
            buffers = [await self._frame() for _ in range(2 * int(header.get("num_buffers", 0)))]
            content = json.loads(text)
            for model in _models(content):
                if "Slider" in model["name"] and (label := str(model["attributes"].get("label") or "")):
                    self.sliders[label.partition(":")[0]] = model["id"]
            if arrived(content, len(text) + sum(map(len, buffers))):
                return

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    async def _frame(self) -> str | bytes:
        frame = await asyncio.wait_for(self._frames.get(), PATIENCE_S)
        if frame is None:
            raise SystemExit("the server has closed a session")
        return frame

    async def _patch(self, event: dict[str, Any]) -> None:
        await self._send("PATCH-DOC", {"events": [event]})

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        for part in ({"msgid": f"reader-{next(self._numbers)}", "msgtype": kind}, {}, content):
            await self._socket.write_message(json.dumps(part))


DOCUMENT_READY = {"type": "event", "name": "document_ready", "values": {"type": "map", "entries": []}}


def _models(content: object) -> Iterator[dict[str, Any]]:
    """Models that a message brings, with their attributes."""
    if isinstance(content, dict):
        if content.get("type") == "object" and "attributes" in content:
            yield content
        for part in content.values():
            yield from _models(part)
    elif isinstance(content, list):
        for part in content:
            yield from _models(part)


async def _with_readers(addresses: Sequence[str], ready: str, work: Callable[[list[Reader]], Awaitable[Any]]) -> Any:
    """Open a session at each address, wait until each has a slider, work with them, and close them."""
    readers = [await Reader.open(address) for address in addresses]
    try:
        for reader in readers:
            if ready not in reader.sliders:
                await reader.until(lambda _, __, reader=reader: ready in reader.sliders)
        return await work(readers)
    finally:
        for reader in readers:
            reader.close()


def level_changes(server: Server, *, cells: int) -> tuple[float, float]:
    """95th percentiles of a change of level in all sessions at the same moment, and in each once a second [ms].

    The answer is the message that holds a value for each of the map's ``cells``.
    """

    def drawn(_: object, size: int) -> bool:
        return size >= np.dtype(np.float32).itemsize * cells

    async def work(readers: list[Reader]) -> tuple[float, float]:
        together: list[float] = []
        for turn in range(ROUNDS + 1):
            waits = await asyncio.gather(*(reader.move("Level", 5 + turn, drawn) for reader in readers))
            together += waits if turn else []

        async def at_leisure(reader: Reader, place: int) -> list[float]:
            await asyncio.sleep(PAUSE_S * place / READERS)
            waits = []
            for turn in range(ROUNDS):
                waits.append(await reader.move("Level", 15 + turn, drawn))
                await asyncio.sleep(max(0.0, PAUSE_S - waits[-1] / 1e3))
            return waits

        apart = await asyncio.gather(*(at_leisure(reader, place) for place, reader in enumerate(readers)))
        return float(np.percentile(together, 95)), float(np.percentile(np.concatenate(apart), 95))

    address = server.address(experiment="demo", tab="Maps")
    return asyncio.run(_with_readers([address] * READERS, "Level", work))


def model_queue(server: Server) -> tuple[float, float]:
    """Median and largest wait for a live response [ms]: each session asks again as soon as it is answered."""

    def answered(content: dict[str, Any], _: int) -> bool:
        return "members, seed" in json.dumps(content)

    async def ask(reader: Reader) -> list[float]:
        await reader.until(answered)  # the page's own first question
        return [await reader.move(QUEUE_SLIDER, 0.25 * turn, answered) for turn in range(1, ROUNDS + 2)][1:]

    async def work(readers: list[Reader]) -> tuple[float, float]:
        waits = np.concatenate(await asyncio.gather(*map(ask, readers)))
        return float(np.median(waits)), float(waits.max())

    addresses = [server.address(experiment="demo", tab="Sensitivity", cell=500 * i) for i in range(READERS)]
    return asyncio.run(_with_readers(addresses, QUEUE_SLIDER, work))
