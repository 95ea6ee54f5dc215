"""The handwritten digits that ship with scikit-learn, in a part to train on and the rest."""

import numpy as np
from sklearn.datasets import load_digits

TRAIN = 112
"""How many of each digit are trained on."""


class Handwriting:
    """Images as (digit, image, pixel) between 0 and 1."""

    def __init__(self) -> None:
        intensities, labels = load_digits(return_X_y=True)
        images = (np.asarray(intensities) / 16).astype(np.float32)
        rng = np.random.default_rng(0)
        by_digit = [images[rng.permutation(np.flatnonzero(labels == digit))] for digit in range(10)]
        self.train = np.stack([images[:TRAIN] for images in by_digit])
        self.unseen = [images[TRAIN:] for images in by_digit]
