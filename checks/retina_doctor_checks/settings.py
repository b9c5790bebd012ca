"""The pack's tables of settings: what is meant of model, detection, service, GPU and source (retina_doctor.settings)."""

from typing import Annotated, Literal

from retina_doctor.codec import Data, Meta
from retina_doctor.settings import AtLeastOne, ProcessSettings, Setting, Table

from .settings_values import (
    Above,
    Count,
    LoadWanted,
    Port,
    Share,
    Size,
    check_log,
    read_field,
    read_load,
    read_log,
    read_range,
    read_sha256,
    read_size,
)


class ModelSettings(Table, frozen=True, kw_only=True):
    TABLE = "model"
    path: Annotated[
        str | None,
        Setting(
            "Model file, insightface pack or folder.", "模型文件、insightface 模型包名或目录。", "--model", "PATH|PACK"
        ),
    ] = None
    root: Annotated[
        str | None,
        Setting(
            "insightface's root, below which models/NAME lies. Default: ~/.insightface.",
            "insightface 的根目录，模型在其 models/NAME 下。默认 ~/.insightface。",
        ),
    ] = None


class DetectionSettings(Table, frozen=True, kw_only=True):
    TABLE = "detection"
    size: Annotated[
        Size | None,
        Setting("Detector input in pixels.", "检测器的输入尺寸（像素）。", "--det-size", "WxH", read=read_size),
    ] = None
    threshold: Annotated[
        Share | None, Setting("Least score of a face, 0 to 1.", "人脸的最低得分，0 到 1。", "--det-thresh", "X")
    ] = None
    nms: Annotated[
        Share | None,
        Setting("Overlap at which two boxes are one face.", "两个框算作同一张脸的重叠度。", "--nms-thresh", "X"),
    ] = None
    source_size: Annotated[
        Size | None,
        Setting(
            "Size in pixels of the pictures that the service gets.", "服务收到的图片尺寸（像素）。", read=read_size
        ),
    ] = None
    smallest_face: Annotated[
        AtLeastOne | None,
        Setting(
            "Side in source pixels of the smallest face that must be found.",
            "必须找到的最小人脸在原图中的边长（像素）。",
        ),
    ] = None
    image: Annotated[
        str | None, Setting("A picture for the smoke test.", "用于推理测试的图片，在目标的磁盘上。", "--image", "FILE")
    ] = None
    save_picture: Annotated[
        str | None,
        Setting(
            "Write the picture with the faces found.",
            "把标出人脸的图片写到这里。",
            "--save-picture",
            "FILE.png",
            named_only=True,
        ),
    ] = None
    image_faces: Annotated[
        Annotated[int, Meta(ge=0, description="must not be negative")] | None,
        Setting("How many faces that picture shows. Default: at least one.", "图片上有几张人脸。默认至少一张。"),
    ] = None


class ResponseSettings(Data, frozen=True, kw_only=True):
    """How the service is asked and answers, where it differs from ``{"faces": [{"bbox", "keypoints", "confidence"}]}``."""

    form: Annotated[
        Literal["multipart", "json", "raw"],
        Setting(
            "How the picture is posted: in a multipart field, in base64 in a JSON object, or as the whole body.",
            "图片的发送方式：multipart 字段、JSON 对象中的 base64，或整个请求体。",
        ),
    ] = "multipart"
    field: Annotated[
        str,
        Setting(
            "Name of the multipart field or JSON key that the picture is posted in.",
            "发送图片所用的 multipart 字段名或 JSON 键。",
            read=read_field,
        ),
    ] = "image"
    faces: Annotated[
        str,
        Setting(
            'Where in the answer the list of faces is: keys with dots between them; "" where the answer is the list.',
            "人脸列表在应答中的位置：用点连接的键；应答本身就是列表时为空串。",
        ),
    ] = "faces"
    box: Annotated[str, Setting("Key of a face's box.", "人脸框的键。")] = "bbox"
    box_form: Annotated[
        Literal["corners", "size"],
        Setting(
            "corners: left, top, right, bottom; size: left, top, width, height. In pixels of the picture.",
            "corners：左、上、右、下；size：左、上、宽、高。单位为图片像素。",
        ),
    ] = "corners"
    points: Annotated[
        str, Setting('Key of a face\'s five points; "" where the service gives none.', "五个关键点的键；没有时为空串。")
    ] = "keypoints"
    score: Annotated[str, Setting("Key of a face's score, 0 to 1.", "人脸分数的键，0 到 1。")] = "confidence"


