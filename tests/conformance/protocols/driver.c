/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays the server for run.py: a JSON object a line in, one out, ended by U+001E.
 *
 *   {"do":"decode","op":3,"method":…,"path":…,"query":…,"headers":[[n,v],…],"body":base64}
 *       -> {"value":{…}}                       the input by the model's names
 *   {"do":"encode","op":3,"value":{…}}
 *   {"do":"error","op":3,"error":"Name","message":…,"value":{…}}
 *       -> {"status":200,"headers":[[n,v],…],"body":base64}
 *   {"do":"route","method":…,"path":…,"query":…,"headers":…}         one of S3's operations
 *       -> {"name":"PutObject","labels":{"Bucket":…}}
 *   -> {"failed":code,"message":…}
 */
#include "tests/conformance/protocols/driver.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "codec/uri.h"
#include "wire/s3/ops.h"

#include <stdio.h>
#include <stdlib.h>

struct request {
    struct vg_str what, body, value, error, message;
    int64_t op;
    struct vg_wire_in in;
    VG_VEC(struct vg_http_header) headers;
};

static void
die(const char *why)
{
    fprintf(stderr, "driver: %s\n", why);
    exit(2);
}

static void
take_headers(struct vg_json *js, struct vg_arena *arena, struct request *rq)
{
    if (vg_json_next(js) != VG_JSON_ARRAY)
        die("headers");
    while (vg_json_next(js) == VG_JSON_ARRAY) {
        struct vg_http_header h;
        if (vg_json_next(js) != VG_JSON_STRING)
            die("header name");
        h.name = js->text;
        if (vg_json_next(js) != VG_JSON_STRING)
            die("header value");
        h.value = js->text;
        if (vg_json_next(js) != VG_JSON_ARRAY_END)
            die("header");
        *VG_VEC_ADD(arena, &rq->headers) = h;
    }
}

static void
take_field(struct vg_json *js, struct vg_arena *arena, struct request *rq)
{
    struct vg_str key = js->text;
    if (vg_str_eq(key, VG_STR("headers"))) {
        take_headers(js, arena, rq);
        return;
    }
    enum vg_json_tok tok = vg_json_next(js);
    if (vg_str_eq(key, VG_STR("value"))) {
        if (!vg_json_raw(js, tok, &rq->value))
            die("value");
        return;
    }
    static const struct {
        struct vg_str name;
        size_t at;
    } fields[] = {
        { VG_STR_INIT("do"), offsetof(struct request, what) },
        { VG_STR_INIT("error"), offsetof(struct request, error) },
        { VG_STR_INIT("message"), offsetof(struct request, message) },
        { VG_STR_INIT("body"), offsetof(struct request, body) },
        { VG_STR_INIT("method"), offsetof(struct request, in.method) },
        { VG_STR_INIT("path"), offsetof(struct request, in.path) },
        { VG_STR_INIT("query"), offsetof(struct request, in.query) },
    };
    for (size_t i = 0; i < VG_COUNT(fields); i++)
        if (vg_str_eq(key, fields[i].name))
            *(struct vg_str *)(void *)((char *)rq + fields[i].at) = js->text;
    if (vg_str_eq(key, VG_STR("op")) && !vg_str_to_i64(js->text, &rq->op))
        die("op");
}

static void
print_failure(const struct vg_err *err, struct vg_json_out *w)
{
    vg_jsonw_object(w);
    vg_jsonw_kv(w, VG_STR("failed"), err->def ? err->def->code : VG_STR("?"));
    vg_jsonw_kv(w, VG_STR("message"), vg_err_text(err));
    vg_jsonw_object_end(w);
}

static void
print_reply(const struct vg_wire_out *out, struct vg_arena *arena, struct vg_json_out *w)
{
    vg_jsonw_object(w);
    vg_jsonw_kv_i64(w, VG_STR("status"), out->status);
    vg_jsonw_key(w, VG_STR("headers"));
    vg_jsonw_array(w);
    for (size_t i = 0; i < out->headers.len; i++) {
        vg_jsonw_array(w);
        vg_jsonw_str(w, out->headers.items[i].name);
        vg_jsonw_str(w, out->headers.items[i].value);
        vg_jsonw_array_end(w);
    }
    vg_jsonw_array_end(w);
    vg_jsonw_kv(w, VG_STR("body"), vg_base64_encode(arena, vg_buf_str(&out->body)));
    vg_jsonw_object_end(w);
}

