/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Capacity units: AWS, "Read and write capacity unit consumption".  A read takes a unit for each
 * 4 KB (half when eventually consistent), a write one for each 1 KB, each index its own.
 */

#include "services/dynamodb/dynamodb_item.h"

void
dynamodb_units_init(struct vg_arena *arena, const struct dynamodb_table *t, struct vg_str name,
                    struct dynamodb_units *ret)
{
    *ret = (struct dynamodb_units) { .t = t, .name = name };
    if (t->n_indexes > 0)
        ret->index = VG_NEW_ARRAY(arena, double, t->n_indexes);
}

double
dynamodb_read_units(size_t bytes, bool is_consistent)
{
    double units = (double)VG_MAX((bytes + 4095) / 4096, (size_t)1);
    return is_consistent ? units : units / 2;
}

double
dynamodb_write_units(size_t bytes)
{
    return (double)VG_MAX((bytes + 1023) / 1024, (size_t)1);
}

static void
set_units(struct vg_opt_f64 *total, struct vg_opt_f64 *reads, struct vg_opt_f64 *writes, double v,
          char kind)
{
    *total = (struct vg_opt_f64) { true, v };
    if (kind == 'r')
        *reads = *total;
    if (kind == 'w')
        *writes = *total;
}

static void
add_index(struct vg_arena *arena, struct dynamodb_secondary_indexes_capacity_map *map, size_t room,
          struct vg_str name, double units, char kind)
{
    if (map->items == NULL)
        map->items =
            VG_NEW_ARRAY(arena, struct dynamodb_secondary_indexes_capacity_map__entry, room);
    struct dynamodb_secondary_indexes_capacity_map__entry *e = &map->items[map->len++];
    e->key = name;
    set_units(&e->value.capacity_units, &e->value.read_capacity_units,
              &e->value.write_capacity_units, units, kind);
}

struct dynamodb_consumed_capacity *
dynamodb_consumed(struct vg_arena *arena, const struct dynamodb_units *u, struct vg_enum asked,
                  char kind)
{
    if (asked.v != DYNAMODB_RETURN_CONSUMED_CAPACITY_INDEXES
        && asked.v != DYNAMODB_RETURN_CONSUMED_CAPACITY_TOTAL)
        return NULL;
    struct dynamodb_consumed_capacity *c = VG_NEW(arena, struct dynamodb_consumed_capacity);
    double total = u->table;
    for (size_t i = 0; i < u->t->n_indexes; i++)
        total += u->index[i];
    c->table_name = u->name;
    set_units(&c->capacity_units, &c->read_capacity_units, &c->write_capacity_units, total, kind);
    if (asked.v == DYNAMODB_RETURN_CONSUMED_CAPACITY_TOTAL)
        return c;
    c->table = VG_NEW(arena, struct dynamodb_capacity);
    set_units(&c->table->capacity_units, &c->table->read_capacity_units,
              &c->table->write_capacity_units, u->table, kind);
    for (size_t i = 0; i < u->t->n_indexes; i++) {
        const struct dynamodb_index *ix = &u->t->indexes[i];
        if (u->index[i] > 0)
            add_index(arena,
                      ix->rec->is_global ? &c->global_secondary_indexes
                                         : &c->local_secondary_indexes,
                      u->t->n_indexes, ix->rec->name, u->index[i], kind);
    }
    return c;
}
