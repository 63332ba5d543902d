"""Defects that real servers have every day: keys, scripts, encodings, numbers and threads.

All are of the second server. What each was modelled on is a habit of some stack: a collation, a numeric column, a cache
key, a filter of paths, a field that two threads share.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, unquote_plus

from tests.broken.base import Table
from tests.broken.voices import SOON
from tests.healthy import rules
from tests.healthy.model import TERMINAL, Account, Task, now_ms
from tests.healthy.rules import Fields, Refusal
from tests.healthy.server import FILES, Record, Reply, Request, Server

TABLE = Table()
second = TABLE.second


# ---- external ids -------------------------------------------------------------------------------


@second("voice-get.by-external-id")
class _NumbersAreTaskIds(Server):
    """In a query digits are a task_id, never an external id."""

    def query_voice(self, account: Account, name: str) -> Any:
        is_lost = name.isdigit() and name not in account.tasks
        return super().query_voice(account, "" if is_lost else name)


@second("task.info.echo|voice-get.by-external-id")
class _NumbersLoseZeros(Server):
    """External ids of digits are kept as integers."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        word = given["external_task_id"]
        kept = str(int(word)) if word.isdecimal() else word
        return super().begin(account, {**given, "external_task_id": kept}, trial_url)


@second("task.info.echo|voice-get.by-external-id")
class _NumbersAreDoubles(Server):
    """External ids of digits are kept as doubles."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        word = given["external_task_id"]
        is_number = word.isdecimal() and not word.startswith("0")
        kept = str(int(float(word))) if is_number else word
        return super().begin(account, {**given, "external_task_id": kept}, trial_url)


class _Path(Server):
    """A second server that reads the id in a path otherwise."""

    def routed(self, dialect: str, place: str, request: Request) -> Any:
        before, mark, name = place.partition("/custom-voices/")
        return super().routed(dialect, before + mark + self.read(name), request)

    def read(self, name: str) -> str:
        """The id as it comes through, still encoded."""
        raise NotImplementedError


@second("voice-create.external-id.no-bound")
class _SlashesEndPaths(_Path):
    """An encoded slash in an id is one of the path."""

    def read(self, name: str) -> str:
        return re.sub("%2f", "/", name, flags=re.IGNORECASE)


@second("voice-get.by-external-id")
class _Matrix(_Path):
    """What follows a semicolon in a path is a parameter, encoded or not."""

    def read(self, name: str) -> str:
        return re.split("%3B|;", name, flags=re.IGNORECASE)[0]


@second("voice-get.by-external-id")
class _DecodedTwice(_Path):
    """The id in a path is decoded by the proxy, and again by the server."""

    def read(self, name: str) -> str:
        return unquote(name) if "/" not in unquote(name) else name


@second("voice-get.by-external-id")
class _LatinPaths(_Path):
    """The id in a path is read as Latin-1."""

    def read(self, name: str) -> str:
        return "".join(f"%{byte:02X}" for byte in unquote(name, "latin-1").encode())


@second("server.no-5xx|voice-create.external-id.no-bound")
class _QuotesInQueries(Server):
    """A query that names an external id with a quote ends in an error of the database."""

    def query_voice(self, account: Account, name: str) -> Any:
        if "'" in name:
            raise Refusal(500, 5000, "unterminated quoted string")
        return super().query_voice(account, name)


@second("task.info.echo|voice-get.by-external-id")
class _BasicPlaneOnly(Server):
    """What is beyond the basic plane is kept as a question mark."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        kept = {
            name: value if name.endswith("url") else re.sub("[\U00010000-\U0010ffff]", "?", value)
            for name, value in given.items()
        }
        return super().begin(account, kept, trial_url)


# ---- bodies -------------------------------------------------------------------------------------


@second("voice.name.echo|task.info.echo")
class _LatinBodies(Server):
    """Bodies are read as Latin-1: only what is escaped in them survives."""

    def fields(self, request: Request) -> Fields:
        found = Fields(request.body, self.reading)
        text = request.body.decode("latin-1").encode()
        return Fields(text, self.reading) if found.given else found


