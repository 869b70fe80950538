/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_KMS_H
#define S3_KMS_H

/*
 * Encryption with keys of KMS (SSE-KMS): the keys of an object's contents are sealed by a data key,
 * which KMS gives out and opens again in the name of whoever asks for the object.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 */

#include "services/s3/s3_headers.h"

/*
 * What a request, or else the bucket's default, says of it: sets key, context and bucket key in
 * `v`; v->kms_key stays absent where KMS has no part in it.  Fails with InvalidArgument.
 */
vg_rc s3_kms_asked(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                   const struct s3_object_headers *h, const struct s3_customer_key *customer,
                   struct s3_rec_version *v) VG_MUST_USE;
/*
 * A new data key, where `v` is to have one: sealed into the version, in plain into `ret`.  Fails
 * as KMS does, in S3's words: AccessDenied, KMS.NotFoundException, KMS.DisabledException …
 */
vg_rc s3_kms_make(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct s3_rec_version *v,
                  struct s3_customer_key *ret) VG_WAITS VG_MUST_USE;
/* The data key of a version, or an upload's, where it has one. */
vg_rc s3_kms_open(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                  const struct s3_rec_version *v, struct s3_customer_key *ret) VG_WAITS VG_MUST_USE;
/* The same for a check, which asks nobody's policy; *ret_is_gone: the key of KMS was deleted. */
vg_rc s3_kms_unseal(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                    const struct s3_rec_version *v, struct s3_customer_key *ret, bool *ret_is_gone)
    VG_WAITS VG_MUST_USE;
/* As answers show the context: base64 of JSON; absent where the request said nothing of one. */
struct vg_str s3_kms_context_shown(struct vg_req *rq, struct vg_str asked,
                                   const struct s3_rec_version *v);

#endif
