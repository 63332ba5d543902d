"""Generated requests: schemathesis over every operation of every document, by example, by coverage and at random."""

from __future__ import annotations

from typing import Any

from schemathesis import Case, Response
from schemathesis.pytest import parametrize

from contract_tests import checks, engine, options
from contract_tests.ahead import Ahead
from contract_tests.run import Run

SCHEMAS = engine.schemas()


def asked(case: Case[Any], run: Run) -> Response:
    """The answer to a generated request, in which no address is any but the kit's own."""
    api = run.api(_dialect(case))
    case.body = engine.Harmless(run.receiver)(case.body)
    return case.call(
        base_url=api.target.base_url,
        headers={"Authorization": f"Bearer {api.target.api_key}"},
        session=run.session,
    )


def _dialect(case: Case[Any]) -> str:
    return str(case.operation.schema.raw_schema["info"]["x-dialect"])


@parametrize(**SCHEMAS)
@options.profile()
def test_operation_answers_as_its_document_says(case: Case[Any], run: Run, ahead: Ahead) -> None:
    """Whatever is sent, the answer has a declared status, the media type and the schema of that status.

    Its envelope's code is one that the status allows; what the document forbids is refused; and no request makes the
    server fail with a 5xx.

    Source: the document of the dialect, every operation; errors.code-matches-status, errors.no-data, schema.answer,
    schema.status, schema.request.refused, schema.request.accepted.
    """
    dialect = _dialect(case)
    api = run.api(dialect)
    response = ahead.answer(case, lambda case: asked(case, run))
    answer = engine.answer(response)
    api.remember(case.operation.definition.raw["operationId"], answer)
    checks.envelope(answer, dialect)
    checks.conforms(answer, api.document.operations[case.operation.definition.raw["operationId"]])
    engine.judge(case, response)
