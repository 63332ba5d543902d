"""``kling-mock probe-receiver``: good receivers pass, each fault is caught by a named clause, and mistakes are said."""

from __future__ import annotations

import inspect
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from contract_tests.probe import battery, generated, greeting
from contract_tests.probe.catalogue import catalogue
from contract_tests.probe.curl import command
from contract_tests.probe.pen import Pen
from contract_tests.probe.wire import Delivery
from contract_tests.shapes import Shape
from mock_server import cli
from mock_server.server import RunningServer
from tests.support import broken_receivers as broken
from tests.support import receivers as good
from tests.support.receivers import OLD_SECRET, SECRET, Receiver, Running
from tests.test_cli import is_one_line
from tests.test_server import taken_port

PLAIN_SECRET = "no base64, but a secret!"
SIGNED = ("--secret", SECRET)
BOTH = (*SIGNED, "--secret", OLD_SECRET)
#: How slow receivers are told from quick ones on a busy machine.
IMPATIENT = ("--timeout", "1")

#: Each fault, how it is probed, and the clause that catches it.
FAULTS: dict[type[Receiver], tuple[tuple[str, ...], str]] = {
    broken.NoCheck: (SIGNED, "receiver.signature.wrong"),
    broken.Reserialises: (SIGNED, "receiver.signature.raw-bytes"),
    broken.ReserialisesLikePython: (SIGNED, "receiver.signature.raw-bytes"),
    broken.NoTolerance: (SIGNED, "receiver.signature.stale"),
    broken.OnlyThePast: (SIGNED, "receiver.signature.future"),
    broken.OnlyTheTime: (SIGNED, "receiver.signature.wrong"),
    broken.Prefix: (SIGNED, "receiver.signature.wrong"),
    broken.AsLongAsGiven: (SIGNED, "receiver.signature.malformed"),
    broken.OnlyTheFirst: (SIGNED, "receiver.signature.any-match"),
    broken.WholeHeader: (SIGNED, "receiver.signature.any-match"),
    broken.OnlyVersions1: (SIGNED, "receiver.signature.versions"),
    broken.Contains: (SIGNED, "receiver.signature.versions"),
    broken.AnyVersion1: (SIGNED, "receiver.signature.versions"),
    broken.OnlyTheEnd: (SIGNED, "receiver.signature.missing"),
    broken.AllButFailed: (SIGNED, "receiver.signature.missing"),
    broken.OnlyTheOld: (BOTH, "receiver.signature.either-secret"),
    broken.TextAsKey: (SIGNED, "receiver.signature.other-secret"),
    broken.NoId: (SIGNED, "receiver.signature.altered-id"),
    broken.MissingId: (SIGNED, "receiver.signature.missing"),
    broken.MissingSignature: (SIGNED, "receiver.signature.missing"),
    broken.Stripped: (SIGNED, "receiver.signature.altered-body"),
    broken.KnownIds: (SIGNED, "receiver.signature.replay"),
    broken.NumberError: (SIGNED, "receiver.signature.timestamp-format"),
    broken.NoDuplicates: (SIGNED, "receiver.duplicate"),
    broken.UnknownFields: ((), "receiver.accepts.unknown-fields"),
    broken.OutOfOrder: ((), "receiver.order"),
    broken.Utf8Crash: ((), "receiver.malformed.utf8"),
    broken.JsonCrash: ((), "receiver.malformed.json"),
    broken.TakesAnything: (SIGNED, "receiver.malformed.json"),
    broken.NoObjectCheck: ((), "receiver.malformed.not-object"),
    broken.MissingStatus: ((), "receiver.malformed.missing"),
    broken.ResultType: ((), "receiver.malformed.other"),
    broken.NoFailed: ((), "receiver.accepts.failed"),
    broken.NeedsExternalId: ((), "receiver.accepts.statuses"),
    broken.Ascii: ((), "receiver.accepts.unicode"),
    broken.Astral: ((), "receiver.accepts.unicode"),
    broken.NumericIds: ((), "receiver.accepts.ids"),
    broken.Small: ((), "receiver.accepts.bounds"),
    broken.TooSmall: (SIGNED, "receiver.accepts.bounds"),
    broken.FailsOnce: (SIGNED, "receiver.accepts.plain"),
    broken.FailsAtTwenty: ((), "receiver.accepts.optional"),
    broken.Slow: (IMPATIENT, "receiver.quick"),
    broken.SlowOnSucceed: (IMPATIENT, "receiver.quick"),
    broken.BodyAlone: (SIGNED, "receiver.signature.altered-id"),
    broken.TimeAndBody: (SIGNED, "receiver.signature.altered-id"),
    broken.IdAndBody: (SIGNED, "receiver.signature.altered-timestamp"),
    broken.UnknownTask: ((), "receiver.order"),
    broken.CrossSite: ((), "receiver.accepts.plain"),
    broken.OnlyFinished: ((), "receiver.accepts.statuses"),
    broken.WantsEnvelope: ((), "receiver.accepts.plain"),
    broken.Redirects: ((), "receiver.no-redirect"),
    broken.ByStatus: (SIGNED, "receiver.no-redirect"),
    broken.CasedHeaders: ((), "receiver.headers.case"),
    broken.ExactType: ((), "receiver.headers.content-type"),
    broken.BareType: (SIGNED, "receiver.headers.content-type"),
    broken.Capitals: (SIGNED, "receiver.headers.case"),
    broken.HangsWithoutVoices: (IMPATIENT, "receiver.quick"),
    broken.HangsOnHtml: (IMPATIENT, "receiver.malformed.json"),
    broken.ShowsAPage: ((), "receiver.accepts.failed"),
    broken.Dies: ((), "receiver.survives"),
    broken.DiesOfHtml: ((), "receiver.survives"),
    broken.Broken: ((), "receiver.survives"),
}
#: Faults that only the clause of their name shows.
ALONE = (
    broken.NoTolerance,
    broken.OnlyTheOld,
    broken.OnlyVersions1,
    broken.Contains,
    broken.AnyVersion1,
    broken.NoId,
    broken.MissingStatus,
    broken.OutOfOrder,
    broken.CasedHeaders,
    broken.ExactType,
    broken.BareType,
    broken.Capitals,
    broken.ResultType,
)


