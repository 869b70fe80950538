/* SPDX-License-Identifier: Apache-2.0 */

/* PutLogEvents and GetLogEvents. */

#include "services/logs/logs_int.h"

#include "core/env.h"

#define TOO_OLD_MS (14 * LOGS_DAY_MS)
#define TOO_NEW_MS ((int64_t)2 * 3600 * 1000)

/* --- PutLogEvents -------------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 */

static vg_rc
check_batch(struct vg_req *rq, const struct logs_input_log_events *events)
{
    size_t bytes = 0;
    for (size_t i = 0; i < events->len; i++) {
        bytes += events->items[i].message.len + LOGS_LIMIT_EVENT_OVERHEAD_BYTES;
        if (i > 0 && events->items[i].timestamp.v < events->items[i - 1].timestamp.v)
            return logs_fail_invalid_parameter_exception(
                rq, "Log events in a single PutLogEvents request must be in chronological order.");
    }
    if (bytes > LOGS_LIMIT_BATCH_BYTES)
        return logs_fail_invalid_parameter_exception(
            rq, "Upload too large: %zu bytes exceeds limit of %d", bytes, LOGS_LIMIT_BATCH_BYTES);
    if (events->len > 0
        && events->items[events->len - 1].timestamp.v - events->items[0].timestamp.v > LOGS_DAY_MS)
        return logs_fail_invalid_parameter_exception(
            rq, "The batch of log events in a single PutLogEvents request cannot span more than 24 "
                "hours.");
    return VG_OK;
}

/* Events from *ret_from to *ret_to may be stored; the others are named in the answer. */
static struct logs_rejected_log_events_info *
reject(struct vg_req *rq, const struct logs_rec_group *group,
       const struct logs_input_log_events *events, size_t *ret_from, size_t *ret_to)
{
    int64_t now_ms = vg_now_ms(rq->env), horizon_ms = logs_horizon_ms(rq, group);
    size_t old = 0, expired = 0, new = events->len;
    while (old < events->len && events->items[old].timestamp.v < now_ms - TOO_OLD_MS)
        old++;
    while (expired < events->len && events->items[expired].timestamp.v < horizon_ms)
        expired++;
    while (new > 0 && events->items[new - 1].timestamp.v > now_ms + TOO_NEW_MS)
        new --;
    *ret_from = VG_MAX(old, expired);
    *ret_to = VG_MAX(new, *ret_from);
    if (*ret_from == 0 && new == events->len)
        return NULL;
    struct logs_rejected_log_events_info *info =
        VG_NEW(rq->arena, struct logs_rejected_log_events_info);
    info->too_old_log_event_end_index = (struct vg_opt_i64) { old > 0, (int64_t)old };
    info->expired_log_event_end_index = (struct vg_opt_i64) { expired > 0, (int64_t)expired };
    info->too_new_log_event_start_index = (struct vg_opt_i64) { new < events->len, (int64_t) new };
    return info;
}

vg_rc
logs_put_log_events(struct vg_req *rq, const struct logs_put_log_events_request *in,
                    struct logs_put_log_events_response *out)
{
    struct logs_rec_group *group;
    struct logs_rec_stream *stream;
    size_t from = 0, to = 0;
    bool is_gone = false;
    vg_rc rc = check_batch(rq, &in->log_events);
    if (rc == VG_OK)
        rc = logs_need_group(rq, in->log_group_name, VG_STR_NONE, &group);
    if (rc == VG_OK)
        rc = logs_need_stream(rq, group->id, in->log_stream_name, &stream);
    if (rc != VG_OK)
        return rc;
    out->rejected_log_events_info = reject(rq, group, &in->log_events, &from, &to);
    if (from < to)
        rc =
            logs_kv_append(rq, group, stream->id, in->log_events.items + from, to - from, &is_gone);
    if (rc == VG_OK && is_gone)
        return logs_fail_resource_not_found_exception(rq,
                                                      "The specified log stream does not exist.");
    /* "The sequence token is now ignored in PutLogEvents actions": any value does. */
    out->next_sequence_token = vg_str_fmt(rq->arena, "%056lld", (long long)vg_now_ms(rq->env));
    if (in->entity != NULL) {
        out->rejected_entity_info = VG_NEW(rq->arena, struct logs_rejected_entity_info);
        out->rejected_entity_info->error_type =
            VG_ENUM(LOGS_ENTITY_REJECTION_ERROR_TYPE_UNSUPPORTED_LOG_GROUP_TYPE);
    }
    return rc;
}

