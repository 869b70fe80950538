/* SPDX-License-Identifier: Apache-2.0 */
#include "store/engine.h"

const struct vg_engine_ops *
vg_engine_ops_of(const struct vg_engine *e)
{
    const struct vg_engine_ops *o = e->ops;
    VG_ASSERT(o->name && o->close && o->latest && o->get && o->iter_open && o->iter_next
              && o->iter_close && o->snap_open && o->snap_close && o->write && o->sync
              && o->log_bytes && o->flush);
    return o;
}

int64_t
vg_counter_read(struct vg_str value)
{
    if (value.len != 8)
        return 0;
    uint64_t u = 0;
    for (size_t i = 0; i < 8; i++)
        u = u << 8 | (unsigned char)value.ptr[i];
    return (int64_t)u;
}

void
vg_counter_write(int64_t v, char to[8])
{
    for (size_t i = 0; i < 8; i++)
        to[i] = (char)((uint64_t)v >> (8 * (7 - i)));
}
