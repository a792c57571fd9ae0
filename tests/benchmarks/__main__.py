"""Run every measurement; thread counts are set before NumPy is loaded, so each has its own process."""

from __future__ import annotations

import os
import subprocess
import sys

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def run(title: str, module: str, threads: int, arguments: list[str]) -> None:
    print(f"\n== {title}", flush=True)
    environment = {k: v for k, v in os.environ.items() if k not in _THREADS and k != "OPENBLAS_CORETYPE"}
    environment["PYTHONPATH"] = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    if threads == 1:
        environment.update(dict.fromkeys(_THREADS, "1"))
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        command += ["--threads", "1"]
    subprocess.run(command, check=True, env=environment)


def main() -> None:
    everything = ["steps", "training", "engine", "memory", "operations", "planted"]
    chosen = [name for name in sys.argv[1:] if name in everything] or everything
    if "steps" in chosen:
        run("training steps, one thread", "steps", 1, [])
        run("training steps, default threads", "steps", 0, [])
    if "training" in chosen:
        run("a whole training, one thread", "training", 1, [])
    if "engine" in chosen:
        run("the engine", "engine", 0, [])
    if "memory" in chosen:
        run("peak memory", "memory", 0, [argument for argument in sys.argv[1:] if argument not in everything])
    if "operations" in chosen:
        run("each operation, one thread", "operations", 1, [])
    if "planted" in chosen:
        run("planted mistakes, one thread", "planted", 1, [])


if __name__ == "__main__":
    main()
