/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define POINTS_MAX     16
#define NAME_MAX_BYTES 64

enum action { FAIL = 1, CRASH, DELAY };

struct point {
    char name[NAME_MAX_BYTES];
    bool is_prefix;
    enum action action;
    int64_t delay_ms;
    uint64_t first, last; /* hits that count, from 1 */
    _Atomic uint64_t hits;
};

/* Set by vg_fault_setup() before other threads exist; only the counts change after. */
static struct {
    _Atomic size_t n;
    struct point points[POINTS_MAX];
} faults; /* lint: state: armed once, for the whole process */

static bool
parse_action(struct vg_str s, struct point *p)
{
    p->action = vg_str_eq(s, VG_STR("fail")) ? FAIL : CRASH;
    if (vg_str_eq(s, VG_STR("fail")) || vg_str_eq(s, VG_STR("crash")))
        return true;
    p->action = DELAY;
    return vg_str_starts(s, VG_STR("delay:"))
           && vg_str_to_i64(vg_str_slice(s, 6, s.len), &p->delay_ms) && p->delay_ms >= 0;
}

static bool
parse_when(struct vg_str s, struct point *p)
{
    p->first = 1;
    p->last = UINT64_MAX;
    if (s.ptr == NULL)
        return true;
    bool is_open = vg_str_ends(s, VG_STR("+"));
    if (!vg_str_to_u64(vg_str_slice(s, 0, s.len - is_open), &p->first) || p->first == 0)
        return false;
    if (!is_open)
        p->last = p->first;
    return true;
}

static bool
parse_point(struct vg_str text, struct point *p)
{
    struct vg_str rest = text, name = vg_str_cut(&rest, '='), action = vg_str_cut(&rest, '@');
    p->is_prefix = vg_str_ends(name, VG_STR("*"));
    name.len -= p->is_prefix;
    if ((name.len == 0 && !p->is_prefix) || name.len >= sizeof(p->name) || action.ptr == NULL)
        return false;
    memcpy(p->name, name.ptr, name.len);
    p->name[name.len] = '\0';
    return parse_action(action, p) && parse_when(rest, p);
}

vg_rc
vg_fault_setup(struct vg_str spec, struct vg_err *err)
{
    faults.n = 0;
    while (spec.len > 0) {
        struct vg_str one = vg_str_trim(vg_str_cut(&spec, ','));
        if (faults.n == POINTS_MAX)
            return vg_err_set(err, "more than %d fault points", POINTS_MAX);
        struct point *p = &faults.points[faults.n];
        p->hits = 0;
        if (!parse_point(one, p))
            return vg_err_set(
                err, "not a fault point: \"%" VG_FMT "\" (NAME=fail|crash|delay:MS[@N[+]])",
                VG_ARG(one));
        faults.n++;
    }
    return VG_OK;
}

bool
vg_fault_is_armed(void)
{
    return faults.n > 0;
}

static struct point *
find(const char *name)
{
    struct vg_str s = vg_str_of(name);
    for (size_t i = 0; i < faults.n; i++) {
        struct point *p = &faults.points[i];
        struct vg_str want = vg_str_of(p->name);
        if (p->is_prefix ? vg_str_starts(s, want) : vg_str_eq(s, want))
            return p;
    }
    return NULL;
}

bool
vg_fault_hit(const char *name)
{
    if (faults.n == 0)
        return false;
    struct point *p = find(name);
    if (p == NULL)
        return false;
    uint64_t hit = atomic_fetch_add(&p->hits, 1) + 1;
    if (hit < p->first || hit > p->last)
        return false;
    if (p->action == CRASH) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    if (p->action == DELAY) {
        struct timespec t = { .tv_sec = (time_t)(p->delay_ms / 1000),
                              .tv_nsec = (long)(p->delay_ms % 1000) * 1000000 };
        nanosleep(&t, NULL); /* lint: banned: a delay is what was asked for */
    }
    return p->action == FAIL;
}

uint64_t
vg_fault_count(const char *name)
{
    struct point *p = find(name);
    return p ? (uint64_t)p->hits : 0;
}
