"""``farechain broker start`` ends on a signal, whether it came before it waited or while it waits."""

import subprocess
import sys

ROUNDS = """
import os, random, signal, sys, threading, time
from farechain.cli import broker as verb

class Running:
    running = True
    stopped = 0
    def stop(self):
        self.stopped += 1

signal.pthread_sigmask(signal.SIG_BLOCK, verb.ENDING)
rng, fake, rounds = random.Random(7), Running(), int(sys.argv[1])
for _ in range(rounds):
    late = threading.Timer(rng.uniform(0, 0.001), os.kill, (os.getpid(), signal.SIGTERM))
    late.start()
    assert verb.stay(fake, poll_s=0.0001) == 0
    late.join()
print(fake.stopped)
"""


def test_a_signal_ends_it_early_or_late() -> None:
    told = subprocess.run([sys.executable, "-c", ROUNDS, "100"], capture_output=True, check=True, timeout=60)
    assert told.stdout.split() == [b"100"]
