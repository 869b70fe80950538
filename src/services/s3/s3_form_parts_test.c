/* SPDX-License-Identifier: Apache-2.0 */

/* Bodies of forms, as RFC 7578 and RFC 2046, section 5.1, have them. */

#include "services/s3/s3_form_parts.h"

#include "base/test.h"

/* What comes of a body in pieces of that size: "[name|filename]content." and "!" or "#" (closed).
 */
static struct vg_str
taken_apart(struct vg_arena *arena, struct vg_str body, size_t piece)
{
    struct s3_form_parts p;
    struct vg_buf b;
    enum s3_part_event event = S3_PART_MORE;
    s3_form_parts_init(&p, arena, VG_STR("B-1"));
    vg_buf_init(&b, arena, 1u << 20);
    while (body.len > 0 && event != S3_PART_CLOSED && event != S3_PART_BAD) {
        struct vg_str rest = vg_str_slice(body, 0, piece), data;
        body = vg_str_slice(body, rest.len, body.len);
        do {
            event = s3_form_parts_next(&p, &rest, &data);
            if (event == S3_PART_HEAD)
                vg_buf_addf(&b, "[%" VG_FMT "|%" VG_FMT "]", VG_ARG(p.name),
                            VG_ARG(p.filename.ptr ? p.filename : VG_STR("-")));
            if (event == S3_PART_DATA)
                vg_buf_adds(&b, data);
            if (event == S3_PART_END)
                vg_buf_addc(&b, '.');
        } while (event != S3_PART_MORE && event != S3_PART_CLOSED && event != S3_PART_BAD);
    }
    if (event == S3_PART_CLOSED || event == S3_PART_BAD)
        vg_buf_addc(&b, event == S3_PART_BAD ? '!' : '#');
    return vg_buf_str(&b);
}

#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static void
bodies_are_taken_apart_whatever_pieces_they_come_in(void **state)
{
    (void)state;
    static const struct {
        struct vg_str body;
        const char *want;
    } all[] = {
        { VG_STR_INIT("--B-1\r\n" FIELD("key") "a\r\n--B-1--\r\n"), "[key|-]a.#" },
        { VG_STR_INIT("--B-1\r\n" FIELD("a") "1\r\n--B-1\r\n" FIELD("b") "2\r\n--B-1--"),
          "[a|-]1.[b|-]2.#" },
        /* a preamble, padding behind delimiters, an epilogue */
        { VG_STR_INIT("hello\r\n--B-1 \t\r\n" FIELD("a") "1\r\n--B-1--\r\nbye --B-1\r\n"),
          "[a|-]1.#" },
        /* nothing in it, with the line break that the delimiter has and without */
        { VG_STR_INIT("--B-1\r\n" FIELD("a") "\r\n--B-1--"), "[a|-].#" },
        { VG_STR_INIT("--B-1\r\n" FIELD("a") "--B-1--"), "[a|-].#" },
        /* what looks like a delimiter */
        { VG_STR_INIT("--B-1\r\n" FIELD("a") "\r\n-\r\r\n--B\r\n--B-2\r\n--\r\n--B-1--"),
          "[a|-]\r\n-\r\r\n--B\r\n--B-2\r\n--.#" },
        /* names: any case, bare, escaped; the first of two counts */
        { VG_STR_INIT("--B-1\r\nX: y\r\ncontent-disposition:form-data;NAME=file;filename=\"C:\\a "
                      "\\\"b\\\".txt\"; x\r\nContent-Type: text/plain\r\n\r\n1\r\n--B-1--"),
          "!" },
        { VG_STR_INIT("--B-1\r\nX: y\r\ncontent-disposition:form-data;NAME=file;filename=\"C:\\a "
                      "\\\"b\\\".txt\" ;\r\nContent-Type: text/plain\r\n\r\n1\r\n--B-1--"),
          "[file|C:\\a \"b\".txt]1.#" },
        { VG_STR_INIT("--B-1\r\nContent-Disposition: form-data; name=\"a;=b\"; name=c\r\n\r\n"
                      "\r\n--B-1--"),
          "[a;=b|-].#" },
        { VG_STR_INIT("--B-1\r\nContent-Disposition: form-data; name=a; filename=\"\"\r\n\r\n"
                      "\r\n--B-1--"),
          "[a|].#" },
        /* not well-formed */
        { VG_STR_INIT("--B-1\r\n\r\n1\r\n--B-1--"), "!" },
        { VG_STR_INIT("--B-1\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B-1--"), "!" },
        { VG_STR_INIT("--B-1\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--B-1--"),
          "!" },
        { VG_STR_INIT("--B-1x\r\n" FIELD("a") "1\r\n--B-1--"), "!" },
        { VG_STR_INIT("--B-1-x\r\n" FIELD("a") "1\r\n--B-1--"), "!" },
        { VG_STR_INIT("--B-1\n" FIELD("a") "1\r\n--B-1--"), "!" },
        /* cut short */
        { VG_STR_INIT("--B-1\r\n" FIELD("a") "1\r\n--B-1"), "[a|-]1." },
        { VG_STR_INIT("key=k&file=x"), "" },
        { VG_STR_INIT(""), "" },
    };
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        for (size_t piece = 1; piece <= all[i].body.len + 1; piece++) {
            struct vg_str got = taken_apart(arena, all[i].body, piece);
            if (!vg_str_eq(got, vg_str_of(all[i].want)))
                fail_msg("case %zu by %zu: %" VG_FMT, i, piece, VG_ARG(got));
        }
    }
}

static void
heads_have_a_ceiling(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_buf b;
    vg_buf_init(&b, arena, 1u << 20);
    vg_buf_adds(&b, VG_STR("--B-1\r\nX: "));
    for (size_t i = 0; i < S3_PART_HEAD_MAX_BYTES; i++)
        vg_buf_addc(&b, 'x');
    vg_buf_adds(&b, VG_STR("\r\n" FIELD("a")));
    assert_str(taken_apart(arena, vg_buf_str(&b), 1000), "!");
}

static void
boundaries_are_found(void **state)
{
    (void)state;
#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789"
    static const struct {
        const char *type, *boundary; /* NULL: none */
        bool is_form;
    } all[] = {
        { "multipart/form-data; boundary=abc", "abc", true },
        { "Multipart/Form-Data;charset=utf-8 ; BOUNDARY=\"a b;c\"", "a b;c", true },
        { "multipart/form-data; boundary=" LONG, LONG, true },
        { "multipart/form-data; boundary=" LONG "0", NULL, true },
        { "multipart/form-data; boundary=", NULL, true },
        { "multipart/form-data; boundary=\"a", NULL, true },
        { "multipart/form-data", NULL, true },
        { "multipart/mixed; boundary=abc", "abc", false },
        { "text/html", NULL, false },
        { "", NULL, false },
    };
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str got = s3_form_boundary(arena, vg_str_of(all[i].type));
        assert_true(vg_str_eq(got, vg_str_of(all[i].boundary)));
        assert_true((got.ptr != NULL) == (all[i].boundary != NULL));
        assert_true(s3_form_is(vg_str_of(all[i].type)) == all[i].is_form);
    }
    assert_false(s3_form_is(VG_STR_NONE));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_taken_apart_whatever_pieces_they_come_in),
        cmocka_unit_test(heads_have_a_ceiling),
        cmocka_unit_test(boundaries_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
