/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_form_parts.h"

#define BOUNDARY_MAX 70u /* RFC 2046, 5.1.1 */

enum state {
    IN_CONTENT,
    AFTER_DELIMITER, /* "--", or the end of the line */
    IN_PADDING,
    IN_HEAD,
    IS_CLOSED,
    IS_BAD,
};

/* --- parameters of a header ---------------------------------------------------------------------
 */

/* Behind the opening quote: up to the closing one, which is cut too.  A backslash escapes quotes
 * only, for browsers send paths of Windows as they are.  False: there is no closing one. */
static bool
cut_quoted(struct vg_arena *arena, struct vg_str *rest, struct vg_str *ret)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, rest->len + 1);
    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (c == '"') {
            *rest = vg_str_slice(*rest, i + 1, rest->len);
            *ret = vg_buf_str(&b);
            return true;
        }
        if (c == '\\' && i + 1 < rest->len && rest->ptr[i + 1] == '"')
            c = rest->ptr[++i];
        vg_buf_addc(&b, c);
    }
    return false;
}

/* The parameter `name` of "type; a=b; c=\"d\""; false: the value is not well-formed. */
static bool
get_parameter(struct vg_arena *arena, struct vg_str header, struct vg_str name, struct vg_str *ret)
{
    struct vg_str rest = header, value;
    *ret = VG_STR_NONE;
    vg_str_cut(&rest, ';');
    while (rest.len > 0) {
        size_t at = vg_str_find_char(rest, '=');
        if (at == VG_NPOS)
            return vg_str_trim(rest).len == 0;
        struct vg_str key = vg_str_trim(vg_str_slice(rest, 0, at));
        rest = vg_str_trim(vg_str_slice(rest, at + 1, rest.len));
        if (rest.len > 0 && rest.ptr[0] == '"') {
            rest = vg_str_slice(rest, 1, rest.len);
            if (!cut_quoted(arena, &rest, &value))
                return false;
            vg_str_cut(&rest, ';');
        } else {
            value = vg_str_trim(vg_str_cut(&rest, ';'));
        }
        if (!ret->ptr && vg_str_eq_nocase(key, name))
            *ret = value;
    }
    return true;
}

bool
s3_form_is(struct vg_str content_type)
{
    struct vg_str type = vg_str_trim(vg_str_cut(&content_type, ';'));
    return vg_str_eq_nocase(type, VG_STR("multipart/form-data"));
}

struct vg_str
s3_form_boundary(struct vg_arena *arena, struct vg_str content_type)
{
    struct vg_str boundary;
    bool is_good = get_parameter(arena, content_type, VG_STR("boundary"), &boundary)
                   && boundary.len > 0 && boundary.len <= BOUNDARY_MAX
                   && vg_str_find_char(boundary, '\r') == VG_NPOS;
    return is_good ? boundary : VG_STR_NONE;
}

/* --- the head of a part -------------------------------------------------------------------------
 */

/* The line up to a line break, which is cut too. */
static struct vg_str
cut_line(struct vg_str *rest)
{
    size_t at = vg_str_find(*rest, VG_STR("\r\n"));
    struct vg_str line = vg_str_slice(*rest, 0, at);
    *rest = at == VG_NPOS ? VG_STR("") : vg_str_slice(*rest, at + 2, rest->len);
    return line;
}

/* Every part has a name: RFC 7578, 4.2. */
static bool
read_head(struct s3_form_parts *p)
{
    struct vg_str rest = vg_buf_str(&p->head);
    p->name = p->filename = VG_STR_NONE;
    while (rest.len > 0) {
        struct vg_str value = cut_line(&rest);
        struct vg_str header = vg_str_cut(&value, ':');
        if (!vg_str_eq_nocase(header, VG_STR("content-disposition")))
            continue;
        if (!get_parameter(p->arena, value, VG_STR("name"), &p->name)
            || !get_parameter(p->arena, value, VG_STR("filename"), &p->filename))
            return false;
    }
    p->name = vg_str_dup(p->arena, p->name);
    p->filename = vg_str_dup(p->arena, p->filename);
    return p->name.ptr != NULL;
}

static void
begin_head(struct s3_form_parts *p)
{
    vg_buf_clear(&p->head);
    vg_buf_adds(&p->head, VG_STR("\r\n")); /* a head without lines ends as any other */
    p->state = IN_HEAD;
}

static enum s3_part_event
next_in_head(struct s3_form_parts *p, struct vg_str *rest)
{
    while (rest->len > 0) {
        vg_buf_addc(&p->head, rest->ptr[0]);
        *rest = vg_str_slice(*rest, 1, rest->len);
        bool is_over = vg_str_ends(vg_buf_str(&p->head), VG_STR("\r\n\r\n"));
        if (p->head.over || (is_over && !read_head(p))) {
            p->state = IS_BAD;
            return S3_PART_BAD;
        }
        if (is_over) {
            /* the head's last line break may begin a delimiter: a part without content */
            p->matched = p->given = 2;
            p->state = IN_CONTENT;
            return S3_PART_HEAD;
        }
    }
    return S3_PART_MORE;
}

