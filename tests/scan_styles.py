"""Pairs as those of tests/scan_pairs.py, in the styles of larger services: threads, injection, annotations, tables, processes."""

from __future__ import annotations

from tests.scan_pairs import APP, BOTH

LATER = APP + "import asyncio\nasync def f(img):\n    %s\n    return faces[0]"
ASKED = LATER.replace("    return", "    if not faces:\n        return None\n    return")
KEPT = (
    "class Service:\n    def __init__(self, app: %s):\n        self._app = app\n"
    "    def best(self, img):\n        faces = self._app.get(img)\n        return faces[0]"
)
FIELD = (
    "from dataclasses import dataclass\n@dataclass\nclass Service:\n    app: %s\n"
    "    def best(self, img):\n        return self.app.get(img)[0]"
)
TABLE = (
    "BY = {'cpu': ['CPUExecutionProvider'], 'gpu': ['CUDAExecutionProvider']}\n%s"
    "class M:\n    def __init__(self, path, device='%s'):\n        self.s = ort.InferenceSession(path, providers=BY[device])\n"
    "M('/m/a.onnx')"
)
FLAGGED = (
    "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--device', default='cpu')\n"
    "args = parser.parse_args()\nBY = {%s, 'gpu': ['%s', 'CPUExecutionProvider']}\n"
    "s = ort.InferenceSession('/m/a.onnx', providers=BY[args.device])"
)
CONFIGURED = (
    "import json\nimport flask\nweb = flask.Flask('a')\nDEFAULTS = {'host': '127.0.0.1'}\ncfg = DEFAULTS\n%s\n"
    "web.run(host=cfg['host'], port=5000)"
)
BOXES = (
    "from insightface.model_zoo import get_model\ndet = get_model('/m/det.onnx')\n"
    "def f(img):\n    boxes, points = det.detect(img)\n%s    return boxes[0, :4]"
)
SHARED = (
    f"session = ort.InferenceSession('/m/a.onnx', {BOTH})\ndef work(x):\n    return %s.run(None, x)\n"
    "def main(xs):\n%s\n"
)
POOL = "    import multiprocessing as mp\n%s    with mp.Pool(4) as pool:\n        return pool.map(work, xs)"
POOLED = (
    "    from concurrent.futures import ProcessPoolExecutor as P\n"
    "    with P(4%s) as pool:\n        return list(pool.map(work, xs))"
)
STARTED = "    from multiprocessing import Process\n    for x in xs:\n        Process(target=%s, args=(x,)).start()"
ROUTED = "\n    web.add_url_rule('/', view_func=work)"
BESIDE = (
    "    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor\n"
    "    gpu = ThreadPoolExecutor(1)\n    decoders = ProcessPoolExecutor(4)\n"
    "    return [gpu.submit(work, one) for one in decoders.map(%s, xs)]"
)
WITHIN = (
    "    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor\n"
    "    with ProcessPoolExecutor(4) as pool:\n        xs = list(pool.map(%s, xs))\n"
    "    with ThreadPoolExecutor(4) as pool:\n        return list(pool.map(work, xs))"
)
AWAITED = (
    "    import asyncio\n    from concurrent.futures import ProcessPoolExecutor\n    pool = ProcessPoolExecutor(4)\n"
    "    return asyncio.get_running_loop().run_in_executor(%s, work, xs)"
)
FORK = "cuda-used-before-fork"
HELD = (
    f"class Engine:\n    session = ort.InferenceSession('/m/a.onnx', {BOTH})\ndef work(q):\n    %s\n"
    "def main(q):\n    from multiprocessing import Process\n    Process(target=work, args=(q,)).start()"
)

