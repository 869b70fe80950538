/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

/* FIPS 180-2 and RFC 1321, the published examples for "abc". */
static void
digests_match_their_standards(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    assert_str(vg_sha256_hex(a, VG_STR("abc")),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_str(vg_sha256_hex(a, VG_STR_NONE),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_str(vg_md5_hex(a, VG_STR("abc")), "900150983cd24fb0d6963f7d28e17f72");
    uint8_t d[VG_SHA1_BYTES];
    vg_sha1(VG_STR("abc"), d);
    assert_str(vg_hex(a, d, sizeof(d)), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void
streaming_gives_the_same_digest(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof(text));
    for (int kind = VG_HASH_SHA256; kind <= VG_HASH_MD5; kind++) {
        struct vg_hash one, many;
        uint8_t d1[VG_HASH_MAX_BYTES], d2[VG_HASH_MAX_BYTES];
        vg_hash_init(&one, (enum vg_hash_kind)kind);
        vg_hash_add(&one, vg_str_n(text, sizeof(text)));
        vg_hash_init(&many, (enum vg_hash_kind)kind);
        for (size_t i = 0; i < sizeof(text); i += 7)
            vg_hash_add(&many, vg_str_slice(vg_str_n(text, sizeof(text)), i, i + 7));
        size_t n = vg_hash_end(&one, d1);
        assert_int_equal(vg_hash_end(&many, d2), n);
        assert_memory_equal(d1, d2, n);
    }
}

/* RFC 4231, test cases 2 and 6 (a key longer than the block); RFC 2202 case 2. */
static void
hmac_matches_the_rfc(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    uint8_t d[VG_SHA256_BYTES];
    vg_hmac_sha256(VG_STR("Jefe"), VG_STR("what do ya want for nothing?"), d);
    assert_str(vg_hex(a, d, sizeof(d)),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    char key[131];
    memset(key, 0xaa, sizeof(key));
    vg_hmac_sha256(vg_str_n(key, sizeof(key)),
                   VG_STR("Test Using Larger Than Block-Size Key - Hash Key First"), d);
    assert_str(vg_hex(a, d, sizeof(d)),
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    vg_hmac_sha1(VG_STR("Jefe"), VG_STR("what do ya want for nothing?"), d);
    assert_str(vg_hex(a, d, VG_SHA1_BYTES), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

static void
hex_reads_back_and_refuses_noise(void **state)
{
    (void)state;
    uint8_t b[2];
    assert_true(vg_hex_get(VG_STR("0aFf"), b, 2));
    assert_int_equal(b[0], 0x0a);
    assert_int_equal(b[1], 0xff);
    assert_false(vg_hex_get(VG_STR("0aF"), b, 2));
    assert_false(vg_hex_get(VG_STR("0aFg"), b, 2));
}

static void
a_secret_is_a_copy(void **state)
{
    (void)state;
    char text[] = "swordfish";
    struct vg_secret s;
    vg_secret_init(&s, vg_str_of(text));
    text[0] = 'x';
    assert_str(vg_secret_str(&s), "swordfish");
    vg_secret_fini(&s);
    assert_null(s.ptr);
    vg_secret_fini(&s);
    vg_secret_fini(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_match_their_standards),
        cmocka_unit_test(streaming_gives_the_same_digest),
        cmocka_unit_test(hmac_matches_the_rfc),
        cmocka_unit_test(hex_reads_back_and_refuses_noise),
        cmocka_unit_test(a_secret_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
