/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that knows Lambda's keys.
 *
 *   partition (lambda, account, region)
 *     (fn, name)            the function: record of $LATEST
 *     (ver, name, number)   a published version
 *     (code_bytes)          counter: the size of all packages
 *   partition (lambda, queue)
 *     (account, region, name)  a function with asynchronous events: its line
 *   partition (lambda, queue, account, region, name)
 *     ("due", due_ms, id)   an event's next time, and what it has met
 *     ("event", id)         the event itself
 */
#include "core/env.h"
#include "services/lambda/lambda_check.h"
#include "store/bound.h"
#include "store/key.h"

struct vg_str
lambda_store_part(struct vg_arena *arena, struct vg_str account, struct vg_str region)
{
    return vg_key_of(arena, VG_STR("lambda"), account, region);
}

static struct vg_str
part_of(struct vg_req *rq)
{
    return lambda_store_part(rq->arena, rq->scope->owner, rq->scope->region);
}

static struct vg_str
version_key(struct vg_arena *arena, struct vg_str name, int64_t number)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, VG_STR("ver"));
    vg_key_str(&k, name);
    vg_key_i64(&k, number);
    return vg_key_done(&k);
}

static struct vg_str
key_of(struct vg_arena *arena, struct vg_str name, struct vg_str version)
{
    int64_t number = 0;
    if (!version.ptr || vg_str_eq(version, LAMBDA_LATEST) || !vg_str_to_i64(version, &number))
        return vg_key_of(arena, VG_STR("fn"), name);
    return version_key(arena, name, number);
}

static vg_rc
decode(struct vg_req *rq, struct vg_str bytes, struct lambda_rec_function *ret)
{
    *ret = (struct lambda_rec_function) { .name = VG_STR_NONE };
    return bytes.ptr ? lambda_rec_function_decode(rq->arena, bytes, ret, rq->err) : VG_OK;
}

vg_rc
lambda_store_get(struct vg_req *rq, struct vg_str name, struct vg_str version,
                 struct lambda_rec_function *ret)
{
    struct vg_str bytes;
    vg_rc rc = vg_kv_get(rq->sess, part_of(rq), key_of(rq->arena, name, version), &bytes, rq->err);
    return rc == VG_OK ? decode(rq, bytes, ret) : rc;
}

vg_rc
lambda_store_tx_get(struct vg_req *rq, struct vg_tx *tx, struct vg_str name, struct vg_str version,
                    struct lambda_rec_function *ret)
{
    struct vg_str bytes;
    vg_rc rc = vg_tx_get(tx, part_of(rq), key_of(rq->arena, name, version), &bytes, rq->err);
    return rc == VG_OK ? decode(rq, bytes, ret) : rc;
}

void
lambda_store_put(struct vg_req *rq, struct vg_tx *tx, const struct lambda_rec_function *fn)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 1u << 20);
    lambda_rec_function_encode(fn, &b);
    vg_tx_put(tx, part_of(rq), key_of(rq->arena, fn->name, fn->version), vg_buf_str(&b));
}

void
lambda_store_del(struct vg_req *rq, struct vg_tx *tx, struct vg_str name, struct vg_str version)
{
    vg_tx_del(tx, part_of(rq), key_of(rq->arena, name, version));
}

static vg_rc
scan(struct vg_req *rq, struct vg_range range, uint32_t max, struct lambda_rec_function **ret,
     size_t *ret_n, bool *ret_more)
{
    struct vg_page page;
    range.max = max;
    vg_rc rc = vg_kv_scan(rq->sess, part_of(rq), &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret = VG_NEW_ARRAY(rq->arena, struct lambda_rec_function, page.len + 1);
    for (size_t i = 0; rc == VG_OK && i < page.len; i++)
        rc = decode(rq, page.rows[i].value, &(*ret)[i]);
    *ret_n = page.len;
    *ret_more = page.has_more;
    return rc;
}

/* The first key that is after `key` and is not below it. */
static struct vg_str
just_after(struct vg_arena *arena, struct vg_str key)
{
    return vg_key_range(arena, key).to;
}

vg_rc
lambda_store_list(struct vg_req *rq, struct vg_str after, uint32_t max,
                  struct lambda_rec_function **ret, size_t *ret_n, bool *ret_more)
{
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("fn")));
    if (after.ptr)
        range.from = just_after(rq->arena, vg_key_of(rq->arena, VG_STR("fn"), after));
    return scan(rq, range, max, ret, ret_n, ret_more);
}

