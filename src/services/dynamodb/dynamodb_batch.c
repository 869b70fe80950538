/* SPDX-License-Identifier: Apache-2.0 */

/*
 * BatchGetItem and BatchWriteItem.  The whole request is checked before anything is written; its
 * writes then share one transaction of the store, which AWS does not promise but nobody can mind.
 */

#include "services/dynamodb/dynamodb_item.h"

/* --- BatchWriteItem -----------------------------------------------------------------------------
 */

/* The request without its tables: one kind each, sound values, not too many. */
static vg_rc
check_writes(struct vg_req *rq, const struct dynamodb_batch_write_item_input *in, size_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < in->request_items.len; i++)
        n += in->request_items.items[i].value.len;
    if (n > DYNAMODB_LIMIT_BATCH_WRITE_ITEMS)
        return vg_fail_validation(rq, "Too many items requested for the BatchWriteItem call");
    for (size_t i = 0; i < in->request_items.len; i++) {
        const struct dynamodb_batch_write_item_request_map__entry *e = &in->request_items.items[i];
        if (e->value.len == 0)
            return vg_fail_validation(rq,
                                      "The batch write request list for a table cannot be null or "
                                      "empty: %" VG_FMT,
                                      VG_ARG(e->key));
        for (size_t j = 0; j < e->value.len; j++) {
            const struct dynamodb_write_request *r = &e->value.items[j];
            if ((r->put_request != NULL) == (r->delete_request != NULL))
                return vg_fail_validation(rq,
                                          "Supplied AttributeValue %s, must contain exactly one of "
                                          "the supported datatypes",
                                          r->put_request ? "has more than one datatypes set"
                                                         : "is empty");
            vg_rc rc =
                dynamodb_refuse(rq, dynamodb_item_fault(r->put_request ? r->put_request->item
                                                                       : r->delete_request->key));
            if (rc == VG_OK && r->put_request
                && dynamodb_item_size(r->put_request->item->v) > DYNAMODB_ITEM_MAX_BYTES)
                rc = vg_fail_validation(rq, "Item size has exceeded the maximum allowed size");
            if (rc != VG_OK)
                return rc;
        }
    }
    *ret_n = n;
    return VG_OK;
}

static vg_rc
plan_write(struct vg_req *rq, const struct dynamodb_write_request *r,
           const struct dynamodb_table *t, struct dynamodb_write *w)
{
    *w = (struct dynamodb_write) { .t = t };
    w->kind = r->put_request ? DYNAMODB_WRITE_PUT : DYNAMODB_WRITE_DELETE;
    w->item = r->put_request ? r->put_request->item->v : r->delete_request->key->v;
    vg_rc rc = dynamodb_refuse(rq, r->put_request ? dynamodb_batch_put_mismatch(t, w->item)
                                                  : dynamodb_key_mismatch(t, w->item));
    if (rc == VG_OK)
        rc = dynamodb_refuse(rq, dynamodb_key_fault(rq->arena, t, w->item));
    return rc;
}

/* Looks the tables up and plans all writes. */
static vg_rc
plan_writes(struct vg_req *rq, const struct dynamodb_batch_write_item_input *in,
            struct dynamodb_write *writes, struct dynamodb_units *units, size_t *n_units)
{
    struct dynamodb_place places[DYNAMODB_LIMIT_BATCH_WRITE_ITEMS] = { { .hash = 0 } };
    size_t n = 0;
    *n_units = 0;
    for (size_t i = 0; i < in->request_items.len; i++) {
        const struct dynamodb_batch_write_item_request_map__entry *e = &in->request_items.items[i];
        const struct dynamodb_table *t;
        vg_rc rc = dynamodb_table_get(rq, e->key, &t);
        for (size_t j = 0; rc == VG_OK && j < e->value.len; j++, n++) {
            rc = plan_write(rq, &e->value.items[j], t, &writes[n]);
            if (rc != VG_OK)
                return rc;
            writes[n].units = dynamodb_units_of(rq->arena, units, n_units, t, e->key);
            places[n] = dynamodb_store_place(rq->arena, t, writes[n].item);
        }
        if (rc != VG_OK)
            return rc;
    }
    if (dynamodb_has_duplicates(places, n))
        return vg_fail_validation(rq, "Provided list of item keys contains duplicates");
    vg_rc rc = VG_OK;
    for (size_t i = 0; rc == VG_OK && i < n; i++) {
        if (writes[i].kind == DYNAMODB_WRITE_PUT)
            rc = dynamodb_refuse(
                rq, dynamodb_index_mismatch(rq->arena, writes[i].t, writes[i].item, false));
    }
    return rc;
}

