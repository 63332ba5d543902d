"""The control API's operations on tasks and scenarios."""

from __future__ import annotations

from heapq import merge

from starlette.exceptions import HTTPException

from mock_server.core.scenario import UnknownScenario
from mock_server.core.task import (
    InvalidTimeline,
    Step,
    TaskIsTerminal,
    TaskKind,
    TaskStatus,
    observe,
)
from mock_server.http import showing
from mock_server.http.admission import ControlError
from mock_server.http.asking import Asked, Endpoint
from mock_server.http.showing import Json
from mock_server.scenarios import DEFAULT


def list_tasks(asked: Asked) -> Json:
    """The tasks of the account, newest first."""
    account, query = asked.account, asked.request.query_params
    now = account.clock.now()
    kind, status, limit = query.get("kind"), query.get("status"), asked.limit()
    for name, value, known in (("kind", kind, TaskKind), ("status", status, TaskStatus)):
        if value is not None and value not in list(known):
            raise ControlError(400, f"{name!r} must be one of {', '.join(known)}")
    both = merge(
        account.newest_first(),
        account.speeches(),
        key=lambda task: task.ordinal,
        reverse=True,
    )
    shown: list[Json] = []
    for task in both:
        if kind not in (None, task.kind) or status not in (None, observe(task, now).status):
            continue
        shown.append(showing.task(task, now))
        if len(shown) == limit:
            break
    return {"tasks": shown}


def get_task(asked: Asked) -> Json:
    """One task with its timeline."""
    if not asked.id:
        raise HTTPException(404)
    return showing.task(asked.task(asked.id), asked.account.clock.now())


async def transition(asked: Asked) -> Json:
    """Lets a status of a task begin now; answers when its callbacks have been tried, as an advance does."""
    task = asked.task(asked.id)
    status = TaskStatus(asked.body["to"])
    message = asked.body.get("message", "Task failed" if status is TaskStatus.FAILED else "")
    try:
        moved_on = asked.world.dispatcher.transition(
            asked.account, task, Step(status, message=message)
        )
    except (TaskIsTerminal, InvalidTimeline) as error:
        raise ControlError(409, str(error)) from None
    await asked.world.dispatcher.task_settled(asked.account, task.id)
    seen = observe(moved_on, asked.account.clock.now())
    return {"task_id": task.id, "task_status": seen.status, "at": seen.updated_at}


def list_scenarios(asked: Asked) -> Json:
    """Every scenario there is."""
    scenarios = asked.world.scenarios
    return {"scenarios": [showing.scenario(item, scenarios) for item in scenarios]}


def get_scenario(asked: Asked) -> Json:
    """The account's default scenario."""
    own = asked.account.scenario
    return {"scenario": asked.world.settings.scenario or DEFAULT if own is None else own.name}


def set_scenario(asked: Asked) -> Json:
    """Lets the account's tasks follow a scenario where nothing else is asked for."""
    try:
        asked.account.scenario = asked.world.scenarios.named(asked.body["scenario"])
    except UnknownScenario as error:
        raise ControlError(404, str(error)) from None
    return get_scenario(asked)


def clear_scenario(asked: Asked) -> Json:
    """Lets the account follow the server's default again."""
    asked.account.scenario = None
    return get_scenario(asked)


ENDPOINTS = (
    Endpoint("GET", "/tasks", "listTasks", list_tasks, parameters=("kind", "status", "limit")),
    Endpoint("POST", "/tasks/{id:path}/transition", "transitionTask", transition),
    # An external id may hold a slash.
    Endpoint("GET", "/tasks/{id:path}", "getTask", get_task),
    Endpoint("GET", "/scenarios", "listScenarios", list_scenarios, has_account=False),
    Endpoint("GET", "/scenario", "getScenario", get_scenario),
    Endpoint("PUT", "/scenario", "setScenario", set_scenario),
    Endpoint("DELETE", "/scenario", "clearScenario", clear_scenario),
)
