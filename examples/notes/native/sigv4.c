/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- SHA-256 (FIPS 180-4) and HMAC (RFC 2104) --- */

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct sha {
    uint32_t h[8];
    uint8_t block[64];
    uint64_t len;
};

static uint32_t
rotr(uint32_t x, int n)
{
    return (x >> n) | (x << (32 - n));
}

static void
sha_block(struct sha *s)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16
               | (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
        uint32_t b = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(v, s->h, sizeof(v));
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = v[7] + (rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25))
                      + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
        uint32_t t2 = (rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22))
                      + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        s->h[i] += v[i];
}

static void
sha_init(struct sha *s)
{
    static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    memcpy(s->h, start, sizeof(start));
    s->len = 0;
}

static void
sha_add(struct sha *s, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n-- > 0) {
        s->block[s->len++ % 64] = *p++;
        if (s->len % 64 == 0)
            sha_block(s);
    }
}

static void
sha_end(struct sha *s, uint8_t out[32])
{
    uint64_t bits = s->len * 8;
    sha_add(s, "\x80", 1);
    while (s->len % 64 != 56)
        sha_add(s, "", 1);
    for (int i = 7; i >= 0; i--) {
        uint8_t byte = (uint8_t)(bits >> (8 * i));
        sha_add(s, &byte, 1);
    }
    for (int i = 0; i < 32; i++)
        out[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

static void
hmac(const void *key, size_t key_len, const char *text, uint8_t out[32])
{
    uint8_t pad[64] = { 0 }, inner[32];
    struct sha s;
    if (key_len > 64) {
        sha_init(&s);
        sha_add(&s, key, key_len);
        sha_end(&s, pad);
    } else {
        memcpy(pad, key, key_len);
    }
    for (int i = 0; i < 64; i++)
        pad[i] ^= 0x36;
    sha_init(&s);
    sha_add(&s, pad, 64);
    sha_add(&s, text, strlen(text));
    sha_end(&s, inner);
    for (int i = 0; i < 64; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    sha_init(&s);
    sha_add(&s, pad, 64);
    sha_add(&s, inner, 32);
    sha_end(&s, out);
}

static void
hex_of(const uint8_t *bytes, char out[65])
{
    for (int i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void
hash_hex(const char *text, size_t len, char out[65])
{
    struct sha s;
    uint8_t digest[32];
    sha_init(&s);
    sha_add(&s, text, len);
    sha_end(&s, digest);
    hex_of(digest, out);
}

/* --- the signature --- */

static const char *
env(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

int
sigv4_headers(char *out, size_t size, const char *service, const char *host, const char *target,
              const char *body, size_t body_len)
{
    char stamp[17], day[9], hash[65], text[4096], scope[128], key[256], signature[65];
    uint8_t mac[32];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
    strftime(day, sizeof(day), "%Y%m%d", &tm);
    const char *token = env("AWS_SESSION_TOKEN");
    const char *signed_headers = *token ? "host;x-amz-date;x-amz-security-token;x-amz-target"
                                        : "host;x-amz-date;x-amz-target";

    hash_hex(body, body_len, hash);
    int n = snprintf(text, sizeof(text),
                     "POST\n/\n\nhost:%s\nx-amz-date:%s\n%s%s%sx-amz-target:%s\n\n%s\n%s", host,
                     stamp, *token ? "x-amz-security-token:" : "", token, *token ? "\n" : "",
                     target, signed_headers, hash);
    if (n < 0 || (size_t)n >= sizeof(text))
        return -1;
    hash_hex(text, (size_t)n, hash);
    snprintf(scope, sizeof(scope), "%s/%s/%s/aws4_request", day, env("AWS_REGION"), service);
    snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", stamp, scope, hash);

    snprintf(key, sizeof(key), "AWS4%s", env("AWS_SECRET_ACCESS_KEY"));
    hmac(key, strlen(key), day, mac);
    hmac(mac, 32, env("AWS_REGION"), mac);
    hmac(mac, 32, service, mac);
    hmac(mac, 32, "aws4_request", mac);
    hmac(mac, 32, text, mac);
    hex_of(mac, signature);

    n = snprintf(
        out, size,
        "X-Amz-Date: %s\r\n%s%s%s"
        "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s\r\n",
        stamp, *token ? "X-Amz-Security-Token: " : "", token, *token ? "\r\n" : "",
        env("AWS_ACCESS_KEY_ID"), scope, signed_headers, signature);
    return n < 0 || (size_t)n >= size ? -1 : n;
}
