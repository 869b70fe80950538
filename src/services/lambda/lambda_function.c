/* SPDX-License-Identifier: Apache-2.0 */

/* CreateFunction and what changes functions. */

#include "core/authz.h"
#include "core/env.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_int.h"
#include "store/kv.h"

#include <sys/utsname.h>

/* --- authorization ------------------------------------------------------------------------------
 */

static void
pass_role(struct vg_req *rq, struct vg_str role, struct vg_authz *az)
{
    if (!role.ptr)
        return;
    struct vg_ctx *ctx = VG_NEW(rq->arena, struct vg_ctx);
    ctx->key = VG_STR("iam:PassedToService");
    ctx->value = VG_STR("lambda.amazonaws.com");
    vg_authz_add(az, VG_STR("iam:PassRole"), role, ctx, 1);
}

vg_rc
lambda_authz_create_function(struct vg_req *rq, const struct lambda_create_function_request *in,
                             struct vg_authz *az)
{
    struct lambda_name name;
    if (!lambda_name_parse(in->function_name, &name))
        name.name = in->function_name;
    vg_authz_add(az, VG_STR("lambda:CreateFunction"), lambda_arn(rq, name.name, VG_STR_NONE), NULL,
                 0);
    pass_role(rq, in->role, az);
    return VG_OK;
}

vg_rc
lambda_authz_update_function_configuration(
    struct vg_req *rq, const struct lambda_update_function_configuration_request *in,
    struct vg_authz *az)
{
    struct lambda_name name;
    if (!lambda_name_parse(in->function_name, &name))
        name.name = in->function_name;
    vg_authz_add(az, VG_STR("lambda:UpdateFunctionConfiguration"),
                 lambda_arn(rq, name.name, VG_STR_NONE), NULL, 0);
    pass_role(rq, in->role, az);
    return VG_OK;
}

/* --- create -------------------------------------------------------------------------------------
 */

static vg_rc
refuse_create(struct vg_req *rq, const struct lambda_create_function_request *in)
{
    if (vg_str_eq(in->package_type.text, VG_STR("Image")))
        return lambda_bad(rq, "PackageType Image is not supported by this version of Virga.");
    if (in->code_signing_config_arn.len > 0)
        return lambda_bad(rq, "CodeSigningConfigArn is not supported by this version of Virga.");
    if (in->tenancy_config)
        return lambda_bad(rq, "TenancyConfig is not supported by this version of Virga.");
    if (in->publish_to.text.len > 0)
        return lambda_bad(rq, "PublishTo is not supported by this version of Virga.");
    vg_rc rc = lambda_check_source(rq, in->code);
    if (rc != VG_OK)
        return rc;
    if (!in->runtime.text.ptr || !in->handler.ptr)
        return lambda_bad(rq, "Runtime and Handler are mandatory parameters for functions created "
                              "with deployment packages.");
    return VG_OK;
}

static void
defaults(struct vg_req *rq, struct vg_str name, struct lambda_rec_function *fn)
{
    struct utsname machine;
    *fn = (struct lambda_rec_function) { .name = name,
                                         .version = LAMBDA_LATEST,
                                         .description = VG_STR(""),
                                         .timeout_s = 3,
                                         .memory_mb = 128,
                                         .tmp_mb = 512,
                                         .next_version = 1,
                                         .architecture = VG_STR("x86_64") };
    if (uname(&machine) == 0 && strcmp(machine.machine, "aarch64") == 0)
        fn->architecture = VG_STR("arm64");
    fn->log_group = vg_str_fmt(rq->arena, "/aws/lambda/%" VG_FMT, VG_ARG(name));
    fn->modified_ms = vg_now_ms(rq->env);
    fn->revision = lambda_new_revision(rq);
}

