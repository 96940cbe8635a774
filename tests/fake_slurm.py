"""A Slurm of one machine: sbatch, srun, sacct and scontrol as far as submitit needs them."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

_SBATCH = """#!{python}
import os, re, shutil, subprocess, sys
script = sys.argv[-1]
shutil.copy(script, "{folder}/submitted.sh")
last = int(re.search(r"--array=0-(\\d+)", open(script).read()).group(1))
for task in range(last + 1):
    job = dict(SLURM_JOB_ID=str(4000 + task), SLURM_ARRAY_JOB_ID="1234",
               SLURM_ARRAY_TASK_ID=str(task), SLURM_JOB_NAME="spgen", SLURM_NTASKS="1",
               SLURM_NTASKS_PER_NODE="1", SLURM_NNODES="1", SLURM_JOB_NUM_NODES="1",
               SLURM_NODEID="0", SLURM_PROCID="0", SLURM_LOCALID="0",
               SLURM_JOB_NODELIST="localhost", SLURM_NODELIST="localhost")
    done = f"{folder}/1234_{{task}}.done"
    subprocess.Popen(["bash", "-c", f'bash "{{script}}"; touch "{{done}}"'],
                     env={{**os.environ, **job}}, start_new_session=True,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print("Submitted batch job 1234")
"""

_SRUN = """#!{python}
import os, sys
rest = sys.argv[1:]
while rest[0].startswith("-"):
    rest = rest[2:] if rest[0] in ("--output", "--error") else rest[1:]
os.execvp(rest[0], rest)
"""

_SACCT = """#!{python}
import os
print("JobID|State|NodeList")
for task in range(8):
    state = "COMPLETED" if os.path.exists(f"{folder}/1234_{{task}}.done") else "RUNNING"
    print(f"1234_{{task}}|{{state}}|localhost")
"""


def install(folder: Path) -> Path:
    """Write the commands; returns the folder to put first on the path."""
    place = folder / "bin"
    place.mkdir(parents=True)
    commands = {"sbatch": _SBATCH, "srun": _SRUN, "sacct": _SACCT, "scontrol": "#!/bin/sh\n"}
    for name, text in commands.items():
        file = place / name
        file.write_text(text.format(python=sys.executable, folder=folder))
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return place
