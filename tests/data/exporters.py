"""Gaze with the truth known, and files of it as the exporters of eye trackers write them."""

import csv
import gzip
import json
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

SIZE = (800, 600)
SCREEN = (1920, 1080)
CORNER = ((SCREEN[0] - SIZE[0]) / 2, (SCREEN[1] - SIZE[1]) / 2)


def truth(root, images=6, observers=4, seed=0):
    """Pictures with a bright spot or two, and (image, observer, xy in px, ms) looking at them."""
    rng = np.random.default_rng(seed)
    trials = []
    folder = root / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(images):
        spots = rng.uniform([0.1, 0.08], [0.9, 0.6], (2, 2))
        row, column = np.mgrid[:150, :200]
        grey = rng.normal(90, 4, (150, 200))
        for x, y in spots:
            grey += 130 * np.exp(-((column - 200 * x) ** 2 + (row - 150 * y) ** 2) / 2 / 9**2)
        name = f"pic{number:02d}"
        pixels = np.clip(grey, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).resize(SIZE).convert("RGB").save(folder / f"{name}.png")
        for observer in range(observers):
            count = int(rng.integers(6, 11))
            xy = spots[rng.integers(2, size=count)] + rng.normal(0, 0.03, (count, 2))
            wander = rng.random(count) < 0.25
            xy[wander] = rng.uniform(0.05, 0.95, (wander.sum(), 2))
            xy = np.clip(xy, 0.01, 0.99) * SIZE
            ms = np.round(rng.lognormal(5.4, 0.35, count))
            trials.append((name, f"p{observer + 1}", np.round(xy, 2), ms))
    return trials


