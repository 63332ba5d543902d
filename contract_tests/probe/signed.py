"""What only a receiver with a secret can get wrong: signatures that it must take, and those that it must not."""

from __future__ import annotations

import base64
import hmac
import time
from dataclasses import replace
from hashlib import sha256, sha512

from contract_tests import signatures
from contract_tests.probe.cases import (
    ACCEPT,
    RATHER_ACCEPT,
    RATHER_REFUSE,
    REFUSE,
    REFUSE_OR_STUMBLE,
    Case,
    Cases,
    Want,
)
from contract_tests.probe.pen import STATUSES, Pen, ascii_only, compact
from contract_tests.probe.wire import Delivery
from contract_tests.signatures import ID, SIGNATURE, TIMESTAMP

#: Seconds by which a timestamp is too old or too new: just beyond the tolerance, with room for slow clocks, and far.
_BEYOND_S = (signatures.TOLERANCE_S + 60, 3600, 86_400 * 365)
_WITHIN_S = 120
#: Versions that are not v1, though some hold it: receivers that look for a text in the header take them for it.
_FOREIGN = ("v2", "v1a", "v10", "xv1")
_NO_KEY = b"kling-mock probes with a key that nobody has"


def _case(pen: Pen, clause: str, what: str, want: Want, **how: object) -> Case:
    delivery = pen.post(pen.task(), **how)
    return Case(f"receiver.signature.{clause}", what, want, delivery)


def taken(pen: Pen) -> Cases:
    """Valid signatures beside others."""
    body = pen.style(pen.task("succeed"))
    yield Case("receiver.signature.valid", "one signature", ACCEPT, pen.post(body))
    for what, order in (("last", (_NO_KEY, *pen.keys)), ("first", (*pen.keys, _NO_KEY))):
        words = f"several signatures, the {what} is valid"
        yield _case(pen, "any-match", words, ACCEPT, keys=order)
    order = (_NO_KEY, _NO_KEY[:9], *pen.keys)
    yield _case(pen, "any-match", "two that are not valid, then one that is", ACCEPT, keys=order)
    for other in ("v2,b3RoZXI=", "v1a,b3RoZXI="):
        for what, pattern in (("before", f"{other} {{}}"), ("behind", f"{{}} {other}")):
            yield _with(pen, "versions", f"{other} {what} a valid v1", ACCEPT, pattern)
    for version in _FOREIGN:
        what = f"a valid v1, but under the version {version}"
        yield _with(pen, "versions", what, REFUSE, "{}", version=version)
    for age_s in (_WITHIN_S, -_WITHIN_S):
        at = str(int(time.time()) - age_s)
        word = "old" if age_s > 0 else "ahead"
        what = f"signed {abs(age_s)} s {word}"
        yield _case(pen, "tolerance", what, RATHER_ACCEPT, at=at)


def rotation(pen: Pen) -> Cases:
    """Two secrets at once, and each alone."""
    if len(pen.keys) < 2:
        return
    for keys in (pen.keys, pen.keys[::-1]):
        yield _case(pen, "rotation", "signed with all secrets", ACCEPT, keys=keys)
    for number, key in enumerate(pen.keys, 1):
        what = f"signed with secret {number} of {len(pen.keys)} alone"
        yield _case(pen, "either-secret", what, ACCEPT, keys=[key])


def _with(pen: Pen, clause: str, what: str, want: Want, pattern: str, version: str = "v1") -> Case:
    """A case whose signature header is a pattern around the valid signature."""
    delivery = pen.post(pen.task())
    header = pattern.format(dict(delivery.headers)[SIGNATURE].replace("v1,", f"{version},"))
    return Case(f"receiver.signature.{clause}", what, want, _changed(delivery, SIGNATURE, header))


def _changed(delivery: Delivery, name: str, value: str) -> Delivery:
    headers = tuple((key, value if key == name else old) for key, old in delivery.headers)
    return replace(delivery, headers=headers)


