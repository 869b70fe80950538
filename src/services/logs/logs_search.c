/* SPDX-License-Identifier: Apache-2.0 */

/*
 * FilterLogEvents: the events of many streams as one, by time, those that match a pattern.
 *
 * Streams are merged by (time, stream name, number).  A page ends at its limits, or after a bounded
 * number of events looked at: then it may be empty and have a nextToken, as AWS's may.
 */

#include "services/logs/logs_int.h"

#include "codec/record.h"
#include "services/logs/logs_filter.h"

/* Looked at by one call at most. */
#define SCAN_EVENTS_MAX   100000u
#define SCAN_BYTES_MAX    (32u << 20)
#define AHEAD_BYTES       (4u << 20) /* read ahead of the merge, over all streams */
#define AHEAD_BYTES_MIN   (16u << 10)
#define YIELD_EVERY       500u /* events or streams, then other fibers of the loop run */
#define STREAMS_PAGE      1000u
#define SCRATCH_MAX_BYTES (64u << 20)

struct source {
    const struct logs_rec_stream *stream;
    struct logs_events page;
    size_t at;
    struct logs_pos from; /* of the next page */
    bool is_done;         /* nothing beyond the page */
};

struct search {
    struct vg_req *rq;
    struct logs_pos from, to; /* by time */
    struct vg_str after_name; /* with after_pos: the last event looked at by the page before */
    struct logs_pos after_pos;
    bool has_after;
    VG_VEC(struct source) sources;
    struct source **heap; /* those with events left, the earliest first */
    size_t n_heap, ahead_bytes;
    const struct logs_filter *filter;
    struct vg_arena *scratch;
    size_t n_seen, bytes_seen;
};

/* --- which streams ------------------------------------------------------------------------------
 */

/* Where a stream goes on after the token's event, in the order of the merge. */
static struct logs_pos
start_in(const struct search *s, struct vg_str name)
{
    struct logs_pos pos = s->after_pos;
    if (!s->has_after)
        return s->from;
    int order = vg_str_cmp(name, s->after_name);
    if (order < 0)
        pos = (struct logs_pos) { s->after_pos.ms + 1, 0 };
    else if (order == 0)
        pos.seq++;
    else
        pos.seq = 0;
    return pos.ms < s->from.ms ? s->from : pos;
}

static vg_rc
add_source(struct search *s, const struct logs_rec_stream *stream)
{
    struct logs_rec_head *head;
    vg_rc rc = logs_kv_head(s->rq, stream->id, &head);
    if (rc != VG_OK || head == NULL || !head->last_ms.set)
        return rc;
    struct logs_pos from = start_in(s, stream->name);
    if (head->last_ms.v < from.ms || head->first_ms.v >= s->to.ms)
        return VG_OK;
    *VG_VEC_ADD(s->rq->arena, &s->sources) = (struct source) { .stream = stream, .from = from };
    return VG_OK;
}

