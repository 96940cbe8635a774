"""Validators: what can be known of a checkpoint on the target without the target's labels.

Each is a risk: lower is taken to be better, so that all are monitored the same way. Beside them,
how different two domains are: proxy A-distance, and a plane to look at.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import Tensor
from torch.nn import functional as F

from spgen_lit.learning.adaptation import map_entropy, missing_information

Array = NDArray[np.float64]
FEWEST = 4


def soft_neighborhood_density(logs: Tensor, temperature: float = 0.05) -> float:
    """Entropy of each image's similarities to the others, averaged; higher is denser.

    The similarities are cosines of the predicted maps (Saito et al. 2021, equations 2 to 4,
    with maps where they have class probabilities).

    Args:
        logs: Log probabilities ``(image, step, height, width)``.
        temperature: Of the softmax over neighbors.

    Raises:
        ValueError: For fewer than three images.
    """
    if len(logs) < 3:
        raise ValueError(f"soft neighborhood density needs 3 or more images, found {len(logs)}")
    maps = F.normalize(logs.exp().flatten(1), dim=1)
    others = ~torch.eye(len(maps), dtype=torch.bool, device=maps.device)
    similarity = (maps @ maps.T)[others].view(len(maps), -1) / temperature
    neighbors = similarity.log_softmax(1)
    return float(-(neighbors.exp() * neighbors).sum(1).mean())


def density_ratio(training: Array, target: Array, validation: Array) -> Array:
    """How much likelier the target is than the source at each validation image ``(image,)``.

    From a logistic classifier of training images against target images (You et al. 2019,
    equation 3), on features ``(image, channel)``.
    """
    features = np.concatenate([training, target])
    labels = np.repeat([1, 0], [len(training), len(target)])
    # Strongly regularized: with more channels than images it would separate them all, and a
    # single validation image would carry all the weight.
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=500))
    classifier.fit(features, labels)
    source = classifier.predict_proba(validation)[:, 1].clip(1e-6, 1)
    ratio: Array = len(training) / len(target) * (1 - source) / source
    return ratio


def deep_embedded_validation(weights: Array, losses: Array) -> float:
    """The validation loss, weighted to what it would be on the target (You et al. 2019).

    With their control variate: ``mean(w·l) + e·mean(w) - e`` where ``e = -cov(w·l, w)/var(w)``,
    which takes out what the weights' own scatter adds.

    Args:
        weights: Density ratios of validation images ``(image,)``.
        losses: Their losses ``(image,)``.

    Raises:
        ValueError: If the two are not equally long, or without an image.
    """
    if len(weights) != len(losses) or not len(weights):
        raise ValueError(f"one weight a loss is needed, found {len(weights)} and {len(losses)}")
    weighted = weights * losses
    (_, covariance), (_, variance) = np.cov(weighted, weights, bias=True)
    if variance < 1e-12:
        return float(weighted.mean())
    factor = -covariance / variance
    return float(weighted.mean() + factor * weights.mean() - factor)


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
    if min(len(source), len(target)) < FEWEST:
        raise ValueError(
            f"a proxy A-distance needs {FEWEST} images of each domain, found {len(source)} "
            f"of the source and {len(target)} of the target"
        )
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [len(source), len(target)])
    half = np.concatenate([rng.permutation(len(part)) % 2 for part in (source, target)])
    # A small C: there are more channels than images.
    svm = LinearSVC(C=0.01, class_weight="balanced", dual=True, random_state=seed)
    classifier = make_pipeline(StandardScaler(), svm)
    features = np.concatenate([source, target])
    accuracies = cross_val_score(
        classifier,
        features,
        labels,
        cv=PredefinedSplit(half),
        scoring="balanced_accuracy",
        error_score="raise",
    )
    return float(max(4 * accuracies.mean() - 2, 0.0))


def plane(source: Array, target: Array) -> Array:
    """Coordinates ``(image, 2)``, source first: the first two principal components of both."""
    together = StandardScaler().fit_transform(np.concatenate([source, target]))
    coordinates: Array = PCA(n_components=2, random_state=0).fit_transform(together)
    return coordinates


def validate(
    target_maps: Tensor,
    target: Array,
    training: Array,
    validation: Array,
    losses: Array,
) -> dict[str, float]:
    """All validators of one checkpoint, lower taken to be better.

    Args:
        target_maps: Log probabilities ``(image, step, height, width)`` on target images.
        target: Pooled features ``(image, channel)`` of the same.
        training: Those of source images trained on.
        validation: Those of source images held out.
        losses: Loss of each of these, such as its energy score ``(image,)``.

    Returns:
        ``source`` the mean loss on the source; ``entropy``; ``information``, negative mutual
        information; ``density``, negative soft neighborhood density; ``dev``, deep embedded
        validation.
    """
    known = np.isfinite(losses)
    losses, validation = losses[known], validation[known]
    return {
        "source": float(losses.mean()),
        "entropy": float(map_entropy(target_maps)),
        "information": float(missing_information(target_maps)),
        "density": -soft_neighborhood_density(target_maps),
        "dev": deep_embedded_validation(density_ratio(training, target, validation), losses),
    }
