"""Defects that show when several ask at the same moment, or much later. All are of the second server."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import Any

from tests.broken.base import Table
from tests.healthy.model import Account
from tests.healthy.server import Reply, Request, Server

TABLE = Table()
second = TABLE.second
#: Seconds for which a request is on its way through what others use too.
_SHARED_S = 0.03


class _Shared(Server):
    """A second server whose requests wait, before they are served, beside each other."""

    last: Request

    def reply(self, request: Request) -> Reply:
        self.last = request
        if request.method == "POST" and request.path.endswith("/custom-voices"):
            time.sleep(_SHARED_S)
            request = self.mixed_up(request)
        return super().reply(request)

    def mixed_up(self, request: Request) -> Request:
        """What becomes of a creation by then."""
        return request


class _Fields(_Shared):
    """A second server that keeps the fields of a creation where the next one puts its own."""

    name = ""
    kept: Any = None

    def reply(self, request: Request) -> Reply:
        if request.method == "POST" and request.path.endswith("/custom-voices"):
            self.kept = _asked(request).get(self.name)
        return super().reply(request)

    def mixed_up(self, request: Request) -> Request:
        asked = _asked(request)
        if self.name not in asked or self.kept is None:
            return request
        return replace(request, body=json.dumps({**asked, self.name: self.kept}).encode())


@second("task.info.echo|voice-create.external-id.unique")
class _ExternalIdsSwapped(_Fields):
    """Of creations at the same moment, each gets the external id of the last."""

    name = "external_task_id"


@second("voice.name.echo")
class _NamesSwapped(_Fields):
    """Of creations at the same moment, each gets the name of the last."""

    name = "voice_name"


@second("callback.on-change|callback.terminal")
class _AddressesSwapped(_Fields):
    """Of creations at the same moment, each is told of at the address of the last."""

    name = "callback_url"


@second("ids.unique")
class _OneIdAtOnce(_Shared):
    """Creations at the same moment get one task_id."""

    at = 0.0
    given = ""

    def create_voice(self, account: Account, request: Request) -> Any:
        record = super().create_voice(account, request)
        now = time.monotonic()
        if now - self.at > _SHARED_S / 2:
            self.at, self.given = now, str(record["task_id"])
        return {**record, "task_id": self.given}


@second("server.no-5xx")
class _NoListMeanwhile(_Shared):
    """While a task is being created, the list is HTTP 500."""

    creating = 0

    def reply(self, request: Request) -> Reply:
        is_creation = request.method == "POST" and request.path.endswith("/custom-voices")
        if not is_creation and self.creating and request.path.endswith("/custom-voices"):
            return self.enveloped(500, 5000, "the list has changed", ...)
        self.creating += is_creation
        try:
            return super().reply(request)
        finally:
            self.creating -= is_creation


@second("auth.account")
class _AccountsBleed(Server):
    """Requests at the same moment are served as those of one account."""

    credential = ""

    def reply(self, request: Request) -> Reply:
        own = request.headers.get("authorization", "")
        if own:
            self.credential = own
            time.sleep(_SHARED_S / 2)
            request = replace(
                request, headers={**request.headers, "authorization": self.credential}
            )
        return super().reply(request)


@second("media.url.expires")
class _AudioGoneSoon(Server):
    """An audio is gone soon after it was spoken."""

    def file(self, request: Request) -> Reply:
        if request.query and time.monotonic() - self.spoken[request.query] > 0.3:
            return Reply(404, b"gone", "text/plain")
        return super().file(request)

    def speech(self, account: Account, request: Request) -> Any:
        spoken = super().speech(account, request)
        audio, which = spoken["task_result"]["audios"][0], f"n={len(self.spoken)}"
        audio["url"] += f"?{which}"
        self.spoken[which] = time.monotonic()
        return spoken

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.spoken: dict[str, float] = {}


@second("schema.answer|presets.endpoint", presets=5)
class _LibraryOfVoices(Server):
    """The official library lists voices, with no tasks around them."""

    def list_presets(self, account: Account, request: Request) -> Any:
        shown = super().list_presets(account, request)
        return [voice for task in shown for voice in task["task_result"]["voices"]]


@second("auth.account")
class _ForeignTasksFurtherOn(Server):
    """From the second page on, the list shows the tasks of all accounts."""

    def list_voices(self, account: Account, request: Request) -> Any:
        if "pageNum=" in request.query and "pageNum=1&" not in f"{request.query}&":
            theirs = [other for other in self.accounts.values() if other is not account]
            tasks = {task.id: task for other in theirs for task in other.tasks.values()}
            account = Account(account.name, tasks={**account.tasks, **tasks})
        return super().list_voices(account, request)


@second("envelope.json")
class _TooManyInSilence(Server):
    """More than some requests in a while are refused with HTTP 429 and nothing else."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.times: list[float] = []
        self.turn = threading.Lock()

    def reply(self, request: Request) -> Reply:
        now = time.monotonic()
        with self.turn:
            self.times = [at for at in self.times if now - at < 0.1]
            if len(self.times) >= 15:
                return Reply(429, b"", "")
            self.times.append(now)
        return super().reply(request)


@second("server.answers")
class _PlainErrorsCalledPacked(Server):
    """Refusals say that they are compressed, and are not."""

    def reply(self, request: Request) -> Reply:
        answer = super().reply(request)
        if answer.status >= 400:
            answer.headers["Content-Encoding"] = "gzip"
        return answer


def _asked(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
