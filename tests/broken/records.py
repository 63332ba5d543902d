"""Defects of what records hold: ids, instants, statuses, results."""

from __future__ import annotations

import html
import unicodedata
from datetime import UTC, datetime
from typing import Any

from tests.broken.base import Exchange, Table

TABLE = Table()
wire = TABLE.wire


# ---- ids ----------------------------------------------------------------------------------------


@wire("ids.string")
def numeric_task_ids(seen: Exchange) -> None:
    """Task ids are numbers."""
    for record in seen.records:
        record["task_id"] = int(record["task_id"])


@wire("ids.string")
def numeric_ids_in_lists(seen: Exchange) -> None:
    """Task ids are numbers in the list only."""
    for record in seen.records if seen.operation == "list" else ():
        record["task_id"] = int(record["task_id"])


@wire("ids.string|schema.answer")
def numeric_voice_ids(seen: Exchange) -> None:
    """Voice ids are numbers."""
    for voice in seen.voices:
        voice["voice_id"] = int(voice["voice_id"])


@wire("ids.string|schema.answer")
def numeric_audio_ids(seen: Exchange) -> None:
    """Audio ids are numbers."""
    if seen.audio:
        seen.audio["id"] = int(seen.audio["id"])


@wire("ids.unique")
def one_speech_id(seen: Exchange) -> None:
    """Every speech has the same task_id."""
    if seen.operation == "speech" and seen.accepted:
        seen.data["task_id"] = "930801290416885793"


@wire("ids.unique")
def one_audio_id(seen: Exchange) -> None:
    """Every audio has the same id."""
    if seen.audio:
        seen.audio["id"] = "930801290416885794"


@wire("ids.unique")
def audio_named_as_its_task(seen: Exchange) -> None:
    """An audio has the id of its task."""
    if seen.audio:
        seen.audio["id"] = seen.data["task_id"]


@wire("task.id.constant")
def other_id_by_external_id(seen: Exchange) -> None:
    """Asked by external id, a task shows another task_id."""
    if seen.operation == "query" and seen.accepted:
        name = seen.path.rpartition("/")[2]
        if name != seen.data["task_id"]:
            seen.data["task_id"] = seen.data["task_id"][::-1]


# ---- instants -----------------------------------------------------------------------------------


def _times(seen: Exchange) -> list[tuple[dict[str, Any], str]]:
    return [(record, name) for record in seen.records for name in ("created_at", "updated_at")]


@wire("time.milliseconds|schema.answer")
def seconds(seen: Exchange) -> None:
    """Instants are seconds."""
    for record, name in _times(seen):
        if name in record:
            record[name] //= 1000


@wire("time.milliseconds|schema.answer")
def seconds_of_speech(seen: Exchange) -> None:
    """The instants of speeches are seconds."""
    for record, name in _times(seen) if seen.operation == "speech" else ():
        record[name] //= 1000


@wire("time.milliseconds|schema.answer")
def fractions(seen: Exchange) -> None:
    """Instants are milliseconds with a fraction."""
    for record, name in _times(seen):
        if name in record:
            record[name] += 0.5


@wire("time.milliseconds|schema.answer")
def iso_instants(seen: Exchange) -> None:
    """Instants are texts of ISO 8601."""
    for record, name in _times(seen):
        if name in record:
            record[name] = datetime.fromtimestamp(record[name] / 1000, UTC).isoformat()


@wire("time.milliseconds|schema.answer")
def text_instants_in_lists(seen: Exchange) -> None:
    """Instants in the list are digits in a text."""
    for record, name in _times(seen) if seen.operation == "list" else ():
        record[name] = str(record[name])


@wire("task.created-at.constant")
def created_now(seen: Exchange) -> None:
    """created_at of a query is later with each look."""
    if seen.operation == "query" and seen.accepted:
        seen.data["created_at"] += seen.nth("look")
        seen.data["updated_at"] += 1000