vg_rc
dynamodb_batch_write_item(struct vg_req *rq, const struct dynamodb_batch_write_item_input *in,
                          struct dynamodb_batch_write_item_output *out)
{
    size_t n = 0, n_units = 0;
    vg_rc rc = check_writes(rq, in, &n);
    if (rc != VG_OK)
        return rc;
    struct dynamodb_write *writes = VG_NEW_ARRAY(rq->arena, struct dynamodb_write, n);
    struct dynamodb_units *units =
        VG_NEW_ARRAY(rq->arena, struct dynamodb_units, in->request_items.len);
    bool is_stale;
    do {
        rc = plan_writes(rq, in, writes, units, &n_units);
        if (rc == VG_OK)
            rc = dynamodb_write_all(rq, writes, n, NULL, &is_stale);
        if (rc != VG_OK)
            return rc;
    } while (is_stale);
    for (size_t i = 0; i < n; i++) {
        if (writes[i].outcome != DYNAMODB_DONE)
            return dynamodb_write_fail(rq, &writes[i], (struct vg_enum) { .v = 0 });
    }
    out->unprocessed_items.set = true;
    out->consumed_capacity =
        dynamodb_consumed_all(rq->arena, units, n_units, in->return_consumed_capacity, 0);
    return dynamodb_metrics_all(rq, writes, n, in->return_item_collection_metrics,
                                &out->item_collection_metrics);
}

/* --- BatchGetItem -------------------------------------------------------------------------------
 */

struct read {
    const struct dynamodb_table *t;
    struct dynamodb_parsed exprs;
    struct dynamodb_units *units;
};

/* One table's part of the request, without the table. */
static vg_rc
check_keys(struct vg_req *rq, const struct dynamodb_batch_get_request_map__entry *e,
           struct dynamodb_parsed *exprs)
{
    const struct dynamodb_keys_and_attributes *ka = &e->value;
    const struct dynamodb_params params = DYNAMODB_PARAMS_OF_READ(ka);
    vg_rc rc = dynamodb_params_check(rq, &params);
    for (size_t i = 0; rc == VG_OK && i < ka->keys.len; i++)
        rc = dynamodb_refuse(rq, dynamodb_item_fault(&ka->keys.items[i]));
    return rc == VG_OK ? dynamodb_params_read(rq, &params, exprs) : rc;
}

static vg_rc
check_places(struct vg_req *rq, const struct dynamodb_table *t,
             const struct dynamodb_key_list *keys, struct dynamodb_place *places)
{
    for (size_t i = 0; i < keys->len; i++) {
        vg_rc rc = dynamodb_refuse(rq, dynamodb_key_mismatch(t, keys->items[i].v));
        if (rc == VG_OK)
            rc = dynamodb_refuse(rq, dynamodb_key_fault(rq->arena, t, keys->items[i].v));
        if (rc != VG_OK)
            return rc;
        places[i] = dynamodb_store_place(rq->arena, t, keys->items[i].v);
    }
    if (dynamodb_has_duplicates(places, keys->len))
        return vg_fail_validation(rq, "Provided list of item keys contains duplicates");
    return VG_OK;
}

