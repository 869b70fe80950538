/* SPDX-License-Identifier: Apache-2.0 */

/* Keys of customers: what a request brings seals its object's key and is forgotten. */

#include "services/s3/s3_headers.h"

#include "codec/base64.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

#define NOT_A_KEY   "The secret key was invalid for the specified algorithm."
#define BY_CUSTOMER "Requests specifying Server Side Encryption with Customer provided keys must "

static vg_rc
bad_key(struct vg_req *rq, const char *text)
{
    return s3_bad_argument(rq, text, "x-amz-server-side-encryption", VG_STR("null"));
}

static vg_rc
bad_algorithm(struct vg_req *rq, struct vg_str algorithm)
{
    struct s3_invalid_encryption_algorithm_error *d =
        VG_NEW(rq->arena, struct s3_invalid_encryption_algorithm_error);
    d->argument_name = VG_STR("x-amz-server-side-encryption");
    d->argument_value = algorithm;
    return s3_fail_invalid_encryption_algorithm_error_detail(
        rq, d, "The Encryption request you specified is not valid. Supported value: AES256.");
}

vg_rc
s3_customer_key_read(struct vg_req *rq, const struct s3_key_asked *asked,
                     struct s3_customer_key *ret)
{
    struct vg_str key = VG_STR_NONE, md5;
    uint8_t digest[VG_MD5_BYTES];
    if (!asked->algorithm.ptr && !asked->key.ptr && !asked->md5.ptr)
        return VG_OK;
    if (!asked->algorithm.ptr)
        return bad_key(rq, BY_CUSTOMER "provide a valid encryption algorithm.");
    if (!vg_str_eq(asked->algorithm, VG_STR("AES256")))
        return bad_algorithm(rq, asked->algorithm);
    if (!asked->key.ptr)
        return bad_key(rq, BY_CUSTOMER "provide an appropriate secret key.");
    if (!asked->md5.ptr)
        return bad_key(rq, BY_CUSTOMER "provide the client calculated MD5 of the secret key.");
    if (!vg_base64_decode(rq->arena, asked->key, &key))
        return bad_key(rq, NOT_A_KEY);
    vg_md5(key, digest);
    ret->is_long_enough = key.len == S3_KEY_BYTES;
    if (ret->is_long_enough)
        memcpy(ret->key, key.ptr, S3_KEY_BYTES);
    vg_zero((void *)(uintptr_t)key.ptr, key.len);
    md5 = vg_base64_encode(rq->arena, vg_str_n(digest, sizeof(digest)));
    if (!vg_str_eq(md5, asked->md5))
        return bad_key(
            rq, "The calculated MD5 hash of the key did not match the hash that was provided.");
    ret->md5 = md5;
    ret->is_given = true;
    return VG_OK;
}

vg_rc
s3_customer_key_check(struct vg_req *rq, const struct s3_rec_version *v,
                      const struct s3_customer_key *key)
{
    if (!v->customer_key_md5.ptr)
        return !key->is_given
                   ? VG_OK
                   : s3_fail_invalid_request(rq,
                                             "The encryption parameters are not applicable to this "
                                             "object.");
    if (!key->is_given)
        return s3_fail_invalid_request(
            rq, "The object was stored using a form of Server Side Encryption. The correct "
                "parameters must be provided to retrieve the object.");
    return vg_str_eq(v->customer_key_md5, key->md5)
               ? VG_OK
               : s3_fail_access_denied(rq, BY_CUSTOMER "provide the correct secret key.");
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
 */
vg_rc
s3_customer_key_taken(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str name,
                      const struct s3_customer_key *key)
{
    if (!key->is_given)
        return VG_OK;
    if (!key->is_long_enough)
        return bad_key(rq, NOT_A_KEY);
    if (bucket->takes_customer_keys)
        return VG_OK;
    return s3_denied(rq, bucket, name,
                     "because this bucket has blocked upload requests that specify Server Side "
                     "Encryption with Customer provided keys (SSE-C). Please specify a different "
                     "server-side encryption type");
}

void
s3_customer_key_wipe(struct s3_customer_key *key)
{
    vg_zero(key->key, sizeof(key->key));
}

struct s3_sealer
s3_sealer_of(struct vg_str account, const struct s3_customer_key *key)
{
    return (struct s3_sealer) { .account = account,
                                .own = key->is_given || key->is_data_key ? key->key : NULL };
}
