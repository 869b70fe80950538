/* SPDX-License-Identifier: Apache-2.0 */
/* Each library is held to the test cases of McGrew and Viega, "The Galois/Counter Mode of
 * Operation" (which NIST SP 800-38D names), and to the other one. */
#include "crypto/gcm.h"

#include "base/test.h"

#include <openssl/crypto.h>

#define MAX 70000u

struct seen {
    const char *key, *nonce, *aad, *plain, *sealed;
};

static const struct seen published[] = {
    /* 13 to 16: keys of 256 bits, nonces of 96 */
    { "0000000000000000000000000000000000000000000000000000000000000000",
      "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
    { "0000000000000000000000000000000000000000000000000000000000000000",
      "000000000000000000000000", "", "00000000000000000000000000000000",
      "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
    { "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
      "cafebabefacedbaddecaf888", "",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
      "b094dac5d93471bdec1a502270e3cc6c" },
    { "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
      "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b" },
};

static struct vg_str
bytes_of(struct vg_arena *a, const char *hex)
{
    unsigned char *to = vg_arena_alloc(a, strlen(hex) + 1);
    size_t n = 0;
    if (hex[0] != 0)
        assert_int_equal(OPENSSL_hexstr2buf_ex(to, strlen(hex), &n, hex, 0), 1);
    return vg_str_n(to, n);
}

static struct vg_str
seal(const struct vg_gcm_engine *e, struct vg_arena *a, const char *key, const char *nonce,
     struct vg_str aad, struct vg_str plain)
{
    vg_auto_gcm struct vg_gcm *g = e->new ((const uint8_t *)key);
    uint8_t *to = vg_arena_alloc(a, plain.len + VG_GCM_TAG_BYTES);
    vg_gcm_seal(g, (const uint8_t *)nonce, aad, plain, to);
    return vg_str_n(to, plain.len + VG_GCM_TAG_BYTES);
}

static bool
opens(const struct vg_gcm_engine *e, struct vg_arena *a, const char *key, const char *nonce,
      struct vg_str aad, struct vg_str sealed, struct vg_str plain)
{
    vg_auto_gcm struct vg_gcm *g = e->new ((const uint8_t *)key);
    char *to = vg_arena_alloc(a, sealed.len + 1);
    bool ok = vg_gcm_open(g, (const uint8_t *)nonce, aad, sealed, to);
    if (ok)
        assert_memory_equal(to, plain.ptr, plain.len);
    return ok;
}

static void
check_published(const struct vg_gcm_engine *e, struct vg_arena *a, const struct seen *s)
{
    const char *key = bytes_of(a, s->key).ptr, *nonce = bytes_of(a, s->nonce).ptr;
    struct vg_str aad = bytes_of(a, s->aad), plain = bytes_of(a, s->plain);
    struct vg_str sealed = seal(e, a, key, nonce, aad, plain);
    assert_true(vg_str_eq(sealed, bytes_of(a, s->sealed)));
    assert_true(opens(e, a, key, nonce, aad, sealed, plain));
}

/* Skips what this processor cannot do. */
static void
with_each(void (*fn)(const struct vg_gcm_engine *e))
{
    for (const struct vg_gcm_engine *const *e = vg_gcm_engines; *e; e++)
        if ((*e)->is_usable())
            fn(*e);
}

static void
check_all_published(const struct vg_gcm_engine *e)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (size_t i = 0; i < VG_COUNT(published); i++)
        check_published(e, a, &published[i]);
}

static void
what_was_published_comes_out(void **state)
{
    (void)state;
    with_each(check_all_published);
}

static const char key[VG_GCM_KEY_BYTES + 1] = "a key of thirty-two bytes, indee";
static const char nonce[VG_GCM_NONCE_BYTES + 1] = "twelve bytes";

/* Block boundaries, those of unrolled loops, and whole segments. */
static const size_t sizes[] = { 0,    1,    15,   16,   17,    31,    32,    47,  48,   127,
                                128,  129,  255,  256,  257,   767,   768,   769, 1023, 1024,
                                1025, 4096, 8191, 8192, 65535, 65536, 65537, MAX };

static void
check_against_openssl(const struct vg_gcm_engine *e)
{
    static char text[MAX];
    for (size_t i = 0; i < MAX; i++)
        text[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < VG_COUNT(sizes); i++)
        for (size_t n_aad = 0; n_aad < 40; n_aad += 13) {
            vg_auto_arena struct vg_arena *a = vg_arena_new(0);
            struct vg_str plain = vg_str_n(text, sizes[i]), aad = vg_str_n(text + 5, n_aad);
            struct vg_str sealed = seal(e, a, key, nonce, aad, plain);
            struct vg_str want = seal(&vg_gcm_openssl, a, key, nonce, aad, plain);
            assert_memory_equal(sealed.ptr, want.ptr, want.len);
            assert_true(opens(e, a, key, nonce, aad, want, plain));
        }
}

static void
the_libraries_agree(void **state)
{
    (void)state;
    with_each(check_against_openssl);
}

static void
check_damage(const struct vg_gcm_engine *e)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str plain = VG_STR("some bytes that nobody may change"), aad = VG_STR("label");
    struct vg_str sealed = seal(e, a, key, nonce, aad, plain);
    char *bytes = vg_arena_copy(a, sealed.ptr, sealed.len);
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        assert_false(opens(e, a, key, nonce, aad, vg_str_n(bytes, sealed.len), plain));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t n = 0; n < sealed.len; n++)
        assert_false(opens(e, a, key, nonce, aad, vg_str_slice(sealed, 0, n), plain));
    assert_false(opens(e, a, key, nonce, VG_STR("labem"), sealed, plain));
    assert_false(opens(e, a, key, nonce, VG_STR_NONE, sealed, plain));
    assert_false(opens(e, a, key, "twelve bytez", aad, sealed, plain));
    assert_false(opens(e, a, "a key of thirty-two bytes, indef", nonce, aad, sealed, plain));
    assert_true(opens(e, a, key, nonce, aad, sealed, plain));
}

static void
what_was_changed_does_not_open(void **state)
{
    (void)state;
    with_each(check_damage);
}

/* A key is used many times, both ways, and in place. */
static void
check_reuse(const struct vg_gcm_engine *e)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    vg_auto_gcm struct vg_gcm *g = e->new ((const uint8_t *)key);
    char room[1000 + VG_GCM_TAG_BYTES], plain[1000];
    memset(plain, 'x', sizeof(plain));
    for (uint8_t i = 0; i < 5; i++) {
        uint8_t number[VG_GCM_NONCE_BYTES] = { i };
        memcpy(room, plain, sizeof(plain));
        vg_gcm_seal(g, number, VG_STR("l"), vg_str_n(room, sizeof(plain)), room);
        struct vg_str want = seal(&vg_gcm_openssl, a, key, (const char *)number, VG_STR("l"),
                                  vg_str_n(plain, sizeof(plain)));
        assert_memory_equal(room, want.ptr, want.len);
        assert_true(vg_gcm_open(g, number, VG_STR("l"), vg_str_n(room, sizeof(room)), room));
        assert_memory_equal(room, plain, sizeof(plain));
    }
}

static void
a_key_serves_many_times(void **state)
{
    (void)state;
    with_each(check_reuse);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_published_comes_out),
        cmocka_unit_test(the_libraries_agree),
        cmocka_unit_test(what_was_changed_does_not_open),
        cmocka_unit_test(a_key_serves_many_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
