"""One run of the kit: its target and receiver, started when first needed and stopped at its end."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from contract_tests import documents
from contract_tests.api import Api
from contract_tests.options import Options
from contract_tests.receiver import Receiver
from contract_tests.target import Target

if TYPE_CHECKING:
    import requests

#: Voices that are deleted after a run, at most.
_MOST_DELETED = 300


class Run:
    """What the tests of a run share."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._stack = ExitStack()
        self._apis: dict[str, Api] = {}
        self._served: dict[str, bool] = {}

    @cached_property
    def target(self) -> Target:
        """The server under test; without a URL, a mock of our own."""
        url = self.options.base_url or self._start_mock()
        target = Target(
            url,
            api_key=self.options.api_key,
            api_key2=self.options.api_key2,
            patience_s=self.options.patience_s,
            meter=self.options.meter,
        )
        self._stack.callback(target.close)
        return target

    @cached_property
    def session(self) -> requests.Session | None:
        """What schemathesis sends with, where every request counts; else a session of its own."""
        meter = self.options.meter
        return self._stack.enter_context(meter.session()) if meter else None

    @cached_property
    def receiver(self) -> Receiver:
        """The receiver of callbacks."""
        return self._stack.enter_context(Receiver())

    def api(self, dialect: str) -> Api:
        """A dialect of the target.

        Skips the test that asks when the target does not serve it, unless it was asked for by name.
        """
        if not self._is_served(dialect) and dialect not in self.options.dialects:
            pytest.skip(f"not looked at: {self.target.base_url} does not serve {dialect}")
        return self._apis.setdefault(dialect, Api(self.target, dialect))

    def close(self) -> list[str]:
        """Deletes the voices that were made, and stops what was started; returns the tasks whose voices are left."""
        try:
            if not self.options.base_url or "target" not in vars(self):
                return []
            with self.options.meter.cleaning() if self.options.meter else nullcontext():
                return [left for api in self._apis.values() for left in _delete_voices(api)]
        finally:
            self._stack.close()

    def serves_any(self) -> bool:
        """Whether the target serves any dialect."""
        return any(self._is_served(dialect) for dialect in documents.DIALECTS)

    def _is_served(self, dialect: str) -> bool:
        if dialect not in self._served:
            operation = documents.document(dialect).operations["createSpeech"]
            self._served[dialect] = self.target.serves(operation.path)
        return self._served[dialect]

    def _start_mock(self) -> str:
        from mock_server.server import RunningServer  # the kit runs without it when a URL is given

        return self._stack.enter_context(RunningServer()).base_url


def _delete_voices(api: Api) -> list[str]:
    """Deletes the voices of the tasks made here; returns the tasks that could not be looked after."""
    left = api.created[_MOST_DELETED:]
    for task_id in api.created[:_MOST_DELETED]:
        try:
            is_left = not _deleted(api, task_id)
        except (AssertionError, LookupError, TypeError, AttributeError, pytest.skip.Exception):
            is_left = True  # the server answers no more, or nonsense, or the budget is spent
        if is_left:
            left.append(task_id)
    return left


def _deleted(api: Api, task_id: str) -> bool:
    """Deletes the voice of a task; returns whether none is left."""
    answer = api.send("getCustomVoice", name=task_id)
    record = answer.data if isinstance(answer.data, dict) else {}
    voices = (record.get("task_result") or {}).get("voices") or ()
    for voice in voices:
        api.send("deleteVoice", {"voice_id": voice["voice_id"]})
    return bool(voices) or record.get("task_status") == "failed"
