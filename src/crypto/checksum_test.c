/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/checksum.h"

#include "base/test.h"

static const enum vg_checksum_kind crcs[] = { VG_CRC32, VG_CRC32C, VG_CRC64NVME };

/* "check" of https://reveng.sourceforge.io/crc-catalogue/all.htm; FIPS 180-4 for the digests of
 * "abc". */
static void
checksums_match_their_published_values(void **state)
{
    (void)state;
    static const struct {
        enum vg_checksum_kind kind;
        const char *text, *hex;
    } cases[] = {
        { VG_CRC32, "123456789", "cbf43926" },
        { VG_CRC32C, "123456789", "e3069283" },
        { VG_CRC64NVME, "123456789", "ae8b14860a799888" },
        { VG_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { VG_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    };
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct vg_checksum c;
        uint8_t sum[VG_HASH_MAX_BYTES];
        vg_checksum_init(&c, cases[i].kind);
        vg_checksum_add(&c, vg_str_slice(vg_str_of(cases[i].text), 0, 1));
        vg_checksum_add(&c, vg_str_slice(vg_str_of(cases[i].text), 1, SIZE_MAX));
        size_t n = vg_checksum_end(&c, sum);
        assert_int_equal(n, vg_checksum_bytes(cases[i].kind));
        assert_string_equal(vg_str_cstr(a, vg_hex(a, sum, n)), cases[i].hex);
    }
}

/* RFC 3720, B.4: CRC32C of 32 bytes of zeros, of ones, and counting up; what long pieces take is in
 * no publication, so both ways must agree on every length and place. */
static void
both_ways_give_the_same(void **state)
{
    (void)state;
    enum { SIZE = 1200 };
    uint8_t bytes[SIZE] = { 0 };
    assert_true(vg_crc(VG_CRC32C, 0, vg_str_n(bytes, 32)) == 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_true(vg_crc(VG_CRC32C, 0, vg_str_n(bytes, 32)) == 0x62a8ab43);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 131 + i / 7);
    for (size_t k = 0; k < VG_COUNT(crcs); k++)
        for (size_t from = 0; from < 20; from++)
            for (size_t n = 0; n < SIZE - 20; n++) {
                struct vg_str piece = vg_str_n(bytes + from, n);
                assert_true(vg_crc(crcs[k], 77 * n, piece)
                            == vg_crc_portable(crcs[k], 77 * n, piece));
            }
}

static void
a_joined_crc_is_that_of_the_whole(void **state)
{
    (void)state;
    enum { SIZE = 3000 };
    uint8_t bytes[SIZE];
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 5);
    for (size_t k = 0; k < VG_COUNT(crcs); k++) {
        uint64_t whole = vg_crc(crcs[k], 0, vg_str_n(bytes, SIZE));
        for (size_t cut = 0; cut <= SIZE; cut += 125) {
            uint64_t a = vg_crc(crcs[k], 0, vg_str_n(bytes, cut));
            uint64_t b = vg_crc(crcs[k], 0, vg_str_n(bytes + cut, SIZE - cut));
            assert_true(vg_crc_join(crcs[k], a, b, SIZE - cut) == whole);
        }
    }
}

/* Longer than anybody computes here: joining is associative, and doubling a run of zeros must be
 * the same as joining two. */
static void
joining_holds_for_terabytes(void **state)
{
    (void)state;
    const uint64_t tib = (uint64_t)1 << 40;
    for (size_t k = 0; k < VG_COUNT(crcs); k++) {
        uint64_t a = vg_crc(crcs[k], 0, VG_STR("a")), run = vg_crc(crcs[k], 0, VG_STR("\0"));
        for (uint64_t n = 1; n < tib; n *= 2)
            run = vg_crc_join(crcs[k], run, run, n);
        uint64_t two = vg_crc_join(crcs[k], vg_crc_join(crcs[k], a, run, tib), run, tib);
        assert_true(two == vg_crc_join(crcs[k], a, vg_crc_join(crcs[k], run, run, tib), 2 * tib));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_match_their_published_values),
        cmocka_unit_test(both_ways_give_the_same),
        cmocka_unit_test(a_joined_crc_is_that_of_the_whole),
        cmocka_unit_test(joining_holds_for_terabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
