/* SPDX-License-Identifier: Apache-2.0 */
/* A function's configuration: what is checked, what is kept, how it is shown. */
#include "auth/auth.h"
#include "codec/time.h"
#include "core/env.h"
#include "crypto/random.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_int.h"

#include <sys/utsname.h>

struct vg_str
lambda_new_revision(struct vg_req *rq)
{
    return vg_random_uuid(rq->env->random, rq->arena);
}

/* --- checks -------------------------------------------------------------------------------------
 */

static vg_rc
not_here(struct vg_req *rq, const char *what)
{
    return lambda_bad(rq, "%s is not supported by this version of Virga.", what);
}

static vg_rc
refuse_logging(struct vg_req *rq, const struct lambda_logging_config *log)
{
    if (vg_str_eq(log->log_format.text, VG_STR("JSON")))
        return not_here(rq, "LoggingConfig.LogFormat JSON");
    if (log->application_log_level.text.len > 0 || log->system_log_level.text.len > 0)
        return lambda_bad(rq, "ApplicationLogLevel and SystemLogLevel can only be set when "
                              "LogFormat is JSON.");
    return VG_OK;
}

static bool
is_vpc_asked_for(const struct lambda_vpc_config *vpc)
{
    return vpc->subnet_ids.len > 0 || vpc->security_group_ids.len > 0
           || vg_opt_bool_or(vpc->ipv6_allowed_for_dual_stack, false);
}

/* What AWS has and we do not: refused, never ignored. An empty value asks for nothing. */
static vg_rc
refuse_unsupported(struct vg_req *rq, const struct lambda_update_function_configuration_request *in)
{
    if (in->vpc_config && is_vpc_asked_for(in->vpc_config))
        return not_here(rq, "VpcConfig");
    if (in->layers.len > 0)
        return not_here(rq, "Layers");
    if (in->file_system_configs.len > 0)
        return not_here(rq, "FileSystemConfigs");
    if (in->image_config)
        return not_here(rq, "ImageConfig");
    if (in->dead_letter_config && in->dead_letter_config->target_arn.len > 0)
        return not_here(rq, "DeadLetterConfig");
    if (in->kms_key_arn.len > 0)
        return not_here(rq, "KMSKeyArn");
    if (in->tracing_config && vg_str_eq(in->tracing_config->mode.text, VG_STR("Active")))
        return not_here(rq, "TracingConfig.Mode Active");
    if (in->snap_start && vg_str_eq(in->snap_start->apply_on.text, VG_STR("PublishedVersions")))
        return not_here(rq, "SnapStart");
    vg_rc rc = in->logging_config ? refuse_logging(rq, in->logging_config) : VG_OK;
    if (rc != VG_OK)
        return rc;
    if (in->capacity_provider_config)
        return not_here(rq, "CapacityProviderConfig");
    if (in->durable_config)
        return not_here(rq, "DurableConfig");
    if (in->runtime_config)
        return not_here(rq, "RuntimeConfig");
    return in->accelerator_config ? not_here(rq, "AcceleratorConfig") : VG_OK;
}

/* The model allows what only managed instances can have.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
static vg_rc
check_sizes(struct vg_req *rq, const struct lambda_update_function_configuration_request *in)
{
    static const char text[] =
        "1 validation error detected: Value '%lld' at '%s' failed to satisfy "
        "constraint: Member must have value less than or equal to %d";
    long long timeout = vg_opt_or(in->timeout, 0), memory = vg_opt_or(in->memory_size, 0);
    long long tmp = in->ephemeral_storage ? vg_opt_or(in->ephemeral_storage->size, 0) : 0;
    if (timeout > LAMBDA_LIMIT_TIMEOUT_S)
        return vg_fail_validation(rq, text, timeout, "timeout", LAMBDA_LIMIT_TIMEOUT_S);
    if (memory > LAMBDA_LIMIT_MEMORY_MB)
        return lambda_bad(rq,
                          "'MemorySize' value failed to satisfy constraint: Member must have value "
                          "less than or equal to %d",
                          LAMBDA_LIMIT_MEMORY_MB);
    if (tmp > LAMBDA_LIMIT_TMP_MB)
        return vg_fail_validation(rq, text, tmp, "ephemeralStorage.size", LAMBDA_LIMIT_TMP_MB);
    return VG_OK;
}

static const char *const reserved_env[] = {
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
};

static vg_rc
apply_env(struct vg_req *rq, const struct lambda_environment *env, struct lambda_rec_function *fn)
{
    size_t bytes = 0, n = env->variables.len;
    struct vg_buf reserved;
    vg_buf_init(&reserved, rq->arena, 4096);
    fn->env.len = 0;
    for (size_t i = 0; i < n; i++) {
        const struct lambda_environment_variables__entry *e = &env->variables.items[i];
        bytes += e->key.len + e->value.len;
        for (size_t k = 0; k < VG_COUNT(reserved_env); k++) {
            if (vg_str_eq(e->key, vg_str_of(reserved_env[k])))
                vg_buf_addf(&reserved, "%s%s", reserved.len ? ", " : "", reserved_env[k]);
        }
        if (memchr(e->value.ptr ? e->value.ptr : "", 0, e->value.len))
            return lambda_bad(rq, "Environment variables must not hold NUL characters.");
        *VG_VEC_ADD(rq->arena, &fn->env) =
            (struct lambda_rec_pair) { .key = e->key, .value = e->value };
    }
    if (reserved.len > 0)
        return lambda_bad(rq,
                          "Lambda was unable to configure your environment variables because the "
                          "environment variables you have provided contains reserved keys that are "
                          "currently not supported for modification. Reserved keys used in this "
                          "request: %" VG_FMT,
                          VG_ARG(vg_buf_str(&reserved)));
    if (bytes > LAMBDA_LIMIT_ENV_BYTES)
        return lambda_bad(rq,
                          "Lambda was unable to configure your environment variables because "
                          "the environment variables you have provided exceeded the 4KB limit.");
    fn->has_env = n > 0;
    return VG_OK;
}

/* The runtime must be one that can run here. */
static vg_rc VG_WAITS
apply_runtime(struct vg_req *rq, struct vg_str id, struct lambda_rec_function *fn)
{
    struct vg_runtime rt;
    struct vg_err err = { 0 };
    if (vg_runtime_find(rq->env->sandboxes, rq->arena, id, &rt, &err) != VG_OK)
        return lambda_bad(rq, "%" VG_FMT, VG_ARG(vg_err_text(&err)));
    fn->runtime = id;
    return VG_OK;
}

