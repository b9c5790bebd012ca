"""Trains the detector of the known-answer test on drawn faces, exports it and measures it. Never run by tests or CI.

    pip install . torch opencv-python-headless onnx onnxruntime
    python -m tools.known_answer.train FOLDER

FOLDER gets the cached pictures, checkpoints, train.log and model.pt; export.py makes the shipped files of it. The result depends
on the versions, the number of threads and the processor; log and checksum of the shipped run are in docs/known-answer.md.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy
import torch
from retina_doctor_checks.probes.inference.detector import BGR_MEANS, VARIANCES, retinaface_priors
from torch.nn import functional

from .network import RetinaFace
from .scenes import draw

SIDE, PICTURES, BATCH, STEPS = 320, 12_000, 8, 10_000
FIRST_SEED = 1_000_000  # of the training pictures; what is measured on has others
SEED, THREADS = 7, 2
HIGHEST_RATE, DECAY = 2e-3, 5e-4
OVERLAP = 0.35  # of an anchor with a face, to be held responsible for it
NEGATIVES, LEAST_NEGATIVES = 7, 24  # for each positive anchor; in a picture without faces
AVERAGING = 0.999


def cached(seed: int) -> tuple[Any, Any]:
    picture = draw(seed, SIDE, SIDE)
    return picture.pixels, numpy.concatenate([picture.boxes, picture.points.reshape(-1, 10)], axis=1)


def cache(folder: Path) -> tuple[Any, list[Any]]:
    """All training pictures, uint8 [n, side, side, 3], and their faces, float32 [faces, 14] each."""
    pixels_file, faces_file = folder / "pixels.npy", folder / "faces.npy"
    if not faces_file.exists():
        pixels = numpy.lib.format.open_memmap(pixels_file, "w+", numpy.uint8, (PICTURES, SIDE, SIDE, 3))
        faces: Any = numpy.empty(PICTURES, dtype=object)
        with multiprocessing.Pool(THREADS) as pool:
            seeds = range(FIRST_SEED, FIRST_SEED + PICTURES)
            for index, (drawn, told) in enumerate(pool.imap(cached, seeds, chunksize=50)):
                pixels[index], faces[index] = drawn, told
        pixels.flush()
        numpy.save(faces_file, faces, allow_pickle=True)
    return numpy.load(pixels_file, mmap_mode="r"), list(numpy.load(faces_file, allow_pickle=True))


def batch(pixels: Any, faces: list[Any], step: int) -> tuple[Any, list[Any]]:
    """The batch of that step: flipped and with other colours as chance has it."""
    random = numpy.random.default_rng([SEED, step])
    images, targets = [], []
    for index in random.integers(0, len(faces), BATCH):
        image, told = pixels[index].astype(numpy.float32), faces[index].copy()
        if random.random() < 0.5:
            image = image[:, ::-1]
            told[:, [0, 2]] = SIDE - told[:, [2, 0]]
            points = told[:, 4:].reshape(-1, 5, 2)
            points[..., 0] = SIDE - points[..., 0]
            told[:, 4:] = points[:, [1, 0, 2, 4, 3]].reshape(-1, 10)
        if random.random() < 0.5:
            image = image[:, :, random.permutation(3)]
        image = (image - 128) * random.uniform(0.7, 1.3) + 128 + random.uniform(-25, 25)
        images.append((numpy.clip(image, 0, 255) - numpy.array(BGR_MEANS)).transpose(2, 0, 1))
        targets.append(torch.from_numpy(told / SIDE).float())
    return torch.from_numpy(numpy.array(images)).float().contiguous(memory_format=torch.channels_last), targets


def corners(priors: Any) -> Any:
    return torch.cat([priors[:, :2] - priors[:, 2:] / 2, priors[:, :2] + priors[:, 2:] / 2], 1)


def overlaps(one: Any, other: Any) -> Any:
    """Intersection over union of boxes [n, 4] with boxes [m, 4]: [n, m]."""
    both = (
        torch.minimum(one[:, None, 2:], other[None, :, 2:]) - torch.maximum(one[:, None, :2], other[None, :, :2])
    ).clamp(0)
    inner = both.prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (one, other)]
    return inner / (areas[0][:, None] + areas[1][None] - inner)


def assign(told: Any, priors: Any) -> tuple[Any, Any]:
    """For each anchor the face that it is responsible for, and whether it is for any; each face has one at least."""
    table = overlaps(told[:, :4], corners(priors))
    best, which = table.max(0)
    own = table.argmax(1)
    best[own] = 1.0
    which[own] = torch.arange(len(told))
    return which, best >= OVERLAP


def encode(told: Any, priors: Any) -> tuple[Any, Any]:
    centre = ((told[:, :2] + told[:, 2:4]) / 2 - priors[:, :2]) / (VARIANCES[0] * priors[:, 2:])
    size = torch.log((told[:, 2:4] - told[:, :2]) / priors[:, 2:]) / VARIANCES[1]
    points = (told[:, 4:].reshape(-1, 5, 2) - priors[:, None, :2]) / (VARIANCES[0] * priors[:, None, 2:])
    return torch.cat([centre, size], 1), points.reshape(-1, 10)


def loss_of(outputs: Any, targets: list[Any], priors: Any) -> Any:
    """As in RetinaFace: boxes, scores with the hardest negatives only, points."""
    boxes, scores, points = outputs
    total, positives = torch.zeros(()), 0
    for index, told in enumerate(targets):
        if len(told):
            which, positive = assign(told, priors)
        else:
            which, positive = torch.zeros(len(priors), dtype=torch.long), torch.zeros(len(priors), dtype=torch.bool)
        count = int(positive.sum())
        cost = functional.cross_entropy(scores[index], positive.long(), reduction="none")
        hardest = cost.detach().masked_fill(positive, -1).topk(max(NEGATIVES * count, LEAST_NEGATIVES)).indices
        total = total + cost[positive].sum() + cost[hardest].sum()
        if count:
            place, marks = encode(told[which[positive]], priors[positive])
            total = total + 2 * functional.smooth_l1_loss(boxes[index][positive], place, reduction="sum")
            total = total + functional.smooth_l1_loss(points[index][positive], marks, reduction="sum")
        positives += count
    return total / max(positives, 1)


def train(folder: Path) -> None:
    """Leaves model.pt: the mean of the weights over the last steps."""
    torch.manual_seed(SEED)
    torch.set_num_threads(THREADS)
    pixels, faces = cache(folder)
    priors = torch.from_numpy(retinaface_priors(SIDE, SIDE)).float()
    net = RetinaFace().to(memory_format=torch.channels_last)
    mean: RetinaFace = copy.deepcopy(net).eval()
    optimizer = torch.optim.AdamW(net.parameters(), lr=HIGHEST_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, HIGHEST_RATE, total_steps=STEPS)
    started, lately = time.monotonic(), []
    with (folder / "train.log").open("a", encoding="utf-8") as log:
        for step in range(STEPS):
            images, targets = batch(pixels, faces, step)
            loss = loss_of(net(images), targets, priors)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
            optimizer.step()
            schedule.step()
            average(mean, net, min(AVERAGING, (step + 1) / (step + 10)))
            lately.append(loss.item())
            if (step + 1) % 250 == 0:
                spent = time.monotonic() - started
                words = f"step {step + 1} of {STEPS}, loss {numpy.mean(lately):.4f}, {spent:.0f} s"
                print(words, flush=True)
                log.write(words + "\n")
                log.flush()
                lately = []
                torch.save(mean.state_dict(), folder / "model.pt")


@torch.no_grad()  # type: ignore[untyped-decorator]
def average(mean: RetinaFace, net: RetinaFace, share: float) -> None:
    """What is kept is the mean of the weights over the last thousand steps or so."""
    for kept, new in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - share)
        else:
            kept.copy_(new)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    train(given.folder)
