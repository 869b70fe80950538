/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

#include "base/arena.h"
#include "base/limits.h"

#include <llhttp/llhttp.h>

/* Method, version and blanks around the target. */
#define REQUEST_LINE_MAX_BYTES (VG_HTTP_TARGET_MAX_BYTES + 64u)

#define ONES 0x0101010101010101u

/* Sets of ASCII characters, one bit each. */
struct charset {
    uint64_t low, high;
};

/* RFC 9110 5.6.2: letters, digits and !#$%&'*+-.^_`|~ */
static const struct charset token_chars = { 0x3ff6cfa00000000u, 0x57ffffffc7fffffeu };
/* RFC 3986 3.2.2, with a port: letters, digits and -._~%!$&'()*+;=:[] */
static const struct charset host_chars = { 0x2fff6ff200000000u, 0x47fffffeaffffffeu };

static bool
is_all(struct vg_str s, const struct charset *set)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        uint64_t bits = c < 64 ? set->low : c < 128 ? set->high : 0;
        if (!(bits >> (c & 63) & 1))
            return false;
    }
    return true;
}

bool
vg_head_is_token(struct vg_str s)
{
    return s.len > 0 && is_all(s, &token_chars);
}

bool
vg_head_is_value(struct vg_str s)
{
    size_t i = 0;
    /* Eight at a time while they hold no control: (x - n) & ~x has the top bit of bytes below n. */
    for (uint64_t w; i + sizeof(w) <= s.len; i += sizeof(w)) {
        memcpy(&w, s.ptr + i, sizeof(w));
        uint64_t del = w ^ (ONES * 0x7f);
        if ((((w - ONES * 0x20) & ~w) | ((del - ONES) & ~del)) & (ONES * 0x80))
            break;
    }
    for (; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* RFC 9112 3: method SP target SP version. llhttp lets more than one blank pass. */
static int
check_request_line(struct vg_str line)
{
    if (line.len > REQUEST_LINE_MAX_BYTES)
        return 414;
    (void)vg_str_cut(&line, ' ');
    (void)vg_str_cut(&line, ' ');
    if (!vg_str_starts(line, VG_STR("HTTP/")) || vg_str_find_char(line, ' ') != VG_NPOS)
        return 400;
    return vg_str_starts(line, VG_STR("HTTP/1.")) ? 0 : 505;
}

/* One line, without its CRLF; 0, or the status to refuse with. */
static int
check_line(struct vg_head_scan *s, struct vg_str line)
{
    if (line.len && memchr(line.ptr, '\r', line.len))
        return 400; /* a bare CR is a line's end to some */
    if (s->n_lines == 0)
        return s->is_reply ? 0 : check_request_line(line);
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return 400; /* obs-fold */
    return s->n_lines > VG_HTTP_HEADERS_MAX ? 431 : 0;
}

long
vg_head_scan(struct vg_head_scan *s, struct vg_str b)
{
    for (;;) {
        const char *nl = b.len > s->at ? memchr(b.ptr + s->at, '\n', b.len - s->at) : NULL;
        if (nl == NULL) {
            s->at = b.len;
            if (s->n_lines == 0 && b.len - s->line > REQUEST_LINE_MAX_BYTES)
                return -414;
            return b.len - s->skip > VG_HTTP_HEAD_MAX_BYTES ? -431 : 0;
        }
        size_t end = (size_t)(nl - b.ptr);
        if (end == s->line || b.ptr[end - 1] != '\r')
            return -400; /* a bare LF */
        struct vg_str line = vg_str_slice(b, s->line, end - 1);
        s->at = s->line = end + 1;
        if (end + 1 - s->skip > VG_HTTP_HEAD_MAX_BYTES)
            return -431;
        if (line.len == 0 && s->n_lines > 0)
            return (long)(end + 1);
        if (line.len == 0 && s->is_reply)
            return -400;
        if (line.len == 0) { /* RFC 9112 2.2: one empty line before a request is forgiven */
            if (s->skip)
                return -400;
            s->skip = end + 1;
            continue;
        }
        int status = check_line(s, line);
        if (status)
            return -status;
        s->n_lines++;
    }
}

/* --- llhttp's callbacks: a whole head is given at once, so each part comes in one piece --------
 */

struct parsing {
    struct vg_str method, target;
    int minor, status;
    struct vg_http_header *headers;
    size_t n, max;
    bool is_complete;
};

static int
on_method(llhttp_t *p, const char *at, size_t len)
{
    ((struct parsing *)p->data)->method = vg_str_n(at, len);
    return 0;
}

static int
on_url(llhttp_t *p, const char *at, size_t len)
{
    ((struct parsing *)p->data)->target = vg_str_n(at, len);
    return 0;
}

static int
on_header_field(llhttp_t *p, const char *at, size_t len)
{
    struct parsing *g = p->data;
    if (g->n == g->max)
        return -1;
    g->headers[g->n++] = (struct vg_http_header) { vg_str_n(at, len), VG_STR("") };
    return 0;
}

static int
on_header_value(llhttp_t *p, const char *at, size_t len)
{
    struct parsing *g = p->data;
    if (g->n == 0)
        return -1;
    g->headers[g->n - 1].value = vg_str_trim(vg_str_n(at, len));
    return 0;
}

static int
on_headers_complete(llhttp_t *p)
{
    ((struct parsing *)p->data)->is_complete = true;
    return HPE_PAUSED;
}

static int
status_of(const llhttp_t *p)
{
    if (p->error == HPE_INVALID_VERSION)
        return 505;
    if (p->error == HPE_INVALID_METHOD)
        return 501;
    return 400;
}

static int
tell_parts(llhttp_type_t type, struct vg_str bytes, struct parsing *g)
{
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_method = on_method;
    settings.on_url = on_url;
    settings.on_header_field = on_header_field;
    settings.on_header_value = on_header_value;
    settings.on_headers_complete = on_headers_complete;
    llhttp_t parser;
    llhttp_init(&parser, type, &settings);
    parser.data = g;
    llhttp_errno_t e = llhttp_execute(&parser, bytes.ptr, bytes.len);
    if (!g->is_complete || e != HPE_PAUSED)
        return status_of(&parser);
    if (parser.http_major != 1 || parser.http_minor > 1)
        return 505;
    g->minor = parser.http_minor;
    g->status = parser.status_code;
    return 0;
}

/* --- what the headers mean to the connection ---------------------------------------------------
 */

struct meaning {
    unsigned n_length, n_coding, n_host;
    bool says_close, says_keep_alive;
};

static int
read_length(struct vg_head *h, struct meaning *m, struct vg_str value)
{
    uint64_t n;
    /* Digits only: "+5", "5, 5" and "" are what parsers disagree about. */
    if (++m->n_length > 1 || !vg_str_to_u64(value, &n) || n > INT64_MAX / 2)
        return 400;
    h->content_length = (int64_t)n;
    return 0;
}

static void
read_connection(struct meaning *m, struct vg_str value)
{
    while (value.ptr) {
        struct vg_str token = vg_str_trim(vg_str_cut(&value, ','));
        m->says_close |= vg_str_eq_nocase(token, VG_STR("close"));
        m->says_keep_alive |= vg_str_eq_nocase(token, VG_STR("keep-alive"));
    }
}

static int
read_header(struct vg_head *h, struct meaning *m, const struct vg_http_header *f)
{
    struct vg_str name = f->name;
    if (!vg_head_is_token(name) || !vg_head_is_value(f->value))
        return 400;
    switch (name.len) {
    case 4:
        if (vg_str_eq_nocase(name, VG_STR("Host"))) {
            h->host = f->value;
            return ++m->n_host > 1 || !is_all(f->value, &host_chars) ? 400 : 0;
        }
        break;
    case 6:
        if (vg_str_eq_nocase(name, VG_STR("Expect")) && h->minor > 0) {
            if (!vg_str_eq_nocase(f->value, VG_STR("100-continue")))
                return 417;
            h->is_continue_expected = true;
        }
        break;
    case 10:
        if (vg_str_eq_nocase(name, VG_STR("Connection")))
            read_connection(m, f->value);
        break;
    case 14:
        if (vg_str_eq_nocase(name, VG_STR("Content-Length")))
            return read_length(h, m, f->value);
        break;
    case 17:
        if (vg_str_eq_nocase(name, VG_STR("Transfer-Encoding")))
            return ++m->n_coding > 1 || !vg_str_eq_nocase(f->value, VG_STR("chunked")) ? 400 : 0;
        break;
    default:
        break;
    }
    return 0;
}

static int
read_headers(struct vg_head *h)
{
    struct meaning m = { 0 };
    for (size_t i = 0; i < h->n_headers; i++) {
        int status = read_header(h, &m, &h->headers[i]);
        if (status)
            return status;
    }
    if (m.n_coding && (m.n_length || h->minor == 0))
        return 400; /* RFC 9112 6.1, 6.3: what smuggling is made of */
    if (m.n_host == 0 && h->minor > 0)
        return 400;
    if (m.n_coding)
        h->content_length = -1;
    h->is_kept_alive = !m.says_close && (h->minor > 0 || m.says_keep_alive);
    return 0;
}

/* RFC 9112 3.2: origin form, absolute form, and "*" for OPTIONS. */
static int
read_target(struct vg_head *h)
{
    struct vg_str t = h->target;
    if (t.len > VG_HTTP_TARGET_MAX_BYTES)
        return 414;
    if (vg_str_eq(h->method, VG_STR("CONNECT")))
        return 501;
    if (vg_str_find_char(t, '#') != VG_NPOS)
        return 400;
    if (vg_str_starts_nocase(t, VG_STR("http://")) || vg_str_starts_nocase(t, VG_STR("https://"))) {
        t = vg_str_slice(t, vg_str_find(t, VG_STR("//")) + 2, t.len);
        size_t end = 0;
        while (end < t.len && t.ptr[end] != '/' && t.ptr[end] != '?')
            end++;
        h->host = vg_str_slice(t, 0, end); /* RFC 9112 3.2.2: it overrides the Host header */
        if (h->host.len == 0 || !is_all(h->host, &host_chars))
            return 400;
        t = vg_str_slice(t, end, t.len);
        if (t.len == 0)
            t = VG_STR("/");
    } else if (t.len == 0
               || (t.ptr[0] != '/'
                   && !(vg_str_eq(t, VG_STR("*")) && vg_str_eq(h->method, VG_STR("OPTIONS"))))) {
        return 400;
    }
    h->query = t;
    h->path = vg_str_cut(&h->query, '?');
    if (h->path.len == 0)
        h->path = VG_STR("/"); /* "http://host?query" */
    return 0;
}

int
vg_head_parse(struct vg_arena *arena, const struct vg_head_scan *scan, struct vg_str bytes,
              struct vg_head *ret)
{
    *ret = (struct vg_head) { 0 };
    size_t max = scan->n_lines - 1;
    struct parsing g = { .max = max };
    g.headers = vg_arena_array(arena, max ? max : 1, sizeof(struct vg_http_header));
    int status = tell_parts(HTTP_REQUEST, vg_str_slice(bytes, scan->skip, bytes.len), &g);
    if (status)
        return status;
    ret->method = g.method;
    ret->target = g.target;
    ret->minor = g.minor;
    ret->headers = g.headers;
    ret->n_headers = g.n;
    if (g.n != max)
        return 400; /* the two of us do not see the same lines */
    status = read_headers(ret);
    return status ? status : read_target(ret);
}

/* --- replies -----------------------------------------------------------------------------------
 */

bool
vg_head_parse_reply(struct vg_arena *arena, const struct vg_head_scan *scan, struct vg_str bytes,
                    struct vg_reply_head *ret)
{
    size_t max = scan->n_lines - 1;
    struct parsing g = { .max = max };
    g.headers = vg_arena_array(arena, max ? max : 1, sizeof(struct vg_http_header));
    if (tell_parts(HTTP_RESPONSE, bytes, &g) != 0 || g.n != max)
        return false;
    /* The same rules hold for both directions; what only requests have does no harm here. */
    struct vg_head h = { .headers = g.headers, .n_headers = g.n, .minor = g.minor };
    struct meaning m = { 0 };
    for (size_t i = 0; i < g.n; i++) {
        if (vg_str_eq_nocase(g.headers[i].name, VG_STR("Expect"))
            || vg_str_eq_nocase(g.headers[i].name, VG_STR("Host")))
            continue;
        if (read_header(&h, &m, &g.headers[i]) != 0)
            return false;
    }
    if (m.n_coding && m.n_length)
        return false;
    *ret = (struct vg_reply_head) {
        .headers = g.headers,
        .n_headers = g.n,
        .status = g.status,
        .minor = g.minor,
        .content_length = m.n_length ? h.content_length : -1,
        .is_chunked = m.n_coding > 0,
        .is_kept_alive = !m.says_close && (g.minor > 0 || m.says_keep_alive),
    };
    return true;
}
