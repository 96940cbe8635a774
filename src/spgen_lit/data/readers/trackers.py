"""Recordings of eye trackers as rows of fixations: EyeLink .asc, BIDS, PsychoPy's HDF5.

Events are those that the file itself holds. Samples without any have fixations detected by
velocity (I-VT of pymovements): 30 degrees per second, as EyeLink and Tobii have it, over a
window of 20 ms, for at least 60 ms. The window is what keeps the slow ends of saccades out; a
fixation lies at the median of its samples. Saccades below about 0.6 degrees are not found.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from spgen_lit.data.readers.base import library, load, placed
from spgen_lit.data.readers.guarded import guarded
from spgen_lit.data.readers.rows import load_table, numbers
from spgen_lit.scanpath import Array

_EYES = {21: "left", 22: "right"}  # psychopy.iohub.constants.EyeTrackerConstants
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SHORTEST = 0.06  # seconds of a fixation
_SACCADE = 30.0  # degrees per second
_WINDOW = 0.02  # seconds over which speed is measured

Spans = NDArray[np.int64]


def load_asc(
    path: Path, begins: str, ends: str | None, px_per_degree: float | None
) -> pd.DataFrame:
    """Fixations of an EyeLink file that edf2asc wrote, with samples.

    Args:
        path: The file.
        begins: Regular expression of the message that a picture appeared; its first group is
            the picture.
        ends: Of the message that it went.
        px_per_degree: Pixels of the screen in a degree, where fixations must be detected.

    Returns:
        Rows of image, trial, eye, x and y in px of the screen, duration in s.

    Raises:
        ImportError: Without pymovements.
        ValueError: If the file holds no samples, no message that matches, or neither fixations
            nor the pixels of a degree.
    """
    movements = library("pymovements", "trackers", path)
    # Whatever polars and pymovements raise on a damaged file.
    again = "convert the .edf again by edf2asc"
    with placed(path, "EyeLink .asc", again), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of header lines that only some trackers write
        gaze = movements.gaze.from_asc(path, events=True, messages=True)
    if not len(gaze.samples):
        raise ValueError(f"{path}: no samples; convert it by edf2asc with samples and events")
    times = gaze.samples["time"].to_numpy()
    pixels = np.array(gaze.samples["pixel"].to_list(), np.float64)
    rate = 1000 / float(np.median(np.diff(times)))
    events = pd.DataFrame(gaze.events.frame.to_dict(as_series=False))
    declared = events[events["name"] == "fixation_eyelink"] if len(events) else events
    if not len(declared) and px_per_degree is None:
        raise ValueError(
            f"{path}: no fixations (EFIX): convert it by edf2asc with events, or give "
            "px_per_degree to have them detected"
        )
    eyes = {"left": pixels[:, :2], "right": pixels[:, -2:]}
    if not len(declared) and pixels.shape[1] == 2:
        eyes = {"": pixels}  # which eye it was does not show in the samples
    frames = []
    for eye, seen in eyes.items():
        if px_per_degree is None or len(declared):
            fixations = declared[declared["eye"] == eye]
            first = np.searchsorted(times, fixations["onset"])
            spans = np.column_stack([first, np.searchsorted(times, fixations["offset"], "right")])
        else:
            spans = _detected(movements, seen / px_per_degree, rate)
        frames.append(_fixations(seen, spans, rate).assign(eye=eye, onset=times[spans[:, 0]]))
    rows = pd.concat(frames)
    messages = gaze.messages.to_dict(as_series=False)
    return _shown(rows, messages["time"], messages["content"], begins, ends, path)


def load_psychopy(path: Path, begins: str, ends: str | None) -> pd.DataFrame:
    """Fixations of PsychoPy's ioHub, placed on pictures by messages; arguments as `load_asc`.

    Raises:
        ValueError: If the file holds no fixation events or messages.
    """
    events, messages = guarded(_iohub, path, "ioHub")
    if not len(events):
        raise ValueError(f"{path}: the tracker stored no fixations (FixationEndEvent is empty)")
    rows = pd.DataFrame(
        {
            "eye": [_EYES.get(int(eye), "") for eye in events["eye"]],
            "x": events["average_gaze_x"].astype(np.float64),
            "y": events["average_gaze_y"].astype(np.float64),
            "duration": events["duration"].astype(np.float64),
            # Durations are stored in half the digits of times: 1 ms more than rounding loses.
            "onset": events["time"] - events["duration"] + 1e-3,
        }
    )
    words = [bytes(word).decode(errors="replace") for word in messages["text"]]
    return _shown(rows, messages["time"].tolist(), words, begins, ends, path)


def _iohub(path: Path) -> Iterator[NDArray[np.void]]:
    with h5py.File(path, "r") as file:
        yield file["data_collection/events/eyetracker/FixationEndEvent"][()]
        yield file["data_collection/events/experiment/MessageEvent"][()]


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
    table = Path(f"{stem}_events.tsv")
    screen = _sidecar(table).get("StimulusPresentation", {})
    with placed(f"{stem}_events.json or {path}", "BIDS", "complete the .json files beside it"):
        width, height = screen["ScreenResolution"]
        degree = width / screen["ScreenSize"][0] * screen["ScreenDistance"] * np.tan(np.pi / 180)
        rate, columns = float(side["SamplingFrequency"]), side["Columns"]
    with placed(table, "BIDS"):
        shown = load_table(table, missing=["n/a"]).dropna(subset=["stim_file"])
    frame = load_table(path, "\t", missing=["n/a"], columns=columns)
    stamps, x, y = (
        numbers(frame[name])[0] for name in ("timestamp", "x_coordinate", "y_coordinate")
    )
    if screen.get("ScreenOrigin", ["top", "left"])[0] == "bottom":
        y = height - y
    pixels = np.column_stack([x, y])
    spans = _events(path, stamps, side)
    if spans is None:
        movements = library("pymovements", "trackers", path)
        spans = _detected(movements, pixels / degree, rate)
    onsets, lasting = (numbers(shown[key])[0] for key in ("onset", "duration"))
    begun = float(side.get("StartTime", 0)) + spans[:, 0] / rate
    trial = np.searchsorted(onsets, begun + 1e-9, "right") - 1
    seen = (trial >= 0) & (begun < (onsets + lasting)[np.maximum(trial, 0)])
    trial = trial[seen]
    return _fixations(pixels, spans[seen], rate).assign(
        image=shown["stim_file"].to_numpy()[trial],
        trial=trial,
        eye=side.get("RecordedEye", ""),
        width=width,
        height=height,
        seconds=lasting[trial],
        px_per_degree=degree,
    )


def _events(path: Path, stamps: Array, side: dict[str, Any]) -> Spans | None:
    """The tracker's own fixations, if it stored any."""
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
    first = np.searchsorted(stamps, onset)
    return np.column_stack([first, np.searchsorted(stamps, onset + lasting - 1e-6)])


