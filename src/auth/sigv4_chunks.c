/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sigv4_chunks.h"

#include "auth/sigv4_int.h"
#include "wire/shape.h"

#define TO_SIGN_MAX_BYTES (66u << 10) /* the scope is the client's, as long as a head may be */

enum { AT_LINE, AT_DATA, AT_DATA_END, AT_LAST_END, AT_TRAILER, AT_END };

/* <Chunk>2</Chunk><BadChunkSize>3</BadChunkSize> beside the message, as S3 answers. */
struct bad_size {
    struct vg_opt_i64 chunk, size;
};
static const struct vg_shape long_shape = { .type = VG_T_LONG, .size = sizeof(int64_t) };
static const struct vg_member bad_size_members[] = {
    { .name = VG_STR_INIT("Chunk"),
      .wire = VG_STR_INIT("Chunk"),
      .shape = &long_shape,
      .offset = offsetof(struct bad_size, chunk) },
    { .name = VG_STR_INIT("BadChunkSize"),
      .wire = VG_STR_INIT("BadChunkSize"),
      .shape = &long_shape,
      .offset = offsetof(struct bad_size, size) },
};
static const struct vg_shape bad_size_shape = { .type = VG_T_STRUCT,
                                                .size = sizeof(struct bad_size),
                                                .members = bad_size_members,
                                                .n_members = 2 };
static const struct vg_errdef bad_size_def = { .code = VG_STR_INIT("InvalidChunkSizeError"),
                                               .http_status = 403,
                                               .is_sender_fault = true,
                                               .shape = &bad_size_shape };

static vg_rc
fail(const struct vg_sigv4_chunks *c, enum vg_authn_why why, struct vg_err *err)
{
    return vg_authn_fail(err, c->family, why, VG_STR_NONE);
}

bool
vg_sigv4_chunks_length(const struct vg_sigv4_request *rq, int64_t *ret)
{
    struct vg_str text = vg_sigv4_header(rq, VG_STR("x-amz-decoded-content-length"));
    return vg_str_to_i64(text, ret) && *ret >= 0;
}

vg_rc
vg_sigv4_chunks_init(struct vg_sigv4_chunks *c, struct vg_arena *arena,
                     const struct vg_sigv4_request *rq, const struct vg_sigv4_rules *rules,
                     const struct vg_sigv4 *sig, struct vg_str secret, struct vg_sigv4_keys *keys,
                     struct vg_err *err)
{
    VG_ASSERT(sig->payload == VG_PAYLOAD_CHUNKED);
    *c = (struct vg_sigv4_chunks) { .arena = arena, .family = rules->family, .sig = sig };
    if (!vg_sigv4_chunks_length(rq, &c->left_bytes))
        return fail(c, VG_AUTHN_NO_LENGTH, err);
    c->announced = vg_sigv4_header(rq, VG_STR("x-amz-trailer"));
    vg_buf_init(&c->trailer_text, arena, VG_AWS_TRAILERS_MAX_BYTES);
    vg_buf_init(&c->to_sign, arena, TO_SIGN_MAX_BYTES);
    vg_hash_init(&c->hash, VG_HASH_SHA256);
    if (!sig->is_chunk_signed)
        return VG_OK;
    if (sig->signature.len > sizeof(c->previous))
        return fail(c, VG_AUTHN_MISMATCH, err);
    c->previous_len = sig->signature.len;
    memcpy(c->previous, sig->signature.ptr, sig->signature.len);
    while (c->previous_len > 0 && c->previous[c->previous_len - 1] == '*')
        c->previous_len--;
    struct vg_sigv4_key key;
    vg_sigv4_key(sig, secret, keys, &key);
    c->key = vg_secret_in(arena, vg_str_n(&key, sizeof(key)));
    vg_zero(&key, sizeof(key));
    c->scope = vg_sigv4_scope(arena, sig);
    return VG_OK;
}

/* --- signatures --------------------------------------------------------------------------------
 */

/* Of a chunk (its digest) or of the trailers (theirs), chained to the one before. */
static vg_rc
verify(struct vg_sigv4_chunks *c, bool is_trailer, const uint8_t digest[VG_SHA256_BYTES],
       struct vg_str claimed, struct vg_err *err)
{
    const struct vg_sigv4 *sig = c->sig;
    char hex[2 * VG_SHA256_BYTES];
    struct vg_buf *b = &c->to_sign;
    vg_hex_put(hex, digest, VG_SHA256_BYTES);
    vg_buf_clear(b);
    vg_buf_addf(b, "%s-%s\n%" VG_FMT "\n%" VG_FMT "\n%" VG_FMT "\n%s%" VG_FMT,
                vg_sigv4_algorithm(sig), is_trailer ? "TRAILER" : "PAYLOAD", VG_ARG(sig->amz_date),
                VG_ARG(c->scope), VG_ARG(vg_str_n(c->previous, c->previous_len)),
                is_trailer ? ""
                           : "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
                VG_ARG(vg_str_n(hex, sizeof(hex))));
    struct vg_sigv4_key key;
    memcpy(&key, c->key.ptr, sizeof(key));
    bool is_right = !b->over && vg_sigv4_is_signature(&key, vg_buf_str(b), claimed);
    vg_zero(&key, sizeof(key));
    if (!is_right)
        return fail(c, VG_AUTHN_MISMATCH, err);
    while (claimed.len > 0 && claimed.ptr[claimed.len - 1] == '*') /* 4A's padding is not signed */
        claimed.len--;
    if (claimed.len > sizeof(c->previous))
        return fail(c, VG_AUTHN_MISMATCH, err);
    c->previous_len = claimed.len;
    memcpy(c->previous, claimed.ptr, claimed.len);
    return VG_OK;
}

