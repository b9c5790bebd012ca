"""The plan: what pip is told for several causes at once, and what the recorded machines are told to do."""

from __future__ import annotations

import pytest

from retina_doctor.plan import merged

BOTH = (("uninstall", "onnxruntime", "onnxruntime-gpu"), ("install", "onnxruntime-gpu[cuda,cudnn]==1.26.0"))


@pytest.mark.parametrize(
    ("wishes", "actions"),
    [
        ([BOTH], list(BOTH)),
        (  # the command of another cause, alone, would leave both packages
            [(("install", "onnxruntime-gpu[cuda,cudnn]==1.26.0"),), BOTH],
            list(BOTH),
        ),
        (  # insightface brings the CPU package along
            [BOTH, (("install", "insightface"), *BOTH)],
            [("install", "insightface"), *BOTH],
        ),
        (  # what is removed for good is not installed again
            [(("install", "--force-reinstall", "--no-deps", "onnxruntime==1.32.0"),), BOTH],
            list(BOTH),
        ),
        (
            [(("install", "onnxruntime-gpu"),), BOTH],
            list(BOTH),
        ),
        (
            [(("install", "numpy<2"),), (("install", "numpy<1.24"),)],
            [("install", "numpy<1.24,<2")],
        ),
        (
            [
                (
                    ("uninstall", "opencv-python"),
                    ("install", "--force-reinstall", "--no-deps", "opencv-python-headless"),
                ),
                BOTH,
                (("install", "torch==2.11.0"),),
            ],
            [
                ("install", "torch==2.11.0"),
                ("uninstall", "opencv-python", "onnxruntime", "onnxruntime-gpu"),
                ("install", "onnxruntime-gpu[cuda,cudnn]==1.26.0"),
                ("install", "--force-reinstall", "--no-deps", "opencv-python-headless"),
            ],
        ),
        ([(("install", "onnx"), ("install", "onnx"))], [("install", "onnx")]),
        ([], []),
    ],
)
def test_what_pip_is_told_for_several_causes(
    wishes: list[tuple[tuple[str, ...], ...]], actions: list[tuple[str, ...]]
) -> None:
    assert merged(wishes) == actions
