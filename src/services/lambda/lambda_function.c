/* SPDX-License-Identifier: Apache-2.0 */
/* CreateFunction and what changes, shows and removes functions and their versions. */
#include "core/authz.h"
#include "core/env.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_int.h"
#include "store/blob.h"
#include "store/kv.h"

#include <sys/utsname.h>

#define PAGE_DEFAULT 50u

static vg_rc VG_WAITS
open_tx(struct vg_req *rq, struct vg_tx **ret)
{
    int64_t bytes; /* asked for before the first write, for the data of an earlier build */
    vg_rc rc =
        vg_tx_open(rq, lambda_store_part(rq->arena, rq->scope->owner, rq->scope->region), ret);
    return rc == VG_OK ? lambda_store_code_bytes(rq, *ret, &bytes) : rc;
}

vg_rc
lambda_load(struct vg_req *rq, const struct lambda_name *name, struct lambda_rec_function *ret)
{
    struct vg_str q = name->qualifier;
    bool is_known = !q.ptr || vg_str_eq(q, LAMBDA_LATEST) || lambda_is_version(q);
    vg_rc rc = is_known ? lambda_store_get(rq, name->name, q, ret) : VG_OK;
    if (rc == VG_OK && (!is_known || !ret->name.ptr))
        return lambda_not_found(rq, lambda_arn(rq, name->name, q));
    return rc;
}

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

/* --- versions -----------------------------------------------------------------------------------
 */

/* Makes the present $LATEST a numbered version; `fn` becomes that version's record. */
static void
publish(struct vg_req *rq, struct vg_tx *tx, struct lambda_rec_function *latest,
        struct vg_str description, struct lambda_rec_function *ret)
{
    *ret = *latest;
    ret->version = vg_str_fmt(rq->arena, "%lld", (long long)latest->next_version);
    ret->statements.len = 0;
    ret->tags.len = 0;
    ret->reserved = (struct vg_opt_i64) { 0 };
    ret->revision = lambda_new_revision(rq);
    if (description.ptr)
        ret->description = description;
    latest->next_version++;
    lambda_store_put(rq, tx, latest);
    lambda_store_put(rq, tx, ret);
}

vg_rc
lambda_publish_version(struct vg_req *rq, const struct lambda_publish_version_request *in,
                       struct lambda_function_configuration *out)
{
    struct lambda_name name;
    struct lambda_rec_function latest, version = { .name = VG_STR_NONE };
    vg_rc rc = lambda_resolve_whole(rq, in->function_name, &name);
    if (rc != VG_OK)
        return rc;
    if (in->publish_to.text.len > 0)
        return lambda_bad(rq, "PublishTo is not supported by this version of Virga.");
    vg_auto_tx struct vg_tx *tx = NULL;
    rc = open_tx(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, name.name, LAMBDA_LATEST, &latest);
    if (rc == VG_OK && !latest.name.ptr)
        return lambda_not_found(rq, lambda_arn(rq, name.name, VG_STR_NONE));
    if (rc == VG_OK)
        rc = lambda_check_revision(rq, in->revision_id, latest.revision);
    if (rc == VG_OK && in->code_sha256.len > 0 && !vg_str_eq(in->code_sha256, latest.code_sha256))
        return lambda_bad(rq,
                          "CodeSHA256 (%" VG_FMT
                          ") is different from current CodeSHA256 in $LATEST (%" VG_FMT
                          "). Please try again with the CodeSHA256 in $LATEST.",
                          VG_ARG(in->code_sha256), VG_ARG(latest.code_sha256));
    if (rc == VG_OK && latest.next_version > 1)
        rc = lambda_store_tx_get(rq, tx, name.name,
                                 vg_str_fmt(rq->arena, "%lld", (long long)latest.next_version - 1),
                                 &version);
    if (rc != VG_OK)
        return rc;
    /* Nothing changed since the last version: that one is the answer. */
    if (!version.name.ptr || version.modified_ms != latest.modified_ms
        || !vg_str_eq(version.code_id, latest.code_id)) {
        publish(rq, tx, &latest, in->description, &version);
        rc = vg_tx_commit(&tx, rq->err);
    } else {
        vg_tx_abort(tx);
        tx = NULL;
    }
    if (rc == VG_OK)
        lambda_config_render(rq, &version, true, out);
    return rc;
}

