"""RetinaFace in torch, with the names of Pytorch_Retinaface's checkpoints. Sent to targets: Python 3.8, torch.

Source: biubug6/Pytorch_Retinaface (MIT), models/net.py, models/retinaface.py; the body of ResNet-50 is torchvision's (BSD),
models/resnet.py. Written anew so that neither has to be there.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from retina_doctor.hints import Any

BACKBONES = ("mobilenet0.25", "resnet50")


def load(path: str, device: str) -> Any:
    """(network in evaluation, its backbone) of a checkpoint, with weights_only: from torch 2.6 on nothing of the file is run.

    Raises what torch raises, and ValueError where it is another network.
    """
    told = torch.load(path, map_location=device, weights_only=True)
    state = told.get("state_dict", told) if isinstance(told, dict) else told
    if not isinstance(state, dict):
        raise ValueError("the checkpoint is no table of weights")
    state = {key[len("module.") :] if key.startswith("module.") else key: value for key, value in state.items()}
    backbone = BACKBONES[0] if any(key.startswith("body.stage1.") for key in state) else BACKBONES[1]
    net = RetinaFace(backbone)
    try:
        net.load_state_dict(state, strict=True)
    except RuntimeError as error:  # keys or shapes of another network
        raise ValueError(str(error)) from None
    return net.to(device).eval(), backbone


def conv_bn(inputs: int, outputs: int, stride: int = 1, kernel: int = 3, leaky: float | None = 0.0) -> Any:
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.LeakyReLU(leaky)] if leaky is not None else []))


def conv_dw(inputs: int, outputs: int, stride: int) -> Any:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.LeakyReLU(0.1),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),
    )


class MobileNet(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        first = [conv_bn(3, 8, 2, leaky=0.1), conv_dw(8, 16, 1), conv_dw(16, 32, 2), conv_dw(32, 32, 1)]
        self.stage1 = nn.Sequential(*first, conv_dw(32, 64, 2), conv_dw(64, 64, 1))
        self.stage2 = nn.Sequential(conv_dw(64, 128, 2), *[conv_dw(128, 128, 1) for _ in range(5)])
        self.stage3 = nn.Sequential(conv_dw(128, 256, 2), conv_dw(256, 256, 1))

    def forward(self, x: Any) -> Any:
        one = self.stage1(x)
        two = self.stage2(one)
        return [one, two, self.stage3(two)]


class Bottleneck(nn.Module):  # type: ignore[misc]
    def __init__(self, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, inner * 4, 1, bias=False), nn.BatchNorm2d(inner * 4)
        self.downsample: Any = None
        if stride != 1 or inputs != inner * 4:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, inner * 4, 1, stride, bias=False), nn.BatchNorm2d(inner * 4)
            )

    def forward(self, x: Any) -> Any:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        short = x if self.downsample is None else self.downsample(x)
        return functional.relu(self.bn3(self.conv3(y)) + short)


class ResNet50(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        inputs = 64
        for stage, count in enumerate((3, 4, 6, 3)):
            inner = 64 << stage
            blocks = []
            for block in range(count):
                blocks.append(Bottleneck(inputs, inner, 2 if block == 0 and stage else 1))
                inputs = inner * 4
            setattr(self, "layer%d" % (stage + 1), nn.Sequential(*blocks))

    def forward(self, x: Any) -> Any:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        found = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            found.append(x)
        return found[1:]


class FPN(nn.Module):  # type: ignore[misc]
    def __init__(self, widths: Any, channels: int) -> None:
        super().__init__()
        leaky = 0.1 if channels <= 64 else 0.0
        self.output1, self.output2, self.output3 = (conv_bn(one, channels, kernel=1, leaky=leaky) for one in widths)
        self.merge1, self.merge2 = (conv_bn(channels, channels, leaky=leaky) for _ in range(2))

    def forward(self, levels: Any) -> Any:
        one, two, three = self.output1(levels[0]), self.output2(levels[1]), self.output3(levels[2])
        two = self.merge2(two + functional.interpolate(three, size=two.shape[2:], mode="nearest"))
        one = self.merge1(one + functional.interpolate(two, size=one.shape[2:], mode="nearest"))
        return [one, two, three]


class SSH(nn.Module):  # type: ignore[misc]
    def __init__(self, channels: int) -> None:
        super().__init__()
        leaky = 0.1 if channels <= 64 else 0.0
        half, quarter = channels // 2, channels // 4
        self.conv3X3 = conv_bn(channels, half, leaky=None)
        self.conv5X5_1 = conv_bn(channels, quarter, leaky=leaky)
        self.conv5X5_2 = conv_bn(quarter, quarter, leaky=None)
        self.conv7X7_2 = conv_bn(quarter, quarter, leaky=leaky)
        self.conv7x7_3 = conv_bn(quarter, quarter, leaky=None)

    def forward(self, x: Any) -> Any:
        five = self.conv5X5_1(x)
        seven = self.conv7x7_3(self.conv7X7_2(five))
        return functional.relu(torch.cat([self.conv3X3(x), self.conv5X5_2(five), seven], 1))


class Head(nn.Module):  # type: ignore[misc]
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv1x1 = nn.Conv2d(channels, 2 * width, 1)
        self.width = width

    def forward(self, x: Any) -> Any:
        return self.conv1x1(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, self.width)


class RetinaFace(nn.Module):  # type: ignore[misc]
    """BGR less its means [n, 3, height, width] -> boxes [n, anchors, 4], scores [n, anchors, 2], points [n, anchors, 10]."""

    def __init__(self, backbone: str) -> None:
        super().__init__()
        mobile = backbone == BACKBONES[0]
        channels = 64 if mobile else 256
        self.body: Any = MobileNet() if mobile else ResNet50()
        self.fpn = FPN((64, 128, 256) if mobile else (512, 1024, 2048), channels)
        self.ssh1, self.ssh2, self.ssh3 = SSH(channels), SSH(channels), SSH(channels)
        self.ClassHead = nn.ModuleList([Head(channels, 2) for _ in range(3)])
        self.BboxHead = nn.ModuleList([Head(channels, 4) for _ in range(3)])
        self.LandmarkHead = nn.ModuleList([Head(channels, 10) for _ in range(3)])

    def forward(self, x: Any) -> Any:
        levels = self.fpn(self.body(x))
        seen = [ssh(level) for ssh, level in zip((self.ssh1, self.ssh2, self.ssh3), levels)]
        boxes, scores, points = (
            torch.cat([head(one) for head, one in zip(heads, seen)], 1)
            for heads in (self.BboxHead, self.ClassHead, self.LandmarkHead)
        )
        return boxes, scores.softmax(-1), points
