"""Small services as people write them, each with a fault and without it: pairs for tests/test_scan_services.py."""

# ruff: noqa: E501 - their lines are those of the services

from __future__ import annotations

Tree = dict[str, str]

PREPARE = "prepare(ctx_id=0, det_size=(640, 640))"
FASTAPI = (
    "import cv2\nimport numpy as np\nfrom fastapi import FastAPI, HTTPException, UploadFile\n%s\napi = FastAPI()\n\n\n"
    "def decode(data: bytes) -> np.ndarray:\n    img = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)\n"
    "    if img is None:\n        raise HTTPException(400, 'not an image')\n    return img\n\n\n"
)
ENGINE = (
    "from insightface.app import FaceAnalysis\n\n\nclass FaceEngine:\n    def __init__(self, name: str = 'buffalo_l'):\n"
    f"        self.app = FaceAnalysis(name=name)\n        self.app.{PREPARE}\n\n"
    "    def detect(self, img):\n        return [f.bbox.tolist() for f in self.app.get(img)]\n"
)
REQUIRES = {"requirements.txt": "python-multipart\nfastapi\ninsightface==0.7.3\nonnxruntime-gpu==1.18.1\n"}


def fastapi(head: str, body: str, **files: str) -> Tree:
    named = {name.replace("__", "/") + ".py": text for name, text in files.items()}
    return {"main.py": FASTAPI % head + body, **named, **REQUIRES}