vg_rc
lambda_list_versions_by_function(struct vg_req *rq,
                                 const struct lambda_list_versions_by_function_request *in,
                                 struct lambda_list_versions_by_function_response *out)
{
    struct lambda_name name;
    struct lambda_rec_function latest, *versions = NULL;
    vg_rc rc = lambda_resolve_whole(rq, in->function_name, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &latest);
    if (rc != VG_OK)
        return rc;
    int64_t after = 0;
    if (in->marker.len > 0 && !vg_str_to_i64(in->marker, &after))
        return lambda_bad(rq, "Invalid value for Marker");
    uint32_t max = (uint32_t)vg_opt_or(in->max_items, PAGE_DEFAULT);
    max = VG_MIN(max, PAGE_DEFAULT);
    bool has_more = false;
    size_t n = 0, shift = in->marker.len == 0;
    rc = lambda_store_versions(rq, name.name, after, VG_MAX(max - (uint32_t)shift, 1u), &versions,
                               &n, &has_more);
    if (rc != VG_OK)
        return rc;
    out->versions.items = VG_NEW_ARRAY(rq->arena, struct lambda_function_configuration, n + 1);
    out->versions.set = true;
    if (shift)
        lambda_config_render(rq, &latest, true, &out->versions.items[out->versions.len++]);
    for (size_t i = 0; i < n; i++)
        lambda_config_render(rq, &versions[i], true, &out->versions.items[out->versions.len++]);
    if (has_more)
        out->next_marker = versions[n - 1].version;
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
defaults(struct vg_req *rq, const struct lambda_create_function_request *in, struct vg_str name,
         struct lambda_rec_function *fn)
{
    struct utsname machine;
    (void)in;
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
    defaults(rq, in, name.name, &fn);
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
    rc = open_tx(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, fn.name, LAMBDA_LATEST, &there);
    if (rc == VG_OK && there.name.ptr)
        rc = lambda_conflict(rq, "Function already exist: %" VG_FMT, VG_ARG(fn.name));
    if (rc == VG_OK)
        rc = lambda_code_keep(rq, tx, &fn);
    if (rc == VG_OK) {
        lambda_store_put(rq, tx, &fn);
        if (is_published)
            publish(rq, tx, &fn, VG_STR_NONE, &version);
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

/* Environments of $LATEST as it was serve no more events. */
static void
retire(struct vg_req *rq, const struct lambda_rec_function *old)
{
    struct vg_str key = vg_str_fmt(rq->arena, "%" VG_FMT ":%" VG_FMT ":%" VG_FMT,
                                   VG_ARG(lambda_arn(rq, old->name, VG_STR_NONE)),
                                   VG_ARG(old->version), VG_ARG(old->revision));
    vg_sandboxes_retire(rq->env->sandboxes, key);
}

/* The record `fn` goes, or gets another package: drops its package if no other has it. */
static vg_rc
drop_code_unless_used(struct vg_req *rq, struct vg_tx *tx, const struct lambda_rec_function *fn)
{
    struct lambda_rec_function *all;
    size_t n;
    bool is_used = false;
    vg_rc rc = lambda_store_tx_all(rq, tx, fn->name, &all, &n);
    for (size_t i = 0; rc == VG_OK && i < n; i++)
        is_used |=
            vg_str_eq(all[i].code_id, fn->code_id) && !vg_str_eq(all[i].version, fn->version);
    if (rc == VG_OK && !is_used)
        lambda_code_drop(rq, tx, fn);
    return rc;
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
    rc = open_tx(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, name.name, LAMBDA_LATEST, &old);
    if (rc == VG_OK && !old.name.ptr)
        rc = lambda_not_found(rq, lambda_arn(rq, name.name, VG_STR_NONE));
    if (rc == VG_OK)
        rc = lambda_check_revision(rq, in->revision_id, old.revision);
    if (rc == VG_OK)
        rc = drop_code_unless_used(rq, tx, &old);
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
            publish(rq, tx, &fn, VG_STR_NONE, &version);
        rc = vg_tx_commit(&tx, rq->err);
    }
    if (rc != VG_OK) {
        lambda_code_forget(rq, fresh.code_id);
        return rc;
    }
    retire(rq, &old);
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
    rc = open_tx(rq, &tx);
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
    retire(rq, &old);
    expect_runtime(rq, &fn);
    show_update(rq, &fn, false, out);
    return VG_OK;
}

/* --- show ---------------------------------------------------------------------------------------
 */

vg_rc
lambda_get_function_configuration(struct vg_req *rq,
                                  const struct lambda_get_function_configuration_request *in,
                                  struct lambda_function_configuration *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &fn);
    if (rc == VG_OK)
        lambda_config_render(rq, &fn, name.qualifier.ptr != NULL, out);
    return rc;
}

vg_rc
lambda_get_function(struct vg_req *rq, const struct lambda_get_function_request *in,
                    struct lambda_get_function_response *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn, latest;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &fn);
    if (rc == VG_OK)
        rc = lambda_store_get(rq, name.name, LAMBDA_LATEST, &latest);
    if (rc != VG_OK)
        return rc;
    out->configuration = VG_NEW(rq->arena, struct lambda_function_configuration);
    lambda_config_render(rq, &fn, name.qualifier.ptr != NULL, out->configuration);
    out->code = VG_NEW(rq->arena, struct lambda_function_code_location);
    out->code->repository_type = VG_STR("S3");
    out->code->location = vg_str_fmt(
        rq->arena,
        "%" VG_FMT "/_virga/lambda/code/%" VG_FMT "/%" VG_FMT "/%" VG_FMT "/%" VG_FMT "/%" VG_FMT,
        VG_ARG(rq->env->config->endpoint), VG_ARG(rq->scope->owner), VG_ARG(rq->scope->region),
        VG_ARG(fn.name), VG_ARG(fn.version), VG_ARG(fn.code_id));
    if (latest.tags.len > 0) {
        out->tags.items = VG_NEW_ARRAY(rq->arena, struct lambda_tags__entry, latest.tags.len);
        for (size_t i = 0; i < latest.tags.len; i++)
            out->tags.items[out->tags.len++] =
                (struct lambda_tags__entry) { .key = latest.tags.items[i].key,
                                              .value = latest.tags.items[i].value };
    }
    if (latest.reserved.set) {
        out->concurrency = VG_NEW(rq->arena, struct lambda_concurrency);
        out->concurrency->reserved_concurrent_executions = latest.reserved;
    }
    return VG_OK;
}

