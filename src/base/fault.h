/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_FAULT_H
#define VG_BASE_FAULT_H

/*
 * Named fault points, armed from outside for crash and failure tests.
 *
 *     if (VG_FAULT("store.sync"))
 *         return vg_err_set(err, "…: made to fail");
 *
 * A specification is a list, comma-separated: NAME=ACTION[@WHEN].  NAME is the point's, or ends in
 * '*' for all that begin so.  ACTION: "fail" (the point says true), "crash" (SIGKILL to ourselves),
 * "delay:MS" (the calling thread sleeps).  WHEN counts the hits of that NAME: "@17" the 17th only,
 * "@17+" from the 17th on; without it every one.  apps/ read it from VIRGA_FAULTS once at start.
 * Where nothing is armed a point costs a function call.  Any thread.
 */

#include "base/err.h"

#define VG_FAULT(name) vg_fault_hit(name)

/* Before other threads start; again with "" to disarm (tests). The text is copied. */
vg_rc vg_fault_setup(struct vg_str spec, struct vg_err *err) VG_MUST_USE;
bool vg_fault_is_armed(void); /* anything at all */
bool vg_fault_hit(const char *name);
/* How often the armed entry for `name` was hit; 0 when none is. */
uint64_t vg_fault_count(const char *name);

#endif