vg_rc
lambda_store_versions(struct vg_req *rq, struct vg_str name, int64_t after, uint32_t max,
                      struct lambda_rec_function **ret, size_t *ret_n, bool *ret_more)
{
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("ver"), name));
    if (after > 0)
        range.from = version_key(rq->arena, name, after + 1);
    return scan(rq, range, max, ret, ret_n, ret_more);
}

vg_rc
lambda_store_tx_all(struct vg_req *rq, struct vg_tx *tx, struct vg_str name,
                    struct lambda_rec_function **ret, size_t *ret_n)
{
    VG_VEC(struct lambda_rec_function) all = { 0 };
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("ver"), name));
    struct vg_page page = { .has_more = true };
    vg_rc rc = VG_OK;
    while (rc == VG_OK && page.has_more) {
        rc = vg_tx_scan(tx, part_of(rq), &range, &page, rq->err);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++)
            rc = decode(rq, page.rows[i].value, VG_VEC_ADD(rq->arena, &all));
        if (rc == VG_OK && page.has_more)
            range.from = just_after(rq->arena, page.rows[page.len - 1].key);
    }
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, name, LAMBDA_LATEST, VG_VEC_ADD(rq->arena, &all));
    if (rc == VG_OK && !all.items[all.len - 1].name.ptr)
        all.len--;
    *ret = all.items;
    *ret_n = all.len;
    return rc;
}

vg_rc
lambda_store_version_before(struct vg_req *rq, struct vg_str name, int64_t number,
                            struct lambda_rec_function *ret)
{
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("ver"), name));
    struct lambda_rec_function *found;
    size_t n;
    bool has_more;
    range.is_reverse = true;
    if (number != INT64_MAX)
        range.to = version_key(rq->arena, name, number);
    *ret = (struct lambda_rec_function) { .name = VG_STR_NONE };
    vg_rc rc = scan(rq, range, 1, &found, &n, &has_more);
    if (rc == VG_OK && n > 0)
        *ret = found[0];
    return rc;
}

/* --- how much is stored -------------------------------------------------------------------------
 */

/* Of one function: those who share a package are neighbours, $LATEST being the last. */
static vg_rc
add_up_versions(struct vg_req *rq, const struct lambda_rec_function *latest, int64_t *sum)
{
    struct vg_str code_id = VG_STR_NONE;
    int64_t after = 0;
    for (bool has_more = true; has_more;) {
        struct lambda_rec_function *v;
        size_t n;
        vg_rc rc = lambda_store_versions(rq, latest->name, after, 500, &v, &n, &has_more);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < n; i++) {
            if (!vg_str_eq(v[i].code_id, code_id))
                *sum += v[i].code_bytes;
            code_id = v[i].code_id;
            if (!vg_str_to_i64(v[i].version, &after))
                return vg_err_set(rq->err, "a version of a function has no number");
        }
    }
    if (!vg_str_eq(latest->code_id, code_id))
        *sum += latest->code_bytes;
    return VG_OK;
}

/* Of the records, for data that is older than the counter. */
static vg_rc
add_up_code(struct vg_req *rq, int64_t *ret)
{
    struct vg_str after = VG_STR_NONE;
    int64_t sum = 0;
    for (bool has_more = true; has_more;) {
        struct lambda_rec_function *fns;
        size_t n;
        vg_rc rc = lambda_store_list(rq, after, 500, &fns, &n, &has_more);
        for (size_t i = 0; rc == VG_OK && i < n; i++) {
            rc = add_up_versions(rq, &fns[i], &sum);
            after = fns[i].name;
        }
        if (rc != VG_OK)
            return rc;
    }
    *ret = sum;
    return VG_OK;
}

