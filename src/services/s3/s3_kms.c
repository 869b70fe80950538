/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_kms.h"

#include "auth/principal.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/secret.h"
#include "services/kms/errors.h"
#include "services/kms/ops.h"

#define DEFAULT_KEY VG_STR("alias/aws/s3")
#define ARN_NAME    VG_STR("aws:s3:arn")

/* --- what is asked for --------------------------------------------------------------------------
 */

static vg_rc
bad_context(struct vg_req *rq, struct vg_str header)
{
    return s3_bad_argument(rq,
                           "The header 'x-amz-server-side-encryption-context' shall be "
                           "Base64-encoded UTF-8 string holding JSON which represents a "
                           "string-string map",
                           "x-amz-server-side-encryption-context", header);
}

static bool
read_context(struct vg_req *rq, struct vg_str header, struct s3_rec_version *v)
{
    struct vg_str json;
    struct vg_json js;
    enum vg_json_tok tok;
    if (!vg_base64_decode(rq->arena, header, &json))
        return false;
    vg_json_init(&js, json, rq->arena);
    if (vg_json_next(&js) != VG_JSON_OBJECT)
        return false;
    while ((tok = vg_json_next(&js)) == VG_JSON_KEY) {
        struct vg_str name = js.text;
        if (vg_json_next(&js) != VG_JSON_STRING)
            return false;
        *VG_VEC_ADD(rq->arena, &v->kms_context) =
            (struct s3_rec_pair) { .name = name, .value = js.text };
    }
    return tok == VG_JSON_OBJECT_END && vg_json_next(&js) == VG_JSON_END;
}

/*
 * "Amazon S3 automatically uses the object Amazon Resource Name (ARN) as the encryption context for
 * the object", and with a bucket key that of the bucket.
 */
static vg_rc
set_context(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
            struct vg_str header, struct s3_rec_version *v)
{
    if (header.ptr && !read_context(rq, header, v))
        return bad_context(rq, header);
    for (size_t i = 0; i < v->kms_context.len; i++)
        if (vg_str_eq(v->kms_context.items[i].name, ARN_NAME))
            return VG_OK;
    struct vg_str arn = s3_object_arn(rq, bucket->name, key);
    if (v->has_bucket_key)
        arn = vg_str_slice(arn, 0, arn.len - key.len - 1);
    *VG_VEC_ADD(rq->arena, &v->kms_context) =
        (struct s3_rec_pair) { .name = ARN_NAME, .value = arn };
    return VG_OK;
}

/* The bucket's rule, where it says KMS. */
static vg_rc
default_rule(struct vg_req *rq, const struct s3_rec_bucket *bucket,
             const struct s3_server_side_encryption_rule **ret)
{
    void *found = NULL;
    *ret = NULL;
    vg_rc rc = bucket->is_kms_default
                   ? s3_store_config(rq, bucket, S3_CONFIG_ENCRYPTION,
                                     &s3_shape_server_side_encryption_configuration, &found)
                   : VG_OK;
    const struct s3_server_side_encryption_configuration *conf = found;
    if (rc == VG_OK && conf && conf->rules.len > 0)
        *ret = &conf->rules.items[0];
    return rc;
}

static vg_rc
check_asked(struct vg_req *rq, const struct s3_object_headers *h,
            const struct s3_customer_key *customer)
{
    const struct vg_enum *how = &h->encryption;
    if (how->text.ptr && customer->is_given)
        return s3_bad_argument(
            rq,
            "Server Side Encryption with Customer provided key is incompatible with the encryption "
            "method specified",
            "x-amz-server-side-encryption", how->text);
    if (how->v == S3_SERVER_SIDE_ENCRYPTION_AWS_KMS_DSSE)
        return s3_not_built(rq, "Dual-layer encryption with AWS KMS");
    if (how->v == S3_SERVER_SIDE_ENCRYPTION_AWS_KMS)
        return VG_OK;
    if (how->text.ptr && how->v != S3_SERVER_SIDE_ENCRYPTION_AES256)
        return s3_bad_argument(rq, "The encryption method specified is not supported",
                               "x-amz-server-side-encryption", how->text);
    if (h->kms_key.ptr || h->kms_context.ptr)
        return s3_bad_argument(rq,
                               "Server Side Encryption with AWS KMS managed key requires HTTP "
                               "header x-amz-server-side-encryption : aws:kms",
                               "x-amz-server-side-encryption",
                               how->text.ptr ? how->text : VG_STR("null"));
    return VG_OK;
}

