/* SPDX-License-Identifier: Apache-2.0 */
#include "services/kms/kms_cipher.h"

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "crypto/secret.h"

#include <stdlib.h>

#define FORMAT     '\x01'
#define UUID_BYTES 16
#define UUID_TEXT  36
#define MAX_BYTES  (1u << 20)
#define LABEL      "kms"

_Static_assert(KMS_CIPHER_KEY == VG_SEAL_KEY_BYTES && KMS_CIPHER_KEY == VG_SHA256_BYTES, "");

static int
by_key(const void *a, const void *b)
{
    return vg_str_cmp(((const struct kms_pair *)a)->key, ((const struct kms_pair *)b)->key);
}

static void
add_text(struct vg_buf *b, struct vg_str s)
{
    vg_buf_add_u32be(b, (uint32_t)s.len);
    vg_buf_adds(b, s);
}

struct vg_str
kms_context_bytes(struct vg_arena *arena, struct kms_pair *pairs, size_t n)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 128u << 20);
    if (n > 0)
        qsort(pairs, n, sizeof(*pairs), by_key);
    for (size_t i = 0; i < n; i++) {
        add_text(&b, pairs[i].key);
        add_text(&b, pairs[i].value);
    }
    VG_ASSERT(!b.over);
    return vg_buf_str(&b);
}

/* The UUID's bytes of "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx". */
static bool
uuid_bytes(struct vg_str text, uint8_t ret[UUID_BYTES])
{
    char hex[UUID_BYTES * 2];
    size_t n = 0;
    if (text.len != UUID_TEXT)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash != (text.ptr[i] == '-'))
            return false;
        if (!is_dash)
            hex[n++] = text.ptr[i];
    }
    return vg_hex_get(vg_str_n(hex, n), ret, UUID_BYTES);
}

static struct vg_str
uuid_text(struct vg_arena *arena, const uint8_t bytes[UUID_BYTES])
{
    char *to = vg_arena_alloc(arena, UUID_TEXT);
    static const size_t lens[] = { 4, 2, 2, 2, 6 };
    size_t at = 0, from = 0;
    for (size_t i = 0; i < VG_COUNT(lens); i++) {
        if (i > 0)
            to[at++] = '-';
        vg_hex_put(to + at, bytes + from, lens[i]);
        at += lens[i] * 2;
        from += lens[i];
    }
    return vg_str_n(to, UUID_TEXT);
}

static uint64_t
take_be(const uint8_t **p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | *(*p)++;
    return v;
}

bool
kms_blob_parse(struct vg_arena *arena, struct vg_str bytes, struct kms_blob *ret)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr + 1;
    if (bytes.len < KMS_HEADER_BYTES + VG_SEAL_EXTRA_BYTES || bytes.ptr[0] != FORMAT)
        return false;
    uint64_t account = take_be(&p, 8);
    if (account > UINT64_C(999999999999))
        return false;
    ret->account = vg_str_fmt(arena, "%012llu", (unsigned long long)account);
    ret->key_id = uuid_text(arena, p);
    p += UUID_BYTES;
    ret->version = (uint32_t)take_be(&p, 4);
    return true;
}

/* The key of one message. */
static void
derive(const uint8_t material[KMS_CIPHER_KEY], const void *salt, uint8_t ret[VG_SHA256_BYTES])
{
    char text[sizeof(LABEL) - 1 + KMS_SALT_BYTES] = LABEL;
    memcpy(text + sizeof(LABEL) - 1, salt, KMS_SALT_BYTES);
    vg_hmac_sha256(vg_str_n(material, KMS_CIPHER_KEY), vg_str_n(text, sizeof(text)), ret);
}

struct vg_str
kms_blob_seal(struct vg_random *rnd, struct vg_arena *arena, const uint8_t material[KMS_CIPHER_KEY],
              const struct kms_blob *of, struct vg_str context, struct vg_str plain)
{
    uint8_t uuid[UUID_BYTES], salt[KMS_SALT_BYTES], key[VG_SHA256_BYTES];
    uint64_t account = 0;
    struct vg_buf b;
    VG_ASSERT(uuid_bytes(of->key_id, uuid) && vg_str_to_u64(of->account, &account));
    vg_random_bytes(rnd, salt, sizeof(salt));
    vg_buf_init(&b, arena, MAX_BYTES);
    vg_buf_addc(&b, FORMAT);
    vg_buf_add_u64be(&b, account);
    vg_buf_add(&b, uuid, sizeof(uuid));
    vg_buf_add_u32be(&b, of->version);
    vg_buf_add(&b, salt, sizeof(salt));
    struct vg_str label = vg_str_cat(arena, vg_buf_str(&b), context);
    derive(material, salt, key);
    vg_buf_adds(&b, vg_seal(rnd, arena, key, label, plain));
    vg_zero(key, sizeof(key));
    VG_ASSERT(!b.over);
    return vg_buf_str(&b);
}

bool
kms_blob_open(struct vg_arena *arena, const uint8_t material[KMS_CIPHER_KEY], struct vg_str bytes,
              struct vg_str context, struct vg_str *ret)
{
    uint8_t key[VG_SHA256_BYTES];
    if (bytes.len < KMS_HEADER_BYTES + VG_SEAL_EXTRA_BYTES)
        return false;
    struct vg_str header = vg_str_slice(bytes, 0, KMS_HEADER_BYTES);
    struct vg_str label = vg_str_cat(arena, header, context);
    derive(material, bytes.ptr + KMS_HEADER_BYTES - KMS_SALT_BYTES, key);
    bool is_ours =
        vg_unseal(arena, key, label, vg_str_slice(bytes, KMS_HEADER_BYTES, bytes.len), ret);
    vg_zero(key, sizeof(key));
    return is_ours;
}