@second("voice-create.endpoint|voice.name.echo|task.info.echo")
class _NoEscapes(Server):
    """Escapes in the texts of a body are kept as they were written."""

    def fields(self, request: Request) -> Fields:
        return Fields(re.sub(rb"\\u(?=[0-9a-f]{4})", rb"\\\\u", request.body), self.reading)


# ---- threads and copies ---------------------------------------------------------------------------


class _Slow(Server):
    """A second server in which callers do not wait for each other."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lock = _NoLock()  # type: ignore[assignment]


class _NoLock:
    def __enter__(self) -> None:
        """Lets everybody through."""

    def __exit__(self, *_: object) -> None:
        """Is never locked."""


@second("voice-delete.twice")
class _DeletedAtOnce(_Slow):
    """Between the look whether a voice is there and its deletion some time passes."""

    def delete(self, task: Task) -> None:
        time.sleep(0.03)
        super().delete(task)


@second("voice-get.by-task-id")
class _SharedRequest(_Slow):
    """The id that is asked for is kept where the next caller writes his own."""

    asked = ""

    def query_voice(self, account: Account, name: str) -> Any:
        self.asked = name
        time.sleep(0.01)
        return super().query_voice(account, self.asked)


@second("task.info.echo|voice.name.echo|voice-create.external-id.unique")
class _SharedFields(_Slow):
    """The fields of a request are kept where the next caller's overwrite them."""

    given: Mapping[str, str] = {}

    def may_create(self, account: Account, given: Mapping[str, str]) -> None:
        self.given = given
        super().may_create(account, given)
        time.sleep(0.03)

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        return super().begin(account, {**given, **self.given}, trial_url)


@second("auth.account|voice-get.by-task-id")
class _SharedAccount(_Slow):
    """The account of a request is kept where the next caller's overwrites it."""

    account: Account

    def let_in(self, request: Request) -> Account:
        self.account = super().let_in(request)
        time.sleep(0.01)
        return self.account


@second("ids.unique")
class _SpeechesOfAMoment(_Slow):
    """Ids of speeches are the clock in hundredths of a second."""

    last = 0

    def speech(self, account: Account, request: Request) -> Any:
        made: Record = super().speech(account, request)
        at = now_ms() // 10
        while at <= self.last:  # one caller after the other never gets the same
            time.sleep(0.001)
            at = now_ms() // 10
        time.sleep(0.03)
        self.last = max(self.last, at)
        return {**made, "task_id": str(at)}


@second("task.status.transitions|task.status.terminal", seconds=SOON)
class _StaleCopy(Server):
    """Every other query is answered from a copy that is a quarter of a second old."""

    looks = 0

    def query_voice(self, account: Account, name: str) -> Any:
        record: Record = super().query_voice(account, name)
        self.looks += 1
        is_young = now_ms() - record["updated_at"] < 250
        if self.looks % 2 or not is_young or record["task_status"] not in TERMINAL:
            return record
        return record | {"task_status": "processing", "task_result": {}}


@second("task.ends")
class _AstralNamesStuck(Server):
    """A voice whose name has an emoji is never made."""

    def end(self, account: Account, task: Task) -> None:
        if max(task.fields["voice_name"]) <= "\uffff":
            super().end(account, task)


# ---- caches and keys ------------------------------------------------------------------------------


@second("ids.unique")
class _VoicesNamedByName(Server):
    """The id of a voice is made of its name."""

    def move(self, account: Account, task: Task, status: str) -> None:
        digest = sum(ord(char) * 131**place for place, char in enumerate(task.fields["voice_name"]))
        task.voice_id = f"9{digest % 10**17:017d}"
        super().move(account, task, status)


@second("speech.voice.unknown")
class _VoicesByBeginning(Server):
    """A text is spoken by the voice with which the id begins."""

    def fields(self, request: Request) -> Fields:
        found = super().fields(request)
        given = found.given.get("voice_id")
        for voice in rules.VOICES:
            if isinstance(given, str) and given.startswith(voice):
                found.given["voice_id"] = voice
        return found


@second("speech.duration.true")
class _SpeechesByText(Server):
    """The file of a text is kept, whatever the speed."""

    def speech(self, account: Account, request: Request) -> Any:
        kept: dict[str, str] = self.__dict__.setdefault("kept", {})
        text, _ = rules.speech(self.fields(request), self.reading)
        made: Record = super().speech(account, request)
        audio = made["task_result"]["audios"][0]
        audio["url"] = kept.setdefault(text, audio["url"])
        return made


