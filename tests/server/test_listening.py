"""Connections of the server as the system has them."""

import asyncio
import socket

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")

import uvicorn
from uvicorn.server import ServerState

from pagesight.engine.server import listen


def test_what_is_written_is_sent_at_once():
    """Else the body of a small answer waits until its head is acknowledged, 40 ms on Linux."""

    async def options():
        config = uvicorn.Config(lambda: None, http=listen._Protocol, log_config=None, ws="none", lifespan="off")
        config.load()
        made = []

        def protocol():
            made.append(listen._Protocol(config=config, server_state=ServerState(), app_state={}))
            return made[-1]

        bound = listen._socket("127.0.0.1", 0)
        server = await asyncio.get_running_loop().create_server(protocol, sock=bound)
        async with server:
            _, writer = await asyncio.open_connection(*bound.getsockname())
            while not (made and made[0].transport):  # noqa: ASYNC110 - it is accepted in the next round of the loop
                await asyncio.sleep(0)
            accepted = made[0].transport.get_extra_info("socket")
            nodelay = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            made[0].transport.close()
            writer.close()
            await writer.wait_closed()
        return nodelay

    assert asyncio.run(options()) != 0
