"""Metrics on maps: how well a saliency map or density predicts where people looked.

Fixations are a `Scanpath`, which is stretched to the map, or an array or tensor of x, y in px of
the map ``(fixation, 2 or more)``. A fixation is on the map where 0 <= x < width and
0 <= y < height, and takes the value of the pixel it falls into. Fixations off the map are dropped
(except by `congruency`, where they are misses): `off_map` counts them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata
from torch import Tensor

from spgen_lit.metrics.pairs import PathLike, as_array

Map = NDArray[np.float64]
Fixations = PathLike | ArrayLike
MapLike = ArrayLike | Tensor


def fixation_density(xy: Fixations, size: tuple[int, int], sigma: float) -> Map:
    """Gaussian-blurred fixations as a probability density.

    Args:
        xy: Fixations; those off the map are dropped.
        size: Width and height in px.
        sigma: Standard deviation of the blur in px, often one degree.

    Returns:
        ``(height, width)``, summing to 1; uniform where no fixation is on the map.

    Raises:
        ValueError: For a sigma not above 0.

    >>> fixation_density([[5.0, 5.0]], size=(11, 11), sigma=1.0).round(3)[5, 4:7].tolist()
    [0.097, 0.159, 0.097]
    """
    if not sigma > 0:
        raise ValueError(f"fixation_density needs sigma above 0 px, found {sigma}")
    counts = np.zeros((size[1], size[0]))
    rows, columns = _pixels(xy, counts.shape)
    np.add.at(counts, (rows, columns), 1.0)
    blurred = gaussian_filter(counts, sigma, mode="constant", truncate=6.0)
    return normalized(blurred)


def off_map(xy: Fixations, size: tuple[int, int]) -> int:
    """How many fixations lie off a map of this width and height.

    >>> off_map([[5.0, 5.0], [-1.0, 5.0]], size=(10, 10))
    1
    """
    return len(as_array(xy, size)) - len(_pixels(xy, (size[1], size[0]))[0])


def nss(xy: Fixations, saliency: MapLike) -> float:
    """Normalized scanpath saliency: mean z-score (ddof 0) at the fixations; higher is better.

    Every fixation counts, repeated ones too.

    Args:
        xy: Fixations.
        saliency: Map ``(height, width)``.

    Returns:
        NaN without a fixation on the map or for a constant map.

    >>> round(nss([[1.0, 0.0]], [[0.0, 3.0], [0.0, 0.0]]), 3)
    1.732
    """
    values = _map(saliency)
    at = _pixels(xy, values.shape)
    if len(at[0]) == 0 or values.max() == values.min():
        return math.nan
    return float((values[at].mean() - values.mean()) / values.std())


def auc_judd(xy: Fixations, saliency: MapLike) -> float:
    """Area under the ROC curve, fixated pixels against all others (Judd et al. 2009), no jitter.

    Thresholds are the values at the fixations; a pixel at a threshold counts as above it, for
    fixations and others alike; every fixation counts, an unfixated pixel once. 0.5 is chance.

    Args:
        xy: Fixations.
        saliency: Map ``(height, width)``.

    Returns:
        In [0, 1]; NaN without a fixation on the map.

    >>> auc_judd([[1.0, 0.0]], [[0.1, 0.9], [0.2, 0.3]])
    1.0
    """
    values = _map(saliency)
    at = _pixels(xy, values.shape)
    others = np.ones(values.shape, dtype=np.bool_)
    others[at] = False
    positive, negative = np.sort(values[at]), np.sort(values[others])
    if len(positive) == 0 or len(negative) == 0:
        return math.nan
    thresholds = np.unique(positive)[::-1]
    rates = [
        np.concatenate([[0.0], 1 - np.searchsorted(side, thresholds) / len(side), [1.0]])
        for side in (positive, negative)
    ]
    return float(np.trapezoid(rates[0], rates[1]))


def shuffled_auc(xy: Fixations, saliency: MapLike, others: Fixations) -> float:
    """AUC of fixated pixels against fixations made on other images; 0.5 is chance.

    The probability that a fixation has a higher value than one from another image, ties half
    (all of ``others`` used, so there is no sampling noise). Center bias earns nothing.

    Args:
        xy: Fixations.
        saliency: Map ``(height, width)``.
        others: Fixations on other images, in px of this map.

    Returns:
        In [0, 1]; NaN without fixations on the map on either side.

    >>> shuffled_auc([[1.0, 0.0]], [[0.1, 0.9], [0.2, 0.9]], [[0.0, 0.0], [1.0, 1.0]])
    0.75
    """
    values = _map(saliency)
    positive = values[_pixels(xy, values.shape)]
    negative = values[_pixels(others, values.shape)]
    if len(positive) == 0 or len(negative) == 0:
        return math.nan
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    wins = ranks.sum() - len(positive) * (len(positive) + 1) / 2
    return float(wins / (len(positive) * len(negative)))


def information_gain(xy: Fixations, density: MapLike, baseline: MapLike) -> float:
    """Information gain over a baseline density in bits per fixation; higher is better.

    Args:
        xy: Fixations.
        density: Probability density ``(height, width)``, summing to 1; see `normalized`.
        baseline: Density to compare with (center bias, uniform), same shape.

    Returns:
        NaN without a fixation on the map; -inf where the density is 0 at one.

    Raises:
        ValueError: For maps that are no densities or of different shapes.

    >>> uniform = np.full((2, 2), 0.25)
    >>> information_gain([[1.0, 0.0]], [[0.125, 0.5], [0.25, 0.125]], uniform)
    1.0
    """
    model, base = _both(density, baseline)
    for name, each in (("density", model), ("baseline", base)):
        if (each < 0).any() or not math.isclose(each.sum(), 1.0, abs_tol=1e-6):
            raise ValueError(
                f"information_gain needs true densities: {name} sums to {each.sum():.6g} with "
                f"least value {each.min():.3g}; use normalized() first"
            )
    at = _pixels(xy, model.shape)
    if len(at[0]) == 0:
        return math.nan
    with np.errstate(divide="ignore"):
        return float((np.log2(model[at]) - np.log2(base[at])).mean())


def cc(a: MapLike, b: MapLike) -> float:
    """Pearson correlation of two maps ``(height, width)`` in [-1, 1]; NaN if one is constant.

    >>> cc([[1.0, 2.0], [3.0, 4.0]], [[4.0, 3.0], [2.0, 1.0]])
    -1.0
    """
    one, two = _both(a, b)
    x, y = one - one.mean(), two - two.mean()
    norm = math.sqrt(float((x * x).sum()) * float((y * y).sum()))
    return float((x * y).sum() / norm) if norm > 0 else math.nan


def kl(saliency: MapLike, observers: MapLike) -> float:
    """KL divergence of the observers' density from the map's, in nats; lower is better.

    sum p log(p / q + eps) with eps = 2.2e-16 inside both, after each map ``(height, width)`` is
    divided by its sum (MIT saliency benchmark). Not symmetric.

    >>> round(kl([[1.0, 1.0]], [[1.0, 3.0]]), 3)
    0.131
    """
    q, p = _both(normalized(saliency), normalized(observers))
    eps = float(np.finfo(np.float64).eps)
    return float((p * np.log(eps + p / (q + eps))).sum())


def sim(a: MapLike, b: MapLike) -> float:
    """Histogram intersection of two maps ``(height, width)`` in [0, 1]; higher is better.

    >>> sim([[1.0, 1.0]], [[1.0, 3.0]])
    0.75
    """
    p, q = _both(normalized(a), normalized(b))
    return float(np.minimum(p, q).sum())


def normalized(values: MapLike, floor: float = 0.0) -> Map:
    """A map of values at least 0 divided by its sum; uniform where it is 0 everywhere.

    Args:
        values: ``(height, width)``.
        floor: Fraction of the largest value added everywhere, so that no density is 0.

    Raises:
        ValueError: For values below 0 or not finite.

    >>> normalized([[1.0, 3.0]]).tolist()
    [[0.25, 0.75]]
    """
    raw = _map(values)
    if not np.isfinite(raw).all() or (raw < 0).any():
        raise ValueError("a density needs finite values of at least 0: found some that are not")
    lifted = raw + floor * raw.max(initial=0.0)
    total = lifted.sum()
    result: Map = lifted / total if total > 0 else np.full(raw.shape, 1 / max(1, raw.size))
    return result


def congruency(
    xy: Fixations, density: MapLike, *, area: float | None = 0.2, peak: float | None = None
) -> float:
    """Fraction of fixations inside the region where observers looked, in [0, 1].

    The region is where the observers' density reaches a threshold: the value that the stated
    fraction of the image's area reaches (Torralba et al. 2006), or a stated fraction of the
    maximum. A fixation off the map is a miss. SPGen's threshold was never published: figures
    compare only at one threshold.

    Args:
        xy: Fixations.
        density: Observers' fixation density ``(height, width)``.
        area: Fraction of the image's area in the region.
        peak: Fraction of the maximum a pixel needs instead (0.5: half maximum); replaces area.

    Returns:
        NaN without fixations.

    Raises:
        ValueError: For a fraction outside (0, 1], or with neither given.

    >>> congruency([[1.0, 0.0], [0.0, 0.0]], [[0.1, 0.9], [0.2, 0.3]], area=0.25)
    0.5
    """
    values = _map(density)
    fraction = area if peak is None else peak
    if fraction is None or not 0 < fraction <= 1:
        raise ValueError(f"congruency needs area or peak in (0, 1], found {area} and {peak}")
    if peak is None:
        threshold = float(np.quantile(values, 1 - fraction))
    else:
        threshold = fraction * float(values.max())
    count = len(as_array(xy, (values.shape[1], values.shape[0])))
    inside = values[_pixels(xy, values.shape)] >= threshold
    return float(inside.sum() / count) if count else math.nan


def _map(values: MapLike) -> Map:
    result = as_array(values)
    if result.ndim != 2:
        raise ValueError(f"a map must have shape (height, width), found {result.shape}")
    return result


def _both(a: MapLike, b: MapLike) -> tuple[Map, Map]:
    one, two = _map(a), _map(b)
    if one.shape != two.shape:
        raise ValueError(f"maps must have one shape, found {one.shape} and {two.shape}")
    return one, two


def _pixels(xy: Fixations, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the fixations on a map of this shape."""
    points = as_array(xy, (shape[1], shape[0]))
    points = points.reshape(0, 2) if points.size == 0 else points
    if points.ndim != 2 or points.shape[1] < 2 or not np.isfinite(points[:, :2]).all():
        raise ValueError(f"fixations must be finite x, y (fixation, 2), found {points.shape}")
    x, y = np.floor(points[:, 0]), np.floor(points[:, 1])
    on = (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
    return y[on].astype(np.int64), x[on].astype(np.int64)