@dataclass(frozen=True)
class Probed:
    """A run that has ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """What --json printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def clause(self, identifier: str) -> dict[str, Any]:
        """What --json says of a clause."""
        return next(item for item in self.report["clauses"] if item["id"] == identifier)

    def of(self, result: str) -> list[str]:
        """The ids of the clauses with a result."""
        return [item["id"] for item in self.report["clauses"] if item["result"] == result]


class Probe:
    """Runs the command in process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def url(self, *arguments: str) -> Probed:
        """Runs it with these arguments."""
        self._capsys.readouterr()
        try:
            code = cli.main(["probe-receiver", *arguments])
        except SystemExit as ended:
            code = int(str(ended.code))
        return Probed(code, *self._capsys.readouterr())

    def receiver(self, receiver: Receiver, *options: str) -> Probed:
        """Probes a receiver with few generated bodies."""
        with Running(receiver) as running:
            return self.url(running.url, "--profile", "smoke", "--json", *options)


@pytest.fixture
def probe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Probe:
    """The command, in an environment without secrets; it waits little for receivers that are busy or gone."""
    monkeypatch.delenv("KLING_MOCK_WEBHOOK_SECRET", raising=False)
    monkeypatch.setattr(battery, "_BUSY_S", 0.01)
    monkeypatch.setattr(battery, "_LOOK_PAUSE_S", 0.05)
    return Probe(capsys)


def secrets_in(options: tuple[str, ...]) -> list[str]:
    """The secrets among options."""
    return [item for item in options if item.startswith("whsec_")]


# ---- verdicts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (good.Receiver, ()),
        (good.Receiver, SIGNED),
        (good.Receiver, BOTH),
        (good.Strict, SIGNED),
        (good.Converts, SIGNED),
        (good.OnIts, SIGNED),
        (good.Created, ()),
        (good.Http10, SIGNED),
        (good.OneByOne, SIGNED),
        (good.Busy, ()),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{len(value) // 2}-secrets",
)
def test_a_good_receiver_passes(
    probe: Probe, kind: type[Receiver], options: tuple[str, ...]
) -> None:
    """A good receiver breaks nothing: exit code 0, each clause has one result."""
    run = probe.receiver(kind(*secrets_in(options)), *options)
    assert run.of("failed") == []
    assert run.code == 0
    assert run.err == ""
    assert [item["id"] for item in run.report["clauses"]] == list(catalogue())
    unsigned = [name for name in run.of("not_looked_at") if "signature" not in name]
    assert unsigned == ([] if options else ["receiver.same-id"])
    assert bool(options) == ("receiver.signature.wrong" in run.of("passed"))
    assert (options == BOTH) == ("receiver.signature.either-secret" in run.of("passed"))


def test_a_good_asynchronous_receiver_passes(probe: Probe) -> None:
    """A Starlette application that answers 204 breaks nothing; that it is not 200 is a finding."""
    with RunningServer(app=good.starlette_receiver(SECRET)) as server:
        run = probe.url(f"{server.base_url}/hook", "--profile", "smoke", "--json", *SIGNED)
    assert run.of("failed") == []
    assert run.code == 0
    assert "receiver.status-200" in run.of("finding")


def test_a_plain_secret_is_read_as_the_receiver_reads_it(probe: Probe) -> None:
    """A secret without whsec_ is a text or base64: the probe finds out which by asking."""

    class Textual(good.OnIts):
        def key(self, secret: str) -> bytes:
            return secret.encode()

    for secret in (PLAIN_SECRET, "abcdefghijklmnopqrstuvwxyz012345", "secret"):
        run = probe.receiver(Textual(secret), "--secret", secret)
        assert run.code == 0, run.of("failed")
        # A secret that is an ordinary word takes no id of a clause with it.
        assert "receiver.signature.other-secret" in run.of("passed")


def test_a_receiver_behind_a_login_that_knows_its_tasks_passes(probe: Probe) -> None:
    """Headers and a task of the user's own let the probe in."""
    options = ("--header", "X-Login: let me in", "--task-id", "830460928805724256")
    run = probe.receiver(good.BehindLogin(SECRET), *options, *SIGNED)
    assert run.code == 0, run.of("failed")
    assert "let me in" not in run.out


