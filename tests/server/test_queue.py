"""Work behind a bounded queue: what does not fit is refused, and what nobody waits for is not begun."""

import asyncio
import threading

import pytest

from pagesight.engine.server.errors import Busy, TookTooLong
from pagesight.engine.server.queue import ClientGone, WorkQueue


def run(scene, **settings):
    async def play():
        queue = WorkQueue("test", **{"n_threads": 1, "waiting": 1, "seconds": 20, **settings})
        try:
            await scene(queue)
        finally:
            queue.close()

    asyncio.run(play())


def test_what_a_function_returns_or_raises_comes_back():
    async def scene(queue):
        assert await queue.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await queue.run(divmod, 7, 0)
        await asyncio.sleep(0)
        assert queue.pending == 0

    run(scene)


def test_one_more_than_fits_is_refused_and_a_place_that_is_free_again_is_given():
    async def scene(queue):
        gate, ran = threading.Event(), []
        first = asyncio.create_task(queue.run(gate.wait))
        second = asyncio.create_task(queue.run(ran.append, 2))
        await asyncio.sleep(0.05)
        with pytest.raises(Busy, match="2 requests"):
            await queue.run(ran.append, 3)
        gate.set()
        await asyncio.gather(first, second)
        await queue.run(ran.append, 4)
        assert ran == [2, 4]

    run(scene)


def test_what_nobody_waits_for_is_not_begun():
    async def scene(queue):
        gate, ran = threading.Event(), []
        first = asyncio.create_task(queue.run(gate.wait))
        await asyncio.sleep(0.05)

        async def gone():
            return False

        with pytest.raises(ClientGone):
            await queue.run_for(gone, lambda: ran.append("gone"))
        cancelled = asyncio.create_task(queue.run(ran.append, "cancelled"))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        gate.set()
        await first
        await queue.run(ran.append, "last")
        assert ran == ["last"]

    run(scene)


def test_an_answer_that_takes_too_long_is_given_up_and_keeps_its_place_until_it_ends():
    async def scene(queue):
        begun, gate = threading.Event(), threading.Event()
        answer = asyncio.create_task(queue.run(lambda: begun.set() or gate.wait()))
        await asyncio.sleep(0)
        assert begun.wait(60)  # the loop is held up until then: what has not begun would be given up altogether
        with pytest.raises(TookTooLong):
            await answer
        assert queue.pending == 1
        gate.set()
        while queue.pending:  # noqa: ASYNC110 - a count, and no event
            await asyncio.sleep(0.01)

    run(scene, seconds=0.1)
