/* SPDX-License-Identifier: Apache-2.0 */

/* Wildcards and policy variables. */

#include "auth/policy_int.h"

#include "base/buf.h"

#define EXPANDED_MAX_BYTES (16u << 10)
#define ARN_FIELDS         6

/* Cuts "${key, 'default'}" that begins at `at`; false when it is not closed. */
static bool
take_variable(struct vg_str text, size_t at, struct pat_piece *ret, size_t *ret_next)
{
    size_t end = vg_str_find_char(vg_str_slice(text, at, text.len), '}');
    if (end == VG_NPOS)
        return false;
    struct vg_str name = vg_str_slice(text, at + 2, at + end);
    struct vg_str otherwise = VG_STR_NONE;
    size_t comma = vg_str_find_char(name, ',');
    if (comma != VG_NPOS) {
        struct vg_str d = vg_str_trim(vg_str_slice(name, comma + 1, name.len));
        if (d.len >= 2 && d.ptr[0] == '\'' && d.ptr[d.len - 1] == '\'')
            otherwise = vg_str_slice(d, 1, d.len - 1);
        name = vg_str_slice(name, 0, comma);
    }
    *ret = (struct pat_piece) { .key = ctx_key_of(vg_str_trim(name)), .otherwise = otherwise };
    *ret_next = at + end + 1;
    return true;
}

