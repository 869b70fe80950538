/* SPDX-License-Identifier: Apache-2.0 */
#include "front/internal.h"

#include "auth/principal.h"
#include "base/limits.h"
#include "clock/clock.h"
#include "codec/json.h"
#include "core/plane.h"
#include "core/registry.h"
#include "http/server.h"
#include "os/clock.h"

#define PAGE_MAX_BYTES (64u << 20)
#define ADVANCE_MAX_MS (INT64_C(100) * 366 * 86400 * 1000) /* a century */

static const struct {
    struct vg_str path;
    bool is_signed;
} pages[] = {
    { VG_STR_INIT("/_virga/health"), false }, { VG_STR_INIT("/_localstack/health"), false },
    { VG_STR_INIT("/_virga/status"), true },  { VG_STR_INIT("/_virga/clock"), true },
    { VG_STR_INIT("/_virga/call"), true },
};

bool
vg_internal_match(struct vg_str path, bool *ret_is_signed)
{
    for (size_t i = 0; i < VG_COUNT(pages); i++) {
        if (vg_str_eq(path, pages[i].path)) {
            *ret_is_signed = pages[i].is_signed;
            return true;
        }
    }
    return false;
}

static void
say_error(struct vg_page_reply *ret, int status, struct vg_str code, struct vg_str message)
{
    ret->http_status = status;
    vg_buf_clear(&ret->body);
    struct vg_json_out w;
    vg_jsonw_init(&w, &ret->body);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("__type"), code);
    vg_jsonw_kv(&w, VG_STR("message"), message);
    vg_jsonw_object_end(&w);
}

/* Each service's name and `word`: what tools that wait for readiness look at. */
static void
say_services(struct vg_req *rq, struct vg_json_out *w, struct vg_str word)
{
    size_t n;
    const struct vg_service *const *services = vg_registry_services(rq->env->registry, &n);
    vg_jsonw_key(w, VG_STR("services"));
    vg_jsonw_object(w);
    for (size_t i = 0; i < n; i++)
        vg_jsonw_kv(w, vg_str_of(services[i]->name), word);
    vg_jsonw_object_end(w);
}

static void
say_health(struct vg_req *rq, struct vg_page_reply *ret, bool is_localstack_form)
{
    struct vg_json_out w;
    vg_jsonw_init(&w, &ret->body);
    vg_jsonw_object(&w);
    if (is_localstack_form)
        vg_jsonw_kv(&w, VG_STR("edition"), VG_STR("virga"));
    else
        vg_jsonw_kv(&w, VG_STR("status"), VG_STR("ok"));
    vg_jsonw_kv(&w, VG_STR("version"), VG_STR(VIRGA_VERSION));
    say_services(rq, &w, is_localstack_form ? VG_STR("running") : VG_STR("ok"));
    vg_jsonw_object_end(&w);
}

/* Operations of one service that are built, and all it models. */
static void
say_operations(struct vg_json_out *w, const struct vg_service *s)
{
    int64_t built = 0, all = 0;
    for (const struct vg_op *const *op = s->ops; *op; op++) {
        if ((*op)->flags & VG_OP_INTERNAL)
            continue;
        all++;
        built += (*op)->handler != NULL;
    }
    vg_jsonw_key(w, vg_str_of(s->name));
    vg_jsonw_object(w);
    vg_jsonw_kv_i64(w, VG_STR("operations_built"), built);
    vg_jsonw_kv_i64(w, VG_STR("operations_modelled"), all);
    vg_jsonw_object_end(w);
}

static void
say_status(struct vg_req *rq, struct vg_page_reply *ret)
{
    const struct vg_env *env = rq->env;
    struct vg_json_out w;
    vg_jsonw_init(&w, &ret->body);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("version"), VG_STR(VIRGA_VERSION));
    vg_jsonw_kv(&w, VG_STR("endpoint"), env->config->endpoint);
    vg_jsonw_kv(&w, VG_STR("account"), env->config->account);
    vg_jsonw_kv(&w, VG_STR("region"), env->config->region);
    vg_jsonw_kv(&w, VG_STR("data"),
                env->config->is_ephemeral ? VG_STR("(memory)") : env->config->data_dir);
    vg_jsonw_kv_i64(&w, VG_STR("up_ms"), vg_mono_ms() - env->started_ms);
    vg_jsonw_kv_i64(&w, VG_STR("loops"), (int64_t)env->n_loops);
    vg_jsonw_kv_i64(&w, VG_STR("connections"), (int64_t)vg_http_server_conns(env->http));
    vg_jsonw_kv_i64(&w, VG_STR("now_ms"), vg_now_ms(env));
    size_t n;
    const struct vg_service *const *services = vg_registry_services(env->registry, &n);
    vg_jsonw_key(&w, VG_STR("services"));
    vg_jsonw_object(&w);
    for (size_t i = 0; i < n; i++)
        say_operations(&w, services[i]);
    vg_jsonw_object_end(&w);
    vg_jsonw_object_end(&w);
}

static void
say_clock(struct vg_req *rq, struct vg_page_reply *ret)
{
    struct vg_json_out w;
    vg_jsonw_init(&w, &ret->body);
    vg_jsonw_object(&w);
    vg_jsonw_kv_i64(&w, VG_STR("now_ms"), vg_now_ms(rq->env));
    vg_jsonw_kv_i64(&w, VG_STR("wall_ms"), vg_wall_ms());
    vg_jsonw_key(&w, VG_STR("is_frozen"));
    vg_jsonw_bool(&w, vg_clock_is_frozen(rq->env->clock));
    vg_jsonw_object_end(&w);
}