/* Reads the keys until the answer has 16 MB; the rest comes back as unprocessed. */
static vg_rc
read_keys(struct vg_req *rq, const struct dynamodb_batch_get_request_map__entry *e,
          const struct read *rd, const struct dynamodb_place *places, size_t *bytes,
          struct dynamodb_batch_get_item_output *out)
{
    struct dynamodb_batch_get_response_map__entry *answer =
        &out->responses.items[out->responses.len++];
    answer->key = e->key;
    answer->value.items = VG_NEW_ARRAY(rq->arena, struct dynamodb_item, e->value.keys.len);
    answer->value.set = true;
    bool is_consistent = vg_opt_bool_or(e->value.consistent_read, false);
    for (size_t i = 0; i < e->value.keys.len; i++) {
        if (*bytes >= DYNAMODB_LIMIT_BATCH_GET_BYTES) {
            struct dynamodb_batch_get_request_map__entry *left =
                &out->unprocessed_keys.items[out->unprocessed_keys.len++];
            *left = *e;
            left->value.keys.items += i;
            left->value.keys.len -= i;
            return VG_OK;
        }
        struct vg_str row;
        vg_rc rc = vg_kv_get(rq->sess, places[i].part, places[i].key, &row, rq->err);
        if (rc != VG_OK)
            return rc;
        struct vg_str item = dynamodb_store_item_of(row);
        size_t size = item.ptr ? dynamodb_item_size(item) : 0;
        rd->units->table += dynamodb_read_units(size, is_consistent);
        *bytes += size;
        if (item.ptr && rd->exprs.projection.n > 0)
            item = dynamodb_project(rq->arena, item, &rd->exprs.projection);
        if (item.ptr)
            answer->value.items[answer->value.len++] = (struct dynamodb_item) { .v = item };
    }
    return VG_OK;
}

vg_rc
dynamodb_batch_get_item(struct vg_req *rq, const struct dynamodb_batch_get_item_input *in,
                        struct dynamodb_batch_get_item_output *out)
{
    size_t n_tables = in->request_items.len, n = 0, n_units = 0, bytes = 0;
    struct read *reads = VG_NEW_ARRAY(rq->arena, struct read, n_tables + 1);
    struct dynamodb_units *units = VG_NEW_ARRAY(rq->arena, struct dynamodb_units, n_tables + 1);
    vg_rc rc = VG_OK;
    for (size_t i = 0; rc == VG_OK && i < n_tables; i++) {
        n += in->request_items.items[i].value.keys.len;
        rc = check_keys(rq, &in->request_items.items[i], &reads[i].exprs);
    }
    if (rc != VG_OK)
        return rc;
    if (n > DYNAMODB_LIMIT_BATCH_GET_ITEMS)
        return vg_fail_validation(rq, "Too many items requested for the BatchGetItem call");
    struct dynamodb_place *places = VG_NEW_ARRAY(rq->arena, struct dynamodb_place, n + 1);
    struct dynamodb_place *at = places;
    for (size_t i = 0; i < n_tables; i++) {
        const struct dynamodb_batch_get_request_map__entry *e = &in->request_items.items[i];
        rc = dynamodb_table_get(rq, e->key, &reads[i].t);
        if (rc == VG_OK)
            rc = dynamodb_refuse(rq,
                                 dynamodb_scalar_mismatch(rq->arena, reads[i].t, &reads[i].exprs));
        if (rc == VG_OK)
            rc = check_places(rq, reads[i].t, &e->value.keys, at);
        if (rc != VG_OK)
            return rc;
        reads[i].units = dynamodb_units_of(rq->arena, units, &n_units, reads[i].t, e->key);
        at += e->value.keys.len;
    }
    out->responses.items =
        VG_NEW_ARRAY(rq->arena, struct dynamodb_batch_get_response_map__entry, n_tables + 1);
    out->unprocessed_keys.items =
        VG_NEW_ARRAY(rq->arena, struct dynamodb_batch_get_request_map__entry, n_tables + 1);
    out->responses.set = out->unprocessed_keys.set = true;
    at = places;
    for (size_t i = 0; i < n_tables; i++) {
        const struct dynamodb_batch_get_request_map__entry *e = &in->request_items.items[i];
        rc = read_keys(rq, e, &reads[i], at, &bytes, out);
        if (rc != VG_OK)
            return rc;
        at += e->value.keys.len;
    }
    out->consumed_capacity =
        dynamodb_consumed_all(rq->arena, units, n_units, in->return_consumed_capacity, 0);
    return VG_OK;
}
