/* SPDX-License-Identifier: Apache-2.0 */

/* Log streams: create, delete, describe. */

#include "services/logs/logs_int.h"

#include "codec/record.h"
#include "core/env.h"

#include <stdlib.h>

#define PAGE_DEFAULT 50
/* Streams of one group that are sorted by their last event: all are looked at. */
#define SORT_MAX 100000u

vg_rc
logs_create_log_stream(struct vg_req *rq, const struct logs_create_log_stream_request *in)
{
    struct logs_rec_group *group;
    bool is_there = false;
    const struct logs_rec_stream stream = {
        .id = logs_new_id(rq),
        .name = in->log_stream_name,
        .created_ms = vg_now_ms(rq->env),
    };
    vg_rc rc = logs_need_group(rq, in->log_group_name, VG_STR_NONE, &group);
    if (rc == VG_OK)
        rc = logs_kv_stream_create(rq, group->id, &stream, &is_there);
    if (rc == VG_OK && is_there)
        return logs_fail_resource_already_exists_exception(
            rq, "The specified log stream already exists");
    return rc;
}

vg_rc
logs_delete_log_stream(struct vg_req *rq, const struct logs_delete_log_stream_request *in)
{
    struct logs_rec_group *group;
    struct logs_rec_stream *stream;
    vg_rc rc = logs_need_group(rq, in->log_group_name, VG_STR_NONE, &group);
    if (rc == VG_OK)
        rc = logs_need_stream(rq, group->id, in->log_stream_name, &stream);
    return rc == VG_OK ? logs_kv_stream_delete(rq, group, stream) : rc;
}

/* --- describe -----------------------------------------------------------------------------------
 */

struct entry {
    const struct logs_rec_stream *stream;
    struct logs_rec_head head;
};

static void
show(struct vg_req *rq, const struct logs_rec_group *group, const struct entry *e,
     struct logs_log_stream *out)
{
    *out = (struct logs_log_stream) {
        .log_stream_name = e->stream->name,
        .creation_time = { true, e->stream->created_ms },
        .first_event_timestamp = e->head.first_ms,
        .last_event_timestamp = e->head.last_ms,
        .last_ingestion_time = e->head.ingested_ms,
        .arn = vg_str_fmt(rq->arena, "%" VG_FMT ":log-stream:%" VG_FMT,
                          VG_ARG(logs_group_arn(rq, group->name)), VG_ARG(e->stream->name)),
        .upload_sequence_token = vg_str_fmt(rq->arena, "%056lld", (long long)e->head.next_seq),
        /* "As of June 17, 2019, this is deprecated and reports 0 for streams." */
        .stored_bytes = { true, 0 },
    };
}

static vg_rc
load_heads(struct vg_req *rq, const struct logs_streams *page, struct entry *entries)
{
    for (size_t i = 0; i < page->len; i++) {
        struct logs_rec_head *head;
        vg_rc rc = logs_kv_head(rq, page->items[i]->id, &head);
        if (rc != VG_OK)
            return rc;
        entries[i].stream = page->items[i];
        if (head != NULL)
            entries[i].head = *head;
    }
    return VG_OK;
}

static void
show_all(struct vg_req *rq, const struct logs_rec_group *group, const struct entry *entries,
         size_t n, struct logs_describe_log_streams_response *out)
{
    out->log_streams.items = VG_NEW_ARRAY(rq->arena, struct logs_log_stream, n + 1);
    out->log_streams.len = n;
    out->log_streams.set = true;
    for (size_t i = 0; i < n; i++)
        show(rq, group, &entries[i], &out->log_streams.items[i]);
}

static vg_rc
describe_by_name(struct vg_req *rq, const struct logs_rec_group *group,
                 const struct logs_describe_log_streams_request *in, struct vg_str after,
                 struct logs_describe_log_streams_response *out)
{
    struct logs_streams page;
    uint32_t limit = (uint32_t)vg_opt_or(in->limit, PAGE_DEFAULT);
    bool is_descending = vg_opt_bool_or(in->descending, false);
    vg_rc rc = logs_kv_streams(rq, group->id, in->log_stream_name_prefix, after, is_descending,
                               limit, &page);
    if (rc != VG_OK)
        return rc;
    struct entry *entries = VG_NEW_ARRAY(rq->arena, struct entry, page.len + 1);
    rc = load_heads(rq, &page, entries);
    if (rc != VG_OK)
        return rc;
    show_all(rq, group, entries, page.len, out);
    if (page.has_more && page.len > 0)
        out->next_token = logs_token_make(rq, page.items[page.len - 1]->name);
    return VG_OK;
}

