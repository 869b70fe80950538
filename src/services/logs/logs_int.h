/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOGS_INT_H
#define LOGS_INT_H

/* What the files of this service share; included only here. */

#include "core/authz.h"
#include "core/call.h"
#include "services/logs/errors.h"
#include "services/logs/ops.h"
#include "services/logs/records.h"

#define LOGS_DAY_MS ((int64_t)86400000)

/* --- logs_store.c: the only file that knows keys ------------------------------------------------
 *
 * Groups and streams have ids of their own, by which their data is found: so a deleted one is gone
 * at once, and what it leaves is purged by timers.
 */

/* A place in a stream: before the event with this time and number, after all smaller ones. */
struct logs_pos {
    int64_t ms, seq;
};

struct logs_event {
    struct logs_pos pos;
    struct vg_str message;
    int64_t ingested_ms;
};

struct logs_events {
    struct logs_event *items;
    size_t len;
    bool has_more;
};

/* *ret is NULL when there is no such group. */
vg_rc logs_kv_group(struct vg_req *rq, struct vg_str account, struct vg_str region,
                    struct vg_str name, struct logs_rec_group **ret) VG_MUST_USE;
struct logs_groups {
    struct logs_rec_group **items;
    size_t len;
    bool has_more;
};
/* Groups of rq's account and region by name, those after `after`. */
vg_rc logs_kv_groups(struct vg_req *rq, struct vg_str prefix, struct vg_str after, uint32_t max,
                     struct logs_groups *ret) VG_MUST_USE;
vg_rc logs_kv_group_bytes(struct vg_req *rq, struct vg_str group_id, int64_t *ret) VG_MUST_USE;

/* A change to one group's record: begins, reads, and after the change stores or deletes it. */
struct logs_edit {
    struct vg_req *rq;
    struct vg_tx *tx;
    struct vg_str part, group_part;
    struct logs_rec_group *group; /* NULL: there is none */
};
vg_rc logs_kv_edit(struct vg_req *rq, struct vg_str name, struct logs_edit *ret)
    VG_WAITS VG_MUST_USE;
void logs_kv_edit_put(struct logs_edit *edit, const struct logs_rec_group *group);
/* Deletes the group and has its streams purged. */
vg_rc logs_kv_edit_delete(struct logs_edit *edit) VG_MUST_USE;
/* (Re)starts the retention of a group at due_ms; INT64_MAX: ends it. */
vg_rc logs_kv_edit_expire_at(struct logs_edit *edit, const struct logs_rec_group *group,
                             int64_t due_ms) VG_MUST_USE;
vg_rc logs_kv_edit_commit(struct logs_edit *edit) VG_WAITS VG_MUST_USE;
void logs_edit_end(struct logs_edit *edit);
#define logs_auto_edit __attribute__((cleanup(logs_edit_end)))

/* *ret is NULL when there is no such stream. */
vg_rc logs_kv_stream(struct vg_req *rq, struct vg_str group_id, struct vg_str name,
                     struct logs_rec_stream **ret) VG_MUST_USE;
struct logs_streams {
    struct logs_rec_stream **items;
    size_t len;
    bool has_more;
};
vg_rc logs_kv_streams(struct vg_req *rq, struct vg_str group_id, struct vg_str prefix,
                      struct vg_str after, bool is_descending, uint32_t max,
                      struct logs_streams *ret) VG_MUST_USE;
/* *ret_exists: there was one of that name already, nothing was done. */
vg_rc logs_kv_stream_create(struct vg_req *rq, struct vg_str group_id,
                            const struct logs_rec_stream *stream, bool *ret_exists)
    VG_WAITS VG_MUST_USE;
vg_rc logs_kv_stream_delete(struct vg_req *rq, const struct logs_rec_group *group,
                            const struct logs_rec_stream *stream) VG_WAITS VG_MUST_USE;

/* *ret is NULL when the stream has just been deleted. */
vg_rc logs_kv_head(struct vg_req *rq, struct vg_str stream_id, struct logs_rec_head **ret)
    VG_MUST_USE;
/* Appends events in their order; *ret_gone: the stream has just been deleted. */
vg_rc logs_kv_append(struct vg_req *rq, const struct logs_rec_group *group, struct vg_str stream_id,
                     const struct logs_input_log_event *events, size_t n, bool *ret_gone)
    VG_WAITS VG_MUST_USE;
/* Events at or after `from` and before `to`; with is_reverse from the end down. */
vg_rc logs_kv_events(struct vg_req *rq, struct vg_str stream_id, struct logs_pos from,
                     struct logs_pos to, bool is_reverse, uint32_t max, size_t max_bytes,
                     struct logs_events *ret) VG_MUST_USE;
/* Deletes a stream's events before `before`, a bounded number; *ret_has_more: call again. */
vg_rc logs_kv_trim(struct vg_req *rq, const struct logs_rec_group *group, struct vg_str stream_id,
                   int64_t before_ms, bool *ret_has_more) VG_WAITS VG_MUST_USE;
/* A stream's record out of a group that is being purged. */
vg_rc logs_kv_forget_stream(struct vg_req *rq, struct vg_str group_id,
                            const struct logs_rec_stream *stream) VG_WAITS VG_MUST_USE;

/* --- logs_common.c ------------------------------------------------------------------------------
 */

struct vg_str logs_group_arn(const struct vg_req *rq, struct vg_str name);
/* The name in "name" or in the ARN of a group, with or without ":*"; absent: neither. */
struct vg_str logs_name_of(const struct vg_req *rq, struct vg_str name_or_arn);
/* Exactly one of the two must be given; *ret is the group or ResourceNotFoundException. */
vg_rc logs_need_group(struct vg_req *rq, struct vg_str name, struct vg_str identifier,
                      struct logs_rec_group **ret) VG_MUST_USE;
vg_rc logs_need_stream(struct vg_req *rq, struct vg_str group_id, struct vg_str name,
                       struct logs_rec_stream **ret) VG_MUST_USE;
/* The earliest time whose events a group still shows. */
int64_t logs_horizon_ms(const struct vg_req *rq, const struct logs_rec_group *group);
struct vg_str logs_new_id(struct vg_req *rq);
/* InvalidParameterException naming a member that Virga does not carry out, where it is given. */
vg_rc logs_refuse(struct vg_req *rq, bool is_given, const char *member, const char *why)
    VG_MUST_USE;
/* Long loops let the loop's other fibers run; off a fiber (tests) it does nothing. */
void logs_yield(void) VG_WAITS;
/* NextToken of lists: any bytes. False: not one of ours. */
struct vg_str logs_token_make(struct vg_req *rq, struct vg_str bytes);
bool logs_token_read(struct vg_req *rq, struct vg_str token, struct vg_str *ret);

#endif
