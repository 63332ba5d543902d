"""The control API against openapi/control.yaml by generated requests: every operation, good and bad bodies."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import ignored_auth, negative_data_rejection, unsupported_method
from schemathesis.config import SchemathesisConfig
from schemathesis.pytest import parametrize

from mock_server.core.fault import When
from mock_server.core.pattern import Pattern
from mock_server.core.task import TaskStatus
from mock_server.events import CallbackAttempted
from mock_server.world import World
from tests.http.api import app
from tests.http.documents import document
from tests.support.bench import speech_order, voice_order

KEY = "contract-key"
AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}
#: Generated examples per operation, beside examples and coverage.
EXAMPLES = 12
#: Wall seconds that a generated wait may take at most.
PATIENCE_S = 0.02

#: Refusals of what a schema cannot say: unknown ids, names in use, time that has passed, what never comes.
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
expected-statuses = ["2xx", "400", "404", "408", "409"]
[checks.negative_data_rejection]
expected-statuses = ["400", "404", "409"]
"""


APP = app()
WORLD: World = APP.state.world
ACCOUNT = WORLD.credentials.account_id(f"Bearer {KEY}".encode())
#: What the account holds before each case: the examples of the document lead there.
KNOWN = {"930801290416885794": "known", "key-2c26b46b68ff": ACCOUNT}


def _schema() -> Any:
    text = json.dumps(document("control"))
    for example, name in KNOWN.items():
        text = text.replace(example, name)
    raw = json.loads(text)
    # Two operations stand for all seven: their scripts have one schema, whose coverage takes seconds.
    steps = raw["components"]["schemas"]["PlanScript"]["properties"]["steps"]["properties"]
    for name in steps.keys() - {"createCustomVoice", "getSpeech"}:
        del steps[name]
    schema = schemathesis.openapi.from_dict(raw, config=SchemathesisConfig.from_str(_CONFIG))
    schema.app = APP
    return schema


SCHEMA = _schema()


def begin_anew() -> None:
    """Puts an account with a task, a fault, a plan and a callback in the place of what the last case has left."""
    account = WORLD.accounts.reset(WORLD.accounts.get(ACCOUNT))
    task = WORLD.service.create_custom_voice(account, voice_order(external_id="known"))
    WORLD.service.create_speech(account, speech_order())
    reader = WORLD.fault_reader
    fault = reader.fault("5001;retry-after=2")
    now = account.clock.now()
    account.faults.arm("fault-1", Pattern(("getSpeech",)), fault, When(count=2), now)
    account.faults.script("plan-1", {"getSpeech": [None, fault, reader.fault({"socket": "hang"})]})
    url = "http://127.0.0.1:9/hook"
    account.add_attempt(
        CallbackAttempted(task.id, account.id, TaskStatus.PROCESSING, url, 1, 200, "", 0.5, now)
    )


def harmless(body: Any) -> Any:
    """A body that waits for next to nothing. It is copied: schemathesis shares examples between cases."""
    if isinstance(body, dict) and _is_long(body.get("timeout", PATIENCE_S + 1)):
        return {**body, "timeout": PATIENCE_S}
    return body


def _is_long(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and PATIENCE_S < value <= 600


@parametrize(control=SCHEMA)
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_control_api_answers_as_its_document_says(case: Case[Any]) -> None:
    """Whatever is sent, the answer has a declared status and its schema; bad bodies are refused; never a 5xx."""
    begin_anew()
    operation_id = case.operation.definition.raw["operationId"]
    if operation_id in ("wait", "settle"):
        case.body = harmless(case.body)
    response = case.call(headers=AUTHORIZATION)
    assert response.status_code < 500
    excluded = [ignored_auth, unsupported_method]
    if operation_id == "settle" and not response.request.body:  # none is good here
        excluded.append(negative_data_rejection)
    case.validate_response(response, excluded_checks=excluded)
