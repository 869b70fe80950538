/* SPDX-License-Identifier: Apache-2.0 */

/* Ciphertexts, and how keys are named. */

#include "services/kms/kms_cipher.h"

#include "base/arena.h"
#include "base/test.h"
#include "crypto/random.h"
#include "services/kms/kms_name.h"

#include <stdlib.h>

#define KEY_ID VG_STR("1234abcd-12ab-34cd-56ef-1234567890ab")

struct fixture {
    struct vg_arena *arena;
    struct vg_random *random;
    uint8_t material[KMS_CIPHER_KEY];
    struct kms_blob of;
};

static int
setup(void **state)
{
    struct fixture *t = vg_xalloc(sizeof(*t));
    t->arena = vg_arena_new(0);
    t->random = vg_random_new(1, NULL);
    vg_random_bytes(t->random, t->material, sizeof(t->material));
    t->of = (struct kms_blob) { VG_STR("000000000042"), KEY_ID, 7 };
    *state = t;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *t = *state;
    vg_random_free(t->random);
    vg_arena_free(t->arena);
    free(t);
    return 0;
}

static struct vg_str
sealed(struct fixture *t, struct vg_str context)
{
    return kms_blob_seal(t->random, t->arena, t->material, &t->of, context, VG_STR("hello"));
}

static void
a_ciphertext_knows_its_key_and_opens_with_it(void **state)
{
    struct fixture *t = *state;
    struct vg_str blob = sealed(t, VG_STR("c")), plain;
    struct kms_blob of;
    assert_true(kms_blob_parse(t->arena, blob, &of));
    assert_str(of.account, "000000000042");
    assert_true(vg_str_eq(of.key_id, KEY_ID));
    assert_int_equal(of.version, 7);
    assert_true(kms_blob_open(t->arena, t->material, blob, VG_STR("c"), &plain));
    assert_str(plain, "hello");
    assert_false(kms_blob_open(t->arena, t->material, blob, VG_STR("d"), &plain));
    t->material[0] ^= 1;
    assert_false(kms_blob_open(t->arena, t->material, blob, VG_STR("c"), &plain));
}

static void
no_byte_of_a_ciphertext_can_be_changed(void **state)
{
    struct fixture *t = *state;
    struct vg_str blob = sealed(t, VG_STR("c")), plain;
    for (size_t i = 0; i < blob.len; i++) {
        char *other = vg_arena_copy(t->arena, blob.ptr, blob.len);
        struct vg_str changed = vg_str_n(other, blob.len);
        struct kms_blob of;
        other[i] ^= 1;
        assert_false(kms_blob_open(t->arena, t->material, changed, VG_STR("c"), &plain));
        if (i == 0)
            assert_false(kms_blob_parse(t->arena, changed, &of));
    }
    for (size_t n = 0; n < blob.len; n++)
        assert_false(
            kms_blob_open(t->arena, t->material, vg_str_slice(blob, 0, n), VG_STR("c"), &plain));
}

static void
what_is_no_ciphertext_is_not_taken_for_one(void **state)
{
    struct fixture *t = *state;
    struct kms_blob of;
    struct vg_str blob = sealed(t, VG_STR(""));
    char *other = vg_arena_copy(t->arena, blob.ptr, blob.len);
    assert_false(kms_blob_parse(t->arena, VG_STR(""), &of));
    assert_false(kms_blob_parse(t->arena, vg_str_slice(blob, 0, KMS_HEADER_BYTES), &of));
    other[1] = 1; /* an account of more than twelve digits */
    assert_false(kms_blob_parse(t->arena, vg_str_n(other, blob.len), &of));
}

/* "The order of the encryption context pairs … does not need to match":
 * https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html */
