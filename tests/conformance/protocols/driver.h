/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_TESTS_CONFORMANCE_DRIVER_H
#define VG_TESTS_CONFORMANCE_DRIVER_H

/* The tables that cases.py generates, for driver.c. */

#include "wire/wire.h"

struct case_error {
    struct vg_str api, name;
    const struct vg_errdef *def;
};

extern const struct vg_wire_op case_ops[];
extern const size_t n_case_ops;
extern const struct case_error case_errors[];
extern const size_t n_case_errors;

#endif
