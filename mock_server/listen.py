"""``kling-mock listen``: a receiver of callbacks for the shell, which verifies, shows, forwards and misbehaves.

Exit codes: 0 ended by a signal, or by --count; 1 --count was not reached within --timeout; 2 a mistake, in one line.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from urllib.parse import urlsplit

from mock_server import listen_options, sockets
from mock_server.listen_app import Listener
from mock_server.listen_forward import Forwarder
from mock_server.listen_options import Plan
from mock_server.listen_print import Printer
from mock_server.outlet import Outlet
from mock_server.server import Server
from mock_server.terminal import complain

#: Wall seconds that the last lines get to be read.
_LAST_LINES_S = 2.0
_HERE = ("localhost", "127.0.0.1", "::1")


def fill(parser: argparse.ArgumentParser) -> None:
    """Gives the parser of ``listen`` its options."""
    listen_options.add(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Listens until told to stop; returns the exit code.

    Raises:
        CannotStart: the address cannot be listened on.
    """
    plan = listen_options.plan_of(arguments)
    sock = sockets.listen(plan.host, plan.port)
    url = sockets.url_of(sock)
    if _is_here(plan.forward_to, url):
        sock.close()
        arguments.parser.error("--forward-to is where this listens; forward to another port")
    outlet = Outlet(sys.stdout)
    forwarder = Forwarder(plan.forward_to) if plan.forward_to else None
    printer = Printer(outlet, plan, forwarder.shown if forwarder else "")
    missing = _serve(plan, printer, forwarder, sock, url + plan.path)
    printer.stopped()
    outlet.close(_LAST_LINES_S)
    if missing:
        complain(missing)
    return 1 if missing else 0


def _serve(
    plan: Plan, printer: Printer, forwarder: Forwarder | None, sock: socket.socket, url: str
) -> str:
    """Serves until the end; returns why --count was not reached in time, or nothing."""
    late = ""

    def stop(_signal: int = 0, _frame: FrameType | None = None) -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    def enough() -> None:
        server.should_exit = True

    def run_out() -> None:
        nonlocal late
        if not server.should_exit:
            late = f"{listener.done} of {plan.count} deliveries came within {plan.timeout_s:g} s"
            server.should_exit = True

    def ready() -> None:
        printer.ready(url)
        if plan.timeout_s is not None:
            asyncio.get_running_loop().call_later(plan.timeout_s, run_out)

    listener = Listener(plan, printer, forwarder, enough)
    server = _Server(listener, ready)
    # Before the loop runs, so that no moment is left in which a signal kills the process.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, stop)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[sock]))
    return late


class _Server(Server):
    """The server of a listener: when it stops, nobody is kept waiting."""

    def __init__(self, listener: Listener, on_ready: Callable[[], None]) -> None:
        super().__init__(listener, None, on_ready)
        self._listener = listener

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what is held, then stops as the mock does."""
        self._listener.stopping.set()
        await super().shutdown(sockets)


def _is_here(target: str, url: str) -> bool:
    """Whether a target is this listener itself."""
    there, here = urlsplit(target), urlsplit(url)
    port = there.port or (443 if there.scheme == "https" else 80)
    return bool(target) and port == here.port and there.hostname in (here.hostname, *_HERE)