IN_HANDLER = fastapi(
    "from insightface.app import FaceAnalysis",
    "@api.post('/detect')\nasync def detect(file: UploadFile):\n    app = FaceAnalysis(name='buffalo_l')\n"
    f"    app.{PREPARE}\n    faces = app.get(decode(await file.read()))\n"
    "    return {'faces': [f.bbox.tolist() for f in faces]}\n",
)
IN_MODULE = fastapi(
    "from insightface.app import FaceAnalysis",
    f"app = FaceAnalysis(name='buffalo_l')\napp.{PREPARE}\n\n\n"
    "@api.post('/detect')\nasync def detect(file: UploadFile):\n    faces = app.get(decode(await file.read()))\n"
    "    return {'faces': [f.bbox.tolist() for f in faces]}\n",
)
LIFESPAN = fastapi(
    "from contextlib import asynccontextmanager\nfrom fastapi import Request\nfrom insightface.app import FaceAnalysis",
    "@asynccontextmanager\nasync def lifespan(web: FastAPI):\n    face = FaceAnalysis()\n"
    f"    face.{PREPARE}\n    web.state.face = face\n    yield\n\n\n"
    "api = FastAPI(lifespan=lifespan)\n\n\n"
    "@api.post('/detect')\nasync def detect(request: Request, file: UploadFile):\n"
    "    faces = request.app.state.face.get(decode(await file.read()))\n    return {'n': len(faces)}\n",
)
HELPER = (
    "%sdef load_model():\n    model = FaceAnalysis()\n    model.prepare(ctx_id=0, det_size=(640, 640))\n    return model\n\n\n"
    "@api.post('/detect')\nasync def detect(file: UploadFile):\n    img = decode(await file.read())\n"
    "    model = load_model()\n    return {'n': len(model.get(img))}\n"
)
GUARDED = (
    "_model = None\n\n\ndef load_model():\n    global _model\n    if _model is None:\n        _model = FaceAnalysis()\n"
    "        _model.prepare(ctx_id=0, det_size=(640, 640))\n    return _model\n\n\n"
    "@api.post('/detect')\nasync def detect(file: UploadFile):\n    img = decode(await file.read())\n"
    "    model = load_model()\n    return {'n': len(model.get(img))}\n"
)
DEPENDS = (
    "@api.post('/detect')\nasync def detect(file: UploadFile, engine: FaceEngine = Depends(get_engine)):\n"
    "    return {'faces': engine.detect(decode(await file.read()))}\n"
)
FLASK = (
    "import io\nimport numpy as np\nfrom flask import Flask, jsonify, request\nfrom PIL import Image\n"
    "from insightface.app import FaceAnalysis\n%s\nweb = Flask(__name__)\n"
    f"face = FaceAnalysis(name='buffalo_l')\nface.{PREPARE}\n\n\n"
)
FLASK_READ = (
    "@web.route('/detect', methods=['POST'])\ndef detect():\n    img = Image.open(request.files['image'].stream).convert('RGB')\n"
    "%s    faces = face.get(img)\n    return jsonify(faces=[f.bbox.tolist() for f in faces])\n"
)
FLASK_REQUIRES = {"requirements.txt": "flask\npillow\ninsightface==0.7.3\nonnxruntime-gpu==1.18.1\n"}
AIOHTTP = (
    "import cv2\nimport numpy as np\nfrom aiohttp import web\nfrom face.engine import FaceEngine%s\n\n\n"
    "async def detect(request):\n    img = cv2.imdecode(np.frombuffer(await request.read(), np.uint8), 1)\n"
    "    if img is None:\n        raise web.HTTPBadRequest()\n%s    return web.json_response({'faces': engine.detect(img)})\n\n\n"
    "def main():\n%s    app = web.Application()\n    app.router.add_post('/detect', detect)\n    web.run_app(app, port=8080)\n\n\n"
    "if __name__ == '__main__':\n    main()\n"
)
GRPC = (
    "from concurrent import futures\nimport cv2\nimport grpc\nimport numpy as np\nimport onnxruntime as ort\n"
    "import face_pb2\nimport face_pb2_grpc\n\n"
    "MODEL = '/models/retinaface/retinaface_r50_v1.onnx'\nPROVIDERS = ['CUDAExecutionProvider', 'CPUExecutionProvider']\n\n\n"
    "class FaceService(face_pb2_grpc.FaceServicer):\n%s"
    "    def Detect(self, request, context):\n        img = cv2.imdecode(np.frombuffer(request.image, np.uint8), 1)\n"
    "        if img is None:\n            context.abort(grpc.StatusCode.INVALID_ARGUMENT, 'not an image')\n"
    "        blob = cv2.dnn.blobFromImage(img, 1.0 / 128, (640, 640), (127.5, 127.5, 127.5), swapRB=True)\n%s"
    "        return face_pb2.Faces(boxes=out[0].ravel().tolist())\n\n\n"
    "def serve():\n    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))\n"
    "    face_pb2_grpc.add_FaceServicer_to_server(FaceService(), server)\n    server.add_insecure_port('[::]:50051')\n"
    "    server.start()\n    server.wait_for_termination()\n\n\nif __name__ == '__main__':\n    serve()\n"
)
LITSERVE = (
    "import cv2\nimport litserve as ls\nimport numpy as np\nfrom insightface.app import FaceAnalysis\n\n\n"
    "class FaceAPI(ls.LitAPI):\n    def setup(self, device):\n        %s\n\n"
    "    def decode_request(self, request):\n        img = cv2.imdecode(np.frombuffer(request['image'].file.read(), np.uint8), 1)\n"
    "        if img is None:\n            raise ValueError('not an image')\n        return img\n\n"
    "    def predict(self, img):\n        %s\n        return [f.bbox.tolist() for f in app.get(img)]\n\n"
    "    def encode_response(self, output):\n        return {'faces': output}\n\n\n"
    "if __name__ == '__main__':\n    ls.LitServer(FaceAPI(), accelerator='gpu').run(port=8000)\n"
)
MADE = f"app = FaceAnalysis()\n        app.{PREPARE}"
KEPT_SELF = f"self.app = FaceAnalysis()\n        self.app.{PREPARE}"

