/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_STATE_H
#define S3_STATE_H

/* What the service keeps in memory (rq->svc). */

#include <stdatomic.h>
#include <stdint.h>

struct s3_logs; /* s3_log_store.c */
struct s3_slots;
struct vg_bounds;
struct vg_cache;
struct vg_req;

struct s3 {
    struct vg_cache *master_keys, *buckets;
    atomic_uint_fast64_t bucket_epoch; /* of what is in `buckets` */
    struct s3_slots *slots;            /* that contents pass through */
    struct vg_bounds *notices;         /* where those of buckets begin in the store */
    struct s3_logs *logs;
    _Atomic int64_t last_order; /* that a notice or a line of a log got */
};

/* s3_notify.c: every later one is higher, whoever asks and after a restart too: the virtual clock
 * does not go back, and no bucket has 4,096 events a millisecond. */
int64_t s3_next_order(struct vg_req *rq);

#endif
