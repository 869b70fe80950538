/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_REGISTRY_H
#define VG_CORE_REGISTRY_H

/*
 * The services of this program and their operations, found by endpoint and name.
 *
 * Filled once at start from apps/virga/services.c, read-only after; any thread.
 */

#include "core/service.h"

struct vg_registry;

/* `services` must outlive the registry. Two rows of one endpoint and name are a bug. */
struct vg_registry *vg_registry_new(const struct vg_service *const *services, size_t n);
void vg_registry_free(struct vg_registry *reg); /* accepts NULL */

/* Opens every service's caches, in order; on failure those already open are closed. */
vg_rc vg_registry_init(struct vg_registry *reg, const struct vg_env *env, struct vg_err *err)
    VG_MUST_USE;
void vg_registry_fini(struct vg_registry *reg);

/* NULL: no such row. Endpoint as in the model ("dynamodb"), name as AWS writes it ("PutItem"). */
const struct vg_op *vg_registry_find(const struct vg_registry *reg, struct vg_str endpoint,
                                     struct vg_str name);
/* The service whose ARNs carry this prefix ("arn:aws:PREFIX:…"); NULL: none of ours. */
const struct vg_service *vg_registry_by_arn(const struct vg_registry *reg, struct vg_str arn);
void *vg_registry_state(const struct vg_registry *reg, const struct vg_service *service);

const struct vg_service *const *vg_registry_services(const struct vg_registry *reg, size_t *ret_n);

#endif
