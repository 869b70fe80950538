/* SPDX-License-Identifier: Apache-2.0 */
#include "http/chunks.h"

#define SIZE_DIGITS_MAX 15u

enum state {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    END,
    BAD,
};

static int
hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What may stand in an extension or a trailer's value: no control but the tab. */
static bool
is_text(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool
is_token(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static enum state
after_size(struct vg_chunks *c, unsigned char ch)
{
    int digit = hex_value(ch);
    if (digit >= 0) {
        if (++c->n_digits > SIZE_DIGITS_MAX)
            return BAD;
        c->left = c->left * 16 + (uint64_t)digit;
        return SIZE;
    }
    if (c->n_digits == 0)
        return BAD;
    return ch == '\r' ? SIZE_LF : ch == ';' ? EXTENSION : BAD;
}

static enum state
after_extension(struct vg_chunks *c, unsigned char ch)
{
    if (ch == '\r')
        return SIZE_LF;
    return is_text(ch) && ++c->ext_bytes <= VG_CHUNK_EXT_MAX_BYTES ? EXTENSION : BAD;
}

static enum state
after_trailer(struct vg_chunks *c, unsigned char ch)
{
    if (++c->trailer_bytes > VG_TRAILERS_MAX_BYTES)
        return BAD;
    switch ((enum state)c->state) {
    case TRAILER_START:
        return ch == '\r' ? END_LF : is_token(ch) ? TRAILER_NAME : BAD;
    case TRAILER_NAME:
        return ch == ':' ? TRAILER_VALUE : is_token(ch) ? TRAILER_NAME : BAD;
    default:
        return ch == '\r' ? TRAILER_LF : is_text(ch) ? TRAILER_VALUE : BAD;
    }
}

/* The state after one byte of framing. */
static enum state
step(struct vg_chunks *c, unsigned char ch)
{
    switch ((enum state)c->state) {
    case SIZE:
        return after_size(c, ch);
    case EXTENSION:
        return after_extension(c, ch);
    case SIZE_LF:
        c->n_digits = 0;
        return ch != '\n' ? BAD : c->left ? DATA : TRAILER_START;
    case DATA_CR:
        return ch == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        return ch == '\n' ? SIZE : BAD;
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return after_trailer(c, ch);
    case TRAILER_LF:
        return ch == '\n' ? TRAILER_START : BAD;
    case END_LF:
        return ch == '\n' ? END : BAD;
    case DATA:
    case END:
    case BAD:
        break;
    }
    return BAD;
}

enum vg_chunks_result
vg_chunks_next(struct vg_chunks *c, struct vg_str in, size_t *ret_used, struct vg_str *ret_data)
{
    size_t at = 0;
    while (at < in.len && c->state != END && c->state != BAD) {
        if (c->state == DATA) {
            size_t n = (size_t)VG_MIN((uint64_t)(in.len - at), c->left);
            c->left -= n;
            if (c->left == 0)
                c->state = DATA_CR;
            *ret_data = vg_str_n(in.ptr + at, n);
            *ret_used = at + n;
            return VG_CHUNKS_DATA;
        }
        c->state = (int)step(c, (unsigned char)in.ptr[at++]);
    }
    *ret_used = at;
    return c->state == END ? VG_CHUNKS_END : c->state == BAD ? VG_CHUNKS_BAD : VG_CHUNKS_MORE;
}
