"""Memory of training on the gallery over time: ``python -m benchmarks.bench_memory``.

Trains for so many minutes, epoch after epoch, and draws what the process held each second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt

from spgen_lit.files import atomic, write_csv


def measure(minutes: float, folder: Path) -> list[dict[str, float]]:
    command = [
        *(sys.executable, "-m", "spgen_lit.train", "+experiment=smoke"),
        *("trainer.max_epochs=100000", f"hydra.run.dir={folder}", "callbacks.progress=null"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    begin, rows = time.monotonic(), []
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None and time.monotonic() - begin < 60 * minutes:
        found = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
        if found:
            seconds = round(time.monotonic() - begin, 1)
            rows.append({"seconds": seconds, "mib": int(found[0].split()[1]) / 1024})
        time.sleep(1)
    process.terminate()
    process.wait(timeout=120)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--out", type=Path, default=Path("outputs/memory"))
    given = parser.parse_args()
    rows = measure(given.minutes, given.out.resolve() / "run")
    write_csv(given.out / "memory.csv", rows)
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    axes.plot([row["seconds"] / 60 for row in rows], [row["mib"] for row in rows])
    axes.set(xlabel="minutes", ylabel="resident memory (MiB)", ylim=(0, None))
    with atomic(given.out / "memory.png") as part:
        figure.savefig(part)
    late = [row["mib"] for row in rows[len(rows) // 4 :]]
    print(f"{len(rows)} s; after warm-up {min(late):.0f} to {max(late):.0f} MiB: {given.out}")


if __name__ == "__main__":
    main()
