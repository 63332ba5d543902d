"""How a request chooses what happens: by header, by magic value, by default; and what is said when it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.api import EZ_PATH, EZ_SPEECH, PREFIXES, Answer, Api, api

DIALECTS = sorted(PREFIXES)
HEADER = "x-mock-scenario"

#: What a custom voice is at 2, 4, 6, 9, 30 and 300 s under each scenario.
VOICE_PLANS = {
    "default": ["processing", "processing", "processing", "succeed", "succeed", "succeed"],
    "slow": ["submitted", "submitted", "submitted", "submitted", "processing", "succeed"],
    "stuck": ["processing"] * 6,
    "risk-control": ["processing", "processing", "processing", "failed", "failed", "failed"],
    "too-short": ["processing", "failed", "failed", "failed", "failed", "failed"],
    "noisy": ["processing", "processing", "failed", "failed", "failed", "failed"],
}
REASONS = {
    "risk-control": "Failure to pass the risk control system",
    "too-short": "The duration of the voice must be between 5 and 30 seconds",
    "noisy": "The voice must be clean and contain only one human voice",
}


def life(mock: Api, created: Answer) -> list[str]:
    """The statuses of a custom voice at 2, 4, 6, 9, 30 and 300 s; a failure has its scenario's reason."""
    task_id = created.data["task_id"]
    statuses = []
    for seconds in (2, 2, 2, 3, 21, 270):
        mock.advance(seconds)
        record = mock.voice(task_id).data
        statuses.append(record["task_status"])
        if record["task_status"] == "failed":
            name = created.headers[HEADER]
            assert record["task_status_msg"] == REASONS[name]
    return statuses


