#!/usr/bin/env python3
"""Runs Vallum beside nginx and HAProxy in alternating rounds and prints what was measured as JSON lines.

    bench/run.sh [--rounds 7] [--seconds 4] [--tests rate,latency,idle] [--peers vallum,nginx,haproxy]

See bench/README.md for what the figures mean. Every single round goes to rounds.jsonl in the output
folder."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

import peers
import sign_in

PROXY_CORE = os.environ.get("PROXY_CORE", "0")
LOAD_CORE = os.environ.get("LOAD_CORE", "1")
USERS = 100

# What a test reports: the figure, whether more is better, and the bound that issue by issue is raised.
# A ratio is Vallum's median divided by the peer's.
FIGURES = {
    "rate": [("requests_per_second_per_core", {"nginx": (">=", 1.0), "haproxy": (">=", 1.0)})],
    "latency": [("p50_us", {}), ("p99_us", {"haproxy": ("<=", 1.5)})],
    "idle": [("bytes_per_connection", {"bytes": ("<=", 20 * 1024)})],
}


class Machine:
    """How busy the machine is, to tell a round that others disturbed."""

    @staticmethod
    def busy_seconds():
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(value) for value in file.readline().split()[1:9]]
        return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def describe():
        def first(path, key):
            for line in open(path, encoding="utf-8"):
                if line.startswith(key):
                    return line.split(":", 1)[1].strip()
            return "unknown"

        return {"cpu": first("/proc/cpuinfo", "model name"), "cores": os.cpu_count(),
                "memory": first("/proc/meminfo", "MemTotal"), "kernel": os.uname().release,
                "nginx": version(["nginx", "-v"]), "haproxy": version(["haproxy", "-v"]),
                "openssl": version(["openssl", "version"])}


def version(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip().split("\n")[0]


def start(core, command, output, environment=None, real_time=False):
    """Real time for latency: otherwise the time slices of others show up as milliseconds."""
    priority = ["chrt", "-f", "5"] if real_time else ["nice", "-n", "-15"]
    return subprocess.Popen([*priority, "taskset", "-c", core, *command], stdout=output, stderr=output,
                            env={**os.environ, **(environment or {})})


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port, process):
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended at start")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"nothing listens on {port}")


class Bench:
    def __init__(self, options):
        self.options = options
        self.tools = pathlib.Path(os.environ["BENCH_TOOLS"])
        self.run = pathlib.Path(os.environ["BENCH_RUN"])
        self.rounds_file = open(self.run / "rounds.jsonl", "w", encoding="ascii")
        self.origin_port = options.port
        self.peers = []
        self.background = []

    def prepare(self):
        peers.write_certificate(self.run)
        for name in self.options.peers.split(","):
            port = self.origin_port + 10 * (len(self.peers) + 1)
            if name == "vallum":
                self.peers.append(self.prepare_vallum(port))
            else:
                self.peers.append(getattr(peers, name)(self.run, port, self.origin_port))

    def start_origin(self, test):
        """In the priority class of what drives it, or it would never get the core."""
        origin = start(LOAD_CORE, [self.tools / "origin", str(self.origin_port)], subprocess.DEVNULL,
                       real_time=test == "latency")
        self.origin_pid = origin.pid
        wait_for_port(self.origin_port, origin)
        return origin

    def prepare_vallum(self, port):
        """Signs the users in through the development provider of `vallum dev`."""
        binary = os.environ["VALLUM_BIN"]
        state = self.run / "dev-state"
        state.mkdir(mode=0o700, exist_ok=True)
        with open(self.run / "vallum-dev.log", "w", encoding="utf-8") as log:
            development = subprocess.Popen([binary, "dev"], stdout=subprocess.PIPE, stderr=log, text=True,
                                           env={**os.environ, "STATE_DIRECTORY": str(state)})
        self.background.append(development)
        # It prints its URL once it serves.
        if not development.stdout.readline().strip():
            raise RuntimeError(f"vallum dev did not start: see {self.run}/vallum-dev.log")
        peer = peers.vallum(self.run, port, self.origin_port, binary, peers.find_dev_config(state))
        with open(self.run / "vallum.out", "wb") as log:
            process = start(PROXY_CORE, peer.command, log, peer.environment)
        origin = self.start_origin("sign-in")
        try:
            wait_for_port(peer.port, process)
            sign_in.write_cookies(peer.header_file, f"https://{peer.host}/", USERS)
        finally:
            stop(process)
            stop(origin)
        return peer

    def load(self, test, peer, pid):
        command = [self.tools / "load", "--port", str(peer.port), "--host", peer.host,
                   "--proxy-pid", str(pid), "--origin-pid", str(self.origin_pid)]
        if peer.header_file:
            command += ["--header-file", str(peer.header_file)]
        if test == "idle":
            command += ["--mode", "idle", "--connections", str(self.options.idle), "--warm-up", "2"]
        else:
            command += ["--mode", "paced" if test == "latency" else "closed", "--rate", str(self.options.rate),
                        "--seconds", str(self.options.seconds)]
        with open(self.run / "load.out", "w+", encoding="ascii") as output:
            before, began = Machine.busy_seconds(), time.monotonic()
            start(LOAD_CORE, command, output, real_time=test == "latency").wait()
            busy = (Machine.busy_seconds() - before) / (time.monotonic() - began)
            output.seek(0)
            result = json.loads(output.read())
        result["machine_cores"] = round(busy, 3)
        return result

    def one_round(self, test, peer):
        # A fresh process each time; its output is emptied, or log lines of all rounds would add up.
        with open(self.run / f"{peer.name}.out", "wb") as log:
            process = start(PROXY_CORE, peer.command, log, peer.environment, real_time=test == "latency")
            try:
                wait_for_port(peer.port, process)
                time.sleep(0.3)
                result = self.load(test, peer, process.pid)
            finally:
                stop(process)
        result.update(test=test, proxy=peer.name)
        if result["refused"] or result["errors"]:
            print(f"{peer.name}: {result['refused']} refused ({result['first_refusal']}), "
                  f"{result['errors']} errors", file=sys.stderr)
        return result

    def is_clean(self, test, result):
        """No failed request, and nobody else took more than the noise allowed."""
        if result["refused"] or result["errors"]:
            return False
        if test == "idle" or test == "latency":
            return True  # memory does not depend on others; latency runs with real-time priority
        others = result["machine_cores"] - result["proxy_cores"] - result["load_cores"]
        return others <= self.options.noise

    def measure(self, test):
        clean = {peer.name: [] for peer in self.peers}
        origin = self.start_origin(test)
        spinners = []
        if test == "latency":
            # A core that goes idle in a virtual machine takes long to come back: keep both awake.
            spinners = [subprocess.Popen(["chrt", "-i", "0", "taskset", "-c", core, "sh", "-c", "while :; do :; done"])
                        for core in (PROXY_CORE, LOAD_CORE)]
        try:
            for attempt in range(self.options.rounds * (1 + self.options.retries)):
                lacking = [peer for peer in self.peers if len(clean[peer.name]) < self.options.rounds]
                for peer in lacking:
                    result = self.one_round(test, peer)
                    result.update(round=attempt, clean=self.is_clean(test, result))
                    self.rounds_file.write(json.dumps(result) + "\n")
                    self.rounds_file.flush()
                    if result["clean"]:
                        clean[peer.name].append(result)
        finally:
            for spinner in spinners:
                spinner.kill()
                spinner.wait()
            stop(origin)
        for figure, bounds in FIGURES[test]:
            report(test, figure, bounds, clean)

    def close(self):
        for process in reversed(self.background):
            stop(process)


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def report(test, figure, bounds, clean):
    spread = {}
    for name, results in clean.items():
        if not results:
            print(json.dumps({"test": test, "figure": figure, "proxy": name, "clean_rounds": 0}))
            continue
        low, middle, high = spread[name] = quartiles([result[figure] for result in results])
        print(json.dumps({"test": test, "figure": figure, "proxy": name, "median": round(middle, 1),
                          "quartiles": [round(low, 1), round(high, 1)], "clean_rounds": len(results)}))
    if "vallum" not in spread:
        return
    for name in [name for name in spread if name != "vallum"]:
        row = {"test": test, "figure": figure, "ratio": f"vallum/{name}",
               "value": round(spread["vallum"][1] / spread[name][1], 3)}
        if name in bounds:
            row.update(verdict(bounds[name], row["value"], spread["vallum"], spread[name]))
        print(json.dumps(row))
    if "bytes" in bounds:
        sign, bound = bounds["bytes"]
        print(json.dumps({"test": test, "figure": figure, "bound": f"{sign} {bound}",
                          "met": holds(spread["vallum"][1], sign, bound)}))


def holds(value, sign, bound):
    return value >= bound if sign == ">=" else value <= bound


def verdict(bound, value, ours, theirs):
    """A miss counts only when the interquartile ranges, the peer's scaled by the bound, do not overlap."""
    sign, limit = bound
    apart = ours[2] < theirs[0] * limit if sign == ">=" else ours[0] > theirs[2] * limit
    return {"bound": f"{sign} {limit}", "met": holds(value, sign, limit), "missed_for_sure": apart}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tests", default="rate,latency,idle")
    parser.add_argument("--peers", default="vallum,nginx,haproxy")
    parser.add_argument("--rounds", type=int, default=7, help="clean rounds wanted of each")
    parser.add_argument("--retries", type=int, default=1, help="times the rounds that may be spent on disturbed ones")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rate", type=int, default=8000, help="requests per second of the latency test")
    parser.add_argument("--idle", type=int, default=9800, help="connections of the idle test")
    parser.add_argument("--noise", type=float, default=0.15, help="cores that others may use in a clean round")
    parser.add_argument("--port", type=int, default=19000, help="the origin's; the proxies take the next ones")
    options = parser.parse_args()
    for tool in ("taskset", "chrt", "openssl"):
        if not shutil.which(tool):
            sys.exit(f"bench: {tool} is missing")
    bench = Bench(options)
    try:
        bench.prepare()
        print(json.dumps({"machine": Machine.describe()}))
        for test in options.tests.split(","):
            bench.measure(test)
            sys.stdout.flush()
    finally:
        bench.close()


if __name__ == "__main__":
    main()
