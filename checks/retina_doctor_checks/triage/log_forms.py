"""The forms that loggers, docker, journald and Kubernetes give to a line: what a program said, and which program it was.

Lines are taken out of JSON and of journald's fields; prefixes are cut off; where several programs' lines are interleaved, each
program's own are put together again, so that a traceback is whole.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from retina_doctor.masking.forms import SECRET
from retina_doctor.redaction.chunks import is_secret

LONGEST_RECORD = 200_000
"""Characters of a JSON record that is parsed."""
_ZONES = "UTC|GMT|CES?T|[ECMP][SD]T|JST|BST|IST|MSK|KST"
_HOST = r"[\w.-]{1,64} (?P<who>[\w./@:+-]{1,64}\[\d{1,10}\]|kernel):(?: |$)"
PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:>|&gt;) ?",  # a quotation
        r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[ ]?[+-]\d\d:?\d\d)?"
        rf"(?: (?:{_ZONES})\b)?\]?[:,]?(?:[ \t]+|$)",
        r"\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?(?:[ \t]+|$)",
        r"\[\d\d/\d\d/\d\d \d\d:\d\d:\d\d\] {1,20}[A-Z]{4,8}(?: |$)",  # rich's
        r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? [\w.-]{1,64} "
        r"(?P<who>[\w./@:+-]{1,64}(?:\[\d{1,10}\])?):(?: |$)",  # syslog, journald's short and short-precise
        r"[A-Z][a-z]{2} (?=\d{4}-\d\d-\d\d \d\d:)",  # journald's short-full, before its time
        r"\d{10}\.\d{6} (?=[\w.-]{1,64} )",  # journald's short-unix, before its host
        r"\[ {0,6}\d{1,8}\.\d{6}(?: <[ \d.+]{1,20}>)?\] ?",  # the kernel's, journald's short-monotonic and short-delta
        r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] ?",  # dmesg -T
        r"[a-z0-9]{3,8} {0,4}:[a-z]{3,7} {0,4}: ?(?=\[)",  # dmesg -x
        r"<\d{1,3}>(?=\[)",  # the kernel's level
        r"(?:stdout|stderr) [FP](?: |$)",  # kubelet's
        r"\[pod/(?P<who>[\w./-]{1,160})\](?: |$)",  # kubectl logs --prefix
        r"(?P<who>[a-z0-9][a-z0-9.-]{0,60}-[a-z0-9]{8,10}-[a-z0-9]{5}) [\w.-]{1,40} (?:› )?",  # stern
        _HOST,  # journald's short-iso, after its time
        r"<\d{1,3}>1 \S{10,40} \S{1,64} (?P<who>\S{1,64} \S{1,20}) \S{1,32} (?:-|\[[^\]]{0,200}\])(?: |$)",  # syslog, RFC 5424
        r"\| ?[A-Z]{4,8} {0,5}\| [\w.<>-]{1,80}:[\w<>]{1,60}:\d{1,6} -(?: |$)",  # loguru, after its time
        r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{1,6} {1,8}\d{1,8} [\w./-]{1,80}:\d{1,6}\](?: |$)",  # glog, klog, Triton
        r"- [\w.]{1,60} - [A-Z]{4,8} -(?: |$)",  # Python's logging, after its time
        r"\((?P<who>[\w-]{1,40} pid=\d{1,10})(?:, ip=[\d.]{7,15})?\)(?: |$)",  # Ray, vLLM
        r"[A-Z]{4,8} \d\d-\d\d \d\d:\d\d:\d\d \[[\w.]{1,60}:\d{1,6}\](?: |$)",  # vLLM
        r"\d{1,4}\|(?P<who>[\w.-]{1,40}) {0,20}\| ",  # pm2
        r"(?P<who>[\w.@-]{1,100}) {0,30}\|(?: (?!v?\d{1,4}\.)|$)",  # docker compose, docker service; not a table of versions
    )
)
DEEP = 5
"""Prefixes that stand before one another at most."""
_FIELD = re.compile(
    r"\s{0,16}\"?(?P<name>_{1,2}[A-Z]\w{0,60}|PRIORITY|SYSLOG_[A-Z]{1,20}|MESSAGE(?:_ID)?|CODE_(?:FILE|LINE|FUNC\w{0,4})|TID|ERRNO"
    r"|(?:USER_)?(?:UNIT|INVOCATION_ID)|JOB_\w{1,20}|CONTAINER_\w{1,30}|IMAGE_NAME)\"?(?: : |=)(?P<value>.{0,20000})"
)
"""A field of journald's formats export, verbose and json-pretty (systemd.journal-fields(7))."""
_ENTRY = re.compile(r"\s{0,4}\{\s{0,4}$|[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^\[]{0,40}\[s=|__CURSOR=")
_SAID = ("log", "MESSAGE", "message", "msg", "textPayload", "event")
"""Keys of a record's sentence: docker's, journald's, Python's and Go's loggers, Google's, structlog's."""
_LEVELS = ("time", "ts", "timestamp", "@timestamp", "asctime", "level", "levelname", "severity", "stream")
"""One of which a record has beside it."""
_OWNERS = ("container_name", "SYSLOG_IDENTIFIER", "_PID", "pod", "service")