static vg_rc
end_chunk(struct vg_sigv4_chunks *c, struct vg_err *err)
{
    uint8_t digest[VG_HASH_MAX_BYTES];
    if (!c->sig->is_chunk_signed)
        return VG_OK;
    vg_hash_end(&c->hash, digest);
    vg_hash_init(&c->hash, VG_HASH_SHA256);
    return verify(c, false, digest, vg_str_n(c->claimed, c->claimed_len), err);
}

/* --- lines -------------------------------------------------------------------------------------
 */

/* 1 to 15 hexadecimal digits. */
static bool
size_of(struct vg_str s, int64_t *ret)
{
    int64_t v = 0;
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];
        int digit = ch >= '0' && ch <= '9'   ? ch - '0'
                    : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
                    : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                             : -1;
        if (digit < 0)
            return false;
        v = v * 16 + digit;
    }
    *ret = v;
    return s.len >= 1 && s.len <= 15;
}

static vg_rc
small_chunk(const struct vg_sigv4_chunks *c, struct vg_err *err)
{
    vg_rc rc = fail(c, VG_AUTHN_CHUNK_SIZE, err);
    if (c->family != VG_AUTHN_S3)
        return rc;
    struct bad_size *detail = VG_NEW(c->arena, struct bad_size);
    detail->chunk = (struct vg_opt_i64) { true, c->n_chunks + 1 };
    detail->size = (struct vg_opt_i64) { true, c->chunk_size };
    err->def = &bad_size_def;
    err->detail = detail;
    return rc;
}

/* "400;chunk-signature=…", or "400" where chunks are not signed. */
static vg_rc
begin_chunk(struct vg_sigv4_chunks *c, struct vg_str line, struct vg_err *err)
{
    int64_t size;
    struct vg_str rest = line;
    if (!size_of(vg_str_cut(&rest, ';'), &size) || c->sig->is_chunk_signed != (rest.ptr != NULL))
        return fail(c, VG_AUTHN_BODY_CUT, err);
    if (c->sig->is_chunk_signed) {
        struct vg_str value = rest;
        if (!vg_str_eq(vg_str_cut(&value, '='), VG_STR("chunk-signature"))
            || value.len > sizeof(c->claimed))
            return fail(c, VG_AUTHN_BODY_CUT, err);
        c->claimed_len = value.len;
        if (value.len > 0)
            memcpy(c->claimed, value.ptr, value.len);
    }
    if (size > 0 && c->n_chunks > 0 && c->chunk_size < VG_AWS_CHUNK_MIN_BYTES)
        return small_chunk(c, err);
    if (size > c->left_bytes || (size == 0 && c->left_bytes > 0))
        return fail(c, VG_AUTHN_BODY_CUT, err);
    c->chunk_size = c->chunk_left = size;
    c->n_chunks++;
    c->state = AT_DATA;
    if (size > 0)
        return VG_OK;
    c->state = c->sig->has_trailer ? AT_TRAILER : AT_LAST_END;
    return end_chunk(c, err);
}

static bool
is_announced(const struct vg_sigv4_chunks *c, struct vg_str name)
{
    struct vg_str rest = c->announced;
    while (rest.ptr)
        if (vg_str_eq_nocase(vg_str_trim(vg_str_cut(&rest, ',')), name))
            return true;
    return false;
}

/* After the last line: all that was announced must have come. */
static vg_rc
end_trailers(struct vg_sigv4_chunks *c, struct vg_err *err)
{
    struct vg_str rest = c->announced;
    while (rest.ptr) {
        struct vg_str name = vg_str_trim(vg_str_cut(&rest, ','));
        if (name.len > 0 && !vg_sigv4_chunks_trailer(c, name).ptr)
            return fail(c, VG_AUTHN_BAD_TRAILER, err);
    }
    c->state = AT_END;
    c->is_over = true;
    return VG_OK;
}