vg_rc
lambda_list_functions(struct vg_req *rq, const struct lambda_list_functions_request *in,
                      struct lambda_list_functions_response *out)
{
    if (in->master_region.len > 0 && !vg_str_eq(in->master_region, VG_STR("ALL"))
        && !vg_str_eq(in->master_region, rq->scope->region))
        return VG_OK; /* Lambda@Edge replicas of another region: there are none */
    uint32_t max = VG_MIN((uint32_t)vg_opt_or(in->max_items, PAGE_DEFAULT), PAGE_DEFAULT);
    bool want_all = in->function_version.text.len > 0;
    struct lambda_rec_function *fns;
    size_t n;
    bool has_more;
    vg_rc rc = lambda_store_list(rq, in->marker.len > 0 ? in->marker : VG_STR_NONE, max, &fns, &n,
                                 &has_more);
    if (rc != VG_OK)
        return rc;
    VG_VEC(struct lambda_function_configuration) list = { 0 };
    for (size_t i = 0; i < n; i++) {
        struct lambda_rec_function *v = NULL;
        size_t n_versions = 0;
        bool more_versions;
        lambda_config_render(rq, &fns[i], want_all, VG_VEC_ADD(rq->arena, &list));
        if (want_all)
            rc = lambda_store_versions(rq, fns[i].name, 0, 1000, &v, &n_versions, &more_versions);
        if (rc != VG_OK)
            return rc;
        for (size_t k = 0; k < n_versions; k++)
            lambda_config_render(rq, &v[k], true, VG_VEC_ADD(rq->arena, &list));
    }
    out->functions.items = list.items;
    out->functions.len = list.len;
    out->functions.set = true;
    if (has_more && n > 0)
        out->next_marker = fns[n - 1].name;
    return VG_OK;
}

/* --- delete -------------------------------------------------------------------------------------
 */

static vg_rc VG_WAITS
delete_version(struct vg_req *rq, const struct lambda_name *name)
{
    struct lambda_rec_function fn;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = open_tx(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, name->name, name->qualifier, &fn);
    if (rc == VG_OK && !fn.name.ptr)
        return lambda_not_found(rq, lambda_arn(rq, name->name, name->qualifier));
    if (rc == VG_OK)
        rc = drop_code_unless_used(rq, tx, &fn);
    if (rc != VG_OK)
        return rc;
    lambda_store_del(rq, tx, name->name, name->qualifier);
    rc = vg_tx_commit(&tx, rq->err);
    if (rc == VG_OK)
        retire(rq, &fn);
    return rc;
}

static bool
is_first_of_code(const struct lambda_rec_function *all, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (vg_str_eq(all[j].code_id, all[i].code_id))
            return false;
    return true;
}

static vg_rc VG_WAITS
delete_all(struct vg_req *rq, struct vg_str name)
{
    struct lambda_rec_function *all;
    size_t n;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = open_tx(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_all(rq, tx, name, &all, &n);
    if (rc != VG_OK)
        return rc;
    if (n == 0)
        return lambda_not_found(rq, lambda_arn(rq, name, VG_STR_NONE));
    for (size_t i = 0; i < n; i++) {
        lambda_store_del(rq, tx, name, all[i].version);
        if (is_first_of_code(all, i))
            lambda_code_drop(rq, tx, &all[i]);
    }
    rc = vg_tx_commit(&tx, rq->err);
    if (rc == VG_OK)
        vg_sandboxes_retire(
            rq->env->sandboxes,
            vg_str_fmt(rq->arena, "%" VG_FMT ":", VG_ARG(lambda_arn(rq, name, VG_STR_NONE))));
    return rc;
}

vg_rc
lambda_delete_function(struct vg_req *rq, const struct lambda_delete_function_request *in,
                       struct lambda_delete_function_response *out)
{
    struct lambda_name name;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc != VG_OK)
        return rc;
    out->status_code = (struct vg_opt_i64) { true, 204 };
    if (!name.qualifier.ptr)
        return delete_all(rq, name.name);
    if (vg_str_eq(name.qualifier, LAMBDA_LATEST))
        return lambda_bad(rq, "$LATEST version cannot be deleted without deleting the function.");
    return delete_version(rq, &name);
}