static vg_rc
add_named(struct search *s, struct vg_str group_id, const struct logs_input_log_stream_names *names)
{
    for (size_t i = 0; i < names->len; i++) {
        struct logs_rec_stream *stream;
        bool is_twice = false;
        for (size_t k = 0; k < i; k++)
            is_twice = is_twice || vg_str_eq(names->items[k], names->items[i]);
        if (is_twice)
            continue;
        vg_rc rc = logs_need_stream(s->rq, group_id, names->items[i], &stream);
        if (rc == VG_OK)
            rc = add_source(s, stream);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

static vg_rc
add_by_prefix(struct search *s, struct vg_str group_id, struct vg_str prefix)
{
    struct logs_streams page = { .has_more = true };
    struct vg_str after = VG_STR_NONE;
    while (page.has_more) {
        vg_rc rc = logs_kv_streams(s->rq, group_id, prefix, after, false, STREAMS_PAGE, &page);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++)
            rc = add_source(s, page.items[i]);
        if (rc != VG_OK)
            return rc;
        if (page.len == 0)
            break;
        after = page.items[page.len - 1]->name;
        logs_yield();
    }
    return VG_OK;
}

/* --- the merge ----------------------------------------------------------------------------------
 */

static vg_rc
fill(struct search *s, struct source *src)
{
    if (src->at < src->page.len || src->is_done)
        return VG_OK;
    vg_rc rc = logs_kv_events(s->rq, src->stream->id, src->from, s->to, false, 1000, s->ahead_bytes,
                              &src->page);
    if (rc != VG_OK)
        return rc;
    src->at = 0;
    src->is_done = !src->page.has_more;
    if (src->page.len > 0) {
        src->from = src->page.items[src->page.len - 1].pos;
        src->from.seq++;
    }
    return VG_OK;
}

static bool
is_earlier(const struct source *a, const struct source *b)
{
    struct logs_pos pa = a->page.items[a->at].pos, pb = b->page.items[b->at].pos;
    if (pa.ms != pb.ms)
        return pa.ms < pb.ms;
    return vg_str_cmp(a->stream->name, b->stream->name) < 0;
}

/* Lets the source at `i` of the heap sink to its place. */
static void
sink(struct search *s, size_t i)
{
    for (;;) {
        size_t first = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->n_heap; child++)
            if (is_earlier(s->heap[child], s->heap[first]))
                first = child;
        if (first == i)
            return;
        struct source *swap = s->heap[i];
        s->heap[i] = s->heap[first];
        s->heap[first] = swap;
        i = first;
    }
}

static vg_rc
make_heap(struct search *s)
{
    s->heap = VG_NEW_ARRAY(s->rq->arena, struct source *, s->sources.len + 1);
    for (size_t i = 0; i < s->sources.len; i++) {
        struct source *src = &s->sources.items[i];
        vg_rc rc = fill(s, src);
        if (rc != VG_OK)
            return rc;
        if (src->at < src->page.len)
            s->heap[s->n_heap++] = src;
        if (i % YIELD_EVERY == YIELD_EVERY - 1)
            logs_yield();
    }
    for (size_t i = s->n_heap / 2; i-- > 0;)
        sink(s, i);
    return VG_OK;
}

/* Takes the event of the first source of the heap. */
static vg_rc
take_first(struct search *s)
{
    struct source *src = s->heap[0];
    src->at++;
    vg_rc rc = fill(s, src);
    if (rc != VG_OK)
        return rc;
    if (src->at >= src->page.len)
        s->heap[0] = s->heap[--s->n_heap];
    sink(s, 0);
    return VG_OK;
}

/* 56 digits, as AWS's: time, a hash of the stream, number. */
static struct vg_str
event_id(const struct search *s, const struct source *src, const struct logs_event *e)
{
    return vg_str_fmt(s->rq->arena, "%019lld%020llu%017lld", (long long)e->pos.ms,
                      (unsigned long long)vg_str_hash(src->stream->id), (long long)e->pos.seq);
}

static struct vg_str
token_of(const struct search *s, const struct source *src, const struct logs_event *e)
{
    struct vg_buf token;
    vg_buf_init(&token, s->rq->arena, 2048);
    vg_buf_add_varint(&token, (uint64_t)e->pos.ms);
    vg_buf_add_varint(&token, (uint64_t)e->pos.seq);
    vg_buf_adds(&token, src->stream->name);
    return logs_token_make(s->rq, vg_buf_str(&token));
}

static bool
read_token(struct search *s, struct vg_str token)
{
    struct vg_str bytes;
    uint64_t ms, seq;
    if (!logs_token_read(s->rq, token, &bytes) || !vg_str_take_varint(&bytes, &ms)
        || !vg_str_take_varint(&bytes, &seq) || ms > INT64_MAX || seq >= INT64_MAX)
        return false;
    s->after_pos = (struct logs_pos) { (int64_t)ms, (int64_t)seq };
    s->after_name = bytes;
    s->has_after = true;
    return true;
}