vg_rc
s3_kms_asked(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
             const struct s3_object_headers *h, const struct s3_customer_key *customer,
             struct s3_rec_version *v)
{
    const struct s3_server_side_encryption_rule *rule;
    bool is_asked = h->encryption.v == S3_SERVER_SIDE_ENCRYPTION_AWS_KMS;
    vg_rc rc = check_asked(rq, h, customer);
    if (rc == VG_OK)
        rc = default_rule(rq, bucket, &rule);
    if (rc != VG_OK)
        return rc;
    if (!is_asked && (!rule || h->encryption.text.ptr || customer->is_given))
        return !vg_opt_bool_or(h->bucket_key, false)
                   ? VG_OK
                   : s3_bad_argument(rq, "A bucket key is for encryption with AWS KMS only",
                                     "x-amz-server-side-encryption-bucket-key-enabled",
                                     VG_STR("true"));
    /* "If you specify … aws:kms, but do not provide … the key id, Amazon S3 uses the AWS managed
     * key (aws/s3)": the bucket's key is for requests that say nothing. */
    v->kms_key =
        is_asked ? h->kms_key : rule->apply_server_side_encryption_by_default->kms_master_key_id;
    if (!v->kms_key.ptr)
        v->kms_key = DEFAULT_KEY;
    v->has_bucket_key =
        vg_opt_bool_or(h->bucket_key, rule && vg_opt_bool_or(rule->bucket_key_enabled, false));
    return set_context(rq, bucket, key, h->kms_context, v);
}

struct vg_str
s3_kms_context_shown(struct vg_req *rq, struct vg_str asked, const struct s3_rec_version *v)
{
    struct vg_buf buf;
    struct vg_json_out w;
    if (!asked.ptr)
        return VG_STR_NONE;
    vg_buf_init(&buf, rq->arena, 256u << 10);
    vg_jsonw_init(&w, &buf);
    vg_jsonw_object(&w);
    for (size_t i = 0; i < v->kms_context.len; i++)
        vg_jsonw_kv(&w, v->kms_context.items[i].name, v->kms_context.items[i].value);
    vg_jsonw_object_end(&w);
    return vg_base64_encode(rq->arena, vg_buf_str(&buf));
}

/* --- KMS ----------------------------------------------------------------------------------------
 */

/* Its errors as S3 answers them. */
static const struct {
    const struct vg_errdef *from, *to;
} errors[] = {
    { &kms_err_not_found_exception, &s3_err_kms_not_found },
    { &kms_err_disabled_exception, &s3_err_kms_disabled },
    { &kms_err_kms_invalid_state_exception, &s3_err_kms_invalid_state },
};

static vg_rc
failed(struct vg_req *rq, const struct vg_err *why)
{
    struct vg_str text = vg_err_text(why);
    for (size_t i = 0; i < VG_COUNT(errors); i++)
        if (why->def == errors[i].from)
            return vg_fail(rq, errors[i].to, "%" VG_FMT, VG_ARG(text));
    if (why->def == &vg_err_access_denied)
        return s3_fail_access_denied(rq, "%" VG_FMT, VG_ARG(text));
    if (why->def == &vg_err_validation)
        return s3_bad_argument(rq, vg_str_cstr(rq->arena, text),
                               "x-amz-server-side-encryption-context", VG_STR_NONE);
    *rq->err = *why;
    rq->err->def = NULL; /* nothing that the caller could have done */
    return VG_FAIL;
}

