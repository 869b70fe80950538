/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_METER_TEST_H
#define VG_CORE_METER_TEST_H

/* What the meter has counted, for unit tests. */

#include "base/test.h"
#include "core/env.h"
#include "core/meter.h"
#include "store/kv.h"

/* The sum over all hours of one metric of one resource in account 000000000000, us-east-1. */
static inline int64_t
vg_metered(const struct vg_env *env, struct vg_arena *arena, struct vg_str metric,
           struct vg_str resource)
{
    struct vg_sess sess;
    struct vg_err err = { 0 };
    struct vg_str cursor = VG_STR_NONE;
    int64_t sum = 0;
    vg_sess_init(&sess, env->kv, arena);
    do {
        struct vg_meter_row *rows;
        size_t n;
        assert_ok(vg_meter_read(&sess, VG_STR("000000000000"), VG_STR("us-east-1"), 0, INT64_MAX,
                                &cursor, &rows, &n, &err));
        for (size_t i = 0; i < n; i++)
            if (vg_str_eq(rows[i].use.metric, metric) && vg_str_eq(rows[i].use.resource, resource))
                sum += rows[i].use.amount;
    } while (cursor.ptr);
    return sum;
}

#endif