/* --- content and delimiters ---------------------------------------------------------------------
 */

/* How many bytes are certainly content: the delimiter has its only CR at its beginning. */
static size_t
content_before(const struct s3_form_parts *p, struct vg_str bytes)
{
    size_t at = vg_str_find(bytes, p->delimiter);
    if (at != VG_NPOS)
        return at;
    at = vg_str_rfind_char(bytes, '\r');
    bool may_begin =
        at != VG_NPOS && vg_str_starts(p->delimiter, vg_str_slice(bytes, at, bytes.len));
    return may_begin ? at : bytes.len;
}

/* Takes what goes on with the delimiter; what looked like one and is none is content after all. */
static struct vg_str
go_on(struct s3_form_parts *p, struct vg_str *rest)
{
    while (rest->len > 0 && p->matched < p->delimiter.len) {
        if (rest->ptr[0] != p->delimiter.ptr[p->matched]) {
            struct vg_str content = vg_str_slice(p->delimiter, p->given, p->matched);
            p->matched = p->given = 0;
            return content;
        }
        p->matched++;
        *rest = vg_str_slice(*rest, 1, rest->len);
    }
    return VG_STR("");
}

static enum s3_part_event
next_in_content(struct s3_form_parts *p, struct vg_str *rest, struct vg_str *ret_data)
{
    while (rest->len > 0 && p->matched < p->delimiter.len) {
        size_t n = p->matched ? 0 : content_before(p, *rest);
        struct vg_str content = vg_str_slice(*rest, 0, n);
        *rest = vg_str_slice(*rest, n, rest->len);
        if (n == 0)
            content = go_on(p, rest);
        if (content.len > 0 && !p->is_preamble) {
            *ret_data = content;
            return S3_PART_DATA;
        }
    }
    if (p->matched < p->delimiter.len)
        return S3_PART_MORE;
    bool was_part = !p->is_preamble;
    p->state = AFTER_DELIMITER;
    p->matched = p->given = 0;
    p->is_preamble = false;
    return was_part ? S3_PART_END : S3_PART_MORE;
}

/* "--" closes the form; else blanks and a line break. */
static enum s3_part_event
next_after_delimiter(struct s3_form_parts *p, struct vg_str *rest)
{
    static const char close[] = "--", line[] = "\r\n";
    while (rest->len > 0) {
        char c = rest->ptr[0];
        bool is_closing = p->state == AFTER_DELIMITER && c == close[p->matched];
        bool is_blank = p->matched == 0 && (c == ' ' || c == '\t');
        if (p->state == AFTER_DELIMITER && p->matched == 0 && !is_closing)
            p->state = IN_PADDING;
        if (p->state == AFTER_DELIMITER ? !is_closing : !is_blank && c != line[p->matched]) {
            p->state = IS_BAD;
            return S3_PART_BAD;
        }
        *rest = vg_str_slice(*rest, 1, rest->len);
        p->matched += !is_blank;
        if (p->matched < 2)
            continue;
        if (p->state == AFTER_DELIMITER) {
            p->state = IS_CLOSED;
            return S3_PART_CLOSED;
        }
        begin_head(p);
        return S3_PART_MORE;
    }
    return S3_PART_MORE;
}

void
s3_form_parts_init(struct s3_form_parts *p, struct vg_arena *arena, struct vg_str boundary)
{
    *p = (struct s3_form_parts) { .arena = arena, .state = IN_CONTENT, .is_preamble = true };
    p->delimiter = vg_str_cat(arena, VG_STR("\r\n--"), boundary);
    p->matched = p->given = 2; /* the first delimiter needs no line break before it */
    vg_buf_init(&p->head, arena, S3_PART_HEAD_MAX_BYTES);
}

enum s3_part_event
s3_form_parts_next(struct s3_form_parts *p, struct vg_str *rest, struct vg_str *ret_data)
{
    enum s3_part_event event = S3_PART_MORE;
    while (event == S3_PART_MORE && rest->len > 0) {
        switch ((enum state)p->state) {
        case IN_CONTENT:
            event = next_in_content(p, rest, ret_data);
            break;
        case AFTER_DELIMITER:
        case IN_PADDING:
            event = next_after_delimiter(p, rest);
            break;
        case IN_HEAD:
            event = next_in_head(p, rest);
            break;
        case IS_CLOSED:
            *rest = VG_STR("");
            return S3_PART_CLOSED;
        case IS_BAD:
            return S3_PART_BAD;
        }
    }
    return event;
}