/* --- GetLogEvents -------------------------------------------------------------------------------
 *
 * A token is a place between two events, "f/" for what follows it and "b/" for what precedes it.
 * "If you have reached the end of the stream, it returns the same token you passed in."
 */

struct cursor {
    bool is_given, is_backward;
    struct logs_pos pos;
};

static struct vg_str
token_of(struct vg_req *rq, char kind, struct logs_pos pos)
{
    return vg_str_fmt(rq->arena, "%c/%028lld%028lld/s", kind, (long long)pos.ms,
                      (long long)pos.seq);
}

static bool
read_token(struct vg_str token, struct cursor *ret)
{
    struct cursor c = { .is_given = true };
    if (token.len != 2 + 28 + 28 + 2 || !vg_str_ends(token, VG_STR("/s")) || token.ptr[1] != '/'
        || (token.ptr[0] != 'f' && token.ptr[0] != 'b'))
        return false;
    c.is_backward = token.ptr[0] == 'b';
    if (!vg_str_to_i64(vg_str_slice(token, 2, 30), &c.pos.ms)
        || !vg_str_to_i64(vg_str_slice(token, 30, 58), &c.pos.seq))
        return false;
    *ret = c;
    return true;
}

static bool
is_before(struct logs_pos a, struct logs_pos b)
{
    return a.ms < b.ms || (a.ms == b.ms && a.seq < b.seq);
}

/* The part of a page that fits into an answer of 1 MB, from its first event on. */
static size_t
fitting(const struct logs_events *page)
{
    size_t bytes = 0, n = 0;
    for (; n < page->len; n++) {
        bytes += page->items[n].message.len + LOGS_LIMIT_EVENT_OVERHEAD_BYTES;
        if (n > 0 && bytes > LOGS_LIMIT_PAGE_BYTES)
            break;
    }
    return n;
}

static void
answer_page(struct vg_req *rq, struct logs_events *page, bool is_reverse, struct logs_pos at,
            struct logs_get_log_events_response *out)
{
    size_t n = fitting(page);
    struct logs_output_log_event *items =
        VG_NEW_ARRAY(rq->arena, struct logs_output_log_event, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct logs_event *e = &page->items[is_reverse ? n - 1 - i : i];
        items[i] = (struct logs_output_log_event) {
            .timestamp = { true, e->pos.ms },
            .message = e->message,
            .ingestion_time = { true, e->ingested_ms },
        };
    }
    out->events.items = items;
    out->events.len = n;
    out->events.set = true;
    struct logs_pos first = at, end = at;
    if (n > 0) {
        first = page->items[is_reverse ? n - 1 : 0].pos;
        end = page->items[is_reverse ? 0 : n - 1].pos;
        end.seq++;
    }
    out->next_forward_token = token_of(rq, 'f', end);
    out->next_backward_token = token_of(rq, 'b', first);
}

vg_rc
logs_get_log_events(struct vg_req *rq, const struct logs_get_log_events_request *in,
                    struct logs_get_log_events_response *out)
{
    struct logs_rec_group *group;
    struct logs_rec_stream *stream;
    struct logs_events page;
    struct cursor token = { 0 };
    if (in->next_token.ptr != NULL && !read_token(in->next_token, &token))
        return logs_fail_invalid_parameter_exception(rq, "The specified nextToken is invalid.");
    vg_rc rc = logs_refuse(rq, vg_opt_bool_or(in->unmask, false), "unmask",
                           "data protection is not built");
    if (rc == VG_OK)
        rc = logs_need_group(rq, in->log_group_name, in->log_group_identifier, &group);
    if (rc == VG_OK)
        rc = logs_need_stream(rq, group->id, in->log_stream_name, &stream);
    if (rc != VG_OK)
        return rc;
    struct logs_pos from = { VG_MAX(vg_opt_or(in->start_time, 0), logs_horizon_ms(rq, group)), 0 };
    struct logs_pos to = { vg_opt_or(in->end_time, INT64_MAX), 0 };
    bool is_reverse =
        token.is_given ? token.is_backward : !vg_opt_bool_or(in->start_from_head, false);
    if (token.is_given && !token.is_backward && is_before(from, token.pos))
        from = token.pos;
    if (token.is_given && token.is_backward && is_before(token.pos, to))
        to = token.pos;
    uint32_t limit = (uint32_t)vg_opt_or(in->limit, LOGS_LIMIT_PAGE_EVENTS);
    rc = logs_kv_events(rq, stream->id, from, to, is_reverse, limit, LOGS_LIMIT_PAGE_BYTES, &page);
    if (rc != VG_OK)
        return rc;
    answer_page(rq, &page, is_reverse, token.is_given ? token.pos : from, out);
    return VG_OK;
}