PER_REQUEST: dict[str, tuple[set[str], Tree, Tree]] = {
    "fastapi, in the handler": ({"service-model-per-request"}, IN_HANDLER, IN_MODULE),
    "fastapi, through a helper": (
        {"service-model-per-request"},
        fastapi("from insightface.app import FaceAnalysis", HELPER % ""),
        fastapi("from functools import lru_cache\nfrom insightface.app import FaceAnalysis", HELPER % "@lru_cache\n"),
    ),
    "fastapi, a helper with a global guard": (
        {"service-model-per-request"},
        fastapi("from insightface.app import FaceAnalysis", GUARDED.replace("if _model is None", "if True").replace("    global _model\n", "")),
        fastapi("from insightface.app import FaceAnalysis", GUARDED),
    ),
    "fastapi, Depends": (
        {"service-model-per-request"},
        fastapi(
            "from fastapi import Depends\nfrom engine import FaceEngine",
            "def get_engine():\n    return FaceEngine()\n\n\n" + DEPENDS, engine=ENGINE,
        ),
        fastapi(
            "from functools import lru_cache\nfrom fastapi import Depends\nfrom engine import FaceEngine",
            "@lru_cache(maxsize=1)\ndef get_engine():\n    return FaceEngine()\n\n\n" + DEPENDS, engine=ENGINE,
        ),
    ),
    "fastapi, Depends, of another file": (
        {"service-model-per-request"},
        {
            **fastapi("from fastapi import Depends\nfrom app.deps import get_engine\nfrom app.engine import FaceEngine", DEPENDS),
            "app/__init__.py": "", "app/engine.py": ENGINE,
            "app/deps.py": "import cv2\nfrom .engine import FaceEngine\n\n\ndef get_engine() -> FaceEngine:\n    return FaceEngine()\n",
        },
        {
            **fastapi("from fastapi import Depends\nfrom app.deps import get_engine\nfrom app.engine import FaceEngine", DEPENDS),
            "app/__init__.py": "", "app/engine.py": ENGINE,
            "app/deps.py": "import cv2\nfrom .engine import FaceEngine\n\n_engine = FaceEngine()\n\n\ndef get_engine() -> FaceEngine:\n    return _engine\n",
        },
    ),
    "fastapi, the application's state": (
        {"service-model-per-request"},
        fastapi(
            "from insightface.app import FaceAnalysis",
            "@api.post('/detect')\ndef detect(file: UploadFile):\n    img = decode(file.file.read())\n"
            f"    face = FaceAnalysis()\n    face.{PREPARE}\n    return {{'n': len(face.get(img))}}\n",
        ),
        LIFESPAN,
    ),
    "aiohttp, a class of another file": (
        {"service-model-per-request"},
        {"server.py": AIOHTTP % ("", "    engine = FaceEngine()\n", ""), "face/__init__.py": "", "face/engine.py": ENGINE},
        {"server.py": AIOHTTP % ("\n\nengine = None", "", "    global engine\n    engine = FaceEngine()\n"),
         "face/__init__.py": "", "face/engine.py": ENGINE},
    ),
    "grpc": (
        {"service-model-per-request"},
        {"server.py": GRPC % (
            "", "        session = ort.InferenceSession(MODEL, providers=PROVIDERS)\n"
            "        out = session.run(None, {session.get_inputs()[0].name: blob})\n")},
        {"server.py": GRPC % (
            "    def __init__(self):\n        self.session = ort.InferenceSession(MODEL, providers=PROVIDERS)\n"
            "        self.name = self.session.get_inputs()[0].name\n\n",
            "        out = self.session.run(None, {self.name: blob})\n")},
    ),
    "litserve": (
        {"service-model-per-request"},
        {"server.py": LITSERVE % ("self.device = device", MADE)},
        {"server.py": LITSERVE % (KEPT_SELF, "app = self.app")},
    ),
    "flask, a method that makes it": (
        {"service-model-per-request"},
        {
            "app.py": "import cv2\nimport numpy as np\nfrom flask import Flask, jsonify, request\nfrom detector import Detector\n\n"
            "web = Flask(__name__)\ndetector = Detector('/models/det_10g.onnx')\n\n\n@web.post('/detect')\ndef detect():\n"
            "    img = cv2.imdecode(np.frombuffer(request.data, np.uint8), 1)\n    if img is None:\n        return {'error': 'no image'}, 400\n"
            "    return jsonify(boxes=detector.detect(img))\n",
            "detector.py": "from insightface.model_zoo import get_model\n\n\nclass Detector:\n    def __init__(self, path):\n"
            "        self.path = path\n\n    def _load(self):\n        model = get_model(self.path)\n"
            "        model.prepare(ctx_id=0, input_size=(640, 640))\n        return model\n\n"
            "    def detect(self, img):\n        model = self._load()\n        boxes, _ = model.detect(img)\n        return boxes.tolist()\n",
        },
        {
            "app.py": "import cv2\nimport numpy as np\nfrom flask import Flask, jsonify, request\nfrom detector import Detector\n\n"
            "web = Flask(__name__)\ndetector = Detector('/models/det_10g.onnx')\n\n\n@web.post('/detect')\ndef detect():\n"
            "    img = cv2.imdecode(np.frombuffer(request.data, np.uint8), 1)\n    if img is None:\n        return {'error': 'no image'}, 400\n"
            "    return jsonify(boxes=detector.detect(img))\n",
            "detector.py": "from insightface.model_zoo import get_model\n\n\nclass Detector:\n    def __init__(self, path):\n"
            "        self.path = path\n        self._model = None\n\n    def _load(self):\n        if self._model is None:\n"
            "            self._model = get_model(self.path)\n            self._model.prepare(ctx_id=0, input_size=(640, 640))\n"
            "        return self._model\n\n"
            "    def detect(self, img):\n        model = self._load()\n        boxes, _ = model.detect(img)\n        return boxes.tolist()\n",
        },
    ),
    "a cache by name": (
        {"service-model-per-request"},
        fastapi(
            "from insightface.app import FaceAnalysis",
            "def of_name(name):\n    model = FaceAnalysis(name=name)\n    model.prepare(ctx_id=0)\n    return model\n\n\n"
            "@api.post('/{name}/detect')\ndef detect(name: str, file: UploadFile):\n"
            "    return {'n': len(of_name(name).get(decode(file.file.read())))}\n",
        ),
        fastapi(
            "from insightface.app import FaceAnalysis",
            "CACHE = {}\n\n\ndef of_name(name):\n    if name in CACHE:\n        return CACHE[name]\n    model = FaceAnalysis(name=name)\n"
            "    model.prepare(ctx_id=0)\n    CACHE[name] = model\n    return model\n\n\n"
            "@api.post('/{name}/detect')\ndef detect(name: str, file: UploadFile):\n"
            "    return {'n': len(of_name(name).get(decode(file.file.read())))}\n",
        ),
    ),
    "in a thread": (
        {"service-model-per-request"},
        fastapi(
            "from fastapi.concurrency import run_in_threadpool\nfrom engine import FaceEngine",
            "def work(img):\n    return FaceEngine().detect(img)\n\n\n@api.post('/detect')\nasync def detect(file: UploadFile):\n"
            "    return await run_in_threadpool(work, decode(await file.read()))\n", engine=ENGINE,
        ),
        fastapi(
            "from fastapi.concurrency import run_in_threadpool\nfrom engine import FaceEngine",
            "def work(img):\n    return Single().detect(img)\n\n\nclass Single(FaceEngine):\n    _own = None\n\n    def __new__(cls):\n"
            "        if cls._own is None:\n            cls._own = super().__new__(cls)\n        return cls._own\n\n\n"
            "@api.post('/detect')\nasync def detect(file: UploadFile):\n"
            "    return await run_in_threadpool(work, decode(await file.read()))\n", engine=ENGINE,
        ),
    ),
}  # fmt: skip

