/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations are the rules of crypto/segment.h; the cipher itself is held to OpenSSL's one-shot
 * use with nonce and mark written out. */
#include "crypto/segment.h"

#include "base/test.h"

#include <openssl/evp.h>
#include <stdlib.h>

static const uint8_t key[VG_SEGMENT_KEY_BYTES] = "a key of thirty-two bytes, indee";

static char *
text_of(struct vg_arena *a, size_t n)
{
    char *text = vg_arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(i * 7 + i / 251);
    return text;
}

/* A whole content, stored. */
static struct vg_str
sealed(struct vg_arena *a, const uint8_t *with, size_t n)
{
    vg_auto_segments struct vg_segments *s = vg_segments_new(with);
    struct vg_str plain = vg_str_n(text_of(a, n), n);
    uint64_t count = vg_segments_count(n);
    char *stored = vg_arena_alloc(a, vg_segments_stored(n));
    for (uint64_t i = 0; i < count; i++)
        vg_segment_seal(s, i, i == count - 1,
                        vg_str_slice(plain, i * VG_SEGMENT_BYTES, (i + 1) * VG_SEGMENT_BYTES),
                        stored + vg_segment_offset(i));
    return vg_str_n(stored, vg_segments_stored(n));
}

/* True when all of what is stored opens and is what text_of() makes. */
static bool
opens(struct vg_arena *a, struct vg_str stored)
{
    vg_auto_segments struct vg_segments *s = vg_segments_new(key);
    uint64_t n;
    if (!vg_segments_plain(stored.len, &n))
        return false;
    char *plain = vg_arena_alloc(a, n + 1);
    uint64_t count = vg_segments_count(n);
    for (uint64_t i = 0; i < count; i++)
        if (!vg_segment_open(s, i, i == count - 1,
                             vg_str_slice(stored, vg_segment_offset(i), vg_segment_offset(i + 1)),
                             plain + i * VG_SEGMENT_BYTES))
            return false;
    assert_memory_equal(plain, text_of(a, n), n);
    return true;
}

static const size_t sizes[] = { 0, 1, 15, 16, 17, 65535, 65536, 65537, 131072, 131073, 200000 };

static void
what_was_sealed_opens(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (size_t i = 0; i < VG_COUNT(sizes); i++)
        assert_true(opens(a, sealed(a, key, sizes[i])));
}

static void
the_format_is_what_the_header_says(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str stored = sealed(a, key, VG_SEGMENT_BYTES + 100);
    const uint8_t nonce[12] = { 1 }, mark = 1;
    uint8_t want[100 + 16], none[16];
    int n;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, &mark, 1), 1);
    assert_int_equal(
        EVP_EncryptUpdate(ctx, want, &n,
                          (const uint8_t *)text_of(a, VG_SEGMENT_BYTES + 100) + VG_SEGMENT_BYTES,
                          100),
        1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, none, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, want + 100), 1);
    EVP_CIPHER_CTX_free(ctx);
    assert_int_equal(stored.len, VG_SEGMENT_BYTES + 16 + sizeof(want));
    assert_memory_equal(stored.ptr + vg_segment_offset(1), want, sizeof(want));
}

static void
sizes_go_both_ways(void **state)
{
    (void)state;
    uint64_t stored_next = 0, n;
    for (uint64_t plain = 0; plain < 3 * VG_SEGMENT_BYTES; plain++) {
        uint64_t stored = vg_segments_stored(plain);
        assert_true(vg_segments_plain(stored, &n) && n == plain);
        for (; stored_next < stored; stored_next++) /* no content is stored in these */
            assert_false(vg_segments_plain(stored_next, &n));
        stored_next = stored + 1;
    }
    const uint64_t max = (uint64_t)50 << 40;
    assert_true(vg_segments_plain(vg_segments_stored(max), &n) && n == max);
}

static void
every_flipped_bit_is_seen(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    vg_auto_segments struct vg_segments *s = vg_segments_new(key);
    struct vg_str stored = sealed(a, key, 100);
    char out[100], *bytes = vg_arena_copy(a, stored.ptr, stored.len);
    for (size_t bit = 0; bit < 8 * stored.len; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        assert_false(vg_segment_open(s, 0, true, vg_str_n(bytes, stored.len), out));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    assert_true(vg_segment_open(s, 0, true, stored, out));
}

static void
what_was_cut_off_or_added_is_seen(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str whole = sealed(a, key, 2 * VG_SEGMENT_BYTES + 40);
    assert_true(opens(a, whole));
    assert_false(opens(a, vg_str_slice(whole, 0, vg_segment_offset(1))));
    assert_false(opens(a, vg_str_slice(whole, 0, vg_segment_offset(2))));
    assert_false(opens(a, vg_str_n("", 0)));
    for (size_t cut = vg_segment_offset(2) - 5; cut < whole.len; cut++)
        assert_false(opens(a, vg_str_slice(whole, 0, cut)));
    char *longer = vg_arena_alloc(a, 2 * whole.len);
    memcpy(longer, whole.ptr, whole.len);
    memcpy(longer + whole.len, whole.ptr, whole.len);
    assert_false(opens(a, vg_str_n(longer, 2 * whole.len)));
    assert_false(opens(a, vg_str_n(longer, whole.len + 1)));
}

static void
what_was_moved_or_taken_from_elsewhere_is_seen(void **state)
{
    (void)state;
    static const uint8_t other[VG_SEGMENT_KEY_BYTES] = "some other key, of another text";
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    enum { N = 3 * VG_SEGMENT_BYTES };
    struct vg_str whole = sealed(a, key, N), foreign = sealed(a, other, N);
    for (size_t to = 0; to < 3; to++)
        for (size_t from = 0; from < 3; from++) {
            char *bytes = vg_arena_copy(a, whole.ptr, whole.len);
            memcpy(bytes + vg_segment_offset(to), whole.ptr + vg_segment_offset(from),
                   VG_SEGMENT_STORED_BYTES);
            assert_int_equal(opens(a, vg_str_n(bytes, whole.len)), from == to);
            memcpy(bytes + vg_segment_offset(to), foreign.ptr + vg_segment_offset(from),
                   VG_SEGMENT_STORED_BYTES);
            assert_false(opens(a, vg_str_n(bytes, whole.len)));
        }
    assert_false(opens(a, foreign));
}

static void
in_place_is_the_same(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    vg_auto_segments struct vg_segments *s = vg_segments_new(key);
    char *bytes = vg_arena_alloc(a, VG_SEGMENT_STORED_BYTES);
    memcpy(bytes, text_of(a, 1000), 1000);
    vg_segment_seal(s, 0, true, vg_str_n(bytes, 1000), bytes);
    assert_memory_equal(bytes, sealed(a, key, 1000).ptr, 1016);
    assert_true(vg_segment_open(s, 0, true, vg_str_n(bytes, 1016), bytes));
    assert_memory_equal(bytes, text_of(a, 1000), 1000);
    vg_segments_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens),
        cmocka_unit_test(the_format_is_what_the_header_says),
        cmocka_unit_test(sizes_go_both_ways),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(what_was_cut_off_or_added_is_seen),
        cmocka_unit_test(what_was_moved_or_taken_from_elsewhere_is_seen),
        cmocka_unit_test(in_place_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
