"""How different two domains are: proxy A-distance, a plane to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

Array = NDArray[np.float64]
_FEWEST = 4


def proxy_a_distance(source: Array, target: Array, seed: int = 0) -> float:
    """2 (1 - 2 err) of a linear classifier of domains on images it has not seen.

    0 where the domains cannot be told apart, 2 where every image gives its domain away. A
    support vector machine learns on one half of each domain and is tested on the other,
    then the other way round (Ben-David et al. 2007; Ganin et al. 2016, section 5.1.5).
    Both domains weigh alike whatever their numbers.

    Args:
        source: Features ``(image, channel)`` of source images.
        target: The same of target images.
        seed: Of the division into halves.

    Raises:
        ValueError: For fewer than four images of a domain.
    """
    if min(len(source), len(target)) < _FEWEST:
        raise ValueError(
            f"a proxy A-distance needs {_FEWEST} images of each domain, found {len(source)} "
            f"of the source and {len(target)} of the target"
        )
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [len(source), len(target)])
    half = np.concatenate([rng.permutation(len(part)) % 2 for part in (source, target)])
    features = np.concatenate([source, target])
    errors = []
    for kept in (0, 1):
        # A small C: there are more channels than images.
        svm = LinearSVC(C=0.01, class_weight="balanced", dual=True, random_state=seed)
        classifier = make_pipeline(StandardScaler(), svm)
        classifier.fit(features[half == kept], labels[half == kept])
        wrong = classifier.predict(features[half != kept]) != labels[half != kept]
        for label in (0, 1):
            errors.append(wrong[labels[half != kept] == label].mean())
    return float(2 * (1 - 2 * min(float(np.mean(errors)), 0.5)))


def plane(source: Array, target: Array) -> Array:
    """Coordinates ``(image, 2)``, source first: the first two principal components of both."""
    together = StandardScaler().fit_transform(np.concatenate([source, target]))
    coordinates: Array = PCA(n_components=2, random_state=0).fit_transform(together)
    return coordinates
