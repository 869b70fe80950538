/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_header_text.h"

#include "base/buf.h"
#include "codec/base64.h"
#include "crypto/hash.h"

/* One character of ISO 8859-1 as UTF-8. */
static void
add_latin1(struct vg_buf *b, unsigned char c)
{
    if (c >= 0x80)
        vg_buf_addc(b, (char)(0xc0 | c >> 6));
    vg_buf_addc(b, (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c));
}

/* The Q encoding: '_' is a space, "=C3" a byte. False: it is not well-formed. */
static bool
add_quoted(struct vg_buf *b, struct vg_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '=') {
            if (!vg_hex_get(vg_str_slice(text, i + 1, i + 3), &c, 1))
                return false;
            i += 2;
        } else if (c == '_') {
            c = ' ';
        }
        vg_buf_addc(b, c);
    }
    return true;
}

/* The word that `text` begins with, of UTF-8; its length, 0: it begins with none. */
static size_t
add_word(struct vg_buf *b, struct vg_str text)
{
    struct vg_str rest = text, bytes;
    struct vg_buf word;
    if (!vg_str_starts_nocase(text, VG_STR("=?utf-8?")) || text.len < 12 || text.ptr[9] != '?')
        return 0;
    char encoding = text.ptr[8];
    rest = vg_str_slice(text, 10, text.len);
    size_t end = vg_str_find(rest, VG_STR("?="));
    struct vg_str inside = vg_str_slice(rest, 0, end);
    if (end == VG_NPOS || vg_str_find_char(inside, ' ') != VG_NPOS)
        return 0;
    vg_buf_init(&word, b->arena, text.len);
    if (encoding == 'B' || encoding == 'b') {
        if (!vg_base64_decode(b->arena, inside, &bytes))
            return 0;
        vg_buf_adds(&word, bytes);
    } else if ((encoding != 'Q' && encoding != 'q') || !add_quoted(&word, inside)) {
        return 0;
    }
    if (!vg_str_is_utf8(vg_buf_str(&word)))
        return 0;
    vg_buf_adds(b, vg_buf_str(&word));
    return 10 + end + 2;
}

struct vg_str
s3_header_text_decode(struct vg_arena *arena, struct vg_str value)
{
    struct vg_buf b;
    size_t i = 0, gap = 0;
    bool was_word = false;
    vg_buf_init(&b, arena, 2 * value.len + 1);
    while (i < value.len) {
        struct vg_str rest = vg_str_slice(value, i, value.len);
        size_t mark = b.len, n = add_word(&b, rest);
        if (n > 0 && was_word && gap > 0) { /* white space between two words is none */
            memmove(b.ptr + mark - gap, b.ptr + mark, b.len - mark);
            b.len -= gap;
        }
        if (n == 0) {
            add_latin1(&b, (unsigned char)rest.ptr[0]);
            bool is_space = rest.ptr[0] == ' ' || rest.ptr[0] == '\t';
            gap = is_space ? gap + 1 : 0;
            was_word = was_word && is_space;
            i++;
            continue;
        }
        was_word = true;
        gap = 0;
        i += n;
    }
    return vg_buf_str(&b);
}

static bool
is_plain(char c)
{
    return c >= ' ' && c < 0x7f;
}

/* The Q encoding as S3 writes it: "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=". */
static struct vg_str
quoted(struct vg_arena *arena, struct vg_str text)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 3 * text.len + 32);
    vg_buf_adds(&b, VG_STR("=?UTF-8?Q?"));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_as_it_is = is_plain(c) && c != '=' && c != '?' && c != '_';
        if (c == ' ')
            vg_buf_addc(&b, '_');
        else if (is_as_it_is)
            vg_buf_addc(&b, c);
        else
            vg_buf_addf(&b, "=%02X", (unsigned char)c);
    }
    vg_buf_adds(&b, VG_STR("?="));
    return vg_buf_str(&b);
}

/* Of its recorded answers: Q where most characters are ASCII, else B, as JavaMail does. */
struct vg_str
s3_header_text_encode(struct vg_arena *arena, struct vg_str text)
{
    size_t n_plain = 0, n_others;
    for (size_t i = 0; i < text.len; i++)
        n_plain += is_plain(text.ptr[i]) || text.ptr[i] == '\t' || text.ptr[i] == '\n'
                   || text.ptr[i] == '\r';
    n_others = vg_str_utf16_len(text) - n_plain;
    if (n_others == 0 && s3_is_header_value(text))
        return text;
    if (n_others > 0 && n_plain > n_others)
        return quoted(arena, text);
    return vg_str_fmt(arena, "=?UTF-8?B?%" VG_FMT "?=", VG_ARG(vg_base64_encode(arena, text)));
}

static bool
is_name(struct vg_str s)
{
    static const struct vg_str separators = VG_STR_INIT("\"(),/:;<=>?@[\\]{}");
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f
            || vg_str_find_char(separators, s.ptr[i]) != VG_NPOS)
            return false;
    return true;
}

bool
s3_is_header_value(struct vg_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
            return false;
    return true;
}

bool
s3_header_of(struct vg_arena *arena, struct vg_str name, struct vg_str *value)
{
    if (vg_str_starts(name, VG_STR("x-amz-meta-")) && vg_str_is_utf8(*value))
        *value = s3_header_text_encode(arena, *value);
    return is_name(name) && s3_is_header_value(*value);
}