FORMS: dict[str, tuple[set[str], Tree, Tree]] = {
    "flask, of PIL": (
        {"image-wrong-form"},
        {"app.py": FLASK % "" + FLASK_READ % "    img = np.array(img)\n", **FLASK_REQUIRES},
        {"app.py": FLASK % "import cv2" + FLASK_READ % "    img = cv2.cvtColor(np.array(img), cv2.COLOR_RGB2BGR)\n", **FLASK_REQUIRES},
    ),
    "flask, of PIL, turned by a slice": (
        {"image-wrong-form"},
        {"app.py": FLASK % "" + FLASK_READ % "    img = np.asarray(img)[:, :, :3]\n", **FLASK_REQUIRES},
        {"app.py": FLASK % "" + FLASK_READ % "    img = np.asarray(img)[:, :, ::-1]\n", **FLASK_REQUIRES},
    ),
    "flask, PIL itself": (
        {"image-wrong-form"},
        {"app.py": FLASK % "" + FLASK_READ % "", **FLASK_REQUIRES},
        {"app.py": FLASK % "" + FLASK_READ % "    img = np.array(img)[..., ::-1]\n", **FLASK_REQUIRES},
    ),
    "fastapi, a helper in another file": (
        {"image-wrong-form"},
        {
            "main.py": "from fastapi import FastAPI, File\nfrom engine import FaceEngine\nfrom images import read_image\n\napi = FastAPI()\n"
            "engine = FaceEngine()\n\n\n@api.post('/detect')\ndef detect(data: bytes = File()):\n    return engine.detect(read_image(data))\n",
            "engine.py": ENGINE, **REQUIRES,
            "images.py": "import io\nimport cv2\nimport numpy as np\nfrom PIL import Image, ImageOps\n\n\ndef read_image(data):\n"
            "    img = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))\n    return np.array(img.convert('RGB'))\n",
        },
        {
            "main.py": "from fastapi import FastAPI, File\nfrom engine import FaceEngine\nfrom images import read_image\n\napi = FastAPI()\n"
            "engine = FaceEngine()\n\n\n@api.post('/detect')\ndef detect(data: bytes = File()):\n    return engine.detect(read_image(data))\n",
            "engine.py": ENGINE, **REQUIRES,
            "images.py": "import io\nimport cv2\nimport numpy as np\nfrom PIL import Image, ImageOps\n\n\ndef read_image(data):\n"
            "    img = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))\n"
            "    return cv2.cvtColor(np.array(img.convert('RGB')), cv2.COLOR_RGB2BGR)\n",
        },
    ),
    "normalised before": (
        {"image-wrong-form"},
        fastapi("from insightface.app import FaceAnalysis", f"app = FaceAnalysis()\napp.{PREPARE}\n\n\n@api.post('/detect')\n"
            "def detect(file: UploadFile):\n    img = decode(file.file.read())\n    img = img.astype(np.float32) / 255.0\n"
            "    return {'n': len(app.get(img))}\n"),
        fastapi("from insightface.app import FaceAnalysis", f"app = FaceAnalysis()\napp.{PREPARE}\n\n\n@api.post('/detect')\n"
            "def detect(file: UploadFile):\n    img = decode(file.file.read())\n    thumb = img.astype(np.float32) / 255.0\n"
            "    return {'n': len(app.get(img)), 'mean': float(thumb.mean())}\n"),
    ),
    "normalised before, for the detector": (
        {"image-wrong-form"},
        fastapi("from insightface.model_zoo import get_model", "det = get_model('/models/det_10g.onnx')\n"
            "det.prepare(ctx_id=0, input_size=(640, 640))\n\n\n@api.post('/detect')\ndef detect(file: UploadFile):\n"
            "    img = decode(file.file.read())\n    x = img.astype('float32')\n    x = (x - 127.5) / 128.0\n"
            "    boxes, _ = det.detect(x)\n    return {'n': len(boxes)}\n"),
        fastapi("from insightface.model_zoo import get_model", "det = get_model('/models/det_10g.onnx')\n"
            "det.prepare(ctx_id=0, input_size=(640, 640))\n\n\n@api.post('/detect')\ndef detect(file: UploadFile):\n"
            "    img = decode(file.file.read())\n    img = (img / 255.0 * 255).astype(np.uint8)\n"
            "    boxes, _ = det.detect(img)\n    return {'n': len(boxes)}\n"),
    ),
    "BGR made RGB": (
        {"image-wrong-form"},
        {"worker.py": "import cv2\nfrom insightface.app import FaceAnalysis\n\napp = FaceAnalysis()\napp.prepare(ctx_id=0)\n\n\n"
            "def embed(path):\n    img = cv2.imread(path)\n    if img is None:\n        return []\n"
            "    rgb = cv2.cvtColor(img, cv2.COLOR_BGR2RGB)\n    return [f.normed_embedding for f in app.get(rgb)]\n"},
        {"worker.py": "import cv2\nfrom insightface.app import FaceAnalysis\n\napp = FaceAnalysis()\napp.prepare(ctx_id=0)\n\n\n"
            "def embed(path):\n    img = cv2.imread(path)\n    if img is None:\n        return []\n"
            "    rgb = cv2.cvtColor(img, cv2.COLOR_BGR2RGB)\n    save(rgb)\n    return [f.normed_embedding for f in app.get(img)]\n"},
    ),
    "imageio": (
        {"image-wrong-form"},
        {"tool.py": "import imageio.v3 as iio\nfrom insightface.app import FaceAnalysis\n\nface = FaceAnalysis()\nface.prepare(ctx_id=0)\n"
            "img = iio.imread('/data/a.jpg')\nprint(len(face.get(img)))\n"},
        {"tool.py": "import imageio.v3 as iio\nfrom insightface.app import FaceAnalysis\n\nface = FaceAnalysis()\nface.prepare(ctx_id=0)\n"
            "img = iio.imread('/data/a.jpg')\nimg = img[:, :, ::-1]\nprint(len(face.get(img)))\n"},
    ),
}  # fmt: skip