static struct vg_str
code_bytes_key(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("code_bytes"));
}

vg_rc
lambda_store_code_bytes(struct vg_req *rq, struct vg_tx *tx, int64_t *ret)
{
    struct vg_str part = part_of(rq), key = code_bytes_key(rq->arena), value;
    vg_rc rc = tx ? vg_tx_get(tx, part, key, &value, rq->err)
                  : vg_kv_get(rq->sess, part, key, &value, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret = vg_kv_counter(value);
    if (value.ptr)
        return VG_OK;
    rc = add_up_code(rq, ret); /* in `tx` nothing was written yet, and nobody else writes */
    if (rc == VG_OK && tx)
        vg_tx_add(tx, part, key, *ret);
    return rc;
}

vg_rc
lambda_store_open(struct vg_req *rq, struct vg_tx **ret)
{
    int64_t bytes; /* asked for before the first write, for the data of an earlier build */
    vg_rc rc =
        vg_tx_open(rq, lambda_store_part(rq->arena, rq->scope->owner, rq->scope->region), ret);
    return rc == VG_OK ? lambda_store_code_bytes(rq, *ret, &bytes) : rc;
}

void
lambda_store_code_add(struct vg_req *rq, struct vg_tx *tx, int64_t bytes)
{
    vg_tx_add(tx, part_of(rq), code_bytes_key(rq->arena), bytes);
}

/* --- the asynchronous queue ---------------------------------------------------------------------
 */

static struct vg_str
queue_part(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("lambda"), VG_STR("queue"));
}

struct vg_str
lambda_store_line(struct vg_arena *arena, struct vg_str account, struct vg_str region,
                  struct vg_str name)
{
    return vg_key_of(arena, account, region, name);
}

bool
lambda_store_line_read(struct vg_arena *arena, struct vg_str line, struct vg_str *ret_account,
                       struct vg_str *ret_region, struct vg_str *ret_name)
{
    return vg_key_take_str(arena, &line, ret_account) && vg_key_take_str(arena, &line, ret_region)
           && vg_key_take_str(arena, &line, ret_name) && line.len == 0;
}

static struct vg_str
line_part(struct vg_arena *arena, struct vg_str line)
{
    return vg_str_cat(arena, queue_part(arena), line);
}

static struct vg_str
event_key(struct vg_arena *arena, struct vg_str id)
{
    return vg_key_of(arena, VG_STR("event"), id);
}

static struct vg_str
due_key(struct vg_arena *arena, int64_t due_ms, struct vg_str id)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, VG_STR("due"));
    vg_key_i64(&k, due_ms);
    vg_key_str(&k, id);
    return vg_key_done(&k);
}

static void
put_due(struct vg_req *rq, struct vg_tx *tx, const struct lambda_due *due)
{
    const struct lambda_svc *svc = rq->svc;
    struct vg_str part = line_part(rq->arena, due->line);
    struct vg_str key = due_key(rq->arena, due->due_ms, due->id);
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 4096);
    lambda_rec_tries_encode(&due->tries, &b);
    vg_bound_lower(svc->bounds, part, key);
    vg_tx_put(tx, part, key, vg_buf_str(&b));
}

static void
put_event(struct vg_req *rq, struct vg_tx *tx, struct vg_str line,
          const struct lambda_rec_event *ev, int64_t due_ms)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 8u << 20);
    lambda_rec_event_encode(ev, &b);
    vg_tx_put(tx, line_part(rq->arena, line), event_key(rq->arena, ev->id), vg_buf_str(&b));
    const struct lambda_due due = {
        .line = line, .id = ev->id, .due_ms = due_ms, .tries.qualifier = ev->qualifier
    };
    put_due(rq, tx, &due);
    /* Blindly, but under the line's turn, as where it is removed. */
    vg_tx_put(tx, queue_part(rq->arena), line, VG_STR(""));
}

