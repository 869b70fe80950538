#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of crypto/checksum.c: gen.py OUT

For each reflected CRC: the tables of slicing-by-8, the constants that fold 64 and 16 bytes into the next
16 by carry-less multiplication, and x^(8 * 2^i), by which checksums of parts are joined.
"""
import sys

# name, bits, polynomial without its highest term, reflected: https://reveng.sourceforge.io/crc-catalogue/all.htm
KINDS = [("crc32", 32, 0xEDB88320), ("crc32c", 32, 0x82F63B78), ("crc64nvme", 64, 0x9A6C9329AC4BC9B5)]
LEN_BITS = 61  # a length in bytes of 64 bits: 8 * 2^60 and no more fits a file


class Field:
    """Polynomials modulo P, reflected: the highest bit is the coefficient of x^0."""

    def __init__(self, bits, poly):
        self.bits, self.poly, self.one = bits, poly, 1 << (bits - 1)

    def times_x(self, a):
        return (a >> 1) ^ (self.poly if a & 1 else 0)

    def times(self, a, b):
        product = 0
        for i in range(self.bits - 1, -1, -1):
            if a >> i & 1:
                product ^= b
            b = self.times_x(b)
        return product

    def power(self, n):
        """x^n"""
        a, square = self.one, self.times_x(self.one)
        while n:
            if n & 1:
                a = self.times(a, square)
            square = self.times(square, square)
            n >>= 1
        return a

    def slices(self):
        table = []
        for byte in range(256):
            a = byte
            for _ in range(8):
                a = self.times_x(a)
            table.append(a)
        tables = [table]
        for _ in range(7):
            tables.append([(a >> 8) ^ table[a & 255] for a in tables[-1]])
        return tables


def numbers(values):
    lines = [", ".join(f"{v:#018x}" for v in values[i : i + 4]) for i in range(0, len(values), 4)]
    return ",\n        ".join(lines)


def emit(name, bits, poly):
    f = Field(bits, poly)
    # A product of reflected halves is short of one x.
    fold = [f.power(n - 1) << (64 - bits) for n in (512 + 64, 512, 128 + 64, 128)]
    powers = [f.power(8 << i) for i in range(LEN_BITS)]
    slices = ",\n      ".join("{ " + numbers(t) + " }" for t in f.slices())
    return f"""
static const struct crc_tables {name}_tables = {{
    .poly = {poly:#x},
    .one = {f.one:#x},
    .fold = {{ {numbers(fold)} }},
    .power = {{ {numbers(powers)} }},
    .slice = {{ {slices} }},
}};
"""


def main():
    text = f"""/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/crcgen/gen.py; only for crypto/checksum.c. */

#define CRC_LEN_BITS {LEN_BITS}

struct crc_tables {{
    uint64_t poly, one;
    uint64_t fold[4];
    uint64_t power[CRC_LEN_BITS]; /* x^(8 * 2^i) */
    uint64_t slice[8][256];
}};
"""
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write(text + "".join(emit(*kind) for kind in KINDS))


if __name__ == "__main__":
    main()
