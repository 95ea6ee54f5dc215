"""Act 4: handwritten digits, learnt through the exact sort by a generator that sees only sorted projections."""

import functools
import itertools
import statistics
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import wasserstein_distance
from sklearn.linear_model import LogisticRegression

import sortax as sx

from ..act import Act, Chapter, Claim, Picture, Step, Table
from ..measure import alternate, duration
from ..pictures import digits as pictures
from . import adam, generator
from .handwriting import TRAIN, Handwriting

_STOPS = (0, 10, 30, 100, 300, generator.STEPS)
_CHUNK = 50
_UNSEEN_DIRECTIONS = 100

_LEAD = (
    "A small network learns to write the digits that ship with scikit-learn. It is never shown a pairing of its images with "
    "real ones: both are projected on random directions, the projections are sorted, and the gradient of their squared "
    "difference comes back through `sx.sort` (the sliced Wasserstein distance, exactly). The scores below come from SciPy and "
    "scikit-learn, on digits kept aside."
)


def _run(step: Step) -> Chapter:
    step("loading the digits", 0.0)
    data = Handwriting()
    z = generator.noise(jax.random.key(9), 10, TRAIN)
    snapshots, seconds = _learn(data, z, sx.sort, lambda done: step("learning through the exact sort", 0.02 + 0.5 * done))
    unsorted, _ = _learn(data, z, _as_they_come, lambda done: step("the same without the sort", 0.52 + 0.25 * done))
    step("scoring by SciPy and scikit-learn", 0.77)
    rivals = {
        "untrained": snapshots[0],
        "trained without the sort": unsorted[generator.STEPS],
        "a Gaussian for each digit": _gaussians(data.train),
        "trained through the exact sort": snapshots[generator.STEPS],
        "real digits": data.train,
    }
    scores = {name: (_distance(images, data), _read(images, data)) for name, images in rivals.items()}
    curves = {
        "sorted": [_distance(snapshots[k], data) for k in _STOPS],
        "unsorted": [_distance(unsorted[k], data) for k in _STOPS],
    }
    step("the time of a step", 0.9)
    steps, off = _against_jax(data, z)
    return Chapter(
        lead=_LEAD,
        claims=_claims(scores, off),
        tables=[_score_table(scores), _speed_table(steps, seconds)],
        pictures=_pictures(data, snapshots, rivals, curves, {name: score[0] for name, score in scores.items()}),
        headlines=[
            (
                f"{scores['trained through the exact sort'][1]:.1%}",
                "of unseen real digits read by a classifier that saw only digits generated here",
            )
        ],
    )


def _as_they_come(x: Any) -> Any:
    return x


def _learn(data: Handwriting, z: Any, sort: generator.Sort, done: Any) -> tuple[dict[int, np.ndarray], float]:
    """Images from the same noise at each stop of the training, and the seconds it took once compiled."""
    real = jnp.asarray(data.train)
    state = adam.start(generator.parameters(jax.random.key(0), 10, real.shape[-1]))
    jax.block_until_ready(generator.train(state, 0, 0, real, sort=sort))
    snapshots = {0: np.asarray(generator.generate(state[0], z))}
    began = time.perf_counter()
    bounds = sorted({*_STOPS, *range(0, generator.STEPS, _CHUNK)})
    for first, last in itertools.pairwise(bounds):
        state = jax.block_until_ready(generator.train(state, first, last, real, sort=sort))
        if last in _STOPS:
            snapshots[last] = np.asarray(generator.generate(state[0], z))
        done(last / generator.STEPS)
    return snapshots, time.perf_counter() - began


