/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine that fails: another one, with fault points (base/fault.h) in front of its calls.
 *
 *   store.engine.get, .iter, .write, .sync, .flush   the call fails and does nothing
 *   store.engine.write.after, .sync.after            the call is carried out and fails
 *
 * "store.engine.*=fail@N" fails the Nth call of any of them, "@N+" every one from there.
 */

#include "base/fault.h"
#include "base/arena.h"
#include "store/engine.h"

#include <errno.h>
#include <stdlib.h>

struct fault {
    struct vg_engine base;
    struct vg_engine *inner;
    const struct vg_engine_ops *ops;
};

struct vg_engine_iter {
    const struct vg_engine_ops *ops;
    struct vg_engine_iter *inner;
};

static struct fault *
fault_of(struct vg_engine *e)
{
    return VG_CONTAINER(e, struct fault, base);
}

static bool
is_hit(const char *point, struct vg_err *err)
{
    if (!VG_FAULT(point))
        return false;
    vg_err_set(err, "%s was armed to fail", point);
    err->os_errno = EIO;
    return true;
}

static void
fault_close(struct vg_engine *e, bool is_clean)
{
    struct fault *f = fault_of(e);
    f->ops->close(f->inner, is_clean);
    free(f);
}

static uint64_t
fault_latest(struct vg_engine *e)
{
    return fault_of(e)->ops->latest(fault_of(e)->inner);
}

static vg_rc
fault_get(struct vg_engine *e, struct vg_engine_snap *snap, struct vg_str key,
          struct vg_arena *arena, struct vg_str *ret, struct vg_err *err)
{
    struct fault *f = fault_of(e);
    if (is_hit("store.engine.get", err))
        return VG_FAIL;
    return f->ops->get(f->inner, snap, key, arena, ret, err);
}

static struct vg_engine_iter *
fault_iter_open(struct vg_engine *e, struct vg_engine_snap *snap, const struct vg_span *span)
{
    struct fault *f = fault_of(e);
    struct vg_engine_iter *it = vg_xalloc(sizeof(*it));
    it->ops = f->ops;
    it->inner = f->ops->iter_open(f->inner, snap, span);
    return it;
}

static vg_rc
fault_iter_next(struct vg_engine_iter *it, struct vg_str *ret_key, struct vg_str *ret_value,
                struct vg_err *err)
{
    if (is_hit("store.engine.iter", err))
        return VG_FAIL;
    return it->ops->iter_next(it->inner, ret_key, ret_value, err);
}

static void
fault_iter_close(struct vg_engine_iter *it)
{
    it->ops->iter_close(it->inner);
    free(it);
}

static struct vg_engine_snap *
fault_snap_open(struct vg_engine *e)
{
    return fault_of(e)->ops->snap_open(fault_of(e)->inner);
}

static void
fault_snap_close(struct vg_engine *e, struct vg_engine_snap *snap)
{
    fault_of(e)->ops->snap_close(fault_of(e)->inner, snap);
}

static vg_rc
fault_write(struct vg_engine *e, const struct vg_tree *writes, bool may_block, struct vg_err *err)
{
    struct fault *f = fault_of(e);
    if (is_hit("store.engine.write", err))
        return VG_FAIL;
    if (!may_block && VG_FAULT("store.engine.stall"))
        return VG_TIMEOUT;
    vg_rc rc = f->ops->write(f->inner, writes, may_block, err);
    return rc == VG_OK && is_hit("store.engine.write.after", err) ? VG_FAIL : rc;
}

static vg_rc
fault_sync(struct vg_engine *e, struct vg_err *err)
{
    struct fault *f = fault_of(e);
    if (is_hit("store.engine.sync", err))
        return VG_FAIL;
    vg_rc rc = f->ops->sync(f->inner, err);
    return rc == VG_OK && is_hit("store.engine.sync.after", err) ? VG_FAIL : rc;
}

static uint64_t
fault_log_bytes(struct vg_engine *e)
{
    return fault_of(e)->ops->log_bytes(fault_of(e)->inner);
}

static vg_rc
fault_flush(struct vg_engine *e, struct vg_err *err)
{
    struct fault *f = fault_of(e);
    if (is_hit("store.engine.flush", err))
        return VG_FAIL;
    return f->ops->flush(f->inner, err);
}

static const struct vg_engine_ops fault_ops = {
    .name = "fault",
    .close = fault_close,
    .latest = fault_latest,
    .get = fault_get,
    .iter_open = fault_iter_open,
    .iter_next = fault_iter_next,
    .iter_close = fault_iter_close,
    .snap_open = fault_snap_open,
    .snap_close = fault_snap_close,
    .write = fault_write,
    .sync = fault_sync,
    .log_bytes = fault_log_bytes,
    .flush = fault_flush,
};

struct vg_engine *
vg_fault_wrap(struct vg_engine *inner)
{
    struct fault *f = vg_xalloc(sizeof(*f));
    f->base.ops = &fault_ops;
    f->inner = inner;
    f->ops = vg_engine_ops_of(inner);
    return &f->base;
}
