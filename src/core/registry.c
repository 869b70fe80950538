/* SPDX-License-Identifier: Apache-2.0 */
#include "core/registry.h"

#include <stdlib.h>

struct slot {
    const struct vg_op *op;
    uint64_t hash;
};

struct vg_registry {
    const struct vg_service *const *services;
    void **states;
    size_t n;
    struct slot *slots; /* open addressing, at most half full */
    size_t mask;
    size_t n_open; /* services whose init() ran */
};

static uint64_t
op_hash(struct vg_str endpoint, struct vg_str name)
{
    return vg_str_hash(endpoint) * 31 + vg_str_hash(name);
}

static void
insert(struct vg_registry *reg, const struct vg_op *op)
{
    if (vg_registry_find(reg, op->endpoint, op->name))
        VG_BUG("two operations of one name");
    uint64_t hash = op_hash(op->endpoint, op->name);
    size_t i = hash & reg->mask;
    while (reg->slots[i].op)
        i = (i + 1) & reg->mask;
    reg->slots[i] = (struct slot) { op, hash };
}

struct vg_registry *
vg_registry_new(const struct vg_service *const *services, size_t n)
{
    struct vg_registry *reg = vg_xalloc(sizeof(*reg));
    reg->services = services;
    reg->n = n;
    reg->states = vg_xalloc(n * sizeof(*reg->states));
    size_t n_ops = 0;
    for (size_t i = 0; i < n; i++)
        for (const struct vg_op *const *op = services[i]->ops; *op; op++)
            n_ops++;
    size_t size = 64;
    while (size < n_ops * 2)
        size *= 2;
    reg->mask = size - 1;
    reg->slots = vg_xalloc(size * sizeof(*reg->slots));
    for (size_t i = 0; i < n; i++)
        for (const struct vg_op *const *op = services[i]->ops; *op; op++)
            insert(reg, *op);
    return reg;
}

void
vg_registry_free(struct vg_registry *reg)
{
    if (reg == NULL)
        return;
    free(reg->states);
    free(reg->slots);
    free(reg);
}

vg_rc
vg_registry_init(struct vg_registry *reg, const struct vg_env *env, struct vg_err *err)
{
    for (; reg->n_open < reg->n; reg->n_open++) {
        const struct vg_service *s = reg->services[reg->n_open];
        if (s->init == NULL)
            continue;
        vg_rc rc = s->init(env, &reg->states[reg->n_open], err);
        if (rc != VG_OK) {
            vg_err_wrap(err, "starting %s", s->name);
            vg_registry_fini(reg);
            return rc;
        }
    }
    return VG_OK;
}

void
vg_registry_fini(struct vg_registry *reg)
{
    if (reg == NULL)
        return;
    while (reg->n_open > 0) {
        reg->n_open--;
        const struct vg_service *s = reg->services[reg->n_open];
        if (s->fini)
            s->fini(reg->states[reg->n_open]);
        reg->states[reg->n_open] = NULL;
    }
}

const struct vg_op *
vg_registry_find(const struct vg_registry *reg, struct vg_str endpoint, struct vg_str name)
{
    uint64_t hash = op_hash(endpoint, name);
    for (size_t i = hash & reg->mask; reg->slots[i].op; i = (i + 1) & reg->mask) {
        const struct slot *s = &reg->slots[i];
        if (s->hash == hash && vg_str_eq(s->op->endpoint, endpoint) && vg_str_eq(s->op->name, name))
            return s->op;
    }
    return NULL;
}

const struct vg_service *
vg_registry_by_arn(const struct vg_registry *reg, struct vg_str arn)
{
    vg_str_cut(&arn, ':');
    vg_str_cut(&arn, ':');
    struct vg_str prefix = vg_str_cut(&arn, ':');
    for (size_t i = 0; i < reg->n; i++)
        if (vg_str_eq(vg_str_of(reg->services[i]->name), prefix))
            return reg->services[i];
    return NULL;
}

void *
vg_registry_state(const struct vg_registry *reg, const struct vg_service *service)
{
    for (size_t i = 0; i < reg->n; i++)
        if (reg->services[i] == service)
            return reg->states[i];
    return NULL;
}

const struct vg_service *const *
vg_registry_services(const struct vg_registry *reg, size_t *ret_n)
{
    *ret_n = reg->n;
    return reg->services;
}
