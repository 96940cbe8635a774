"""Areas of interest: read from shapes or a mask picture, tabulated and drawn for each image."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from spgen_lit.data.images import read_image
from spgen_lit.evaluation.aoi import Regions, transitions, visits
from spgen_lit.evaluation.tables import write
from spgen_lit.files import first_line, shown
from spgen_lit.pictures.interest import interest_sheet
from spgen_lit.predicting.illustration import Observers, read_within
from spgen_lit.predicting.outputs import Failures, Item, Outputs
from spgen_lit.scanpath import Scanpath

#: What each kind of shape needs, in px.
_SHAPES = {
    "polygon": "[[x, y], …], three or more",
    "box": "[left, top, width, height]",
    "ellipse": "[center x, center y, radius x, radius y]",
}
_UNIT = {
    "box": np.asarray(Outline.unit_rectangle().vertices),
    "ellipse": np.asarray(Outline.unit_regular_polygon(180).vertices),
}
_FORM = (
    '{"width": 800, "height": 600, "regions": [{"name": "face", '
    + " or ".join(f'"{kind}": {form}' for kind, form in _SHAPES.items())
    + "}]}"
)


def read_regions(file: Path) -> Regions:
    """Regions of one image from a ``.json`` of shapes or a mask picture.

    JSON: see ``docs/predict.md``; shapes are in px of the stated width and height, and where
    two overlap the later one counts. Mask: every color but black is a region, named
    ``1``, ``2``, … in order of gray value for gray masks and ``#rrggbb`` for colored ones.

    Raises:
        ValueError: For a file of another form; the message names the region and field.
    """
    if file.suffix.lower() != ".json":
        return _from_mask(file)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from error
    names: dict[str, int] = {}
    place = str(file)
    try:
        width, height = int(content["width"]), int(content["height"])
        labels = np.zeros((height, width), np.int32)
        for number, shape in enumerate(content["regions"]):
            place = f"{file}: region {number} ({str(shape)[:80]})"
            kinds = list(shape.keys() & _SHAPES.keys())
            if len(kinds) != 1:
                raise ValueError(f"{len(kinds)} of {', '.join(_SHAPES)}")
            label = names.setdefault(shape["name"], len(names) + 1)
            outline = _outline(kinds[0], np.array(shape[kinds[0]], dtype=np.float64))
            _fill(labels, outline, label)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{place}: missing or wrong: {error}; needed {_FORM}") from error
    return Regions(tuple(names), labels)


def _outline(kind: str, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners ``(corner, 2)`` in px of a shape.

    Raises:
        ValueError: For numbers of another form, not finite, or of no area.
    """
    if kind == "polygon":
        outline = numbers.reshape(-1, 2)
    else:
        x, y, wide, high = numbers
        if min(wide, high) <= 0:
            raise ValueError("no area")
        outline = _UNIT[kind] * (wide, high) + (x, y)
    if len(outline) < 3 or not np.isfinite(outline).all():
        raise ValueError("no outline")
    return outline


def _fill(labels: NDArray[np.int32], outline: NDArray[np.float64], label: int) -> None:
    """Label, in place, every px whose center lies inside the outline."""
    size = labels.shape[::-1]
    left, top = np.clip(np.floor(outline.min(axis=0)), 0, size).astype(int)
    right, bottom = np.clip(np.ceil(outline.max(axis=0)), 0, size).astype(int)
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    inside = Outline(outline).contains_points(np.column_stack([x.ravel(), y.ravel()]))
    labels[top:bottom, left:right][inside.reshape(x.shape)] = label


def _from_mask(file: Path) -> Regions:
    """Regions by the colors of a picture."""
    codes = read_image(file).astype(np.int32) @ [1 << 16, 1 << 8, 1]
    found = [int(code) for code in np.unique(codes) if code]
    if not found:
        raise ValueError(f"{file}: the mask is black all over, so it holds no region")
    if len(found) > 64:
        raise ValueError(
            f"{file}: {len(found)} colors, more than 64 regions; save the mask without "
            "smoothing, as PNG"
        )
    gray = all(code % 0x010101 == 0 for code in found)
    names = [str(i + 1) if gray else f"#{code:06x}" for i, code in enumerate(found)]
    labels = np.searchsorted(np.array([0, *found]), codes)
    return Regions(tuple(names), labels)


def find_regions(folder: Path, image: Path) -> Regions | None:
    """Regions from ``<image>.json`` or ``<image>.png`` of a folder; None where it has neither.

    ``<image>`` is the image's whole name or that without its folder, with suffix or without.

    Raises:
        ValueError: For a faulty file.
    """
    stems = (image, image.with_suffix(""), image.name, image.stem)
    files = (folder / f"{stem}{suffix}" for stem in stems for suffix in (".json", ".png"))
    found = next((file for file in files if file.is_file()), None)
    return None if found is None else read_regions(found)


def tabulate_regions(
    outputs: Outputs, items: Sequence[Item], folder: Path, observers: Observers
) -> tuple[int, Failures]:
    """Write ``regions/<key>.csv``, ``….transitions.csv`` and ``….png`` where regions exist.

    Args:
        outputs: The output folder.
        items: Images that are done.
        folder: Where their regions are; see :func:`find_regions`.
        observers: An image's key to people's scanpaths.

    Returns:
        How many images had regions, and the ones whose files were faulty.
    """
    count, failures = 0, {}
    for item in items:
        try:
            regions = find_regions(folder, Path(item.key))
            if regions is None:
                continue
            groups = {"model": outputs.read(item)[0]}
            if people := observers.on(item.key):
                groups[observers.title] = list(people)
            _write(outputs, item, regions, groups)
            count += 1
        except (ValueError, OSError) as error:
            failures[item.path] = first_line(error)
    return count, failures


def _write(
    outputs: Outputs, item: Item, regions: Regions, groups: Mapping[str, Sequence[Scanpath]]
) -> None:
    """Tables and picture of one image."""
    file = partial(outputs.file, "regions", item)
    visited = {name: visits(paths, regions) for name, paths in groups.items()}
    steps = {name: transitions(paths, regions) for name, paths in groups.items()}
    for suffix, tables in ((".csv", visited), (".transitions.csv", steps)):
        table = pd.concat(tables, names=["group"]).reset_index("group")
        write(file(suffix), table.round(4))
    interest_sheet(
        read_within(item.path, outputs.settings.picture_side),
        regions.names,
        regions.labels,
        {name: table["dwell_share"].to_numpy() for name, table in visited.items()},
        {name: table["probability"].to_numpy() for name, table in steps.items()},
        title=shown(item.key),
        warning=outputs.warning,
        path=file(".png"),
    )
