"""Run as a program: encode to a file in processes that are killed at every step, and finish what each has left.

python killed_encoding.py FOLDER     one JSON line a step: SHA-256 of the finished file, blocks encoded at last
"""

import hashlib
import json
import os
import signal
import sys
from itertools import count
from pathlib import Path

import numpy as np

from cosimo.encode import vector_file
from cosimo.encode.vector_file import encode_to_file
from cosimo.passport import Passport

ITEMS = [f"text {i} {'x' * (i % 5)}" for i in range(34)]
PASSPORT = Passport("toy", "toy", 2, {"version": 1})
STEPS = ((os, "fsync"), (os, "open"), (Path, "rename"), (Path, "replace"), (Path, "unlink"))


def encode(texts, given):
    return np.array([[len(text), -float(int(text.split()[1]))] for text in texts], np.float32)


def killed_at(step: int, path: Path) -> bool:
    """Encode in a process of its own, killed just before its `step`-th call that changes the disk."""
    if child := os.fork():
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    calls = count(1)

    def watched(call):
        def call_or_die(*args, **options):
            if next(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **options)

        return call_or_die

    for owner, name in STEPS:
        setattr(owner, name, watched(getattr(owner, name)))
    encode_to_file(path, iter(ITEMS), encode, passport=PASSPORT)
    os._exit(0)


def finish(path: Path) -> int:
    """Run it again to the end; how many blocks that encoded."""
    blocks = []
    encode_to_file(path, ITEMS, lambda *block: blocks.append(block) or encode(*block), passport=PASSPORT)
    return len(blocks)


def main(folder: Path) -> None:
    vector_file.BLOCK = 8
    for step in count(1):
        path = folder / f"{step}.npy"
        if not killed_at(step, path):
            break
        again = 0 if path.exists() else finish(path)
        left = sorted(file.name for file in folder.glob(f"{step}.npy*"))
        sys.stdout.write(json.dumps([hashlib.sha256(path.read_bytes()).hexdigest(), again, left]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
