/* SPDX-License-Identifier: Apache-2.0 */

/* What differs between Signature Version 4 (HMAC) and 4A (ECDSA): algorithm, scope, key. */

#include "auth/sigv4_int.h"

#include "base/arena.h"
#include "crypto/p256.h"
#include "crypto/secret.h"

const char *
vg_sigv4_algorithm(const struct vg_sigv4 *sig)
{
    return sig->is_asymmetric ? "AWS4-ECDSA-P256-SHA256" : "AWS4-HMAC-SHA256";
}

struct vg_str
vg_sigv4_scope(struct vg_arena *arena, const struct vg_sigv4 *sig)
{
    if (sig->is_asymmetric)
        return vg_str_fmt(arena, "%" VG_FMT "/%" VG_FMT "/%" VG_FMT, VG_ARG(sig->date),
                          VG_ARG(sig->service), VG_ARG(sig->terminator));
    return vg_str_fmt(arena, "%" VG_FMT "/%" VG_FMT "/%" VG_FMT "/%" VG_FMT, VG_ARG(sig->date),
                      VG_ARG(sig->region), VG_ARG(sig->service), VG_ARG(sig->terminator));
}

/* The order of P-256's group less two: SEC 2, 2.4.2. */
static const uint8_t order_less_2[VG_P256_KEY_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x4f,
};

/*
 * One candidate: NIST SP 800-108 in counter mode with HMAC-SHA256, keyed "AWS4A" and the secret,
 * over 00000001 || algorithm || 00 || access key id || counter || 00000100.
 */
static void
derive(struct vg_str key, struct vg_str access_key_id, uint8_t counter,
       uint8_t ret[VG_P256_KEY_BYTES])
{
    static const char head[] = "\0\0\0\1AWS4-ECDSA-P256-SHA256"; /* its NUL is the label's end */
    char input[512];
    size_t n = sizeof(head);
    VG_ASSERT(access_key_id.len <= VG_SIGV4A_ID_MAX);
    memcpy(input, head, n);
    memcpy(input + n, access_key_id.ptr, access_key_id.len);
    n += access_key_id.len;
    input[n++] = (char)counter;
    memcpy(input + n, "\0\0\1\0", 4);
    vg_hmac_sha256(key, vg_str_n(input, n + 4), ret);
}

bool
vg_sigv4a_private_key(struct vg_str access_key_id, struct vg_str secret,
                      uint8_t ret[VG_P256_KEY_BYTES])
{
    char first[256];
    if (secret.len > sizeof(first) - 5 || access_key_id.len == 0
        || access_key_id.len > VG_SIGV4A_ID_MAX)
        return false;
    memcpy(first, "AWS4A", 5);
    if (secret.len > 0)
        memcpy(first + 5, secret.ptr, secret.len);
    bool is_found = false;
    for (unsigned counter = 1; counter < 255 && !is_found; counter++) {
        derive(vg_str_n(first, 5 + secret.len), access_key_id, (uint8_t)counter, ret);
        is_found = memcmp(ret, order_less_2, VG_P256_KEY_BYTES) <= 0;
    }
    vg_zero(first, sizeof(first));
    for (size_t i = VG_P256_KEY_BYTES; is_found && i > 0; i--) { /* plus one */
        ret[i - 1]++;
        if (ret[i - 1] != 0)
            break;
    }
    return is_found;
}

void
vg_sigv4a_public_key(struct vg_str access_key_id, struct vg_str secret, uint8_t ret[65])
{
    uint8_t k[VG_P256_KEY_BYTES];
    memset(ret, 0, VG_P256_PUBLIC_BYTES); /* no point of the curve: nothing verifies */
    if (vg_sigv4a_private_key(access_key_id, secret, k))
        VG_ASSERT(vg_p256_public(k, ret));
    vg_zero(k, sizeof(k));
}

void
vg_sigv4_key(const struct vg_sigv4 *sig, struct vg_str secret, struct vg_sigv4_keys *keys,
             struct vg_sigv4_key *ret)
{
    *ret = (struct vg_sigv4_key) { .is_asymmetric = sig->is_asymmetric };
    if (sig->is_asymmetric)
        vg_sigv4a_public_key(sig->access_key_id, secret, ret->bytes);
    else if (keys)
        vg_sigv4_keys_get(keys, secret, sig->date, sig->region, sig->service, ret->bytes);
    else
        vg_sigv4_signing_key(secret, sig->date, sig->region, sig->service, ret->bytes);
}

bool
vg_sigv4_is_signature(const struct vg_sigv4_key *key, struct vg_str to_sign,
                      struct vg_str signature)
{
    if (key->is_asymmetric) {
        uint8_t der[VG_P256_SIG_MAX];
        while (signature.len > 0 && signature.ptr[signature.len - 1] == '*')
            signature.len--;
        return signature.len <= 2 * sizeof(der) && vg_hex_get(signature, der, signature.len / 2)
               && vg_p256_verify(key->bytes, to_sign, vg_str_n(der, signature.len / 2));
    }
    uint8_t mac[VG_SHA256_BYTES];
    char hex[2 * VG_SHA256_BYTES];
    vg_hmac_sha256(vg_str_n(key->bytes, VG_SHA256_BYTES), to_sign, mac);
    vg_hex_put(hex, mac, sizeof(mac));
    return vg_str_eq_secret(vg_str_n(hex, sizeof(hex)), signature);
}
