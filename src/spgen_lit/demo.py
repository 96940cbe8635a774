"""What this package does, shown in minutes: ``spgen demo``, or ``make demo`` in a checkout.

First the shipped model looks at photographs that installed packages carry, and at paintings
made of them; then a network is trained, with adaptation, on a small simulated gallery.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

_MEDIA = ("oil", "watercolor")
_CREDITS = {
    "china": ("Summer Palace, Beijing", "photograph: danielbuechele, CC BY 2.0"),
    "flower": ("Dahlia", "photograph: vultilion, CC BY 2.0"),
    "grace_hopper": ("Grace Hopper", "photograph: US Navy, public domain"),
}


def write_pictures(folder: Path) -> None:
    """Write three photographs, a painted rendition of each in two media, and their captions."""
    # Imported late, as in all doors: help needs none of it.
    from matplotlib import cbook
    from PIL import Image
    from sklearn.datasets import load_sample_images

    from spgen_lit.data.images import read_image
    from spgen_lit.data.painting.painter import paint
    from spgen_lit.files import write_csv

    folder.mkdir(parents=True, exist_ok=True)
    files = [*load_sample_images().filenames, cbook.get_sample_data("grace_hopper.jpg", False)]
    rows = []
    for file in sorted(map(Path, files)):
        photograph = read_image(file)
        title, credit = _CREDITS[file.stem]
        for medium in (None, *_MEDIA):
            name = f"{file.stem}.png" if medium is None else f"{file.stem}_{medium}.png"
            artist = credit if medium is None else f"{medium}, made of the {credit}"
            rows.append({"file": name, "title": title, "artist": artist})
            if not (folder / name).is_file():
                picture = photograph if medium is None else paint(photograph, medium, seed=0)
                Image.fromarray(picture).save(folder / name)
    write_csv(folder / "captions.csv", rows)


@click.command("demo", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--out", metavar="FOLDER", default="outputs/demo", show_default=True)
@click.argument("overrides", nargs=-1)
def command(out: str, overrides: tuple[str, ...]) -> None:
    """Look at photographs and paintings, then train on a small simulated gallery.

    OVERRIDES are settings of the training, such as trainer.max_epochs=6.
    """
    from rich.console import Console

    from spgen_lit.predicting import Settings
    from spgen_lit.predicting.run import run
    from spgen_lit.pretrained import DEFAULT

    console = Console(stderr=True)
    root = Path(out)
    page = root / "looked_at" / "index.html"
    console.rule(f"1 of 2: the model {DEFAULT} looks at photographs and paintings")
    write_pictures(root / "pictures")
    run(Settings(images=str(root / "pictures"), output=str(page.parent)), console)
    console.rule("2 of 2: training with adaptation on a simulated gallery")
    train = [sys.executable, "-m", "spgen_lit.train", "+experiment=demo"]
    done = subprocess.run([*train, f"hydra.run.dir={root / 'training'}", *overrides])
    if done.returncode:
        raise SystemExit(done.returncode)
    console.rule("the end")
    for line in (
        f"What you saw: {page} plays the scanpaths that the shipped model {DEFAULT!r} draws on "
        f"three photographs and on paintings made of them; {root / 'training'} holds a network "
        "trained before your eyes on drawn photographs with gaze, and adapted to drawn paintings "
        "without.",
        "What it is not: nobody's gaze was recorded on these pictures, and the gallery's observers "
        "are simulated: its table shows that all parts work, not how well people are predicted.",
        "What to type next: spgen predict my_paintings --open (my_paintings: a folder of yours)",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    command()