@pytest.mark.parametrize("scenario", VOICE_PLANS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_header_chooses_the_scenario_of_a_voice(dialect: str, scenario: str) -> None:
    """X-Mock-Scenario names the plan of a custom voice, and the answer repeats the name unless it is the default."""
    mock = api(dialect)

    created = mock.learn({HEADER: scenario})

    assert created.headers.get(HEADER, "default") == scenario
    assert "x-mock-warning" not in created.headers
    assert life(mock, created) == VOICE_PLANS[scenario]


@pytest.mark.parametrize("scenario", [name for name in VOICE_PLANS if name != "default"])
@pytest.mark.parametrize(
    "fields",
    [
        {"voice_name": "mock:{}"},
        {"voice_url": "http://example.com/a/mock-{}.mp3"},
        {"voice_url": "http://example.com/mock-{}.wav?mock=1/2#x"},
        {"voice_url": "http://example.com/mock-{}"},
    ],
    ids=["voice_name", "voice_url", "with query", "without ending"],
)
def test_magic_value_chooses_the_scenario_of_a_voice(fields: dict[str, Any], scenario: str) -> None:
    """A magic voice_name, or a magic file name in voice_url, does what the header would."""
    mock = api()

    created = mock.learn(**{name: value.format(scenario) for name, value in fields.items()})

    assert created.headers[HEADER] == scenario
    assert life(mock, created) == VOICE_PLANS[scenario]


@pytest.mark.parametrize(
    "fields",
    [
        {"voice_name": "mock:noisyx"},
        {"voice_name": "a mock:noisy"},
        {"voice_name": "Mock:noisy"},
        {"voice_name": "mock:noisy\t"},
        {"voice_url": "http://example.com/mock-noisy/a.mp3"},
        {"voice_url": "http://example.com/a.mp3?mock-noisy.mp3"},
        {"voice_url": "http://example.com/xmock-noisy.mp3"},
        {"voice_url": "http://mock-noisy"},
        {"video_id": "mock-noisy"},
        {"external_task_id": "mock:noisy"},
    ],
    ids=str,
)
def test_value_that_only_resembles_a_magic_one_is_ordinary(fields: dict[str, Any]) -> None:
    """Only the whole first word of a name, and the whole last file name of a URL, is magic."""
    assert HEADER not in api().learn(**fields).headers


def test_words_may_follow_a_magic_value() -> None:
    """A magic value is followed by the end or by a blank and any words."""
    assert api().learn(voice_name="mock:slow Ada").headers[HEADER] == "slow"
    assert api().speak(text="mock:stuck for ever").headers[HEADER] == "stuck"


@pytest.mark.parametrize("choose", [{"text": "mock:slow"}, {}], ids=["magic", "header"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_slow_speech_is_polled(dialect: str, choose: dict[str, str]) -> None:
    """A slow speech is answered submitted without audio, and is processing after 2 s and succeed after 30 s."""
    mock = api(dialect)
    created = mock.speak(None if choose else {HEADER: "slow"}, **choose)
    path = f"/v1/audio/tts/{created.data['task_id']}"

    assert created.data["task_status"] == "submitted"
    assert created.headers[HEADER] == "slow"
    assert "final_unit_deduction" not in created.data
    mock.advance(2)
    assert mock.get(path).data["task_status"] == "processing"
    mock.advance(27.999)
    assert mock.get(path).data["task_status"] == "processing"
    mock.advance(0.001)
    record = mock.get(path).data
    assert record["task_status"] == "succeed"
    assert record["updated_at"] == record["created_at"] + 30_000
    assert len(record["task_result"]["audios"]) == 1


def test_stuck_speech_stays_processing() -> None:
    """A stuck speech is processing for ever."""
    mock = api()
    task_id = mock.speak(text="mock:stuck").data["task_id"]
    mock.advance(1e7)

    assert mock.get(f"/v1/audio/tts/{task_id}").data["task_status"] == "processing"


def test_risky_speech_is_refused() -> None:
    """A risky speech is 400/1301 in the observed words, by either choice; the answer names the scenario."""
    mock = api()

    for answer in (mock.speak(text="mock:risk-control"), mock.speak({HEADER: "risk-control"})):
        assert answer.error == (400, 1301)
        assert answer.message == REASONS["risk-control"]
        assert answer.headers[HEADER] == "risk-control"


def test_header_beats_a_magic_value_and_default_beats_none() -> None:
    """The header wins over a magic value, also when it names the default; of two magic values the name wins."""
    mock = api()
    url = "http://example.com/mock-noisy.mp3"

    assert mock.learn({HEADER: "slow"}, voice_name="mock:stuck").headers[HEADER] == "slow"
    assert HEADER not in mock.learn({HEADER: "default"}, voice_name="mock:stuck").headers
    assert mock.learn(voice_name="mock:stuck", voice_url=url).headers[HEADER] == "stuck"
    assert HEADER not in mock.speak({HEADER: "default"}, text="mock:slow").headers


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("stuk", "did you mean 'stuck'?"),
        ("Slow", "did you mean 'slow'?"),
        ("qqq", "one of cb-ahead, cb-bad-sign, cb-behind,"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/audio/tts", "/v1/general/custom-voices", EZ_PATH])
def test_unknown_scenario_is_refused_with_the_nearest(path: str, name: str, hint: str) -> None:
    """An unknown X-Mock-Scenario is a 400 that names the nearest, or all, and nothing is created."""
    mock = api()
    body = {**EZ_SPEECH, "voice_id": "genshin_vindi2", "voice_name": "Ada", "video_id": "1"}

    answer = mock.post(path, body, {HEADER: name})

    assert answer.error == ((400, 400) if path == EZ_PATH else (400, 1201))
    assert f"unknown scenario {name!r}; {hint}" in answer.message
    assert mock.voices().data == []


#: Requests whose control headers cannot be applied, and the warning.
NOT_APPLICABLE: list[tuple[str, dict[str, str], str]] = [
    ("speak", {HEADER: "noisy"}, "scenario noisy does not apply to createSpeech"),
    ("voices", {HEADER: "slow"}, "scenario slow does not apply to listCustomVoices"),
    ("presets", {HEADER: "default"}, "scenario default does not apply to listPresetVoices"),
    ("speak", {"x-mock-faults": "reset"}, "unknown header x-mock-faults"),
    ("speak", {"x-mock-fault": "scenario=noisy"}, "scenario noisy does not apply to createSpeech"),
    (
        "presets",
        {"x-mock-fault": "scenario=slow"},
        "scenario slow does not apply to listPresetVoices",
    ),
    ("learn", {"x-mock-scenari": "slow"}, "unknown header x-mock-scenari"),
]
CALLS = {
    "speak": lambda mock, headers: mock.speak(headers),
    "learn": lambda mock, headers: mock.learn(headers),
    "voices": lambda mock, headers: mock.get("/v1/general/custom-voices", headers),
    "presets": lambda mock, headers: mock.get("/v1/general/presets-voices", headers),
}


@pytest.mark.parametrize(("call", "headers", "warning"), NOT_APPLICABLE)
def test_what_cannot_be_applied_is_warned_about(
    call: str, headers: dict[str, str], warning: str
) -> None:
    """A scenario that does not apply to the operation, or an unknown control header, is told in X-Mock-Warning."""
    answer = CALLS[call](api(), headers)

    assert answer.status == 200
    assert answer.headers["x-mock-warning"] == warning


@pytest.mark.parametrize(("call", "headers", "warning"), NOT_APPLICABLE)
def test_strict_refuses_what_cannot_be_applied(
    call: str, headers: dict[str, str], warning: str
) -> None:
    """With strict the same is 400/1201 with the warning as message, and nothing is created."""
    mock = api(strict=True)

    answer = CALLS[call](mock, headers)

    assert answer.error == (400, 1201)
    assert answer.message == warning
    assert mock.voices().data == []


def test_strict_refuses_nothing_else() -> None:
    """With strict ordinary requests, and scenarios that apply, are accepted without a warning."""
    mock = api(strict=True)

    assert "x-mock-warning" not in mock.speak({HEADER: "slow"}).headers
    assert "x-mock-warning" not in mock.learn({HEADER: "noisy", "x-mock-token": "t"}).headers


def test_all_warnings_are_told_together() -> None:
    """Several warnings stand in one header."""
    answer = api().speak({HEADER: "noisy", "x-mock-faults": "reset", "x-mock-other": "1"})

    for words in ("scenario noisy does not apply", "x-mock-faults", "x-mock-other"):
        assert words in answer.headers["x-mock-warning"]


def test_magic_can_be_switched_off() -> None:
    """Without magic those values are ordinary text, names and files; the header still chooses."""
    mock = api(magic=False)

    assert mock.speak(text="mock:risk-control").data["task_status"] == "succeed"
    assert HEADER not in mock.learn(voice_name="mock:noisy").headers
    assert HEADER not in mock.learn(voice_url="http://example.com/mock-noisy.mp3").headers
    assert mock.learn({HEADER: "noisy"}).headers[HEADER] == "noisy"


def test_progression_applies_to_scenarios_too() -> None:
    """Immediate tasks reach the end of their scenario at once, a failure among them."""
    mock = api(progression="immediate")

    failed = mock.learn(voice_name="mock:noisy").data["task_id"]
    slow = mock.speak(text="mock:slow").data["task_id"]

    assert mock.voice(failed).data["task_status"] == "failed"
    assert mock.get(f"/v1/audio/tts/{slow}").data["task_status"] == "succeed"


def test_ezmodel_chooses_too() -> None:
    """EzModel's operation has the same header and magic values, and the same warning."""
    mock = api()

    risky = mock.post(EZ_PATH, {**EZ_SPEECH, "text": "mock:risk-control"})
    warned = mock.post(EZ_PATH, EZ_SPEECH, {HEADER: "too-short"})

    assert risky.error == (400, 400)
    assert warned.headers["x-mock-warning"] == "scenario too-short does not apply to createSpeech"
    assert api(strict=True).post(EZ_PATH, EZ_SPEECH, {HEADER: "too-short"}).error == (400, 400)


#: Values that begin as magic ones do and are none, with what is said about them.
MISSPELT = [
    ("learn", {"voice_name": "mock:slwo"}, "unknown magic value 'mock:slwo'; did you mean 'mock:slow'?"),
    ("learn", {"voice_name": "mock:slwo Ada"}, "unknown magic value 'mock:slwo'; did you mean 'mock:slow'?"),
    ("speak", {"text": "mock:stukc for ever"}, "unknown magic value 'mock:stukc'; did you mean 'mock:stuck'?"),
    ("speak", {"text": "mock:noisy"}, "scenario noisy has no plan for this kind of task"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "fields", "warning"), MISSPELT, ids=str)
def test_misspelt_magic_value_is_warned_about(
    call: str, fields: dict[str, Any], warning: str
) -> None:
    """A text that begins as a magic word does and is none is ordinary, and X-Mock-Warning names the nearest."""
    answer = getattr(api(), call)(**fields)

    assert answer.status == 200
    assert HEADER not in answer.headers
    assert answer.headers["x-mock-warning"] == warning


@pytest.mark.parametrize(("call", "fields", "warning"), MISSPELT, ids=str)
def test_strict_refuses_a_misspelt_magic_value(
    call: str, fields: dict[str, Any], warning: str
) -> None:
    """With strict it is 400/1201 in the same words, and nothing is created."""
    mock = api(strict=True)

    answer = getattr(mock, call)(**fields)

    assert (answer.error, answer.message) == ((400, 1201), warning)
    assert mock.control("GET", "/tasks")[1]["tasks"] == []


@pytest.mark.parametrize("name", ["mock", "mock-slow", "a mock:slwo", "Mock:slwo"])
def test_value_that_begins_otherwise_is_not_warned_about(name: str) -> None:
    """Only what begins with all that magic words share is taken for a misspelt one."""
    assert "x-mock-warning" not in api(strict=True).learn(voice_name=name).headers


def test_header_spares_the_warning_about_a_magic_value() -> None:
    """Whoever chose by header, or switched magic off, has no use for hints at magic values."""
    assert "x-mock-warning" not in api().learn({HEADER: "slow"}, voice_name="mock:slwo").headers
    assert "x-mock-warning" not in api(magic=False).learn(voice_name="mock:slwo").headers
