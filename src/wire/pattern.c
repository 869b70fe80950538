/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The models' regular expressions, compiled on first use.
 *
 * A table of atomic slots keyed by the pattern's address (they are constants): readers take no
 * lock, and a thread that loses the race for a slot frees its own copy.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "wire/wire.h"

#include <pcre2.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SLOTS       16384u /* a power of two, far above the number of patterns of all models */
#define MATCH_LIMIT 100000u

struct entry {
    const char *pattern;
    pcre2_code *code; /* NULL: PCRE2 cannot read it */
};

struct vg_patterns {
    pcre2_match_context *match;
    _Atomic(struct entry *) slots[SLOTS];
};

struct vg_patterns *
vg_patterns_new(void)
{
    struct vg_patterns *p = vg_xalloc(sizeof(*p));
    p->match = pcre2_match_context_create(NULL);
    VG_ASSERT(p->match != NULL);
    pcre2_set_match_limit(p->match, MATCH_LIMIT);
    pcre2_set_depth_limit(p->match, MATCH_LIMIT);
    return p;
}

static void
entry_free(struct entry *e)
{
    pcre2_code_free(e->code);
    free(e);
}

void
vg_patterns_free(struct vg_patterns *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++) {
        struct entry *e = atomic_load(&p->slots[i]);
        if (e)
            entry_free(e);
    }
    pcre2_match_context_free(p->match);
    free(p);
}

static struct entry *
compile(const char *pattern)
{
    struct entry *e = vg_xalloc(sizeof(*e));
    e->pattern = pattern;
    uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY;
    int code;
    PCRE2_SIZE at;
    e->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);
    return e;
}

static const struct entry *
find(struct vg_patterns *p, const char *pattern)
{
    size_t at = ((uintptr_t)pattern * 0x9E3779B97F4A7C15u >> 40) & (SLOTS - 1);
    struct entry *mine = NULL;
    for (size_t n = 0; n < SLOTS; n++, at = (at + 1) & (SLOTS - 1)) {
        struct entry *e = atomic_load_explicit(&p->slots[at], memory_order_acquire);
        if (e == NULL) {
            if (mine == NULL)
                mine = compile(pattern);
            if (atomic_compare_exchange_strong(&p->slots[at], &e, mine))
                return mine;
        } /* e: now what another thread put there */
        if (e->pattern == pattern) {
            if (mine)
                entry_free(mine);
            return e;
        }
    }
    VG_BUG("more patterns than slots");
}

bool
vg_patterns_match(struct vg_patterns *p, const char *pattern, struct vg_str text)
{
    const struct entry *e = find(p, pattern);
    if (e->code == NULL)
        return true;
    pcre2_match_data *md = pcre2_match_data_create(1, NULL);
    VG_ASSERT(md != NULL);
    int rc =
        pcre2_match(e->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0, md, p->match);
    pcre2_match_data_free(md);
    return rc >= 0 || rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT
           || rc == PCRE2_ERROR_HEAPLIMIT;
}