static void
decode(struct request *rq, const struct vg_wire_op *op, struct vg_arena *arena,
       struct vg_json_out *w)
{
    struct vg_err err = { 0 };
    rq->in.headers = rq->headers.items;
    rq->in.n_headers = rq->headers.len;
    if (!vg_base64_decode(arena, rq->body, &rq->in.body))
        die("body");
    void *value = op->in ? vg_arena_alloc(arena, op->in->size) : NULL;
    if (op->model->protocol == VG_PROTO_REST_JSON
        || op->model->protocol == VG_PROTO_REST_XML) { /* of this suite's operations alone */
        struct vg_routes *routes = vg_routes_new(op, 1);
        if (vg_routes_by_uri(routes, VG_STR_NONE, &rq->in) == NULL) {
            (void)vg_wire_fail(&err, arena, &vg_wire_internal, "no route");
            print_failure(&err, w);
            vg_routes_free(routes);
            return;
        }
        vg_routes_free(routes);
    }
    if (vg_wire_decode(op, &rq->in, arena, value, &err) != VG_OK) {
        print_failure(&err, w);
        return;
    }
    vg_jsonw_object(w);
    vg_jsonw_key(w, VG_STR("value"));
    w->need_comma = false;
    if (op->in)
        vg_wire_to_json(op->in, value, w->buf);
    else
        vg_buf_adds(w->buf, VG_STR("{}"));
    w->need_comma = true;
    vg_jsonw_object_end(w);
}

static void
route(struct request *rq, const struct vg_routes *s3, struct vg_arena *arena, struct vg_json_out *w)
{
    rq->in.headers = rq->headers.items;
    rq->in.n_headers = rq->headers.len;
    const struct vg_wire_op *op = vg_routes_by_uri(s3, VG_STR_NONE, &rq->in);
    vg_jsonw_object(w);
    vg_jsonw_kv(w, VG_STR("name"), op ? op->name : VG_STR(""));
    vg_jsonw_key(w, VG_STR("labels"));
    vg_jsonw_object(w);
    for (size_t i = 0; i < rq->in.n_labels; i++)
        vg_jsonw_kv(w, rq->in.labels[i].name, vg_uri_decode(arena, rq->in.labels[i].value, false));
    vg_jsonw_object_end(w);
    vg_jsonw_object_end(w);
}

static const struct vg_errdef *
find_error(struct vg_str api, struct vg_str name)
{
    for (size_t i = 0; i < n_case_errors; i++)
        if (vg_str_eq(case_errors[i].api, api) && vg_str_eq(case_errors[i].name, name))
            return case_errors[i].def;
    return NULL;
}

static void
encode(struct request *rq, const struct vg_wire_op *op, struct vg_arena *arena,
       struct vg_json_out *w)
{
    bool is_error = vg_str_eq(rq->what, VG_STR("error"));
    const struct vg_errdef *def = is_error ? find_error(op->model->endpoint, rq->error) : NULL;
    if (is_error && def == NULL)
        die("no such error");
    const struct vg_shape *shape = is_error ? def->shape : op->out;
    struct vg_err err = { 0 };
    void *value = shape ? vg_arena_alloc(arena, shape->size) : NULL;
    if (shape && vg_wire_from_json(shape, rq->value, arena, value, &err) != VG_OK) {
        print_failure(&err, w);
        return;
    }
    struct vg_wire_out out;
    if (is_error) {
        (void)vg_wire_fail(&err, arena, def, "%" VG_FMT, VG_ARG(rq->message));
        err.detail = value;
        vg_wire_encode_error(op->model, 0, &err, VG_STR("foo-id"), arena, &out);
    } else {
        vg_wire_encode(op, value, VG_STR("foo-id"), arena, &out);
    }
    print_reply(&out, arena, w);
}

static void
serve(const struct vg_routes *s3, struct vg_str line)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct request rq = { .op = -1 };
    struct vg_json js;
    vg_json_init(&js, line, arena);
    if (vg_json_next(&js) != VG_JSON_OBJECT)
        die("a line is not an object");
    while (vg_json_next(&js) == VG_JSON_KEY)
        take_field(&js, arena, &rq);
    bool is_route = vg_str_eq(rq.what, VG_STR("route"));
    if (!is_route && (rq.op < 0 || (size_t)rq.op >= n_case_ops))
        die("no such operation");
    struct vg_buf b;
    vg_buf_init(&b, arena, 1 << 20);
    struct vg_json_out w;
    vg_jsonw_init(&w, &b);
    if (is_route)
        route(&rq, s3, arena, &w);
    else if (vg_str_eq(rq.what, VG_STR("decode")))
        decode(&rq, &case_ops[rq.op], arena, &w);
    else
        encode(&rq, &case_ops[rq.op], arena, &w);
    printf("%" VG_FMT "\x1e", VG_ARG(vg_buf_str(&b))); /* documents hold line feeds */
}

int
main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    struct vg_routes *s3 = vg_routes_new(s3_wire_ops, s3_n_wire_ops);
    while ((n = getline(&line, &cap, stdin)) > 0)
        serve(s3, vg_str_n(line, (size_t)n));
    vg_routes_free(s3);
    free(line);
    return 0;
}
