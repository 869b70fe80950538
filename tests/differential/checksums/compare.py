#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our CRCs against AWS's own implementation, the SDKs' common runtime: compare.py DRIVER CASES SEED"""
import random
import subprocess
import sys

from awscrt import checksums

KINDS = [(1, checksums.crc32), (2, checksums.crc32c), (3, checksums.crc64nvme)]


def main():
    driver, cases, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    failed = 0
    with subprocess.Popen([driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        for case in range(cases):
            kind, theirs = rng.choice(KINDS)
            data = rng.randbytes(rng.randrange(4 ** rng.randrange(1, 10)))
            cut = rng.randint(0, len(data))
            p.stdin.write(b"%d %d %d\n" % (kind, cut, len(data)) + data)
            p.stdin.flush()
            ours = [int(n) for n in p.stdout.readline().split()]
            if ours != [theirs(data)] * 3:
                failed += 1
                print(f"seed {seed} case {case}: {theirs.__name__} of {len(data)} bytes cut at {cut}:"
                      f" {ours}, not {theirs(data)}")
        p.stdin.close()
    print(f"{cases - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
