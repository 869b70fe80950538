/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a package comes from: the request, or an object in S3, which is fetched as the caller.
 * https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCode.html
 */
#include "codec/base64.h"
#include "core/env.h"
#include "core/reply.h"
#include "crypto/hash.h"
#include "services/lambda/lambda_int.h"
#include "services/s3/errors.h"
#include "services/s3/ops.h"
#include "store/blob.h"

vg_rc
lambda_check_source(struct vg_req *rq, const struct lambda_function_code *code)
{
    bool is_of_s3 = code->s3_bucket.ptr || code->s3_key.ptr || code->s3_object_version.ptr
                    || code->s3_object_storage_mode.text.ptr;
    if (code->image_uri.ptr)
        return lambda_bad(rq, "ImageUri is not supported by this version of Virga.");
    if (code->source_kms_key_arn.len > 0)
        return lambda_bad(rq, "SourceKMSKeyArn is not supported by this version of Virga.");
    if (code->s3_object_storage_mode.v == LAMBDA_S3_OBJECT_STORAGE_MODE_REFERENCE)
        return lambda_bad(rq, "S3ObjectStorageMode REFERENCE is not supported by this version of "
                              "Virga.");
    if (code->zip_file.ptr && is_of_s3)
        return lambda_bad(rq, "Please do not provide other FunctionCode parameters when providing "
                              "a ZipFile.");
    if (!code->zip_file.ptr && (!code->s3_bucket.ptr || !code->s3_key.ptr))
        return lambda_bad(rq, "Please provide a source for function code.");
    return VG_OK;
}

/* --- while it comes -----------------------------------------------------------------------------
 */

struct fetch {
    struct vg_blob_writer *blob;
    struct vg_hash hash;
    int64_t bytes;
    bool is_large;
};

static vg_rc
too_large(struct vg_req *rq)
{
    return lambda_bad(rq, "Unzipped size must be smaller than %d bytes",
                      LAMBDA_LIMIT_CODE_UNZIPPED_BYTES);
}

/* A zip that is longer than what may be in it needs not be looked at. */
static vg_rc VG_WAITS
take(void *to, struct vg_str piece, struct vg_err *err)
{
    struct fetch *f = to;
    f->bytes += (int64_t)piece.len;
    f->is_large = f->bytes > LAMBDA_LIMIT_CODE_UNZIPPED_BYTES;
    if (f->is_large) { /* no failure of ours; the text is too_large()'s */
        err->def = &lambda_err_invalid_parameter_value_exception;
        return VG_FAIL;
    }
    vg_hash_add(&f->hash, piece);
    return vg_blob_write(f->blob, piece, err);
}

/* --- S3 -----------------------------------------------------------------------------------------
 */

/* S3's error as Lambda tells it; the texts are AWS's, as in
 * https://github.com/aws-solutions/aws-waf-security-automations/issues/135 and
 * https://github.com/binxio/cfn-lb-ip-address-provider/issues/4. */
static vg_rc
refused(struct vg_req *rq, const struct lambda_function_code *code, const struct vg_err *err)
{
    const struct vg_str why = vg_err_text(err);
    if (err->def == NULL || err->def == &vg_err_internal_failure) {
        *rq->err = *err;
        return VG_FAIL;
    }
    if (!vg_str_eq(err->def->code, VG_STR("AccessDenied")))
        return lambda_bad(rq,
                          "Error occurred while GetObject. S3 Error Code: %" VG_FMT
                          ". S3 Error Message: %" VG_FMT,
                          VG_ARG(err->def->code), VG_ARG(why));
    return vg_fail_access_denied(
        rq, vg_str_fmt(rq->arena,
                       "Your access has been denied by S3, please make sure your request "
                       "credentials have permission to GetObject for %" VG_FMT "/%" VG_FMT
                       ". S3 Error Code: %" VG_FMT ". S3 Error Message: %" VG_FMT,
                       VG_ARG(code->s3_bucket), VG_ARG(code->s3_key), VG_ARG(err->def->code),
                       VG_ARG(why)));
}

static vg_rc VG_WAITS
fetch_object(struct vg_req *rq, const struct lambda_function_code *code, struct fetch *f)
{
    const struct s3_get_object_request in = {
        .bucket = code->s3_bucket,
        .key = code->s3_key,
        .version_id = code->s3_object_version,
    };
    struct s3_get_object_output out = { .body = VG_STR_NONE };
    const struct vg_ctx via = { VG_STR("aws:ViaAWSService"), VG_STR("true") };
    const struct vg_as as = { .ctx = &via, .n_ctx = 1 };
    const struct vg_sink sink = { .write = take, .to = f };
    struct vg_err err = { 0 };
    vg_rc rc = vg_call_into(rq, &as, &s3_op_get_object, &in, &out, &sink, &err);
    if (rc == VG_FAIL)
        return f->is_large ? too_large(rq) : refused(rq, code, &err);
    return rc;
}

/* --- either -------------------------------------------------------------------------------------
 */

static vg_rc VG_WAITS
fetch_inline(struct vg_req *rq, struct vg_str zip, struct fetch *f)
{
    if (zip.len > LAMBDA_LIMIT_CODE_ZIPPED_BYTES)
        return lambda_fail_request_too_large_exception(
            rq, "Request must be smaller than %d bytes for the %" VG_FMT " operation", 69905067,
            VG_ARG(rq->op->name));
    return take(f, zip, rq->err);
}

vg_rc
lambda_fetch(struct vg_req *rq, const struct lambda_function_code *code,
             struct lambda_rec_function *fn, struct vg_blob_writer **ret)
{
    struct fetch f = { .blob = NULL };
    uint8_t digest[VG_HASH_MAX_BYTES];
    vg_rc rc = vg_blob_create(rq->env->blobs, ret, rq->err);
    if (rc != VG_OK)
        return rc;
    f.blob = *ret;
    vg_hash_init(&f.hash, VG_HASH_SHA256);
    rc = code->zip_file.ptr ? fetch_inline(rq, code->zip_file, &f) : fetch_object(rq, code, &f);
    if (rc == VG_OK && f.bytes == 0)
        rc = lambda_bad(rq, "Uploaded file must be a non-empty zip");
    if (rc != VG_OK)
        return rc;
    size_t n = vg_hash_end(&f.hash, digest);
    fn->code_sha256 = vg_base64_encode(rq->arena, vg_str_n(digest, n));
    fn->code_bytes = f.bytes;
    return VG_OK;
}
