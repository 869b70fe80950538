/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timer.h"

#include "core/authz.h"
#include "core/call.h"
#include "core/registry.h"
#include "wire/wire.h"

vg_rc
vg_timer_run(void *arg, const struct vg_timer *t, struct vg_err *err)
{
    const struct vg_env *env = arg;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_str name = t->op;
    struct vg_str endpoint = vg_str_cut(&name, '/');
    const struct vg_op *op = vg_registry_find(env->registry, endpoint, name);
    if (op == NULL || op->handler == NULL || !(op->flags & VG_OP_INTERNAL))
        return vg_err_set(err, "a timer names the operation '%" VG_FMT "', which does not exist",
                          VG_ARG(t->op));
    void *in = vg_arena_alloc(arena, op->in ? op->in->size : 1);
    void *out = vg_arena_alloc(arena, op->out ? op->out->size : 1);
    struct vg_root root;
    const struct vg_principal *self =
        vg_service_principal(arena, VG_STR("virga"), env->config->account);
    vg_root_init(&root, env, arena, self, env->config->account, env->config->region);
    vg_rc rc = op->in ? vg_wire_from_json(op->in, t->payload, arena, in, &root.err) : VG_OK;
    struct vg_str account = vg_member_str(op->in, in, VG_STR("Account"));
    struct vg_str region = vg_member_str(op->in, in, VG_STR("Region"));
    if (account.len)
        root.scope.owner = account;
    if (region.len)
        root.scope.region = region;
    root.rq.op = op;
    root.rq.svc = vg_registry_state(env->registry, op->service);
    if (rc == VG_OK)
        rc = vg_run(&root.rq, NULL, 0, in, out);
    if (rc == VG_OK)
        rc = vg_gate(&root.rq);
    if (rc != VG_OK) /* the text may live in the arena that ends here */
        return vg_err_set(err, "%" VG_FMT ": %" VG_FMT, VG_ARG(t->op),
                          VG_ARG(vg_err_text(&root.err)));
    return VG_OK;
}
