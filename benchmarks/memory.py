"""Memory of a build by the length of its corpus: the peak of a child's RssAnon, sampled while it works.

    python benchmarks/memory.py [--space static] [--sizes 10000 1000000] [--out memory.json]

RssAnon is what a process cannot give back: pages of mapped files, such as those of a collection's vectors, are not
part of it. `add` is `Collection.add` of a CSV file with ids, `close` writes the cache of vectors, `search` answers ten
queries from the closed collection, and `encode` is `Space.encode(generator, out="x.npy")`.
"""

import argparse
import json
import random
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXT = (
    "time year people way day man thing woman life child world school state family student group country problem hand "
    "part place case week company system program question work government number night point home water room mother "
    "area money story fact month lot right study book eye job word business issue side kind head house service friend "
    "father power hour game line end member law car city community name president team minute idea kid body "
    "information back parent face others level office door health person art war history party result change morning "
    "reason research girl guy moment air teacher force education red green quick slow old new early late deep wide"
)
WORDS = TEXT.split()
QUERIES = [f"{word} and {other}" for word, other in zip(WORDS[:10], WORDS[10:20], strict=True)]
EVERY = 0.02


def texts(n):
    rng = random.Random(0)
    return (" ".join(rng.choices(WORDS, k=8)) for _ in range(n))


def child(folder, name, n):
    """The work itself; a line on stdout ends each phase."""
    from cosimo import Collection, Space

    def end(phase):
        print(phase, flush=True)
        sys.stdin.readline()

    space = Space.load(name)
    space.encode(QUERIES)
    end("load")
    collection = Collection.create(folder / "c.cosimo", space)
    collection.add(folder / "corpus.csv", text="text", id="id")
    end("add")
    collection.close()
    end("close")
    with Collection.open(folder / "c.cosimo") as collection:
        collection.search(QUERIES, k=10)
    end("search")
    space.encode(texts(n), role="document", out=folder / "x.npy")
    end("encode")


def anonymous(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(name, n):
    """Peak in MiB and seconds of each phase."""
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "corpus.csv").open("w") as file:
            file.write("id,text\n")
            file.writelines(f"{i},{text}\n" for i, text in enumerate(texts(n)))
        command = [sys.executable, __file__, "--child", folder, "--space", name, "--sizes", str(n)]
        phases, peak, started = {}, 0.0, time.perf_counter()
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            while process.poll() is None:
                peak = max(peak, anonymous(process.pid))
                if select.select([process.stdout], [], [], EVERY)[0] and (phase := process.stdout.readline().strip()):
                    phases[phase] = {"peak_mib": round(peak, 1), "s": round(time.perf_counter() - started, 1)}
                    process.stdin.write("\n")
                    process.stdin.flush()
                    peak, started = 0.0, time.perf_counter()
        if process.returncode:
            sys.exit(f"the child ended with {process.returncode}")
        return phases


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="static")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.space, arguments.sizes[0])
        return
    figures = {}
    for n in arguments.sizes:
        figures[n] = measure(arguments.space, n)
        for phase, row in figures[n].items():
            print(f"{n:>10,} {phase:8} {row['peak_mib']:8.1f} MiB {row['s']:8.1f} s")
    if arguments.out:
        arguments.out.write_text(json.dumps({"space": arguments.space, "sizes": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
