"""Reads the skeleton of an ONNX file (protobuf) without loading it: headers only, so 100 MB cost nothing.

Sent to targets: Python 3.8, standard library alone. Field numbers: onnx/onnx.proto. Bounded: it stops at MOST_FIELDS.
"""

from __future__ import annotations

import os

from retina_doctor.hints import Any

MOST_FIELDS = 2000000
LIST_LIMIT = 64
LFS = b"version https://git-lfs"


class Damaged(Exception):
    """Not parseable as an ONNX model: *kind* cut-short, not-protobuf or no-graph; bytes there and needed, where told."""

    def __init__(self, kind: str, there: int | None = None, needed: int | None = None) -> None:
        super(Damaged, self).__init__(kind, there, needed)
        self.kind, self.there, self.needed = kind, there, needed


def skeleton(path: str) -> dict[str, Any]:
    """{"ir_version", "opset", "producer", "inputs": [{"name", "shape"}], "outputs": [...], "nodes", "external"} of an ONNX file.

    shape: list of int, or str for a symbolic size, or None. *external*: see `external_files`. Raises Damaged, OSError.
    """
    size = os.path.getsize(path)
    found: dict[str, Any] = {
        "ir_version": None, "opset": None, "producer": "", "inputs": [], "outputs": [], "nodes": 0, "external": {},
    }  # fmt: skip
    weights: set[str] = set()
    with open(path, "rb") as file:
        reader = ProtobufReader(file)
        for number, kind, value, end in reader.fields(0, size):
            if number == 1 and kind == 0:
                found["ir_version"] = value
            elif number == 2 and kind == 2:
                found["producer"] = reader.text(value, end)
            elif number == 8 and kind == 2:
                domain, version = opset(reader, value, end)
                if domain in ("", "ai.onnx"):
                    found["opset"] = version
            elif number == 7 and kind == 2:
                graph(reader, value, end, found, weights)
            elif number > 100:
                raise Damaged("not-protobuf", value)
    if not found["nodes"]:
        raise Damaged("no-graph")
    found["inputs"] = [one for one in found["inputs"] if one["name"] not in weights]
    found["external"] = external_files(os.path.dirname(path), found["external"])
    return found


def nodes(path: str) -> list[Any]:
    """[(name, operator, inputs, outputs)] of the graph, in the file's order. Raises Damaged, OSError."""
    told = []
    with open(path, "rb") as file:
        reader = ProtobufReader(file)
        for start, end in reader.inside(0, os.path.getsize(path), 7):
            for at, till in reader.inside(start, end, 1):
                words: dict[int, list[str]] = {1: [], 2: [], 3: [], 4: []}
                for number, kind, value, stop in reader.fields(at, till):
                    if number in words and kind == 2:
                        words[number].append(reader.text(value, stop))
                told.append(("".join(words[3]), "".join(words[4]), words[1], words[2]))
    return told


def external_files(folder: str, needed: dict[str, int]) -> list[Any]:
    """[{"location", "problem", "there", "needed"}] of the files in which weights lie beside the model, LIST_LIMIT at most.

    *problem*: None, "missing", "cut-short", "lfs-pointer", "outside" (an absolute path, or one that leaves the
    folder: onnxruntime refuses those) or "unreadable".
    """
    told = []
    for location, least in sorted(needed.items())[:LIST_LIMIT]:
        path = os.path.join(folder, location)
        problem, there = None, None
        if os.path.isabs(location) or os.path.normpath(location).split(os.sep)[0] == "..":
            problem = "outside"
        elif "\0" in location:
            problem = "missing"
        elif not os.path.exists(path):
            problem = "missing"
        else:
            there = os.path.getsize(path)
            unreadable = not os.path.isfile(path) or not os.access(path, os.R_OK)
            problem = "unreadable" if unreadable else None if there >= least else too_short(path)
        told.append({"location": location, "problem": problem, "there": there, "needed": least})
    return told


def too_short(path: str) -> str:
    """ "lfs-pointer" or "cut-short"."""
    with open(path, "rb") as file:
        return "lfs-pointer" if file.read(len(LFS)) == LFS else "cut-short"