def _detected(movements: ModuleType, degrees: Array, rate: float) -> Spans:
    """First and one past the last sample ``(fixation, 2)`` of the fixations in samples."""
    window = max(2 * round(_WINDOW * rate / 2) + 1, 3)
    order = min(window - 2, 2)
    velocity = savgol_filter(
        degrees, window, order, 1, 1 / rate, axis=0, mode="constant", cval=np.nan
    )
    events = movements.events.ivt(velocity, None, round(_SHORTEST * rate), _SACCADE)
    frame = events.frame.to_dict(as_series=False)
    return np.column_stack([frame["onset"], np.add(frame["offset"], 1)]).astype(np.int64)


def _fixations(pixels: Array, spans: Spans, rate: float) -> pd.DataFrame:
    """Rows of x, y and duration: the median of each span's samples, lost ones left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of spans whose samples are all lost
        places = [np.nanmedian(pixels[first:end], axis=0) for first, end in spans]
    x, y = np.reshape(places, (-1, 2)).T
    return pd.DataFrame({"x": x, "y": y, "duration": (spans[:, 1] - spans[:, 0]) / rate})


def _shown(
    rows: pd.DataFrame,
    times: Sequence[float],
    messages: Sequence[str],
    begins: str,
    ends: str | None,
    path: Path,
) -> pd.DataFrame:
    """The rows whose onset lies in a picture's time, with its image and trial."""
    changes: list[tuple[float, str | None]] = [(-np.inf, None)]
    for time, message in sorted(zip(times, messages, strict=True)):
        if match := re.search(begins, message):
            name = match.group(1).replace("\\", "/").rsplit("/", 1)[-1]
            changes.append((float(time), name))
        elif ends and re.search(ends, message):
            changes.append((float(time), None))
    if not any(name for _, name in changes):
        there = ", ".join(repr(message) for message in list(messages)[:5])
        raise ValueError(f"{path}: no message matches begins={begins!r}; there are {there}")
    trial = np.searchsorted([time for time, _ in changes], rows["onset"], "right") - 1
    shown = rows.assign(image=[changes[number][1] for number in trial], trial=trial)
    return shown.sort_values("onset", kind="stable").dropna(subset=["image"])


def _sidecar(path: Path) -> dict[str, Any]:
    """JSON beside a BIDS file; {} where there is none."""
    file = Path(re.sub(r"\.tsv(\.gz)?$", ".json", str(path)))
    return dict(load(file)) if file.is_file() else {}
