/* SPDX-License-Identifier: Apache-2.0 */

/* Metadata in headers; the first two are AWS's own examples, "…_S3?=" is as LocalStack recorded it:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */

#include "services/s3/s3_header_text.h"

#include "base/test.h"

struct case_of {
    const char *header, *text, *back; /* NULL: as it came */
};

static void
words_are_decoded_and_encoded(void **state)
{
    (void)state;
    static const struct case_of all[] = {
        { "AMAZONS3", "AMAZONS3", NULL },
        { "\xc3\x84M\xc3\x84Z\xc3\x95\xc3\x91 S3",
          "\xc3\x83\xc2\x84M\xc3\x83\xc2\x84Z\xc3\x83\xc2\x95\xc3\x83\xc2\x91 S3",
          "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=" },
        { "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=",
          "\xc3\x83\xc2\x84M\xc3\x83\xc2\x84Z\xc3\x83\xc2\x95\xc3\x83\xc2\x91 S3", NULL },
        { "\xe4", "\xc3\xa4", "=?UTF-8?B?w6Q=?=" },
        { "=?utf-8?q?=C3=A4_b?=", "\xc3\xa4 b", "=?UTF-8?Q?=C3=A4_b?=" },
        { "=?utf-8?b?w6RiX2M/PQ==?=",
          "\xc3\xa4"
          "b_c?=",
          "=?UTF-8?Q?=C3=A4b=5Fc=3F=3D?=" },
        { "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=", "\xc3\x84M\xc3\x84Z\xc3\x95\xc3\x91 S3",
          NULL },
        { "a =?UTF-8?Q?b?= c", "a b c", "a b c" },
        { "=?UTF-8?Q?b?= \t =?UTF-8?Q?c?= =?UTF-8?B?ZA==?=", "bcd", "bcd" },
        { "=?UTF-8?Q?b?= c =?UTF-8?Q?d?=", "b c d", "b c d" },
        { "=?UTF-8?B?Cg==?=", "\n", NULL },
        /* no words of these */
        { "=?UTF-8?B?!?=", "=?UTF-8?B?!?=", NULL },
        { "=?UTF-8?B?/w==?=", "=?UTF-8?B?/w==?=", NULL },
        { "=?UTF-8?Q?=G0?=", "=?UTF-8?Q?=G0?=", NULL },
        { "=?UTF-8?Q?a b?=", "=?UTF-8?Q?a b?=", NULL },
        { "=?UTF-8?X?a?=", "=?UTF-8?X?a?=", NULL },
        { "=?UTF-8?Q?", "=?UTF-8?Q?", NULL },
        { "=?UTF-8?Q", "=?UTF-8?Q", NULL },
        { "=?latin1?Q?a?=", "=?latin1?Q?a?=", NULL },
        { "", "", NULL },
    };
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str text = s3_header_text_decode(arena, vg_str_of(all[i].header));
        struct vg_str back = s3_header_text_encode(arena, text);
        assert_true(vg_str_eq(text, vg_str_of(all[i].text)));
        assert_true(vg_str_eq(back, vg_str_of(all[i].back ? all[i].back : all[i].header)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(words_are_decoded_and_encoded) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