UNPREPARED = (
    "import cv2\nfrom flask import Flask, request\nimport numpy as np\nfrom insightface.app import FaceAnalysis\n\n"
    "web = Flask(__name__)\nface = FaceAnalysis(name='buffalo_l')\n%s\n\n@web.post('/detect')\ndef detect():\n"
    "    img = cv2.imdecode(np.frombuffer(request.data, np.uint8), 1)\n    if img is None:\n        return {'error': 'no image'}, 400\n"
    "    return {'n': len(face.get(img))}\n"
)
FOUND = (
    "import cv2\nimport numpy as np\nfrom fastapi import FastAPI, HTTPException, UploadFile\nfrom engine import %s\n\napi = FastAPI()\n%s\n\n"
    "@api.post('/embed')\ndef embed(file: UploadFile):\n    img = cv2.imdecode(np.frombuffer(file.file.read(), np.uint8), 1)\n"
    "    if img is None:\n        raise HTTPException(400)\n    faces = %s(img)\n%s    return {'v': faces[0].embedding.tolist()}\n"
)
OWN_FUNCTION = (
    "from insightface.app import FaceAnalysis\n\napp = FaceAnalysis()\napp.prepare(ctx_id=0)\n\n\ndef detect_faces(img):\n"
    "    faces = app.get(img)\n    return faces\n"
)
OWN_CLASS = (
    "from insightface.app import FaceAnalysis\n\n\nclass Engine:\n    def __init__(self):\n        self.app = FaceAnalysis()\n"
    "        self.app.prepare(ctx_id=0)\n\n    def detect(self, img):\n        return self.app.get(img)\n"
)
SETTINGS = (
    "from pydantic_settings import BaseSettings\n\n\nclass Settings(BaseSettings):\n    det_size: tuple[int, int] = (%s)\n"
    "    det_thresh: float = 0.5\n    host: str = '0.0.0.0'\n\n\nsettings = Settings()\n"
)
SET = (
    "from insightface.app import FaceAnalysis\nfrom .config import settings\n\napp = FaceAnalysis()\n"
    "app.prepare(ctx_id=0, det_thresh=settings.det_thresh, det_size=settings.det_size)\n"
)
DATACLASS = (
    "from dataclasses import dataclass\nfrom insightface.app import FaceAnalysis\n\n\n@dataclass(frozen=True)\nclass Config:\n"
    "    size: tuple = (640, 640)\n    thresh: float = %s\n\n\ncfg = Config()\napp = FaceAnalysis()\n"
    "app.prepare(ctx_id=0, det_thresh=cfg.thresh, det_size=cfg.size)\n"
)
FLASK_CONFIG = (
    "from flask import Flask\nfrom insightface.app import FaceAnalysis\n\nweb = Flask(__name__)\nweb.config['DET_SIZE'] = %s\n"
    "face = FaceAnalysis()\nface.prepare(ctx_id=0, det_size=web.config['DET_SIZE'])\n"
)
CHOSEN = (
    "import torch\nfrom insightface.app import FaceAnalysis\n\ndevice = 'cuda' if torch.cuda.is_available() else 'cpu'\n"
    "if device == 'cuda':\n    providers = %s\nelse:\n    providers = %s\napp = FaceAnalysis(providers=providers)\napp.prepare(ctx_id=0)\n"
)
NMS = (
    "import cv2\nimport onnxruntime as ort\n\nsession = ort.InferenceSession('/models/retinaface.onnx', providers=['CUDAExecutionProvider'])\n\n\n"
    "def faces(blob, conf):\n    boxes, scores = decode(session.run(None, {'input': blob}))\n"
    "    keep = cv2.dnn.NMSBoxes(boxes, scores, conf, %s)\n%s\n"
)
BOTH = "['CUDAExecutionProvider', 'CPUExecutionProvider']"
CPU = "['CPUExecutionProvider']"

