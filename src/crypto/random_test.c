/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "crypto/random.h"
#include "crypto/seal.h"

static void
a_seed_repeats_and_the_kernel_does_not(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    uint8_t seed[VG_RANDOM_SEED_BYTES] = { 7 };
    struct vg_random *one = vg_random_new(2, seed), *two = vg_random_new(2, seed);
    struct vg_random *real = vg_random_new(2, NULL);
    uint8_t b1[1200], b2[1200], b3[1200];
    vg_random_bytes(one, b1, sizeof(b1));
    vg_random_bytes(two, b2, 1);
    vg_random_bytes(two, b2 + 1, sizeof(b2) - 1);
    vg_random_bytes(real, b3, sizeof(b3));
    assert_memory_equal(b1, b2, sizeof(b1));
    assert_memory_not_equal(b1, b3, sizeof(b1));

    struct vg_str u = vg_random_uuid(one, a);
    assert_int_equal(u.len, 36);
    assert_int_equal(u.ptr[14], '4');
    assert_non_null(strchr("89ab", u.ptr[19]));
    struct vg_str id = vg_random_text(one, a, VG_STR("AKIA"), VG_ALPHA_BASE32, 16);
    assert_int_equal(id.len, 20);
    assert_true(vg_str_starts(id, VG_STR("AKIA")));
    for (int i = 0; i < 1000; i++)
        assert_true(vg_random_below(one, 3) < 3);
    vg_random_free(one);
    vg_random_free(two);
    vg_random_free(real);
}

static void
a_seal_opens_only_with_its_key_and_label(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    uint8_t seed[VG_RANDOM_SEED_BYTES] = { 1 }, key[VG_SEAL_KEY_BYTES] = { 2 };
    struct vg_random *rnd = vg_random_new(1, seed);
    struct vg_str plain, sealed = vg_seal(rnd, a, key, VG_STR("sts"), VG_STR("hello"));
    assert_true(vg_unseal(a, key, VG_STR("sts"), sealed, &plain));
    assert_str(plain, "hello");
    assert_false(vg_unseal(a, key, VG_STR("page"), sealed, &plain));
    for (size_t i = 0; i < sealed.len; i++) {
        struct vg_str bad = vg_str_dup(a, sealed);
        ((char *)(uintptr_t)bad.ptr)[i] ^= 1;
        assert_false(vg_unseal(a, key, VG_STR("sts"), bad, &plain));
    }
    assert_false(vg_unseal(a, key, VG_STR("sts"), vg_str_slice(sealed, 0, 27), &plain));
    struct vg_str none = vg_seal(rnd, a, key, VG_STR("sts"), VG_STR(""));
    assert_true(vg_unseal(a, key, VG_STR("sts"), none, &plain));
    assert_int_equal(plain.len, 0);
    vg_random_free(rnd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_repeats_and_the_kernel_does_not),
        cmocka_unit_test(a_seal_opens_only_with_its_key_and_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
