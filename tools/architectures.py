"""Builds RetinaFace graphs with random weights as ONNX bytes: for measuring memory and speed where no weights may be shipped.

Layers as in biubug6/Pytorch_Retinaface (MIT) and torchvision's ResNet, batch normalisation folded into the convolutions.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy
from onnx import TensorProto, helper, numpy_helper

RESNETS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
MOBILENETS = {"mobilenet0.25": (8, 64), "mobilenet1.0": (32, 128)}
"""Channels of the first convolution, and of the pyramid. Pytorch_Retinaface has no MobileNet-1.0: 128 is between its two."""
NAMES = (*MOBILENETS, *RESNETS)


@dataclasses.dataclass
class Graph:
    nodes: list[Any] = dataclasses.field(default_factory=list)
    weights: list[Any] = dataclasses.field(default_factory=list)
    random: Any = dataclasses.field(default_factory=lambda: numpy.random.default_rng(0))

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"n{len(self.nodes)}", **attributes))
        return name

    def constant(self, values: Any) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(
        self, x: str, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, group: int = 1, act: str = "Relu"
    ) -> str:
        shape = (outputs, inputs // group, kernel, kernel)
        scale = (2 / (shape[1] * kernel * kernel)) ** 0.5
        weight = self.constant((self.random.standard_normal(shape) * scale).astype(numpy.float32))
        bias = self.constant(numpy.zeros(outputs, numpy.float32))
        y = self.add(
            "Conv",
            [x, weight, bias],
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=group,
        )
        return self.add(act, [y]) if act else y


def retinaface(name: str) -> bytes:
    """The network of that backbone; input "x" [n, 3, height, width], outputs [n, anchors, 4], [..., 2] and [..., 10]."""
    graph = Graph()
    levels, widths = _resnet(graph, RESNETS[name]) if name in RESNETS else _mobilenet(graph, MOBILENETS[name][0])
    channels = 256 if name in RESNETS else MOBILENETS[name][1]
    levels = [graph.conv(x, width, channels, 1) for x, width in zip(levels, widths, strict=True)]
    for level in (1, 0):
        size = graph.add("Shape", [levels[level]])
        above = graph.add("Resize", [levels[level + 1], "", "", size], mode="nearest")
        levels[level] = graph.conv(graph.add("Add", [levels[level], above]), channels, channels)
    columns: list[list[str]] = [[], [], []]
    for features in levels:
        seen = _context(graph, features, channels)
        for column, width in zip(columns, (4, 2, 10), strict=True):
            head = graph.conv(seen, channels, 2 * width, 1, act="")
            rows = graph.add("Transpose", [head], perm=[0, 2, 3, 1])
            column.append(graph.add("Reshape", [rows, graph.constant(numpy.array([0, -1, width], numpy.int64))]))
    outputs = [graph.add("Concat", column, axis=1) for column in columns]
    outputs[1] = graph.add("Softmax", [outputs[1]], axis=2)
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        graph.nodes,
        name,
        [value("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [
            value(one, TensorProto.FLOAT, ["n", "anchors", width])
            for one, width in zip(outputs, (4, 2, 10), strict=True)
        ],
        graph.weights,
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()  # type: ignore[no-any-return]


def _mobilenet(graph: Graph, first: int) -> tuple[list[str], list[int]]:
    x = graph.conv("x", 3, first, stride=2)
    width, levels, widths = first, [], []
    plan = [[(2, 1), (4, 2), (4, 1), (8, 2), (8, 1)], [(16, 2)] + [(16, 1)] * 5, [(32, 2), (32, 1)]]
    for stage in plan:
        for factor, stride in stage:
            x = graph.conv(x, width, width, stride=stride, group=width, act="LeakyRelu")
            x = graph.conv(x, width, first * factor, 1, act="LeakyRelu")
            width = first * factor
        levels.append(x)
        widths.append(width)
    return levels, widths


def _resnet(graph: Graph, blocks: tuple[int, ...]) -> tuple[list[str], list[int]]:
    x = graph.conv("x", 3, 64, 7, 2)
    x = graph.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    width, levels = 64, []
    for stage, count in enumerate(blocks):
        inner = 64 << stage
        for block in range(count):
            stride = 2 if block == 0 and stage > 0 else 1
            y = graph.conv(x, width, inner, 1)
            y = graph.conv(y, inner, inner, 3, stride)
            y = graph.conv(y, inner, inner * 4, 1, act="")
            short = graph.conv(x, width, inner * 4, 1, stride, act="") if block == 0 else x
            x, width = graph.add("Relu", [graph.add("Add", [y, short])]), inner * 4
        levels.append(x)
    return levels[1:], [512, 1024, 2048]


def _context(graph: Graph, x: str, channels: int) -> str:
    """SSH."""
    near = graph.conv(x, channels, channels // 2, act="")
    first = graph.conv(x, channels, channels // 4)
    middle = graph.conv(first, channels // 4, channels // 4, act="")
    far = graph.conv(graph.conv(first, channels // 4, channels // 4), channels // 4, channels // 4, act="")
    return graph.add("Relu", [graph.add("Concat", [near, middle, far], axis=1)])
