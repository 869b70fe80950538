/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/xml.h"

void
vg_xmlw_begin(struct vg_buf *b, struct vg_str name)
{
    vg_buf_addc(b, '<');
    vg_buf_adds(b, name);
}

void
vg_xmlw_open(struct vg_buf *b, struct vg_str name)
{
    vg_xmlw_begin(b, name);
    vg_buf_addc(b, '>');
}

void
vg_xmlw_open_ns(struct vg_buf *b, struct vg_str name, struct vg_str ns)
{
    vg_xmlw_begin(b, name);
    if (ns.len)
        vg_xmlw_attr(b, VG_STR("xmlns"), ns);
    vg_buf_addc(b, '>');
}

void
vg_xmlw_close(struct vg_buf *b, struct vg_str name)
{
    vg_buf_adds(b, VG_STR("</"));
    vg_buf_adds(b, name);
    vg_buf_addc(b, '>');
}

/* What stands for an ASCII character; absent: itself. */
static struct vg_str
escape_of(unsigned char c)
{
    switch (c) {
    case '&':
        return VG_STR("&amp;");
    case '<':
        return VG_STR("&lt;");
    case '>':
        return VG_STR("&gt;");
    case '"':
        return VG_STR("&quot;");
    case '\r': /* a bare one would be read as a line feed (XML 1.0, 2.11) */
        return VG_STR("&#xD;");
    case '\n':
    case '\t':
        return VG_STR_NONE;
    default:
        return c < 0x20 ? VG_STR("\xEF\xBF\xBD") : VG_STR_NONE;
    }
}

static size_t
utf8_front(struct vg_str s)
{
    for (size_t n = 1; n <= 4 && n <= s.len; n++)
        if (vg_str_is_utf8(vg_str_slice(s, 0, n)))
            return n;
    return 0;
}

void
vg_xmlw_text(struct vg_buf *b, struct vg_str s)
{
    bool is_utf8 = vg_str_is_utf8(s);
    size_t from = 0, i = 0;
    while (i < s.len) {
        unsigned char c = (unsigned char)s.ptr[i];
        struct vg_str esc = escape_of(c);
        size_t n = 1;
        if (c >= 0x80 && !is_utf8) {
            n = utf8_front(vg_str_slice(s, i, s.len));
            esc = n ? VG_STR_NONE : VG_STR("\xEF\xBF\xBD");
            n = n ? n : 1;
        }
        if (esc.ptr) {
            vg_buf_add(b, s.ptr + from, i - from);
            vg_buf_adds(b, esc);
            from = i + n;
        }
        i += n;
    }
    if (i > from)
        vg_buf_add(b, s.ptr + from, i - from);
}

void
vg_xmlw_element(struct vg_buf *b, struct vg_str name, struct vg_str text)
{
    vg_xmlw_open(b, name);
    vg_xmlw_text(b, text);
    vg_xmlw_close(b, name);
}

/* White space inside an attribute would be read as spaces (XML 1.0, 3.3.3). */
void
vg_xmlw_attr(struct vg_buf *b, struct vg_str name, struct vg_str value)
{
    vg_buf_addc(b, ' ');
    vg_buf_adds(b, name);
    vg_buf_adds(b, VG_STR("=\""));
    size_t from = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != '\n' && value.ptr[i] != '\t')
            continue;
        vg_xmlw_text(b, vg_str_slice(value, from, i));
        vg_buf_adds(b, value.ptr[i] == '\n' ? VG_STR("&#xA;") : VG_STR("&#x9;"));
        from = i + 1;
    }
    vg_xmlw_text(b, vg_str_slice(value, from, value.len));
    vg_buf_addc(b, '"');
}