/* https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html */
static vg_rc VG_WAITS
apply_role(struct vg_req *rq, struct vg_str role, struct lambda_rec_function *fn)
{
    struct vg_credentials ignored;
    struct vg_err err = { 0 };
    if (vg_auth_issue_role_session(rq->env->auth, rq->sess, role, fn->name,
                                   VG_STR("lambda.amazonaws.com"), 900, &ignored, &err)
        != VG_OK)
        return lambda_bad(rq, "The role defined for the function cannot be assumed by Lambda.");
    fn->role = role;
    return VG_OK;
}

/* Machine code for another processor can not run; what is interpreted can. */
static vg_rc
check_machine(struct vg_req *rq, const struct lambda_rec_function *fn)
{
    struct utsname machine;
    bool is_arm = uname(&machine) == 0 && strcmp(machine.machine, "aarch64") == 0;
    bool wants_arm = vg_str_eq(fn->architecture, VG_STR("arm64"));
    if (is_arm != wants_arm && vg_str_starts(fn->runtime, VG_STR("provided")))
        return lambda_bad(rq, "The architecture %" VG_FMT " cannot run on this machine.",
                          VG_ARG(fn->architecture));
    return VG_OK;
}

vg_rc
lambda_check_architectures(struct vg_req *rq, const struct lambda_architectures_list *list,
                           struct lambda_rec_function *fn)
{
    if (list->len == 0)
        return VG_OK;
    fn->architecture = list->items[0].text;
    return check_machine(rq, fn);
}

vg_rc
lambda_config_apply(struct vg_req *rq,
                    const struct lambda_update_function_configuration_request *in,
                    struct lambda_rec_function *fn)
{
    vg_rc rc = check_sizes(rq, in);
    if (rc == VG_OK)
        rc = refuse_unsupported(rq, in);
    if (rc == VG_OK && in->runtime.text.ptr)
        rc = apply_runtime(rq, in->runtime.text, fn);
    /* CreateFunction, which has no code yet, checks it later. */
    if (rc == VG_OK && in->runtime.text.ptr && fn->code_id.len > 0)
        rc = check_machine(rq, fn);
    if (rc == VG_OK && in->role.ptr && !vg_str_eq(in->role, fn->role))
        rc = apply_role(rq, in->role, fn);
    if (rc == VG_OK && in->environment)
        rc = apply_env(rq, in->environment, fn);
    if (rc != VG_OK)
        return rc;
    if (in->handler.ptr)
        fn->handler = in->handler;
    if (in->description.ptr)
        fn->description = in->description;
    fn->timeout_s = (uint32_t)vg_opt_or(in->timeout, fn->timeout_s);
    fn->memory_mb = (uint32_t)vg_opt_or(in->memory_size, fn->memory_mb);
    if (in->ephemeral_storage)
        fn->tmp_mb = (uint32_t)vg_opt_or(in->ephemeral_storage->size, fn->tmp_mb);
    if (in->logging_config && in->logging_config->log_group.len > 0)
        fn->log_group = in->logging_config->log_group;
    return VG_OK;
}