@wire("task.created-at.constant")
def lists_created_a_second_off(seen: Exchange) -> None:
    """created_at in the list is cut to whole seconds."""
    for record in seen.records if seen.operation == "list" else ():
        record["created_at"] = record["created_at"] // 1000 * 1000


@wire("task.updated-at.after-creation")
def updated_before_created(seen: Exchange) -> None:
    """updated_at lies an hour before created_at."""
    for record in seen.records:
        if "updated_at" in record and seen.operation != "presets":
            record["updated_at"] = record["created_at"] - 3_600_000


@wire("task.updated-at.monotone|task.status.terminal")
def clock_back(seen: Exchange) -> None:
    """updated_at goes back with each look."""
    if seen.operation == "query" and seen.accepted:
        seen.data["updated_at"] += 100_000 - 10 * seen.nth(seen.data["task_id"])


@wire("task.updated-at.final|task.updated-at.monotone")
def updated_by_looking(seen: Exchange) -> None:
    """updated_at of an ended task is that of the last look."""
    if seen.operation == "query" and seen.accepted:
        seen.data["updated_at"] += seen.nth(seen.data["task_id"])


# ---- statuses and results -----------------------------------------------------------------------


@wire("task.status.enum")
def succeeded(seen: Exchange) -> None:
    """The good end is spelled succeeded."""
    for record in seen.records:
        if record["task_status"] == "succeed":
            record["task_status"] = "succeeded"


@wire("task.status.enum")
def succeeded_in_lists(seen: Exchange) -> None:
    """The good end is spelled succeeded in the list only."""
    for record in seen.records if seen.operation == "list" else ():
        if record["task_status"] == "succeed":
            record["task_status"] = "succeeded"


@wire("task.status.enum")
def capitals_on_creation(seen: Exchange) -> None:
    """The first status is spelled SUBMITTED."""
    if seen.operation == "create" and seen.accepted:
        seen.data["task_status"] = seen.data["task_status"].upper()


@wire("task.status.enum")
def queued(seen: Exchange) -> None:
    """There is a status queued."""
    for record in seen.records:
        if record["task_status"] == "processing":
            record["task_status"] = "queued"


@wire("voice.result.when-succeed|schema.answer")
def null_result(seen: Exchange) -> None:
    """A task in succeed has a result of null."""
    if seen.operation == "query" and seen.accepted:
        seen.data["task_result"] = None


@wire("voice.result.when-succeed")
def early_voice(seen: Exchange) -> None:
    """A task in processing shows its voice already."""
    for record in seen.records:
        if record["task_status"] == "processing":
            record["task_result"] = {"voices": [{"voice_id": "850087542757535834"}]}


@wire("voice-create.asynchronous|voice.result.when-succeed|schema.answer")
def voice_on_creation(seen: Exchange) -> None:
    """The answer of a creation, in submitted, shows a voice."""
    if seen.operation == "create" and seen.accepted:
        seen.data["task_result"] = {"voices": [{"voice_id": seen.data["task_id"][::-1]}]}


@wire("billing.unit-deduction|schema.answer")
def numeric_units(seen: Exchange) -> None:
    """final_unit_deduction is a number."""
    for record in seen.records:
        if "final_unit_deduction" in record:
            record["final_unit_deduction"] = 0.05


@wire("billing.unit-deduction")
def another_price(seen: Exchange) -> None:
    """A finished speech cost 0.5 units."""
    if seen.operation == "speech" and seen.accepted:
        seen.data["final_unit_deduction"] = "0.5"


@wire("billing.balance-deduction|schema.answer")
def text_balance(seen: Exchange) -> None:
    """final_balance_deduction is a text."""
    for record in seen.records:
        record["final_balance_deduction"] = "0.05"


@wire("task.info.empty|task.info.echo|schema.answer")
def null_info(seen: Exchange) -> None:
    """Without an external id task_info is null."""
    for record in seen.records:
        if record.get("task_info") == {}:
            record["task_info"] = None


