"""Serving in the main thread until SIGINT or SIGTERM: what ``kling-mock serve`` does."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from types import FrameType

from mock_server.console import Console
from mock_server.http.app import create_app
from mock_server.outlet import Outlet
from mock_server.server import Server
from mock_server.settings import Settings
from mock_server.sockets import listen, url_of

#: New objects before they are looked through for garbage. Tasks are kept for good, so looking often is in vain.
_GC_THRESHOLD = 20_000


#: Seconds that the last lines get to be read.
_LAST_LINES_S = 0.5
_STANDARD_INPUT = 0


def serve(settings: Settings, *, until_eof: bool = False) -> int:
    """Serves until told to stop; returns 0.

    Args:
        until_eof: the end of standard input tells it too, so that it does not outlive whoever started it.

    Raises:
        CannotStart: the address cannot be listened on.
        BrokenFile: a document or fixture cannot be used.
    """
    outlet = Outlet(sys.stdout)
    console = Console(outlet, settings)
    app = create_app(settings, console)
    world = app.state.world
    sock = listen(settings.host, settings.port)
    server = Server(app, world, lambda: console.ready(url_of(sock), world.seed))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    gc.freeze()  # the world lives as long as the process: not looked through again and again
    gc.set_threshold(_GC_THRESHOLD, 20, 50)
    gc.enable()
    if until_eof:
        threading.Thread(target=_stop_at_the_end, args=(server,), daemon=True).start()
    # Before the loop runs, so that no moment is left in which a signal kills the process.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, stop)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[sock]))
    console.stopped(outlet.dropped)
    outlet.close(_LAST_LINES_S)
    return 0


def _stop_at_the_end(server: Server) -> None:
    with contextlib.suppress(OSError):  # closed from the beginning: that is an end as well
        while os.read(_STANDARD_INPUT, 65_536):
            pass
    server.stop()
