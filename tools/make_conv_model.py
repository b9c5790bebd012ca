"""Writes checks/retina_doctor_checks/probes/ort_gpu/conv_model.py: a model of one convolution, for trying a provider.

usage: uv run python tools/make_conv_model.py

It holds a convolution because onnxruntime-gpu from 1.28 on opens cuDNN only when the first one runs, and a Sigmoid because
that is a kernel of onnxruntime's own, which needs code for the card; a Relu would be fused into the convolution. IR 8
and opset 13, so that every onnxruntime from 1.15 on takes it.
"""

import base64
import textwrap
from pathlib import Path

import numpy
from onnx import TensorProto, checker, helper, numpy_helper

OUTPUT = Path(__file__).parents[1] / "checks" / "retina_doctor_checks" / "probes" / "ort_gpu" / "conv_model.py"

weights = numpy_helper.from_array(numpy.ones((4, 3, 3, 3), numpy.float32) / 27, "w")
graph = helper.make_graph(
    [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Sigmoid", ["c"], ["y"])],
    "conv",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 32, 32])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 32, 32])],
    [weights],
)
model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)], producer_name="")
checker.check_model(model)
lines = textwrap.wrap(base64.b64encode(model.SerializeToString()).decode(), 100)
OUTPUT.write_text(
    '"""An ONNX model of a convolution and a Sigmoid, x [1,3,32,32] -> y [1,4,32,32]; made by tools/make_conv_model.py."""\n\n'
    "import base64\n\nMODEL = base64.b64decode(\n" + "".join(f'    "{line}"\n' for line in lines) + ")\n"
)