def _gaussians(train: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    samples = [rng.multivariate_normal(x.mean(0), np.cov(x.T), TRAIN) for x in train.astype(np.float64)]
    return np.clip(np.stack(samples), 0, 1).astype(np.float32)


def _distance(images: np.ndarray, data: Handwriting) -> float:
    """Mean Wasserstein distance to unseen digits, of each digit and each of a fixed set of directions not trained on."""
    w = np.random.default_rng(7).standard_normal((images.shape[-1], _UNSEEN_DIRECTIONS))
    w /= np.linalg.norm(w, axis=0)
    pairs = [(a @ w, b @ w) for a, b in zip(images, data.unseen, strict=True)]
    return statistics.mean(float(wasserstein_distance(a[:, k], b[:, k])) for a, b in pairs for k in range(w.shape[1]))


def _read(images: np.ndarray, data: Handwriting) -> float:
    """The share of unseen real digits that a classifier reads which has seen only `images`."""
    labels = np.repeat(np.arange(10), images.shape[1])
    classifier = LogisticRegression(max_iter=1000).fit(images.reshape(labels.size, -1), labels)
    truth = np.repeat(np.arange(10), [len(x) for x in data.unseen])
    return float(classifier.score(np.concatenate(data.unseen), truth))


def _against_jax(data: Handwriting, z: Any) -> tuple[dict[str, list[float]], float]:
    """Seconds of one gradient of the loss with each sort, and the largest relative difference of the two gradients."""
    real = jnp.asarray(data.train)
    p = generator.parameters(jax.random.key(0), 10, real.shape[-1])
    w = generator.directions(jax.random.key(3), real.shape[-1])
    gradient = jax.jit(jax.grad(generator.loss), static_argnums=4)
    programs = {
        name: functools.partial(gradient, p, z, w, real, f) for name, f in (("sx.sort", sx.sort), ("jnp.sort", jnp.sort))
    }
    ours, theirs = (jax.tree.leaves(programs[name]()) for name in ("sx.sort", "jnp.sort"))
    off = max(float(jnp.abs(a - b).max() / jnp.abs(b).max()) for a, b in zip(ours, theirs, strict=True))
    programs["no sort"] = functools.partial(gradient, p, z, w, real, _as_they_come)
    return alternate(programs, rounds=7, at_least=0.03), off


def _claims(scores: dict[str, tuple[float, float]], off: float) -> list[Claim]:
    end, start, without = (
        scores[name][0] for name in ("trained through the exact sort", "untrained", "trained without the sort")
    )
    read, read_real = scores["trained through the exact sort"][1], scores["real digits"][1]
    return [
        Claim(
            "The gradient of the loss through `sx.sort` is that through `jnp.sort`, for each weight of the network.",
            f"They differ by {off:.0e} of the largest entry: float32 sums in another order." if off else "Equal to the bit.",
            off < 1e-4,
        ),
        Claim(
            "Training reaches the distribution of digits it has not seen, and it is the sort that takes it there.",
            f"SciPy's Wasserstein distance falls from {start:.3f} to {end:.3f}; "
            f"the same training without the sort stays at {without:.3f}.",
            end < start / 4 and end < without / 2,
        ),
        Claim(
            "The digits it writes are good enough to teach reading.",
            f"A classifier that saw only them reads {read:.1%} of unseen real digits; "
            f"one that saw real ones reads {read_real:.1%}.",
            read > read_real - 0.05,
        ),
    ]


def _score_table(scores: dict[str, tuple[float, float]]) -> Table:
    return Table(
        "Images against real digits kept aside",
        ("images", "Wasserstein distance", "unseen digits read"),
        [(name, f"{distance:.4f}", f"{read:.1%}") for name, (distance, read) in scores.items()],
        note="Distance: `scipy.stats.wasserstein_distance`, mean over ten digits and "
        f"{_UNSEEN_DIRECTIONS} directions. Read: by scikit-learn's logistic regression, trained on the images alone.",
    )


def _speed_table(steps: dict[str, list[float]], seconds: float) -> Table:
    rows = [(name, duration(statistics.median(taken))) for name, taken in steps.items()]
    numbers = 10 * TRAIN * generator.directions(jax.random.key(0), 2).shape[1]
    return Table(
        "One gradient of the training loss",
        ("with", "time"),
        rows,
        note=f"It sorts two arrays of {numbers:,} numbers in rows of {TRAIN}; "
        f"{generator.STEPS:,} steps of training took {duration(seconds)}.",
    )


def _pictures(data: Handwriting, snapshots: Any, rivals: Any, curves: Any, distances: dict[str, float]) -> list[Picture]:
    w = np.random.default_rng(11).standard_normal(data.train.shape[-1])
    w /= np.linalg.norm(w)
    digit = 3
    sorted_projections = {k: np.sort(snapshots[k][digit] @ w) for k in (0, 30, 100, generator.STEPS)}
    emerging = pictures.Emerging(
        _STOPS, np.stack([snapshots[k][:, :2] for k in _STOPS]), np.stack([x[:2] for x in data.unseen])
    )
    learning = pictures.Learning(_STOPS, curves, distances, digit, sorted_projections, np.sort(data.train[digit] @ w))
    return [
        Picture(
            "emerging",
            "Rows of images of the digits 0 to 9, from grey noise to legible digits.",
            "Two fixed noise vectors a digit, followed through the training; the last row shows real digits, kept aside.",
            functools.partial(pictures.emerging, emerging),
        ),
        Picture(
            "learning",
            "Left, sorted curves approaching each other; right, distance falling with the steps of training.",
            f"Left: what the loss compares, for the digit {digit} and one direction: the sorted projections of generated and "
            "real images. Right: distance to unseen digits along directions that were not trained on, as SciPy measures it.",
            functools.partial(pictures.learning, learning),
        ),
        Picture(
            "before-after",
            "Four panels of thirty images each: untrained, trained without the sort, trained through the sort, real.",
            "Three samples a digit. Without the sort, each image is compared with whatever real one stands at the same place, "
            "and the best answer to that is the mean digit: all variety is lost.",
            functools.partial(pictures.before_after, pictures.BeforeAfter({n: x[:, 2:5] for n, x in rivals.items()})),
        ),
    ]


ACT = Act("Handwritten digits, learnt through a sort", _run)