static void
the_order_of_a_context_does_not_count(void **state)
{
    struct fixture *t = *state;
    struct kms_pair ab[] = { { VG_STR("a"), VG_STR("1") }, { VG_STR("b"), VG_STR("2") } };
    struct kms_pair ba[] = { { VG_STR("b"), VG_STR("2") }, { VG_STR("a"), VG_STR("1") } };
    struct kms_pair moved[] = { { VG_STR("a1"), VG_STR("") }, { VG_STR("b"), VG_STR("2") } };
    struct kms_pair upper[] = { { VG_STR("A"), VG_STR("1") }, { VG_STR("b"), VG_STR("2") } };
    struct vg_str one = kms_context_bytes(t->arena, ab, 2);
    assert_true(vg_str_eq(one, kms_context_bytes(t->arena, ba, 2)));
    assert_false(vg_str_eq(one, kms_context_bytes(t->arena, moved, 2)));
    assert_false(vg_str_eq(one, kms_context_bytes(t->arena, upper, 2)));
    assert_int_equal(kms_context_bytes(t->arena, NULL, 0).len, 0);
}

/* "key ID, key ARN, alias name, or alias ARN":
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html */
static void
keys_have_four_kinds_of_names(void **state)
{
    (void)state;
    static const struct {
        struct vg_str text;
        bool is_name, is_alias;
        const char *name;
    } cases[] = {
        { VG_STR_INIT("1234abcd-12ab-34cd-56ef-1234567890ab"), true, false,
          "1234abcd-12ab-34cd-56ef-1234567890ab" },
        { VG_STR_INIT(
              "arn:aws:kms:eu-west-1:000000000000:key/mrk-1234abcd12ab34cd56ef1234567890ab"),
          true, false, "mrk-1234abcd12ab34cd56ef1234567890ab" },
        { VG_STR_INIT("alias/a/b"), true, true, "alias/a/b" },
        { VG_STR_INIT("arn:aws:kms:eu-west-1:000000000000:alias/x"), true, true, "alias/x" },
        { VG_STR_INIT("alias/"), false, false, NULL },
        { VG_STR_INIT(""), false, false, NULL },
        { VG_STR_INIT("fake-key-id"), false, false, NULL },
        { VG_STR_INIT("1234abcd-12ab-34cd-56ef-1234567890aB"), true, false,
          "1234abcd-12ab-34cd-56ef-1234567890aB" },
        { VG_STR_INIT("1234abcd-12ab-34cd-56ef-1234567890ag"), false, false, NULL },
        { VG_STR_INIT("1234abcd_12ab-34cd-56ef-1234567890ab"), false, false, NULL },
        { VG_STR_INIT("arn:aws:kms:eu-west-1:000000000000:key/12ab"), false, false, NULL },
        { VG_STR_INIT("arn:aws:kms:eu-west-1:000000000000:key/"), false, false, NULL },
        { VG_STR_INIT("arn:aws:kms:eu-west-1:000000000000:other/x"), false, false, NULL },
        { VG_STR_INIT("arn:aws:kms:eu-west-1:000000000000"), false, false, NULL },
        { VG_STR_INIT("arn:aws:s3:::bucket"), false, false, NULL },
        { VG_STR_INIT("arn:aws:kms::000000000000:key/12ab"), false, false, NULL },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct kms_name name;
        assert_int_equal(kms_name_parse(cases[i].text, &name), cases[i].is_name);
        if (!cases[i].is_name)
            continue;
        assert_int_equal(name.is_alias, cases[i].is_alias);
        assert_true(vg_str_eq(name.name, vg_str_of(cases[i].name)));
        if (vg_str_starts(cases[i].text, VG_STR("arn:")))
            assert_str(name.account, "000000000000");
    }
}

#define ON(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(a_ciphertext_knows_its_key_and_opens_with_it),
        ON(no_byte_of_a_ciphertext_can_be_changed),
        ON(what_is_no_ciphertext_is_not_taken_for_one),
        ON(the_order_of_a_context_does_not_count),
        ON(keys_have_four_kinds_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
