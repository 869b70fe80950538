/* SPDX-License-Identifier: Apache-2.0 */
#include "core/authz.h"
#include "core/env.h"
#include "core/plane.h"
#include "http/server.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_check.h"
#include "store/blob.h"
#include "store/bound.h"

#include <stdlib.h>

#define CODE_PATH   VG_STR("/_virga/lambda/code/")
#define PIECE_BYTES (256u << 10)

/* --- downloads: what GetFunction's Code.Location points to; the id in it is the secret
 * ------------
 */

static bool
is_download(const struct vg_env *env, struct vg_str host, struct vg_str path)
{
    (void)env;
    (void)host;
    return vg_str_starts(path, CODE_PATH);
}

/* The package that <account>/<region>/<function>/<version>/<id> names; NULL when there is none. */
static struct vg_blob *VG_WAITS
find_package(struct vg_req *rq, struct vg_str path)
{
    struct vg_str account = vg_str_cut(&path, '/'), region = vg_str_cut(&path, '/');
    struct vg_str name = vg_str_cut(&path, '/'), version = vg_str_cut(&path, '/');
    struct vg_scope scope = *rq->scope;
    scope.owner = account;
    scope.region = region;
    struct vg_req of_owner = *rq;
    of_owner.scope = &scope;
    struct lambda_rec_function fn;
    struct vg_blob *zip = NULL;
    if (lambda_store_get(&of_owner, name, version, &fn) == VG_OK && fn.code_id.len > 0
        && vg_str_eq_secret(fn.code_id, path)
        && vg_blob_open(rq->env->blobs, fn.code_id, &zip, rq->err) == VG_OK)
        return zip;
    vg_err_clear(rq->err);
    return NULL;
}

static void VG_WAITS
send_package(struct vg_req *rq, struct vg_http_req *http, struct vg_blob *zip)
{
    const struct vg_http_header type = { VG_STR("Content-Type"), VG_STR("application/zip") };
    uint64_t size = vg_blob_size(zip);
    size_t n = 1;
    char *piece = vg_arena_alloc(rq->arena, PIECE_BYTES);
    vg_rc rc = vg_http_reply_begin(http, 200, &type, 1, (int64_t)size);
    for (uint64_t at = 0; rc == VG_OK && n > 0 && at < size; at += n) {
        rc = vg_blob_read(zip, at, piece, PIECE_BYTES, &n, rq->err);
        if (rc == VG_OK)
            rc = vg_http_reply_write(http, vg_str_n(piece, n));
    }
    vg_err_clear(rq->err); /* the client sees that there is too little */
    (void)!vg_http_reply_end(http);
}

static void VG_WAITS
serve_download(struct vg_req *rq, struct vg_http_req *http)
{
    struct vg_str path = vg_str_slice(http->path, CODE_PATH.len, http->path.len);
    vg_auto_blob struct vg_blob *zip = find_package(rq, path);
    if (vg_gate(rq) != VG_OK)
        return; /* the front door answers */
    if (zip)
        send_package(rq, http, zip);
    else
        (void)!vg_http_reply(http, 404, NULL, 0, VG_STR(""));
}

static const struct vg_plane planes[] = { { "lambda-code", is_download, serve_download } };

/* --- life ---------------------------------------------------------------------------------------
 */

static vg_rc
init(const struct vg_env *env, void **ret_svc, struct vg_err *err)
{
    struct lambda_svc *svc = vg_xalloc(sizeof(*svc));
    svc->env = env;
    vg_rc rc = lambda_code_open(svc, err);
    if (rc != VG_OK) {
        free(svc);
        return rc;
    }
    svc->bounds = vg_bounds_new(env->kv);
    pthread_mutex_init(&svc->lock, NULL);
    if (env->sandboxes)
        vg_sandboxes_on_logs(env->sandboxes, lambda_on_logs, svc);
    if (env->n_loops > 0)
        lambda_queue_start(svc);
    *ret_svc = svc;
    return VG_OK;
}

static void
fini(void *p)
{
    struct lambda_svc *svc = p;
    if (!svc)
        return;
    pthread_mutex_destroy(&svc->lock);
    lambda_line_sweep(&svc->lines, true);
    vg_bounds_free(svc->bounds);
    free(svc->code_dir);
    free(svc);
}

/* What the policy evaluator must know of a function. */
static vg_rc
resource(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    if (!lambda_name_parse(arn, &name))
        return VG_OK;
    vg_rc rc = lambda_store_get(rq, name.name, LAMBDA_LATEST, &fn);
    if (rc != VG_OK || !fn.name.ptr)
        return rc;
    ret->owner = name.account;
    ret->policy = lambda_policy_text(rq, &fn, name.qualifier);
    struct vg_tag *tags = VG_NEW_ARRAY(rq->arena, struct vg_tag, fn.tags.len + 1);
    for (size_t i = 0; i < fn.tags.len; i++)
        tags[i] = (struct vg_tag) { fn.tags.items[i].key, fn.tags.items[i].value };
    ret->tags = tags;
    ret->n_tags = fn.tags.len;
    return VG_OK;
}

const struct vg_service lambda_service = {
    .name = "lambda",
    .ops = lambda_ops,
    .planes = planes,
    .n_planes = VG_COUNT(planes),
    .init = init,
    .resource = resource,
    .check = lambda_check,
    .fini = fini,
};