def test_every_fault_is_tried() -> None:
    """The table of faults has each of the broken receivers, and names clauses that exist."""
    kinds = {
        kind
        for _, kind in inspect.getmembers(broken, inspect.isclass)
        if kind.__module__ == broken.__name__
    }
    assert kinds == set(FAULTS)
    assert {clause for _, clause in FAULTS.values()} <= set(catalogue())


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__name__)
def test_a_fault_is_caught(probe: Probe, kind: type[Receiver]) -> None:
    """A receiver with one fault fails, and the clause that names the fault shows the request."""
    options, clause = FAULTS[kind]
    run = probe.receiver(kind(*secrets_in(options)), *options)
    assert run.code == 1
    assert clause in run.of("failed")
    assert run.clause(clause)["request"]
    if kind in ALONE:
        others = [name for name in run.of("failed") if name != clause]
        # Whatever is generated may meet the fault too, and what no longer has a tolerance takes strange times.
        assert [name for name in others if not re.search("generated|signature", name)] == []


def test_a_first_notification_that_nobody_answers_is_judged(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a handler dies of the first notification but others are answered, there is a receiver, and it is broken."""
    monkeypatch.setattr(greeting, "_PATIENCE_S", 1)
    run = probe.receiver(broken.HangsWithoutVoices(), "--timeout", "0.4")
    assert run.code == 1
    assert "no answer within 0.4 s" in run.clause("receiver.quick")["message"]
    assert "receiver.accepts.plain" in run.of("failed")
    assert "receiver.accepts.failed" not in run.of("passed")
    assert "receiver.signature.valid" not in run.of("failed")


def test_a_redirect_is_not_taken_for_another_secret(probe: Probe) -> None:
    """A receiver that redirects everything is told so, and its secret is not doubted."""
    run = probe.receiver(broken.Redirects(SECRET), *SIGNED)
    assert run.of("failed") == ["receiver.no-redirect"]
    assert "--secret" not in "".join(run.report["errors"])


def test_a_page_is_shown_by_its_title(probe: Probe) -> None:
    """Of an HTML page that a framework answers with, the report shows the title and no markup."""
    message = probe.receiver(broken.ShowsAPage()).clause("receiver.accepts.failed")["message"]
    assert "saw HTTP 500 (a page: Server Error)" in message
    assert "<" not in message.partition("saw")[2]


def test_a_check_against_forgery_is_named(probe: Probe) -> None:
    """A framework that wants its own form's token from a sender is named, whether or not a secret is given."""
    for options in ((), SIGNED):
        run = probe.receiver(broken.CrossSite(), *options)
        assert run.code == 1
        assert any("CSRF" in words for words in run.report["errors"])


def test_a_limit_of_size_is_not_taken_for_a_signature(probe: Probe) -> None:
    """What is refused as too large (413) breaks clauses of bodies, and none of signatures."""
    failed = probe.receiver(broken.TooSmall(SECRET), *SIGNED).of("failed")
    assert "receiver.accepts.bounds" in failed
    assert [name for name in failed if "signature" in name] == []


def test_a_refusal_of_duplicates_is_not_taken_for_a_signature(probe: Probe) -> None:
    """A receiver that refuses a status that a task has had breaks no clause of signatures."""

    class Remembers(good.Receiver):
        def take(self, message_id: str | None, task: dict[str, Any]) -> tuple[int, str]:
            if self.tasks.get(task["task_id"]) == task["task_status"]:
                return 409, "known"
            return super().take(message_id, task)

    failed = probe.receiver(Remembers(SECRET), *SIGNED).of("failed")
    assert {"receiver.duplicate", "receiver.redelivery", "receiver.burst"} <= set(failed)
    assert [name for name in failed if "signature" in name] == []


def test_a_run_that_takes_too_long_says_how_slow_the_receiver_is(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the time of the profile is up, the reason names what each delivery took; exit code 2."""
    monkeypatch.setitem(battery.LONGEST_S, "smoke", 0.05)
    run = probe.receiver(good.Receiver())
    assert run.code == 2
    assert re.search(r"over after \d+ deliveries, 0\.\d s each", run.report["errors"][0])


def test_a_receiver_that_makes_texts_of_pieces_is_told(probe: Probe) -> None:
    """Who decodes a body piece by piece is told, and not called broken: it is seldom that a character is cut."""
    run = probe.receiver(good.PieceByPiece(SECRET), *SIGNED)
    assert run.code == 0
    assert "cut inside of a character" in run.clause("receiver.connection")["message"]
    assert "receiver.connection" in run.of("finding")


def test_one_refused_status_does_not_break_every_clause(probe: Probe) -> None:
    """A receiver that refuses unfinished tasks is told so, and not that headers and connections are wrong."""
    failed = probe.receiver(broken.OnlyFinished()).of("failed")
    assert {"receiver.accepts.plain", "receiver.accepts.statuses"} <= set(failed)
    assert {"receiver.headers.case", "receiver.connection", "receiver.survives"}.isdisjoint(failed)


def test_a_receiver_that_knows_one_of_two_secrets_takes_what_both_have_signed(probe: Probe) -> None:
    """During a rotation a sender signs with both, so only what one secret has signed alone is refused."""
    run = probe.receiver(good.Receiver(OLD_SECRET), *BOTH)
    assert run.of("failed") == ["receiver.signature.either-secret"]
    assert "receiver.signature.rotation" in run.of("passed")


def test_strict_makes_findings_failures(probe: Probe) -> None:
    """What is worth knowing fails a run with --strict only."""
    lenient = probe.receiver(good.Created())
    strict = probe.receiver(good.Created(), "--strict")
    assert lenient.code == 0
    assert "receiver.status-200" in lenient.of("finding")
    assert strict.code == 1
    assert set(lenient.of("finding")) <= set(strict.of("failed"))


def test_the_wrong_secret_is_said(probe: Probe) -> None:
    """A receiver that refuses everything signed is broken or has another secret: both are said, no more is judged."""
    run = probe.receiver(good.Receiver(SECRET), "--secret", OLD_SECRET)
    assert run.code == 1
    assert "receiver.signature.valid" in run.of("failed")
    assert "is --secret the receiver's?" in run.report["errors"][0]
    assert "receiver.malformed.json" in run.of("not_looked_at")


# ---- what cannot be looked at ---------------------------------------------------------------


def test_nobody_there_is_one_line(probe: Probe) -> None:
    """Without a receiver the exit code is 2 and one line names the remedy; --json prints an object too."""
    with taken_port() as port:
        closed = port
    for url in (f"http://127.0.0.1:{closed}/hook", "http://nobody.invalid/hook"):
        run = probe.url(url, "--json")
        assert run.code == 2
        assert is_one_line(run.err)
        assert "start the receiver" in run.err
        assert run.report == {"exit_code": 2, "error": run.report["error"], "clauses": []}


@contextmanager
def speaking(words: bytes) -> Iterator[int]:
    """A port where each connection is told some words, and closed when there are any."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                if words:
                    connection.sendall(words)
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_speaks_no_http_is_one_line(probe: Probe, scheme: str) -> None:
    """A port that speaks something else is nobody's receiver: exit code 2, one line."""
    with speaking(b"SSH-2.0-OpenSSH_9.9\r\n") as port:
        run = probe.url(f"{scheme}://127.0.0.1:{port}/")
    assert run.code == 2
    assert is_one_line(run.err)
    assert re.search("right port|is it http", run.err)


def test_silence_ends(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that takes connections and answers nothing does not hold the probe for ever."""
    monkeypatch.setattr(greeting, "_PATIENCE_S", 0.2)
    with speaking(b"") as port:
        run = probe.url(f"http://127.0.0.1:{port}/", "--timeout", "0.1")
    assert run.code == 2
    assert is_one_line(run.err)
    assert "answers nothing" in run.err


@pytest.mark.parametrize(
    ("receiver", "words"),
    [(good.Receiver(SECRET), "--secret"), (good.BehindLogin(), "--header")],
    ids=["signed", "login"],
)
def test_a_receiver_that_lets_nobody_in_is_not_judged(
    probe: Probe, receiver: Receiver, words: str
) -> None:
    """A healthy receiver whose secret or login was not given is not called broken: exit code 2, with the remedy."""
    run = probe.receiver(receiver)
    assert run.code == 2
    assert words in run.err
    assert is_one_line(run.err)


def test_a_receiver_that_does_not_know_the_task_is_not_judged(probe: Probe) -> None:
    """404 to the first notification is a wrong path or an unknown task: exit code 2, with both remedies."""
    run = probe.receiver(good.BehindLogin(), "--header", "X-Login: let me in")
    assert run.code == 2
    assert "correct the path" in run.err
    assert "--task-id" in run.err


def test_a_task_that_is_not_found_later_has_the_remedy(probe: Probe) -> None:
    """A receiver that knows the way, and finds only tasks whose beginning it has seen, is told what that may mean."""
    run = probe.receiver(broken.UnknownTask())
    assert "--task-id" in run.clause("receiver.order")["message"]
    assert "--task-id" in run.clause("receiver.accepts.failed")["message"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ftp://127.0.0.1/"], "http or https URL"),
        (["127.0.0.1:3000"], "http or https URL"),
        (["http://user:hidden@127.0.0.1/"], "--header"),
        (["http://127.0.0.1/#top"], "fragment"),
        (["http://127.0.0.1/", "--secret", "whsec_"], "base64"),
        (["http://127.0.0.1/", "--secret", "whsec_hidden!"], "base64"),
        (["http://127.0.0.1/", "--secret", ""], "not empty"),
        (["http://127.0.0.1/", "--header", "hidden"], "Name: value"),
        (["http://127.0.0.1/", "--header", "Webhook-Id: hidden"], "writes itself"),
        (["http://127.0.0.1/", "--timeout", "0"], "0.01 to 600"),
        (["http://127.0.0.1/", "--seed", "-1"], "seed"),
        (["http://127.0.0.1/", "--profil", "smoke"], "--profile"),
        ([], "URL"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line(probe: Probe, arguments: list[str], words: str) -> None:
    """A mistake of the user is one line that names place and remedy and repeats no secret; exit code 2."""
    run = probe.url(*arguments)
    assert run.code == 2
    assert is_one_line(run.err)
    assert words in run.err
    assert "hidden" not in run.err


def test_a_secret_of_the_environment_is_used(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """KLING_MOCK_WEBHOOK_SECRET holds what a command line should not show; a mistake in it names it."""
    monkeypatch.setenv("KLING_MOCK_WEBHOOK_SECRET", f"{SECRET},{OLD_SECRET}")
    run = probe.receiver(good.Receiver(SECRET, OLD_SECRET))
    assert run.code == 0
    assert "receiver.signature.rotation" in run.of("passed")
    monkeypatch.setenv("KLING_MOCK_WEBHOOK_SECRET", "whsec_hidden!")
    mistaken = probe.url("http://127.0.0.1/")
    assert mistaken.code == 2
    assert "KLING_MOCK_WEBHOOK_SECRET" in mistaken.err
    assert "hidden" not in mistaken.err


def test_without_the_extra_the_remedy_is_said(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the kit's packages are not installed, the command prints how to install them; exit code 2."""
    monkeypatch.setattr("mock_server.kit_probe.find_spec", lambda _: None)
    run = probe.url("http://127.0.0.1/")
    assert run.code == 2
    assert "'.[check]'" in run.err


# ---- reports --------------------------------------------------------------------------------


def test_the_terminal_shows_what_is_broken_first(probe: Probe, tmp_path: Path) -> None:
    """Without --json: failures, findings, what was not looked at, what passed, the sum, the command; JUnit too."""
    file = tmp_path / "probe.xml"
    with Running(broken.ByStatus()) as running:
        run = probe.url(
            running.url,
            "--profile",
            "smoke",
            "--seed",
            "7",
            "--junit",
            str(file),
            "--timeout",
            "30",
        )
    assert run.code == 1
    heads = [line.partition(":")[0] for line in run.out.splitlines() if re.match("[A-Z]", line)]
    assert [head.partition(" (")[0] for head in heads] == [
        *("FAILED", "FINDINGS", "NOT LOOKED AT", "PASSED", "BROKEN")
    ]
    assert re.search(r"\d+ deliveries", run.out)
    assert "\n    curl -sS -X POST" in run.out
    assert run.out.splitlines()[-1] == (
        f"again: kling-mock probe-receiver {running.url} --seed 7 --profile smoke --timeout 30"
    )
    suite = ElementTree.parse(file).getroot()[0]
    assert suite.get("failures") == "1"
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["receiver.no-redirect"]
    assert len(suite) == len(catalogue())


def test_a_report_that_cannot_be_written_is_said(probe: Probe, tmp_path: Path) -> None:
    """A folder that is not there is a mistake of the user."""
    run = probe.receiver(good.Receiver(), "--junit", str(tmp_path / "none" / "probe.xml"))
    assert run.code == 2
    assert "--junit" in run.err
    assert is_one_line(run.err)


@pytest.mark.parametrize("shape", [("--json",), ()], ids=["json", "terminal"])
def test_no_secret_gets_out(probe: Probe, shape: tuple[str, ...]) -> None:
    """Secrets, headers and query values of the user are in no output, though a receiver repeats them."""

    class Leaks(broken.NoCheck):
        def take(self, message_id: str | None, task: dict[str, Any]) -> tuple[int, str]:
            super().take(message_id, task)
            return 200, f"{SECRET} {SECRET[6:]} planted-login planted-token"

    with Running(Leaks()) as running:
        run = probe.url(
            f"{running.url}?token=planted-token",
            *("--profile", "smoke", *SIGNED, "--header", "X-Login: planted-login", *shape),
        )
    assert run.code == 1
    for secret in (SECRET, SECRET[6:], "planted-login", "planted-token"):
        assert secret not in run.out + run.err
    assert "?token=***" in run.out


def test_a_seed_repeats_the_generated_bodies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same seed makes the same bodies; all that are meant to fit the schema fit, the others do not.

    Nothing is left in the working folder, which is the user's.
    """
    monkeypatch.chdir(tmp_path)
    shape = Shape(generated.schema())
    valid, spoilt = (
        [json.loads(case.delivery.body) for case in make(Pen("run"), 40, 7)]
        for make in (generated.valid, generated.broken)
    )
    again = [json.loads(case.delivery.body) for case in generated.valid(Pen("run"), 40, 7)]
    other = [json.loads(case.delivery.body) for case in generated.valid(Pen("run"), 40, 8)]
    essence = [[{**body, "task_info": 0} for body in bodies] for bodies in (valid, again, other)]
    assert essence[0] == essence[1] != essence[2]
    assert all(map(shape.fits, valid))
    assert {body["task_status"] for body in valid} == set(good.STATUSES)
    assert not any(map(shape.fits, spoilt))
    assert not list(tmp_path.iterdir())


def test_the_clauses_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """``clauses --receiver`` lists what a receiver promises, in the shape of the other clauses."""
    assert cli.main(["clauses", "--receiver", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["clauses"]
    assert [item["id"] for item in listed] == list(catalogue())
    assert set(listed[0]) == {"id", "text", "evidence", "source", "dialects"}
    assert all(item["text"] and item["source"] for item in listed)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b'{"a": "it\'s"}', "--data-raw"),
        (b"\xff\x00", "printf %s /wA= | base64 -d | curl"),
        (b"@file", "base64 -d"),
        (b"x" * 5000, "# the body: 5000 bytes"),
    ],
    ids=["text", "bytes", "at", "long"],
)
def test_a_command_sends_the_same_bytes(body: bytes, part: str) -> None:
    """A command line holds any body; secret headers are not shown, and empty ones are kept."""
    headers = (("webhook-id", ""), ("X-Login", "planted"))
    line = command("http://127.0.0.1/", Delivery(body, headers), ["x-login"])
    assert part in line
    assert "planted" not in line
    assert "'webhook-id;'" in line
