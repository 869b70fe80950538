/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CODEC_JSON_H
#define VG_CODEC_JSON_H

/*
 * A strict pull parser for JSON (RFC 8259) and a writer.
 *
 * The parser builds no tree: each vg_json_next() gives one token.  Strings without escapes point
 * into the input, others into the arena; numbers keep their text.  Depth is bounded by
 * VG_JSON_DEPTH_MAX (limits.h), strings must be well-formed UTF-8 (a lone surrogate escape is an
 * error), nothing may follow the value.  After VG_JSON_ERROR every further call gives the same. Not
 * thread-safe, no allocation but for unescaped strings.
 */

#include "base/buf.h"

enum vg_json_tok {
    VG_JSON_ERROR,
    VG_JSON_END, /* the value is complete and only white space followed */
    VG_JSON_NULL,
    VG_JSON_TRUE,
    VG_JSON_FALSE,
    VG_JSON_NUMBER, /* text: as written                          */
    VG_JSON_STRING, /* text: unescaped                           */
    VG_JSON_KEY,    /* text: unescaped; its value follows        */
    VG_JSON_OBJECT, /* { */
    VG_JSON_OBJECT_END,
    VG_JSON_ARRAY, /* [ */
    VG_JSON_ARRAY_END,
};

struct vg_json {
    const char *start, *p, *end;
    const char *token; /* first byte of the last token */
    struct vg_arena *arena;
    struct vg_str text; /* of the last NUMBER, STRING or KEY */
    const char *why;    /* after VG_JSON_ERROR: what is wrong, a constant */
    enum vg_json_tok last;
    uint32_t depth;
    uint32_t state;        /* parser's own */
    uint64_t is_object[2]; /* one bit a level: what is open (VG_JSON_DEPTH_MAX levels) */
};

void vg_json_init(struct vg_json *js, struct vg_str text, struct vg_arena *arena);
enum vg_json_tok vg_json_next(struct vg_json *js) VG_MUST_USE;
/*
 * With `tok` just taken: skips the rest of the value it begins (nothing for a scalar).
 * False after an error.
 */
bool vg_json_skip(struct vg_json *js, enum vg_json_tok tok) VG_MUST_USE;
/* As vg_json_skip(), and gives the value's source text, from its first byte to its last. */
bool vg_json_raw(struct vg_json *js, enum vg_json_tok tok, struct vg_str *ret) VG_MUST_USE;
size_t vg_json_offset(const struct vg_json *js); /* of the next byte to be read */

/*
 * The writer: keeps the commas right; nesting is the caller's.  Text is escaped as JSON needs and
 * no more; bytes that are not UTF-8 become U+FFFD.
 */
struct vg_json_out {
    struct vg_buf *buf;
    bool need_comma;
};

void vg_jsonw_init(struct vg_json_out *w, struct vg_buf *buf);
void vg_jsonw_object(struct vg_json_out *w);
void vg_jsonw_object_end(struct vg_json_out *w);
void vg_jsonw_array(struct vg_json_out *w);
void vg_jsonw_array_end(struct vg_json_out *w);
void vg_jsonw_key(struct vg_json_out *w, struct vg_str key);
void vg_jsonw_str(struct vg_json_out *w, struct vg_str s);
void vg_jsonw_i64(struct vg_json_out *w, int64_t v);
void vg_jsonw_f64(struct vg_json_out *w, double v); /* shortest text that reads back as v */
void vg_jsonw_bool(struct vg_json_out *w, bool v);
void vg_jsonw_null(struct vg_json_out *w);
void vg_jsonw_raw(struct vg_json_out *w, struct vg_str json); /* one whole value, as it is */

/*
 * The shortest decimal text that reads back as v, of at most VG_F64_TEXT_MAX bytes; not a number
 * and the infinities are NaN, Infinity, -Infinity (which vg_jsonw_f64() puts in quotes, as Smithy
 * does).
 */
#define VG_F64_TEXT_MAX 32u
size_t vg_f64_text(double v, char to[VG_F64_TEXT_MAX]);
/* The whole of `s` as a JSON number's text, correctly rounded; false when it is none. */
bool vg_f64_parse(struct vg_str s, double *ret);

/* key and value in one: the common case. */
void vg_jsonw_kv(struct vg_json_out *w, struct vg_str key, struct vg_str value);
void vg_jsonw_kv_i64(struct vg_json_out *w, struct vg_str key, int64_t value);

#endif