def headers(pen: Pen) -> Cases:
    """Headers that are absent or empty."""
    nothing = dict.fromkeys((ID, TIMESTAMP, SIGNATURE))
    yield _case(pen, "missing", "no signature at all", REFUSE, instead=nothing)
    for name in (ID, TIMESTAMP, SIGNATURE):
        yield _case(pen, "missing", f"no {name}", REFUSE, instead={name: None})
        yield _case(pen, "missing", f"an empty {name}", REFUSE, instead={name: ""})
    yield _case(pen, "missing", "only an id", REFUSE, instead={TIMESTAMP: None, SIGNATURE: None})
    for status in STATUSES:  # some verify only what they act on
        delivery = pen.post(pen.task(status), instead=nothing)
        what = f"a {status} without signature"
        yield Case("receiver.signature.missing", what, REFUSE, delivery)


def wrong(pen: Pen) -> Cases:
    """Signatures of the right form that are not valid, and those of other keys."""
    for what, place in (("first", 0), ("middle", 16), ("last", 31)):
        delivery = pen.post(pen.task())
        text = dict(delivery.headers)[SIGNATURE].split()[0]
        delivery = _changed(delivery, SIGNATURE, _flipped(text, place))
        clause = "receiver.signature.wrong"
        yield Case(clause, f"its {what} byte is another", REFUSE, delivery)
    zeros = "v1," + base64.b64encode(bytes(32)).decode()
    yield _case(pen, "wrong", "nothing but zero bytes", REFUSE, instead={SIGNATURE: zeros})
    for status in STATUSES:
        delivery = pen.post(pen.task(status), keys=[_NO_KEY])
        what = f"a {status} signed with another secret"
        yield Case("receiver.signature.other-secret", what, REFUSE, delivery)
    yield _case(pen, "other-secret", "signed with an empty secret", REFUSE, keys=[b""])
    for key in pen.keys[:1]:
        encoded = base64.b64encode(key).decode()
        for text in (signatures.PREFIX + encoded, encoded):
            keys = [text.encode()]
            if keys[0] not in pen.keys:
                what = "signed with the text of the secret instead of what it holds"
                yield _case(pen, "other-secret", what, REFUSE, keys=keys)


def _flipped(signature: str, place: int) -> str:
    raw = bytearray(base64.b64decode(signature.removeprefix("v1,")))
    raw[place] ^= 1
    return "v1," + base64.b64encode(raw).decode()


def altered(pen: Pen) -> Cases:
    """What was changed after it was signed."""
    task = pen.task("succeed", task_result={"voices": [pen.voice(voice_name="Zoë")]})
    body = compact(task)
    bodies = (
        ("one letter is another", body.replace(b"Narrator", b"Narratos").replace(b"Zo", b"Zi")),
        ("a digit of an instant is another", body[:-2] + bytes([body[-2] ^ 1]) + body[-1:]),
        ("the status is another", body.replace(b'"succeed"', b'"failed"')),
        ("a blank at the end", body + b" "),
        ("a blank inside", body.replace(b":", b": ", 1)),
        ("escapes where characters were", ascii_only(task)),
        ("its keys in another order", compact(dict(reversed(task.items())))),
        ("a field more", body[:-1] + b',"added":1}'),
        ("empty", b""),
    )
    for what, changed in bodies:
        delivery = replace(pen.post(body), body=changed)
        yield Case("receiver.signature.altered-body", what, REFUSE, delivery)
    delivery = replace(pen.post(b""), body=body)
    what = "a body where an empty one was signed"
    yield Case("receiver.signature.altered-body", what, REFUSE, delivery)
    yield _case(pen, "altered-id", "another id", REFUSE, instead={ID: pen.new_id()})
    delivery = pen.post(pen.task())
    longer = dict(delivery.headers)[ID] + "0"
    delivery = _changed(delivery, ID, longer)
    yield Case("receiver.signature.altered-id", "a digit more in the id", REFUSE, delivery)
    for what, seconds in (("a second later", 1), ("a second earlier", -1), ("a minute later", 60)):
        now = int(time.time())
        instead = {TIMESTAMP: str(now + seconds)}
        yield _case(pen, "altered-timestamp", what, REFUSE, at=str(now), instead=instead)