static char
code_of(char c, unsigned flags)
{
    if ((flags & PAT_WILD) && c == '*')
        return PAT_MANY;
    if ((flags & PAT_WILD) && c == '?')
        return PAT_ONE;
    if ((flags & PAT_LOWER) && c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static void
classify(struct pattern *p)
{
    size_t first = VG_NPOS;
    for (size_t i = 0; i < p->text.len && first == VG_NPOS; i++)
        if (p->text.ptr[i] == PAT_MANY || p->text.ptr[i] == PAT_ONE)
            first = i;
    if (first == VG_NPOS) {
        p->kind = PAT_EXACT;
    } else if (first + 1 == p->text.len && p->text.ptr[first] == PAT_MANY) {
        p->kind = first == 0 ? PAT_ANY : PAT_PREFIX;
        p->text.len = first;
    } else {
        p->kind = PAT_GLOB;
    }
}

bool
pattern_compile(struct vg_arena *arena, struct vg_str text, unsigned flags, struct pattern *ret)
{
    char *out = vg_arena_alloc(arena, text.len + 1);
    VG_VEC(struct pat_piece) pieces = { 0 };
    size_t n = 0, piece_at = 0;
    for (size_t i = 0; i < text.len;) {
        char c = text.ptr[i];
        if (c == PAT_MANY || c == PAT_ONE)
            return false;
        bool is_var =
            (flags & PAT_VARIABLES) && c == '$' && i + 1 < text.len && text.ptr[i + 1] == '{';
        struct pat_piece var;
        size_t next;
        if (!is_var || !take_variable(text, i, &var, &next)) {
            out[n++] = code_of(c, flags);
            i++;
            continue;
        }
        i = next;
        if (var.key.name.len == 1 && strchr("*?$", var.key.name.ptr[0])) {
            out[n++] = var.key.name.ptr[0];
            continue;
        }
        *VG_VEC_ADD(arena, &pieces) =
            (struct pat_piece) { .text = vg_str_n(out + piece_at, n - piece_at) };
        *VG_VEC_ADD(arena, &pieces) = var;
        piece_at = n;
    }
    *ret = (struct pattern) { .text = vg_str_n(out, n) };
    if (pieces.len == 0) {
        classify(ret);
        return true;
    }
    *VG_VEC_ADD(arena, &pieces) =
        (struct pat_piece) { .text = vg_str_n(out + piece_at, n - piece_at) };
    ret->kind = PAT_VARS;
    ret->pieces = pieces.items;
    ret->n_pieces = pieces.len;
    return true;
}

static bool expand_pieces(struct eval *ev, const struct pattern *p, struct vg_str *ret);

/* Remembers a failure: not even NotResource may then match. */
static bool
expand(struct eval *ev, const struct pattern *p, struct vg_str *ret)
{
    bool ok = expand_pieces(ev, p, ret);
    ev->is_unresolved = ev->is_unresolved || !ok;
    return ok;
}

/*
 * Puts the values in.  A value's own '*' stays a star and no wildcard.  A variable without a value
 * and default makes the whole pattern match nothing, as AWS says ("policy variables with no
 * value").
 */
static bool
expand_pieces(struct eval *ev, const struct pattern *p, struct vg_str *ret)
{
    struct vg_buf b;
    vg_buf_init(&b, ev->arena, EXPANDED_MAX_BYTES);
    for (size_t i = 0; i < p->n_pieces; i++) {
        const struct pat_piece *piece = &p->pieces[i];
        if (!piece->key.name.ptr) {
            vg_buf_adds(&b, piece->text);
            continue;
        }
        struct ctx_values v;
        ctx_get(ev, &piece->key, &v);
        if (v.is_there && v.n != 1)
            return false;
        struct vg_str value = v.is_there && v.one.len > 0 ? v.one : piece->otherwise;
        if (!value.ptr || vg_str_find_char(value, PAT_MANY) != VG_NPOS
            || vg_str_find_char(value, PAT_ONE) != VG_NPOS)
            return false;
        vg_buf_adds(&b, value);
    }
    *ret = vg_buf_str(&b);
    return !b.over;
}

static bool
same_char(char a, char b, bool is_nocase)
{
    if (a == b)
        return true;
    if (!is_nocase)
        return false;
    if (a >= 'A' && a <= 'Z')
        a = (char)(a - 'A' + 'a');
    if (b >= 'A' && b <= 'Z')
        b = (char)(b - 'A' + 'a');
    return a == b;
}

/* '?' stands for one character of UTF-8, not for one byte. */
static size_t
char_len(struct vg_str s, size_t at)
{
    size_t n = 1;
    while (at + n < s.len && ((uint8_t)s.ptr[at + n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Linear in memory, no recursion: only the last star need be taken back. */
static bool
glob(struct vg_str pat, struct vg_str s, bool is_nocase)
{
    size_t p = 0, i = 0, star = VG_NPOS, mark = 0;
    while (i < s.len) {
        if (p < pat.len && pat.ptr[p] == PAT_MANY) {
            star = p++;
            mark = i;
        } else if (p < pat.len && pat.ptr[p] == PAT_ONE) {
            p++;
            i += char_len(s, i);
        } else if (p < pat.len && same_char(pat.ptr[p], s.ptr[i], is_nocase)) {
            p++;
            i++;
        } else if (star != VG_NPOS) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pat.len && pat.ptr[p] == PAT_MANY)
        p++;
    return p == pat.len;
}

bool
vg_policy_glob(struct vg_arena *arena, struct vg_str pattern, struct vg_str text, bool is_nocase)
{
    char *coded = vg_arena_alloc(arena, pattern.len + 1);
    for (size_t i = 0; i < pattern.len; i++)
        coded[i] = code_of(pattern.ptr[i], PAT_WILD);
    return glob(vg_str_n(coded, pattern.len), text, is_nocase);
}

bool
pattern_match(struct eval *ev, const struct pattern *p, struct vg_str text, bool is_nocase)
{
    struct vg_str expanded;
    switch (p->kind) {
    case PAT_ANY:
        return true;
    case PAT_EXACT:
        return is_nocase ? vg_str_eq_nocase(p->text, text) : vg_str_eq(p->text, text);
    case PAT_PREFIX:
        return is_nocase ? vg_str_starts_nocase(text, p->text) : vg_str_starts(text, p->text);
    case PAT_GLOB:
        return glob(p->text, text, is_nocase);
    case PAT_VARS:
        return expand(ev, p, &expanded) && glob(expanded, text, is_nocase);
    }
    VG_BUG("unknown pattern");
}

static size_t
count_colons(struct vg_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.ptr[i] == ':';
    return n;
}

/* The next field of an ARN; the last one has the rest. */
static struct vg_str
field(struct vg_str *rest, int i)
{
    if (i < ARN_FIELDS - 1)
        return vg_str_cut(rest, ':');
    struct vg_str all = *rest;
    *rest = VG_STR_NONE;
    return all;
}

/* Whether the text before the first variable already tells the ARN apart. */
static bool
differs_before_variable(const struct pattern *p, struct vg_str arn)
{
    struct vg_str head = p->pieces[0].text;
    for (int i = 0; i < ARN_FIELDS - 1; i++) {
        struct vg_str want = vg_str_cut(&head, ':'), have = vg_str_cut(&arn, ':');
        if (!head.ptr)
            return false;
        if (!have.ptr || !glob(want, have, false))
            return true;
    }
    bool is_plain =
        vg_str_find_char(head, PAT_MANY) == VG_NPOS && vg_str_find_char(head, PAT_ONE) == VG_NPOS;
    return is_plain && !vg_str_starts(arn, head);
}

bool
pattern_match_arn(struct eval *ev, const struct pattern *p, struct vg_str arn)
{
    struct vg_str pat = p->text;
    if (p->kind == PAT_ANY)
        return true;
    if (p->kind == PAT_EXACT)
        return vg_str_eq(pat, arn);
    if (p->kind == PAT_PREFIX && count_colons(pat) >= ARN_FIELDS - 1)
        return vg_str_starts(arn, pat);
    if (p->kind == PAT_VARS && differs_before_variable(p, arn))
        return false;
    if (p->kind == PAT_VARS && !expand(ev, p, &pat))
        return false;
    bool is_open = p->kind == PAT_PREFIX; /* the final star is not in the text */
    for (int i = 0; i < ARN_FIELDS; i++) {
        struct vg_str want = field(&pat, i), have = field(&arn, i);
        if (!have.ptr)
            return false;
        if (!want.ptr) /* "arn:aws:s3*": what is not written is any */
            return is_open;
        bool is_last = !pat.ptr;
        bool ok = is_last && is_open ? vg_str_starts(have, want) : glob(want, have, false);
        if (!ok)
            return false;
    }
    return true;
}

bool
pattern_resolve(struct eval *ev, const struct pattern *p, struct vg_str *ret)
{
    if (p->kind == PAT_VARS)
        return expand(ev, p, ret);
    *ret = p->text;
    return p->kind == PAT_EXACT;
}