@second("voice-delete.by-voice-id")
class _DeletedByBeginning(Server):
    """A voice is deleted by the beginning of its id."""

    def delete_voice(self, account: Account, request: Request) -> Any:
        given = self.fields(request).text("voice_id", least=1)
        for task in account.tasks.values():
            if len(given) > 8 and task.voice_id.startswith(given) and not task.deleted:
                given = task.voice_id
                break
        body = b'{"voice_id": "%s"}' % given.encode("ascii", "replace")
        return super().delete_voice(account, _with(request, body))


@second("voice-delete.by-voice-id|voice-delete.effective|voice-delete.data|task.status.terminal")
class _DeletedByDouble(Server):
    """Ids of voices are compared as doubles."""

    def delete_voice(self, account: Account, request: Request) -> Any:
        given = self.fields(request).text("voice_id", least=1)
        for task in account.tasks.values():
            if given.isdigit() and task.voice_id and float(task.voice_id) == float(given):
                given = task.voice_id
                break
        body = b'{"voice_id": "%s"}' % given.encode("ascii", "replace")
        return super().delete_voice(account, _with(request, body))


# ---- audio ----------------------------------------------------------------------------------------


class _Mute(Server):
    """A second server that says some texts in no time."""

    def speech(self, account: Account, request: Request) -> Any:
        text, _ = rules.speech(self.fields(request), self.reading)
        made: Record = super().speech(account, request)
        if self.is_mute(text):
            made["task_result"]["audios"][0]["url"] = self.url(request, "0.mp3")
        return made

    def is_mute(self, text: str) -> bool:
        """Whether nothing is heard of it."""
        raise NotImplementedError


@second("speech.mp3|speech.duration.true")
class _ForeignTextsMute(_Mute):
    """The audio of a text that is not ASCII is empty."""

    def is_mute(self, text: str) -> bool:
        return not text.isascii()


@second("speech.mp3|speech.duration.true")
class _AstralTextsMute(_Mute):
    """The audio of a text with an emoji is empty."""

    def is_mute(self, text: str) -> bool:
        return any(char > "\uffff" for char in text)


@second("speech.mp3|speech.duration.true")
class _OneLineIsSpoken(_Mute):
    """The audio of a text of several lines is empty."""

    def is_mute(self, text: str) -> bool:
        return "\n" in text


@second("media.url.expires")
class _ShortLived(Server):
    """An audio is there for one second."""

    def speech(self, account: Account, request: Request) -> Any:
        made: Record = super().speech(account, request)
        made["task_result"]["audios"][0]["url"] += f"?of={made['task_id']}"
        return made

    def file(self, request: Request) -> Reply:
        born: dict[str, float] = self.__dict__.setdefault("born", {})
        age_s = time.monotonic() - born.setdefault(request.query, time.monotonic())
        reply = super().file(request)
        reply.status = 404 if age_s > 1 else reply.status
        return reply


# ---- lists ----------------------------------------------------------------------------------------


@second("voice-list.complete")
class _TiesShuffled(Server):
    """The list is in the order of whole seconds; within one it is another at each look."""

    looks = 0

    def list_voices(self, account: Account, request: Request) -> Any:
        self.looks += 1
        turned = self.looks % 2

        def place(task: Task) -> tuple[int, int]:
            at = list(account.tasks).index(task.id)
            return task.created_at // 1000, -at if turned else at

        tasks = {task.id: task for task in sorted(account.tasks.values(), key=place)}
        return super().list_voices(Account(account.name, tasks), request)


@second("schema.answer|envelope.data|voice-list.endpoint")
class _EmptyListsAreNull(Server):
    """A list of nothing is null."""

    def list_voices(self, account: Account, request: Request) -> Any:
        return super().list_voices(account, request) or None


@second("voice-list.complete")
class _VideosUnlisted(Server):
    """Tasks that learn from a video are not listed."""

    def list_voices(self, account: Account, request: Request) -> Any:
        shown = {key: task for key, task in account.tasks.items() if not task.fields["video_id"]}
        return super().list_voices(Account(account.name, shown), request)


