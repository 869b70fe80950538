/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_GRANT_H
#define KMS_GRANT_H

/* Grants in requests: for what makes and ends them and for what decides who may. */

#include "services/kms/kms_int.h"

/* The grant that a request asks for; it has no id, key, date and issuer yet. */
void kms_grant_of_request(struct vg_req *rq, const struct kms_create_grant_request *in,
                          struct kms_rec_grant *ret);
/* By its token, or by key and id. */
vg_rc kms_grant_to_retire(struct vg_req *rq, const struct kms_retire_grant_request *in,
                          struct vg_str *ret_key, struct vg_str *ret_id) VG_MUST_USE;

#endif