def times(pen: Pen) -> Cases:
    """Timestamps that are signed, and not to be trusted."""
    for seconds in _BEYOND_S:
        at = str(int(time.time()) - seconds)
        yield _case(pen, "stale", f"signed {seconds} s ago", REFUSE, at=at)
    yield _case(pen, "stale", "signed in 1970", REFUSE, at="0")
    for seconds in _BEYOND_S:
        at = str(int(time.time()) + seconds)
        yield _case(pen, "future", f"signed {seconds} s ahead", REFUSE, at=at)
    clause = "timestamp-format"
    now = time.time()
    yield _case(pen, clause, "milliseconds", REFUSE, at=str(int(now * 1000)))
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    for what, at in (("a date", iso), ("a word", "now"), ("negative", f"-{int(now)}")):
        yield _case(pen, clause, f"{what} as timestamp", REFUSE, at=at)
    huge = "9" * 400
    yield _case(pen, clause, "400 digits as timestamp", REFUSE_OR_STUMBLE, at=huge)
    # A comparison with NaN is false, so that nothing seems too old.
    for at in ("nan", "inf", "-inf"):
        yield _case(pen, clause, f"{at} as timestamp", RATHER_REFUSE, at=at)


def cut(pen: Pen) -> Cases:
    """Signature headers that are cut off or encoded in another way."""
    body = pen.style(pen.task())
    message_id, at = pen.new_id(), str(int(time.time()))
    key = pen.keys[0]
    text = signatures.sign(key, message_id, at, body)
    encoded = text.removeprefix("v1,")
    signed = f"{message_id}.{at}.".encode() + body
    hexadecimal = base64.b64decode(encoded).hex()
    longer = base64.b64encode(hmac.digest(key, signed, sha512)).decode()
    bare = base64.b64encode(hmac.digest(key, body, sha256)).decode()
    clause = "receiver.signature.malformed"
    for what, header, want in (
        ("only its version", "v1,", REFUSE),
        ("its first 30 bytes", text[:43], REFUSE),
        ("its first 3 bytes", text[:7], REFUSE),
        ("in hexadecimal", f"v1,{hexadecimal}", REFUSE),
        ("of another hash", f"v1,{longer}", REFUSE),
        ("of the body alone", f"v1,{bare}", REFUSE),
        ("in lower case", text.lower(), REFUSE),
        # The reference library for Python stumbles over what has no comma, or is no base64.
        ("without its version", encoded, REFUSE_OR_STUMBLE),
        ("its version with an equals sign", f"v1={encoded}", REFUSE_OR_STUMBLE),
        ("one character short", text[:-2], REFUSE_OR_STUMBLE),
        ("no base64", "v1,%%%%", REFUSE_OR_STUMBLE),
        ("not ASCII", "v1,\xfc\xfc\xfc\xfc", REFUSE_OR_STUMBLE),
        ("a word", "valid", REFUSE_OR_STUMBLE),
    ):
        how = {ID: message_id, TIMESTAMP: at, SIGNATURE: header}
        yield Case(clause, what, want, pen.post(body, instead=how))


def replayed(pen: Pen) -> Cases:
    """What somebody who has seen a delivery might send."""
    first = pen.post(pen.task("processing"))
    clause = "receiver.signature.replay"
    yield Case(clause, "a notification", ACCEPT, first)
    forged = replace(first, body=pen.style(pen.task("succeed")))
    yield Case(clause, "another body with its headers", REFUSE, forged)
    clause = "receiver.signature.altered-timestamp"
    later = _changed(first, TIMESTAMP, str(int(dict(first.headers)[TIMESTAMP]) + 2))
    yield Case(clause, "an accepted delivery with a later timestamp", REFUSE, later)
    again = _changed(first, ID, pen.new_id())
    clause = "receiver.signature.altered-id"
    yield Case(clause, "an accepted delivery with a new id", REFUSE, again)


SIGNED = (taken, rotation, headers, wrong, altered, times, cut, replayed)
