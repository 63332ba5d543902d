"""The preset library, and paging, which it shares with the list of custom voices."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.http.api import BASE_URL, PREFIXES, api

DIALECTS = sorted(PREFIXES)

#: Query strings that name no page: zero, signs, blanks, other digits, fractions, huge numbers, NUL, nothing.
BAD_PAGES = [
    "pageNum=0",
    "pageNum=-1",
    "pageNum=1001",
    "pageNum=",
    "pageNum=%2B1",
    "pageNum=1.0",
    "pageNum=1e2",
    "pageNum=0x1",
    "pageNum=1_0",
    "pageNum=%D9%A1",
    "pageNum=%EF%BC%91",
    "pageNum=%C2%B2",
    "pageNum=1%00",
    "pageNum=%00",
    "pageNum=%ff",
    "pageNum=1%0a",
    "pageNum=NaN",
    "pageNum=null",
    "pageNum=" + "9" * 5000,
    "pageSize=0",
    "pageSize=1001",
    "pageSize=x",
    "pageSize=" + "1" * 30,
]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_preset_is_listed_as_a_task_that_succeeded(dialect: str) -> None:
    """A preset is a pseudo-task with one voice owned by kling: no task_info, no deduction, no other field."""
    first = api(dialect).presets().data[0]

    assert first == {
        "task_id": "849268286299426018",
        "task_status": "succeed",
        "task_status_msg": "",
        "task_result": {
            "voices": [
                {
                    "voice_id": "850142319321288446",
                    "voice_name": "Owen",
                    "trial_url": f"{BASE_URL}/media/preset/850142319321288446.wav",
                    "owned_by": "kling",
                }
            ]
        },
        "created_at": 1764547200000,
        "updated_at": 1764547200000,
    }


def test_presets_are_the_same_for_all() -> None:
    """Every account sees the same presets, whatever it has created."""
    mock = api()
    before = mock.presets().data
    mock.ready_voice()

    assert mock.presets().data == before == mock.using("other").presets().data


def test_pages_of_presets_together_are_the_library() -> None:
    """Pages follow one another without gap or repetition, and beyond the last there is an empty one."""
    mock = api()
    everything = mock.presets().data

    pages = [mock.presets(f"?pageNum={number}&pageSize=2").data for number in range(1, 9)]

    assert list(chain.from_iterable(pages)) == everything
    assert pages[0] == everything[:2]
    assert pages[-1] == []
    assert mock.presets("?pageNum=1000&pageSize=1000").data == []
    assert mock.presets("?pageNum=001&pageSize=0002").data == pages[0]


@pytest.mark.parametrize("query", BAD_PAGES, ids=lambda query: query[:24])
@pytest.mark.parametrize("path", ["presets-voices", "custom-voices"])
def test_bad_page_is_refused_by_name(path: str, query: str) -> None:
    """A pageNum or pageSize that is no whole number in range is 400/1201, and the message names it."""
    answer = api().get(f"/v1/general/{path}?{query}")

    assert answer.error == (400, 1201)
    assert answer.message.startswith(query.partition("=")[0] + " must be a whole number from 1 to ")


def test_query_parameters_that_are_not_documented_are_ignored() -> None:
    """Unknown query parameters, and stray separators, change nothing."""
    mock = api()

    assert mock.presets("?x=1&&pagenum=0&=&%00=%ff&pageSize=1").data == mock.presets().data[:1]
