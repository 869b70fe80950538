/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What goes on after an answer, as timers that are due at once: removing the rows of deleted tables
 * and indexes, filling new indexes.  Both may run twice.  Without events (unit tests) nothing of it
 * is planned.
 */

#include "events/events.h"
#include "services/dynamodb/dynamodb_item.h"

#define BACKFILL_ROWS 200

static vg_rc
plan(struct vg_req *rq, struct vg_tx *tx, struct vg_str part, struct vg_str id, struct vg_str op,
     struct vg_str payload)
{
    if (rq->env->events == NULL)
        return VG_OK;
    const struct vg_timer timer = {
        .part = part, .id = id, .op = op, .payload = payload, .due_ms = vg_now_ms(rq->env)
    };
    return vg_timer_put(rq->env->events, tx, &timer, rq->err);
}

static void
begin_payload(struct vg_req *rq, struct vg_json_out *w, struct vg_buf *b,
              const struct dynamodb_rec_table *rec)
{
    vg_buf_init(b, rq->arena, 64u << 10);
    vg_jsonw_init(w, b);
    vg_jsonw_object(w);
    vg_jsonw_kv(w, VG_STR("Account"), rq->scope->owner);
    vg_jsonw_kv(w, VG_STR("Region"), rq->scope->region);
    vg_jsonw_kv(w, VG_STR("Name"), rec->name);
    vg_jsonw_kv(w, VG_STR("Table"), rec->id);
}

vg_rc
dynamodb_plan_drop(struct vg_req *rq, struct vg_tx *tx, struct vg_str part,
                   const struct dynamodb_rec_table *rec, const uint32_t *index_ids, size_t n)
{
    struct vg_buf b;
    struct vg_json_out w;
    begin_payload(rq, &w, &b, rec);
    vg_jsonw_key(&w, VG_STR("Indexes"));
    vg_jsonw_array(&w);
    for (size_t i = 0; i < n; i++)
        vg_jsonw_i64(&w, index_ids[i]);
    vg_jsonw_array_end(&w);
    vg_jsonw_object_end(&w);
    struct vg_str id =
        vg_str_fmt(rq->arena, "drop/%" VG_FMT "/%u", VG_ARG(rec->id), (unsigned)index_ids[0]);
    return plan(rq, tx, part, id, VG_STR("dynamodb/_DropRows"), vg_buf_str(&b));
}

vg_rc
dynamodb_plan_backfill(struct vg_req *rq, struct vg_tx *tx, struct vg_str part,
                       const struct dynamodb_rec_table *rec, struct vg_str index_name)
{
    struct vg_buf b;
    struct vg_json_out w;
    begin_payload(rq, &w, &b, rec);
    vg_jsonw_kv(&w, VG_STR("Index"), index_name);
    vg_jsonw_object_end(&w);
    struct vg_str id =
        vg_str_fmt(rq->arena, "fill/%" VG_FMT "/%" VG_FMT, VG_ARG(rec->id), VG_ARG(index_name));
    return plan(rq, tx, part, id, VG_STR("dynamodb/_BackfillIndex"), vg_buf_str(&b));
}

