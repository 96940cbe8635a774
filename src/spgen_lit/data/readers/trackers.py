"""Recordings of eye trackers as rows of fixations: EyeLink .asc, BIDS, PsychoPy's HDF5.

Events are those that the file itself holds; a BIDS recording without any has them detected in
its samples by pymovements.
"""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spgen_lit.data.readers.rows import load_hdf5, load_table, numbers
from spgen_lit.scanpath import Array

_IOHUB = "data_collection/events"
_EYES = {21: "left", 22: "right"}  # psychopy.iohub.constants.EyeTrackerConstants
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SHORTEST = 0.06  # seconds of a fixation that is detected
_SACCADE = 30.0  # degrees per second above which gaze is a saccade, as EyeLink has it


def load_asc(path: Path, begins: str, ends: str | None) -> pd.DataFrame:
    """Fixations of an EyeLink file that edf2asc wrote, with samples and events.

    Args:
        path: The file.
        begins: Regular expression of the message that a picture appeared; its first group is
            the picture.
        ends: Of the message that it went.

    Returns:
        Rows of image, trial, eye, x and y in px of the screen, duration in s.

    Raises:
        ImportError: Without pymovements.
        ValueError: If the file holds no fixations, or no message that matches.
    """
    movements = _pymovements(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of header lines that only some trackers write
        gaze = movements.gaze.from_asc(path, events=True, messages=True)
    events = gaze.events.frame
    if "eye" not in events.columns or not len(gaze.samples):
        raise ValueError(f"{path}: no samples or no events; convert it by edf2asc with both")
    events = events.filter(events["name"] == "fixation_eyelink").to_dict(as_series=False)
    if not events["onset"]:
        raise ValueError(f"{path}: no fixation events (EFIX); convert it by edf2asc with events")
    times = gaze.samples["time"].to_numpy()
    pixels = np.array(gaze.samples["pixel"].to_list(), np.float64)
    step = float(np.median(np.diff(times)))
    onset, offset = (np.asarray(events[key], np.float64) for key in ("onset", "offset"))
    column = [2 if eye == "right" and pixels.shape[1] == 4 else 0 for eye in events["eye"]]
    spans = zip(np.searchsorted(times, onset), np.searchsorted(times, offset, "right"), strict=True)
    places = [
        _center(pixels[first:last, c : c + 2])
        for (first, last), c in zip(spans, column, strict=True)
    ]
    messages = gaze.messages.to_dict(as_series=False)
    shown = _shown(onset, messages["time"], messages["content"], begins, ends, path)
    return shown.assign(
        eye=events["eye"],
        x=[place[0] for place in places],
        y=[place[1] for place in places],
        duration=(offset - onset + step) / 1000,
    ).dropna(subset=["image"])


def load_psychopy(path: Path, begins: str, ends: str | None) -> pd.DataFrame:
    """Fixations of PsychoPy's ioHub, placed on pictures by messages; arguments as `load_asc`.

    Raises:
        ValueError: If the file holds no fixation events or messages.
    """
    events = load_hdf5(path, f"{_IOHUB}/eyetracker/FixationEndEvent")
    messages = load_hdf5(path, f"{_IOHUB}/experiment/MessageEvent")
    if not len(events):
        raise ValueError(f"{path}: the tracker stored no fixations (FixationEndEvent is empty)")
    # Durations are stored in half the digits of times: a millisecond more than rounding loses.
    begun = (events["time"] - events["duration"]).to_numpy(np.float64) + 1e-3
    at = messages["time"].to_numpy(np.float64)
    shown = _shown(begun, at, list(messages["text"]), begins, ends, path)
    return shown.assign(
        eye=[_EYES.get(int(eye), "") for eye in events["eye"]],
        x=events["average_gaze_x"].to_numpy(np.float64),
        y=events["average_gaze_y"].to_numpy(np.float64),
        duration=events["duration"].to_numpy(np.float64),
    ).dropna(subset=["image"])


def load_bids(path: Path) -> pd.DataFrame:
    """Fixations of one eye of a BIDS recording (BEP020, part of BIDS since 1.11).

    Samples come from ``_physio.tsv.gz``, fixations from ``_physioevents.tsv.gz`` beside it, or
    detection, pictures (``stim_file``) and times from ``_events.tsv``, the screen from
    ``_events.json``.

    Returns:
        Rows of image, trial, eye, x and y in px of the screen, duration in s, the screen's
        ``width`` and ``height``, ``seconds`` of viewing and ``px_per_degree``; none for
        recordings that are not of the eye.

    Raises:
        ValueError: For a sidecar that lacks what is needed, naming it.
        ImportError: If fixations must be detected and pymovements is missing.
    """
    side = _sidecar(path)
    if side.get("PhysioType") != "eyetrack":
        return pd.DataFrame()
    if side.get("SampleCoordinateSystem", "gaze-on-screen") != "gaze-on-screen":
        raise ValueError(f"{path}: needs gaze-on-screen, found {side['SampleCoordinateSystem']}")
    stem = re.sub(r"(_recording-[^_]+)?_physio\.tsv\.gz$", "", str(path))
    screen = _sidecar(Path(f"{stem}_events.tsv")).get("StimulusPresentation", {})
    table = Path(f"{stem}_events.tsv")
    try:
        width, height = screen["ScreenResolution"]
        size, distance = screen["ScreenSize"], screen["ScreenDistance"]
        rate, columns = float(side["SamplingFrequency"]), side["Columns"]
        shown = load_table(table, missing=["n/a"]).dropna(subset=["stim_file"])
    except KeyError as error:
        raise ValueError(f"{stem}_events.json or {path}: {error} is missing") from error
    frame = load_table(path, "\t", missing=["n/a"], columns=columns)
    clock, x, y = (
        numbers(frame[name])[0] for name in ("timestamp", "x_coordinate", "y_coordinate")
    )
    if screen.get("ScreenOrigin", ["top", "left"])[0] == "bottom":
        y = height - y
    pixels = np.column_stack([x, y])
    times = float(side.get("StartTime", 0)) + np.arange(len(frame)) / rate
    degree = width / size[0] * distance * 2 * np.tan(np.radians(0.5))
    spans = _events(path, clock, side)
    if spans is None:
        spans = _detected(path, pixels, rate, degree)
    onsets, lasting = (numbers(shown[key])[0] for key in ("onset", "duration"))
    begun = times[spans[:, 0]]
    row = np.searchsorted(onsets, begun + 1e-9, "right") - 1
    seen = (row >= 0) & (begun < (onsets + lasting)[np.maximum(row, 0)])
    row, spans = row[seen], spans[seen]
    places = np.array([_center(pixels[a:b]) for a, b in spans]).reshape(-1, 2)
    return pd.DataFrame(
        {
            "image": shown["stim_file"].to_numpy()[row],
            "trial": row,
            "eye": side.get("RecordedEye", ""),
            "x": places[:, 0],
            "y": places[:, 1],
            "duration": (spans[:, 1] - spans[:, 0]) / rate,
            "width": width,
            "height": height,
            "seconds": lasting[row],
            "px_per_degree": degree,
        }
    )


def _events(path: Path, clock: Array, side: dict[str, Any]) -> NDArray[np.int64] | None:
    """First and one past the last sample ``(fixation, 2)`` of the tracker's own fixations."""
    events = Path(str(path).replace("_physio.tsv.gz", "_physioevents.tsv.gz"))
    if not events.is_file():
        return None
    content = _sidecar(events)
    frame = load_table(events, "\t", missing=["n/a"], columns=content["Columns"])
    frame = frame[frame["trial_type"] == "fixation"]
    if not len(frame):
        return None
    onset, lasting = (numbers(frame[key])[0] for key in ("onset", "duration"))
    unit = content.get("duration", {}).get("Units")
    if unit is not None:
        lasting = lasting * _UNITS[unit] / _UNITS[side.get("timestamp", {}).get("Units", "ms")]
    first = np.searchsorted(clock, onset)
    return np.column_stack([first, np.searchsorted(clock, onset + lasting - 1e-6)])


def _detected(path: Path, pixels: Array, rate: float, degree: float) -> NDArray[np.int64]:
    """Fixations by velocity (I-VT of pymovements), as `_events`."""
    movements = _pymovements(path)
    position = (pixels - np.nanmean(pixels, axis=0)) / degree
    velocity = np.gradient(position, 1 / rate, axis=0)
    shortest = round(_SHORTEST * rate)
    events = movements.events.ivt(velocity, None, shortest, _SACCADE)
    frame = events.frame.to_dict(as_series=False)
    return np.column_stack([frame["onset"], np.asarray(frame["offset"]) + 1]).astype(np.int64)


def _shown(
    onsets: Array, at: Any, messages: list[str], begins: str, ends: str | None, path: Path
) -> pd.DataFrame:
    """Image and trial at each onset, by messages; None where no picture was shown."""
    changes: list[tuple[float, str | None]] = [(-np.inf, None)]
    for time, message in sorted(zip(at, messages, strict=True)):
        if match := re.search(begins, message):
            name = match.group(1).replace("\\", "/").rsplit("/", 1)[-1]
            changes.append((float(time), name))
        elif ends and re.search(ends, message):
            changes.append((float(time), None))
    if not any(name for _, name in changes):
        said = ", ".join(repr(message) for message in messages[:5])
        raise ValueError(f"{path}: no message matches begins={begins!r}; there are {said}")
    place = np.searchsorted([time for time, _ in changes], onsets, "right") - 1
    return pd.DataFrame({"image": [changes[p][1] for p in place], "trial": place})


def _center(pixels: Array) -> Array:
    seen = pixels[np.isfinite(pixels).all(axis=1)]
    return seen.mean(axis=0) if len(seen) else np.full(2, np.nan)


def _sidecar(path: Path) -> dict[str, Any]:
    """JSON beside a BIDS file; {} where there is none.

    Raises:
        ValueError: If it is not JSON.
    """
    file = Path(re.sub(r"\.tsv(\.gz)?$", ".json", str(path)))
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
    except ValueError as error:
        raise ValueError(f"{file}: not readable as JSON ({error})") from error


def _pymovements(path: Path) -> Any:
    try:
        import pymovements
    except ImportError as error:
        raise ImportError(
            f"{path}: needs pymovements; pip install 'spgen-lit[trackers]'"
        ) from error
    return pymovements
