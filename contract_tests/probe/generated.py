"""Bodies made from the callback schema: some that fit it, and some with one thing broken."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from contract_tests.documents import document
from contract_tests.probe.cases import ACCEPT, EITHER, REFUSE, Case, Cases
from contract_tests.probe.pen import Pen
from contract_tests.shapes import Shape

Json = Any
Strategy = st.SearchStrategy[Any]

#: Generated bodies of each kind, by profile.
COUNTS = {"smoke": 8, "standard": 40, "thorough": 300}

_DIGITS = st.integers(10**17, 10**18 - 1).map(str)
_DECIMAL = st.integers(0, 99_999).map(lambda hundredths: f"{hundredths / 100:.2f}")
#: Milliseconds, from 2001 to 2100.
_INSTANT = st.integers(1_000_000_000_000, 4_102_444_800_000)
#: Whatever a text may hold, but NUL and lone surrogates, which have a clause of their own.
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
#: What the descriptions in the schema say beyond its types, by name of the field.
_BY_NAME: dict[str, Strategy] = {
    "task_id": _DIGITS,
    "voice_id": _DIGITS,
    "voice_name": st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20),
    "trial_url": _DIGITS.map(lambda digits: f"https://p1.example.com/trial/{digits}.wav"),
    "final_unit_deduction": _DECIMAL,
    "quota": _DECIMAL,
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
    "list_price": _DECIMAL,
    "external_task_id": st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True),
}
_ADDED_NAMES = st.from_regex(r"added_[a-z]{1,8}", fullmatch=True)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ADDED_NAMES, inner, max_size=3),
    max_leaves=6,
)
#: What validators that convert make a text of.
_SCALAR: dict[str, Json] = {"type": ["string", "number", "boolean", "null"]}
_TEXT_OR_SO: dict[str, Json] = {
    "anyOf": [_SCALAR, {"type": "array", "minItems": 1, "maxItems": 1, "items": _SCALAR}]
}
#: What a receiver must see before it can do anything with a notification.
_CORE = Shape(
    {
        "type": "object",
        "required": ["task_id", "task_status"],
        "properties": {"task_id": _TEXT_OR_SO, "task_status": _TEXT_OR_SO},
    }
)


def schema() -> dict[str, Json]:
    """The schema of the body of a notification."""
    operation = document("klingai").operations["createCustomVoice"]
    found: dict[str, Json] = operation.callbacks["voiceTaskChanged"].schema
    return found


def valid(pen: Pen, count: int, number: int) -> Cases:
    """Bodies that fit the schema, of every status.

    Args:
        count: how many.
        number: the seed.
    """
    shape = Shape(schema())
    for status in shape.schema["properties"]["task_status"]["enum"]:
        for body in drawn(_fitting(shape, status), max(1, count // 4), number):
            what = f"a generated body of {status}"
            yield Case("receiver.accepts.generated", what, ACCEPT, pen.post(_own(pen, body)))


def broken(pen: Pen, count: int, number: int) -> Cases:
    """Bodies that fit it but for one value or field."""
    shape = Shape(schema())
    for what, body in drawn(_broken(shape), count, number):
        want = EITHER if _CORE.fits(body) else REFUSE
        clause = "receiver.malformed.generated"
        yield Case(clause, what, want, pen.post(body))


def drawn(strategy: Strategy, count: int, number: int) -> list[Any]:
    """Different values of a strategy; the same seed gives the same ones."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: Any) -> None:
        if value not in found:
            found.append(value)

    # Hypothesis remembers things in the working folder, which is the user's.
    with TemporaryDirectory() as folder:
        set_hypothesis_home_dir(folder)
        try:
            draw()
        finally:
            set_hypothesis_home_dir(None)
    return found[:count]


def _own(pen: Pen, body: dict[str, Json]) -> dict[str, Json]:
    """A body about a task of this run, in which time goes forward."""
    begun, changed = sorted((int(body["created_at"]), int(body["updated_at"])))
    model = pen.task()
    body = {**body, "task_id": model["task_id"], "created_at": begun, "updated_at": changed}
    if (body.get("task_info") or {}).get("external_task_id"):
        body["task_info"] = {**body["task_info"], **model["task_info"]}
    return body


@cache
def _parts() -> tuple[Strategy, Strategy]:
    """Bodies of any status, and lists of voices. To put them together takes longer than to draw from them."""
    raw = schema()
    voice = raw["properties"]["task_result"]["properties"]["voices"]["items"]
    return _of(raw), st.lists(_of(voice), min_size=1, max_size=3)


@st.composite
def _fitting(draw: Callable[[Strategy], Any], shape: Shape, status: str) -> Any:
    bodies, lists_of_voices = _parts()
    body = {**draw(bodies), "task_status": status}
    if status == "succeed":
        voices = draw(lists_of_voices)
        body["task_result"] = {**body.get("task_result", {}), "voices": voices}
    elif "task_result" in body:
        body["task_result"].pop("voices", None)
    if status == "failed":
        body["task_status_msg"] = draw(_TEXT.filter(bool))
    assume(shape.fits(body))
    return body


def _of(schema: dict[str, Json], name: str = "") -> Strategy:
    """A strategy for the part of JSON Schema that the contract's bodies are described in."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if name in _BY_NAME:
        return _BY_NAME[name]
    kind = schema.get("type")
    if kind == "object":
        return _object(schema)
    if kind == "array":
        return st.lists(_of(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
    if kind == "integer":
        return st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53))
    if kind == "string":
        least = schema.get("minLength", 0)
        return _TEXT.filter(lambda text: len(text) >= least)
    return _ANYTHING


def _object(schema: dict[str, Json]) -> Strategy:
    parts = {name: _of(part, name) for name, part in schema.get("properties", {}).items()}
    required = schema.get("required", ())
    fixed = st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in required},
        optional={name: part for name, part in parts.items() if name not in required},
    )
    added = st.dictionaries(_ADDED_NAMES, _ANYTHING, max_size=2)
    return st.tuples(fixed, added).map(lambda pair: {**pair[1], **pair[0]})


@st.composite
def _broken(draw: Callable[[Strategy], Any], shape: Shape) -> Any:
    status = draw(st.sampled_from(shape.schema["properties"]["task_status"]["enum"]))
    body = draw(_fitting(shape, status))
    holders: list[tuple[str, dict[str, Json]]] = [("", body)]
    names = ("task_info", "task_result")
    holders += [(f"{name}/", body[name]) for name in names if body.get(name)]
    voices = body.get("task_result", {}).get("voices", ())
    holders += [("voices/", voice) for voice in voices]
    place, holder = draw(st.sampled_from(holders))
    name = draw(st.sampled_from(sorted(holder)) if holder else st.just(""))
    if draw(st.booleans()):
        holder.pop(name, None)
        what = f"a generated body without {place}{name}"
    else:
        holder[name] = draw(_ANYTHING)
        what = f"a generated body with another {place}{name}"
    assume(not shape.fits(body))
    return what, body