static vg_rc
trailer_line(struct vg_sigv4_chunks *c, struct vg_str line, struct vg_err *err)
{
    bool is_signed = c->sig->is_chunk_signed;
    /* AWS's example sets the signed trailers off by an empty line, its SDKs do not. */
    if (line.len == 0 && is_signed && !c->is_trailer_read)
        return VG_OK;
    if (line.len == 0)
        return end_trailers(c, err);
    struct vg_str value = line;
    struct vg_str name = vg_str_lower(c->arena, vg_str_trim(vg_str_cut(&value, ':')));
    value = vg_str_trim(value);
    if (value.ptr == NULL || name.len == 0 || c->is_trailer_read)
        return fail(c, VG_AUTHN_BAD_TRAILER, err);
    if (is_signed && vg_str_eq(name, VG_STR("x-amz-trailer-signature"))) {
        uint8_t digest[VG_SHA256_BYTES];
        c->is_trailer_read = true;
        vg_sha256(vg_buf_str(&c->trailer_text), digest);
        return verify(c, true, digest, value, err);
    }
    if (c->trailers.len >= VG_AWS_TRAILERS_MAX || !is_announced(c, name)
        || vg_sigv4_chunks_trailer(c, name).ptr)
        return fail(c, VG_AUTHN_BAD_TRAILER, err);
    vg_buf_addf(&c->trailer_text, "%" VG_FMT ":%" VG_FMT "\n", VG_ARG(name), VG_ARG(value));
    *VG_VEC_ADD(c->arena, &c->trailers) =
        (struct vg_sigv4_header) { name, vg_str_dup(c->arena, value) };
    return c->trailer_text.over ? fail(c, VG_AUTHN_BAD_TRAILER, err) : VG_OK;
}

/* One whole line without its end. */
static vg_rc
line_read(struct vg_sigv4_chunks *c, struct vg_err *err)
{
    bool is_trailer = c->state == AT_TRAILER;
    struct vg_str line = vg_str_n(c->line, c->line_len);
    c->line_len = 0;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    else if (!is_trailer) /* AWS's text of a trailer ends in a bare LF */
        return fail(c, VG_AUTHN_BODY_CUT, err);
    if (c->state == AT_LINE)
        return begin_chunk(c, line, err);
    if (is_trailer)
        return trailer_line(c, line, err);
    if (line.len > 0)
        return fail(c, VG_AUTHN_BODY_CUT, err);
    c->is_over = c->state == AT_LAST_END;
    c->state = c->is_over ? AT_END : AT_LINE;
    return VG_OK;
}

static vg_rc
take_line(struct vg_sigv4_chunks *c, struct vg_str in, size_t *ret_used, struct vg_err *err)
{
    size_t end = vg_str_find_char(in, '\n');
    size_t n = end == VG_NPOS ? in.len : end;
    size_t max = c->state == AT_TRAILER ? sizeof(c->line)
                 : c->state == AT_LINE  ? VG_AWS_CHUNK_LINE_MAX_BYTES
                                        : 1; /* its CR */
    if (n > max - c->line_len)
        return fail(c, c->state == AT_TRAILER ? VG_AUTHN_BAD_TRAILER : VG_AUTHN_BODY_CUT, err);
    memcpy(c->line + c->line_len, in.ptr, n);
    c->line_len += n;
    *ret_used = n + (end != VG_NPOS);
    return end == VG_NPOS ? VG_OK : line_read(c, err);
}

vg_rc
vg_sigv4_chunks_next(struct vg_sigv4_chunks *c, struct vg_str in, size_t *ret_used,
                     struct vg_str *ret_data, struct vg_err *err)
{
    *ret_used = 0;
    *ret_data = VG_STR("");
    if (in.len == 0)
        return VG_OK;
    if (c->state == AT_END)
        return fail(c, VG_AUTHN_BODY_CUT, err);
    if (c->state != AT_DATA)
        return take_line(c, in, ret_used, err);
    size_t n = (size_t)VG_MIN(c->chunk_left, (int64_t)in.len);
    *ret_data = vg_str_slice(in, 0, n);
    *ret_used = n;
    if (c->sig->is_chunk_signed)
        vg_hash_add(&c->hash, *ret_data);
    c->chunk_left -= (int64_t)n;
    c->left_bytes -= (int64_t)n;
    if (c->chunk_left > 0)
        return VG_OK;
    c->state = AT_DATA_END;
    return end_chunk(c, err);
}

vg_rc
vg_sigv4_chunks_end(struct vg_sigv4_chunks *c, struct vg_err *err)
{
    return c->is_over ? VG_OK : fail(c, VG_AUTHN_BODY_CUT, err);
}

struct vg_str
vg_sigv4_chunks_trailer(const struct vg_sigv4_chunks *c, struct vg_str name)
{
    for (size_t i = 0; i < c->trailers.len; i++)
        if (vg_str_eq_nocase(c->trailers.items[i].name, name))
            return c->trailers.items[i].value;
    return VG_STR_NONE;
}