static vg_rc
collect(struct search *s, size_t limit, struct logs_filter_log_events_response *out)
{
    VG_VEC(struct logs_filtered_log_event) found = { 0 };
    size_t bytes = 0;
    vg_rc rc = make_heap(s);
    while (rc == VG_OK && s->n_heap > 0) {
        const struct source *src = s->heap[0];
        const struct logs_event *e = &src->page.items[src->at];
        s->n_seen++;
        s->bytes_seen += e->message.len;
        vg_arena_clear(s->scratch);
        if (logs_filter_match(s->filter, s->scratch, e->message)) {
            bytes += e->message.len + LOGS_LIMIT_EVENT_OVERHEAD_BYTES;
            *VG_VEC_ADD(s->rq->arena, &found) = (struct logs_filtered_log_event) {
                .log_stream_name = src->stream->name,
                .timestamp = { true, e->pos.ms },
                .message = e->message,
                .ingestion_time = { true, e->ingested_ms },
                .event_id = event_id(s, src, e),
            };
        }
        bool is_full = found.len == limit || bytes >= LOGS_LIMIT_PAGE_BYTES
                       || s->n_seen >= SCAN_EVENTS_MAX || s->bytes_seen >= SCAN_BYTES_MAX;
        struct vg_str token = is_full ? token_of(s, src, e) : VG_STR_NONE;
        rc = take_first(s);
        if (is_full) {
            out->next_token = s->n_heap > 0 ? token : VG_STR_NONE;
            break;
        }
        if (s->n_seen % YIELD_EVERY == 0)
            logs_yield();
    }
    out->events.items = found.items;
    out->events.len = found.len;
    out->events.set = true;
    return rc;
}

static vg_rc
check(struct vg_req *rq, const struct logs_filter_log_events_request *in)
{
    vg_rc rc = logs_refuse(rq, vg_opt_bool_or(in->unmask, false), "unmask",
                           "data protection is not built");
    if (rc == VG_OK)
        rc = logs_refuse(rq, !vg_opt_bool_or(in->start_from_head, true), "startFromHead false",
                         "events are given from the earliest on");
    if (rc == VG_OK && in->log_stream_names.len > 0 && in->log_stream_name_prefix.ptr != NULL)
        return logs_fail_invalid_parameter_exception(
            rq, "logStreamNames and logStreamNamePrefix are mutually exclusive");
    return rc;
}

static void
free_arena(void *arg)
{
    vg_arena_free(arg);
}

vg_rc
logs_filter_log_events(struct vg_req *rq, const struct logs_filter_log_events_request *in,
                       struct logs_filter_log_events_response *out)
{
    struct logs_rec_group *group;
    struct logs_filter *filter;
    struct vg_err err = { 0 };
    struct search s = { .rq = rq, .scratch = vg_arena_new(SCRATCH_MAX_BYTES) };
    vg_arena_defer(rq->arena, free_arena, s.scratch);
    vg_rc rc = check(rq, in);
    if (rc == VG_OK
        && logs_filter_parse(rq->arena, in->filter_pattern.ptr ? in->filter_pattern : VG_STR(""),
                             &filter, &err)
               != VG_OK)
        return logs_fail_invalid_parameter_exception(rq, "%" VG_FMT, VG_ARG(vg_err_text(&err)));
    if (rc == VG_OK && in->next_token.ptr != NULL && !read_token(&s, in->next_token))
        return logs_fail_invalid_parameter_exception(rq, "The specified nextToken is invalid.");
    if (rc == VG_OK)
        rc = logs_need_group(rq, in->log_group_name, in->log_group_identifier, &group);
    if (rc != VG_OK)
        return rc;
    s.filter = filter;
    s.from.ms = VG_MAX(vg_opt_or(in->start_time, 0), logs_horizon_ms(rq, group));
    s.to.ms = vg_opt_or(in->end_time, INT64_MAX);
    rc = in->log_stream_names.len > 0
             ? add_named(&s, group->id, &in->log_stream_names)
             : add_by_prefix(&s, group->id,
                             in->log_stream_name_prefix.ptr ? in->log_stream_name_prefix
                                                            : VG_STR(""));
    if (rc != VG_OK)
        return rc;
    s.ahead_bytes = VG_MAX(AHEAD_BYTES / VG_MAX(s.sources.len, 1u), AHEAD_BYTES_MIN);
    out->searched_log_streams.set = true; /* deprecated: an empty list, as AWS gives it */
    return collect(&s, (size_t)vg_opt_or(in->limit, LOGS_LIMIT_PAGE_EVENTS), out);
}
