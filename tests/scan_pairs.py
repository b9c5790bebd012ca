"""Python source with a fault, and the same without it: pairs for tests/test_scan.py."""

from __future__ import annotations

HEAD = "import onnxruntime as ort\nfrom insightface.app import FaceAnalysis\nimport torch\nimg = None\n"
SELF = "class A:\n    def __init__(self):\n        self.app = FaceAnalysis()\n"
APP = "app = FaceAnalysis(providers=['CUDAExecutionProvider'])\n"
BOTH = "providers=['CUDAExecutionProvider', 'CPUExecutionProvider']"

DEF = "def f(app: %s, img):\n    faces = app.get(img)\n    return faces[0].embedding"

PAIRS: dict[str, tuple[str, str, str]] = {
    # what a parameter is said to be
    "an annotated parameter": ("no-face-not-handled", DEF % "FaceAnalysis", DEF % "dict"),
    "one that may be None": ("no-face-not-handled", DEF % "FaceAnalysis | None", DEF % "dict | None"),
    "Optional": ("no-face-not-handled", "from typing import Optional\n" + DEF % "Optional[FaceAnalysis]", DEF % "object"),
    "as text": ("no-face-not-handled", DEF % "'FaceAnalysis'", DEF % "'Cache'"),
    "Annotated, of a coroutine": (
        "no-face-not-handled",
        "async " + DEF % "Annotated[FaceAnalysis, Depends(g)]",
        "async " + (DEF % "Annotated[FaceAnalysis, Depends(g)]").replace("faces[0]", "faces and faces[0]"),
    ),
    "Union": ("no-face-not-handled", DEF % "Union[FaceAnalysis, None]", DEF % "Union[FaceAnalysis, Cache]"),
    "one type or another": ("no-face-not-handled", DEF % "None | FaceAnalysis", DEF % "Cache | FaceAnalysis"),
    "Annotated, and may be None": (
        "no-face-not-handled",
        DEF % "Annotated[FaceAnalysis | None, Depends(g)]",
        DEF % "Annotated[list[FaceAnalysis], Depends(g)]",
    ),
    "annotated, and the constructor's keyword in prepare": (
        "det-parameter-ignored",
        "def f(app: FaceAnalysis):\n    app.prepare(0, nms_thresh=0.5)",
        "def f(app: FaceAnalysis):\n    app = other()\n    app.prepare(0, nms_thresh=0.5)",
    ),
    # what an object keeps, what a call is spread, what fastapi hands over
    "kept in the application's state": (
        "no-face-not-handled",
        "def start(app):\n    app.state.face = FaceAnalysis()\n"
        "def f(request, img):\n    faces = request.app.state.face.get(img)\n    return faces[0]",
        "def start(app):\n    app.state.face = FaceAnalysis()\n"
        "def f(request, img):\n    faces = request.app.state.other.get(img)\n    return faces[0]",
    ),
    "kept in a dict": (
        "no-face-not-handled",
        "kept = {}\ndef start():\n    kept['face'] = FaceAnalysis()\ndef f(img):\n    return kept['face'].get(img)[0]",
        "kept = {}\ndef start():\n    kept['face'] = FaceAnalysis()\ndef f(img):\n    return kept['cache'].get(img)[0]",
    ),
    "kept in the application": (
        "det-parameter-ignored",
        "def make():\n    from flask import Flask\n    web = Flask('a')\n    web.face = FaceAnalysis()\n"
        "    web.face.prepare(0, nms_thresh=0.4)",
        "def make():\n    from flask import Flask\n    web = Flask('a')\n    web.face = other()\n"
        "    web.face.prepare(0, nms_thresh=0.4)",
    ),
    "what fastapi hands over": (
        "no-face-not-handled",
        "def made():\n    return FaceAnalysis()\n@web.post('/')\ndef f(img, face=Depends(made)):\n    return face.get(img)[0]",
        "def made():\n    return redis()\n@web.post('/')\ndef f(img, face=Depends(made)):\n    return face.get(img)[0]",
    ),
    "spread into the call": (
        "ort-provider-not-requested",
        "WORDS = {'providers': ['CPUExecutionProvider']}\ns = ort.InferenceSession('a', **WORDS)",
        "WORDS = {'providers': ['CPUExecutionProvider']}\nWORDS['providers'] = wanted\ns = ort.InferenceSession('a', **WORDS)",
    ),
    "spread into the call, by dict()": (
        "det-parameter-ignored",
        "WORDS = dict(det_thresh=0.5)\napp = FaceAnalysis(**WORDS)",
        "WORDS = dict(name='buffalo_l')\napp = FaceAnalysis(**WORDS)",
    ),
    # fault: (name, before, after)
    "no providers": ("ort-provider-not-requested", "s = ort.InferenceSession('a')", f"s = ort.InferenceSession('a', {BOTH})"),
    "no providers, by from": (
        "ort-provider-not-requested",
        "from onnxruntime import InferenceSession as S\ns = S('a')",
        f"from onnxruntime import InferenceSession as S\ns = S('a', {BOTH})",
    ),
    "no providers, in a function": (
        "ort-provider-not-requested",
        "def f():\n    return ort.InferenceSession('a', sess_options=None)",
        "def f():\n    return ort.InferenceSession('a', None, ['CUDAExecutionProvider'])",
    ),
    "no providers, in an attribute": (
        "ort-provider-not-requested",
        "class A:\n    def __init__(self):\n        self.s = ort.InferenceSession('a')",
        f"class A:\n    def __init__(self):\n        self.s = ort.InferenceSession('a', {BOTH})",
    ),
    "the CPU alone": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('a', providers=['CPUExecutionProvider'])",
        f"s = ort.InferenceSession('a', {BOTH})",
    ),
    "the CPU alone, through a name": (
        "ort-provider-not-requested",
        "P = ['CPUExecutionProvider']\ns = ort.InferenceSession('a', providers=P)",
        "P = ['TensorrtExecutionProvider', 'CPUExecutionProvider']\ns = ort.InferenceSession('a', providers=P)",
    ),
    "the CPU before the GPU": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('a', providers=['CPUExecutionProvider', 'CUDAExecutionProvider'])",
        f"s = ort.InferenceSession('a', {BOTH})",
    ),
    "the CPU before the GPU, with options": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('a', providers=['CPUExecutionProvider', ('CUDAExecutionProvider', {'device_id': 0})])",
        "s = ort.InferenceSession('a', providers=[('CUDAExecutionProvider', {'device_id': 0}), 'CPUExecutionProvider'])",
    ),
    "a provider that is misspelt": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('a', providers=['CudaExecutionProvider', 'CPUExecutionProvider'])",
        "s = ort.InferenceSession('a', providers=['CudaExecutionProvider', 'CUDAExecutionProvider'])",
    ),
    "a provider without its second word": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('a', None, ['CUDA', 'CPU'])",
        "s = ort.InferenceSession('a', None, ['WebGpuExecutionProvider', 'CPUExecutionProvider'])",
    ),
    "half of a pair in a provider": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('a', providers=['\\ud800'])",
        "s = ort.InferenceSession('\\ud800', providers=['CUDAExecutionProvider'])",
    ),
    "the CPU, set later": (
        "ort-provider-not-requested",
        f"s = ort.InferenceSession('a', {BOTH})\ns.set_providers(['CPUExecutionProvider'])",
        f"s = ort.InferenceSession('a', {BOTH})\ns.set_providers(['CUDAExecutionProvider'])",
    ),
    "the CPU, of FaceAnalysis": (
        "ort-provider-not-requested",
        "app = FaceAnalysis(providers=['CPUExecutionProvider'])",
        "app = FaceAnalysis(providers=p)",
    ),
    "a negative ctx_id": (
        "ort-provider-not-requested",
        APP + "app.prepare(ctx_id=-1)",
        APP + "app.prepare(ctx_id=0)\nother.prepare(ctx_id=-1)",
    ),
    "the variable that hides the GPU": (
        "cuda-visible-devices-hides-gpu",
        APP + "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = '-1'",
        APP + "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = '1'",
    ),
    "the variable that hides the GPU, in a function": (
        "cuda-visible-devices-hides-gpu",
        APP + "from os import environ\ndef main():\n    environ.update(CUDA_VISIBLE_DEVICES='')",
        APP + "from os import environ\ndef main(cpu):\n    if cpu:\n        environ.update(CUDA_VISIBLE_DEVICES='')",
    ),
    "the variable that hides the GPU, by default": (
        "cuda-visible-devices-hides-gpu",
        APP + "import os\nos.environ.setdefault('CUDA_VISIBLE_DEVICES', 'none')",
        APP + "import os\nos.environ.setdefault('CUDA_VISIBLE_DEVICES', os.environ.get('CARDS', ''))",
    ),
    "the best of no face": (
        "no-face-not-handled",
        APP + "def f():\n    faces = app.get(img)\n    return max(faces, key=lambda one: one.det_score)",
        APP + "def f():\n    faces = app.get(img)\n    return max(faces, key=lambda one: one.det_score, default=None)",
    ),
    "the first of no face, in order": (
        "no-face-not-handled",
        APP + "def f():\n    return sorted(app.get(img), key=g)[0]",
        APP + "def f():\n    return sorted(app.get(img), key=g)[:1]",
    ),
    "the next of no face": (
        "no-face-not-handled",
        APP + "def f():\n    return next(iter(app.get(img)))",
        APP + "def f():\n    return next(iter(app.get(img)), None)",
    ),
    "the last of no face": (
        "no-face-not-handled",
        APP + "def f():\n    faces = app.get(img)\n    return faces.pop().embedding",
        APP + "def f():\n    faces = app.get(img)\n    while faces:\n        g(faces.pop())",
    ),
    "a picture that only a loop's call is given": (
        "image-not-read",
        "import cv2\ndef f(d):\n    img = cv2.imdecode(d, 1)\n    return [one.bbox for one in model.get(img)]",
        "import cv2\ndef f(d):\n    img = cv2.imdecode(d, 1)\n    return list(model.get(img)) if img is not None else []",
    ),
    "the CPU alone, in a tuple": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('a', providers=('CPUExecutionProvider',))",
        "def f(p):\n    return ort.InferenceSession('a', providers=p)",
    ),
    "threshold to the constructor": (
        "det-parameter-ignored",
        "app = FaceAnalysis(det_thresh=0.6)",
        "app = FaceAnalysis()\napp.prepare(0, det_thresh=0.6)",
    ),
    "a keyword that prepare refuses, and that is tried without": (
        "det-parameter-ignored",
        APP + "try:\n    app.prepare(0, providers=[])\nexcept Exception:\n    app = None",
        APP + "try:\n    app.prepare(0, providers=[])\nexcept TypeError:\n    app.prepare(0)",
    ),
    "the size of a detector, and of a model that tells people apart": (
        "det-size-not-multiple-of-32",
        "import insightface\nm = insightface.model_zoo.get_model(p)\nm.prepare(0, input_size=(112, 96))",
        "import insightface\nm = insightface.model_zoo.get_model(p)\nm.prepare(0, input_size=(112, 112))",
    ),
    "size to the constructor": (
        "det-parameter-ignored",
        "app = FaceAnalysis(name='buffalo_s', det_size=(640, 640))",
        "app = FaceAnalysis(name='buffalo_s')\napp.prepare(0, det_size=(640, 640))",
    ),
    "ctx_id to the constructor": (
        "det-parameter-ignored", "app = FaceAnalysis(ctx_id=0)", "app = FaceAnalysis()\napp.prepare(ctx_id=0)",
    ),
    "nms to the constructor": (
        "det-parameter-ignored",
        "app = FaceAnalysis(det_nms_threshold=0.5)",
        "app = FaceAnalysis()\napp.det_model.nms_thresh = 0.5",
    ),
    "max_num to the constructor": (
        "det-parameter-ignored", "app = FaceAnalysis(max_num=1)", "app = FaceAnalysis()\n"
        "faces = app.get(img, max_num=1)",
    ),
    "by the module's own path": (
        "det-parameter-ignored",
        "import insightface\na = insightface.app.FaceAnalysis(det_thresh=0.5)",
        "import insightface\na = insightface.app.FaceAnalysis(allowed_modules=['detection'])",
    ),
    "nms to prepare, of an attribute": (
        "det-parameter-ignored",
        SELF + "        self.app.prepare(0, nms_thresh=0.5)",
        SELF + "        self.app.det_model.prepare(0, nms_thresh=0.5)",
    ),
    "the first face of an attribute": (
        "no-face-not-handled",
        SELF + "    def f(self, i):\n        return self.app.get(i)[0]",
        SELF + "    def f(self, i):\n        return list(self.app.get(i))",
    ),
    "nms to prepare": (
        "det-parameter-ignored", APP + "app.prepare(0, nms_thresh=0.5)", APP + "app.prepare(0)\n"
        "app.det_model.nms_thresh = 0.5",
    ),
    "a number for a size": (
        "det-parameter-ignored", APP + "app.prepare(0, det_size=640)", APP + "app.prepare(0, det_size=(640, 640))",
    ),
    "a number for a size, through a name": (
        "det-parameter-ignored", APP + "SIDE = 640\n"
        "app.prepare(0, det_size=SIDE)", APP + "app.prepare(0, det_size=None)",
    ),
    "model_path to detect_faces": (
        "det-parameter-ignored",
        "from retinaface import RetinaFace\nRetinaFace.detect_faces('a.jpg', model_path='b')",
        "from retinaface import RetinaFace\nRetinaFace.detect_faces('a.jpg', threshold=0.8)",
    ),
    "cuda() unguarded": (
        "cuda-hardcoded",
        "net = torch.nn.Linear(1, 1).cuda()",
        "if torch.cuda.is_available():\n    net = torch.nn.Linear(1, 1).cuda()",
    ),
    "to cuda unguarded": ("cuda-hardcoded", "x = torch.zeros(1).to('cuda')", "x = torch.zeros(1).to('cpu')"),
    "to cuda:0 unguarded": ("cuda-hardcoded", "x = torch.zeros(1).to('cuda:0')", "d = 'cpu'\nx = torch.zeros(1).to(d)"),
    "a device of cuda": (
        "cuda-hardcoded",
        "d = torch.device('cuda')",
        "d = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
    ),
    "the first face": (
        "no-face-not-handled",
        APP + "def f(i):\n    faces = app.get(i)\n    return faces[0]",
        APP + "def f(i):\n    faces = app.get(i)\n    if not faces:\n        return None\n    return faces[0]",
    ),
    "the last face": (
        "no-face-not-handled",
        APP + "def f(i):\n    faces = app.get(i)\n    return faces[-1].bbox",
        APP + "def f(i):\n    faces = app.get(i)\n    return faces[-1].bbox if len(faces) else None",
    ),
    "the first face at once": (
        "no-face-not-handled", APP + "e = app.get(img)[0].embedding", APP + "for face in app.get(img):\n"
        "    e = face.embedding",
    ),
    "the first face in a module": (
        "no-face-not-handled",
        APP + "faces = app.get(img)\nprint(faces[0])",
        APP + "faces = app.get(img)\nassert faces\nprint(faces[0])",
    ),
    "the first face in a try that catches something else": (
        "no-face-not-handled",
        APP + "try:\n    e = app.get(img)[0]\nexcept OSError:\n    e = None",
        APP + "try:\n    e = app.get(img)[0]\nexcept IndexError:\n    e = None",
    ),
    "the first face in a coroutine": (
        "no-face-not-handled",
        APP + "async def f(i):\n    faces = app.get(i)\n    return faces[0]",
        APP + "async def f(i):\n    faces = app.get(i)\n    return faces[0] if faces else None",
    ),
    "another function asks": (
        "no-face-not-handled",
        APP + "def g(faces):\n    if faces: pass\ndef f(i):\n    found = app.get(i)\n    return found[0]",
        APP + "def f(i):\n    found = app.get(i)\n    while found:\n        return found[0]",
    ),
    "the first face in a loop": (
        "no-face-not-handled",
        APP + "for i in []:\n    faces = app.get(i)\n    print(faces[0])",
        APP + "for i in []:\n    faces = app.get(i)\n    if len(faces) > 0:\n        print(faces[0])",
    ),
    "the first face under a context": (
        "no-face-not-handled",
        APP + "with open('a') as f:\n    faces = app.get(img)\n    print(faces[0])",
        APP + "with open('a') as f:\n    print([face for face in app.get(img)])",
    ),
    # values followed within a file
    "the CPU alone, by a call's argument": (
        "ort-provider-not-requested",
        "def make(p):\n    return ort.InferenceSession('a', providers=p)\nmake(['CPUExecutionProvider'])",
        "def make(p):\n    return ort.InferenceSession('a', providers=p)\nmake(['CUDAExecutionProvider'])",
    ),
    "the CPU alone, by a default": (
        "ort-provider-not-requested",
        "def make(p=['CPUExecutionProvider']):\n    return ort.InferenceSession('a', providers=p)",
        "def make(p=None):\n    return ort.InferenceSession('a', providers=p)",
    ),
    "the CPU alone, by a method's argument": (
        "ort-provider-not-requested",
        "class A:\n    def make(self, *, p):\n        return ort.InferenceSession('a', providers=p)\n"
        "A().make(p=['CPUExecutionProvider'])",
        "class A:\n    def make(self, *, p):\n        return ort.InferenceSession('a', providers=p)\n"
        "register(A().make)\nA().make(p=['CPUExecutionProvider'])",
    ),
    "a number for a size, by a constructor's argument": (
        "det-parameter-ignored",
        "class A:\n    def __init__(self, side):\n        self.side = side\n        self.app = FaceAnalysis()\n"
        "        self.app.prepare(0, det_size=self.side)\nA(640)",
        "class A:\n    def __init__(self, side):\n        self.side = side\n        self.app = FaceAnalysis()\n"
        "        self.app.prepare(0, det_size=(self.side, self.side))\nA(640)",
    ),
    "the app by a function that makes it": (
        "det-parameter-ignored",
        "def make():\n    app = FaceAnalysis()\n    return app\napp = make()\napp.prepare(0, nms_thresh=0.5)",
        "def make():\n    app = FaceAnalysis()\n    return app\napp = make()\napp.prepare(0, det_thresh=0.5)",
    ),
    "the app by a global": (
        "no-face-not-handled",
        "app = None\ndef load():\n    global app\n    app = FaceAnalysis()\ndef f(i):\n    return app.get(i)[0]",
        "app = None\ndef load(store):\n    app = FaceAnalysis()\ndef f(i):\n    return app.get(i)[0]",
    ),
    "the app as an argument": (
        "no-face-not-handled",
        APP + "def f(one, i):\n    return one.get(i)[0]\nf(app, img)",
        APP + "def f(one, i):\n    return one.get(i)[0]\nf({1: 2}, img)",
    ),
    # numbers that cost faces, by the table of limits
    "a threshold too high": (
        "det-threshold-too-high", APP + "app.prepare(0, det_thresh=0.95)", APP + "app.prepare(0, det_thresh=0.9)",
    ),
    "a threshold too high, by place": (
        "det-threshold-too-high", APP + "app.prepare(0, 0.95)", APP + "app.prepare(0, 0.65)",
    ),
    "a threshold in percent": (
        "det-threshold-too-high",
        APP + "def f(t):\n    app.prepare(0, det_thresh=t)\nf(60)",
        APP + "def f(t):\n    app.prepare(0, det_thresh=t)\nf(0.6)",
    ),
    "a threshold of retina-face": (
        "det-threshold-too-high",
        "from retinaface import RetinaFace\nRetinaFace.detect_faces('a.jpg', threshold=0.99)",
        "from retinaface import RetinaFace\nRetinaFace.detect_faces('a.jpg')",
    ),
    "a threshold too low, of the detector": (
        "det-threshold-too-low", APP + "app.det_model.prepare(0, det_thresh=0.02)", APP + "app.det_model.prepare(0)",
    ),
    "a threshold too low, set": (
        "det-threshold-too-low",
        SELF + "        self.app.det_model.det_thresh = 0.1",
        SELF + "        self.other.det_model.det_thresh = 0.1",
    ),
    "nms too high": (
        "det-nms-too-high", APP + "app.det_model.nms_thresh = 0.8", APP + "app.det_model.nms_thresh = 0.5",
    ),
    "nms too low": (
        "det-nms-too-low",
        "import insightface\nd = insightface.model_zoo.get_model('/m/scrfd.onnx')\nd.prepare(0, nms_thresh=0.1)",
        "import insightface\nd = insightface.model_zoo.get_model('/m/scrfd.onnx')\nd.prepare(0, nms_thresh=0.4)",
    ),
    "a size off the grid": (
        "det-size-not-multiple-of-32",
        APP + "app.prepare(0, det_size=(600, 640))",
        APP + "app.prepare(0, det_size=(608, 640))",
    ),
    "a size off the grid, by names": (
        "det-size-not-multiple-of-32",
        APP + "W = H = 500\napp.prepare(0, det_size=(W, H))",
        APP + "W = H = 512\napp.prepare(0, det_size=(W, H))",
    ),
    "a size off the grid, of a detector": (
        "det-size-not-multiple-of-32",
        "from insightface.model_zoo import get_model\nd = get_model('/m/scrfd.onnx')\nd.prepare(0, input_size=(100, 100))",
        "from insightface.model_zoo import get_model\nd = get_model('/m/scrfd.onnx')\nd.prepare(0, input_size=(96, 96))",
    ),
    "a size off the grid, of one pass": (
        "det-size-not-multiple-of-32",
        APP + "app.det_model.detect(img, input_size=(330, 320))",
        APP + "app.det_model.detect(img, input_size=(320, 320))",
    ),
    "a size off the grid, among several": (
        "det-size-not-multiple-of-32",
        APP + "app.prepare(0, det_size=[(128, 128), (650, 650)])",
        APP + "app.prepare(0, det_size=[(128, 128), (640, 640)])",
    ),
    # models by a path that depends on where the process is started
    "a relative model": (
        "model-wrong-directory",
        f"s = ort.InferenceSession('models/a.onnx', {BOTH})",
        f"s = ort.InferenceSession('/models/a.onnx', {BOTH})",
    ),
    "a relative checkpoint": (
        "model-wrong-directory",
        "w = torch.load('./weights/a.pth')",
        "import os\nw = torch.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'weights/a.pth'))",
    ),
    "a relative checkpoint, joined": (
        "model-wrong-directory",
        "import os\nw = torch.load(os.path.join('weights', 'a.pth'))",
        "import os\nHERE = os.path.dirname(__file__)\nw = torch.load(os.path.join(HERE, 'weights', 'a.pth'))",
    ),
    "a relative checkpoint, by pathlib": (
        "model-wrong-directory",
        "from pathlib import Path\nw = torch.load(Path('weights') / 'a.pth')",
        "from pathlib import Path\nw = torch.load(Path(__file__).resolve().parent / 'weights' / 'a.pth')",
    ),
    "a relative checkpoint, made absolute from there": (
        "model-wrong-directory",
        "import os\nw = torch.load(os.path.abspath('a.pth'))",
        "import os\nw = torch.load(os.environ.get('RETINAFACE_MODEL_PATH', './models/default.pth'))",
    ),
    "a relative checkpoint, by a name in a class": (
        "model-wrong-directory",
        "class A:\n    path = 'a.pth'\n    def load(self):\n        return torch.load(self.path)",
        "class A:\n    def __init__(self, path):\n        self.path = path\n"
        "    def load(self):\n        return torch.load(self.path)",
    ),
    "a relative onnx, formatted": (
        "model-wrong-directory",
        "import onnx\ndef f(name):\n    return onnx.load(f'models/{name}.onnx')",
        "import onnx\ndef f(name):\n    return onnx.load(f'/models/{name}.onnx')",
    ),
    "a relative net of OpenCV": (
        "model-wrong-directory",
        "import cv2\nn = cv2.dnn.readNetFromCaffe('a.prototxt', '/m/a.caffemodel')",
        "import cv2, sys\nn = cv2.dnn.readNetFromCaffe(sys.argv[1], '/m/a.caffemodel')",
    ),
    "a relative root": (
        "model-wrong-directory", "app = FaceAnalysis(root='./insightface')", "app = FaceAnalysis(root='~/.insightface')",
    ),
    "a relative model of insightface": (
        "model-wrong-directory",
        "import insightface\nd = insightface.model_zoo.get_model('det_10g.onnx')",
        "import insightface\nd = insightface.model_zoo.get_model('buffalo_l')",
    ),
    "a relative model, by a flag": (
        "model-wrong-directory",
        "M = 'a.pth'\nw = torch.load(M)",
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--model', default='a.pth')\n"
        "args = p.parse_args()\nw = torch.load(args.model)",
    ),
    # pictures that could not be read
    "a picture at once": (
        "image-not-read",
        "import cv2\n" + APP + "faces = app.get(cv2.imread(path))",
        "import cv2\n" + APP + "img = cv2.imread(path)\nif img is not None:\n    faces = app.get(img)",
    ),
    "an upload": (
        "image-not-read",
        "import cv2\n" + APP + "def f(data):\n    img = cv2.imdecode(data, 1)\n    return app.get(img)",
        "import cv2\n" + APP + "def f(data):\n    img = cv2.imdecode(data, 1)\n"
        "    if img is None:\n        return []\n    return app.get(img)",
    ),
    "a picture's shape": (
        "image-not-read",
        "import cv2\ndef f(p):\n    img = cv2.imread(p)\n    return img.shape",
        "import cv2\ndef f(p):\n    img = cv2.imread(p)\n"
        "    try:\n        return img.shape\n    except AttributeError:\n        return None",
    ),
    "a picture given on": (
        "image-not-read",
        "import cv2\ndef g(i):\n    return i.shape\ndef f(p):\n    img = cv2.imread(p)\n    return g(img)",
        "import cv2\ndef g(i):\n    assert i is not None\ndef f(p):\n    img = cv2.imread(p)\n    return g(img)",
    ),
    "a picture copied, and given out for its type alone": (
        "image-not-read",
        "import cv2\ndef f(p):\n    img = cv2.imread(p)\n    return img.copy()",
        "import cv2\nfrom typing import Any, cast\ndef f(p):\n    img = cv2.imread(p)\n    return cast(Any, img)",
    ),
    "a picture that was just encoded": (
        "image-not-read",
        "import cv2\ndef f(p, e):\n    _, d = cv2.imencode('.jpg', p)\n    return cv2.imdecode(e, 1).shape",
        "import cv2\ndef f(p, e):\n    _, e = cv2.imencode('.jpg', p)\n    return cv2.imdecode(e, 1).shape",
    ),
    "a picture resized": (
        "image-not-read",
        "import cv2\ndef f(p):\n    img = cv2.imread(p)\n    img = cv2.resize(img, (640, 640))",
        "import cv2\ndef f(p):\n    img = cv2.imread(p)\n    return img",
    ),
    # who can reach it
    "flask by default": (
        "service-loopback-only",
        "from flask import Flask\nweb = Flask(__name__)\nweb.run(port=8080)",
        "from flask import Flask\nweb = Flask(__name__)\nweb.run('0.0.0.0', 8080)",
    ),
    "flask by name": (
        "service-loopback-only",
        "from flask import Flask\ndef make():\n    web = Flask(__name__)\n    return web\nmake().run(host='localhost')",
        "from flask import Flask\ndef make():\n    web = Flask(__name__)\n    return web\nmake().run(host='::')",
    ),
    "flask of another file": (
        "service-loopback-only",
        "import flask\nfrom service import web\nweb.run(host='127.0.0.1', port=5000)",
        "import flask\nfrom service import web\nweb.run(port=5000)",
    ),
    "uvicorn by default": (
        "service-loopback-only",
        "import uvicorn\nuvicorn.run('app:app', port=8080)",
        "import uvicorn\nuvicorn.run('app:app', host='0.0.0.0', port=8080)",
    ),
    "uvicorn by a parameter": (
        "service-loopback-only",
        "import uvicorn\ndef main(host='127.0.0.1'):\n    uvicorn.run('app:app', host=host)\nmain()",
        "import uvicorn\ndef main(host='127.0.0.1'):\n    uvicorn.run('app:app', host=host)\nmain('0.0.0.0')",
    ),
    "uvicorn by a flag": (
        "service-loopback-only",
        "import argparse, uvicorn\np = argparse.ArgumentParser()\np.add_argument('--host', default='127.0.0.1')\n"
        "a = p.parse_args()\nuvicorn.run('app:app', host=a.host)",
        "import argparse, uvicorn\np = argparse.ArgumentParser()\np.add_argument('--host', default='0.0.0.0')\n"
        "a = p.parse_args()\nuvicorn.run('app:app', host=a.host)",
    ),
    "uvicorn by a variable": (
        "service-loopback-only",
        "import os, uvicorn\nuvicorn.run('app:app', host=os.getenv('HOST', '127.0.0.1'))",
        "import os, uvicorn\nuvicorn.run('app:app', host=os.environ['HOST'])",
    ),
    "waitress": (
        "service-loopback-only",
        "import waitress\nwaitress.serve(make, host='127.0.0.1')",
        "import waitress\nwaitress.serve(make)",
    ),
    "aiohttp": (
        "service-loopback-only",
        "from aiohttp import web\nweb.run_app(make(), host='127.0.0.1')",
        "from aiohttp import web\nweb.run_app(make())",
    ),
    "http.server": (
        "service-loopback-only",
        "from http.server import HTTPServer\nHTTPServer(('127.0.0.1', 8080), make).serve_forever()",
        "from http.server import HTTPServer\nHTTPServer(('', 8080), make).serve_forever()",
    ),
    "http.server by a constant": (
        "service-loopback-only",
        "import http.server\nADDRESS = ('localhost', 8080)\nhttp.server.ThreadingHTTPServer(ADDRESS, make)",
        "import http.server\nADDRESS = ('localhost', 0)\nhttp.server.ThreadingHTTPServer(ADDRESS, make)",
    ),
    "gradio": (
        "service-loopback-only",
        "import gradio as gr\nwith gr.Blocks() as demo:\n    pass\ndemo.launch()",
        "import gradio as gr\nwith gr.Blocks() as demo:\n    pass\ndemo.launch(server_name='0.0.0.0')",
    ),
    "gevent": (
        "service-loopback-only",
        "from gevent.pywsgi import WSGIServer\nWSGIServer('127.0.0.1:8080', make).serve_forever()",
        "from gevent.pywsgi import WSGIServer\nWSGIServer(':8080', make).serve_forever()",
    ),
    "wsgiref": (
        "service-loopback-only",
        "from wsgiref.simple_server import make_server\nmake_server('127.0.0.1', 8080, make)",
        "from wsgiref.simple_server import make_server\nmake_server('', 8080, make)",
    ),
    # alternatives: wrong whichever way it goes, or not named
    "cuda either way": (
        "cuda-hardcoded",
        "d = torch.device('cuda:0' if big else 'cuda:1')",
        "d = torch.device('cuda:0' if use_gpu else 'cpu')",
    ),
    "the CPU alone, either way": (
        "ort-provider-not-requested",
        "def f(p):\n    return ort.InferenceSession('a', providers=p)\n"
        "f(['CPUExecutionProvider'] if a else ('CPUExecutionProvider',))",
        "def f(p):\n    return ort.InferenceSession('a', providers=p)\n"
        "f(['CPUExecutionProvider'] if a else ['CUDAExecutionProvider'])",
    ),
    "a threshold that a condition chooses": (
        "det-threshold-too-high",
        APP + "def f(t):\n    app.prepare(0, det_thresh=t)\nf(0.99)\nf(0.6 if a else 0.95)",
        APP + "def f(t):\n    app.prepare(0, det_thresh=t)\nf(0.6)\nf(0.6 if a else 0.95)",
    ),
    "a relative model that is not made here": (
        "model-wrong-directory",
        "torch.onnx.export(net, x, 'b.onnx')\ns = ort.InferenceSession('a.onnx', providers=p)",
        "torch.onnx.export(net, x, 'a.onnx')\ns = ort.InferenceSession('a.onnx', providers=p)",
    ),
    "a host that is given": (
        "service-loopback-only",
        "import uvicorn\ndef run(host):\n    uvicorn.run(make(), host=host)\nrun('0.0.0.0')\nrun('localhost')",
        "import uvicorn\ndef run(host=None):\n    if host is None:\n        host = '127.0.0.1'\n"
        "    uvicorn.run(make(), host=host)",
    ),
    "the CPU alone, unless more is added": (
        "ort-provider-not-requested",
        "p = ['CPUExecutionProvider']\nq = []\nq.insert(0, 'a')\ns = ort.InferenceSession('a', providers=p)",
        "p = ['CPUExecutionProvider']\nif gpu:\n    p.insert(0, 'CUDAExecutionProvider')\n"
        "s = ort.InferenceSession('a', providers=p)",
    ),
    "the first face, counted": (
        "no-face-not-handled",
        APP + "def f(i):\n    faces = app.get(i)\n    n = len(i)\n    if n == 0:\n        return None\n"
        "    return faces[0]",
        APP + "def f(i):\n    faces = app.get(i)\n    n = len(faces)\n    if n == 0:\n        return None\n"
        "    return faces[0]",
    ),
    # answers that come by other ways
    "faces counted in an annotated name": (
        "no-face-not-handled",
        APP + "def f(i):\n    faces = app.get(i)\n    n: int = 1\n    if n == 0:\n        return\n    return faces[0]",
        APP + "def f(i):\n    faces = app.get(i)\n    n: int = len(faces)\n    if n == 0:\n        return\n    return faces[0]",
    ),
    "faces counted in a dictionary, and that by a name": (
        "no-face-not-handled",
        APP + "def f(i):\n    faces = app.get(i)\n    told = {'n': 1}\n    ok = told['n'] > 0\n"
        "    if ok:\n        return faces[0]",
        APP + "def f(i):\n    faces = app.get(i)\n    told = {'n': len(faces)}\n    ok = told['n'] > 0\n"
        "    if ok:\n        return faces[0]",
    ),
    "the first face under suppress": (
        "no-face-not-handled",
        APP + "import contextlib\ndef f(i):\n    with contextlib.suppress(OSError):\n        return app.get(i)[0]",
        APP + "import contextlib\ndef f(i):\n    with contextlib.suppress(IndexError):\n        return app.get(i)[0]",
    ),
    "faces handed to a function that raises": (
        "no-face-not-handled",
        APP + "def some(faces):\n    return bool(faces)\ndef f(i):\n    faces = app.get(i)\n    some(faces)\n    return faces[0]",
        APP + "def some(faces):\n    if not faces:\n        raise ValueError\n"
        "def f(i):\n    faces = app.get(i)\n    some(faces)\n    return faces[0]",
    ),
    "a picture in front of another file's check": (
        "image-not-read",
        "import cv2\ndef f(p):\n    img = cv2.imread(p)\n    print(img)\n    return img.shape",
        "import cv2\nfrom checks import check\ndef f(p):\n    img = cv2.imread(p)\n    check(img)\n    return img.shape",
    ),
    "providers that come later": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('/a')\ns.set_providers(['CPUExecutionProvider'])",
        "s = ort.InferenceSession('/a')\ns.set_providers(['CUDAExecutionProvider', 'CPUExecutionProvider'])",
    ),
    "the CPU as a way out": (
        "ort-provider-not-requested",
        "def f(gpu):\n    try:\n        return gpu()\n    except OSError:\n"
        "        return ort.InferenceSession('/a', providers=['CPUExecutionProvider'])",
        f"def f():\n    try:\n        return ort.InferenceSession('/a', {BOTH})\n    except OSError:\n"
        "        return ort.InferenceSession('/a', providers=['CPUExecutionProvider'])",
    ),
    "the CPU for whoever asks for it": (
        "ort-provider-not-requested",
        "class A:\n    def prepare(self, size):\n        if size < 0:\n"
        "            self.s.set_providers(['CPUExecutionProvider'])",
        "class A:\n    def prepare(self, ctx_id):\n        if ctx_id < 0:\n"
        "            self.s.set_providers(['CPUExecutionProvider'])",
    ),
    "the CPU beside another device": (
        "ort-provider-not-requested",
        "def f(kind):\n    if kind == 'night':\n        return other()\n    else:\n"
        "        return ort.InferenceSession('/a', providers=['CPUExecutionProvider'])",
        "def f(kind):\n    if kind == 'cuda':\n        return other()\n    else:\n"
        "        return ort.InferenceSession('/a', providers=['CPUExecutionProvider'])",
    ),
    "a condition that ends before the CPU": (
        "ort-provider-not-requested",
        "def f(device):\n    if device == 'cuda':\n        warm_up()\n"
        "    return ort.InferenceSession('/a', providers=['CPUExecutionProvider'])",
        "def f(device):\n    if device == 'cuda':\n        warm_up()\n"
        "    return ort.InferenceSession('/a', providers=wanted(device))",
    ),
    "the CPU where nothing is given": (
        "ort-provider-not-requested",
        "class A:\n    def __init__(self, quick=None):\n"
        "        self.s = ort.InferenceSession('/a', providers=['CPUExecutionProvider'] if quick else ['CPUExecutionProvider'])",
        "class A:\n    def __init__(self, given=None):\n"
        "        self.s = ort.InferenceSession('/a', providers=list(given) if given else ['CPUExecutionProvider'])",
    ),
    "the method's own object as an argument": (
        "ort-provider-not-requested",
        "class A:\n    def load(self):\n"
        "        return ort.InferenceSession(self, providers=['CPUExecutionProvider'])\nA().load()",
        f"class A:\n    def load(self):\n        return ort.InferenceSession(self, {BOTH})\nA().load()",
    ),
    "functions that call each other": (
        "ort-provider-not-requested",
        "def f(x):\n" + "    g(x)\n" * 9 + "def g(x):\n" + "    f(x)\n" * 9 + "s = ort.InferenceSession(f('/a'))\n"
        "def h(x):\n    return ort.InferenceSession(x)\ng('/a')\nh('/a')",
        "def f(x):\n" + "    g(x)\n" * 9 + "def g(x):\n" + "    f(x)\n" * 9 + f"s = ort.InferenceSession(f('/a'), {BOTH})",
    ),
    "a folder that another package names, or else": (
        "model-wrong-directory",
        "try:\n    import a\nexcept ImportError:\n    pass\nROOT = 'models'\napp = FaceAnalysis(root=ROOT)",
        "try:\n    from a import ROOT\nexcept ImportError:\n    ROOT = 'models'\napp = FaceAnalysis(root=ROOT)",
    ),
    "a picture in a list": (
        "image-not-read",
        "import cv2\ndef f(data, model):\n    img = cv2.imdecode(data, 1)\n    return model.get([img], 0.6)",
        "import cv2\ndef f(data, model):\n    img = cv2.imdecode(data, 1)\n"
        "    assert img is not None\n    return model.get([img], 0.6)",
    ),
    "a picture in a list that is given on to what asks": (
        "image-not-read",
        "import cv2\ndef f(data, model):\n    img = cv2.imdecode(data, 1)\n    return model.batch((1, img))",
        "import cv2\ndef size(img):\n    return 0 if img is None else img.shape\n"
        "def f(data, pool):\n    img = cv2.imdecode(data, 1)\n    return list(pool.map(size, [img]))\n"
        "def g(data, queue, log):\n    img = cv2.imdecode(data, 1)\n    queue.put_nowait((1, img))\n"
        "def h(data, log):\n    img = cv2.imdecode(data, 1)\n    log.debug('%s', [img])\n"
        "    return [one.shape for one in filter(lambda one: one is not None, [img])]",
    ),
    "uvicorn with no host, or with None, which asyncio takes for all": (
        "service-loopback-only",
        "import uvicorn\nuvicorn.run(web)",
        "import uvicorn\nuvicorn.run(web, host=None)",
    ),
    "a Config of uvicorn, likewise": (
        "service-loopback-only",
        "import uvicorn\nc = uvicorn.Config(web)",
        "import uvicorn\nc = uvicorn.Config(web, None, 8000)",
    ),
    "flask takes None for its default": (
        "service-loopback-only",
        "from flask import Flask\nFlask('a').run(host=None)",
        "from flask import Flask\nFlask('a').run(host='0.0.0.0')",
    ),
    **{
        f"cuda in what trains: {how.split()[-1]}": (
            "cuda-hardcoded",
            "def f(net):\n    return net.cuda()",
            f"{how}\ndef f(net):\n    return net.cuda()",
        )
        for how in (
            "import torch.distributed as dist",
            "from torch.utils.data import DataLoader",
            "from torch import optim",
            "def step(loss):\n    loss.backward()",
        )
    },
    "cuda behind a condition": (
        "cuda-hardcoded",
        "def f(net, fast):\n    return net.cuda() if fast else net",
        "def f(net, use_gpu):\n    return net.cuda() if use_gpu else net",
    ),
}  # fmt: skip