vg_rc
lambda_check_tags(struct vg_req *rq, const struct lambda_tags *tags, struct lambda_rec_function *fn)
{
    for (size_t i = 0; i < tags->len; i++) {
        const struct lambda_tags__entry *t = &tags->items[i];
        size_t at = 0;
        if (t->key.len == 0 || vg_str_utf16_len(t->key) > 128 || vg_str_utf16_len(t->value) > 256)
            return lambda_bad(rq, "Tag keys have 1 to 128 characters, tag values at most 256.");
        if (vg_str_starts_nocase(t->key, VG_STR("aws:")))
            return lambda_bad(rq, "Tag keys must not begin with aws:.");
        while (at < fn->tags.len && !vg_str_eq(fn->tags.items[at].key, t->key))
            at++;
        if (at == fn->tags.len)
            *VG_VEC_ADD(rq->arena, &fn->tags) = (struct lambda_rec_pair) { .key = t->key };
        fn->tags.items[at].value = t->value;
    }
    if (fn->tags.len > LAMBDA_LIMIT_TAGS)
        return lambda_bad(rq, "Resource exceeds the limit of %d tags", LAMBDA_LIMIT_TAGS);
    return VG_OK;
}

/* --- as it is shown -----------------------------------------------------------------------------
 */

/* "2026-11-24T00:12:13.456+0000" */
static struct vg_str
modified_text(struct vg_arena *arena, int64_t ms)
{
    struct vg_str iso = vg_time_iso_ms(arena, ms);
    return vg_str_fmt(arena, "%" VG_FMT "+0000", VG_ARG(vg_str_slice(iso, 0, iso.len - 1)));
}

static void
render_env(struct vg_arena *arena, const struct lambda_rec_function *fn,
           struct lambda_function_configuration *out)
{
    if (!fn->has_env)
        return;
    out->environment = VG_NEW(arena, struct lambda_environment_response);
    struct lambda_environment_variables *v = &out->environment->variables;
    v->items = VG_NEW_ARRAY(arena, struct lambda_environment_variables__entry, fn->env.len);
    v->set = true;
    for (size_t i = 0; i < fn->env.len; i++)
        v->items[v->len++] =
            (struct lambda_environment_variables__entry) { .key = fn->env.items[i].key,
                                                           .value = fn->env.items[i].value };
}

/* Says what really runs, where that is not what was asked for. */
static void VG_WAITS
render_runtime(struct vg_req *rq, const struct lambda_rec_function *fn,
               struct lambda_function_configuration *out)
{
    struct vg_runtime rt;
    struct vg_err err = { 0 };
    if (vg_runtime_find(rq->env->sandboxes, rq->arena, fn->runtime, &rt, &err) != VG_OK)
        return;
    out->runtime_version_config = VG_NEW(rq->arena, struct lambda_runtime_version_config);
    out->runtime_version_config->runtime_version_arn =
        vg_str_fmt(rq->arena, "arn:%" VG_FMT ":lambda:%" VG_FMT "::runtime:%" VG_FMT,
                   VG_ARG(rq->scope->partition), VG_ARG(rq->scope->region), VG_ARG(rt.actual));
}

void
lambda_config_render(struct vg_req *rq, const struct lambda_rec_function *fn, bool is_qualified,
                     struct lambda_function_configuration *out)
{
    struct vg_arena *arena = rq->arena;
    out->function_name = fn->name;
    out->function_arn = lambda_arn(rq, fn->name, is_qualified ? fn->version : VG_STR_NONE);
    out->runtime.text = fn->runtime;
    out->role = fn->role;
    out->handler = fn->handler;
    out->code_size = (struct vg_opt_i64) { true, fn->code_bytes };
    out->description = fn->description.ptr ? fn->description : VG_STR("");
    out->timeout = (struct vg_opt_i64) { true, fn->timeout_s };
    out->memory_size = (struct vg_opt_i64) { true, fn->memory_mb };
    out->last_modified = modified_text(arena, fn->modified_ms);
    out->code_sha256 = fn->code_sha256;
    out->version = fn->version;
    out->tracing_config = VG_NEW(arena, struct lambda_tracing_config_response);
    out->tracing_config->mode.text = VG_STR("PassThrough");
    out->revision_id = fn->revision;
    out->state.text = VG_STR("Active");
    out->last_update_status.text = VG_STR("Successful");
    out->package_type.text = VG_STR("Zip");
    out->architectures.items = VG_NEW(arena, struct vg_enum);
    out->architectures.items[0].text = fn->architecture;
    out->architectures.len = 1;
    out->ephemeral_storage = VG_NEW(arena, struct lambda_ephemeral_storage);
    out->ephemeral_storage->size = (struct vg_opt_i64) { true, fn->tmp_mb };
    out->snap_start = VG_NEW(arena, struct lambda_snap_start_response);
    out->snap_start->apply_on.text = VG_STR("None");
    out->snap_start->optimization_status.text = VG_STR("Off");
    out->logging_config = VG_NEW(arena, struct lambda_logging_config);
    out->logging_config->log_format.text = VG_STR("Text");
    out->logging_config->log_group = fn->log_group;
    render_env(arena, fn, out);
    render_runtime(rq, fn, out);
}