/* The one member of {"advance_ms":…}, {"set_ms":…} or {"freeze":…}; false: anything else. */
static bool
parse_move(struct vg_req *rq, struct vg_str body, struct vg_str *ret_key, int64_t *ret_value)
{
    struct vg_json js;
    vg_json_init(&js, body, rq->arena);
    if (vg_json_next(&js) != VG_JSON_OBJECT || vg_json_next(&js) != VG_JSON_KEY)
        return false;
    *ret_key = js.text;
    enum vg_json_tok tok = vg_json_next(&js);
    if (vg_str_eq(*ret_key, VG_STR("freeze"))) {
        if (tok != VG_JSON_TRUE && tok != VG_JSON_FALSE)
            return false;
        *ret_value = tok == VG_JSON_TRUE;
    } else if (tok != VG_JSON_NUMBER || !vg_str_to_i64(js.text, ret_value)) {
        return false;
    }
    return vg_json_next(&js) == VG_JSON_OBJECT_END && vg_json_next(&js) == VG_JSON_END;
}

static void
move_clock(struct vg_req *rq, struct vg_str body, struct vg_page_reply *ret)
{
    struct vg_str key;
    int64_t v;
    struct vg_err err = { 0 };
    vg_rc rc;
    if (rq->scope->caller->kind != VG_PRINCIPAL_ROOT) {
        say_error(ret, 403, VG_STR("AccessDeniedException"),
                  VG_STR("Only the root key may move the clock."));
        return;
    }
    if (!parse_move(rq, body, &key, &v))
        rc = vg_err_set(&err, "one of advance_ms, set_ms and freeze is needed");
    else if (vg_str_eq(key, VG_STR("advance_ms")) && v <= ADVANCE_MAX_MS)
        rc = vg_clock_advance(rq->env->clock, rq->sess, v, &err);
    else if (vg_str_eq(key, VG_STR("set_ms")) && v <= vg_wall_ms() + ADVANCE_MAX_MS)
        rc = vg_clock_set(rq->env->clock, rq->sess, v, &err);
    else if (vg_str_eq(key, VG_STR("freeze")))
        rc = vg_clock_freeze(rq->env->clock, rq->sess, v == 1, &err);
    else
        rc = vg_err_set(&err, "that is no move of the clock within a century");
    if (rc == VG_OK)
        say_clock(rq, ret);
    else
        say_error(ret, 400, VG_STR("ValidationException"), vg_err_text(&err));
}

/* --- any operation by name
 * --------------------------------------------------------------------------- */

struct named_call {
    struct vg_str service, operation, input;
};

static bool
parse_call(struct vg_req *rq, struct vg_str body, struct named_call *ret)
{
    struct vg_json js;
    *ret = (struct named_call) { .input = VG_STR("{}") };
    vg_json_init(&js, body, rq->arena);
    if (vg_json_next(&js) != VG_JSON_OBJECT)
        return false;
    enum vg_json_tok tok;
    while ((tok = vg_json_next(&js)) == VG_JSON_KEY) {
        struct vg_str key = js.text;
        tok = vg_json_next(&js);
        if (vg_str_eq(key, VG_STR("input"))) {
            if (!vg_json_raw(&js, tok, &ret->input))
                return false;
        } else if (tok != VG_JSON_STRING) {
            return false;
        } else if (vg_str_eq(key, VG_STR("service"))) {
            ret->service = js.text;
        } else if (vg_str_eq(key, VG_STR("operation"))) {
            ret->operation = js.text;
        } else {
            return false;
        }
    }
    return tok == VG_JSON_OBJECT_END && vg_json_next(&js) == VG_JSON_END && ret->service.ptr
           && ret->operation.ptr;
}

static void
call_by_name(struct vg_req *rq, struct vg_str body, struct vg_page_reply *ret)
{
    struct named_call call;
    struct vg_str out;
    struct vg_err err = { 0 };
    if (!parse_call(rq, body, &call)) {
        say_error(ret, 400, VG_STR("SerializationException"),
                  VG_STR("{\"service\":…,\"operation\":…,\"input\":{…}} is needed"));
        return;
    }
    vg_rc rc = vg_call_named(rq, NULL, call.service, call.operation, call.input, &out, &err);
    if (rc == VG_OK) {
        ret->http_status = 200;
        vg_buf_adds(&ret->body, out);
    } else {
        const struct vg_errdef *def = err.def;
        say_error(ret, def && def->http_status ? def->http_status : 500,
                  def ? def->code : VG_STR("InternalFailure"), vg_err_text(&err));
    }
}

void
vg_internal_serve(struct vg_req *rq, struct vg_str method, struct vg_str path, struct vg_str body,
                  struct vg_page_reply *ret)
{
    bool is_post = vg_str_eq(method, VG_STR("POST"));
    bool is_get = vg_str_eq(method, VG_STR("GET")) || vg_str_eq(method, VG_STR("HEAD"));
    ret->http_status = 200;
    vg_buf_init(&ret->body, rq->arena, PAGE_MAX_BYTES);
    if (is_get && vg_str_ends(path, VG_STR("/health")))
        say_health(rq, ret, vg_str_starts(path, VG_STR("/_localstack")));
    else if (is_get && vg_str_eq(path, VG_STR("/_virga/status")))
        say_status(rq, ret);
    else if (is_get && vg_str_eq(path, VG_STR("/_virga/clock")))
        say_clock(rq, ret);
    else if (is_post && vg_str_eq(path, VG_STR("/_virga/clock")))
        move_clock(rq, body, ret);
    else if (is_post && vg_str_eq(path, VG_STR("/_virga/call")))
        call_by_name(rq, body, ret);
    else
        say_error(ret, 405, VG_STR("MethodNotAllowed"), VG_STR("This page has no such method."));
}