static vg_rc VG_WAITS
check_create(struct vg_req *rq, const struct lambda_create_function_request *in,
             struct lambda_rec_function *fn)
{
    const struct lambda_update_function_configuration_request config = {
        .role = in->role,
        .handler = in->handler,
        .description = in->description,
        .timeout = in->timeout,
        .memory_size = in->memory_size,
        .vpc_config = in->vpc_config,
        .environment = in->environment,
        .runtime = in->runtime,
        .dead_letter_config = in->dead_letter_config,
        .kms_key_arn = in->kms_key_arn,
        .tracing_config = in->tracing_config,
        .layers = in->layers,
        .file_system_configs = in->file_system_configs,
        .image_config = in->image_config,
        .ephemeral_storage = in->ephemeral_storage,
        .snap_start = in->snap_start,
        .logging_config = in->logging_config,
        .capacity_provider_config = in->capacity_provider_config,
        .durable_config = in->durable_config,
        .runtime_config = in->runtime_config,
        .accelerator_config = in->accelerator_config,
    };
    vg_rc rc = refuse_create(rq, in);
    if (rc == VG_OK)
        rc = lambda_config_apply(rq, &config, fn);
    if (rc == VG_OK)
        rc = lambda_check_architectures(rq, &in->architectures, fn);
    if (rc == VG_OK)
        rc = lambda_check_tags(rq, &in->tags, fn);
    return rc;
}

/* The runtime's sandboxes are prepared from the first function of it on. */
static void VG_WAITS
expect_runtime(struct vg_req *rq, const struct lambda_rec_function *fn)
{
    struct vg_runtime rt;
    struct vg_err err = { 0 };
    if (vg_runtime_find(rq->env->sandboxes, rq->arena, fn->runtime, &rt, &err) == VG_OK)
        vg_sandboxes_expect(rq->env->sandboxes, &rt);
}

vg_rc
lambda_create_function(struct vg_req *rq, const struct lambda_create_function_request *in,
                       struct lambda_function_configuration *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn, there;
    vg_rc rc = lambda_resolve_whole(rq, in->function_name, &name);
    if (rc != VG_OK)
        return rc;
    defaults(rq, name.name, &fn);
    rc = check_create(rq, in, &fn);
    if (rc == VG_OK)
        rc = lambda_store_get(rq, fn.name, LAMBDA_LATEST, &there);
    if (rc == VG_OK && there.name.ptr)
        return lambda_conflict(rq, "Function already exist: %" VG_FMT, VG_ARG(fn.name));
    if (rc == VG_OK)
        rc = lambda_code_store(rq, in->code, false, &fn);
    if (rc != VG_OK)
        return rc;
    vg_auto_tx struct vg_tx *tx = NULL;
    struct lambda_rec_function version = fn;
    bool is_published = vg_opt_bool_or(in->publish, false);
    rc = lambda_store_open(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, fn.name, LAMBDA_LATEST, &there);
    if (rc == VG_OK && there.name.ptr)
        rc = lambda_conflict(rq, "Function already exist: %" VG_FMT, VG_ARG(fn.name));
    if (rc == VG_OK)
        rc = lambda_code_keep(rq, tx, &fn);
    if (rc == VG_OK) {
        lambda_store_put(rq, tx, &fn);
        if (is_published)
            lambda_publish(rq, tx, &fn, VG_STR_NONE, &version);
        rc = vg_tx_commit(&tx, rq->err);
    }
    if (rc != VG_OK) {
        lambda_code_forget(rq, fn.code_id);
        return rc;
    }
    expect_runtime(rq, &fn);
    lambda_config_render(rq, is_published ? &version : &fn, is_published, out);
    /* It is ready by the next request; SDKs wait for Active as they do on AWS. */
    out->state.text = VG_STR("Pending");
    out->state_reason = VG_STR("The function is being created.");
    out->state_reason_code.text = VG_STR("Creating");
    out->last_update_status = (struct vg_enum) { 0 };
    return VG_OK;
}

/* --- change -------------------------------------------------------------------------------------
 */

static void
show_update(struct vg_req *rq, const struct lambda_rec_function *fn, bool is_qualified,
            struct lambda_function_configuration *out)
{
    lambda_config_render(rq, fn, is_qualified, out);
    out->last_update_status.text = VG_STR("InProgress");
    out->last_update_status_reason = VG_STR("The function is being created.");
}

