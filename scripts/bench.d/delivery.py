#!/usr/bin/env python3
"""How fast letters leave, beside Postfix's own `smtp-source`, both to `smtp-sink` on this machine.

    scripts/bench.d/delivery.py [--mails N] [--bytes N] [--rounds N] [--connections 1,4,16] [--json]

For each number of connections, in turn and several times: `smtp-source -d`, which keeps its connections (without it, it
would make a new one for each mail), then `benches/delivery.rs`, which sends signed letters by the program's real path,
each of them recorded in a ledger on disk. A round's ratio is that of two
programs run one after the other; the table shows the best and the median of each, and the ratio of the medians.
Exit code 1: less than 80 % of `smtp-source` at one of them; 2: something could not be run.
BENCH_TMP says where the ledger is (else the usual place for temporary files: a disk, on purpose).
"""
import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGET = 0.8


class CannotRun(Exception):
    pass


def program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not path:
        raise CannotRun(f"there is no `{name}` (Debian: apt-get install postfix)")
    return path


def built():
    """The bench itself, built by cargo, which says where it is."""
    command = ["cargo", "build", "--release", "--bench", "delivery", "--message-format=json"]
    made = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if made.returncode:
        raise CannotRun("`cargo build --release --bench delivery` failed")
    for line in made.stdout.splitlines():
        message = json.loads(line)
        if message.get("target", {}).get("name") == "delivery" and message.get("executable"):
            return message["executable"]
    raise CannotRun("cargo did not say where the bench is")


class Sink:
    """`smtp-sink` on a free port of this machine; it offers PIPELINING, as every mail server does today."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        command = [program("smtp-sink"), *user, f"127.0.0.1:{self.port}", "1000"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise CannotRun("`smtp-sink` does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def by_source(port, mails, size, connections):
    # -d keeps a connection for the next mail, as we do; -m mails in all, -s connections at once, -l bytes of each.
    command = [program("smtp-source"), "-d", "-s", str(connections), "-m", str(mails), "-l", str(size),
               "-f", "cert@cert.example.org", "-t", "member@crowd.example.org", f"127.0.0.1:{port}"]
    start = time.perf_counter()
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise CannotRun(f"`smtp-source` failed: {run.stderr.strip()}")
    return mails / (time.perf_counter() - start)


def by_us(bench, port, mails, size, connections):
    folder = os.environ.get("BENCH_TMP")
    command = [bench, str(port), str(mails), str(size), str(connections), *([folder] if folder else [])]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise CannotRun(f"the bench failed: {run.stderr.strip()}")
    result = json.loads(run.stdout)
    return result["mails"] / result["seconds"]


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--mails", type=int, default=20000)
    words.add_argument("--bytes", type=int, default=8192)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--connections", default="1,4,16")
    words.add_argument("--json", action="store_true")
    args = words.parse_args()
    bench = built()
    rows = []
    with Sink() as sink:
        for connections in [int(n) for n in args.connections.split(",")]:
            source, ours = [], []
            for _ in range(args.rounds):
                source.append(by_source(sink.port, args.mails, args.bytes, connections))
                ours.append(by_us(bench, sink.port, args.mails, args.bytes, connections))
            ratio = statistics.median(ours) / statistics.median(source)
            pairs = sorted(our / their for our, their in zip(ours, source))
            rows.append({
                "connections": connections,
                "smtp_source": {"best": max(source), "median": statistics.median(source)},
                "advise": {"best": max(ours), "median": statistics.median(ours)},
                "ratio": ratio, "ratio_of_best": max(ours) / max(source), "pairs": pairs, "good": ratio >= TARGET,
            })
    if args.json:
        print(json.dumps({"mails": args.mails, "bytes": args.bytes, "target": TARGET, "rows": rows}))
    else:
        print(f"delivery of {args.mails} signed mails of {args.bytes} bytes to smtp-sink, mails/s, {args.rounds} rounds each")
        print(f"{'connections':>11}  {'smtp-source -d':>18}  {'advise, ledger':>18}  {'ratio':>6}  {'of best':>7}  {'rounds':>11}")
        print(f"{'':>11}  {'best':>9}{'median':>9}  {'best':>9}{'median':>9}")
        for row in rows:
            theirs, ours, pairs = row["smtp_source"], row["advise"], row["pairs"]
            print(f"{row['connections']:>11}  {theirs['best']:>9.0f}{theirs['median']:>9.0f}  {ours['best']:>9.0f}{ours['median']:>9.0f}"
                  f"  {row['ratio']:>6.2f}  {row['ratio_of_best']:>7.2f}  {pairs[0]:>5.2f}-{pairs[-1]:.2f}"
                  + ("" if row["good"] else f"  missed: at least {TARGET}"))
    return 0 if all(row["good"] for row in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotRun as why:
        print(f"delivery: {why}", file=sys.stderr)
        sys.exit(2)
