/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One implementation for all three CRCs: they are reflected, begin with ones and end inverted, and
 * differ only in polynomial and width.  Long pieces are folded by carry-less multiplication into 16
 * bytes that leave the same remainder (V. Gopal et al., "Fast CRC Computation for Generic
 * Polynomials Using PCLMULQDQ Instruction", 2009), short ones go through tables, eight bytes a
 * step.
 */
#include "crypto/checksum.h"

#include <endian.h>
#include <stdint.h>

#include "crypto/crc_tables.h"

#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

#define FOLD_MIN_BYTES 128u

static const struct crc_tables *
tables_of(enum vg_checksum_kind kind)
{
    switch (kind) {
    case VG_CRC32:
        return &crc32_tables;
    case VG_CRC32C:
        return &crc32c_tables;
    case VG_CRC64NVME:
        return &crc64nvme_tables;
    default:
        VG_BUG("not a CRC");
    }
}

/* --- the register, as the division has it: neither inverted at the start nor at the end ----------
 */

static uint64_t
by_tables(const struct crc_tables *t, uint64_t reg, const uint8_t *p, size_t n)
{
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        x = le64toh(x) ^ reg;
        reg = t->slice[7][x & 255] ^ t->slice[6][x >> 8 & 255] ^ t->slice[5][x >> 16 & 255]
              ^ t->slice[4][x >> 24 & 255] ^ t->slice[3][x >> 32 & 255] ^ t->slice[2][x >> 40 & 255]
              ^ t->slice[1][x >> 48 & 255] ^ t->slice[0][x >> 56];
    }
    for (; n > 0; n--, p++)
        reg = t->slice[0][(reg ^ *p) & 255] ^ (reg >> 8);
    return reg;
}

#if defined(__x86_64__)

/* `x` moved on by as many bits as the constants `k` say, and what is there added. */
__attribute__((target("pclmul"))) static inline __m128i
fold(__m128i x, __m128i k, __m128i there)
{
    __m128i high = _mm_clmulepi64_si128(x, k, 0x00), low = _mm_clmulepi64_si128(x, k, 0x11);
    return _mm_xor_si128(_mm_xor_si128(high, low), there);
}

static inline __m128i
load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Four at a time, because a multiplication takes several cycles and one can begin in each. */
__attribute__((target("pclmul"))) static uint64_t
by_folding(const struct crc_tables *t, uint64_t reg, const uint8_t *p, size_t n)
{
    const __m128i far = _mm_set_epi64x((int64_t)t->fold[1], (int64_t)t->fold[0]);
    const __m128i near = _mm_set_epi64x((int64_t)t->fold[3], (int64_t)t->fold[2]);
    __m128i a = _mm_xor_si128(load(p), _mm_set_epi64x(0, (int64_t)reg));
    __m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
    for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
        a = fold(a, far, load(p));
        b = fold(b, far, load(p + 16));
        c = fold(c, far, load(p + 32));
        d = fold(d, far, load(p + 48));
    }
    a = fold(fold(fold(a, near, b), near, c), near, d);
    for (; n >= 16; p += 16, n -= 16)
        a = fold(a, near, load(p));
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)(void *)rest, a);
    return by_tables(t, by_tables(t, 0, rest, sizeof(rest)), p, n);
}

#endif

static uint64_t
ones(const struct crc_tables *t)
{
    return t->one | (t->one - 1);
}

uint64_t
vg_crc_portable(enum vg_checksum_kind kind, uint64_t crc, struct vg_str data)
{
    const struct crc_tables *t = tables_of(kind);
    return by_tables(t, crc ^ ones(t), (const uint8_t *)data.ptr, data.len) ^ ones(t);
}

uint64_t
vg_crc(enum vg_checksum_kind kind, uint64_t crc, struct vg_str data)
{
#if defined(__x86_64__)
    const struct crc_tables *t = tables_of(kind);
    if (data.len >= FOLD_MIN_BYTES && __builtin_cpu_supports("pclmul"))
        return by_folding(t, crc ^ ones(t), (const uint8_t *)data.ptr, data.len) ^ ones(t);
#endif
    return vg_crc_portable(kind, crc, data);
}

static uint64_t
times(const struct crc_tables *t, uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (uint64_t bit = t->one; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = (b >> 1) ^ (b & 1 ? t->poly : 0);
    }
    return product;
}

/* The remainder of A·x^n + B; what both began and ended with cancels out. */
uint64_t
vg_crc_join(enum vg_checksum_kind kind, uint64_t a, uint64_t b, uint64_t b_bytes)
{
    const struct crc_tables *t = tables_of(kind);
    VG_ASSERT(b_bytes >> (CRC_LEN_BITS - 1) <= 1);
    for (unsigned i = 0; b_bytes >> i; i++)
        if (b_bytes >> i & 1)
            a = times(t, a, t->power[i]);
    return a ^ b;
}

/* --- all kinds ----------------------------------------------------------------------------------
 */

size_t
vg_checksum_bytes(enum vg_checksum_kind kind)
{
    switch (kind) {
    case VG_CRC32:
    case VG_CRC32C:
        return 4;
    case VG_CRC64NVME:
        return 8;
    case VG_SHA1:
        return VG_SHA1_BYTES;
    case VG_SHA256:
        return VG_SHA256_BYTES;
    }
    VG_BUG("unknown checksum");
}

void
vg_checksum_init(struct vg_checksum *c, enum vg_checksum_kind kind)
{
    c->kind = kind;
    c->crc = 0;
    if (!vg_checksum_is_crc(kind))
        vg_hash_init(&c->hash, kind == VG_SHA1 ? VG_HASH_SHA1 : VG_HASH_SHA256);
}

void
vg_checksum_add(struct vg_checksum *c, struct vg_str data)
{
    if (vg_checksum_is_crc(c->kind))
        c->crc = vg_crc(c->kind, c->crc, data);
    else
        vg_hash_add(&c->hash, data);
}

size_t
vg_checksum_end(struct vg_checksum *c, uint8_t ret[VG_HASH_MAX_BYTES])
{
    size_t n = vg_checksum_bytes(c->kind);
    if (!vg_checksum_is_crc(c->kind))
        return vg_hash_end(&c->hash, ret);
    for (size_t i = 0; i < n; i++)
        ret[i] = (uint8_t)(c->crc >> 8 * (n - 1 - i));
    return n;
}
