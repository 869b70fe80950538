/* SPDX-License-Identifier: Apache-2.0 */

/* What batches and transactions share: capacity and metrics by table, one item named twice. */

#include "services/dynamodb/dynamodb_item.h"

#include <stdlib.h>

struct dynamodb_units *
dynamodb_units_of(struct vg_arena *arena, struct dynamodb_units *all, size_t *n,
                  const struct dynamodb_table *t, struct vg_str name)
{
    for (size_t i = 0; i < *n; i++) {
        if (all[i].t == t)
            return &all[i];
    }
    dynamodb_units_init(arena, t, name, &all[*n]);
    return &all[(*n)++];
}

struct dynamodb_consumed_capacity_multiple
dynamodb_consumed_all(struct vg_arena *arena, const struct dynamodb_units *all, size_t n,
                      struct vg_enum asked, char kind)
{
    struct dynamodb_consumed_capacity_multiple list = { .len = 0 };
    if (asked.v != DYNAMODB_RETURN_CONSUMED_CAPACITY_INDEXES
        && asked.v != DYNAMODB_RETURN_CONSUMED_CAPACITY_TOTAL)
        return list;
    list.items = VG_NEW_ARRAY(arena, struct dynamodb_consumed_capacity, n + 1);
    for (size_t i = 0; i < n; i++)
        list.items[list.len++] = *dynamodb_consumed(arena, &all[i], asked, kind);
    list.set = true;
    return list;
}

static struct dynamodb_item_collection_metrics_per_table__entry *
metrics_entry(struct vg_req *rq, struct dynamodb_item_collection_metrics_per_table *all,
              struct vg_str name, size_t room)
{
    for (size_t i = 0; i < all->len; i++) {
        if (vg_str_eq(all->items[i].key, name))
            return &all->items[i];
    }
    if (all->items == NULL)
        all->items =
            VG_NEW_ARRAY(rq->arena, struct dynamodb_item_collection_metrics_per_table__entry, room);
    struct dynamodb_item_collection_metrics_per_table__entry *e = &all->items[all->len++];
    e->key = name;
    e->value.items = VG_NEW_ARRAY(rq->arena, struct dynamodb_item_collection_metrics, room);
    return e;
}

vg_rc
dynamodb_metrics_all(struct vg_req *rq, const struct dynamodb_write *writes, size_t n,
                     struct vg_enum asked, struct dynamodb_item_collection_metrics_per_table *ret)
{
    for (size_t i = 0; i < n; i++) {
        struct dynamodb_item_collection_metrics *m;
        vg_rc rc = dynamodb_collection_metrics(rq, &writes[i], asked, &m);
        if (rc != VG_OK)
            return rc;
        if (m == NULL || writes[i].kind == DYNAMODB_WRITE_CHECK)
            continue;
        struct dynamodb_item_collection_metrics_per_table__entry *e =
            metrics_entry(rq, ret, writes[i].units->name, n);
        bool is_new = true;
        for (size_t j = 0; j < e->value.len; j++)
            is_new =
                is_new
                && !vg_str_eq(e->value.items[j].item_collection_key->v, m->item_collection_key->v);
        if (is_new)
            e->value.items[e->value.len++] = *m;
    }
    return VG_OK;
}

static int
cmp_place(const void *a, const void *b)
{
    const struct dynamodb_place *x = *(const struct dynamodb_place *const *)a;
    const struct dynamodb_place *y = *(const struct dynamodb_place *const *)b;
    int c = vg_str_cmp(x->part, y->part);
    return c != 0 ? c : vg_str_cmp(x->key, y->key);
}

bool
dynamodb_has_duplicates(const struct dynamodb_place *places, size_t n)
{
    const struct dynamodb_place *order[100];
    VG_ASSERT(n <= VG_COUNT(order));
    for (size_t i = 0; i < n; i++)
        order[i] = &places[i];
    qsort(order, n, sizeof(order[0]), cmp_place);
    for (size_t i = 1; i < n; i++) {
        if (cmp_place(&order[i - 1], &order[i]) == 0)
            return true;
    }
    return false;
}