class ServiceSettings(ProcessSettings, frozen=True, kw_only=True):
    host: Annotated[
        str | None, Setting("Address that the service is to bind.", "服务要绑定的地址。", "--host", "H")
    ] = None
    port: Annotated[Port | None, Setting("Port that the service is to bind.", "服务要绑定的端口。", "--port", "P")] = (
        None
    )
    url: Annotated[
        str | None, Setting("Address of a service that should be running.", "应在运行的服务的网址。", "--url", "U")
    ] = None
    start: Annotated[
        str | None,
        Setting(
            "How the service is started: its command, NAME.service, a Procfile, a supervisor .conf, a compose file, docker:NAME.",
            "服务的启动方式：命令、NAME.service、Procfile、supervisor 的 .conf、compose 文件或 docker:NAME。",
            "--start",
            "CMD",
            named_only=True,  # the Python that it names is run
        ),
    ] = None
    log: Annotated[
        str | None,
        Setting(
            "Log of the service, also of one that has died: a file on the disk of whoever calls, unit:NAME or docker:NAME.",
            "服务的日志（服务已退出时也可用）：本工具所在磁盘上的文件，或 unit:名称、docker:名称。",
            "--log",
            "FILE",
            read=read_log,
            usable=check_log,
        ),
    ] = None
    header_file: Annotated[
        str | None,
        Setting(
            'File with headers for --url, a line "NAME: VALUE" each, such as a token that the service requires.',
            "访问 --url 时附带的请求头所在的文件，每行一个 `NAME: VALUE`，例如服务要求的令牌。",
            "--header-file",
            "FILE",
        ),
    ] = None
    response: ResponseSettings = ResponseSettings()
    load: Annotated[
        LoadWanted | None,
        Setting(
            "Post N pictures to --url, C at once, and tell how fast it is.",
            "向 --url 发送 N 张图片，C 张并发，并报告速度。",
            "--load",
            "N,C",
            read=read_load,
        ),
    ] = None
    workers: Annotated[
        AtLeastOne,
        Setting("Processes of the service on this GPU.", "这块 GPU 上的服务进程数。", "--workers", "N", common=False),
    ] = 1


class GpuSettings(Table, frozen=True, kw_only=True):
    TABLE = "gpu"
    device: Annotated[
        Literal["gpu", "cpu", "auto"],
        Setting(
            "Running on the CPU is an error, meant, or a warning.",
            "在 CPU 上运行：gpu 为错误，cpu 为有意，auto 为警告。",
            "--device",
            "gpu|cpu|auto",
        ),
    ] = "gpu"


class ScanSettings(Table, frozen=True, kw_only=True):
    TABLE = "scan"
    paths: Annotated[
        tuple[str, ...],
        Setting(
            "Source files of the service, or folders of them, on the doctor's own disk.",
            "服务的源文件或其目录，在本工具所在的磁盘上。",
        ),
    ] = ()

    no_source: Annotated[
        bool,
        Setting("Do not read the service's own source files.", "不读取服务自己的源文件。", "--no-source"),
    ] = False

    def looked_at(self) -> tuple[str, ...]:
        return self.paths


class ExpectSettings(Table, frozen=True, kw_only=True):
    """What this machine is to be, and what it is to reach: whatever differs is a finding (RD7xx)."""

    TABLE = "expect"
    gpus: Annotated[Count | None, Setting("Number of GPUs in this machine.", "本机的 GPU 数量。")] = None
    gpu_name: Annotated[
        str | None, Setting("Name of each GPU, or a part of it: T4.", "每块 GPU 的名称，或其中一部分：T4。")
    ] = None
    driver: Annotated[
        str | None,
        Setting('Versions of the driver: ">=535, <600".', "驱动版本的范围：“>=535, <600”。", read=read_range),
    ] = None
    provider: Annotated[
        Literal["cuda", "tensorrt", "cpu"] | None,
        Setting("What runs most of the model.", "运行模型大部分节点的执行提供者。"),
    ] = None
    faces: Annotated[
        Count | None, Setting("Faces found on detection.image.", "在 detection.image 上找到的人脸数。")
    ] = None
    model_sha256: Annotated[
        str | None, Setting("SHA-256 of the model file.", "模型文件的 SHA-256。", read=read_sha256)
    ] = None
    free_memory_mib: Annotated[
        Count | None, Setting("Least free memory of the GPU that is used, MiB.", "所用 GPU 至少空闲的显存（MiB）。")
    ] = None
    max_latency_ms: Annotated[
        Above | None,
        Setting(
            "Most milliseconds of one detection, as the median of runs.", "一次检测最多的毫秒数（多次运行的中位数）。"
        ),
    ] = None
    min_speedup: Annotated[
        Above | None,
        Setting("How many times faster than this machine's CPU at least.", "至少是本机 CPU 的多少倍速度。"),
    ] = None


tables = (ModelSettings, DetectionSettings, ServiceSettings, GpuSettings, ScanSettings, ExpectSettings)
"""What the entry point of the group ``retina_doctor.settings`` names."""