OTHERS: dict[str, tuple[set[str], Tree, Tree]] = {
    "not prepared, insightface 0.7": (
        {"det-not-prepared"},
        {"app.py": UNPREPARED % "", "requirements.txt": "insightface==0.7.3\nflask\nonnxruntime-gpu==1.18.1\n"},
        {"app.py": UNPREPARED % "", "requirements.txt": "insightface==2.1\nflask\n"},
    ),
    "not prepared, and prepared, insightface 0.7": (
        {"det-not-prepared"},
        {"app.py": UNPREPARED % "", "requirements.txt": "insightface==0.7.3\nflask\nonnxruntime-gpu==1.18.1\n"},
        {"app.py": UNPREPARED % "face.prepare(ctx_id=0)", "requirements.txt": "insightface==0.7.3\nflask\nonnxruntime-gpu==1.18.1\n"},
    ),
    "not prepared, and prepared by another file": (
        {"det-not-prepared"},
        {"app.py": UNPREPARED % "", "requirements.txt": "insightface==0.7.3\nflask\nonnxruntime-gpu==1.18.1\n"},
        {"app.py": UNPREPARED % "", "main.py": "import insightface\nfrom app import face, web\n\nface.prepare(ctx_id=0)\n",
         "requirements.txt": "insightface==0.7.3\nflask\nonnxruntime-gpu==1.18.1\n"},
    ),
    "faces of an own function of another file": (
        {"no-face-not-handled"},
        {"main.py": FOUND % ("detect_faces", "", "detect_faces", ""), "engine.py": OWN_FUNCTION, **REQUIRES},
        {"main.py": FOUND % ("detect_faces", "", "detect_faces", "    if not faces:\n        raise HTTPException(404)\n"),
         "engine.py": OWN_FUNCTION, **REQUIRES},
    ),
    "faces of an own class of another file": (
        {"no-face-not-handled"},
        {"main.py": FOUND % ("Engine", "engine = Engine()", "engine.detect", ""), "engine.py": OWN_CLASS, **REQUIRES},
        {"main.py": FOUND % ("Engine", "engine = Engine()", "engine.detect", ""),
         "engine.py": OWN_CLASS.replace("return self.app.get(img)", "faces = self.app.get(img)\n        if not faces:\n            raise ValueError('no face')\n        return faces"),
         **REQUIRES},
    ),
    "pydantic's settings": (
        {"det-size-not-multiple-of-32"},
        {"face/__init__.py": "", "face/config.py": SETTINGS % "650, 650", "face/engine.py": SET},
        {"face/__init__.py": "", "face/config.py": SETTINGS % "640, 640", "face/engine.py": SET},
    ),
    "a dataclass": (
        {"det-threshold-too-high"},
        {"engine.py": DATACLASS % "0.95"},
        {"engine.py": DATACLASS % "0.6"},
    ),
    "flask's config": (
        {"det-size-not-multiple-of-32"},
        {"engine.py": FLASK_CONFIG % "(600, 600)"},
        {"engine.py": FLASK_CONFIG % "(608, 608)"},
    ),
    "the branches the wrong way round": (
        {"ort-provider-not-requested"},
        {"engine.py": CHOSEN % (CPU, BOTH)},
        {"engine.py": CHOSEN % (BOTH, CPU)},
    ),
    "NMS by OpenCV": (
        {"det-nms-too-high"},
        {"engine.py": NMS % ("0.85", "    return [boxes[i] for i in keep]")},
        {"engine.py": NMS % ("0.4", "    return [boxes[i] for i in keep]")},
    ),
    "NMS by OpenCV, of nothing": (
        {"no-face-not-handled"},
        {"engine.py": NMS % ("0.4", "    return [boxes[i] for i in keep.flatten()]")},
        {"engine.py": NMS % ("0.4", "    if len(keep) == 0:\n        return []\n    return [boxes[i] for i in keep.flatten()]")},
    ),
}  # fmt: skip
