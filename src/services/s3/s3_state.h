/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_STATE_H
#define S3_STATE_H

/* What the service keeps in memory (rq->svc). */

#include <stdatomic.h>
#include <stdint.h>

struct s3_slots;
struct vg_bounds;
struct vg_cache;

struct s3 {
    struct vg_cache *master_keys, *buckets;
    atomic_uint_fast64_t bucket_epoch; /* of what is in `buckets` */
    struct s3_slots *slots;            /* that contents pass through */
    struct vg_bounds *notices;         /* where those of buckets begin in the store */
    _Atomic int64_t last_order;        /* that a notice got */
};

#endif