STYLES: dict[str, tuple[str, str, str]] = {
    "faces found in an executor": (
        "no-face-not-handled",
        LATER % "faces = await asyncio.get_running_loop().run_in_executor(None, app.get, img)",
        ASKED % "faces = await asyncio.get_running_loop().run_in_executor(None, app.get, img)",
    ),
    "faces found in an executor, by partial": (
        "no-face-not-handled",
        "from functools import partial\n" + LATER % "faces = await loop.run_in_executor(pool, partial(app.get, img))",
        "from functools import partial\n" + ASKED % "faces = await loop.run_in_executor(pool, partial(app.get, img))",
    ),
    "faces found in a thread": (
        "no-face-not-handled",
        LATER % "faces = await asyncio.to_thread(app.get, img)",
        LATER % "faces = await asyncio.to_thread(cache.get, img)",
    ),
    "the first face of a thread, at once": (
        "no-face-not-handled",
        APP + "async def f(img):\n    return (await run_in_threadpool(app.get, img))[0]",
        APP + "async def f(img):\n    return (await run_in_threadpool(app.get, img))[:1]",
    ),
    "faces in order, kept": (
        "no-face-not-handled",
        APP + "def f(img):\n    faces = sorted(app.get(img), key=size)\n    return faces[-1]",
        APP + "def f(img):\n    faces = sorted(app.get(img), key=size)\n    return faces[-1] if faces else None",
    ),
    "the app of an annotated argument, kept in self": ("no-face-not-handled", KEPT % "FaceAnalysis", KEPT % "Cache"),
    "the app of an annotated field": ("no-face-not-handled", FIELD % "FaceAnalysis", FIELD % "list[Cache]"),
    "the class in a partial": (
        "det-parameter-ignored",
        "from functools import partial\nmake = partial(FaceAnalysis, name='buffalo_l', det_size=(640, 640))",
        "from functools import partial\nmake = partial(Detector, name='buffalo_l', det_size=(640, 640))",
    ),
    "the class in a container of injections": (
        "det-parameter-ignored",
        "from dependency_injector import providers\napp = providers.Singleton(FaceAnalysis, det_thresh=0.6)",
        "from dependency_injector import providers\napp = providers.Singleton(FaceAnalysis, name='antelopev2')",
    ),
    "the CPU alone, in a container of injections": (
        "ort-provider-not-requested",
        "from dependency_injector import providers as p\napp = p.Factory(FaceAnalysis, providers=['CPUExecutionProvider'])",
        "from dependency_injector import providers as p\napp = p.Factory(FaceAnalysis, providers=['CUDAExecutionProvider'])",
    ),
    "the CPU alone, by a table": ("ort-provider-not-requested", TABLE % ("", "cpu"), TABLE % ("", "gpu")),
    "the CPU alone, by a table that is filled later": (
        "ort-provider-not-requested",
        TABLE % ("", "cpu"),
        TABLE % ("BY['cpu'] = best()\n", "cpu"),
    ),
    "the CPU alone, by a table of which an entry is changed": (
        "ort-provider-not-requested",
        TABLE % ("BY['cpu'].count(0)\n", "cpu"),
        TABLE % ("BY['cpu'].insert(0, 'CUDAExecutionProvider')\n", "cpu"),
    ),
    "the CPU alone, by a table that somebody is given": (
        "ort-provider-not-requested",
        TABLE % ("print(BY, len(BY))\n", "cpu"),
        TABLE % ("always_merger.merge(BY, read())\n", "cpu"),
    ),
    "the CPU alone, by a table and a flag": (
        "ort-provider-not-requested",
        FLAGGED % ("'cpu': ['CPUExecutionProvider']", "AzureExecutionProvider"),
        FLAGGED % ("'cpu': ['CPUExecutionProvider']", "CUDAExecutionProvider"),
    ),
    "an address by a table of another name": (
        "service-loopback-only",
        CONFIGURED % "print(cfg)",
        CONFIGURED % "merge(cfg, json.load(f))",
    ),
    "the first row of a detector's boxes": (
        "no-face-not-handled",
        BOXES % "",
        BOXES % "    if boxes.shape[0] == 0:\n        return None\n",
    ),
    "the first row of boxes, and their number by name": (
        "no-face-not-handled",
        BOXES % "    n = boxes.mean()\n    if n == 0:\n        return None\n",
        BOXES % "    n = boxes.shape[0]\n    if n == 0:\n        return None\n",
    ),
    "the first row of boxes, and their shape taken apart": (
        "no-face-not-handled",
        BOXES % "    found, _ = boxes.mean()\n    if not found:\n        return None\n",
        BOXES % "    found, _ = boxes.shape\n    if not found:\n        return None\n",
    ),
    "the first row of boxes, and whether there is any by name": (
        "no-face-not-handled",
        BOXES % "    some = boxes.mean()\n    if not some:\n        return None\n",
        BOXES % "    some = boxes.any()\n    if not some:\n        return None\n",
    ),
    "the first row of boxes, and the number of landmarks": (
        "no-face-not-handled",
        BOXES % "    if points is None:\n        return None\n",
        BOXES % "    if points is None or len(points) == 0:\n        return None\n",
    ),
    "grpc, any free port": (
        "service-loopback-only",
        "import grpc\nserver = grpc.server(pool)\nserver.add_insecure_port('localhost:50051')",
        "import grpc\nserver = grpc.server(pool)\nserver.add_insecure_port('localhost:0')\n"
        "server.add_insecure_port('unix-abstract:face')",
    ),
    "a port that the kernel chooses": (
        "service-loopback-only",
        "import socketserver\nserver = socketserver.TCPServer(('localhost', 8080), Handler)",
        "import socketserver\nserver = socketserver.TCPServer(('localhost', 0), Handler)",
    ),
    "grpc": (
        "service-loopback-only",
        "import grpc\nserver = grpc.server(pool)\nserver.add_insecure_port('127.0.0.1:50051')",
        "import grpc\nserver = grpc.server(pool)\nserver.add_insecure_port('[::]:50051')\n"
        "server.add_insecure_port('unix:/run/a')",
    ),
    "a pool of processes": (
        FORK,
        SHARED % ("session", POOL % ""),
        SHARED % ("session", POOL.replace("work", "other") % ""),
    ),
    "a pool of processes that make their own": (FORK, SHARED % ("session", POOL % ""), SHARED % ("own()", POOL % "")),
    "an executor of processes": (
        FORK,
        SHARED % ("session", POOLED % ""),
        SHARED % ("session", POOLED % ", mp_context=context"),
    ),
    "a process": (FORK, SHARED % ("session", STARTED % "work"), SHARED % ("session", STARTED % "other")),
    "a process, and a function that a route has": (
        FORK,
        SHARED % ("session", STARTED % "work" + ROUTED),
        SHARED % ("session", STARTED % "write_log" + ROUTED),
    ),
    "a pool of processes beside one of threads": (
        FORK,
        SHARED % ("session", BESIDE % "work"),
        SHARED % ("session", BESIDE % "decode"),
    ),
    "a pool of processes before one of threads": (
        FORK,
        SHARED % ("session", WITHIN % "work"),
        SHARED % ("session", WITHIN % "decode"),
    ),
    "a pool of processes, in a loop": (
        FORK,
        SHARED % ("session", AWAITED % "pool"),
        SHARED % ("session", AWAITED % "None"),
    ),
    "a process, and a session that it is given": (
        FORK,
        SHARED % ("session", STARTED % "work"),
        SHARED.replace("work(x)", "work(x, session)") % ("session", STARTED % "work"),
    ),
    "a process, and the session of a class": (
        FORK,
        HELD % "Engine.session.run(None, q.get())",
        HELD % "q.get()",
    ),
}
