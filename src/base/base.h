/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_BASE_H
#define VG_BASE_BASE_H

/*
 * What every file may rely on: the result type, attributes, asserts and optional scalars.
 * Nothing here allocates or calls the system.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one result type. Anything but VG_OK is returned as it came. */
typedef enum vg_rc {
    VG_OK = 0,      /* the out-parameters are complete                      */
    VG_FAIL = -1,   /* the struct vg_err in reach is set                    */
    VG_TIMEOUT = 1, /* only from waits: the deadline passed                 */
    VG_GONE = 2,    /* only from waits: the client left, or we are to stop  */
} vg_rc;

#define VG_MUST_USE       __attribute__((warn_unused_result))
#define VG_PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))
#define VG_NORETURN       __attribute__((noreturn))
#define VG_UNUSED         __attribute__((unused))

/*
 * Marks a function that may park the calling fiber.  Whoever calls it is marked too if a header
 * declares it; of a file's own functions lint finds it out, as that nothing waits in a transaction.
 */
#define VG_WAITS

#define VG_COUNT(array)       (sizeof(array) / sizeof((array)[0]))
#define VG_MIN(a, b)          ((a) < (b) ? (a) : (b))
#define VG_MAX(a, b)          ((a) > (b) ? (a) : (b))
#define VG_CONTAINER(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

/* A bug in Virga: prints where, and aborts. Stays on in production. */
#define VG_ASSERT(cond) ((cond) ? (void)0 : vg_bug(__FILE__, __LINE__, "assertion failed: " #cond))
/* An arm that cannot be reached. */
#define VG_BUG(what) vg_bug(__FILE__, __LINE__, what)
/* Costly checks, in debug builds only. */
#ifdef VG_DEBUG
#define VG_EXPENSIVE(cond) VG_ASSERT(cond)
#else
#define VG_EXPENSIVE(cond) ((void)0)
#endif

void vg_bug(const char *file, int line, const char *what) VG_NORETURN;

/* Optional scalars: AWS tells "absent" from zero. */
struct vg_opt_i64 {
    bool set;
    int64_t v;
};
struct vg_opt_f64 {
    bool set;
    double v;
};
struct vg_opt_bool {
    bool set;
    bool v;
};

static inline int64_t
vg_opt_or(struct vg_opt_i64 o, int64_t otherwise)
{
    return o.set ? o.v : otherwise;
}

static inline bool
vg_opt_bool_or(struct vg_opt_bool o, bool otherwise)
{
    return o.set ? o.v : otherwise;
}

#endif