Said = tuple[int, str, str | None, str | None]
"""Number of the line, what was said, by whom where that is known, and what is shown where that is more than what was said."""


def unwrapped(lines: Iterable[tuple[int, str]]) -> Iterator[Said]:
    """Numbered raw lines without the wrapping of JSON and of journald's fields."""
    taken = list(lines)
    if any("__REALTIME_TIMESTAMP" in raw and _FIELD.match(raw) for _, raw in taken):
        yield from _of_fields(taken)
        return
    for number, raw in taken:
        bare = raw.strip()
        is_record = bare[:1] == "{" and bare[-1:] == "}"
        yield (number, *_of_record(bare)) if is_record else (number, raw, None, None)


def _of_record(raw: str) -> tuple[str, str | None, str | None]:
    """(what a logger's JSON record says, by whom, what is shown). What is no such record is left as it is.

    Sentences are read from the values, and shown with their keys, by which a secret is known: the whole record is shown
    wherever it says more than one line."""
    try:
        record = json.loads(raw) if len(raw) <= LONGEST_RECORD else None
        record = _without_secrets(record)
    except (ValueError, RecursionError):
        return raw, None, None
    if not isinstance(record, dict):
        return raw, None, None
    key = next((key for key in _SAID if key in record), None)
    if key is None or not ("__CURSOR" in record or record.keys() & {*_LEVELS}):
        return raw, None, None
    who = " ".join(str(record[one]) for one in _OWNERS if isinstance(record.get(one), str | int)) or None
    said = _text(record[key]).rstrip()
    if key not in ("MESSAGE", "log"):
        others = (value for name, value in record.items() if name not in (key, *_LEVELS) and isinstance(value, str))
        said = "\n".join((said, *others))
    return said, who, json.dumps(record, ensure_ascii=False) if "\n" in said else None


def _without_secrets(value: Any) -> Any:
    """A record without the values whose keys name a secret, at any depth."""
    if isinstance(value, dict):
        return {key: SECRET if is_secret(key, inner) else _without_secrets(inner) for key, inner in value.items()}
    return [_without_secrets(inner) for inner in value] if isinstance(value, list) else value


def _text(value: Any) -> str:
    """journald gives a message that is no plain text as the numbers of its bytes."""
    if isinstance(value, list) and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _of_fields(lines: Sequence[tuple[int, str]]) -> Iterator[Said]:
    """Of journald's entries, a field a line, the messages alone."""
    entry: list[tuple[int, str]] = []
    who: dict[str, str] = {}
    for number, raw in lines:
        if _ENTRY.match(raw):
            yield from ((at, said, " ".join(who.values()) or None, None) for at, said in entry)
            entry, who = [], {}
        field = _FIELD.match(raw)
        if field is None:
            # The rest of a message that has several lines; entries are parted by empty ones.
            if raw.strip(" {},]\t") and not _ENTRY.match(raw):
                entry.append((number, raw))
        elif field["name"] == "MESSAGE":
            entry.append((number, _unquoted(field["value"])))
        elif field["name"] in _OWNERS:
            who[field["name"]] = field["value"].strip('", ')
    yield from ((at, said, " ".join(who.values()) or None, None) for at, said in entry)


def _unquoted(value: str) -> str:
    bare = value.rstrip().removesuffix(",")
    if bare[:1] not in ('"', "["):
        return value
    try:
        return _text(json.loads(bare))
    except (ValueError, RecursionError):
        return value


def without_prefix(text: str) -> tuple[str, str | None]:
    """(the line without what loggers put before it, who said it where a prefix tells)."""
    who: str | None = None
    for _ in range(DEEP):
        for prefix in PREFIXES:
            if match := prefix.match(text):
                text = text[match.end() :]
                who = match.groupdict().get("who") or who
                break
        else:
            break
    return text, who


def by_speaker(who: Sequence[str | None], blank: Sequence[bool]) -> tuple[list[int], frozenset[int]]:
    """(positions of lines, those of each speaker together where several take turns; places in it where another begins, or where
    an empty line that is nobody's lay before).

    A line that tells nobody is the speaker's before it, unless an empty one lies between."""
    speakers: list[str | None] = []
    last: str | None = None
    for one, empty in zip(who, blank, strict=True):
        last = one or (None if empty else last)
        speakers.append(last)
    turns = [one for at, one in enumerate(speakers) if one is not None and (at == 0 or one != speakers[at - 1])]
    if len(turns) == len(set(turns)):
        return list(range(len(who))), frozenset()
    order = {one: number for number, one in enumerate(dict.fromkeys(speakers))}
    positions = sorted(range(len(who)), key=lambda at: order[speakers[at]])
    gaps = list(itertools.accumulate(one is None and empty for one, empty in zip(who, blank, strict=True)))
    starts = (
        place
        for place, (before, at) in enumerate(itertools.pairwise(positions), 1)
        if speakers[at] != speakers[before] or gaps[at] != gaps[before]
    )
    return positions, frozenset(starts)
