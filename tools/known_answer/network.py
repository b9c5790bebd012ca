"""RetinaFace with the backbone MobileNetV1-0.25, as in biubug6/Pytorch_Retinaface (MIT): 426,608 parameters.

Deng et al., "RetinaFace: Single-shot Multi-level Face Localisation in the Wild", CVPR 2020.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

CHANNELS = 64
ANCHORS = 2  # at each place of each level


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, act: bool = True) -> nn.Sequential:
    layers: list[Any] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([nn.LeakyReLU(0.1)] if act else []))


def separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.LeakyReLU(0.1),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),
    )


class Context(nn.Module):  # type: ignore[misc]
    """SSH: three reaches of context side by side (Najibi et al., ICCV 2017)."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter = CHANNELS // 2, CHANNELS // 4
        self.near = conv(CHANNELS, half, act=False)
        self.first = conv(CHANNELS, quarter)
        self.middle = conv(quarter, quarter, act=False)
        self.second = conv(quarter, quarter)
        self.far = conv(quarter, quarter, act=False)

    def forward(self, x: Any) -> Any:
        first = self.first(x)
        return functional.relu(torch.cat([self.near(x), self.middle(first), self.far(self.second(first))], 1))


class RetinaFace(nn.Module):  # type: ignore[misc]
    """BGR less its means, [n, 3, height, width] -> boxes [n, anchors, 4], scores [n, anchors, 2], points [n, anchors, 10].

    Scores are logits while training, else probabilities; boxes and points are relative to the anchors.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [
                nn.Sequential(
                    conv(3, 8, stride=2),
                    separable(8, 16, 1), separable(16, 32, 2), separable(32, 32, 1),
                    separable(32, 64, 2), separable(64, 64, 1),
                ),
                nn.Sequential(separable(64, 128, 2), *[separable(128, 128, 1) for _ in range(5)]),
                nn.Sequential(separable(128, 256, 2), separable(256, 256, 1)),
            ]
        )  # fmt: skip
        self.lateral = nn.ModuleList([conv(width, CHANNELS, 1) for width in (64, 128, 256)])
        self.merge = nn.ModuleList([conv(CHANNELS, CHANNELS) for _ in range(2)])
        self.context = nn.ModuleList([Context() for _ in range(3)])
        self.heads = nn.ModuleList(
            [nn.ModuleList([nn.Conv2d(CHANNELS, ANCHORS * size, 1) for size in (4, 2, 10)]) for _ in range(3)]
        )

    def forward(self, x: Any) -> Any:
        levels = []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            x = stage(x)
            levels.append(lateral(x))
        for level in (1, 0):
            above = functional.interpolate(levels[level + 1], size=levels[level].shape[2:], mode="nearest")
            levels[level] = self.merge[level](levels[level] + above)
        outputs: list[list[Any]] = [[], [], []]
        for features, context, heads in zip(levels, self.context, self.heads, strict=True):
            seen = context(features)
            for output, head, size in zip(outputs, heads, (4, 2, 10), strict=True):
                output.append(head(seen).permute(0, 2, 3, 1).reshape(x.shape[0], -1, size))
        boxes, scores, points = (torch.cat(output, 1) for output in outputs)
        return boxes, scores if self.training else scores.softmax(-1), points
