"""Whether every task that a run made was told of at its end, whichever test made it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from contract_tests import checks, notices, oracle, routes
from contract_tests.checks import TERMINAL
from contract_tests.garden import Garden
from contract_tests.observation import decoded
from contract_tests.oracle import KnownVoice
from contract_tests.receiver import HOOK_PATH, REFUSING, Receiver
from contract_tests.saying import Said
from contract_tests.sending import Made, query

_CLAUSE = "callback.terminal"
#: What the addresses begin with that are named by creations at the same moment.
AT_ONCE_PATH = "/at-once/"
#: Virtual seconds after which a task that follows the kit's clock has ended.
_END_S = 600.0
#: Real seconds for all tasks together to end, and then for what is still to be told; and between two looks.
_ENDING_S, _TELLING_S, _PAUSE_S = 15.0, 5.0, 0.25
#: Tasks that are asked after, at most.
_MOST = 20


def all_told(garden: Garden) -> None:
    """Every task of the dialect whose create request named the kit's receiver, and that has ended, was told of.

    What is told is right, too, as far as the request alone can show.

    Raises:
        Broken: the end of one was not told, or wrongly.
    """
    receiver = garden.receiver
    asked = [made for made in _of(garden) if _is_asked(made, receiver)]
    left = _unheard(asked, receiver)
    if left and garden.api.target.control:
        for credential in {_credential(made): None for made in left}:
            garden.api.target.with_key(credential).advance(_END_S)
        left = _unheard(left, receiver)
    ended = _ended(garden, left[:_MOST])
    deadline = time.monotonic() + _TELLING_S
    while (untold := _unheard(left, receiver)) and time.monotonic() < deadline:
        if not any(made.task_id in ended for made in untold):
            break
        time.sleep(_PAUSE_S)
    for made in untold:
        if made.task_id in ended:
            raise checks.Broken(_CLAUSE, _silence(made, ended[made.task_id], asked, untold))
    own = {_path(made, receiver) for made in asked}
    for path in [HOOK_PATH, *sorted(path for path in own if path.startswith(AT_ONCE_PATH))]:
        notices.formed(receiver.inbox, path, garden.shape, garden.signing)
    ends = _ends(receiver)
    for made in asked:
        _is_right(made, ends.get(made.task_id, {}))
        _is_there(made, receiver)
    checks.kept(_CLAUSE)


def _path(made: Made, receiver: Receiver) -> str:
    return str(_request(made)["callback_url"]).removeprefix(receiver.base_url)


def _is_there(made: Made, receiver: Receiver) -> None:
    """The end of a task arrived where its creation said, if it arrived at all."""
    places = [
        item.path
        for item in receiver.inbox.everything()
        if isinstance(item.json, dict)
        and item.json.get("task_id") == made.task_id
        and item.json.get("task_status") in TERMINAL
    ]
    due = _path(made, receiver)
    words = "the end of task {} was told at {}, where {} is due"
    saw = Said(words, made.task_id, places[:3], due, by=(made.create,))
    checks.require(not places or due in places, _CLAUSE, saw)


def _silence(made: Made, end: Mapping[str, Any], asked: list[Made], untold: list[Made]) -> Said:
    heard = f"{len(asked) - len(untold)} of {len(asked)} ends were told"
    words = f"task {{}} has ended ({{}}) and its callback_url {{}} got nothing, where its end is due; {heard}"
    address = _request(made).get("callback_url")
    return Said(words, made.task_id, end["task_status"], address, by=(made.create, end))


def _of(garden: Garden) -> Iterator[Made]:
    """The tasks of a run that were made in the garden's dialect."""
    sender = garden.api.target.sender
    for made in sender.made:
        path = urlsplit(made.create.url).path
        route = routes.find(made.create.method, path, prefix=sender.prefix)
        if route is not None and route.dialect == garden.api.dialect:
            yield made


def _is_asked(made: Made, receiver: Receiver) -> bool:
    url = str(_request(made).get("callback_url") or "")
    base_url = receiver.base_url
    return url.startswith(base_url + "/") and not url.startswith(base_url + REFUSING)


def _request(made: Made) -> Mapping[str, Any]:
    asked = decoded(made.create.body)
    return asked if isinstance(asked, dict) else {}


def _ends(receiver: Receiver) -> dict[str, dict[str, Any]]:
    """The ends that were told of, by task, wherever they arrived."""
    bodies = [item.json for item in receiver.inbox.everything()]
    return {
        str(body.get("task_id")): body
        for body in bodies
        if isinstance(body, dict) and body.get("task_status") in TERMINAL
    }


def _unheard(asked: Iterable[Made], receiver: Receiver) -> list[Made]:
    told = _ends(receiver)
    return [made for made in asked if made.task_id not in told]


def _credential(made: Made) -> str:
    headers = made.create.headers
    found = next((headers[name] for name in headers if name.lower() == "authorization"), "")
    return found.partition(" ")[2]


def _ended(garden: Garden, unheard: Iterable[Made]) -> dict[str, dict[str, Any]]:
    """The records of those that have ended, or do so in time; those that cannot be seen are left out."""
    ended: dict[str, dict[str, Any]] = {}
    open_ones, deadline = list(unheard), time.monotonic() + _ENDING_S
    while open_ones:
        under_way = []
        for made in open_ones:
            try:
                answer = garden.api.target.sender.send(query(made))
            except httpx2.TransportError:
                continue  # other tests say so
            record = answer.data if answer.pair == (200, 0) else None
            status = record.get("task_status") if isinstance(record, dict) else None
            if isinstance(record, dict) and status in TERMINAL:
                ended[made.task_id] = record
            elif status in checks.RANK:
                under_way.append(made)
        open_ones = under_way if time.monotonic() < deadline else []
        time.sleep(_PAUSE_S if open_ones else 0.0)
    return ended


def _is_right(made: Made, told: dict[str, Any]) -> None:
    """What is told of a task is what its create request said of it; not every text of generated ones can be kept."""
    request = _request(made)
    task = KnownVoice(request, [told])
    words = (request.get("voice_name"), request.get("external_task_id") or "")
    if not told or not all(isinstance(word, str) and word.isprintable() for word in words):
        return
    if "task_info" in told:
        oracle.echoes(task, told)
    if not checks.is_silent(told):
        oracle.result(task, told)