/* KMS takes nobody's word for who asks: unsigned requests have no part in it. */
static vg_rc
call(struct vg_req *rq, const struct s3_rec_bucket *bucket, const struct vg_op *op, const void *in,
     void *out) VG_WAITS
{
    struct vg_err why = { 0 };
    const struct vg_principal *who = rq->scope->caller;
    const struct vg_ctx ctx[] = {
        { VG_STR("kms:ViaService"),
          vg_str_fmt(rq->arena, "s3.%" VG_FMT ".amazonaws.com", VG_ARG(bucket->region)) },
    };
    if (!who || s3_is_anonymous(rq))
        return s3_fail_access_denied(rq, "Access Denied");
    if (!s3_is_signed_by_version_4(rq))
        return s3_bad_argument(rq,
                               "Requests specifying Server Side Encryption with AWS KMS managed "
                               "keys require AWS Signature Version 4.",
                               "Authorization", VG_STR("null"));
    const struct vg_as as = {
        .account = who->account, .region = bucket->region, .ctx = ctx, .n_ctx = VG_COUNT(ctx)
    };
    return vg_call(rq, &as, op, in, out, &why) == VG_OK ? VG_OK : failed(rq, &why);
}

static struct kms_encryption_context_type
context_of(struct vg_req *rq, const struct s3_rec_version *v)
{
    size_t n = v->kms_context.len;
    struct kms_encryption_context_type ret = {
        VG_NEW_ARRAY(rq->arena, struct kms_encryption_context_type__entry, n + 1), n, true
    };
    for (size_t i = 0; i < n; i++)
        ret.items[i] =
            (struct kms_encryption_context_type__entry) { v->kms_context.items[i].name,
                                                          v->kms_context.items[i].value };
    return ret;
}

static vg_rc
take(struct vg_req *rq, struct vg_str plain, struct s3_customer_key *ret)
{
    if (plain.len != S3_KEY_BYTES)
        return vg_err_set(rq->err, "a data key has %zu bytes", plain.len);
    memcpy(ret->key, plain.ptr, S3_KEY_BYTES);
    vg_zero((void *)(uintptr_t)plain.ptr, plain.len);
    ret->is_data_key = true;
    return VG_OK;
}

vg_rc
s3_kms_make(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct s3_rec_version *v,
            struct s3_customer_key *ret)
{
    struct kms_generate_data_key_response out = { .key_id = VG_STR_NONE };
    if (!v->kms_key.ptr)
        return VG_OK;
    const struct kms_generate_data_key_request in = { .key_id = v->kms_key,
                                                      .key_spec =
                                                          VG_ENUM(KMS_DATA_KEY_SPEC_AES_256),
                                                      .encryption_context = context_of(rq, v) };
    vg_rc rc = call(rq, bucket, &kms_op_generate_data_key, &in, &out);
    if (rc != VG_OK)
        return rc;
    v->kms_key = out.key_id;
    v->kms_sealed = out.ciphertext_blob;
    return take(rq, out.plaintext, ret);
}

vg_rc
s3_kms_open(struct vg_req *rq, const struct s3_rec_bucket *bucket, const struct s3_rec_version *v,
            struct s3_customer_key *ret)
{
    struct kms_decrypt_response out = { .key_id = VG_STR_NONE };
    if (!v->kms_key.ptr)
        return VG_OK;
    const struct kms_decrypt_request in = { .ciphertext_blob = v->kms_sealed,
                                            .key_id = v->kms_key,
                                            .encryption_context = context_of(rq, v) };
    vg_rc rc = call(rq, bucket, &kms_op_decrypt, &in, &out);
    return rc == VG_OK ? take(rq, out.plaintext, ret) : rc;
}

vg_rc
s3_kms_unseal(struct vg_req *rq, const struct s3_rec_bucket *bucket, const struct s3_rec_version *v,
              struct s3_customer_key *ret, bool *ret_is_gone)
{
    struct kms_unseal_output out = { .plaintext = VG_STR_NONE };
    struct vg_err why = { 0 };
    const struct kms_unseal_input in = { .ciphertext_blob = v->kms_sealed,
                                         .key_id = v->kms_key,
                                         .encryption_context = context_of(rq, v) };
    const struct vg_as as = { .account = bucket->account, .region = bucket->region };
    vg_rc rc = vg_call(rq, &as, &kms_op_unseal, &in, &out, &why);
    *ret_is_gone = rc != VG_OK && why.def == &kms_err_not_found_exception;
    if (*ret_is_gone)
        return VG_OK;
    if (rc == VG_OK)
        return take(rq, out.plaintext, ret);
    return vg_err_set(rq->err, "%" VG_FMT ": %" VG_FMT,
                      VG_ARG(why.def ? why.def->code : VG_STR("KMS")), VG_ARG(vg_err_text(&why)));
}