@second("voice-list.complete")
class _HolesInPages(Server):
    """The tasks of deleted voices are taken out of a page, not out of the list."""

    def list_voices(self, account: Account, request: Request) -> Any:
        shown: list[Record] = super().list_voices(account, request)
        return [item for item in shown if not account.tasks[item["task_id"]].deleted]


@second("paging.number")
class _LibraryShuffled(Server):
    """The official voices are in another order at each look."""

    looks = 0

    def page(self, request: Request, items: list[Any]) -> list[Any]:
        self.looks += 1
        at = self.looks % len(items) if items and "presets" in request.path else 0
        return super().page(request, [*items[at:], *items[:at]])


# ---- telling --------------------------------------------------------------------------------------


class _Elsewhere(Server):
    """A second server that writes the address of a receiver otherwise."""

    def notify(self, account: Account, task: Task) -> None:
        given = task.fields["callback_url"]
        task.fields["callback_url"] = self.address(given)
        super().notify(account, task)
        task.fields["callback_url"] = given

    def address(self, given: str) -> str:
        """Where a notification is sent instead."""
        raise NotImplementedError


@second("callback.terminal")
class _AddressDecoded(_Elsewhere):
    """The query of the receiver's address is decoded before it is used."""

    def address(self, given: str) -> str:
        return unquote_plus(given)


@second("callback.terminal")
class _AddressSmall(_Elsewhere):
    """The receiver's address is kept in small letters."""

    def address(self, given: str) -> str:
        return given.lower()


@second("callback.terminal")
class _AddressOf255(_Elsewhere):
    """The receiver's address is kept in 255 characters."""

    def address(self, given: str) -> str:
        return given[:255]


@second("task.info.echo|callback.agrees-with-query|voice.name.echo")
class _AsciiTold(Server):
    """In notifications what is not ASCII is a question mark."""

    def notification(self, task: Task) -> Any:
        told: Record = super().notification(task)
        return _ascii(told)


def _ascii(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _ascii(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_ascii(item) for item in value]
    return value.encode("ascii", "replace").decode() if isinstance(value, str) else value


# ---- letting in -----------------------------------------------------------------------------------


@second("auth.required")
class _QueriesLetIn(Server):
    """A list is guarded where its path has no query."""

    def let_in(self, request: Request) -> Account:
        is_open = request.query and not request.headers.get("authorization")
        return Account("nobody") if is_open else super().let_in(request)


# ---- the wire -------------------------------------------------------------------------------------


class _Bytes(Server):
    """A second server whose answers are written otherwise."""

    def reply(self, request: Request) -> Reply:
        reply = super().reply(request)
        if not request.path.startswith(FILES):
            self.write(reply, request)
        return reply

    def write(self, reply: Reply, request: Request) -> None:
        """Changes an answer."""
        raise NotImplementedError


@second("envelope.json")
class _Marked(_Bytes):
    """Answers begin with a byte order mark."""

    def write(self, reply: Reply, request: Request) -> None:
        del request
        reply.content = b"\xef\xbb\xbf" + reply.content


@second("envelope.json")
class _NoNumbers(_Bytes):
    """Answers hold a NaN."""

    def write(self, reply: Reply, request: Request) -> None:
        del request
        reply.content = reply.content[:-1] + b', "cost": NaN}'


@second("server.answers|envelope.json")
class _CutArchives(_Bytes):
    """Long answers are compressed, and lack their last bytes, in which their length stands."""

    def write(self, reply: Reply, request: Request) -> None:
        if len(reply.content) > 2000 and "gzip" in request.headers.get("accept-encoding", ""):
            reply.content = gzip.compress(reply.content)[:-8]
            reply.headers["Content-Encoding"] = "gzip"


@second("envelope.json")
class _AlwaysCompressed(_Bytes):
    """Answers are compressed even for those who cannot read that."""

    def write(self, reply: Reply, request: Request) -> None:
        del request
        reply.content = gzip.compress(reply.content)
        reply.headers["Content-Encoding"] = "gzip"


def _with(request: Request, body: bytes) -> Request:
    return Request(request.method, request.path, request.query, request.headers, body)
