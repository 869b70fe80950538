/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keys and records of CloudWatch Logs.
 *
 *   ("logs", account, region)    ("group", name)          group
 *   ("logs-group", group id)     ("stream", name)         stream
 *                                ("bytes")                counter of stored bytes
 *   ("logs-stream", stream id)   ("head")                 head: what PutLogEvents needs to know
 *                                ("event", ms, seq)       event
 *
 * A stream's events are a partition of their own: functions that log at the same time do not wait
 * for one another.
 */

#include "services/logs/logs_int.h"

#include "codec/json.h"
#include "core/env.h"
#include "core/meter.h"
#include "events/events.h"
#include "store/key.h"

#define RECORD_MAX_BYTES (2u << 20)
#define TRIM_ROWS        1000u

static struct vg_str
region_part(struct vg_arena *arena, struct vg_str account, struct vg_str region)
{
    return vg_key_of(arena, VG_STR("logs"), account, region);
}

static struct vg_str
group_part(struct vg_arena *arena, struct vg_str group_id)
{
    return vg_key_of(arena, VG_STR("logs-group"), group_id);
}

static struct vg_str
stream_part(struct vg_arena *arena, struct vg_str stream_id)
{
    return vg_key_of(arena, VG_STR("logs-stream"), stream_id);
}

static struct vg_str
event_key(struct vg_arena *arena, struct logs_pos pos)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, VG_STR("event"));
    vg_key_i64(&k, pos.ms);
    vg_key_i64(&k, pos.seq);
    return vg_key_done(&k);
}

/* The range of the string keys (kind, name) whose name begins with `prefix`, after `after`. */
static struct vg_range
named_range(struct vg_arena *arena, struct vg_str kind, struct vg_str prefix, struct vg_str after,
            bool is_descending)
{
    struct vg_range range = vg_key_range(arena, vg_key_of(arena, kind));
    if (prefix.len > 0 && (after.ptr == NULL || is_descending))
        range.from = vg_key_of(arena, kind, prefix);
    if (after.ptr != NULL && !is_descending)
        range.from = vg_key_range(arena, vg_key_of(arena, kind, after)).to;
    if (after.ptr != NULL && is_descending)
        range.to = vg_key_of(arena, kind, after);
    range.is_reverse = is_descending;
    return range;
}

/* --- groups -------------------------------------------------------------------------------------
 */

vg_rc
logs_kv_group(struct vg_req *rq, struct vg_str account, struct vg_str region, struct vg_str name,
              struct logs_rec_group **ret)
{
    struct vg_str bytes;
    void *rec = NULL;
    vg_rc rc = vg_kv_get(rq->sess, region_part(rq->arena, account, region),
                         vg_key_of(rq->arena, VG_STR("group"), name), &bytes, rq->err);
    if (rc == VG_OK)
        rc = vg_record_new(&logs_rec_group__desc, rq->arena, bytes, &rec, rq->err);
    *ret = rec;
    return rc;
}