vg_rc
dynamodb_drop_rows(struct vg_req *rq, const struct dynamodb_drop_rows_input *in)
{
    for (size_t i = 0; i < in->indexes.len; i++) {
        vg_rc rc = dynamodb_store_drop(rq, in->name, in->table, (uint32_t)in->indexes.items[i]);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

struct backfill {
    const struct dynamodb_table *t;
    const struct dynamodb_index *ix;
    bool is_stale; /* the table was changed meanwhile: look at it again */
};

/* Some rows of a slot, from `range` on, under the slot's turn: nobody changes them meanwhile. */
static vg_rc
backfill_some(struct vg_req *rq, struct backfill *bf, struct vg_str part, struct vg_range *range,
              bool *ret_has_more)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    struct vg_page page;
    vg_rc rc = vg_tx_open(rq, part, &tx);
    if (rc != VG_OK)
        return rc;
    bf->is_stale = atomic_load(&bf->t->is_stale);
    if (bf->is_stale)
        return VG_OK;
    rc = vg_tx_scan(tx, part, range, &page, rq->err);
    for (size_t i = 0; rc == VG_OK && i < page.len; i++)
        rc = dynamodb_fill_entry(rq, tx, bf->t, bf->ix, dynamodb_store_item_of(page.rows[i].value));
    if (rc != VG_OK)
        return rc;
    *ret_has_more = page.has_more;
    if (page.len > 0)
        range->from = vg_str_cat(rq->arena, page.rows[page.len - 1].key, vg_str_n("", 1));
    return vg_tx_commit(&tx, rq->err);
}

static vg_rc
backfill_slots(struct vg_req *rq, struct backfill *bf)
{
    vg_auto_arena struct vg_arena *scratch = vg_arena_new(0);
    for (size_t slot = 0; slot < DYNAMODB_SLOTS; slot++) {
        struct vg_range range;
        dynamodb_store_scan_range(rq->arena, 0, UINT32_MAX, &range);
        range.max = BACKFILL_ROWS;
        for (bool has_more = true; has_more;) {
            /* A request of its own, so that its memory ends with it. */
            struct vg_sess sess;
            struct vg_req part_rq = *rq;
            vg_arena_clear(scratch);
            vg_sess_init(&sess, rq->sess->kv, scratch);
            part_rq.arena = scratch;
            part_rq.sess = &sess;
            vg_rc rc = backfill_some(&part_rq, bf, bf->t->parts[slot], &range, &has_more);
            rq->sess->seen_seq = VG_MAX(rq->sess->seen_seq, sess.seen_seq);
            if (rc != VG_OK || bf->is_stale)
                return rc;
            range.from = vg_str_dup(rq->arena, range.from);
        }
    }
    return VG_OK;
}

/* The index is filled: from now on it may be read. */
static vg_rc
finish_backfill(struct vg_req *rq, const struct dynamodb_table_name *name,
                const struct backfill *bf)
{
    struct vg_str part = dynamodb_store_tables_part(rq->arena, name->account, name->region);
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open(rq, part, &tx);
    struct vg_str bytes = VG_STR_NONE;
    if (rc == VG_OK)
        rc = dynamodb_store_read_table(rq, name, &bytes, rq->err);
    if (rc != VG_OK || bytes.ptr == NULL)
        return rc;
    struct dynamodb_rec_table rec;
    rc = dynamodb_rec_table_decode(rq->arena, bytes, &rec, rq->err);
    if (rc != VG_OK || !vg_str_eq(rec.id, bf->t->rec.id))
        return rc;
    for (size_t i = 0; i < rec.indexes.len; i++) {
        if (rec.indexes.items[i].id == bf->ix->rec->id)
            rec.indexes.items[i].is_backfilling = false;
    }
    dynamodb_store_put_table(tx, rq->arena, part, &rec);
    rc = vg_tx_commit(&tx, rq->err);
    if (rc == VG_OK)
        dynamodb_table_changed(rq, name);
    return rc;
}

vg_rc
dynamodb_backfill_index(struct vg_req *rq, const struct dynamodb_backfill_index_input *in)
{
    const struct dynamodb_table_name name = { rq->scope->owner, rq->scope->region, in->name };
    struct backfill bf;
    /* UpdateTable may not have said yet that the description without the index is out of date. */
    dynamodb_table_changed(rq, &name);
    do {
        struct vg_str bytes;
        vg_rc rc = dynamodb_store_read_table(rq, &name, &bytes, rq->err);
        if (rc != VG_OK || bytes.ptr == NULL)
            return rc; /* the table is gone, and so is the work */
        bf = (struct backfill) { .t = NULL };
        rc = dynamodb_table_find(rq, &name, NULL, &bf.t);
        if (rc != VG_OK)
            return rc;
        bf.ix = dynamodb_table_index(bf.t, in->index);
        if (!vg_str_eq(bf.t->rec.id, in->table) || bf.ix == NULL || !bf.ix->rec->is_backfilling)
            return VG_OK;
        rc = backfill_slots(rq, &bf);
        if (rc != VG_OK)
            return rc;
    } while (bf.is_stale);
    return finish_backfill(rq, &name, &bf);
}