def graph(reader: ProtobufReader, start: int, end: int, found: dict[str, Any], weights: set[str]) -> None:
    for number, kind, value, stop in reader.fields(start, end):
        if kind != 2:
            continue
        if number == 1:
            found["nodes"] += 1
        elif number == 5:
            where: dict[str, str] = {}
            for inner, inner_kind, at, till in reader.fields(value, stop):
                if inner == 8 and inner_kind == 2:
                    weights.add(reader.text(at, till))
                elif inner == 13 and inner_kind == 2:
                    key, entry = pair(reader, at, till)
                    where[key] = entry
            if where.get("location"):
                end_of_it = number_in(where.get("offset")) + number_in(where.get("length"))
                found["external"][where["location"]] = max(found["external"].get(where["location"], 0), end_of_it)
        elif number in (11, 12):
            place = found["inputs" if number == 11 else "outputs"]
            if len(place) < LIST_LIMIT:
                place.append(value_info(reader, value, stop))


def opset(reader: ProtobufReader, start: int, end: int) -> tuple[Any, ...]:
    domain, version = "", None
    for number, kind, value, stop in reader.fields(start, end):
        if number == 1 and kind == 2:
            domain = reader.text(value, stop)
        elif number == 2 and kind == 0:
            version = value
    return domain, version


def pair(reader: ProtobufReader, start: int, end: int) -> tuple[Any, ...]:
    """StringStringEntryProto: key 1, value 2."""
    told = {1: "", 2: ""}
    for number, kind, value, stop in reader.fields(start, end):
        if number in told and kind == 2:
            told[number] = reader.text(value, stop)
    return told[1], told[2]


def number_in(text: str | None) -> int:
    return int(text) if text and text.isdigit() and len(text) < 19 else 0


def value_info(reader: ProtobufReader, start: int, end: int) -> dict[str, Any]:
    """ValueInfoProto: name 1, type 2 > tensor_type 1 > shape 2 > dim 1 > (value 1 | param 2)."""
    name, shape = "", None
    for number, kind, value, stop in reader.fields(start, end):
        if number == 1 and kind == 2:
            name = reader.text(value, stop)
        elif number == 2 and kind == 2:
            for at, till in reader.inside(value, stop, 1):
                for shape_at, shape_till in reader.inside(at, till, 2):
                    shape = [dimension(reader, a, b) for a, b in reader.inside(shape_at, shape_till, 1)]
    return {"name": name, "shape": shape}


def dimension(reader: ProtobufReader, start: int, end: int) -> Any:
    size = "?"
    for number, kind, value, stop in reader.fields(start, end):
        if number == 1 and kind == 0:
            size = value
        elif number == 2 and kind == 2:
            size = reader.text(value, stop)
    return size


class ProtobufReader(object):
    """Walks protobuf fields of a file by seeking over their contents."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.seen = 0

    def fields(self, start: int, end: int) -> Any:
        """(number, wire type, value or offset of the contents, offset of their end) of the fields in [start, end)."""
        at = start
        while at < end:
            self.seen += 1
            if self.seen > MOST_FIELDS:
                raise Damaged("not-protobuf", at)
            self.file.seek(at)
            head = self.file.read(min(20, end - at))
            tag, used = varint(head, 0, at)
            number, kind = tag >> 3, tag & 7
            if number == 0 or kind not in (0, 1, 2, 5):
                raise Damaged("not-protobuf", at)
            value, stop = at + used, at + used
            if kind == 0:
                value, after = varint(head, used, at)
                stop = at + after
            elif kind == 2:
                length, after = varint(head, used, at)
                value, stop = at + after, at + after + length
            else:
                stop += 8 if kind == 1 else 4
            if stop > end:
                raise Damaged("cut-short", end, stop)
            yield number, kind, value, stop
            at = stop

    def inside(self, start: int, end: int, wanted: int) -> Any:
        for number, kind, value, stop in self.fields(start, end):
            if number == wanted and kind == 2:
                yield value, stop

    def text(self, start: int, end: int) -> str:
        self.file.seek(start)
        text: str = self.file.read(min(end - start, 256)).decode("utf-8", "replace")
        return text


def varint(data: bytes, at: int, offset: int) -> tuple[Any, ...]:
    """(value, index after it) of the base-128 number at *at*."""
    value = shift = 0
    for index in range(at, min(len(data), at + 10)):
        value |= (data[index] & 0x7F) << shift
        if not data[index] & 0x80:
            return value, index + 1
        shift += 7
    raise Damaged("not-protobuf", offset + at)