vg_rc
lambda_store_enqueue(struct vg_req *rq, const struct lambda_rec_event *ev, int64_t due_ms)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    struct vg_str line = lambda_store_line(rq->arena, ev->account, ev->region, ev->name);
    vg_rc rc = vg_tx_open(rq, line_part(rq->arena, line), &tx);
    if (rc != VG_OK)
        return rc;
    put_event(rq, tx, line, ev, due_ms);
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
lambda_store_adopt(struct vg_req *rq, struct vg_str key, struct vg_str *ret_line)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    struct lambda_rec_event ev;
    struct vg_str rest = key, bytes;
    int64_t due_ms;
    if (!vg_key_take_i64(&rest, &due_ms))
        return vg_err_set(rq->err, "a key of Lambda's queue is malformed");
    vg_rc rc = vg_kv_get(rq->sess, queue_part(rq->arena), key, &bytes, rq->err);
    if (rc == VG_OK)
        rc = lambda_rec_event_decode(rq->arena, bytes, &ev, rq->err);
    if (rc != VG_OK)
        return rc;
    struct vg_str line = lambda_store_line(rq->arena, ev.account, ev.region, ev.name);
    rc = vg_tx_open(rq, line_part(rq->arena, line), &tx);
    if (rc != VG_OK)
        return rc;
    put_event(rq, tx, line, &ev, due_ms);
    vg_tx_del(tx, queue_part(rq->arena), key);
    rc = vg_tx_commit(&tx, rq->err);
    if (rc == VG_OK)
        *ret_line = line;
    return rc;
}

vg_rc
lambda_store_lines(struct vg_req *rq, struct vg_str after, struct vg_str **ret, size_t *ret_n)
{
    struct vg_range range = { .max = 500 };
    struct vg_page page;
    if (after.ptr)
        range.from = just_after(rq->arena, after);
    vg_rc rc = vg_kv_scan(rq->sess, queue_part(rq->arena), &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret = VG_NEW_ARRAY(rq->arena, struct vg_str, page.len + 1);
    *ret_n = page.len;
    for (size_t i = 0; i < page.len; i++)
        (*ret)[i] = page.rows[i].key;
    return VG_OK;
}

/* Those of the line that are due, from where they begin. */
static struct vg_range
due_range(struct vg_req *rq, struct vg_str part, uint32_t max)
{
    const struct lambda_svc *svc = rq->svc;
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("due")));
    struct vg_str bound = vg_bound_get(svc->bounds, rq->arena, part);
    if (bound.ptr)
        range.from = bound;
    range.max = max;
    return range;
}

