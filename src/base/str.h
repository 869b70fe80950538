/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_STR_H
#define VG_BASE_STR_H

/*
 * struct vg_str: a borrowed run of bytes, passed by value, without a NUL.
 *
 * ptr == NULL means absent, len == 0 with a pointer means empty: AWS tells the two apart.  Whoever
 * hands a vg_str out says in its header how long the bytes live (mostly: as long as the arena).
 * All functions are pure and thread-safe; those that take an arena return memory owned by it.
 */

#include "base/base.h"

#include <stdarg.h>
#include <string.h>

struct vg_arena;

struct vg_str {
    const char *ptr;
    size_t len;
};

#define VG_STR(lit) ((struct vg_str) { "" lit "", sizeof(lit) - 1 })
#define VG_STR_INIT(lit)                                                                           \
    {                                                                                              \
        "" lit "", sizeof(lit) - 1                                                                 \
    } /* for static initialisers */
#define VG_STR_NONE ((struct vg_str) { NULL, 0 })
/* printf("%" VG_FMT, VG_ARG(s)) */
#define VG_FMT    ".*s"
#define VG_ARG(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

static inline struct vg_str
vg_str_of(const char *cstr)
{
    return (struct vg_str) { cstr, cstr ? strlen(cstr) : 0 };
}

static inline struct vg_str
vg_str_n(const void *ptr, size_t len)
{
    return (struct vg_str) { (const char *)ptr, len };
}

static inline bool
vg_str_eq(struct vg_str a, struct vg_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool
vg_str_is_empty(struct vg_str s)
{
    return s.len == 0;
}

/* Bytes [from, to), both clipped to the string. */
static inline struct vg_str
vg_str_slice(struct vg_str s, size_t from, size_t to)
{
    to = VG_MIN(to, s.len);
    from = VG_MIN(from, to);
    return (struct vg_str) { s.ptr ? s.ptr + from : NULL, to - from };
}

bool vg_str_eq_nocase(struct vg_str a, struct vg_str b); /* ASCII only */
int vg_str_cmp(struct vg_str a, struct vg_str b);        /* by bytes, as memcmp */
bool vg_str_starts(struct vg_str s, struct vg_str prefix);
bool vg_str_starts_nocase(struct vg_str s, struct vg_str prefix);
bool vg_str_ends(struct vg_str s, struct vg_str suffix);

#define VG_NPOS ((size_t)-1)
size_t vg_str_find(struct vg_str s, struct vg_str needle); /* VG_NPOS when absent */
size_t vg_str_find_char(struct vg_str s, char c);          /* VG_NPOS when absent */
size_t vg_str_rfind_char(struct vg_str s, char c);         /* VG_NPOS when absent */
struct vg_str vg_str_trim(struct vg_str s);                /* spaces and tabs, both ends */

/*
 * Cuts the part before the first `sep` off `*rest` and returns it.  When there is no separator left
 * the whole rest is returned and `*rest` becomes absent; on an absent rest the result is absent.
 */
struct vg_str vg_str_cut(struct vg_str *rest, char sep);

/* Decimal digits only (one leading '-' for the signed form), whole string, no overflow; else false.
 */
bool vg_str_to_i64(struct vg_str s, int64_t *ret);
bool vg_str_to_u64(struct vg_str s, uint64_t *ret);

bool vg_str_is_utf8(struct vg_str s);     /* well-formed, no surrogates, no overlong forms */
size_t vg_str_utf8_len(struct vg_str s);  /* code points of well-formed text */
size_t vg_str_utf16_len(struct vg_str s); /* UTF-16 units, as AWS's length checks count */
uint64_t vg_str_hash(struct vg_str s);    /* stable across runs and machines (FNV-1a, mixed) */

/* Constant-time comparison for secrets; lengths may leak. */
bool vg_str_eq_secret(struct vg_str a, struct vg_str b);

struct vg_str vg_str_dup(struct vg_arena *arena, struct vg_str s); /* absent stays absent */
const char *vg_str_cstr(struct vg_arena *arena, struct vg_str s);  /* NUL-terminated copy */
struct vg_str vg_str_fmt(struct vg_arena *arena, const char *fmt, ...) VG_PRINTF(2, 3);
/* For functions that format themselves. Empty when it would be longer than max_bytes. */
struct vg_str vg_str_vfmt(struct vg_arena *arena, size_t max_bytes, const char *fmt, va_list ap)
    VG_PRINTF(3, 0);
struct vg_str vg_str_cat(struct vg_arena *arena, struct vg_str a, struct vg_str b);
struct vg_str vg_str_lower(struct vg_arena *arena, struct vg_str s); /* ASCII */

#endif