def rows(path, header, content, mark="\t", encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=mark, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(content)
    return path


def plain(path, trials, mark=",", scale=(1, 1), shift=(0, 0)):
    """One row a fixation: image, observer, fixation, x, y, ms."""
    content = [
        (f"{image}.png", who, n + 1, *(xy[n] * scale + shift), ms[n])
        for image, who, xy, ms in trials
        for n in range(len(xy))
    ]
    return rows(path, ("image", "observer", "fixation", "x", "y", "ms"), content, mark)


def eyelink(root, trials, encoding="utf-8", decimal=".", missing=".", eyes=("RIGHT",)):
    """Data Viewer's fixation report; the picture stood centered on the screen."""
    header = ("RECORDING_SESSION_LABEL", "TRIAL_INDEX", "image", "EYE_USED", "CURRENT_FIX_INDEX")
    header += ("CURRENT_FIX_X", "CURRENT_FIX_Y", "CURRENT_FIX_DURATION", "NEXT_SAC_AMPLITUDE")
    content = []
    for number, (image, who, xy, ms) in enumerate(trials, start=1):
        for eye in eyes:
            places = xy + CORNER + (0 if eye == "RIGHT" else 12)
            for n, (x, y) in enumerate(places):
                cells = [f"{x:.2f}", f"{y:.2f}", f"{ms[n]:.0f}", "4.1" if n + 1 < len(xy) else "."]
                cells = [missing if c == "." else c.replace(".", decimal) for c in cells]
                content.append((who, number, f"{image}.png", eye, n + 1, *cells))
    return rows(root / "fixations.txt", header, content, encoding=encoding)


def tobii(root, trials, rate=60, duration="Gaze event duration", system="DACSpx"):
    """Pro Lab's data export: one row a sample, saccades and rows without a picture between."""
    header = ("Recording timestamp", "Participant name", "Recording name", "Presented Media name")
    header += ("Gaze point X", "Gaze point Y", "Eye movement type", duration)
    header += ("Eye movement type index", "Fixation point X", "Fixation point Y")
    header += tuple(f"Presented Media position {axis} ({system})" for axis in "XY")
    header += ("Presented Media width", "Presented Media height")
    box = (*CORNER, *SIZE)
    content = []
    for image, who, xy, ms in trials:
        time, record = 0, f"Recording {who}"
        content.append((0, who, record, "", "", "", "Unclassified", "", 1, *[""] * 6))
        for n, (x, y) in enumerate(xy + CORNER):
            for _ in range(max(int(ms[n] * rate / 1000), 1)):
                kind = ("Fixation", int(ms[n]), n + 1, x, y)
                content.append((time, who, record, f"{image}.png", x + 1, y, *kind, *box))
                time += round(1000 / rate)
            saccade = ("Saccade", 33, n + 1, "", "")
            content.append((time, who, record, f"{image}.png", x, y, *saccade, *box))
    return rows(root / "export.tsv", header, content, encoding="utf-16")


def pupil(root, trials):
    """Pupil Player's surface export: a file a picture, a row a world frame, y upwards."""
    header = "world_timestamp,world_index,fixation_id,start_timestamp,duration,dispersion"
    header = (*header.split(","), "norm_pos_x", "norm_pos_y", "x_scaled", "y_scaled", "on_surf")
    for image, who, xy, ms in trials:
        content, time = [], 100.0
        for n, (x, y) in enumerate(xy / SIZE):
            for frame in range(3):
                at = (time + frame / 30, 30 * n + frame, n, time, ms[n], 1.2)
                content.append((*at, x, 1 - y, x, 1 - y, "True"))
            time += ms[n] / 1000
        content.append((time, 999, 999, time, 80, 1.2, 1.7, 0.2, 1.7, 0.2, "False"))
        file = root / who / "exports" / "000" / "surfaces" / f"fixations_on_surface_{image}.csv"
        rows(file, header, content, mark=",")


def neon(root, trials):
    """Pupil Cloud's reference image mapper: a folder a picture, with the picture in it."""
    header = ("section id", "recording id", "fixation id", "start timestamp [ns]")
    header += ("end timestamp [ns]", "duration [ms]", "fixation detected in reference image")
    header += ("fixation x [px]", "fixation y [px]")
    content = {}
    for image, who, xy, ms in trials:
        time = 1_690_000_000_000_000_000
        for n, (x, y) in enumerate(xy):
            end = time + int(ms[n] * 1e6)
            row = (f"s-{who}", who, n + 1, time, end, int(ms[n]), "true", x, y)
            content.setdefault(image, []).append(row)
            time = end
        lost = (f"s-{who}", who, 99, time, time + 10, 90, "false", "", "")
        content[image].append(lost)
    for image, found in content.items():
        rows(root / image / "fixations.csv", header, found, mark=",")
        Image.open(root / "images" / f"{image}.png").save(root / image / "reference_image.jpeg")


def smi(root, trials):
    """BeGaze's event statistics; the picture filled a screen of its own size."""
    header = ("Stimulus", "Participant", "Trial", "Category", "Eye L/R")
    header += ("Event Start Trial Time [ms]", "Event Duration [ms]")
    header += ("Fixation Position X [px]", "Fixation Position Y [px]")
    content = []
    for number, (image, who, xy, ms) in enumerate(trials, start=1):
        trial, time = f"Trial{number:03d}", 0.0
        for n, (x, y) in enumerate(xy):
            head = (f"{image}.png", who, trial)
            content.append((*head, "Visual Intake", "Right", time, ms[n], x, y))
            content.append((*head, "Saccade", "Right", time + ms[n], 30, "-", "-"))
            time += ms[n] + 30
    return rows(root / "events.txt", header, content)


def gazepoint(root, trials):
    header = ("MEDIA_ID", "MEDIA_NAME", "TIME", "FPOGX", "FPOGY", "FPOGS", "FPOGD", "FPOGID")
    for who in sorted({trial[1] for trial in trials}):
        content = []
        for number, (image, seen, xy, ms) in enumerate(trials):
            if seen != who:
                continue
            for n, (x, y) in enumerate(xy / SIZE):
                row = (number, f"{image}.png", n, x, y, n, ms[n] / 1000, 100 * number + n)
                content += [(*row[:6], row[6] / 2, row[7], 0), (*row, 1)]
        rows(root / f"{who}_fixations.csv", (*header, "FPOGV"), content, mark=",")


DEGREE = SCREEN[0] / 0.53 * 0.6 * np.tan(np.pi / 180)  # px: 53 cm seen from 60 cm


def separated(trials, degrees=1.0):
    """The trials without fixations that no saccade of this size leads to: no tracker parts them."""
    kept = []
    for image, who, xy, ms in trials:
        chosen, last = [], np.array(SIZE) / 2  # a cross before the picture
        for n, place in enumerate(xy):
            if np.linalg.norm(place - last) >= degrees * DEGREE:
                chosen.append(n)
                last = place
        kept.append((image, who, xy[chosen], ms[chosen]))
    return kept


def saccade(start, end, rate):
    """Samples of the eye in flight: the main sequence's duration, the speed rising and falling."""
    seconds = 0.021 + 0.0022 * np.linalg.norm(end - start) / DEGREE
    time = (np.arange(max(round(seconds * rate), 2)) + 0.5)[:, None] / max(round(seconds * rate), 2)
    return start + (10 * time**3 - 15 * time**4 + 6 * time**5) * (end - start)


def asc(root, trials, rate=500, events=True):
    """edf2asc of two eyes: messages, blinks, EFIX events; the picture centered on the screen."""
    step = 1000 // rate
    for who in sorted({trial[1] for trial in trials}):
        lines = ["** CONVERTED FROM x.edf using edfapi 4.2.1", "** DATE: Tue Jan  2 10:00:00 2024"]
        lines += ["** TYPE: EDF_FILE BINARY EVENT SAMPLE TAGGED", "** VERSION: EYELINK II 1"]
        lines += ["** SOURCE: EYELINK CL", "**", "", "MSG\t900 DISPLAY_COORDS 0 0 1919 1079"]
        time = 1000
        for number, (image, seen, xy, ms) in enumerate(trials, start=1):
            if seen != who:
                continue
            lines += [f"MSG\t{time} TRIALID {number}"]
            lines += [f"START\t{time}\tLEFT\tRIGHT\tSAMPLES\tEVENTS"]
            lines += ["PRESCALER\t1", "VPRESCALER\t1", "PUPIL\tAREA"]
            kind = f"GAZE\tLEFT\tRIGHT\tRATE\t {rate:.2f}\tTRACKING\tCR\tFILTER\t2"
            lines += [f"EVENTS\t{kind}", f"SAMPLES\t{kind}"]
            # A fixation on the cross before the picture, which is no part of the scanpath.
            places = np.vstack([np.array(SCREEN) / 2, xy + CORNER])
            counts = [50, *(ms // step).astype(int)]
            for n, place in enumerate(places):
                fixation = _samples(time, np.repeat(place[None], counts[n], 0), step)
                last = time + (counts[n] - 1) * step
                for eye, shift in (("L", -4), ("R", 4)) if events else ():
                    fixation.insert(0, f"SFIX {eye}   {time}")
                    end = f"{time}\t{last}\t{counts[n] * step}"
                    fixation.append(
                        f"EFIX {eye}   {end}\t{place[0] + shift:.1f}\t{place[1]:.1f}\t900"
                    )
                lines += fixation
                time = last + step
                if n == 3:
                    lines += [f"SBLINK R {time}"] if events else []
                    lines += [f"{time}\t   .\t   .\t    0.0\t   .\t   .\t    0.0\t....."]
                    lines += [f"EBLINK R {time}\t{time}\t{step}"] if events else []
                    time += step
                if n + 1 < len(places):
                    flight = _samples(time, saccade(place, places[n + 1], rate), step)
                    time += len(flight) * step
                    end = f"{time - len(flight) * step}\t{time - step}\t{len(flight) * step}"
                    lines += ["SSACC R  " + end.split("\t")[0]] if events else []
                    lines += flight
                    lines += (
                        [f"ESACC R  {end}\t 1.0\t 1.0\t 2.0\t 2.0\t 1.0\t 50"] if events else []
                    )
                if n == 0:
                    lines.append(f"MSG\t{time} !V IMGLOAD CENTER images/{image}.png 960 540")
            lines += [f"MSG\t{time} TRIAL_RESULT 0"]
            lines += [f"END\t{time + 1}\tSAMPLES\tEVENTS\tRES\t  40.00\t  40.00"]
            time += 100
        (root / f"{who}.asc").write_text("\n".join(lines) + "\n")


def _samples(time, xy, step):
    """Lines of both eyes, 4 px to the left and right of each place."""
    return [
        f"{time + n * step}\t  {x - 4:.2f}\t{y:.2f}\t 900.0\t  {x + 4:.2f}\t{y:.2f}\t 900.0\t....."
        for n, (x, y) in enumerate(xy)
    ]


def bids(root, trials, rate=250, events=True, noise=0.0):
    """BEP020: samples, events of the tracker, and what was shown, with their sidecars.

    `noise` is the standard deviation in px of samples while the eye rests.
    """
    (root / "stimuli").mkdir(parents=True, exist_ok=True)
    for file in (root / "images").glob("*.png"):
        file.rename(root / "stimuli" / file.name)
    step, rng = 1000 / rate, np.random.default_rng(0)
    for who in sorted({trial[1] for trial in trials}):
        samples, found, shown, time = [], [], [], 5000.0
        for image, seen, xy, ms in trials:
            if seen != who:
                continue
            begin, places = time, xy + CORNER
            for n, place in enumerate(places):
                count = int(ms[n] // step)
                found.append((time, count * step, "fixation", 0, "n/a"))
                gaze = place + rng.normal(0, noise, (count, 2))
                if n + 1 < len(places):
                    gaze = np.vstack([gaze, saccade(place, places[n + 1], rate)])
                for x, y in np.round(gaze, 2):
                    samples.append((time, x, y, 900))
                    time += step
            shown.append(((begin - 5000) / 1000, (time - begin) / 1000, "picture", f"{image}.png"))
            for _ in range(20):
                samples.append((time, "n/a", "n/a", 0))
                time += step
        name = root / f"sub-{who}" / "beh" / f"sub-{who}_task-view"
        name.parent.mkdir(parents=True, exist_ok=True)
        eye = f"{name}_recording-eye1"
        _gz(f"{eye}_physio.tsv.gz", samples)
        sidecar = {"SamplingFrequency": rate, "StartTime": 0, "PhysioType": "eyetrack"}
        sidecar["Columns"] = ["timestamp", "x_coordinate", "y_coordinate", "pupil_size"]
        sidecar |= {"RecordedEye": "right", "SampleCoordinateSystem": "gaze-on-screen"}
        sidecar |= {"x_coordinate": {"Units": "pixel"}, "y_coordinate": {"Units": "pixel"}}
        _json(f"{eye}_physio.json", sidecar | {"timestamp": {"Units": "ms"}})
        if events:
            _gz(f"{eye}_physioevents.tsv.gz", found)
            columns = ["onset", "duration", "trial_type", "blink", "message"]
            _json(f"{eye}_physioevents.json", {"Columns": columns, "OnsetSource": "timestamp"})
        rows(root / f"{name}_events.tsv", ("onset", "duration", "trial_type", "stim_file"), shown)
        screen = {"ScreenDistance": 0.6, "ScreenOrigin": ["top", "left"]}
        screen |= {"ScreenResolution": list(SCREEN), "ScreenSize": [0.53, 0.3]}
        _json(f"{name}_events.json", {"StimulusPresentation": screen})


def psychopy(root, trials):
    """ioHub's HDF5: fixations of the right eye from the center of the screen, y upwards."""
    fixation = [("time", "f8"), ("eye", "u1"), ("duration", "f4")]
    fixation += [("average_gaze_x", "f4"), ("average_gaze_y", "f4")]
    for who in sorted({trial[1] for trial in trials}):
        events, messages, time = [], [], 10.0
        for image, seen, xy, ms in trials:
            if seen != who:
                continue
            messages.append((time, f"IMAGE {image}.png".encode()))
            for n, (x, y) in enumerate((xy + CORNER - np.array(SCREEN) / 2) * [1, -1]):
                time += ms[n] / 1000
                events.append((time, 22, ms[n] / 1000, x, y))
                events.append((time, 21, ms[n] / 1000, x + 9, y))
                time += 0.03
            time += 0.5
        with h5py.File(root / f"{who}.hdf5", "w") as file:
            group = file.create_group("data_collection/events")
            group["eyetracker/FixationEndEvent"] = np.array(events, fixation)
            group["experiment/MessageEvent"] = np.array(
                messages, [("time", "f8"), ("text", "S128")]
            )


def _gz(path, content):
    text = "\n".join("\t".join(str(cell) for cell in row) for row in content) + "\n"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(text)


def _json(path, content):
    Path(path).write_text(json.dumps(content))
