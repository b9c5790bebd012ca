"""Damages model files in every way that chance finds, and looks at each: never a crash, a hang or memory without bounds.

    uv run python tools/fuzz_models.py --count 10000 [--seed 1]

Prints how each kind ended. A looking that raises, takes more than LONGEST seconds or gives facts that do not fit ends the run
with exit code 1, and the file is kept.
"""

from __future__ import annotations

import argparse
import collections
import io
import pickle
import random
import resource
import signal
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from retina_doctor_checks.facts.models import ModelFile
from retina_doctor_checks.probes.models import contents, onnx_walk

from retina_doctor.codec import decode
from tools.architectures import retinaface

LONGEST = 5  # seconds
MEMORY = 4 * 2**30  # bytes of address space


def seeds() -> dict[str, bytes]:
    """Whole files to begin with."""
    state = {"body.stage1.0.0.weight": [1.0] * 20, "fpn.output1.0.weight": [2.0], "ClassHead.0.conv1x1.bias": [0.5]}
    inner = pickle.dumps(state, protocol=2)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("net/data.pkl", inner)
        archive.writestr("net/data/0", bytes(4096))
        archive.writestr("net/version", b"3\n")
    heads = b"".join(pickle.dumps(one, protocol=2) for one in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    return {
        "model.onnx": retinaface("mobilenet0.25")[:200_000] + retinaface("mobilenet0.25")[-4_000:],
        "small.onnx": external(),
        "zip.pth": packed.getvalue(),
        "legacy.pth": heads + inner + pickle.dumps(["0"], protocol=2) + bytes(2000),
        "plain.pth": pickle.dumps(state, protocol=4),
    }


def external() -> bytes:
    """A small model with weights in a file beside it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(__import__("numpy").zeros((16, 3, 1, 1), "float32"), "w")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])], "g",
        [value("x", TensorProto.FLOAT, [1, 3, "h", "w"])], [value("y", TensorProto.FLOAT, [1, 16, "h", "w"])], [weights],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.external_data_helper.convert_model_to_external_data(model, location="w.data", size_threshold=0)
    return model.SerializeToString()  # type: ignore[no-any-return]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """One to eight damages: bits, bytes, cuts, repeats, long numbers."""
    values = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = (
            chance.randrange(max(len(values), 1))
            if chance.random() < 0.5
            else chance.randrange(min(len(values), 300) or 1)
        )
        kind = chance.randrange(7)
        if kind == 0 and values:
            values[at % len(values)] ^= 1 << chance.randrange(8)
        elif kind == 1 and values:
            values[at % len(values)] = chance.randrange(256)
        elif kind == 2:
            del values[at:]
        elif kind == 3:
            del values[at : at + chance.randint(1, 64)]
        elif kind == 4:
            values[at:at] = chance.randbytes(chance.randint(1, 16))
        elif kind == 5:
            values[at:at] = b"\xff" * chance.randint(1, 9) + b"\x7f"
        else:
            values[at:at] = values[at : at + chance.randint(1, 400)] * chance.randint(1, 20)
    return bytes(values)


def look(path: Path) -> str:
    """How it ended: the content that was told, and the damage. Raises what the looking raises."""
    signal.alarm(LONGEST)
    try:
        facts: dict[str, Any] = contents.examine(str(path))
        seen = decode(facts, ModelFile)
        if seen.onnx is not None:
            onnx_walk.nodes(str(path))
    except onnx_walk.Damaged:
        return "onnx, nodes damaged"
    finally:
        signal.alarm(0)
    return f"{seen.content}, {seen.problem.kind if seen.problem else 'whole'}"


def fuzz(count: int, seed: int, folder: Path) -> collections.Counter[str]:
    """*count* damaged files in all, of each kind as many."""
    chance = random.Random(seed)
    ended: collections.Counter[str] = collections.Counter()
    whole = seeds()
    for number in range(count):
        name = list(whole)[number % len(whole)]
        path = folder / f"{number}-{name}"
        path.write_bytes(damaged(whole[name], chance))
        ended[look(path)] += 1
        path.unlink()
    return ended


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-models-"))
    ended = fuzz(given.count, given.seed, folder)
    folder.rmdir()
    for how, times in ended.most_common():
        print(f"{times:6} {how}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{sum(ended.values())} files in {time.monotonic() - started:.0f} s, seed {given.seed}, at most {peak} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
