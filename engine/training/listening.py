"""Who is told how far a run is, and how it is stopped between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from transformers import TrainerCallback


class Listener(Protocol):
    """Who shows how far a run is. Everything is called on the thread that trains."""

    def stage_begins(self, stage: str, n_steps: int, first_step: int) -> None: ...
    def logged(self, step: int, values: Mapping[str, float]) -> None:
        """values: loss, its terms, learning_rate, grad_norm; or eval_... of an evaluation."""

    def stepped(self, step: int) -> None: ...
    def stage_ends(self, stage: str) -> None: ...


class Silent:
    """Shows nothing."""

    def stage_begins(self, stage: str, n_steps: int, first_step: int) -> None: ...
    def logged(self, step: int, values: Mapping[str, float]) -> None: ...
    def stepped(self, step: int) -> None: ...
    def stage_ends(self, stage: str) -> None: ...


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM has come since; a second one acts as usual."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.getsignal(one) for one in signals}

    def note(number: int, _: object) -> None:
        asked.set()
        signal.signal(number, before[signal.Signals(number)])

    for one in signals:
        signal.signal(one, note)
    try:
        yield asked.is_set
    finally:
        for one in signals:
            signal.signal(one, before[one])


def callback(listener: Listener, stopped: Callable[[], bool]) -> TrainerCallback:
    """Tells the listener what happens, and transformers when to stop."""
    from transformers import TrainerCallback

    from pagesight.engine.training.devices import together

    class Tell(TrainerCallback):  # type: ignore[misc]  # of an untyped library
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:  # noqa: ARG002
            listener.stepped(state.global_step)
            if together(stopped()):
                control.should_save = control.should_training_stop = True
            return control

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
            listener.logged(state.global_step, dict(logs or {}))

    return Tell()
