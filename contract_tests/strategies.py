"""Hypothesis strategies: small alphabets, so that collisions, the interesting part, happen in every run."""

from __future__ import annotations

from hypothesis import strategies as st

from contract_tests.receiver import Receiver

#: Words for external ids; ``None`` is an absent field, and an empty text counts as absent.
EXTERNAL_WORDS = (None, "", "a", "b", "c")
#: Words of ids that nobody was given: an ordinary one, one with a blank, one of other scripts. No slash: whether %2F is
#: part of an id or of the path is nowhere said.
UNKNOWN_WORDS = ("nobody", "no body", "没有 100%")
#: What voices are learned from.
SOURCES = ("recording", "recording", "video", "no recording")
#: Display names: one character, the longest allowed, other scripts, beyond the basic plane.
NAMES = ("Narrator", "n", "n" * 20, "温柔姐姐", "Zoë \U0001f399")
#: Page sizes: every task alone, a remainder on the last page, the default, and the default unsaid.
PAGE_SIZES = (1, 2, 30, None)
#: Seconds by which time moves: within a status, across one, past everything that is usual.
STEPS_S = (0.5, 2, 10)


def names() -> st.SearchStrategy[str]:
    """Names that a voice may have."""
    return st.sampled_from(NAMES)


def external_words() -> st.SearchStrategy[str | None]:
    """Words to make external ids of."""
    return st.sampled_from(EXTERNAL_WORDS)


def booleans() -> st.SearchStrategy[bool]:
    """Whether or not."""
    return st.booleans()


def unknown_words() -> st.SearchStrategy[str]:
    """Words of ids that nobody was given."""
    return st.sampled_from(UNKNOWN_WORDS)


def sources() -> st.SearchStrategy[str]:
    """What a voice is learned from; mostly a recording."""
    return st.sampled_from(SOURCES)


def source(receiver: Receiver, kind: str) -> dict[str, str]:
    """The fields that say what a voice is learned from; the other one is empty, which counts as absent."""
    if kind == "video":
        return {"video_id": "830460928805724256", "voice_url": ""}
    url = receiver.no_sample_url if kind == "no recording" else receiver.sample_url
    return {"voice_url": url, "video_id": ""}


def page_sizes() -> st.SearchStrategy[int | None]:
    """Sizes of a page."""
    return st.sampled_from(PAGE_SIZES)


def steps_s() -> st.SearchStrategy[float]:
    """How far time moves, in seconds."""
    return st.sampled_from(STEPS_S)
