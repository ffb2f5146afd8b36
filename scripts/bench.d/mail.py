"""`scripts/bench mail`: letters for many recipients, held against GnuPG and against the floor; memory; kills.

Run by scripts/bench, which lends it what all benchmarks share.
"""
import glob
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

FASTER_THAN_GPG, TIMES_THE_FLOOR = 100, 2.5
GROWTH, MEGABYTES = 1.2, 150
GPG_SAMPLE, KILLS = 100, 300
SMALL, LARGE = 1_000, 100_000


class Mail:
    def __init__(self, bench, args):
        self.bench, self.args = bench, args
        self.results = []

    def verdict(self, good, text):
        self.results.append(self.bench.verdict(good, text))

    # ------------------------------------------------------------ what is run
    def program(self):
        """benches/mail.rs, built, unless BENCH_MAIL says where it is."""
        return os.environ.get("BENCH_MAIL") or self.bench.benchmark("mail")

    def ask(self, *words):
        # With backtraces wished for, every error that a library makes and handles costs more than a signature.
        quiet = {**os.environ, "RUST_BACKTRACE": "0"}
        done = subprocess.run([self.mail, *map(str, words)], stdout=subprocess.PIPE, text=True, env=quiet)
        if done.returncode != 0:
            raise self.bench.CannotRun(f"`mail {words[0]}` ended with exit code {done.returncode}")
        return json.loads(done.stdout)

    def certificates(self, n):
        """Members' certificates, made once and kept: a line with the fingerprint, then the armor, and so on."""
        path = os.path.join(self.bench.TOOLS, "bench", f"certificates-{n}")
        if not os.path.isfile(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.bench.say(f"  making {n} certificates, once")
            self.ask("certificates", path + ".part", n)
            os.rename(path + ".part", path)
        return path

    def each(self, path):
        with open(path, encoding="ascii") as f:
            for fingerprint in f:
                armor = []
                for line in f:
                    armor.append(line)
                    if line.startswith("-----END"):
                        break
                yield fingerprint.strip(), "".join(armor)

    # ------------------------------------------------------------ composing
    def compose(self):
        n = self.args.n
        members = self.certificates(n)
        home = tempfile.mkdtemp(prefix="advise-gpg-")
        try:
            gpg = Gpg(self, home, members)
            rounds = []
            for turn in range(self.args.rounds):
                ours = self.ask("compose", members, n, n)
                floor = self.ask("floor", n, ours["bytes"])
                each = gpg.sample(GPG_SAMPLE)
                rounds.append((ours, floor["keys"] + floor["copies"], each, floor))
                self.bench.say(f"  round {turn + 1}: ours {ours['seconds']:.2f} s, floor {floor['keys'] + floor['copies']:.2f} s, gpg {1000 * each:.1f} ms a mail")
            median = lambda of: statistics.median(of(*one) for one in rounds)
            ours, floor, each = median(lambda o, *_: o["seconds"]), median(lambda _, f, *__: f), median(lambda _, __, e, ___: e)
            judging = median(lambda o, *_: o["judging"])
            first = rounds[0][0]
            print(f"\n{n} recipients, 20 KiB of text and 100 KiB attached, {first['bytes']} bytes a mail, {first['threads']} threads; median of {len(rounds)}")
            print(f"  ours   {ours:7.2f} s {n / ours:9.0f} mails/s   gate, letter, signature, container, session keys, MIME, parcel: all in the clock;")
            print( "                                       certificates were judged before, as in a run where the plan shows who is held")
            print(f"         {ours + judging:7.2f} s {n / (ours + judging):9.0f} mails/s   the same with the reading and judging of every certificate ({judging:.2f} s, once a run)")
            print(f"  floor  {floor:7.2f} s {n / floor:9.0f} mails/s   two X25519 multiplications a mail by the same OpenSSL ({median(lambda *r: r[3]['keys']):.2f} s)")
            print(f"                                       and a copy of the mail's bytes ({median(lambda *r: r[3]['copies']):.2f} s), on as many threads")
            print(f"  gpg    {each * n:7.2f} s {1 / each:9.0f} mails/s   {gpg.command}: {GPG_SAMPLE} recipients a round, one call each,")
            print( "                                       certificates imported before, result not yet in a mail\n")
            faster = statistics.median(n * e / o["seconds"] for o, _, e, _ in rounds)
            times = statistics.median(o["seconds"] / f for o, f, _, _ in rounds)
            self.verdict(faster >= FASTER_THAN_GPG, f"composing: {faster:.0f} times the mails per second of gpg (wanted: {FASTER_THAN_GPG})")
            spent = statistics.median(o["processor"] / f["processor"] for o, _, __, f in rounds)
            self.verdict(times <= TIMES_THE_FLOOR, f"composing: {times:.2f} times the floor (wanted: at most {TIMES_THE_FLOOR}); {spent:.2f} times its processor time")
            print(f"      with every certificate's first use in the clock: {n * each / (ours + judging):.0f} times gpg, {(ours + judging) / floor:.1f} times the floor")
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], stderr=subprocess.DEVNULL)
            shutil.rmtree(home, ignore_errors=True)

    # ------------------------------------------------------------ memory
    def memory(self):
        members = self.certificates(10_000)
        peaks = {n: self.ask("compose", members, LARGE, n)["peak"] for n in (SMALL, LARGE)}
        growth = peaks[LARGE] / peaks[SMALL]
        print(f"\nmemory, composing for a list of {LARGE}: {peaks[SMALL]:.0f} MB for the first {SMALL}, {peaks[LARGE]:.0f} MB for all")
        self.verdict(growth <= GROWTH and peaks[LARGE] < MEGABYTES, f"memory of composing: {growth:.2f} times from {SMALL} to {LARGE} recipients, {peaks[LARGE]:.0f} MB (wanted: {GROWTH} and under {MEGABYTES} MB)")
        if not shutil.which("smtp-sink"):
            print("      the whole program is not measured: there is no smtp-sink (Debian: postfix)")
            return
        advise = self.bench.advise()
        sizes = [n for n in (SMALL, 10_000, LARGE) if n <= self.args.constituents]
        whole = {n: self.publish(advise, n) for n in sizes}
        print("\nthe whole program, `advise publish --yes --only mail` to smtp-sink; so many constituents with a certificate each")
        for n, run in whole.items():
            print(f"  {n:7} {run.memory:6.0f} MB {run.wall:8.1f} s")
        least, most = min(whole), max(whole)
        each = (whole[most].memory - whole[least].memory) * 1024 / max(most - least, 1)
        print(f"  {whole[most].memory / whole[least].memory:.1f} times from {least} to {most}: contacts, keys and plan are data, {each:.1f} KB for each constituent.")
        if most == LARGE:
            self.verdict(whole[most].memory < MEGABYTES, f"memory of the whole program: {whole[most].memory:.0f} MB for {most} constituents (wanted: under {MEGABYTES} MB)")
        else:
            print(f"      the whole program is not judged: what is wanted of it is wanted for {LARGE} constituents")

    def publish(self, advise, n):
        root = self.bench.place(n * 16_000)
        sink = None
        try:
            ws, log = os.path.join(root, "ws"), os.path.join(root, "log")
            self.bench.workspace(advise, ws, log)
            port = free_port()
            self.roster(ws, n)
            with open(os.path.join(ws, "advise.yaml"), "a", encoding="utf-8") as f:
                f.write(f"mail:\n  transport: smtp\n  smtp: {{host: 127.0.0.1, port: {port}, security: none}}\n")
            sink = subprocess.Popen(["smtp-sink", *(["-u", "nobody"] if os.getuid() == 0 else []), f"127.0.0.1:{port}", "100"], stderr=subprocess.DEVNULL)
            wait_for(port)
            # Exit code 1 is "something is held", which is nobody here.
            run = self.bench.run([advise, "-C", ws, "publish", "--yes", "--only", "mail"], log)
            with open(log, errors="replace") as f:
                if f"sent {n} letters" not in f.read():
                    raise self.bench.CannotRun(f"`advise publish` did not send {n} letters")
            return run
        finally:
            if sink:
                sink.terminate()
                sink.wait()
            shutil.rmtree(root, ignore_errors=True)

    def roster(self, ws, n):
        """A constituent with one contact for each certificate, a list of all, and a letter for it."""
        os.makedirs(os.path.join(ws, "certs"), exist_ok=True)
        write(ws, "lists/members.yaml", "title: Members\naddress: members@lists.cert.example.org\ntlp: AMBER\n")
        for i, (fingerprint, armor) in enumerate(self.each(self.certificates(n))):
            write(ws, f"certs/{fingerprint}.asc", armor)
            write(ws, f"constituents/unit-{i}.yaml",
                  f"name: Unit {i} of Examples\nsector: education\nnetworks: [10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}/32]\n"
                  f"domains: [unit-{i}.example.org]\nlists: [members]\ncontacts:\n"
                  f"  - name: Member {i}\n    address: member-{i}@unit-{i}.example.org\n    certificate: \"{fingerprint}\"\n")
        text = "Update the gateway to the fixed version today, and look through its logs of the last thirty days.\n\n"
        write(ws, "advisories/EX-2026-0042.md",
              f"---\nid: EX-2026-0042\nstatus: final\ntitle: \"Example Gateway: remote code execution\"\ndate: {time.strftime('%Y-%m-%d', time.gmtime())}\n"
              "tlp: AMBER\nseverity: critical\naudience: [members]\n---\n" + text * (20 * 1024 // len(text)))
        os.makedirs(os.path.join(ws, "advisories", "EX-2026-0042"))
        with open(os.path.join(ws, "advisories", "EX-2026-0042", "indicators.zip"), "wb") as f:
            f.write(os.urandom(100 << 10))

    # ------------------------------------------------------------ what others wrote
    def delivery(self):
        part = os.path.join(self.bench.PARTS, "delivery.py")
        if not os.path.isfile(part):
            print("\ndelivery is not measured: there is no scripts/bench.d/delivery.py")
            return
        print(flush=True)
        code = subprocess.run([sys.executable, part], cwd=self.bench.ROOT).returncode
        if code == 2:
            raise self.bench.CannotRun("scripts/bench.d/delivery.py could not be run")
        self.verdict(code == 0, "delivery to smtp-sink: see above")

    def kills(self):
        if not glob.glob(os.path.join(self.bench.ROOT, "tests", "faults*")):
            print("\nkills are not counted: there is no test `faults`")
            return
        print(flush=True)
        command = ["cargo", "test", "--release", "--test", "faults", "kills", "--", "--nocapture"]
        done = subprocess.run(command, cwd=self.bench.ROOT, env={**os.environ, "ADVISE_KILLS": str(KILLS)})
        self.verdict(done.returncode == 0, f"kills: {KILLS} runs ended by SIGKILL, nothing lost and nothing twice without a mark: see above")

    def run(self):
        self.mail = self.program()
        parts = self.args.only.split(",")
        for name in ("compose", "delivery", "memory", "kills"):
            if name in parts:
                getattr(self, name)()
        return all(self.results)


class Gpg:
    """GnuPG with the team's key and some members' certificates."""

    OPTIONS = ["--batch", "--trust-model", "always", "--encrypt", "--sign"]

    def __init__(self, mail, home, members):
        self.home, self.bench = home, mail.bench
        # Its compression is off, as ours is, which makes it faster.
        self.options = [*self.OPTIONS, "--armor", "--compress-algo", "none", "--quiet", "--yes"]
        self.command = " ".join(["gpg", *self.OPTIONS])
        mail.ask("letter", home)
        self.recipients = []
        for fingerprint, armor in mail.each(members):
            self.gpg("--batch", "--quiet", "--import", text=armor)
            self.recipients.append(fingerprint)
            if len(self.recipients) == GPG_SAMPLE:
                break
        self.gpg("--batch", "--quiet", "--import", os.path.join(home, "team.key"))
        self.sample(3)  # the agent starts

    def gpg(self, *words, text=None):
        done = subprocess.run(["gpg", "--homedir", self.home, *words], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise self.bench.CannotRun("gpg: " + done.stderr.strip())

    def sample(self, n):
        """Seconds for each of n recipients."""
        some = self.recipients[:n]
        start = time.perf_counter()
        for fingerprint in some:
            self.gpg(*self.options, "--recipient", fingerprint, "--output", os.path.join(self.home, "out.asc"), os.path.join(self.home, "payload"))
        return (time.perf_counter() - start) / len(some)


def write(root, path, text):
    path = os.path.join(root, path)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    import socket
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
