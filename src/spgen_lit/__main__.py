"""The command ``spgen``: a thin door to train, evaluate, predict, report, export and data."""

from __future__ import annotations

import runpy
import sys

DOORS = {
    "train": "train a scanpath generator",
    "evaluate": "score a checkpoint, a baseline or a scanpath file",
    "predict": "scanpaths for image files",
    "report": "compare runs, draw sweeps",
    "export": "ONNX and torch.export with a model card",
    "data": "list, check, convert and fetch data sets",
}


def _usage() -> str:
    lines = ["usage: spgen COMMAND [arguments]", "", "commands:"]
    lines += [f"  {name:<9} {text}" for name, text in DOORS.items()]
    return "\n".join(lines)


def main() -> None:
    """Run the named door with the rest of the command line."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(_usage())
        return
    if name not in DOORS:
        print(f"error: unknown command {name!r}\n\n{_usage()}", file=sys.stderr)
        raise SystemExit(2)
    sys.argv = [f"spgen {name}", *sys.argv[2:]]
    runpy.run_module(f"spgen_lit.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
