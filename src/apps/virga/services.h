/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRGA_SERVICES_H
#define VIRGA_SERVICES_H

#include "core/service.h"

/* Every service of this program, in the order they start. */
extern const struct vg_service *const virga_services[];
extern const size_t n_virga_services;

#endif
