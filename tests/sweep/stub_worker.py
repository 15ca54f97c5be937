"""A worker's process that stands for training: it begins, then ends as the run's seed says."""

import psutil

# 1: an error; 2: killed; 3: ends unfinished; 4: breaks; 5: finishes, and prints its threads;
# 80, 81: waits for a file "go" beside its folder; 85: kills the process that started it; from 90:
# takes as many seconds; others: finishes.
STUB = """
import json, os, pathlib, signal, sys, time
(order,) = json.loads(sys.stdin.readline())
folder, seed = pathlib.Path(order["config"]["workdir"]), order["config"]["seed"]
folder.mkdir(parents=True, exist_ok=True)
with open(folder / "processes", "a") as processes:
    print(os.getpid(), file=processes)
(folder / "began").write_text(f"{time.monotonic()}")
if seed == 5:
    print("threads:", os.environ.get("TF_NUM_INTRAOP_THREADS"), flush=True)
if seed == 1:
    print("Traceback", flush=True)
    sys.exit("error: The loss became nan.")
if seed == 2:
    os.kill(os.getpid(), signal.SIGKILL)
if seed == 3:
    sys.exit(0)
if seed == 4:
    raise RuntimeError("of the worker's making")
while seed in (80, 81) and not (folder.parent / "go").exists():
    time.sleep(0.1)
if seed == 85:
    os.kill(os.getppid(), signal.SIGKILL)
if seed >= 90:
    time.sleep(seed)
time.sleep(0.3)
(folder / "finished").touch()
(folder / "ended").write_text(f"{time.monotonic()}")
"""


class Silent:
    """Progress that tells nothing."""

    def started(self, run, node=""):
        pass

    def lost(self, run, node):
        pass

    def at_work(self, runs):
        pass


def processes_of(run):
    """The numbers of the processes that trained a run, one for each try."""
    path = run.workdir / "processes"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def is_at_work(number):
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def most_at_a_time(runs):
    began = [float((run.workdir / "began").read_text()) for run in runs]
    ended = [float((run.workdir / "ended").read_text()) for run in runs]
    return max(
        sum(start <= moment < end for start, end in zip(began, ended, strict=True))
        for moment in began
    )
