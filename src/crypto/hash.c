/* SPDX-License-Identifier: Apache-2.0 */

/*
 * OpenSSL 3 keeps the low-level digest calls for speed but marks them deprecated; its EVP layer
 * allocates a context and looks the algorithm up for every digest, which costs more than hashing a
 * typical request.  So this one file asks for the 1.1 interface.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hash.h"

#include "base/arena.h"

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#define BLOCK_BYTES 64 /* of all three digests */

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct vg_hash *)0)->state), "room for SHA-256");
_Static_assert(sizeof(SHA_CTX) <= sizeof(((struct vg_hash *)0)->state), "room for SHA-1");
_Static_assert(sizeof(MD5_CTX) <= sizeof(((struct vg_hash *)0)->state), "room for MD5");

void
vg_hash_init(struct vg_hash *h, enum vg_hash_kind kind)
{
    h->kind = kind;
    switch (kind) {
    case VG_HASH_SHA256:
        SHA256_Init((SHA256_CTX *)h->state);
        return;
    case VG_HASH_SHA1:
        SHA1_Init((SHA_CTX *)h->state);
        return;
    case VG_HASH_MD5:
        MD5_Init((MD5_CTX *)h->state);
        return;
    }
    VG_BUG("unknown digest");
}

void
vg_hash_add(struct vg_hash *h, struct vg_str data)
{
    if (data.len == 0)
        return;
    switch (h->kind) {
    case VG_HASH_SHA256:
        SHA256_Update((SHA256_CTX *)h->state, data.ptr, data.len);
        return;
    case VG_HASH_SHA1:
        SHA1_Update((SHA_CTX *)h->state, data.ptr, data.len);
        return;
    case VG_HASH_MD5:
        MD5_Update((MD5_CTX *)h->state, data.ptr, data.len);
        return;
    }
    VG_BUG("unknown digest");
}

size_t
vg_hash_end(struct vg_hash *h, uint8_t ret[VG_HASH_MAX_BYTES])
{
    switch (h->kind) {
    case VG_HASH_SHA256:
        SHA256_Final(ret, (SHA256_CTX *)h->state);
        return VG_SHA256_BYTES;
    case VG_HASH_SHA1:
        SHA1_Final(ret, (SHA_CTX *)h->state);
        return VG_SHA1_BYTES;
    case VG_HASH_MD5:
        MD5_Final(ret, (MD5_CTX *)h->state);
        return VG_MD5_BYTES;
    }
    VG_BUG("unknown digest");
}

static size_t
digest(enum vg_hash_kind kind, struct vg_str data, uint8_t *ret, size_t len)
{
    struct vg_hash h;
    uint8_t full[VG_HASH_MAX_BYTES];
    vg_hash_init(&h, kind);
    vg_hash_add(&h, data);
    VG_ASSERT(vg_hash_end(&h, full) == len);
    memcpy(ret, full, len);
    return len;
}

void
vg_sha256(struct vg_str data, uint8_t ret[VG_SHA256_BYTES])
{
    digest(VG_HASH_SHA256, data, ret, VG_SHA256_BYTES);
}

void
vg_sha1(struct vg_str data, uint8_t ret[VG_SHA1_BYTES])
{
    digest(VG_HASH_SHA1, data, ret, VG_SHA1_BYTES);
}

void
vg_md5(struct vg_str data, uint8_t ret[VG_MD5_BYTES])
{
    digest(VG_HASH_MD5, data, ret, VG_MD5_BYTES);
}

static void
hmac(enum vg_hash_kind kind, struct vg_str key, struct vg_str data, uint8_t *ret, size_t len)
{
    uint8_t block[BLOCK_BYTES] = { 0 }, pad[BLOCK_BYTES], inner[VG_HASH_MAX_BYTES];
    if (key.len > BLOCK_BYTES)
        digest(kind, key, block, len);
    else if (key.len > 0)
        memcpy(block, key.ptr, key.len);

    struct vg_hash h;
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        pad[i] = block[i] ^ 0x36;
    vg_hash_init(&h, kind);
    vg_hash_add(&h, vg_str_n(pad, BLOCK_BYTES));
    vg_hash_add(&h, data);
    vg_hash_end(&h, inner);

    for (size_t i = 0; i < BLOCK_BYTES; i++)
        pad[i] = block[i] ^ 0x5c;
    vg_hash_init(&h, kind);
    vg_hash_add(&h, vg_str_n(pad, BLOCK_BYTES));
    vg_hash_add(&h, vg_str_n(inner, len));
    uint8_t full[VG_HASH_MAX_BYTES];
    vg_hash_end(&h, full);
    memcpy(ret, full, len);

    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(pad, sizeof(pad));
    OPENSSL_cleanse(&h, sizeof(h));
}

void
vg_hmac_sha256(struct vg_str key, struct vg_str data, uint8_t ret[VG_SHA256_BYTES])
{
    hmac(VG_HASH_SHA256, key, data, ret, VG_SHA256_BYTES);
}

void
vg_hmac_sha1(struct vg_str key, struct vg_str data, uint8_t ret[VG_SHA1_BYTES])
{
    hmac(VG_HASH_SHA1, key, data, ret, VG_SHA1_BYTES);
}

void
vg_hex_put(char *ret, const void *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *b = bytes;
    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = digits[b[i] >> 4];
        ret[2 * i + 1] = digits[b[i] & 15];
    }
}

struct vg_str
vg_hex(struct vg_arena *arena, const void *bytes, size_t n)
{
    char *p = vg_arena_alloc(arena, 2 * n + 1);
    vg_hex_put(p, bytes, n);
    return vg_str_n(p, 2 * n);
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
vg_hex_get(struct vg_str hex, void *ret, size_t n)
{
    if (hex.len != 2 * n)
        return false;
    uint8_t *out = ret;
    for (size_t i = 0; i < n; i++) {
        int hi = hex_digit(hex.ptr[2 * i]), lo = hex_digit(hex.ptr[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

struct vg_str
vg_sha256_hex(struct vg_arena *arena, struct vg_str data)
{
    uint8_t d[VG_SHA256_BYTES];
    vg_sha256(data, d);
    return vg_hex(arena, d, sizeof(d));
}

struct vg_str
vg_md5_hex(struct vg_arena *arena, struct vg_str data)
{
    uint8_t d[VG_MD5_BYTES];
    vg_md5(data, d);
    return vg_hex(arena, d, sizeof(d));
}