/* Streams without events come first, as if theirs had been at the beginning of time. */
static int64_t
last_of(const struct entry *e)
{
    return vg_opt_or(e->head.last_ms, 0);
}

static int
compare(const void *va, const void *vb)
{
    const struct entry *a = va, *b = vb;
    if (last_of(a) != last_of(b))
        return last_of(a) < last_of(b) ? -1 : 1;
    return vg_str_cmp(a->stream->name, b->stream->name);
}

static vg_rc
load_all(struct vg_req *rq, const struct logs_rec_group *group, struct entry **ret, size_t *ret_n)
{
    VG_VEC(struct entry) all = { 0 };
    struct logs_streams page = { .has_more = true };
    struct vg_str after = VG_STR_NONE;
    while (page.has_more && all.len < SORT_MAX) {
        vg_rc rc = logs_kv_streams(rq, group->id, VG_STR_NONE, after, false, 1000, &page);
        if (rc != VG_OK)
            return rc;
        struct entry *entries = VG_NEW_ARRAY(rq->arena, struct entry, page.len + 1);
        rc = load_heads(rq, &page, entries);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < page.len; i++)
            *VG_VEC_ADD(rq->arena, &all) = entries[i];
        if (page.len > 0)
            after = page.items[page.len - 1]->name;
        logs_yield();
    }
    *ret = all.items;
    *ret_n = all.len;
    return VG_OK;
}

/* Token: last time as a varint (after zigzag it is never negative), then the name. */
static vg_rc
describe_by_time(struct vg_req *rq, const struct logs_rec_group *group,
                 const struct logs_describe_log_streams_request *in, struct vg_str after,
                 struct logs_describe_log_streams_response *out)
{
    struct entry *all;
    size_t n, from = 0;
    uint64_t time = 0;
    size_t limit = (size_t)vg_opt_or(in->limit, PAGE_DEFAULT);
    vg_rc rc = load_all(rq, group, &all, &n);
    if (rc != VG_OK)
        return rc;
    if (n > 0)
        qsort(all, n, sizeof(*all), compare);
    if (vg_opt_bool_or(in->descending, false)) {
        for (size_t i = 0; i < n / 2; i++) {
            struct entry swap = all[i];
            all[i] = all[n - 1 - i];
            all[n - 1 - i] = swap;
        }
    }
    if (after.ptr != NULL) {
        if (!vg_str_take_varint(&after, &time))
            return logs_fail_invalid_parameter_exception(rq, "The specified nextToken is invalid.");
        const struct logs_rec_stream stream = { .name = after };
        const struct entry last = { .stream = &stream, .head.last_ms = { true, (int64_t)time } };
        bool is_descending = vg_opt_bool_or(in->descending, false);
        while (
            from < n
            && (is_descending ? compare(&all[from], &last) >= 0 : compare(&all[from], &last) <= 0))
            from++;
    }
    size_t len = VG_MIN(limit, n - from);
    show_all(rq, group, all + from, len, out);
    if (len > 0 && from + len < n) {
        struct vg_buf token;
        vg_buf_init(&token, rq->arena, 1024);
        vg_buf_add_varint(&token, (uint64_t)last_of(&all[from + len - 1]));
        vg_buf_adds(&token, all[from + len - 1].stream->name);
        out->next_token = logs_token_make(rq, vg_buf_str(&token));
    }
    return VG_OK;
}

vg_rc
logs_describe_log_streams(struct vg_req *rq, const struct logs_describe_log_streams_request *in,
                          struct logs_describe_log_streams_response *out)
{
    struct logs_rec_group *group;
    struct vg_str after = VG_STR_NONE;
    bool is_by_time = in->order_by.v == LOGS_ORDER_BY_LAST_EVENT_TIME;
    if (is_by_time && in->log_stream_name_prefix.ptr != NULL)
        return logs_fail_invalid_parameter_exception(
            rq, "Cannot order by LastEventTime with a logStreamNamePrefix.");
    if (in->next_token.ptr != NULL && !logs_token_read(rq, in->next_token, &after))
        return logs_fail_invalid_parameter_exception(rq, "The specified nextToken is invalid.");
    vg_rc rc = logs_need_group(rq, in->log_group_name, in->log_group_identifier, &group);
    if (rc != VG_OK)
        return rc;
    return is_by_time ? describe_by_time(rq, group, in, after, out)
                      : describe_by_name(rq, group, in, after, out);
}
