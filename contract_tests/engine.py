"""Schemathesis, wrapped: the one module that knows its names. Pinned to 4.32.

What is switched off or filtered, because a healthy server of this API would fail it:

* ``unsupported_method`` wants 405 for a wrong method; the contract says 404 with code 1202 (errors.1202), which
  test_errors looks at.
* ``ignored_auth`` sends an invented key and wants a refusal; a server may let every key in, as mocks do. That the
  header is required is looked at in test_errors.
* ``positive_data_acceptance`` takes 400 for an answer: a schema cannot say that a voice exists, or an id is free.
* ``negative_data_rejection`` is not held against values that only an assumed rule forbids (see ``leniency``).
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import core
from schemathesis.checks import ignored_auth, unsupported_method
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import AcceptedNegativeData, Failure, FailureGroup, ServerError
from schemathesis.openapi.checks import (
    JsonSchemaError,
    RejectedPositiveData,
    UndefinedStatusCode,
)

from contract_tests import documents, leniency
from contract_tests.checks import Broken, kept, not_due
from contract_tests.observation import Answer, Request
from contract_tests.receiver import Receiver
from contract_tests.saying import Said
from contract_tests.shapes import Shape, is_silence

if TYPE_CHECKING:
    from schemathesis.schemas import BaseSchema

#: Whatever a lenient server might take for an address and call.
_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.\-]*:|\s*//")
#: Longer ones are refused: voice-create.url.max-length.
_LONGEST_ADDRESS = 4096

EXCLUDED = [unsupported_method, ignored_auth]

#: The clause that a failure breaks; any other is one of shape.
_CLAUSES: dict[type[Failure], str] = {
    AcceptedNegativeData: "schema.request.refused",
    RejectedPositiveData: "schema.request.accepted",
    ServerError: "server.no-5xx",
    UndefinedStatusCode: "schema.status",
}

#: 429 is load, and 5xx are looked at by a check of their own.
_CONFIG = """
[generation]
with-security-parameters = false
[analysis.constants]
enabled = false
[phases.fuzzing]
extra-data-sources.responses = false
error-feedback.enabled = false
[phases.coverage]
unexpected-methods = []
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "429"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "429"]
"""


def schemas() -> dict[str, BaseSchema]:
    """A schemathesis schema per dialect."""
    return {name: _schema(name) for name in documents.DIALECTS}


def _schema(dialect: str) -> BaseSchema:
    raw = copy.deepcopy(documents.document(dialect).raw)
    seed = getattr(core, "global_force_seed", None)  # of --contract-seed or --hypothesis-seed
    settings = f"seed = {seed}\n{_CONFIG}" if isinstance(seed, int) else _CONFIG
    config = SchemathesisConfig.from_str(settings)
    # The same characters as with UTF-8, but the first run on a machine need not try to encode each there is.
    config.projects.default.generation.codec = None
    schema = schemathesis.openapi.from_dict(raw, config=config)
    lenient = {operation_id: Shape(leniency.relaxed(body)) for operation_id, body in _bodies(raw)}

    @schema.hook
    def filter_failure(context: Any, failure: Failure, case: Any, response: Any) -> bool:  # noqa: ARG001
        """Keeps a failure unless the accepted value was forbidden by an assumed rule only."""
        if isinstance(failure, JsonSchemaError):
            return not is_silence(
                failure.instance_path, failure.instance
            )  # checks.conforms says it
        if not isinstance(failure, AcceptedNegativeData):
            return True
        definition = case.operation.definition.raw
        validator = lenient.get(definition["operationId"])
        if validator is None:
            return False  # pages: paging.out-of-range is assumed, and looked at in test_errors
        return not validator.fits(case.body)

    return schema


def _bodies(raw: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (item["operationId"], item["requestBody"]["content"]["application/json"]["schema"])
        for path in raw["paths"].values()
        for item in path.values()
        if "requestBody" in item
    ]


def answer(response: Any) -> Answer:
    """A response of schemathesis as an observation."""
    request = response.request
    body = request.body or b""
    sent = Request(
        request.method,
        request.url,
        dict(request.headers),
        body.encode() if isinstance(body, str) else body,
    )
    headers = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
    return Answer(sent, response.status_code, headers, response.content)


def judge(case: Any, response: Any) -> None:
    """Holds a response against all that schemathesis looks at.

    Raises:
        Broken: a clause is broken.
    """
    kept("schema.request.refused", "schema.request.accepted")
    try:
        case.validate_response(response, excluded_checks=EXCLUDED)
    except (Failure, FailureGroup) as reason:
        first = reason.exceptions[0] if isinstance(reason, FailureGroup) else reason
        clause = _CLAUSES.get(type(first), "schema.answer")
        raise Broken(clause, _in_words(first, answer(response))) from None


def _in_words(failure: BaseException, seen: Answer) -> Said:
    message = " ".join(str(getattr(failure, "message", failure)).split())
    if isinstance(failure, AcceptedNegativeData):
        why = message.partition("Invalid component: ")[2] or message
        return not_due(
            seen, "a refusal", f"since the request is none that the document allows ({why})"
        )
    if isinstance(failure, RejectedPositiveData):
        return not_due(seen, "an answer to a request that the document allows")
    if isinstance(failure, ServerError):
        return not_due(seen, "anything but a 5xx")
    why = f"({getattr(failure, 'title', 'misfit')}: {message})"
    return not_due(seen, "an answer that the document declares", why)


class Harmless:
    """Replaces the addresses in generated bodies by the kit's own, so that no odd host is ever called.

    A body is copied and never changed: schemathesis shares examples between cases. An address that is too long keeps
    its length and one that is none stays as it is, so a case remains as valid or invalid as it was meant to be.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._own = {
            "callback_url": f"{receiver.base_url}/generated",
            "voice_url": receiver.sample_url,
        }

    def __call__(self, body: Any) -> Any:
        """A body to send instead of a generated one."""
        if not isinstance(body, dict):
            return body
        replaced = {
            name: self._instead(own, body[name]) for name, own in self._own.items() if name in body
        }
        return {**body, **replaced}

    def _instead(self, own: str, given: Any) -> Any:
        if not isinstance(given, str) or _ADDRESS.match(given) is None:
            return given
        if len(given) <= _LONGEST_ADDRESS:
            return own
        return f"{own}?".ljust(len(given), "x")