vg_rc
logs_kv_groups(struct vg_req *rq, struct vg_str prefix, struct vg_str after, uint32_t max,
               struct logs_groups *ret)
{
    struct vg_page page;
    struct vg_str part = region_part(rq->arena, rq->scope->owner, rq->scope->region);
    struct vg_range range = named_range(rq->arena, VG_STR("group"), prefix, after, false);
    range.max = max;
    vg_rc rc = vg_kv_scan(rq->sess, part, &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    ret->items = VG_NEW_ARRAY(rq->arena, struct logs_rec_group *, page.len + 1);
    ret->len = 0;
    ret->has_more = page.has_more;
    for (size_t i = 0; i < page.len; i++) {
        void *rec;
        rc = vg_record_new(&logs_rec_group__desc, rq->arena, page.rows[i].value, &rec, rq->err);
        if (rc != VG_OK)
            return rc;
        ret->items[ret->len] = rec;
        if (!vg_str_starts(ret->items[ret->len]->name, prefix)) {
            ret->has_more = false;
            break;
        }
        ret->len++;
    }
    return VG_OK;
}

vg_rc
logs_kv_group_bytes(struct vg_req *rq, struct vg_str group_id, int64_t *ret)
{
    struct vg_str bytes;
    vg_rc rc = vg_kv_get(rq->sess, group_part(rq->arena, group_id),
                         vg_key_of(rq->arena, VG_STR("bytes")), &bytes, rq->err);
    if (rc == VG_OK)
        *ret = VG_MAX(vg_kv_counter(bytes), 0);
    return rc;
}

/*
 * The group's own partition is named too, for its timers; its id is only known after a read, so a
 * group deleted and made again in between is met by reading again under the turn.
 */
vg_rc
logs_kv_edit(struct vg_req *rq, struct vg_str name, struct logs_edit *ret)
{
    for (;;) {
        struct logs_rec_group *before;
        struct vg_str bytes;
        void *rec;
        vg_rc rc = logs_kv_group(rq, rq->scope->owner, rq->scope->region, name, &before);
        if (rc != VG_OK)
            return rc;
        *ret = (struct logs_edit) {
            .rq = rq,
            .part = region_part(rq->arena, rq->scope->owner, rq->scope->region),
            .group_part = before ? group_part(rq->arena, before->id) : VG_STR_NONE,
        };
        const struct vg_str parts[] = { ret->part, ret->group_part };
        rc = vg_tx_open_n(rq, parts, before ? 2 : 1, &ret->tx);
        if (rc == VG_OK)
            rc = vg_tx_get(ret->tx, ret->part, vg_key_of(rq->arena, VG_STR("group"), name), &bytes,
                           rq->err);
        if (rc == VG_OK)
            rc = vg_record_new(&logs_rec_group__desc, rq->arena, bytes, &rec, rq->err);
        if (rc != VG_OK)
            return rc;
        ret->group = rec;
        if (before == NULL || ret->group == NULL || vg_str_eq(before->id, ret->group->id))
            return VG_OK;
        logs_edit_end(ret);
    }
}

void
logs_kv_edit_put(struct logs_edit *edit, const struct logs_rec_group *group)
{
    struct vg_arena *arena = edit->rq->arena;
    vg_tx_put(edit->tx, edit->part, vg_key_of(arena, VG_STR("group"), group->name),
              vg_record_bytes(&logs_rec_group__desc, arena, group, RECORD_MAX_BYTES));
}

/* {"name": "value", …} */
static struct vg_str
payload_of(struct vg_arena *arena, const struct vg_str *pairs, size_t n)
{
    struct vg_buf buf;
    struct vg_json_out w;
    vg_buf_init(&buf, arena, 16u << 10);
    vg_jsonw_init(&w, &buf);
    vg_jsonw_object(&w);
    for (size_t i = 0; i < n; i += 2)
        vg_jsonw_kv(&w, pairs[i], pairs[i + 1]);
    vg_jsonw_object_end(&w);
    return vg_buf_str(&buf);
}

vg_rc
logs_kv_edit_delete(struct logs_edit *edit)
{
    struct vg_req *rq = edit->rq;
    const struct vg_str pairs[] = {
        VG_STR("Account"), rq->scope->owner,  VG_STR("Region"), rq->scope->region,
        VG_STR("Name"),    edit->group->name, VG_STR("Group"),  edit->group->id,
    };
    vg_tx_del(edit->tx, edit->part, vg_key_of(rq->arena, VG_STR("group"), edit->group->name));
    const struct vg_timer purge = {
        .part = edit->group_part,
        .id = VG_STR("purge"),
        .op = VG_STR("logs/_PurgeGroup"),
        .payload = payload_of(rq->arena, pairs, VG_COUNT(pairs)),
        .due_ms = vg_now_ms(rq->env),
    };
    vg_rc rc = vg_timer_del(rq->env->events, edit->tx, edit->group_part, VG_STR("expire"), rq->err);
    return rc == VG_OK ? vg_timer_put(rq->env->events, edit->tx, &purge, rq->err) : rc;
}

vg_rc
logs_kv_edit_expire_at(struct logs_edit *edit, const struct logs_rec_group *group, int64_t due_ms)
{
    struct vg_req *rq = edit->rq;
    if (due_ms == INT64_MAX)
        return vg_timer_del(rq->env->events, edit->tx, edit->group_part, VG_STR("expire"), rq->err);
    const struct vg_str pairs[] = {
        VG_STR("Account"), rq->scope->owner, VG_STR("Region"), rq->scope->region,
        VG_STR("Name"),    group->name,      VG_STR("Group"),  group->id,
    };
    const struct vg_timer expire = {
        .part = edit->group_part,
        .id = VG_STR("expire"),
        .op = VG_STR("logs/_ExpireEvents"),
        .payload = payload_of(rq->arena, pairs, VG_COUNT(pairs)),
        .due_ms = due_ms,
    };
    return vg_timer_put(rq->env->events, edit->tx, &expire, rq->err);
}

vg_rc
logs_kv_edit_commit(struct logs_edit *edit)
{
    return vg_tx_commit(&edit->tx, edit->rq->err);
}

void
logs_edit_end(struct logs_edit *edit)
{
    vg_tx_abort(edit->tx);
    edit->tx = NULL;
}

/* --- streams ------------------------------------------------------------------------------------
 */

vg_rc
logs_kv_stream(struct vg_req *rq, struct vg_str group_id, struct vg_str name,
               struct logs_rec_stream **ret)
{
    struct vg_str bytes;
    void *rec = NULL;
    vg_rc rc = vg_kv_get(rq->sess, group_part(rq->arena, group_id),
                         vg_key_of(rq->arena, VG_STR("stream"), name), &bytes, rq->err);
    if (rc == VG_OK)
        rc = vg_record_new(&logs_rec_stream__desc, rq->arena, bytes, &rec, rq->err);
    *ret = rec;
    return rc;
}

vg_rc
logs_kv_streams(struct vg_req *rq, struct vg_str group_id, struct vg_str prefix,
                struct vg_str after, bool is_descending, uint32_t max, struct logs_streams *ret)
{
    struct vg_page page;
    struct vg_range range = named_range(rq->arena, VG_STR("stream"), prefix, after, is_descending);
    range.max = max;
    vg_rc rc = vg_kv_scan(rq->sess, group_part(rq->arena, group_id), &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    ret->items = VG_NEW_ARRAY(rq->arena, struct logs_rec_stream *, page.len + 1);
    ret->len = 0;
    ret->has_more = page.has_more;
    for (size_t i = 0; i < page.len; i++) {
        void *rec;
        rc = vg_record_new(&logs_rec_stream__desc, rq->arena, page.rows[i].value, &rec, rq->err);
        if (rc != VG_OK)
            return rc;
        ret->items[ret->len] = rec;
        bool is_in = vg_str_starts(ret->items[ret->len]->name, prefix);
        ret->len += is_in;
        if (!is_in && !is_descending) {
            ret->has_more = false;
            break;
        }
    }
    return VG_OK;
}

vg_rc
logs_kv_stream_create(struct vg_req *rq, struct vg_str group_id,
                      const struct logs_rec_stream *stream, bool *ret_exists)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    struct vg_str part = group_part(rq->arena, group_id), bytes;
    struct vg_str key = vg_key_of(rq->arena, VG_STR("stream"), stream->name);
    const struct logs_rec_head head = { .next_seq = 1 };
    vg_rc rc = vg_tx_open(rq, part, &tx);
    if (rc == VG_OK)
        rc = vg_tx_get(tx, part, key, &bytes, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_exists = bytes.ptr != NULL;
    if (*ret_exists)
        return VG_OK;
    vg_tx_put(tx, part, key,
              vg_record_bytes(&logs_rec_stream__desc, rq->arena, stream, RECORD_MAX_BYTES));
    vg_tx_put(tx, stream_part(rq->arena, stream->id), vg_key_of(rq->arena, VG_STR("head")),
              vg_record_bytes(&logs_rec_head__desc, rq->arena, &head, RECORD_MAX_BYTES));
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
logs_kv_forget_stream(struct vg_req *rq, struct vg_str group_id,
                      const struct logs_rec_stream *stream)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    const struct vg_str parts[] = { group_part(rq->arena, group_id),
                                    stream_part(rq->arena, stream->id) };
    vg_rc rc = vg_tx_open_n(rq, parts, 2, &tx);
    if (rc != VG_OK)
        return rc;
    vg_tx_del(tx, parts[0], vg_key_of(rq->arena, VG_STR("stream"), stream->name));
    vg_tx_del(tx, parts[1], vg_key_of(rq->arena, VG_STR("head")));
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
logs_kv_stream_delete(struct vg_req *rq, const struct logs_rec_group *group,
                      const struct logs_rec_stream *stream)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    const struct vg_str pairs[] = {
        VG_STR("Account"), rq->scope->owner, VG_STR("Region"), rq->scope->region, VG_STR("Name"),
        group->name,       VG_STR("Stream"), stream->id,       VG_STR("Group"),   group->id,
    };
    const struct vg_str parts[] = { group_part(rq->arena, group->id),
                                    stream_part(rq->arena, stream->id) };
    const struct vg_timer purge = {
        .part = parts[1],
        .id = VG_STR("purge"),
        .op = VG_STR("logs/_PurgeStream"),
        .payload = payload_of(rq->arena, pairs, VG_COUNT(pairs)),
        .due_ms = vg_now_ms(rq->env),
    };
    vg_rc rc = vg_tx_open_n(rq, parts, 2, &tx);
    if (rc != VG_OK)
        return rc;
    vg_tx_del(tx, parts[0], vg_key_of(rq->arena, VG_STR("stream"), stream->name));
    vg_tx_del(tx, parts[1], vg_key_of(rq->arena, VG_STR("head")));
    rc = vg_timer_put(rq->env->events, tx, &purge, rq->err);
    return rc == VG_OK ? vg_tx_commit(&tx, rq->err) : rc;
}

/* --- events -------------------------------------------------------------------------------------
 */

vg_rc
logs_kv_head(struct vg_req *rq, struct vg_str stream_id, struct logs_rec_head **ret)
{
    struct vg_str bytes;
    void *rec = NULL;
    vg_rc rc = vg_kv_get(rq->sess, stream_part(rq->arena, stream_id),
                         vg_key_of(rq->arena, VG_STR("head")), &bytes, rq->err);
    if (rc == VG_OK)
        rc = vg_record_new(&logs_rec_head__desc, rq->arena, bytes, &rec, rq->err);
    *ret = rec;
    return rc;
}

static void
count_stored(struct vg_req *rq, struct vg_tx *tx, const struct logs_rec_group *group, int64_t bytes)
{
    vg_tx_add(tx, group_part(rq->arena, group->id), vg_key_of(rq->arena, VG_STR("bytes")), bytes);
    vg_meter_stored(rq, tx, vg_str_cat(rq->arena, VG_STR("log-group:"), group->name), bytes);
}

static int64_t
put_events(struct vg_req *rq, struct vg_tx *tx, struct vg_str part, struct logs_rec_head *head,
           const struct logs_input_log_event *events, size_t n)
{
    int64_t bytes = 0, now_ms = vg_now_ms(rq->env);
    for (size_t i = 0; i < n; i++) {
        const struct logs_rec_event rec = { .message = events[i].message, .ingested_ms = now_ms };
        struct logs_pos pos = { events[i].timestamp.v, head->next_seq++ };
        vg_tx_put(tx, part, event_key(rq->arena, pos),
                  vg_record_bytes(&logs_rec_event__desc, rq->arena, &rec, RECORD_MAX_BYTES));
        bytes += (int64_t)events[i].message.len + LOGS_LIMIT_EVENT_OVERHEAD_BYTES;
        if (!head->first_ms.set || pos.ms < head->first_ms.v)
            head->first_ms = (struct vg_opt_i64) { true, pos.ms };
        if (!head->last_ms.set || pos.ms > head->last_ms.v)
            head->last_ms = (struct vg_opt_i64) { true, pos.ms };
    }
    head->ingested_ms = (struct vg_opt_i64) { true, now_ms };
    return bytes;
}

vg_rc
logs_kv_append(struct vg_req *rq, const struct logs_rec_group *group, struct vg_str stream_id,
               const struct logs_input_log_event *events, size_t n, bool *ret_gone)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    struct vg_str part = stream_part(rq->arena, stream_id), bytes;
    struct vg_str head_key = vg_key_of(rq->arena, VG_STR("head"));
    void *head = NULL;
    vg_rc rc = vg_tx_open(rq, part, &tx);
    if (rc == VG_OK)
        rc = vg_tx_get(tx, part, head_key, &bytes, rq->err);
    if (rc == VG_OK)
        rc = vg_record_new(&logs_rec_head__desc, rq->arena, bytes, &head, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_gone = head == NULL;
    if (head == NULL)
        return VG_OK;
    int64_t added = put_events(rq, tx, part, head, events, n);
    vg_tx_put(tx, part, head_key,
              vg_record_bytes(&logs_rec_head__desc, rq->arena, head, RECORD_MAX_BYTES));
    count_stored(rq, tx, group, added);
    return vg_tx_commit(&tx, rq->err);
}

static bool
pos_of_key(struct vg_arena *arena, struct vg_str key, struct logs_pos *ret)
{
    struct vg_str kind;
    return vg_key_take_str(arena, &key, &kind) && vg_key_take_i64(&key, &ret->ms)
           && vg_key_take_i64(&key, &ret->seq);
}

vg_rc
logs_kv_events(struct vg_req *rq, struct vg_str stream_id, struct logs_pos from, struct logs_pos to,
               bool is_reverse, uint32_t max, size_t max_bytes, struct logs_events *ret)
{
    struct vg_page page;
    const struct vg_range range = {
        .from = event_key(rq->arena, from),
        .to = event_key(rq->arena, to),
        .is_reverse = is_reverse,
        .max = max,
        .max_bytes = max_bytes,
    };
    *ret = (struct logs_events) { 0 };
    if (from.ms > to.ms || (from.ms == to.ms && from.seq >= to.seq))
        return VG_OK;
    vg_rc rc = vg_kv_scan(rq->sess, stream_part(rq->arena, stream_id), &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    ret->items = VG_NEW_ARRAY(rq->arena, struct logs_event, page.len + 1);
    ret->len = page.len;
    ret->has_more = page.has_more;
    for (size_t i = 0; i < page.len; i++) {
        struct logs_rec_event rec;
        struct logs_event *e = &ret->items[i];
        rc = logs_rec_event_decode(rq->arena, page.rows[i].value, &rec, rq->err);
        if (rc != VG_OK)
            return rc;
        if (!pos_of_key(rq->arena, page.rows[i].key, &e->pos))
            return vg_err_set(rq->err, "a log event has a malformed key");
        e->message = rec.message.ptr ? rec.message : VG_STR("");
        e->ingested_ms = rec.ingested_ms;
    }
    return VG_OK;
}

/* After events went: the head's first time is that of the first event that is left. */
static vg_rc
update_first(struct vg_req *rq, struct vg_tx *tx, struct vg_str part)
{
    struct vg_str bytes, head_key = vg_key_of(rq->arena, VG_STR("head"));
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("event")));
    struct vg_page page;
    struct logs_pos pos;
    void *rec;
    vg_rc rc = vg_tx_get(tx, part, head_key, &bytes, rq->err);
    if (rc == VG_OK)
        rc = vg_record_new(&logs_rec_head__desc, rq->arena, bytes, &rec, rq->err);
    if (rc != VG_OK || rec == NULL)
        return rc;
    range.max = 1;
    rc = vg_tx_scan(tx, part, &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    struct logs_rec_head *head = rec;
    head->first_ms.set = page.len > 0 && pos_of_key(rq->arena, page.rows[0].key, &pos);
    if (head->first_ms.set)
        head->first_ms.v = pos.ms;
    else
        head->last_ms.set = false;
    vg_tx_put(tx, part, head_key,
              vg_record_bytes(&logs_rec_head__desc, rq->arena, head, RECORD_MAX_BYTES));
    return VG_OK;
}

vg_rc
logs_kv_trim(struct vg_req *rq, const struct logs_rec_group *group, struct vg_str stream_id,
             int64_t before_ms, bool *ret_has_more)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    struct vg_str part = stream_part(rq->arena, stream_id);
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("event")));
    struct vg_page page;
    int64_t bytes = 0;
    if (before_ms != INT64_MAX)
        range.to = event_key(rq->arena, (struct logs_pos) { before_ms, 0 });
    range.max = TRIM_ROWS;
    vg_rc rc = vg_tx_open(rq, part, &tx);
    if (rc == VG_OK)
        rc = vg_tx_scan(tx, part, &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_has_more = page.has_more;
    if (page.len == 0)
        return VG_OK;
    for (size_t i = 0; i < page.len; i++) {
        struct logs_rec_event rec;
        rc = logs_rec_event_decode(rq->arena, page.rows[i].value, &rec, rq->err);
        if (rc != VG_OK)
            return rc;
        bytes += (int64_t)rec.message.len + LOGS_LIMIT_EVENT_OVERHEAD_BYTES;
        vg_tx_del(tx, part, page.rows[i].key);
    }
    count_stored(rq, tx, group, -bytes);
    rc = update_first(rq, tx, part);
    return rc == VG_OK ? vg_tx_commit(&tx, rq->err) : rc;
}