vg_rc
lambda_update_function_code(struct vg_req *rq, const struct lambda_update_function_code_request *in,
                            struct lambda_function_configuration *out)
{
    struct lambda_name name;
    struct lambda_rec_function old, fn;
    bool is_trial = vg_opt_bool_or(in->dry_run, false);
    vg_rc rc = lambda_resolve_whole(rq, in->function_name, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &fn);
    if (rc == VG_OK)
        rc = lambda_check_revision(rq, in->revision_id, fn.revision);
    if (rc != VG_OK)
        return rc;
    if (in->publish_to.text.len > 0)
        return lambda_bad(rq, "PublishTo is not supported by this version of Virga.");
    const struct lambda_function_code code = {
        .zip_file = in->zip_file,
        .s3_bucket = in->s3_bucket,
        .s3_key = in->s3_key,
        .s3_object_version = in->s3_object_version,
        .s3_object_storage_mode = in->s3_object_storage_mode,
        .image_uri = in->image_uri,
        .source_kms_key_arn = in->source_kms_key_arn,
    };
    struct lambda_rec_function fresh = fn;
    rc = lambda_check_source(rq, &code);
    if (rc == VG_OK)
        rc = lambda_check_architectures(rq, &in->architectures, &fresh);
    if (rc == VG_OK)
        rc = lambda_code_store(rq, &code, is_trial, &fresh);
    if (rc != VG_OK)
        return rc;
    bool is_published = vg_opt_bool_or(in->publish, false);
    if (is_trial) {
        lambda_config_render(rq, &fresh, false, out);
        return VG_OK;
    }
    vg_auto_tx struct vg_tx *tx = NULL;
    struct lambda_rec_function version = { .name = VG_STR_NONE };
    rc = lambda_store_open(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, name.name, LAMBDA_LATEST, &old);
    if (rc == VG_OK && !old.name.ptr)
        rc = lambda_not_found(rq, lambda_arn(rq, name.name, VG_STR_NONE));
    if (rc == VG_OK)
        rc = lambda_check_revision(rq, in->revision_id, old.revision);
    if (rc == VG_OK)
        rc = lambda_code_drop_unless_used(rq, tx, &old);
    if (rc == VG_OK)
        rc = lambda_code_keep(rq, tx, &fresh);
    if (rc == VG_OK) {
        fn = old;
        fn.code_id = fresh.code_id;
        fn.code_sha256 = fresh.code_sha256;
        fn.code_bytes = fresh.code_bytes;
        fn.unzipped_bytes = fresh.unzipped_bytes;
        fn.architecture = fresh.architecture;
        fn.modified_ms = vg_now_ms(rq->env);
        fn.revision = lambda_new_revision(rq);
        lambda_store_put(rq, tx, &fn);
        if (is_published)
            lambda_publish(rq, tx, &fn, VG_STR_NONE, &version);
        rc = vg_tx_commit(&tx, rq->err);
    }
    if (rc != VG_OK) {
        lambda_code_forget(rq, fresh.code_id);
        return rc;
    }
    lambda_retire(rq, &old);
    show_update(rq, is_published ? &version : &fn, is_published, out);
    return VG_OK;
}

vg_rc
lambda_update_function_configuration(struct vg_req *rq,
                                     const struct lambda_update_function_configuration_request *in,
                                     struct lambda_function_configuration *out)
{
    struct lambda_name name;
    struct lambda_rec_function old, fn;
    vg_rc rc = lambda_resolve_whole(rq, in->function_name, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &fn);
    if (rc == VG_OK)
        rc = lambda_config_apply(rq, in, &fn); /* may wait: before the transaction */
    if (rc != VG_OK)
        return rc;
    vg_auto_tx struct vg_tx *tx = NULL;
    rc = lambda_store_open(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, name.name, LAMBDA_LATEST, &old);
    if (rc == VG_OK && !old.name.ptr)
        return lambda_not_found(rq, lambda_arn(rq, name.name, VG_STR_NONE));
    if (rc == VG_OK)
        rc = lambda_check_revision(rq, in->revision_id, old.revision);
    if (rc != VG_OK)
        return rc;
    /* What others changed meanwhile stays theirs. */
    fn.code_id = old.code_id;
    fn.code_sha256 = old.code_sha256;
    fn.code_bytes = old.code_bytes;
    fn.unzipped_bytes = old.unzipped_bytes;
    fn.next_version = old.next_version;
    fn.reserved = old.reserved;
    fn.policy_revision = old.policy_revision;
    memcpy(&fn.statements, &old.statements, sizeof(fn.statements));
    memcpy(&fn.tags, &old.tags, sizeof(fn.tags));
    fn.modified_ms = vg_now_ms(rq->env);
    fn.revision = lambda_new_revision(rq);
    lambda_store_put(rq, tx, &fn);
    rc = vg_tx_commit(&tx, rq->err);
    if (rc != VG_OK)
        return rc;
    lambda_retire(rq, &old);
    expect_runtime(rq, &fn);
    show_update(rq, &fn, false, out);
    return VG_OK;
}
