/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_METER_H
#define VG_CORE_METER_H

/*
 * Counts what is used: requests, GB-seconds, stored bytes, by account, region, service, metric and
 * resource.  The bill and CloudWatch's metrics read from it.
 *
 * Requests and uses: each loop counts in a table of its own, without locks; a fiber of the loop
 * adds the table to the store once a second.  A kill -9 can therefore lose the counts (never the
 * effects) of the last second.  Stored bytes are counted in the transaction that stores them and
 * are exact.
 */

#include "base/err.h"

struct vg_env;
struct vg_meter;
struct vg_req;
struct vg_sess;
struct vg_tx;

struct vg_use {
    struct vg_str account, region;
    struct vg_str service;  /* "dynamodb"                                          */
    struct vg_str metric;   /* an operation's name (its requests), "billed_mb_ms"  */
    struct vg_str resource; /* as an ARN ends: "table/notes"; may be absent        */
    int64_t amount;
};

struct vg_meter *vg_meter_new(const struct vg_env *env);
void vg_meter_free(struct vg_meter *meter); /* after the loops stopped; accepts NULL */

/* Starts the flushing fiber of each loop; they end with their loop after one last flush. */
void vg_meter_start(struct vg_meter *meter);

/* On a loop of env; nothing waits. */
void vg_meter_add(struct vg_meter *meter, const struct vg_use *use);

/* Counts for the service, account and region of the request. */
void vg_meter_use(struct vg_req *rq, struct vg_str metric, struct vg_str resource, int64_t amount);

/*
 * Bytes that the transaction adds to what the resource stores, or takes away where negative: the
 * metric VG_METER_STORED.  Its sum over all hours up to one is what was stored then.
 */
#define VG_METER_STORED VG_STR("stored_bytes")
void vg_meter_stored(struct vg_req *rq, struct vg_tx *tx, struct vg_str resource, int64_t bytes);

/* One stored counter, for reading back. */
struct vg_meter_row {
    struct vg_use use;
    int64_t hour_ms; /* start of the hour (virtual time) it was counted in */
};

/*
 * The counters of one account and region whose hour begins in [from_ms, to_ms), a page at a time:
 * `*cursor` starts absent and is absent again after the last page.
 */
vg_rc vg_meter_read(struct vg_sess *sess, struct vg_str account, struct vg_str region,
                    int64_t from_ms, int64_t to_ms, struct vg_str *cursor,
                    struct vg_meter_row **ret_rows, size_t *ret_n, struct vg_err *err) VG_MUST_USE;

#endif