@wire("task.info.empty")
def info_with_an_empty_id(seen: Exchange) -> None:
    """Without an external id task_info holds an empty one."""
    for record in seen.records:
        if record.get("task_info") == {}:
            record["task_info"] = {"external_task_id": ""}


@wire("task.info.empty|task.info.echo|schema.answer")
def queries_without_info(seen: Exchange) -> None:
    """A query shows no task_info."""
    for record in seen.records if seen.operation == "query" else ():
        record.pop("task_info", None)


def _external(seen: Exchange) -> list[dict[str, Any]]:
    found = [record.get("task_info") or {} for record in seen.records]
    return [info for info in found if info.get("external_task_id")]


@wire("task.info.echo|voice-create.external-id.no-bound")
def small_external_ids(seen: Exchange) -> None:
    """External ids are shown in small letters."""
    for info in _external(seen):
        info["external_task_id"] = info["external_task_id"].lower()


@wire("task.info.echo|voice-create.external-id.no-bound")
def cut_external_ids(seen: Exchange) -> None:
    """External ids are shown cut at 32 characters."""
    for info in _external(seen):
        info["external_task_id"] = info["external_task_id"][:32]


@wire("task.info.echo|voice-create.external-id.no-bound")
def ascii_external_ids(seen: Exchange) -> None:
    """External ids are shown with question marks for what is not ASCII."""
    for info in _external(seen):
        info["external_task_id"] = info["external_task_id"].encode("ascii", "replace").decode()


@wire("task.info.echo|voice-list.same-record")
def ascii_external_ids_in_lists(seen: Exchange) -> None:
    """The list shows question marks for what is not ASCII in external ids."""
    for info in _external(seen) if seen.operation == "list" else ():
        info["external_task_id"] = info["external_task_id"].encode("ascii", "replace").decode()


@wire("task.info.echo")
def lists_without_external_ids(seen: Exchange) -> None:
    """The list shows no external ids."""
    for info in _external(seen) if seen.operation == "list" else ():
        info.clear()


@wire("voice.name.echo")
def mangled_names(seen: Exchange) -> None:
    """Names that are not ASCII are shown as Latin-1."""
    for voice in seen.voices if seen.operation != "presets" else ():
        voice["voice_name"] = voice["voice_name"].encode().decode("latin-1")


@wire("voice.name.echo")
def trimmed_names(seen: Exchange) -> None:
    """Names are shown without the blanks around them."""
    for voice in seen.voices if seen.operation != "presets" else ():
        voice["voice_name"] = voice["voice_name"].strip()


@wire("voice.name.echo")
def composed_names(seen: Exchange) -> None:
    """Letters and their marks are shown as one character."""
    for voice in seen.voices if seen.operation != "presets" else ():
        voice["voice_name"] = unicodedata.normalize("NFC", voice["voice_name"])


@wire("voice.name.echo")
def escaped_names(seen: Exchange) -> None:
    """Names are shown as they would stand in a page."""
    for voice in seen.voices if seen.operation != "presets" else ():
        voice["voice_name"] = html.escape(voice["voice_name"])


@wire("voice.name.echo")
def capital_names(seen: Exchange) -> None:
    """Names are shown in capitals."""
    for voice in seen.voices if seen.operation != "presets" else ():
        voice["voice_name"] = voice["voice_name"].upper()


@wire("voice.owner")
def owned_by_the_vendor(seen: Exchange) -> None:
    """Custom voices are owned by kling."""
    for voice in seen.voices:
        voice["owned_by"] = "kling"


@wire("presets.owner")
def presets_of_a_user(seen: Exchange) -> None:
    """One official voice is owned by a user."""
    if seen.operation == "presets" and seen.voices:
        seen.voices[-1]["owned_by"] = "8812203"


@wire("media.url.no-auth|schema.answer|voice.trial.wav")
def relative_sample(seen: Exchange) -> None:
    """trial_url is a path."""
    for voice in seen.voices:
        voice["trial_url"] = "/trial/1.wav"