vg_rc
lambda_store_due(struct vg_req *rq, struct vg_str line, uint32_t max, struct lambda_due **ret,
                 size_t *ret_n)
{
    struct vg_str part = line_part(rq->arena, line), kind;
    struct vg_range range = due_range(rq, part, max);
    struct vg_page page;
    vg_rc rc = vg_kv_scan(rq->sess, part, &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret = VG_NEW_ARRAY(rq->arena, struct lambda_due, page.len + 1);
    *ret_n = page.len;
    for (size_t i = 0; rc == VG_OK && i < page.len; i++) {
        struct lambda_due *due = &(*ret)[i];
        struct vg_str key = page.rows[i].key;
        due->line = line;
        if (!vg_key_take_str(rq->arena, &key, &kind) || !vg_key_take_i64(&key, &due->due_ms)
            || !vg_key_take_str(rq->arena, &key, &due->id))
            return vg_err_set(rq->err, "a key of Lambda's queue is malformed");
        rc = lambda_rec_tries_decode(rq->arena, page.rows[i].value, &due->tries, rq->err);
    }
    return rc;
}

vg_rc
lambda_store_event(struct vg_req *rq, const struct lambda_due *due, struct lambda_rec_event *ret)
{
    struct vg_str bytes;
    *ret = (struct lambda_rec_event) { .id = VG_STR_NONE };
    vg_rc rc = vg_kv_get(rq->sess, line_part(rq->arena, due->line), event_key(rq->arena, due->id),
                         &bytes, rq->err);
    if (rc != VG_OK || !bytes.ptr)
        return rc;
    return lambda_rec_event_decode(rq->arena, bytes, ret, rq->err);
}

vg_rc
lambda_store_requeue(struct vg_req *rq, const struct lambda_due *old, const struct lambda_due *next,
                     bool *ret_found)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    const struct lambda_svc *svc = rq->svc;
    struct vg_str part = line_part(rq->arena, old->line);
    struct vg_str gone = due_key(rq->arena, old->due_ms, old->id), bytes = VG_STR_NONE;
    uint32_t epoch = vg_kv_epoch(svc->env->kv);
    vg_rc rc = vg_tx_open(rq, part, &tx);
    if (rc == VG_OK)
        rc = vg_tx_get(tx, part, gone, &bytes, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_found = bytes.ptr != NULL;
    if (!bytes.ptr)
        return VG_OK;
    vg_tx_del(tx, part, gone);
    if (next)
        put_due(rq, tx, next);
    else
        vg_tx_del(tx, part, event_key(rq->arena, old->id));
    struct vg_range range = due_range(rq, part, 1);
    struct vg_page page;
    rc = vg_tx_scan(tx, part, &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    vg_bound_raise(svc->bounds, part, page.len ? page.rows[0].key : VG_STR_NONE, gone, epoch);
    if (page.len == 0)
        vg_tx_del(tx, queue_part(rq->arena), old->line);
    return vg_tx_commit(&tx, rq->err);
}

/* --- checks -------------------------------------------------------------------------------------
 */

struct vg_str
lambda_check_prefix(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("lambda"));
}

/* In the partition of a line. */
static enum lambda_row_kind
of_line(struct vg_arena *arena, struct vg_str line, struct vg_str kind, struct lambda_row *ret)
{
    if (!lambda_store_line_read(arena, line, &ret->account, &ret->region, &ret->name))
        return LAMBDA_ROW_BAD;
    if (vg_str_eq(kind, VG_STR("event")))
        return LAMBDA_ROW_EVENT;
    return vg_str_eq(kind, VG_STR("due")) ? LAMBDA_ROW_TRIES : LAMBDA_ROW_OTHER;
}

/* In that of an account and region. */
static enum lambda_row_kind
of_functions(struct vg_arena *arena, struct vg_str kind, struct vg_str key, struct lambda_row *ret)
{
    bool is_version = vg_str_eq(kind, VG_STR("ver"));
    if (!is_version && !vg_str_eq(kind, VG_STR("fn")))
        return LAMBDA_ROW_OTHER;
    ret->number = INT64_MAX;
    ret->version = LAMBDA_LATEST;
    if (!vg_key_take_str(arena, &key, &ret->name)
        || (is_version && !vg_key_take_i64(&key, &ret->number)))
        return LAMBDA_ROW_BAD;
    if (is_version)
        ret->version = vg_str_fmt(arena, "%lld", (long long)ret->number);
    return LAMBDA_ROW_FUNCTION;
}

static enum lambda_row_kind
kind_of(struct vg_arena *arena, const struct vg_walk_row *row, struct lambda_row *ret)
{
    struct vg_str part = row->part, key = row->key, root, first, kind;
    if (row->is_beside)
        return LAMBDA_ROW_OTHER; /* timers */
    if (!vg_key_take_str(arena, &part, &root) || !vg_key_take_str(arena, &part, &first))
        return LAMBDA_ROW_BAD;
    bool is_queue = vg_str_eq(first, VG_STR("queue"));
    if (is_queue && part.len == 0)
        return LAMBDA_ROW_OTHER; /* names of lines */
    if (!vg_key_take_str(arena, &key, &kind))
        return LAMBDA_ROW_BAD;
    if (is_queue)
        return of_line(arena, part, kind, ret);
    ret->account = first;
    return vg_key_take_str(arena, &part, &ret->region) ? of_functions(arena, kind, key, ret)
                                                       : LAMBDA_ROW_BAD;
}

void
lambda_row_read(struct vg_arena *arena, const struct vg_walk_row *row, struct lambda_row *ret)
{
    *ret = (struct lambda_row) { .value = row->value };
    ret->kind = kind_of(arena, row, ret);
}
